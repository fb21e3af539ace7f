"""PyTorch's ``op_db`` as rows for torchlike: what to call, on which samples, how close it must be."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

from ..compare import Tolerance, dtype_name, leaves, tree_map

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

SEED = 0
# Ops about the storage behind a tensor: their views are rebuilt instead of being made contiguous
STORAGE_OPS = {"as_strided", "as_strided_copy", "as_strided_scatter"}
# Rows that call something else than public functions of torch
NOT_PUBLIC = {
    "max_pool2d_with_indices_backward": "calls torch.ops.aten",
    "slice": "only torch.ops.aten.slice",
}
# Rows whose lambda calls a different function than their name says
_MISNAMED = {"rand_like"}


class NotPublic(Exception):
    """The row does not test public API of torch."""


@dataclasses.dataclass
class Sample:
    """One call: ``fn(input, *args, **kwargs)``; calls get copies, so it stays as it was drawn."""

    input: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    process: Callable[[Any], Any] | None = None  # what of the result has a well-defined gradient
    broadcasts: bool = False

    @property
    def inputs(self) -> tuple[Any, ...]:
        return self.input, self.args, self.kwargs

    def fresh(self, keep_storage: bool = False) -> tuple[Any, ...]:
        """Independent, contiguous copies; a tensor that appears twice stays one tensor."""
        memo: dict[int, Any] = {}

        def leaf(x: Any) -> Any:
            if isinstance(x, torch.Tensor):
                if id(x) not in memo:
                    memo[id(x)] = _copied(x, keep_storage)
                return memo[id(x)]
            if isinstance(x, torch.Generator):
                return torch.Generator().manual_seed(x.initial_seed())
            return x

        return tree_map(leaf, self.inputs)


def whole_storage(t: torch.Tensor) -> torch.Tensor:
    """The storage behind ``t`` as a flat tensor."""
    t = t.detach()
    return t.as_strided((t.untyped_storage().nbytes() // t.element_size(),), (1,), 0)


def _copied(t: torch.Tensor, keep_storage: bool) -> torch.Tensor:
    if t.layout is not torch.strided or t.device.type == "meta":
        return t.detach().clone().requires_grad_(t.requires_grad)
    if keep_storage:
        made = whole_storage(t).clone().as_strided(t.size(), t.stride(), t.storage_offset())
    else:
        made = t.detach().resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format)
    if isinstance(t, torch.nn.Parameter):
        return torch.nn.Parameter(made, requires_grad=t.requires_grad)
    return made.requires_grad_(t.requires_grad)


class Row:
    """One entry of ``op_db``."""

    def __init__(self, info: Any, name: str) -> None:
        self.info = info
        self.name = name
        self.path, self.on = _target(info)

    def __repr__(self) -> str:
        return self.name

    @property
    def keep_storage(self) -> bool:
        return self.info.name in STORAGE_OPS

    @functools.cached_property
    def tolerance(self) -> Tolerance:
        return _tolerance(self.info)

    def dtypes(self, wanted: tuple[str, ...]) -> list[torch.dtype]:
        """Those of ``wanted`` that PyTorch's CPU kernels take; else the first that they take."""
        supported = self.info.supported_dtypes("cpu")
        found = [getattr(torch, n) for n in wanted if getattr(torch, n) in supported]
        return found or sorted(supported, key=str)[:1]

    def has_gradient(self, dtype: torch.dtype) -> bool:
        of_values = dtype.is_floating_point or dtype.is_complex
        return of_values and dtype in self.info.supported_backward_dtypes("cpu")

    def samples(self, dtype: torch.dtype) -> Iterator[Sample]:
        """All samples of the database, drawn from one seed."""
        torch.manual_seed(SEED)
        for s in self.info.sample_inputs("cpu", dtype, requires_grad=self.has_gradient(dtype)):
            process = s.output_process_fn_grad
            if "SampleInput.__init__" in getattr(process, "__qualname__", ""):
                process = None
            yield Sample(s.input, tuple(s.args), dict(s.kwargs), process, s.broadcasts_input)

    def spread(self, dtype: torch.dtype, count: int) -> list[Sample]:
        """Some samples, evenly over all of them: the first is plain, the last have odd options."""
        found = list(self.samples(dtype))
        if len(found) <= count:
            return found
        return [found[round(k * (len(found) - 1) / max(count - 1, 1))] for k in range(count)]

    def quick_sample(self, dtype: torch.dtype) -> Sample | None:
        """A small one with something in it: the first of the first few that has 2 to 200 elements."""
        first = None
        for i, s in enumerate(self.samples(dtype)):
            size = sum(x.numel() for x in leaves(s.inputs) if isinstance(x, torch.Tensor))
            first = first or s
            if 2 <= size <= 200:
                return s
            if i == 8:
                break
        return first

    def errors(self) -> Iterator[Sample]:
        """Calls that PyTorch refuses."""
        if self.info.error_inputs_func is not None:
            torch.manual_seed(SEED)
            for e in self.info.error_inputs("cpu"):
                s = e.sample_input
                yield Sample(s.input, tuple(s.args), dict(s.kwargs))

    def variants(self) -> Iterator[tuple[str, str, Callable[[Any], Any]]]:
        """(kind, name, how to get it from a library) of method, in-place form, aliases, operators."""
        method = _variant(self.info.get_method())
        if method is not None and not is_method(self.info.op):
            yield "method", *method
        inplace = _variant(self.info.get_inplace())
        if inplace is not None:
            yield "in place", *inplace
        for alias in self.info.aliases or ():
            yield "alias", alias.name, functools.partial(resolve, path=alias.name)
        for kind, fn in (
            ("operator", self.info.operator_variant),
            ("in place", self.info.inplace_operator_variant),
        ):
            if fn is not None:
                yield kind, f"operator.{fn.__name__}", lambda library, fn=fn: fn


# --- names ---------------------------------------------------------------------------------------


def resolve(library: Any, path: str) -> Any:
    """``library.path``, importing submodules on the way.

    Raises:
        AttributeError: there is none.
    """
    found = library
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            if not isinstance(found, types.ModuleType):
                raise
            try:
                found = importlib.import_module(f"{found.__name__}.{part}")
            except ImportError as error:
                raise AttributeError(f"{found.__name__} has no {part!r}") from error
    return found


def is_method(fn: Any) -> bool:
    return isinstance(fn, (types.MethodDescriptorType, types.WrapperDescriptorType)) or (
        isinstance(fn, types.FunctionType) and fn.__module__ == "torch._tensor"
    )


def _is_lambda(fn: Any) -> bool:
    return isinstance(fn, types.FunctionType) and (fn.__module__ or "").startswith("torch.testing")


def _method_of(library: Any, name: str) -> Callable[..., Any]:
    getattr(library.Tensor, name)

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(x, name)(*args, **kwargs)

    return call


def _target(info: Any) -> tuple[str, Callable[[Any], Any]]:
    """The public name behind a row, and how to get it from a library.

    Raises:
        NotPublic: there is none.
    """
    fn, name = info.op, info.name
    last = name.rpartition(".")[2]
    why = NOT_PUBLIC.get(info.full_name) or NOT_PUBLIC.get(name)
    if why is not None:
        raise NotPublic(why)
    if last.startswith("_") and not last.startswith("__"):
        raise NotPublic("a private name")
    if name.startswith("torch.") or type(fn).__name__ in ("OpOverload", "OpOverloadPacket"):
        raise NotPublic("an overload of torch.ops")
    if type(fn).__name__ == "_JittedFunction":
        raise NotPublic("CUDA's jiterator")
    if is_method(fn):
        return f"Tensor.{fn.__name__}", lambda library: _method_of(library, fn.__name__)
    if _is_lambda(fn) and name not in _MISNAMED:
        if "ops" in fn.__code__.co_names:
            raise NotPublic("calls torch.ops")
        path = _lambda_path(info)

        def on(library: Any) -> Any:
            resolve(library, path)
            return rebound(fn, library)

        return path, on
    if name not in _MISNAMED and resolve(torch, name) is not fn:
        raise NotPublic(f"is not torch.{name}")
    return name, functools.partial(resolve, path=name)


def _lambda_path(info: Any) -> str:
    """The public name that the row's lambda leads to."""
    names = [n for n in info.op.__code__.co_names if n != "wrapper_set_seed"]
    if "torch" not in names:
        return f"Tensor.{names[-1]}" if names else info.name
    path = ""
    for part in names[names.index("torch") + 1 :]:
        longer = f"{path}.{part}" if path else part
        try:
            resolve(torch, longer)
        except AttributeError:
            break
        path = longer
    return path


def rebound(fn: types.FunctionType, library: Any, seen: dict[Any, Any] | None = None) -> Any:
    """A copy of PyTorch's test function ``fn`` whose global ``torch`` is ``library``."""
    seen = {} if seen is None else seen
    if fn in seen:
        return seen[fn]
    scope = dict(fn.__globals__)
    scope["torch"] = library
    made = types.FunctionType(fn.__code__, scope, fn.__name__, fn.__defaults__, fn.__closure__)
    made.__kwdefaults__ = fn.__kwdefaults__
    seen[fn] = made
    for name in fn.__code__.co_names:
        helper = scope.get(name)
        if name == "wrapper_set_seed":
            scope[name] = lambda op, *args, **kwargs: op(*args, **kwargs)
        elif _is_lambda(helper):
            scope[name] = rebound(helper, library, seen)
    return made


@functools.cache
def _public_functions() -> dict[int, str]:
    found = {}
    for prefix in ("nn.functional", "special", "linalg", "fft", ""):
        module = resolve(torch, prefix) if prefix else torch
        for name in dir(module):
            if callable(getattr(module, name, None)) and not name.startswith("_"):
                found[id(getattr(module, name))] = f"{prefix}.{name}".lstrip(".")
    return found


def _variant(fn: Any) -> tuple[str, Callable[[Any], Any]] | None:
    if fn is None:
        return None
    if _is_lambda(fn):
        return (
            None
            if "ops" in fn.__code__.co_names
            else ("lambda", lambda library: rebound(fn, library))
        )
    if is_method(fn):
        return f"Tensor.{fn.__name__}", lambda library: _method_of(library, fn.__name__)
    partial = isinstance(fn, functools.partial)  # partial(F.mish, inplace=True)
    path = _public_functions().get(id(fn.func if partial else fn))
    if path is None:
        return None
    fixed = fn.keywords if partial else {}
    return path, lambda library: functools.partial(resolve(library, path), **fixed)


def _tolerance(info: Any) -> Tolerance:
    """The row's own overrides (other than those for MPS)."""
    found: dict[str, tuple[float, float]] = {}
    for item in info.decorators:
        if (
            getattr(item, "device_type", None) == "mps"
            or getattr(item, "test_name", "") == "test_numpy_ref_mps"
        ):
            continue
        for decorator in getattr(item, "decorators", [item]):
            table = getattr(decorator, "d", None)
            for dtype, value in table.items() if isinstance(table, dict) else ():
                atol, rtol = (
                    (value.atol, value.rtol) if hasattr(value, "atol") else (float(value), 0.0)
                )
                r, a = found.get(dtype_name(dtype), (0.0, 0.0))
                found[dtype_name(dtype)] = max(r, rtol), max(a, atol)
    elementwise = type(info).__name__ in ("UnaryUfuncInfo", "BinaryUfuncInfo")
    return Tolerance(tuple((d, r, a) for d, (r, a) in found.items()), 1.0, not elementwise)


@functools.cache
def rows() -> dict[str, Row]:
    """Every row that tests public functions, by its unique name."""
    found: dict[str, Row] = {}
    for info in op_db:
        name, n = info.full_name, 2
        while name in found:
            name, n = f"{info.full_name}#{n}", n + 1
        try:
            found[name] = Row(info, name)
        except NotPublic:
            continue
    return found
