"""Views that leave out or repeat elements: select, slice, narrow, diagonal, unfold, as_strided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jax import lax, numpy as jnp

from ..core.dtypes import INTEGRAL
from ..core.errors import shape_text
from ..core.registry import Array, Scalar, view as declare_view
from ..core.shapes import normal_dim
from .call_arguments import named_arguments

Ints = tuple[int, ...]
Layout = tuple[Ints, Ints, int]


# ---------------------------------------------------------------------------- alias


def _same_layout(shape: Ints, strides: Ints, offset: int) -> Layout:
    return shape, strides, offset


@declare_view(_same_layout, namespaces=(), method=False, saves="none")
def alias(input: Array) -> Array:
    """Another tensor on the same elements (``x[...]``).  ``(*) -> (*)``"""
    return input


# ---------------------------------------------------------------------------- select


def select_at_index(shape: Sequence[int], dim: int, index: int) -> tuple[int, int]:
    """(dim, index) counted from the front.

    Raises:
        IndexError: 0-d, or out of range.
    """
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    at = normal_dim(dim, len(shape))
    n = shape[at]
    if not -n <= index < n:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {shape_text(shape)} at "
            f"dimension {at}"
        )
    return at, index + n if index < 0 else index


def _select_layout(shape: Ints, strides: Ints, offset: int, dim: int, index: int) -> Layout:
    at, i = select_at_index(shape, dim, index)
    return shape[:at] + shape[at + 1 :], strides[:at] + strides[at + 1 :], offset + i * strides[at]


@declare_view(_select_layout, saves="none")
def select(input: Array, dim: int, index: int) -> Array:
    """One index of a dim, which goes away.  ``(A, n, B) -> (A, B)``"""
    at, i = select_at_index(input.shape, dim, index)
    return lax.index_in_dim(input, i, at, keepdims=False)


@declare_view(
    _select_layout,
    name="select",
    namespaces=(),
    method=False,
    grad_name="SelectBackward0",
    saves="none",
)
def select_at(input: Array, dim: int, index: Scalar) -> Array:
    """``select`` whose index, in range and not negative, is a run-time operand.

    ``(A, n, B) -> (A, B)``
    """
    return lax.dynamic_index_in_dim(input, index, normal_dim(dim, input.ndim), keepdims=False)


# ---------------------------------------------------------------------------- slice, narrow


def slice_bounds(n: int, start: int | None, end: int | None, step: int) -> tuple[int, int]:
    """(first index, count) of a slice of a dim of size n; out-of-range ends are moved inside."""
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    first = 0 if start is None else start
    last = n if end is None else end
    first = min(max(first + n if first < 0 else first, 0), n)
    last = min(max(last + n if last < 0 else last, first), n)
    return first, -(-(last - first) // step)


def sliced(input: Array, dim: int, start: int, count: int, step: int) -> Array:
    """``count`` elements of a dim, from ``start`` in steps."""
    stop = start + (count - 1) * step + 1 if count else start
    return lax.slice_in_dim(input, start, stop, step, dim)


def _strided_dim(
    shape: Ints, strides: Ints, offset: int, dim: int, start: int, count: int, step: int = 1
) -> Layout:
    return (
        (*shape[:dim], count, *shape[dim + 1 :]),
        (*strides[:dim], strides[dim] * step, *strides[dim + 1 :]),
        offset + start * strides[dim],
    )


def slice_dim(shape: Sequence[int], dim: int) -> int:
    if not shape:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    return normal_dim(dim, len(shape))


def _slice_layout(
    shape: Ints, strides: Ints, offset: int, dim: int = 0, start: int | None = None,
    end: int | None = None, step: int = 1,
) -> Layout:  # fmt: skip
    at = slice_dim(shape, dim)
    first, count = slice_bounds(shape[at], start, end, step)
    return _strided_dim(shape, strides, offset, at, first, count, step)


@declare_view(_slice_layout, name="slice", namespaces=(), method=False, saves="none")
def slice_view(
    input: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    """``input[..., start:end:step, ...]`` along a dim.  ``(A, n, B) -> (A, m, B)``"""
    at = slice_dim(input.shape, dim)
    first, count = slice_bounds(input.shape[at], start, end, step)
    return sliced(input, at, first, count, step)


def _slice_at_layout(
    shape: Ints, strides: Ints, offset: int, dim: int, start: int, size: int, step: int = 1
) -> Layout:
    return _strided_dim(shape, strides, offset, normal_dim(dim, len(shape)), start, size, step)


@declare_view(
    _slice_at_layout,
    name="slice",
    namespaces=(),
    method=False,
    grad_name="SliceBackward0",
    saves="none",
)
def slice_at(input: Array, dim: int, start: Scalar, size: int, step: int = 1) -> Array:
    """``size`` elements from a run-time ``start``, in range.  ``(A, n, B) -> (A, size, B)``"""
    at = normal_dim(dim, input.ndim)
    window = lax.dynamic_slice_in_dim(input, start, (size - 1) * step + 1 if size else 0, at)
    return window if step == 1 else lax.slice_in_dim(window, 0, None, step, at)


def _narrowed(shape: Sequence[int], dim: int, start: int, length: int) -> tuple[int, int]:
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    at = normal_dim(dim, len(shape))
    n = shape[at]
    if not -n <= start <= n:
        raise IndexError(
            f"start out of range (expected to be in range of [-{n}, {n}], but got {start})"
        )
    first = start + n if start < 0 else start
    if first + length > n:
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({n}).")
    return at, first


def _narrow_layout(
    shape: Ints, strides: Ints, offset: int, dim: int, start: int, length: int
) -> Layout:
    at, first = _narrowed(shape, dim, start, length)
    return _strided_dim(shape, strides, offset, at, first, length)


def _start_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """PyTorch takes a 0-d integer tensor for ``start``: its number is used."""
    input, dim, start, length = named_arguments(args, kwargs, "input", "dim", "start", "length")
    if hasattr(start, "dtype"):
        if start.ndim or start.dtype.category != INTEGRAL:
            raise RuntimeError("start must be an 0-dim integral Tensor.")
        start = start.item()
    return "narrow", (input, dim, start, length), {}


@declare_view(_narrow_layout, resolve=_start_of, grad_name="SliceBackward0", saves="none")
def narrow(input: Array, dim: int, start: int, length: int) -> Array:
    """``length`` elements of a dim from ``start``.  ``(A, n, B) -> (A, length, B)``"""
    at, first = _narrowed(input.shape, dim, start, length)
    return lax.slice_in_dim(input, first, first + length, 1, at)


# ---------------------------------------------------------------------------- diagonal


def diagonal_place(
    shape: Sequence[int], offset: int, dim1: int, dim2: int
) -> tuple[Ints, int, int, int]:
    """((dim1, dim2) from the front, first row, first column, length) of a diagonal."""
    a, b = normal_dim(dim1, len(shape)), normal_dim(dim2, len(shape))
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    row, col = max(-offset, 0), max(offset, 0)
    return (a, b), row, col, max(min(shape[a] - row, shape[b] - col), 0)


def _diagonal_layout(
    shape: Ints, strides: Ints, offset: int, shift: int = 0, dim1: int = 0, dim2: int = 1
) -> Layout:
    (a, b), row, col, count = diagonal_place(shape, shift, dim1, dim2)
    kept = [i for i in range(len(shape)) if i not in (a, b)]
    if count:
        offset += row * strides[a] + col * strides[b]
    steps = (*(strides[i] for i in kept), strides[a] + strides[b])
    return (*(shape[i] for i in kept), count), steps, offset


@declare_view(_diagonal_layout, saves="none")
def diagonal(input: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """The elements (i, i + offset) of two dims, as a last dim.  ``(A, n, m) -> (A, k)``"""
    (a, b), row, col, count = diagonal_place(input.shape, offset, dim1, dim2)
    rest = [i for i in range(input.ndim) if i not in (a, b)]
    x = lax.transpose(input, (*rest, a, b))
    at, m = x.ndim - 2, x.shape[-1]
    if count == 0:
        return jnp.zeros((*x.shape[:-2], 0), x.dtype)
    # In rows of length m laid end to end, a diagonal is a slice of step m + 1.
    rows = lax.slice_in_dim(x, row, row + count, 1, at)
    flat = lax.reshape(rows, (*x.shape[:-2], count * m))
    return sliced(flat, at, col, count, m + 1)


def _linalg_diagonal_layout(
    shape: Ints, strides: Ints, offset: int, shift: int = 0, dim1: int = -2, dim2: int = -1
) -> Layout:
    return _diagonal_layout(shape, strides, offset, shift, dim1, dim2)


@declare_view(
    _linalg_diagonal_layout, name="diagonal", namespaces=("linalg",), method=False,
    grad_name="DiagonalBackward0", saves="none",
)  # fmt: skip
def linalg_diagonal(A: Array, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Array:
    """``diagonal`` of the last two dims.  ``(*, n, m) -> (*, k)``"""
    return diagonal(A, offset, dim1, dim2)


# ---------------------------------------------------------------------------- unfold, as_strided


def windows(shape: Sequence[int], dimension: int, size: int, step: int) -> tuple[int, int]:
    """(dim, count of windows) of ``unfold``."""
    at = normal_dim(dimension, len(shape))
    n = shape[at] if shape else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {at} is {n} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return at, (n - size) // step + 1


def _unfold_layout(
    shape: Ints, strides: Ints, offset: int, dimension: int, size: int, step: int
) -> Layout:
    at, count = windows(shape, dimension, size, step)
    if not shape:
        return (size,), (1,), offset
    return (
        (*shape[:at], count, *shape[at + 1 :], size),
        (*strides[:at], strides[at] * step, *strides[at + 1 :], strides[at]),
        offset,
    )


_UNROLL = 64  # slices to stack, at most, before a gather is the smaller program


@declare_view(_unfold_layout, namespaces=(), saves="none")
def unfold(input: Array, dimension: int, size: int, step: int) -> Array:
    """All windows of a dim, as a last dim.

    ``(A, n, B) -> (A, (n - size) // step + 1, B, size)``
    """
    at, count = windows(input.shape, dimension, size, step)
    if input.ndim == 0:
        return lax.reshape(input, (1,))[:size]
    if size == 0:
        return jnp.zeros((*input.shape[:at], count, *input.shape[at + 1 :], 0), input.dtype)
    if min(size, count) > _UNROLL:
        places = lax.iota(jnp.int32, count)[:, None] * step + lax.iota(jnp.int32, size)
        found = jnp.take(input, places, axis=at, mode="clip")  # (A, count, size, B)
        return jnp.moveaxis(found, at + 1, -1)
    if size <= count:
        return jnp.stack([sliced(input, at, i, count, step) for i in range(size)], axis=-1)
    rows = [lax.slice_in_dim(input, i * step, i * step + size, 1, at) for i in range(count)]
    return jnp.moveaxis(jnp.stack(rows, axis=at), at + 1, -1)


def strided_places(size: Sequence[int], stride: Sequence[int], offset: int) -> Array:
    """The storage position of each element, computed on the device.  ``() -> size``"""
    places = jnp.full(tuple(size), offset, jnp.int64)
    for dim, step in enumerate(stride):
        places = places + lax.broadcasted_iota(jnp.int64, tuple(size), dim) * step
    return places


def check_strided(
    size: Sequence[int], stride: Sequence[int], offset: int, storage: int, itemsize: int
) -> None:
    """PyTorch's refusals of ``as_strided``; ``storage`` is the storage's length in elements."""
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in stride):
        raise RuntimeError(
            "as_strided: Negative strides are not supported at the moment, got strides: "
            f"{shape_text(stride)}"
        )
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    if 0 in size:
        return
    need = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) + 1
    if need > storage:
        raise RuntimeError(
            f"setStorage: sizes {shape_text(size)}, strides {shape_text(stride)}, storage offset "
            f"{offset}, "
            f"and itemsize {itemsize} requiring a storage size of {need * itemsize} are out of "
            "bounds for "
            f"storage of size {storage * itemsize}"
        )


def _as_strided_layout(
    shape: Ints, strides: Ints, offset: int, size: Sequence[int], stride: Sequence[int],
    storage_offset: int | None = None,
) -> Layout:  # fmt: skip
    return tuple(size), tuple(stride), offset if storage_offset is None else storage_offset


def contiguous_run(size: Sequence[int], stride: Sequence[int]) -> bool:
    """Whether these strides lay the elements end to end, in order."""
    step = 1
    for n, s in zip(reversed(size), reversed(stride), strict=True):
        if n != 1 and s != step:
            return False
        step *= n
    return True


@declare_view(_as_strided_layout, inplace=True, saves="none")
def as_strided(input: Array, size: Ints, stride: Ints, storage_offset: int | None = None) -> Array:
    """Any arrangement of the storage's elements; ``input`` here is the storage.  ``(*) -> size``

    Raises:
        RuntimeError: it reaches outside of the storage, or a stride is negative.
    """
    offset = storage_offset or 0
    check_strided(size, stride, offset, input.size, input.dtype.itemsize)
    if 0 in size:
        return jnp.zeros(tuple(size), input.dtype)
    flat = lax.reshape(input, (input.size,))
    if contiguous_run(size, stride):
        return lax.reshape(lax.slice_in_dim(flat, offset, offset + math.prod(size)), tuple(size))
    return flat.at[strided_places(size, stride, offset)].get(mode="promise_in_bounds")
