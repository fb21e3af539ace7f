"""Dims of sparse tensors exchanged, added, selected from, joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.dispatch import invoke
from ..core.dtypes import int64
from ..core.errors import dim_out_of_range, shape_text
from ..core.modes import no_grad
from ..core.promote import result_type
from ..core.shapes import normal_dim
from ..core.tensor import Tensor
from .kernels import host, joined, take
from .layouts import COMPRESSED, layout_name, no_kernel, turned
from .pattern import Pattern, numbers
from .tape import remembered, renamed, taped, values_of
from .tensor import SparseTensor, coo, like


def _indices(s: SparseTensor) -> np.ndarray:
    return numbers(s._pattern.parts[0])


# --- other orders --------------------------------------------------------------------------------------


def transpose(input: SparseTensor, dim0: int, dim1: int) -> Tensor:
    """Two dims exchanged: of COO two with indices, of a compressed layout the matrix's (CSR becomes CSC)."""
    a, b = normal_dim(dim0, input.dim()), normal_dim(dim1, input.dim())
    with no_grad():
        if a == b:
            made = like(input, input._numbers)
        elif input.is_sparse:
            made = _exchanged(input, a, b)
        else:
            made = _exchanged_compressed(input, min(a, b), max(a, b))
    return taped("TransposeBackward0", made, (input, lambda g: invoke("transpose", g, a, b)))


def _exchanged(s: SparseTensor, a: int, b: int) -> SparseTensor:
    if max(a, b) >= s.sparse_dim():
        raise RuntimeError(
            "sparse transpose: transposed dimensions must be sparse Got sparse_dim: "
            f"{s.sparse_dim()}, d0: {a}, d1: {b}"
        )
    order = list(range(s.dim()))
    order[a], order[b] = order[b], order[a]
    return _permuted(s, order)


def _permuted(s: SparseTensor, order: Sequence[int]) -> SparseTensor:
    """``order`` moves dims with indices among themselves, and dense dims among themselves."""
    n = s.sparse_dim()
    lead, rest = list(order[:n]), [d - n for d in order[n:]]
    values = s._numbers
    if rest != sorted(rest):
        values = values.permute(0, *[d + 1 for d in rest])  # type: ignore[attr-defined]
    shape = tuple([s.shape[d] for d in order])
    same = lead == sorted(lead)
    parts = s._pattern.parts[0] if same else host(_indices(s)[lead], values)
    made = coo(parts, values, shape, same and s._pattern.coalesced)
    made._pattern.coalesced &= same
    return made


def _exchanged_compressed(s: SparseTensor, a: int, b: int) -> SparseTensor:
    batch = len(s._pattern.batch)
    if s.dense_dim():
        raise RuntimeError(
            "transpose(): hybrid sparse compressed tensors with dense dimensions are not supported"
        )
    kinds = ["Batch" if d < batch else "Sparse" for d in (a, b)]
    if kinds[0] != kinds[1]:
        raise RuntimeError(
            "transpose(): can only transpose dimensions of the same type (Batch, Sparse, Dense), got "
            f"{a}({kinds[0]}) and {b}({kinds[1]})"
        )
    pattern, values = s._pattern, s._numbers
    size = list(pattern.size)
    size[a], size[b] = size[b], size[a]
    if a < batch:
        parts = tuple([t.transpose(a, b) for t in pattern.parts])  # type: ignore[attr-defined]
        made = Pattern(s.layout, parts, tuple(size), pattern.block)
        return SparseTensor(made, values.transpose(a, b))  # type: ignore[attr-defined]
    if pattern.blocked:
        values = values.transpose(-1, -2)  # type: ignore[attr-defined]
    made = Pattern(
        turned(s.layout), pattern.parts, tuple(size), (pattern.block[1], pattern.block[0])
    )
    return SparseTensor(made, values)


def t(input: SparseTensor) -> Tensor:
    """The transposed matrix; a vector is itself."""
    if input.is_sparse and (input.sparse_dim() > 2 or input.dense_dim()):
        raise RuntimeError(
            "t() expects a tensor with <= 2 sparse and 0 dense dimensions, but got "
            f"{input.sparse_dim()} sparse and {input.dense_dim()} dense dimensions"
        )
    if input.dim() > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.dim()}D")
    if input.dim() < 2:
        return input
    return renamed("TBackward0", transpose(input, 0, 1))


def permute(input: SparseTensor, dims: Sequence[int]) -> Tensor:
    """The dims in another order, those with indices before the others."""
    if not input.is_sparse:
        raise no_kernel("as_strided", input)
    if len(dims) != input.dim():
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.dim()} is not equal to len(dims) = {len(dims)}"
        )
    order = [normal_dim(d, input.dim()) for d in dims]
    if len(set(order)) < len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    n = input.sparse_dim()
    if any(d >= n for d in order[:n]):
        raise RuntimeError(
            "permute(sparse_coo): transpositions between sparse and dense dimensions are not allowed.Only "
            "transpositions within sparse and dense dimensions are supported."
        )
    with no_grad():
        made = _permuted(input, order)
    back = [order.index(d) for d in range(len(order))]
    return taped("PermuteBackward0", made, (input, lambda g: invoke("permute", g, back)))


def movedim(input: SparseTensor, source: Any, destination: Any) -> Tensor:
    """``source`` dims put at ``destination``, the others in order."""
    ours = [(x,) if isinstance(x, int) else tuple(x) for x in (source, destination)]
    start, end = [[normal_dim(d, input.dim()) for d in x] for x in ours]
    order = [d for d in range(input.dim()) if d not in start]
    for at, d in sorted(zip(end, start, strict=True)):
        order.insert(at, d)
    return permute(input, order)


def swapaxes(input: SparseTensor, axis0: int, axis1: int) -> Tensor:
    return transpose(input, axis0, axis1)


def reversed_dims(input: SparseTensor) -> Tensor:
    """``x.T``"""
    return permute(input, list(range(input.dim()))[::-1])


def matrix_transposed(input: SparseTensor) -> Tensor:
    """``x.mT``"""
    return transpose(input, -2, -1)


def adjoint(input: SparseTensor) -> Tensor:
    """``x.mH``"""
    return invoke("conj", transpose(input, -2, -1))


# --- more dims, fewer dims -----------------------------------------------------------------------------


def unsqueeze(input: SparseTensor, dim: int) -> Tensor:
    """A new dim of length 1."""
    if not input.is_sparse:
        raise RuntimeError(f"Sparse {COMPRESSED[input.layout].name} tensors do not have strides")
    dim = normal_dim(dim, input.dim() + 1)
    n = input.sparse_dim()
    shape = (*input.shape[:dim], 1, *input.shape[dim:])
    values = values_of(input)
    if dim > n:
        values = values.unsqueeze(dim - n + 1)  # type: ignore[attr-defined]
        made = coo(input._pattern.parts[0], values, shape)
        return remembered("UnsqueezeBackward0", made, values)
    indices = np.insert(_indices(input), dim, 0, axis=0)
    return remembered("UnsqueezeBackward0", coo(host(indices, values), values, shape), values)


def select(input: SparseTensor, dim: int, index: int) -> Tensor:
    """The elements at one index of a dim, which goes away; dense if no dim with indices is left."""
    dim = normal_dim(dim, input.dim())
    length = input.shape[dim]
    if not -length <= index < length:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {shape_text(input.shape)} at dimension {dim}"
        )
    index %= length
    is_sorted = not input.is_sparse
    if not input.is_sparse:
        if dim < len(input._pattern.batch):
            return _select_of_batch(input, dim, index)
        input = input.to_sparse().coalesce()  # type: ignore[attr-defined]
    n = input.sparse_dim()
    shape = (*input.shape[:dim], *input.shape[dim + 1 :])
    values = values_of(input)
    node = "SelectBackward0"
    if dim >= n:
        values = values.select(dim - n + 1, index)  # type: ignore[attr-defined]
        made = coo(input._pattern.parts[0], values, shape)
        return remembered(node, made, values)
    indices = _indices(input)
    at = np.flatnonzero(indices[dim] == index)
    values = take(values, at)
    if n == 1:
        return invoke("sum", values, 0, dtype=values.dtype)
    indices = np.delete(indices[:, at], dim, 0)
    return remembered(node, coo(host(indices, values), values, shape, is_sorted), values)


def _select_of_batch(s: SparseTensor, dim: int, index: int) -> SparseTensor:
    pattern = s._pattern
    values = values_of(s).select(dim, index)  # type: ignore[attr-defined]
    parts = tuple([t.select(dim, index) for t in pattern.parts])  # type: ignore[attr-defined]
    size = (*pattern.size[:dim], *pattern.size[dim + 1 :])
    made = SparseTensor(Pattern(s.layout, parts, size, pattern.block), values)
    return remembered("SelectBackward0", made, values)


def unbind(input: SparseTensor, dim: int = 0) -> tuple[Tensor, ...]:
    """``select`` at every index."""
    dim = normal_dim(dim, input.dim())
    return tuple([select(input, dim, i) for i in range(input.shape[dim])])


def index_select(input: SparseTensor, dim: int, index: Tensor) -> Tensor:
    """The slices that ``index`` lists, with repetitions.

    Raises:
        IndexError: no vector of int64, or out of range.
    """
    if not input.is_sparse:
        raise no_kernel("index_select", input)
    if input.dim() == 0:
        raise IndexError("index_select() cannot be applied to a 0-dim tensor.")
    dim = normal_dim(dim, input.dim())
    if index.dim() != 1 or index.dtype is not int64 or isinstance(index, SparseTensor):
        raise IndexError(
            "index_select() argument index must be 1-D strided (non-sparse) long-tensor."
        )
    wanted, length = numbers(index), input.shape[dim]
    bad = wanted[(wanted < -length) | (wanted >= length)]
    if bad.size:
        raise IndexError(
            f"index_select(): index contains {bad[0]} that is out of range for tensor of size "
            f"{shape_text(input.shape)} at dimension {dim}"
        )
    wanted = np.where(wanted < 0, wanted + length, wanted)
    n = input.sparse_dim()
    shape = (*input.shape[:dim], wanted.size, *input.shape[dim + 1 :])
    values = values_of(input)
    node = "IndexSelectBackward0"
    if dim >= n:
        values = invoke("index_select", values, dim - n + 1, host(wanted, values))
        return remembered(node, coo(input._pattern.parts[0], values, shape), values)
    indices = _indices(input)
    order = np.argsort(indices[dim], kind="stable")
    sorted_dim = indices[dim][order]
    first, last = np.searchsorted(sorted_dim, wanted), np.searchsorted(sorted_dim, wanted, "right")
    counts = last - first
    new = np.repeat(np.arange(wanted.size), counts)
    at = order[np.arange(new.size) + np.repeat(first - (np.cumsum(counts) - counts), counts)]
    picked = indices[:, at].copy()
    picked[dim] = new
    values = take(values, at)
    return remembered(node, coo(host(picked, values), values, shape), values)


def narrow_copy(input: SparseTensor, dim: int, start: int, length: int) -> Tensor:
    """Indices ``start`` to ``start + length`` of a dim."""
    if not input.is_sparse:
        raise no_kernel("narrow_copy", input)
    if not 0 <= dim < input.dim():
        raise RuntimeError(f"Dimension {dim} out of range. Expecting 0 <= dim < {input.dim()}.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if start < 0 or start + length > input.shape[dim]:
        raise RuntimeError(
            "Invalid range to narrow. range(start, start+length) must be a subset of range(0, "
            f"{input.shape[dim]})."
        )
    n = input.sparse_dim()
    shape = (*input.shape[:dim], length, *input.shape[dim + 1 :])
    values, is_coalesced = values_of(input), input._pattern.coalesced
    if dim >= n:
        values = values.narrow(dim - n + 1, start, length)  # type: ignore[attr-defined]
        made = coo(input._pattern.parts[0], values, shape, is_coalesced)
        return remembered("NarrowBackward0", made, values)
    indices = _indices(input)
    at = np.flatnonzero((indices[dim] >= start) & (indices[dim] < start + length))
    picked = indices[:, at].copy()
    picked[dim] -= start
    values = take(values, at)
    made = coo(host(picked, values), values, shape, is_coalesced)
    return remembered("NarrowBackward0", made, values)


# --- joining -------------------------------------------------------------------------------------------


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """COO tensors one after the other along a dim.

    Raises:
        RuntimeError: another layout among them, or shapes that do not fit.
    """
    first = tensors[0]
    if not isinstance(first, SparseTensor):
        raise no_kernel("_values", first)
    if not first.is_sparse:
        raise RuntimeError(
            f"Sparse {COMPRESSED[first.layout].name} tensors do not have is_contiguous"
        )
    dim = normal_dim(dim, first.dim())
    for i, x in enumerate(tensors):
        _check_joined(first, x, i, dim)
    n = first.sparse_dim()
    of = result_type([(x.dtype, x.dim()) for x in tensors])
    values = [values_of(x).to(of) for x in tensors]  # type: ignore[arg-type, attr-defined]
    lengths = [x.shape[dim] for x in tensors]
    starts = np.cumsum([0, *lengths])
    shape = (*first.shape[:dim], int(starts[-1]), *first.shape[dim + 1 :])
    indices = [_indices(x) for x in tensors]  # type: ignore[arg-type]
    if dim < n:
        moved = [i.copy() for i in indices]
        for i, start in zip(moved, starts, strict=False):
            i[dim] += start
        indices = moved
    else:
        at = dim - n + 1
        for k, (v, start, length) in enumerate(zip(values, starts, lengths, strict=False)):
            pad = [0, 0] * (v.dim() - 1 - at) + [int(start), int(starts[-1] - start - length)]
            values[k] = invoke("constant_pad_nd", v, pad, 0)
    every = joined(values)
    made = coo(host(np.concatenate(indices, 1), every), every, shape)
    return remembered("CatBackward0", made, every)


def _check_joined(first: SparseTensor, x: Tensor, i: int, dim: int) -> None:
    if not isinstance(x, SparseTensor):
        raise RuntimeError(
            f"Concatenating sparse tensors, but a dense tensor was found at position {i}."
        )
    if not x.is_sparse:
        raise RuntimeError(f"cat: expected Sparse layout but got {layout_name(x)} at position {i}")
    mine, theirs = list(first.shape), list(x.shape)
    if len(mine) != len(theirs) or mine[:dim] + mine[dim + 1 :] != theirs[:dim] + theirs[dim + 1 :]:
        raise RuntimeError(
            f"All tensors must have the same shape: {mine} (except in the concatenating dimension), but found shape: "
            f"{theirs} at position {i}."
        )
    if x.sparse_dim() != first.sparse_dim():
        raise RuntimeError(
            f"All tensors must have the same sparse_dim and dense_dim: {first.sparse_dim()}, {first.dense_dim()}, but "
            f"tensor at position {i} has {x.sparse_dim()}, {x.dense_dim()}."
        )


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Along a new dim."""
    first = tensors[0]
    if not -first.dim() - 1 <= dim <= first.dim():
        raise dim_out_of_range(dim, first.dim() + 1)
    dim %= first.dim() + 1
    if isinstance(first, SparseTensor) and not first.is_sparse:
        raise RuntimeError(
            f"Sparse {COMPRESSED[first.layout].name} tensors do not have is_contiguous"
        )
    return renamed("StackBackward0", cat([invoke("unsqueeze", x, dim) for x in tensors], dim))


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    return cat(tensors, 0 if tensors[0].dim() == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    return cat([at_least_2d(x) for x in tensors], 0)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    return cat([at_least_3d(x) for x in tensors], 2)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    return cat([invoke("unsqueeze", x, 1) if x.dim() == 1 else x for x in tensors], 1)


def at_least_2d(input: Tensor) -> Tensor:
    return input if input.dim() >= 2 else invoke("unsqueeze", input, 0)


def at_least_3d(input: Tensor) -> Tensor:
    if input.dim() == 1:
        input = invoke("unsqueeze", input, 0)
    return input if input.dim() >= 3 else invoke("unsqueeze", input, 2)
