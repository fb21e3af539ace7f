"""New tensors from numbers: zeros, full, arange, linspace, eye, and their like."""

from __future__ import annotations

import math
import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..core import dtypes as d
from ..core.dtypes import TYPE_NAMES, default_dtype, dtype
from ..core.errors import no_overload, not_implemented_for
from ..core.registry import Array, Operand, creation, op
from ..core.rounding import fma64, narrowed
from ..core.scalars import C_NAMES, Number, converted, natural_dtype, number, sizes

# ---------------------------------------------------------------- one number everywhere


def _filled(shape: tuple[int, ...], value: Number, of: dtype) -> np.ndarray:
    if value == 0 and not isinstance(value, complex):
        return np.zeros(shape, of.np)
    return np.full(shape, converted(value, of), of.np)


def _like(function: str, input: Operand, memory_format: Any) -> tuple[int, ...]:
    if not hasattr(input, "shape"):
        raise TypeError(
            f"{function}(): argument 'input' (position 1) must be Tensor, not "
            f"{type(input).__name__}"
        )
    _check_format(memory_format, len(input.shape))
    return tuple(input.shape)


def _check_format(memory_format: Any, ndim: int) -> None:
    ranks = {"torch.channels_last": 4, "torch.channels_last_3d": 5}
    needed = ranks.get(str(memory_format), ndim)
    if needed != ndim:
        name = str(memory_format).removeprefix("torch.")
        raise RuntimeError(f"required rank {needed} tensor to use {name} format")


@creation(varargs="size")
def zeros(size: tuple[int, ...], *, dtype: dtype | None = None) -> np.ndarray:
    """Zeros.  ``-> size``"""
    return np.zeros(sizes(size, "zeros"), (dtype or default_dtype()).np)


@creation(varargs="size")
def ones(size: tuple[int, ...], *, dtype: dtype | None = None) -> np.ndarray:
    """Ones.  ``-> size``"""
    return _filled(sizes(size, "ones"), 1, dtype or default_dtype())


@creation(varargs="size")
def empty(
    size: tuple[int, ...], *, dtype: dtype | None = None, memory_format: Any = None
) -> np.ndarray:
    """Zeros, where PyTorch leaves what memory held.  ``-> size``

    Differs: ``memory_format`` leaves the strides contiguous.
    """
    shape = sizes(size, "empty")
    _check_format(memory_format, len(shape))
    return np.zeros(shape, (dtype or default_dtype()).np)


@creation()
def full(size: tuple[int, ...], fill_value: Number, *, dtype: dtype | None = None) -> np.ndarray:
    """One number everywhere; its type decides the dtype.  ``-> size``

    Raises:
        RuntimeError: the dtype can't hold the number.
    """
    if not isinstance(size, (tuple, list)):
        kind = type(size).__name__
        raise TypeError(f"full(): argument 'size' (position 1) must be tuple of ints, not {kind}")
    value = number(fill_value, "full", "fill_value", 2)
    return _filled(sizes(size, "full"), value, dtype or natural_dtype(value))


@creation()
def zeros_like(
    input: Array, *, dtype: dtype | None = None, memory_format: Any = None
) -> np.ndarray:
    """Zeros.  ``(*) -> (*)``"""
    return np.zeros(_like("zeros_like", input, memory_format), (dtype or input.dtype).np)


@creation()
def ones_like(input: Array, *, dtype: dtype | None = None, memory_format: Any = None) -> np.ndarray:
    """Ones.  ``(*) -> (*)``"""
    return _filled(_like("ones_like", input, memory_format), 1, dtype or input.dtype)


@creation()
def empty_like(
    input: Array, *, dtype: dtype | None = None, memory_format: Any = None
) -> np.ndarray:
    """Zeros, where PyTorch leaves what memory held.  ``(*) -> (*)``"""
    return np.zeros(_like("empty_like", input, memory_format), (dtype or input.dtype).np)


@creation()
def full_like(
    input: Array, fill_value: Number, *, dtype: dtype | None = None, memory_format: Any = None
) -> np.ndarray:
    """One number everywhere, in the input's dtype.  ``(*) -> (*)``"""
    value = number(fill_value, "full_like", "fill_value", 2)
    return _filled(_like("full_like", input, memory_format), value, dtype or input.dtype)


@creation(namespaces=(), method=True, varargs="size", out=False)
def new_zeros(input: Array, size: tuple[int, ...], *, dtype: dtype | None = None) -> np.ndarray:
    """Zeros, in the input's dtype.  ``-> size``"""
    return np.zeros(sizes(size, "new_zeros"), (dtype or input.dtype).np)


@creation(namespaces=(), method=True, varargs="size", out=False)
def new_ones(input: Array, size: tuple[int, ...], *, dtype: dtype | None = None) -> np.ndarray:
    """Ones, in the input's dtype.  ``-> size``"""
    return _filled(sizes(size, "new_ones"), 1, dtype or input.dtype)


@creation(namespaces=(), method=True, varargs="size", out=False)
def new_empty(input: Array, size: tuple[int, ...], *, dtype: dtype | None = None) -> np.ndarray:
    """Zeros, in the input's dtype, where PyTorch leaves what memory held.  ``-> size``"""
    return np.zeros(sizes(size, "new_empty"), (dtype or input.dtype).np)


@creation(namespaces=(), method=True, out=False)
def new_full(
    input: Array, size: tuple[int, ...], fill_value: Number, *, dtype: dtype | None = None
) -> np.ndarray:
    """One number everywhere, in the input's dtype.  ``-> size``"""
    value = number(fill_value, "new_full", "fill_value", 2)
    return _filled(sizes(size, "new_full"), value, dtype or input.dtype)


# ---------------------------------------------------------------- ranges


def _check_kernel(kernel: str, of: dtype, categories: tuple[int, ...]) -> None:
    if of.category not in categories or of in (d.uint16, d.uint32, d.uint64):
        raise not_implemented_for(kernel, TYPE_NAMES[of.name])


@creation()
def arange(
    start: Number | None = None,
    end: Number | None = None,
    step: Number = 1,
    *,
    dtype: dtype | None = None,
) -> np.ndarray:
    """``start, start + step, …`` below ``end``.  ``-> (ceil((end - start) / step),)``

    Raises:
        RuntimeError: zero step, an infinite bound, or bounds that the step leads away from.
    """
    if end is None:
        if start is None:
            raise TypeError(
                "arange() received an invalid combination of arguments - got (), but expected "
                "one of:"
            )
        start, end = 0, start
        last = number(end, "arange", "end", 1)
    else:
        last = number(end, "arange", "end", 2)
    first = number(0 if start is None else start, "arange", "start", 1)
    by = number(step, "arange", "step", 3)
    of = dtype or _range_dtype(first, last, by)
    _check_kernel("arange_cpu", of, (d.INTEGRAL, d.FLOATING))
    if isinstance(first, complex) or isinstance(last, complex) or isinstance(by, complex):
        raise RuntimeError("value cannot be converted to type double without overflow")
    count = _range_count(first, last, by, of)
    if of.category == d.INTEGRAL:
        return (int(first) + int(by) * np.arange(count, dtype=np.int64)).astype(of.np)
    return _spaced(float(first), float(by), count, of)


def _range_dtype(*parts: Number) -> dtype:
    whole = all(isinstance(part, int) for part in parts)
    return d.int64 if whole else default_dtype()


def _check_range(first: Number, last: Number, by: Number) -> tuple[float, float, float]:
    low, high, stride = float(first), float(last), float(by)  # type: ignore[arg-type]
    if not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(f"unsupported range: {first:g} -> {last:g}")
    if not (stride > 0 or stride < 0):
        raise RuntimeError("step must be nonzero")
    if not ((stride > 0 and high >= low) or (stride < 0 and high <= low)):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    return low, high, stride


def _range_count(first: Number, last: Number, by: Number, of: dtype) -> int:
    low, high, stride = _check_range(first, last, by)
    if of is not d.int64:
        return math.ceil((high - low) / stride)
    if int(stride) == 0:
        raise ValueError("step must be nonzero")
    return -((int(first) - int(last)) // int(by))  # type: ignore[arg-type]


_LANES = {"float32": 8, "float64": 4, "float16": 16, "bfloat16": 16}


def _spaced(first: float, by: float, count: int, of: dtype) -> np.ndarray:
    """``first + i * by``, rounded where PyTorch's vector code rounds it.

    Vectors go in pairs, each from a base rounded to the dtype; what is left is computed alone.
    """
    index = np.arange(count, dtype=np.float64)
    numbers = _fused(index, by, first, of)
    lanes = _LANES[of.name]
    grouped = count // (2 * lanes) * (2 * lanes)
    if grouped:
        base = _rounded(numbers[:grouped:lanes], of)[:, None]
        lane = np.arange(lanes, dtype=np.float64)
        if of is not d.bfloat16:
            rows = _fused(lane, by, base, of)
        else:  # its product is rounded by itself
            rows = base + (lane * np.float32(by)).astype(np.float32)
        numbers[:grouped] = rows.reshape(-1)
    return _rounded(numbers, of).astype(of.np)


def _fused(index: np.ndarray, by: float, first: Any, of: dtype) -> np.ndarray:
    """``index * by + first`` with one rounding: to float64, or to float32 for half numbers."""
    if of in (d.float32, d.float64):
        return fma64(index, by, first)
    by32 = np.float64(np.float32(by))
    return (index * by32 + np.asarray(first, np.float32)).astype(np.float32).astype(np.float64)


def _rounded(numbers: np.ndarray, of: dtype) -> np.ndarray:
    if of is d.float64:
        return numbers
    return numbers.astype(np.float32).astype(of.np).astype(np.float64)


@creation()
def range(
    start: Number = 0, end: Number | None = None, step: Number = 1, *, dtype: dtype | None = None
) -> np.ndarray:
    """``start, start + step, …`` up to and including ``end``; deprecated, use ``arange``."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior "
        "is inconsistent with Python's range builtin. Instead, use torch.arange, which produces "
        "values in [start, end).",
        UserWarning,
        stacklevel=3,
    )
    if end is None:
        raise TypeError('range() missing 1 required positional arguments: "end"')
    first, last = number(start, "range", "start", 1), number(end, "range", "end", 2)
    by = number(step, "range", "step", 3)
    of = dtype or default_dtype()
    low, high, stride = _check_range(first, last, by)
    index = np.arange(int((high - low) / stride) + 1)
    if of.category == d.INTEGRAL:
        return (int(low) + index * int(stride)).astype(of.np)
    return (low + index * stride).astype(of.np)


def _of_points(function: str) -> Any:
    """An overload's choice that only looks at the ends: tensors of one number.

    Raises:
        RuntimeError: they have more.
    """

    def resolve(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
        given = {**dict(zip(("start", "end"), args, strict=False)), **kwargs}
        dims = {name: getattr(given.get(name), "ndim", 0) for name in ("start", "end")}
        if any(dims.values()):
            both = all(hasattr(given.get(name), "ndim") for name in dims)
            said = [f"{name} with {n} dimension(s)" for name, n in dims.items() if both or n]
            raise RuntimeError(
                f"{function} only supports 0-dimensional start and end tensors, but got "
                f"{' and '.join(said)}."
            )
        return function, args, kwargs

    return resolve


def _end_point(value: Any, function: str, name: str, position: int) -> Number:
    return number(value, function, name, position)


def _space_dtype(function: str, ends: tuple[Number, Number], asked: dtype | None) -> dtype:
    if any(isinstance(end, complex) for end in ends):
        default = default_dtype().to_complex()
        if asked is not None and not asked.is_complex:
            raise RuntimeError(
                f"torch.{function}(): inferred dtype {C_NAMES[default.name]} can't be safely cast "
                f"to passed dtype {TYPE_NAMES[asked.name]}"
            )
        return asked or default
    return asked or default_dtype()


@creation(resolve=_of_points("linspace"))
def linspace(start: Number, end: Number, steps: int, *, dtype: dtype | None = None) -> np.ndarray:
    """``steps`` numbers evenly from ``start`` to ``end``, both included.  ``-> (steps,)``"""
    first = _end_point(start, "linspace", "start", 1)
    last = _end_point(end, "linspace", "end", 2)
    of = _space_dtype("linspace", (first, last), dtype)
    steps = _steps("linspace", start, end, steps)
    low, high = converted(first, of), converted(last, of)
    if steps < 2:
        return np.full(steps, low, of.np)
    _check_kernel("linspace_cpu", of, (d.INTEGRAL, d.FLOATING, d.COMPLEX))
    if of.is_complex:
        part = d.float64 if of is d.complex128 else d.float32
        found = np.empty(steps, of.np)
        found.real = _between(low.real, high.real, steps, part)
        found.imag = _between(low.imag, high.imag, steps, part)
        return found
    return _between(low, high, steps, of)


def _steps(function: str, start: Any, end: Any, steps: Any) -> int:
    if isinstance(steps, bool) or not isinstance(steps, int):
        raise no_overload(function, [type(x).__name__ for x in (start, end, steps)])
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return int(steps)


def _between(low: Any, high: Any, steps: int, of: dtype) -> np.ndarray:
    """Counted from the nearer end, so that both ends are exact."""
    count = np.arange(steps)
    first_half = count < steps // 2
    ahead = np.where(first_half, count, steps - 1 - count)
    if of.category == d.INTEGRAL:
        by = (float(high) - float(low)) / (steps - 1)
        up, down = fma64(ahead, by, float(low)), fma64(ahead, -by, float(high))
        return np.where(first_half, up, down).astype(np.int64).astype(of.np)
    if of in (d.float64, d.float32):
        by = (high - low) / of.np.type(steps - 1)
        if of is d.float64:
            ahead = ahead.astype(np.float64)
            up, down = fma64(ahead, float(by), low), fma64(ahead, -float(by), high)
        else:
            up = ahead * np.float64(by) + np.float64(low)
            down = np.float64(high) - ahead * np.float64(by)
        return np.where(first_half, up, down).astype(of.np)
    span = (high - low).astype(of.np)  # half and bfloat16 round after every operation
    by = (span.astype(np.float32) / np.float32(of.np.type(steps - 1))).astype(of.np)
    moved = (ahead.astype(of.np).astype(np.float32) * np.float32(by)).astype(of.np)
    moved = moved.astype(np.float32)
    return np.where(first_half, np.float32(low) + moved, np.float32(high) - moved).astype(of.np)


@creation(resolve=_of_points("logspace"))
def logspace(
    start: Number, end: Number, steps: int, base: float = 10.0, *, dtype: dtype | None = None
) -> np.ndarray:
    """``base`` to the powers from ``start`` to ``end``, evenly spaced.  ``-> (steps,)``"""
    first = _end_point(start, "logspace", "start", 1)
    last = _end_point(end, "logspace", "end", 2)
    of = _space_dtype("logspace", (first, last), dtype)
    steps = _steps("logspace", start, end, steps)
    wide = of.np if of.is_complex else np.dtype(np.float64)
    if steps < 2:
        power = np.power(wide.type(base), np.asarray(first).astype(wide)).item()
        return np.full(steps, converted(power, of) if steps else 0, of.np)
    _check_kernel("logspace_cpu", of, (d.INTEGRAL, d.FLOATING, d.COMPLEX))
    low, high = converted(first, of), converted(last, of)
    span = int(high) - int(low) if of.category == d.INTEGRAL else high - low
    by = wide.type(span) / wide.type(steps - 1)
    count = np.arange(steps)
    up, down = wide.type(low) + by * count, wide.type(high) - by * (steps - 1 - count)
    powers = np.where(count < steps // 2, up, down).astype(wide)
    with np.errstate(all="ignore"):
        return narrowed(np.power(wide.type(base), powers), of.np)


# ---------------------------------------------------------------- matrices of indices


@creation()
def eye(n: int, m: int | None = None, *, dtype: dtype | None = None) -> np.ndarray:
    """Ones on the diagonal.  ``-> (n, m)``"""
    columns = n if m is None else m
    for name, length in (("n", n), ("m", columns)):
        if isinstance(length, bool) or not hasattr(type(length), "__index__"):
            at = 1 if name == "n" else 2
            kind = type(length).__name__
            raise TypeError(f"eye(): argument '{name}' (position {at}) must be int, not {kind}")
        if length < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {length}")
    of = dtype or default_dtype()
    _check_kernel("eye", of, (d.BOOL, d.INTEGRAL, d.FLOATING, d.COMPLEX))
    return np.eye(n, columns, dtype=of.np)


def _triangle(name: str, row: int, col: int, of: dtype) -> None:
    if row < 0:
        raise RuntimeError(f"row must be non-negative, got{row}")
    if col < 0:
        raise RuntimeError(f"col must be non-negative, got{col}")
    if of not in (d.int64, d.int32):
        raise not_implemented_for(name, TYPE_NAMES[of.name])


@creation(out=False)
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: dtype | None = None) -> np.ndarray:
    """Rows and columns of the lower triangle.  ``-> (2, n)``"""
    of = dtype or d.int64
    _triangle("tril_indices", row, col, of)
    return np.stack(np.tril_indices(row, offset, col)).astype(of.np)


@creation(out=False)
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: dtype | None = None) -> np.ndarray:
    """Rows and columns of the upper triangle.  ``-> (2, n)``"""
    of = dtype or d.int64
    _triangle("triu_indices", row, col, of)
    return np.stack(np.triu_indices(row, offset, col)).astype(of.np)


@op(method=False, grad_name="FlipBackward0")
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:
    """Powers of each number: ``x**(N-1) … x**0``, or ascending.  ``(n) -> (n, N)``"""
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    columns = x.shape[0] if N is None else N
    if columns < 0:
        raise RuntimeError("N must be non-negative.")
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        x = x.astype(jnp.int64)
    ones = jnp.ones((x.shape[0], min(columns, 1)), x.dtype)
    repeated = jnp.broadcast_to(x[:, None], (x.shape[0], max(columns - 1, 0)))
    powers = jnp.concatenate([ones, jnp.cumprod(repeated, axis=1)], axis=1)
    return powers if increasing else powers[:, ::-1]
