"""What an op *is*: the declaration decorators, and the table ``OPS``.

An op is a pure function from JAX arrays to JAX arrays. Its annotations are the calling
convention; they are read as text, so op files start with ``from __future__ import annotations``:

============================  ==========================================================
``Array``                     run-time operand: a tensor (or a number, where PyTorch takes one)
``Array | None``              optional tensor
``Constant``                  a tensor that never gets a gradient, in PyTorch neither
``Sequence[Array]``           list of tensors
``Scalar``                    a Python number as run-time operand: a new value never recompiles
``Scalar | None``             optional number
anything else                 static: hashable, a new value is a new program
============================  ==========================================================
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import jax
import numpy as np

from .autocast_lists import policies_of
from .dtypes import ON_DEFAULT_CHANGE, dtype

Array: TypeAlias = jax.Array
Constant: TypeAlias = jax.Array
Scalar: TypeAlias = Any

EMPTY = inspect.Parameter.empty
ARRAY, ARRAYS, SCALAR, STATIC = "array", "arrays", "scalar", "static"
_KINDS = {
    "Array": (ARRAY, False),
    "Array | None": (ARRAY, True),
    "Constant": (ARRAY, False),
    "Sequence[Array]": (ARRAYS, False),
    "Sequence[Array] | None": (ARRAYS, True),
    "Sequence[Array | None]": (ARRAYS, False),
    "Scalar": (SCALAR, False),
    "Scalar | None": (SCALAR, True),
}


class Operand(Protocol):
    """How host code (``check``, ``prepare``, host ops) sees a tensor; only ``numpy()`` waits for it."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def ndim(self) -> int: ...
    @property
    def dtype(self) -> dtype: ...
    @property
    def device(self) -> Any: ...
    def numpy(self) -> np.ndarray: ...


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of an op, and how its argument travels."""

    name: str
    kind: str
    optional: bool
    default: Any
    keyword_only: bool
    annotation: str


@dataclass(eq=False, slots=True)
class OpDef:
    """An op's declaration; compared by identity. See ``op`` for the fields."""

    name: str
    fn: Callable[..., Any]
    params: tuple[Param, ...]
    namespaces: tuple[str, ...]
    method: bool
    inplace: bool
    out: bool
    promote: str
    aliases: tuple[str, ...]
    dunder: str | None
    returns: tuple[str, ...] | None
    layout: Callable[..., Any] | None
    prepare: Callable[..., Any] | None
    resolve: Callable[..., Any] | None
    check: Callable[..., Any] | None
    types: Callable[..., Any] | None
    grad_name: str | Callable[..., str] | None
    saves: str | None
    keeps: Sequence[str] | Callable[..., Sequence[str] | None] | None
    varargs: str | None
    creation: bool
    nondiff: bool | Sequence[int]
    promoted: tuple[str, ...] | None
    host: bool
    fill: bool
    options: str | None
    composed: Callable[..., Any] | None
    calls: dict[Any, Any] = field(default_factory=dict, repr=False)
    tables: dict[Any, dict[Any, Any]] = field(default_factory=dict, repr=False)  # calls by default dtype
    autocast: dict[str, str] | None = None  # what autocast does with it, by device type

    @property
    def array_params(self) -> tuple[Param, ...]:
        return tuple(p for p in self.params if p.kind != STATIC)

    @property
    def static_params(self) -> tuple[Param, ...]:
        return tuple(p for p in self.params if p.kind == STATIC)


OPS: dict[str, OpDef] = {}


def _change_default_dtype(before: Any, after: Any) -> None:
    if before is not after:
        for found in OPS.values():
            found.tables[before] = found.calls
            found.calls = found.tables.setdefault(after, {})


ON_DEFAULT_CHANGE.append(_change_default_dtype)

JOINT = ("input", "weight")  # ``keeps`` where one function of PyTorch makes all the gradients
PROMOTIONS = ("default", "float", "bool", "none")


def op(
    *,
    name: str | None = None,
    namespaces: Sequence[str] = ("torch",),
    method: bool = True,
    inplace: bool = False,
    out: bool = False,
    promote: str = "none",
    aliases: Sequence[str] = (),
    dunder: str | None = None,
    returns: Sequence[str] | None = None,
    layout: Callable[..., Any] | None = None,
    prepare: Callable[..., Any] | None = None,
    resolve: Callable[..., Any] | None = None,
    check: Callable[..., Any] | None = None,
    types: Callable[..., Any] | None = None,
    grad_name: str | Callable[..., str] | None = None,
    saves: str | None = None,
    keeps: Sequence[str] | Callable[..., Sequence[str] | None] | None = None,
    varargs: str | None = None,
    creation: bool = False,
    nondiff: bool | Sequence[int] = False,
    promoted: Sequence[str] | None = None,
    host: bool = False,
    fill: bool = False,
    options: str | None = None,
    composed: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declares the function below as an op and returns it unchanged, so that ops call each other.

    Args:
        name: the public name, where it can't be the function's (``linalg_norm`` is ``norm``): the
            function keeps a unique name; public spelling in each namespace is ``name``.
        namespaces: where the function appears: ``torch``, ``functional``, ``linalg``, ``fft``, ``special``.
        method: also ``Tensor.name``.
        inplace: also ``name_`` (method; in ``torch``/``functional`` where PyTorch has it).
        out: accepts ``out=``.
        promote: ``default`` casts operands to their common dtype first; ``float`` also turns
            integers into the default float; ``bool`` is ``default`` with a bool result;
            ``none`` leaves operands as they are (numbers become 0-d arrays of their own dtype).
        aliases: other names of the same function, as ``name`` or ``namespace.name``.
        dunder: operator: ``add`` gives ``__add__``, ``__radd__``, ``__iadd__``.
        returns: field names of a named-tuple result.
        layout: makes it a view: ``layout(shape, strides, offset, *static args)`` gives the result's
            (shape, strides, offset), in elements.
        prepare: host work before the op, ``prepare(args: dict) -> dict`` of replaced or added
            arguments (see ``Prepared``): looks at values or draws random numbers.
        resolve: ``resolve(args, kwargs) -> (op name, args, kwargs)`` for PyTorch's overloads.
        check: ``check(args: dict)`` on the host, with operands' values, before the op: index ranges.
        types: ``types(slots: dict)``, once per signature: what the operands are as given, before
            promotion: each an aval (``dtype``, ``shape``), a number's type, or None.
        grad_name: PyTorch's node name without ``Backward0`` or with its own number
            (``"PowBackward1"``), or a function of the bound arguments that gives it.
        saves: ``"result"`` if PyTorch's backward uses the result instead of the inputs, ``"none"``
            if nothing; decides only which in-place writes spoil the backward.
        keeps: the operands that the gradient depends on to autograd, where tracing finds others: PyTorch's
            backward of a mean takes the input (``("input",)``), that of a maximum only looks which it was
            (``()``); or a function of the bound arguments, whose None leaves it to tracing.
        varargs: a static parameter that may be spelled as ``*args`` (``x.permute(0, 1)``).
        creation: makes a tensor from statics: takes ``dtype device requires_grad layout pin_memory``.
        nondiff: the result never requires grad; or the places of those results that never do.
        promoted: the ``Array`` parameters that take part in promotion; all of them if not given.
        host: runs at once in NumPy: its arrays arrive as ``Operand`` and it returns ``np.ndarray``
            (results whose shape depends on values, creation, random numbers).
        fill: a host op that makes new contents for ``self``; only the method of that name.
        options: key of the compiler options that the platform table has for such ops (``"conv"``).
        composed: ``composed(invoke, args)`` of tensors, asked first: the result as the input itself or
            as what other ops make, where it shares memory with the input; NotImplemented to go on.
    """
    if promote not in PROMOTIONS:
        raise ValueError(f"promote must be one of {PROMOTIONS}, got {promote!r}")

    def declare(fn: Callable[..., Any]) -> Callable[..., Any]:
        found = OpDef(
            name or fn.__name__, fn, _params(fn), tuple(namespaces), method, inplace, out, promote,
            tuple(aliases), dunder, None if returns is None else tuple(returns), layout, prepare,
            resolve, check, types, grad_name, saves, keeps, varargs, creation, nondiff,
            None if promoted is None else tuple(promoted), host or creation or fill, fill, options,
            composed,
        )  # fmt: skip
        found.autocast = policies_of(found.namespaces, found.name)
        key = fn.__name__
        if key in OPS:
            first = inspect.getsourcefile(OPS[key].fn)
            raise ValueError(
                f"op {key!r} is declared twice: in {first} and {inspect.getsourcefile(fn)}"
            )
        OPS[key] = found
        return fn

    return declare


def _params(fn: Callable[..., Any]) -> tuple[Param, ...]:
    """Read off the code object: ``inspect.signature`` would double the import time of the chapters."""
    fn = inspect.unwrap(fn)
    code, notes = fn.__code__, fn.__annotations__
    count, defaults = code.co_argcount, fn.__defaults__ or ()
    named = fn.__kwdefaults__ or {}
    found = []
    for i, name in enumerate(code.co_varnames[: count + code.co_kwonlyargcount]):
        is_keyword = i >= count
        at = i - count + len(defaults)
        default = named.get(name, EMPTY) if is_keyword else defaults[at] if at >= 0 else EMPTY
        note = notes.get(name, "")
        text = note if isinstance(note, str) else getattr(note, "__name__", "")
        kind, optional = _KINDS.get(text, (STATIC, False))
        found.append(Param(name, kind, optional, default, is_keyword, text))
    return tuple(found)


def _preset(**fixed: Any) -> Callable[..., Any]:
    def preset(**knobs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        return op(**{**fixed, **knobs})

    return preset


unary = _preset(inplace=True, out=True, promote="default")
binary = _preset(inplace=True, out=True, promote="default")
reduction = _preset(out=True)
scan = _preset(out=True)
creation = _preset(creation=True, method=False, out=True, nondiff=True)
random = _preset(creation=True, method=False, out=True, nondiff=True)
fill = _preset(fill=True, nondiff=True, namespaces=())


def view(layout: Callable[..., Any], **knobs: Any) -> Callable[..., Any]:
    """A view op; see ``op(layout=...)``."""
    return op(layout=layout, **knobs)
