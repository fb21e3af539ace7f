"""Joining, repeating and reordering copies: cat, stack, meshgrid, tile, roll, flip and kin."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax, numpy as jnp

from ..core.dtypes import TYPE_NAMES
from ..core.errors import not_implemented_for, shape_text, warn_once
from ..core.registry import Array, op
from ..core.shapes import broadcast_all, normal_dim, normal_dims
from .call_arguments import named_arguments

Ints = tuple[int, ...]


# ---------------------------------------------------------------------------- cat


def _listed(name: str, tensors: Sequence[Array]) -> Sequence[Array]:
    """The list of tensors; a single tensor in its place is refused in PyTorch's words."""
    if hasattr(tensors, "ndim"):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor"
        )
    return tensors


def _check_cat(tensors: Sequence[Array], dim: int) -> None:
    first = next((t for t in tensors if t.shape != (0,)), tensors[0])
    for i, t in enumerate(tensors):
        if t.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    at = normal_dim(dim, first.ndim)
    for i, t in enumerate(tensors):
        if t.shape == (0,):
            continue
        if t.ndim != first.ndim:
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {first.ndim} and {t.ndim}"
            )
        for a, b, d in zip(first.shape, t.shape, range(t.ndim), strict=True):
            if d != at and a != b:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {at}. Expected size {a} but "
                    "got "
                    f"size {b} for tensor number {i} in the list."
                )


@op(
    out=True, method=False, promote="default", aliases=("concat", "concatenate"),
    saves="none",
)  # fmt: skip
def cat(tensors: Sequence[Array], dim: int = 0) -> Array:
    """One after the other along a dim; empty vectors are skipped.  ``(n, *), (m, *) -> (n + m, *)``

    Raises:
        RuntimeError: the other sizes differ.
    """
    if not _listed("cat", tensors):
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    _check_cat(tensors, dim)
    full = [t for t in tensors if t.shape != (0,)] or [tensors[0]]
    return lax.concatenate(full, normal_dim(dim, full[0].ndim)) if len(full) > 1 else full[0]


@op(out=True, method=False, promote="default", saves="none")
def stack(tensors: Sequence[Array], dim: int = 0) -> Array:
    """Along a new dim.  ``(*), (*)… -> (k, *)``

    Raises:
        RuntimeError: the sizes differ, or the list is empty.
    """
    if not _listed("stack", tensors):
        raise RuntimeError("stack expects a non-empty TensorList")
    at = normal_dim(dim, tensors[0].ndim + 1)
    for i, t in enumerate(tensors):
        if t.shape != tensors[0].shape:
            raise RuntimeError(
                "stack expects each tensor to be equal size, but got "
                f"{shape_text(tensors[0].shape)} at "
                f"entry 0 and {shape_text(t.shape)} at entry {i}"
            )
    return lax.concatenate([lax.expand_dims(t, (at,)) for t in tensors], at)


def _raised(tensors: Sequence[Array], name: str, ndim: int) -> list[Array]:
    if not _listed(name, tensors):
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    out = []
    for t in tensors:
        if t.ndim == 0:
            t = lax.reshape(t, (1,))
        if ndim >= 2 and t.ndim == 1:
            t = lax.expand_dims(t, (0,))
        if ndim == 3 and t.ndim == 2:
            t = lax.expand_dims(t, (2,))
        out.append(t)
    return out


@op(
    out=True, method=False, promote="default", grad_name="CatBackward0",
    saves="none",
)  # fmt: skip
def hstack(tensors: Sequence[Array]) -> Array:
    """``cat`` along dim 1, vectors along dim 0.  ``(n, k), (n, m) -> (n, k + m)``"""
    raised = _raised(tensors, "hstack", 1)
    return cat(raised, 0 if raised[0].ndim == 1 else 1)


@op(
    out=True, method=False, promote="default", aliases=("row_stack",), grad_name="CatBackward0",
    saves="none",
)  # fmt: skip
def vstack(tensors: Sequence[Array]) -> Array:
    """``cat`` along dim 0, vectors as rows.  ``(n), (n) -> (2, n)``"""
    return cat(_raised(tensors, "vstack", 2), 0)


@op(
    out=True, method=False, promote="default", grad_name="CatBackward0",
    saves="none",
)  # fmt: skip
def dstack(tensors: Sequence[Array]) -> Array:
    """``cat`` along dim 2, matrices as (n, m, 1).  ``(n, m), (n, m) -> (n, m, 2)``"""
    return cat(_raised(tensors, "dstack", 3), 2)


@op(
    out=True, method=False, promote="default", grad_name="CatBackward0",
    saves="none",
)  # fmt: skip
def column_stack(tensors: Sequence[Array]) -> Array:
    """``hstack`` with vectors as columns.  ``(n), (n, m) -> (n, 1 + m)``"""
    if not _listed("column_stack", tensors):
        raise RuntimeError("column_stack expects a non-empty TensorList")
    return cat([lax.reshape(t, (t.size, 1)) if t.ndim <= 1 else t for t in tensors], 1)


@op(method=False, varargs="tensors", promote="default", saves="none")
def block_diag(tensors: Sequence[Array]) -> Array:
    """The matrices along a diagonal, zeros elsewhere.  ``(a, b), (c, d) -> (a + c, b + d)``"""
    if not tensors:
        raise RuntimeError("torch.block_diag: expected a non-empty TensorList")
    blocks = []
    for i, t in enumerate(tensors):
        if t.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has "
                f"{t.ndim} "
                "dimensions"
            )
        blocks.append(lax.reshape(t, (1,) * (2 - t.ndim) + t.shape) if t.ndim < 2 else t)
    width = sum(b.shape[1] for b in blocks)
    rows, left = [], 0
    for b in blocks:
        zero = jnp.zeros((), b.dtype)
        rows.append(lax.pad(b, zero, [(0, 0, 0), (left, width - left - b.shape[1], 0)]))
        left += b.shape[1]
    return lax.concatenate(rows, 0)


# ---------------------------------------------------------------------------- grids, combinations


def _spread(t: Array, at: int, shape: Ints) -> Array:
    """A vector laid along dim ``at`` of a grid."""
    return lax.broadcast_in_dim(lax.reshape(t, (t.size,)), shape, (at,))


def _check_meshgrid(args: dict[str, Any]) -> None:
    tensors = args["tensors"]
    fits = tensors and all(t.ndim < 2 and t.dtype is tensors[0].dtype for t in tensors)
    if args["indexing"] is None and fits:
        warn_once(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
            "argument."
        )


def _grid_views(invoke: Any, args: dict[str, Any]) -> Any:
    tensors = args["tensors"]
    fits = tensors and all(t.ndim < 2 and t.dtype is tensors[0].dtype for t in tensors)
    if not fits or args["indexing"] not in (None, "ij", "xy"):
        return NotImplemented
    _check_meshgrid(args)
    order, shape = _grid([t.numel() for t in tensors], args["indexing"])
    found = []
    for t, at in zip(tensors, order, strict=True):
        line = [1] * len(shape)
        line[at] = shape[at]
        found.append(invoke("expand", invoke("view", t, line), shape))
    return tuple(found)


def _grid(sizes: Sequence[int], indexing: str | None) -> tuple[list[int], Ints]:
    """Which dim each vector runs along, and the grid's shape."""
    order = list(range(len(sizes)))
    if indexing == "xy" and len(sizes) >= 2:
        order[0], order[1] = 1, 0
    return order, tuple([sizes[i] for i in order])  # the order is its own inverse


@op(
    method=False, varargs="tensors", check=_check_meshgrid, composed=_grid_views,
    grad_name="ExpandBackward0", saves="none",
)  # fmt: skip
def meshgrid(tensors: Sequence[Array], *, indexing: str | None = None) -> tuple[Array, ...]:
    """The grids of coordinates, as views.  ``(n), (m) -> (n, m), (n, m)``"""
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(
            f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}'
        )
    for t in tensors:
        if t.ndim > 1:
            raise RuntimeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: "
                f"{list(t.shape)}"
            )
        if t.dtype != tensors[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    order, shape = _grid([t.size for t in tensors], indexing)
    return tuple(_spread(t, at, shape) for t, at in zip(tensors, order, strict=True))


def _only_vector(invoke: Any, args: dict[str, Any]) -> Any:
    tensors = args["tensors"]
    return tensors[0] if len(tensors) == 1 and tensors[0].ndim == 1 else NotImplemented


@op(
    method=False, varargs="tensors", promote="default", composed=_only_vector,
    grad_name="StackBackward0", saves="none",
)  # fmt: skip
def cartesian_prod(tensors: Sequence[Array]) -> Array:
    """All tuples with one element from each vector.  ``(n), (m) -> (n·m, 2)``"""
    for t in tensors:
        if t.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {shape_text(t.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    shape = tuple(t.size for t in tensors)
    grids = [lax.reshape(_spread(t, i, shape), (math.prod(shape),)) for i, t in enumerate(tensors)]
    return jnp.stack(grids, axis=1)


@op(method=False, grad_name="StackBackward0", saves="none")
def combinations(input: Array, r: int = 2, with_replacement: bool = False) -> Array:
    """All r-element combinations, in order.  ``(n) -> (count, r)``"""
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {shape_text(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return jnp.zeros((0,), input.dtype)
    pick = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(pick(range(input.size), r)), np.int32).reshape(-1, r)
    return input.at[places].get(mode="promise_in_bounds")


def _expanded_views(invoke: Any, args: dict[str, Any]) -> Any:
    shape = broadcast_all(tuple(t.shape) for t in args["tensors"])
    return tuple([t if t.shape == shape else invoke("expand", t, shape) for t in args["tensors"]])


@op(
    method=False, varargs="tensors", composed=_expanded_views,
    grad_name="ExpandBackward0", saves="none",
)  # fmt: skip
def broadcast_tensors(tensors: Sequence[Array]) -> tuple[Array, ...]:
    """All expanded to the common shape, as views.  ``(1, m), (n, 1) -> (n, m), (n, m)``"""
    shape = broadcast_all(tuple(t.shape) for t in tensors)
    return tuple(jnp.broadcast_to(t, shape) for t in tensors)


# ---------------------------------------------------------------------------- repeats


def _repeated(x: Array, repeats: Sequence[int]) -> Array:
    """Each dim laid ``repeats`` times after itself."""
    out = tuple(n * k for n, k in zip(x.shape, repeats, strict=True))
    if any(k < 0 for k in repeats):
        negative = next(n for n in out if n < 0)
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {negative}: {shape_text(out)}"
        )
    wide = tuple(m for n, k in zip(x.shape, repeats, strict=True) for m in (k, n))
    spread = lax.broadcast_in_dim(x, wide, tuple(range(1, 2 * x.ndim, 2)))
    return lax.reshape(spread, out)


@op(namespaces=(), varargs="repeats", saves="none")
def repeat(input: Array, repeats: Ints) -> Array:
    """Copies laid along each dim; ``repeats`` may name more dims than there are.

    ``(n) -> (k·n)``
    """
    if len(repeats) < input.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            "tensor"
        )
    x = lax.reshape(input, (1,) * (len(repeats) - input.ndim) + input.shape)
    return _repeated(x, repeats)


@op(varargs="dims", grad_name="RepeatBackward0", saves="none")
def tile(input: Array, dims: Ints) -> Array:
    """``repeat`` with leading ones filled in.  ``(n, m), (k,) -> (n, k·m)``"""
    return repeat(input, (1,) * (input.ndim - len(dims)) + tuple(dims))


def _repeat_interleave_overload(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, repeats, dim, size = named_arguments(args, kwargs, "input", "repeats", "dim", "output_size")
    knobs = {"output_size": size}
    if x is None or repeats is None:  # torch.repeat_interleave(repeats)
        return "repeats_to_index", (repeats if x is None else x,), knobs
    key = "repeat_interleave_each" if hasattr(repeats, "dtype") else "repeat_interleave"
    return key, (x, repeats, dim), knobs


def _repeated_index(repeats: Any, count: int | None, output_size: int | None) -> np.ndarray:
    """Which element each element of the result comes from."""
    if repeats.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if repeats.dtype.name not in ("int64", "int32"):
        raise not_implemented_for("repeat_interleave_cpu", TYPE_NAMES[repeats.dtype.name])
    times = repeats.numpy().reshape(-1)
    if count is not None and times.size not in (1, count):
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{times.size} and input.size(0) = {count}"
        )
    if (times < 0).any():
        raise RuntimeError("repeats can not be negative")
    if count is not None and (times.size == 1 or repeats.ndim == 0):
        times = np.broadcast_to(times, (count,))
    index = np.repeat(np.arange(times.size, dtype=np.int64), times)
    if output_size is not None and output_size != index.size:
        raise RuntimeError(
            f"repeat_interleave: Invalid output_size, expected {index.size} but got {output_size}"
        )
    return index


@op(name="repeat_interleave", namespaces=(), method=False, host=True, nondiff=True)
def repeats_to_index(repeats: Array, *, output_size: int | None = None) -> np.ndarray:
    """``repeats[i]`` times each i.  ``(n) -> (sum)``"""
    if repeats.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    return _repeated_index(repeats, None, output_size).astype(repeats.dtype.np)


def _interleaved_positions(args: dict[str, Any]) -> dict[str, Any]:
    x, dim = args["input"], args["dim"]
    if dim is None:
        count = math.prod(x.shape)
    else:
        count = x.shape[normal_dim(dim, x.ndim)] if x.ndim else 1
    return {"_index": _repeated_index(args["repeats"], count, args["output_size"])}


@op(
    name="repeat_interleave", namespaces=(), method=False, prepare=_interleaved_positions,
    grad_name="IndexSelectBackward0", saves="none",
)  # fmt: skip
def repeat_interleave_each(
    input: Array,
    repeats: Array,
    dim: int | None = None,
    *,
    output_size: int | None = None,
    _index: Array,
) -> Array:
    """Each element of a dim as often as ``repeats`` says.  ``(n, *), (n) -> (sum, *)``"""
    x = lax.reshape(input, (input.size,)) if dim is None or input.ndim == 0 else input
    at = 0 if dim is None else normal_dim(dim, x.ndim)
    return jnp.take(x, _index, axis=at, mode="clip")


@op(resolve=_repeat_interleave_overload, grad_name="ViewBackward0", saves="none")
def repeat_interleave(
    input: Array, repeats: int, dim: int | None = None, *, output_size: int | None = None
) -> Array:
    """Each element of a dim ``repeats`` times; a tensor gives each its own count.

    ``(n, *) -> (n·k, *)``
    """
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    x = lax.reshape(input, (input.size,)) if dim is None or input.ndim == 0 else input
    at = 0 if dim is None else normal_dim(dim, x.ndim)
    wide = (*x.shape[: at + 1], repeats, *x.shape[at + 1 :])
    spread = lax.broadcast_in_dim(x, wide, tuple(i for i in range(x.ndim + 1) if i != at + 1))
    found = x.shape[at] * repeats
    if output_size is not None and output_size != found:
        raise RuntimeError(
            f"repeat_interleave: Invalid output_size, expected {found} but got {output_size}"
        )
    return lax.reshape(spread, (*x.shape[:at], found, *x.shape[at + 1 :]))


# ---------------------------------------------------------------------------- roll, rot90, flip


def _rolled(x: Array, shift: int, at: int) -> Array:
    n = x.shape[at]
    cut = (n - shift) % n if n else 0
    if cut == 0:
        return x
    parts = [lax.slice_in_dim(x, cut, n, 1, at), lax.slice_in_dim(x, 0, cut, 1, at)]
    return lax.concatenate(parts, at)


@op(saves="none")
def roll(input: Array, shifts: int | Ints, dims: int | Ints = ()) -> Array:
    """Moved along dims, what falls off the end comes in at the front.  ``(*) -> (*)``"""
    by = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    along = (dims,) if isinstance(dims, int) else tuple(dims or ())
    if not by:
        raise RuntimeError("`shifts` required")
    if not along and len(by) == 1:
        return lax.reshape(_rolled(lax.reshape(input, (input.size,)), by[0], 0), input.shape)
    if len(by) != len(along):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(by)}, dims:{len(along)}"
        )
    if input.size == 0:
        return input
    for shift, dim in zip(by, along, strict=True):
        if input.ndim == 0:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        input = _rolled(input, shift, normal_dim(dim, input.ndim))
    return input


@op(saves="none")
def rot90(input: Array, k: int = 1, dims: Ints = (0, 1)) -> Array:
    """Turned by k·90° in a plane, from the first dim towards the second.  ``(n, m) -> (m, n)``"""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == input.ndim:
        raise RuntimeError(
            f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}"
        )
    a, b = (normal_dim(dim, input.ndim) for dim in dims)
    order = list(range(input.ndim))
    order[a], order[b] = b, a
    turns = k % 4
    if turns == 1:
        return lax.transpose(lax.rev(input, (b,)), order)
    if turns == 2:
        return lax.rev(input, (a, b))
    if turns == 3:
        return lax.transpose(lax.rev(input, (a,)), order)
    return input


@op(varargs="dims", saves="none")
def flip(input: Array, dims: Ints) -> Array:
    """Order along dims reversed.  ``(*) -> (*)``"""
    if not isinstance(dims, int) and not dims:
        return input
    return lax.rev(input, normal_dims(dims, input.ndim))


@op(grad_name="FlipBackward0", saves="none")
def fliplr(input: Array) -> Array:
    """Columns reversed.  ``(n, m, *) -> (n, m, *)``"""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return lax.rev(input, (1,))


@op(grad_name="FlipBackward0", saves="none")
def flipud(input: Array) -> Array:
    """Rows reversed.  ``(n, *) -> (n, *)``"""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return lax.rev(input, (0,))
