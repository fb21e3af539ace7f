"""The ``*_copy`` twins of the view ops: same values, own storage."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
from jax import numpy as jnp

from ..core.dtypes import dtype
from ..core.registry import Array, op
from . import shape, shape_elements, shape_strided, splitting
from .call_arguments import named_arguments
from .view_put import put_slice, put_view

Ints = tuple[int, ...]


def _copy(kind: str, **knobs: Any) -> Any:
    fixed = {"method": False, "out": True, "grad_name": f"{kind}Backward0_copy", "saves": "none"}
    return op(**{**fixed, **knobs})


@_copy("Alias")
def alias_copy(input: Array) -> Array:
    """A copy.  ``(*) -> (*)``"""
    return input


@op(method=False, out=True, nondiff=True)
def detach_copy(input: Array) -> Array:
    """A copy outside of the graph.  ``(*) -> (*)``"""
    return input


@_copy("AsStrided")
def as_strided_copy(
    input: Array, size: Ints, stride: Ints, storage_offset: int | None = None
) -> Array:
    """``as_strided``, copied; ``input`` is read as contiguous.  ``(*) -> size``"""
    return shape_strided.as_strided(input, size, stride, storage_offset)


@_copy("Diagonal")
def diagonal_copy(input: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """``diagonal``, copied.  ``(A, n, m) -> (A, k)``"""
    return shape_strided.diagonal(input, offset, dim1, dim2)


@_copy("Expand")
def expand_copy(input: Array, size: Ints, *, implicit: bool = False) -> Array:
    """``expand``, copied.  ``(1, n) -> (m, n)``"""
    return shape.expand(input, size)


@op(out=True, saves="none")
def narrow_copy(input: Array, dim: int, start: int, length: int) -> Array:
    """``narrow``, copied.  ``(A, n, B) -> (A, length, B)``

    Raises:
        RuntimeError, IndexError: the range is not inside of the dim.
    """
    if dim >= max(input.ndim, 1):
        raise RuntimeError(
            "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false.  "
            "(Could this error message be improved?  If so, please report an enhancement request to PyTorch.)"
        )
    if length < 0 and input.ndim:
        raise RuntimeError(
            f"start ({start}) + length ({length}) exceeds dimension size ({input.shape[dim]})."
        )
    return shape_strided.narrow(input, dim, start, length)


@_copy("Permute")
def permute_copy(input: Array, dims: Ints) -> Array:
    """``permute``, copied.  ``(A, B, C) -> (C, A, B)``"""
    return shape.permute(input, dims)


@_copy("Select")
def select_copy(input: Array, dim: int, index: int) -> Array:
    """``select``, copied.  ``(A, n, B) -> (A, B)``"""
    return shape_strided.select(input, dim, index)


@_copy("Slice")
def slice_copy(
    input: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:
    """A slice of a dim, copied.  ``(A, n, B) -> (A, m, B)``"""
    return shape_strided.slice_view(input, dim, start, end, step)


@_copy("Split")
def split_copy(input: Array, split_size: int, dim: int = 0) -> tuple[Array, ...]:
    """``split``, copied.  ``(n, *) -> (k, *)…``"""
    return splitting.split(input, split_size, dim)


@_copy("SplitWithSizes")
def split_with_sizes_copy(input: Array, split_sizes: Ints, dim: int = 0) -> tuple[Array, ...]:
    """``split_with_sizes``, copied.  ``(n, *) -> (k1, *), (k2, *)…``"""
    return splitting.split_with_sizes(input, split_sizes, dim)


@_copy("Squeeze")
def squeeze_copy(input: Array, dim: int | Ints | None = None) -> Array:
    """``squeeze``, copied.  ``(A, 1, B) -> (A, B)``"""
    return shape.squeeze(input, dim)


@_copy("T")
def t_copy(input: Array) -> Array:
    """``t``, copied.  ``(n, m) -> (m, n)``"""
    return shape.t(input)


@_copy("Transpose")
def transpose_copy(input: Array, dim0: int, dim1: int) -> Array:
    """``transpose``, copied.  ``(A, B) -> (B, A)``"""
    return shape.transpose(input, dim0, dim1)


@_copy("Unbind")
def unbind_copy(input: Array, dim: int = 0) -> tuple[Array, ...]:
    """``unbind``, copied.  ``(n, *) -> (*)…``"""
    return splitting.unbind(input, dim)


@_copy("Unfold")
def unfold_copy(input: Array, dimension: int, size: int, step: int) -> Array:
    """``Tensor.unfold``, copied.  ``(A, n, B) -> (A, count, B, size)``"""
    return shape_strided.unfold(input, dimension, size, step)


@_copy("Unsqueeze")
def unsqueeze_copy(input: Array, dim: int) -> Array:
    """``unsqueeze``, copied.  ``(A, B) -> (A, 1, B)``"""
    return shape.unsqueeze(input, dim)


@_copy("ViewAsComplex")
def view_as_complex_copy(input: Array) -> Array:
    """``view_as_complex``, copied.  ``(*, 2) -> (*)``"""
    return shape_elements.view_as_complex(input)


@_copy("ViewAsReal")
def view_as_real_copy(input: Array) -> Array:
    """``view_as_real``, copied.  ``(*) -> (*, 2)``"""
    return shape_elements.view_as_real(input)


def _view_copy_overload(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, to = named_arguments(args, kwargs, "input", "size|dtype")
    if isinstance(to, dtype):
        return "view_dtype_copy", (x, to, x.dtype), {}
    return "view_copy", (x, to), {}


@_copy("View", resolve=_view_copy_overload)
def view_copy(input: Array, size: Ints) -> Array:
    """``view(size)`` or ``view(dtype)``, copied.  ``(*) -> size``"""
    return shape.view(input, size)


@_copy("View", name="view_copy", namespaces=())
def view_dtype_copy(input: Array, dtype: dtype, source: dtype) -> Array:
    """``view(dtype)``, copied.  ``(*, n) -> (*, n·r)``"""
    return shape_elements.view_dtype(input, dtype, source)


@op(saves="none")
def as_strided_scatter(
    input: Array, src: Array, size: Ints, stride: Ints, storage_offset: int | None = None
) -> Array:
    """A copy with the elements that ``as_strided`` shows replaced by ``src``.

    ``(*), size -> (*)``
    """
    offset = storage_offset or 0
    shape_strided.check_strided(size, stride, offset, input.size, input.dtype.itemsize)
    _check_slice(src.shape, tuple(size))
    return _strided_put((tuple(size), tuple(stride), offset), input, src.astype(input.dtype))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _strided_put(where: tuple[Ints, Ints, int], x: Array, y: Array) -> Array:
    return put_view("as_strided", x, y, *where)


@_strided_put.defjvp
def _strided_put_jvp(where: tuple[Ints, Ints, int], primals: Any, tangents: Any) -> Any:
    # PyTorch gives the input the gradient of the replaced elements, and no others.
    x, y = primals
    dx, dy = tangents
    hit = put_view(
        "as_strided", jnp.zeros(x.shape, jnp.bool_), jnp.ones(y.shape, jnp.bool_), *where
    )
    moved = jnp.zeros((dx.size,), dx.dtype).at[shape_strided.strided_places(*where)].add(dy)
    return _strided_put(where, x, y), jnp.where(hit, dx, 0) + moved.reshape(dx.shape)


def _check_slice(src: Sequence[int], slice_shape: Sequence[int]) -> None:
    if tuple(src) != tuple(slice_shape):
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src)}, slice size = {list(slice_shape)}"
        )


@op(out=True, saves="none")
def select_scatter(input: Array, src: Array, dim: int, index: int) -> Array:
    """A copy with one index of a dim replaced by ``src``.  ``(A, n, B), (A, B) -> (A, n, B)``"""
    at, i = shape_strided.select_at_index(input.shape, dim, index)
    _check_slice(src.shape, input.shape[:at] + input.shape[at + 1 :])
    return put_view("select", input, src.astype(input.dtype), at, i)


@op(out=True, saves="none")
def slice_scatter(
    input: Array, src: Array, dim: int = 0, start: int | None = None, end: int | None = None,
    step: int = 1,
) -> Array:  # fmt: skip
    """A copy with a slice of a dim replaced by ``src``.  ``(A, n, B), (A, m, B) -> (A, n, B)``"""
    at = shape_strided.slice_dim(input.shape, dim)
    first, count = shape_strided.slice_bounds(input.shape[at], start, end, step)
    _check_slice(src.shape, (*input.shape[:at], count, *input.shape[at + 1 :]))
    return put_slice(input, src.astype(input.dtype), at, first, count, step)


@op(out=True, saves="none")
def diagonal_scatter(
    input: Array, src: Array, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Array:
    """A copy with a diagonal replaced by ``src``.  ``(A, n, m), (A, k) -> (A, n, m)``"""
    (a, b), _, _, count = shape_strided.diagonal_place(input.shape, offset, dim1, dim2)
    rest = tuple(n for i, n in enumerate(input.shape) if i not in (a, b))
    _check_slice(src.shape, (*rest, count))
    return put_view("diagonal", input, src.astype(input.dtype), offset, dim1, dim2)
