"""Writing through a view: the base's value with the viewed elements replaced.

``put_view(op, x, y, *args)`` undoes one view step: ``view(put_view(op, x, y)) == y``, and what the
view does not show keeps its value. Every rule is pure and differentiable, and lowers to reshape,
transpose, select or an update of a slice; only overlapping arrangements scatter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax import lax, numpy as jnp

from ..core import dtypes
from ..core.registry import Array
from ..core.shapes import normal_dim
from . import splitting as split_ops
from .shape import moved, permutation, swapped
from .shape_elements import view_dtype
from .shape_strided import (
    diagonal_place,
    select_at_index,
    slice_bounds,
    strided_places,
    windows,
)  # fmt: skip

Rule = Callable[..., Array]


def put_view(op: str, x: Array, y: Array, *args: Any, piece: int = 0) -> Array:
    """``x`` with the elements that view op ``op`` shows replaced by ``y``.  ``(X), (Y) -> (X)``

    ``args`` are the op's arguments after the input, in order (``select_at``, ``slice_at``: the
    run-time start too); ``piece`` says which result of an op with several.

    Raises:
        RuntimeError: several elements of the view are one element of ``x``.
    """
    pieces = _PIECES.get(op)
    if pieces is not None:
        at, found = pieces(x.shape, *args)
        start, length = found[piece]
        return put_slice(x, y, at, start, length, 1)
    if op == "unbind":
        dim = args[0] if args else 0
        return _put_select(x, y, dim, piece)
    return _RULES[op](x, y, *args)


def is_puttable(op: str) -> bool:
    """Whether ``put_view`` knows this view op."""
    return op in _RULES or op in _PIECES or op == "unbind"


OVERLAPPING = frozenset(("unfold", "as_strided"))  # may show an element several times


def put_by_places(x: Array, y: Array, view: Callable[[Array], Array]) -> Array:
    """``x`` with what ``view`` shows of it replaced by ``y``, for any chain of views.

    The view of an array of positions tells where each element lives.
    """
    places = view(lax.reshape(lax.iota(jnp.int64, x.size), x.shape))
    flat = lax.reshape(x, (x.size,)).at[places].set(y, mode="promise_in_bounds")
    return lax.reshape(flat, x.shape)


# ---------------------------------------------------------------------------- whole views


def _put_reshape(x: Array, y: Array, *args: Any) -> Array:
    return lax.reshape(y, x.shape)


def _put_same(x: Array, y: Array) -> Array:
    return y


def _put_expand(x: Array, y: Array, *args: Any) -> Array:
    if y.size != x.size:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single "
            "memory location. Please clone() the tensor before performing the operation."
        )
    return lax.reshape(y, x.shape)


def _unpermute(y: Array, order: Sequence[int]) -> Array:
    return lax.transpose(y, tuple(int(d) for d in np.argsort(order)))


def _put_permute(x: Array, y: Array, dims: Sequence[int]) -> Array:
    return _unpermute(y, permutation(dims, x.ndim))


def _put_transpose(x: Array, y: Array, dim0: int, dim1: int) -> Array:
    return lax.transpose(y, swapped(dim0, dim1, x.ndim))


def _put_movedim(x: Array, y: Array, source: Any, destination: Any) -> Array:
    return _unpermute(y, moved(source, destination, x.ndim))


def _put_reversed(x: Array, y: Array) -> Array:
    return lax.transpose(y, tuple(reversed(range(y.ndim))))


def _put_matrix(x: Array, y: Array) -> Array:
    n = y.ndim
    return lax.transpose(y, (*range(n - 2), n - 1, n - 2)) if n > 1 else y


# ---------------------------------------------------------------------------- parts


def put_slice(x: Array, y: Array, dim: int, start: int, count: int, step: int) -> Array:
    """``x`` with ``count`` elements of a dim, from ``start`` in steps, replaced."""
    n = x.shape[dim]
    if count == 0:
        return x
    if step == 1 or count == 1:
        return y if count == n else lax.dynamic_update_slice_in_dim(x, y, start, dim)
    # Spread y out and choose between the two: fuses, where a scatter would not.
    end = n - start - (count - 1) * step - 1
    config = [(start, end, step - 1) if i == dim else (0, 0, 0) for i in range(x.ndim)]
    spread = lax.pad(y, jnp.zeros((), y.dtype), config)
    place = lax.iota(jnp.int32, n) - start
    hit = (place >= 0) & (place < count * step) & (place % step == 0)
    return jnp.where(lax.broadcast_in_dim(hit, x.shape, (dim,)), spread, x)


def _put_select(x: Array, y: Array, dim: int, index: int) -> Array:
    at, i = select_at_index(x.shape, dim, index)
    return put_slice(x, lax.expand_dims(y, (at,)), at, i, 1, 1)


def _put_select_at(x: Array, y: Array, dim: int, index: Any) -> Array:
    at = normal_dim(dim, x.ndim)
    return lax.dynamic_update_index_in_dim(x, y, index, at)


def _put_slice_view(
    x: Array,
    y: Array,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Array:
    at = normal_dim(dim, x.ndim)
    first, count = slice_bounds(x.shape[at], start, end, step)
    return put_slice(x, y, at, first, count, step)


def _put_slice_at(x: Array, y: Array, dim: int, start: Any, size: int, step: int = 1) -> Array:
    at = normal_dim(dim, x.ndim)
    if size == 0:
        return x
    if step > 1:
        window = lax.dynamic_slice_in_dim(x, start, (size - 1) * step + 1, at)
        y = put_slice(window, y, at, 0, size, step)
    return lax.dynamic_update_slice_in_dim(x, y, start, at)


def _put_narrow(x: Array, y: Array, dim: int, start: int, length: int) -> Array:
    at = normal_dim(dim, x.ndim)
    n = x.shape[at]
    return put_slice(x, y, at, start + n if start < 0 else start, length, 1)


def _put_diagonal(x: Array, y: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    (a, b), row, col, count = diagonal_place(x.shape, offset, dim1, dim2)
    if count == 0:
        return x
    order = (*(i for i in range(x.ndim) if i not in (a, b)), a, b)
    full = lax.transpose(x, order)
    at, m = x.ndim - 2, full.shape[-1]
    rows = lax.slice_in_dim(full, row, row + count, 1, at)
    flat = lax.reshape(rows, (*full.shape[:-2], count * m))
    new = lax.reshape(put_slice(flat, y, at, col, count, m + 1), rows.shape)
    return _unpermute(put_slice(full, new, at, row, count, 1), order)


def _put_linalg_diagonal(
    x: Array, y: Array, offset: int = 0, dim1: int = -2, dim2: int = -1
) -> Array:
    return _put_diagonal(x, y, offset, dim1, dim2)


def _put_unfold(x: Array, y: Array, dimension: int, size: int, step: int) -> Array:
    at, count = windows(x.shape, dimension, size, step)
    if x.ndim == 0 or size == 0:
        return lax.reshape(y, ()) if size else x
    if size <= step:  # no overlap: each column of the windows is a strided slice
        for i in range(size):
            column = lax.index_in_dim(y, i, y.ndim - 1, keepdims=False)
            x = put_slice(x, column, at, i, count, step)
        return x
    places = lax.iota(jnp.int32, count)[:, None] * step + lax.iota(jnp.int32, size)
    where = (*(slice(None),) * at, places)
    return x.at[where].set(jnp.moveaxis(y, -1, at + 1), mode="promise_in_bounds")


def _put_as_strided(
    x: Array,
    y: Array,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Array:
    if 0 in size:
        return x
    flat = lax.reshape(x, (x.size,))
    places = strided_places(size, stride, storage_offset or 0)
    return lax.reshape(flat.at[places].set(y, mode="promise_in_bounds"), x.shape)


# ---------------------------------------------------------------------------- parts of elements


def _put_real(x: Array, y: Array) -> Array:
    return lax.complex(y, lax.imag(x)) if jnp.iscomplexobj(x) else y


def _put_imag(x: Array, y: Array) -> Array:
    return lax.complex(lax.real(x), y)


def _put_as_real(x: Array, y: Array) -> Array:
    at = y.ndim - 1
    return lax.complex(
        lax.index_in_dim(y, 0, at, keepdims=False), lax.index_in_dim(y, 1, at, keepdims=False)
    )


def _put_as_complex(x: Array, y: Array) -> Array:
    return jnp.stack([lax.real(y), lax.imag(y)], axis=-1)


def _put_dtype(x: Array, y: Array, to: Any, source: Any) -> Array:
    if x.ndim == 0:
        return view_dtype(y, source, to)
    return lax.reshape(view_dtype(y, source, dtypes.from_np(y.dtype)), x.shape)


_RULES: dict[str, Rule] = {
    **dict.fromkeys(
        (
            "view", "reshape", "flatten", "ravel", "unflatten", "squeeze", "unsqueeze",
            "atleast_1d_view", "atleast_2d_view", "atleast_3d_view",
        ),
        _put_reshape,
    ),
    "alias": _put_same,
    **dict.fromkeys(("expand", "broadcast_to"), _put_expand),
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), _put_transpose),
    **dict.fromkeys(("numpy_T", "t", "matrix_H"), _put_reversed),
    **dict.fromkeys(("mT", "mH", "adjoint"), _put_matrix),
    "permute": _put_permute,
    "movedim": _put_movedim,
    "select": _put_select,
    "select_at": _put_select_at,
    "slice_view": _put_slice_view,
    "slice_at": _put_slice_at,
    "narrow": _put_narrow,
    "diagonal": _put_diagonal,
    "linalg_diagonal": _put_linalg_diagonal,
    "unfold": _put_unfold,
    "as_strided": _put_as_strided,
    "real": _put_real,
    "imag": _put_imag,
    "view_as_real": _put_as_real,
    "view_as_complex": _put_as_complex,
    "view_dtype": _put_dtype,
}  # fmt: skip
_PIECES: dict[str, Callable[..., tuple[int, list[tuple[int, int]]]]] = {
    "split": split_ops.split_cut,
    "split_with_sizes": split_ops.sizes_cut,
    "chunk": split_ops.chunk_cut,
    "unsafe_split": split_ops.split_cut,
    "unsafe_split_with_sizes": split_ops.sizes_cut,
    "unsafe_chunk": split_ops.chunk_cut,
    "tensor_split": split_ops.tensor_cut,
    "hsplit": split_ops.nsplit_cut("hsplit"),
    "vsplit": split_ops.nsplit_cut("vsplit"),
    "dsplit": split_ops.nsplit_cut("dsplit"),
}
