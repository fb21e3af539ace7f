"""``assert_close``: equal within a tolerance, and told where it is not."""

from __future__ import annotations

import cmath
import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..api import torch as T
from ..core import dtypes, toplevel
from ..core.build import as_tensor, tensor as T_tensor
from ..core.constants import strided
from ..core.dtypes import FLOATING, dtype
from ..core.tensor import Tensor

Message = str | Callable[[str], str] | None
# dtype -> (rtol, atol); others are compared exactly
_TOLERANCES = {
    "float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7),
}  # fmt: skip
_OLD_TOLERANCES = {"float16": (1e-3, 1e-3), "float32": (1e-4, 1e-5), "float64": (1e-5, 1e-8)}
_NUMBERS = {int: dtypes.int64, float: dtypes.float64, complex: dtypes.complex128}


@dataclass(frozen=True)
class _Rules:
    """The keyword arguments of ``assert_close``."""

    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool

    def tolerances(self, *of: dtype) -> tuple[float, float]:
        """The given ones, or the loosest default of the dtypes."""
        if (self.rtol is None) != (self.atol is None):
            missing = "rtol" if self.rtol is None else "atol"
            raise ValueError(
                f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}."
            )
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        known = [_TOLERANCES.get(d.name, (0.0, 0.0)) for d in of]
        return max(r for r, _ in known), max(a for _, a in known)


Place = tuple[Any, ...]  # the indices and keys that lead to an item


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None,
    atol: float | None = None, equal_nan: bool = False, check_device: bool = True,
    check_dtype: bool = True, check_layout: bool = True, check_stride: bool = False, msg: Message = None,
) -> None:  # fmt: skip
    """``|actual - expected| <= atol + rtol |expected|`` everywhere, in sequences and mappings too.

    Raises:
        AssertionError: it is not so; the message says where and by how much.
        TypeError: the two cannot be compared.
        ValueError: only one tolerance is given.
    """
    __tracebackhide__ = True
    rules = _Rules(
        allow_subclasses, rtol, atol, equal_nan, check_device, check_dtype, check_layout, check_stride
    )  # fmt: skip
    checks: list[tuple[Place, Callable[[], str | None]]] = []
    place: Place = ()
    try:
        for place, one, other in _items(actual, expected, ()):
            checks.append((place, _comparison(one, other, rules)))
    except _Mismatch as error:
        raise AssertionError(_worded(str(error), error.place, None)) from None
    except (TypeError, ValueError) as error:
        raise type(error)(_worded(str(error), place, None)) from None
    for where, check in checks:
        found = check()
        if found is not None:
            raise AssertionError(_worded(found, where, msg))


def _worded(text: str, place: Place, msg: Message) -> str:
    if isinstance(msg, str):
        return msg
    if place:
        at = "".join(str([step]) for step in place)
        text += f"\n\nThe failure occurred for item {at}"
    return text if msg is None else msg(text)


class _Mismatch(Exception):
    """Two containers of different structure."""

    def __init__(self, text: str, place: Place) -> None:
        super().__init__(text)
        self.place = place


def _items(actual: Any, expected: Any, place: Place) -> Iterator[tuple[Place, Any, Any]]:
    """The pairs to compare, with where they are."""
    pair = (actual, expected)
    if all(isinstance(x, Sequence) and not isinstance(x, str) for x in pair):
        if len(actual) != len(expected):
            raise _Mismatch(
                f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", place
            )
        for i, (one, other) in enumerate(zip(actual, expected, strict=True)):
            yield from _items(one, other, (*place, i))
    elif all(isinstance(x, Mapping) for x in pair):
        mine, theirs = set(actual), set(expected)
        if mine != theirs:
            raise _Mismatch(
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(theirs - mine)}\n"
                f"Additional keys in the actual mapping: {sorted(mine - theirs)}", place,
            )  # fmt: skip
        keys: Any = mine
        with contextlib.suppress(TypeError):
            keys = sorted(mine)
        for key in keys:
            yield from _items(actual[key], expected[key], (*place, key))
    else:
        yield place, actual, expected


def _comparison(actual: Any, expected: Any, rules: _Rules) -> Callable[[], str | None]:
    """What compares two items: it gives the mismatch's description, or None.

    Raises:
        TypeError: nothing does.
    """
    pair = (actual, expected)
    if actual is None or expected is None:
        return lambda: None if actual is expected else f"None mismatch: {actual} is not {expected}"
    if all(isinstance(x, (bool, np.bool_)) for x in pair):
        one, other = bool(actual), bool(expected)
        return lambda: None if one is other else f"Booleans mismatch: {one} is not {other}"
    if all(isinstance(x, (int, float, complex, np.number)) for x in pair):
        numbers = [x.item() if isinstance(x, np.number) else x for x in pair]
        limits = rules.tolerances(*[_NUMBERS[type(x)] for x in numbers])
        return lambda: _compare_numbers(numbers[0], numbers[1], rules, limits)
    tensors = [_tensor(x) for x in pair] if _are_related(actual, expected, rules) else [None]
    if None in tensors:
        raise TypeError(
            f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
        )
    a, b = tensors
    assert a is not None
    assert b is not None
    limits = rules.tolerances(a.dtype, b.dtype)
    return lambda: _compare_tensors(a, b, rules, limits)


def _are_related(actual: Any, expected: Any, rules: _Rules) -> bool:
    if not rules.allow_subclasses:
        return type(actual) is type(expected)
    return isinstance(actual, type(expected)) or isinstance(expected, type(actual))


def _tensor(x: Any) -> Tensor | None:
    if isinstance(x, Tensor):
        return x
    try:
        return as_tensor(x)
    except Exception:  # whatever a foreign object's conversion may raise
        return None


def _compare_numbers(
    actual: Any, expected: Any, rules: _Rules, limits: tuple[float, float]
) -> str | None:
    if rules.check_dtype and type(actual) is not type(expected):
        return f"The (d)types do not match: {type(actual)} != {type(expected)}."
    if actual == expected or rules.equal_nan and cmath.isnan(actual) and cmath.isnan(expected):
        return None
    difference = abs(actual - expected)
    if cmath.isfinite(difference) and difference <= limits[1] + limits[0] * abs(expected):
        return None
    return _scalar_text(actual, expected, limits, "Scalars")


def _compare_tensors(
    a: Tensor, b: Tensor, rules: _Rules, limits: tuple[float, float]
) -> str | None:
    text = _compare_attributes(a, b, rules)
    if text is not None or "meta" in (a.device.type, b.device.type):
        return text
    if a.device != b.device:
        a, b = a.cpu(), b.cpu()  # type: ignore[attr-defined]
    if a.dtype is not b.dtype:
        signed = [dtypes.int64 if t.dtype.name in ("uint64", "uint32", "uint16") else t.dtype for t in (a, b)]
        common = toplevel.promote_types(*signed)
        a, b = a.to(common), b.to(common)  # type: ignore[attr-defined]
    if a.layout is not b.layout:
        a, b = (t if t.layout is strided else t.to_dense() for t in (a, b))
    for one, other, name, exact in _parts(a, b):
        if isinstance(one, int):
            text = None if one == other else f"{name} does not match: {one} != {other}"
        elif one.dtype.itemsize == 1 and one.dtype.category == FLOATING and limits != (0.0, 0.0):
            text = (
                f"Rtol={limits[0]} and atol={limits[1]} are not supported for bitwise comparison of low "
                "dimensional floats. Please use rtol=0.0 and atol=0.0."
            )
        else:
            text = _compare_values(one, other, rules, (0, 0) if exact else limits, name)
        if text is not None:
            return text
    return None


def _compare_attributes(a: Tensor, b: Tensor, rules: _Rules) -> str | None:
    wanted = [("shape", True), ("layout", rules.check_layout), ("stride()", rules.check_stride),
              ("device", rules.check_device), ("dtype", rules.check_dtype)]  # fmt: skip
    for name, is_wanted in wanted:
        if not is_wanted or name == "stride()" and not a.layout is b.layout is strided:
            continue
        mine, theirs = (t.stride() if name == "stride()" else getattr(t, name) for t in (a, b))
        if mine != theirs:
            return f"The values for attribute '{name}' do not match: {mine} != {theirs}."
    return None


_COMPRESSED = {"csr": ("crow_indices", "col_indices"), "csc": ("ccol_indices", "row_indices"),
               "bsr": ("crow_indices", "col_indices"), "bsc": ("ccol_indices", "row_indices")}  # fmt: skip


def _parts(a: Any, b: Any) -> Iterator[tuple[Any, Any, str, bool]]:
    """What two tensors of one layout consist of: both, its name, whether it must be equal."""
    kind = repr(a.layout).rpartition("_")[2]
    if a.layout is strided:
        yield a, b, "Tensor-likes", False
        return
    form = kind.upper()
    counts = f"The number of specified values in sparse {form} tensors"
    if kind == "coo":
        dims = a.sparse_dim(), b.sparse_dim()
        yield *dims, "The number of sparse dimensions in sparse COO tensors", True
        yield a._nnz(), b._nnz(), counts, True
        yield a._indices(), b._indices(), "Sparse COO indices", True
        yield a._values(), b._values(), "Sparse COO values", False
        return
    yield a._nnz(), b._nnz(), counts, True
    for name in _COMPRESSED[kind]:
        yield getattr(a, name)(), getattr(b, name)(), f"Sparse {form} {name}", True
    yield a.values(), b.values(), f"Sparse {form} values", False


def _compare_values(
    a: Any, b: Any, rules: _Rules, limits: tuple[float, float], name: str
) -> str | None:
    close = T.isclose(a, b, rtol=limits[0], atol=limits[1], equal_nan=rules.equal_nan)
    if T.all(close):
        return None
    if a.ndim == 0:
        return _scalar_text(a.item(), b.item(), limits, "Scalars" if name == "Tensor-likes" else name)
    return _tensor_text(a.detach(), b.detach(), close, limits, name)


def _scalar_text(actual: Any, expected: Any, limits: tuple[float, float], name: str) -> str:
    difference = abs(actual - expected)
    relative = float("inf") if expected == 0 else difference / abs(expected)
    extra = f"Expected {expected} but got {actual}."
    return _text(name, extra, [("Absolute", difference, None), ("Relative", relative, None)], limits)


def _tensor_text(a: Any, b: Any, close: Any, limits: tuple[float, float], name: str) -> str:
    count = close.numel()
    wrong = count - int(close.sum())
    extra = f"Mismatched elements: {wrong} / {count} ({wrong / count:.1%})"
    if a.dtype.itemsize == 1 and a.dtype.category == FLOATING:
        first = tuple(int(i) for i in (~close).nonzero()[0])
        return f"{name} are not 'equal'!\n\n{extra}\nThe first mismatched element is at index {first}."
    if a.dtype.category < FLOATING:  # integers wrap around
        a, b = a.to(dtypes.int64), b.to(dtypes.int64)
    difference = T.abs(a - b)
    difference[close] = 0
    relative = difference / T.abs(b)
    relative[close] = 0
    lines = []
    for kind, values in (("absolute", difference), ("relative", relative)):
        flat = values.flatten()
        at = int(T.argmax(flat))
        index = tuple(int(i) for i in np.unravel_index(at, tuple(values.shape)))
        lines.append((kind, flat[at].item(), index))
    return _text(name, extra, lines, limits)


def _text(
    name: str, extra: str, differences: list[tuple[str, Any, Any]], limits: tuple[float, float]
) -> str:
    is_exact = limits == (0, 0)
    lines = [f"{name} are not {'equal' if is_exact else 'close'}!\n", extra]
    for (kind, value, index), limit in zip(differences, reversed(limits), strict=True):
        head = f"{kind} difference: {value}"
        if index is not None:
            head = f"Greatest {head} at index {index}"
        lines.append(head if is_exact else f"{head} (up to {limit} allowed)")
    return "\n".join(lines)


def assert_allclose(
    actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None, equal_nan: bool = True,
    msg: str = "",
) -> None:  # fmt: skip
    """``assert_close`` of older programs: shapes, dtypes and devices may differ.

    Raises:
        AssertionError: the two are not close.
    """
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future "
        "release. Please use `torch.testing.assert_close()` instead. You can find detailed upgrade "
        "instructions in https://github.com/pytorch/pytorch/issues/61844.",
        FutureWarning,
        stacklevel=2,
    )
    if not isinstance(actual, Tensor):
        actual = T_tensor(actual)
    if not isinstance(expected, Tensor):
        expected = T_tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        known = [_OLD_TOLERANCES.get(t.dtype.name, (0.0, 0.0)) for t in (actual, expected)]
        rtol, atol = max(r for r, _ in known), max(a for _, a in known)
    assert_close(
        actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=True,
        check_dtype=False, check_stride=False, msg=msg or None,
    )  # fmt: skip


