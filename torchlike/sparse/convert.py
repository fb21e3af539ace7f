"""From one layout to another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.constants import (
    layout,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)
from ..core.errors import dim_out_of_range, shape_text
from ..core.modes import no_grad
from ..core.tensor import Tensor
from .coalesce import coalesced
from .kernels import host, sum_at, take
from .layouts import COMPRESSED, layout_name
from .pattern import Pattern, numbers, unflat
from .tape import dense, taped
from .tensor import SparseTensor, coo

# --- to dense ------------------------------------------------------------------------------------


def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """All elements, those that are not specified as 0; a dense tensor is returned as it is.

    ``masked_grad=False`` makes the gradient of those elements, too.
    """
    if not isinstance(self, SparseTensor):
        return self if dtype is None else self.to(dtype)  # type: ignore[attr-defined]
    if dtype is not None:
        name = "sparse" if self.is_sparse else "sparse_csr"
        raise RuntimeError(f"dtype argument is not supported by {name}_to_dense")
    with no_grad():
        made = _dense(self)
    return taped("ToDenseBackward0", made, (self, lambda g: _dense_gradient(g, self, masked_grad)))


def _dense(s: SparseTensor) -> Tensor:
    pattern, shape = s._pattern, s.shape
    found = sum_at(s._rows, pattern.places.reshape(-1), pattern.count, pattern.distinct)
    return found.reshape(shape)  # type: ignore[attr-defined]


def _dense_gradient(g: Tensor, s: SparseTensor, masked_grad: bool | None) -> Tensor:
    from .masking import sparse_mask

    if masked_grad is False:
        return in_layout_of(g, s)
    return sparse_mask(g, coalesced(s) if s.is_sparse else s)


# --- to COO --------------------------------------------------------------------------------------


def to_coo(s: SparseTensor) -> SparseTensor:
    """The elements of any sparse tensor as COO, its batch dims sparse too."""
    pattern = s._pattern
    if pattern.is_coo:
        return s
    places = pattern.places.reshape(-1)
    is_sorted = bool((np.diff(places) > 0).all())
    return coo(host(unflat(places, pattern.size), s._rows), s._rows, s.shape, is_sorted)


def coo_of_dense(t: Tensor, sparse_dim: int) -> SparseTensor:
    """The elements that are not 0 (NaN is not), in row-major order."""
    shape = tuple(t.shape)
    sparse_size, rest = shape[:sparse_dim], shape[sparse_dim:]
    array = numbers(t).reshape(math.prod(sparse_size), math.prod(rest))
    places = np.flatnonzero((array != 0).any(1)) if shape else np.zeros(1, np.int64)
    rows = t.detach().reshape(math.prod(sparse_size), *rest)  # type: ignore[attr-defined]
    values = take(rows, places)
    return coo(host(unflat(places, sparse_size), values), values, shape, True)


# --- to compressed layouts -------------------------------------------------------------------------


def compress(
    places: np.ndarray, values: Tensor, of: layout, size: tuple[int, ...], block: tuple[int, int]
) -> SparseTensor:
    """A compressed tensor of elements at distinct places of ``size`` (batch dims, rows, columns).

    Elements of blocks: a block is specified if one of its elements is.

    Raises:
        RuntimeError: the matrices of a batch do not have equally many elements.
    """
    kind = COMPRESSED[of]
    batch, (tall, wide) = size[:-2], block
    rows, columns = size[-2] // tall, size[-1] // wide
    line, column = np.divmod(places, max(size[-1], 1))
    number, row = np.divmod(line, max(size[-2], 1))
    inside = (row % tall) * wide + column % wide
    row, column = row // tall, column // wide
    along, across = (row, column) if kind.by_rows else (column, row)
    lines, widest = (rows, columns) if kind.by_rows else (columns, rows)
    spot = (number * lines + along) * max(widest, 1) + across
    spots, at = np.unique(spot, return_inverse=True)
    matrices = math.prod(batch)
    per_line = np.bincount(spots // max(widest, 1), minlength=matrices * lines)
    per_line = per_line.reshape(matrices, lines)
    counts = set(per_line.sum(1).tolist())
    if len(counts) > 1:
        raise RuntimeError("Expect the same number of specified elements per batch.")
    nnz = counts.pop() if counts else 0
    ends = np.zeros((matrices, lines + 1), np.int64)
    np.cumsum(per_line, 1, out=ends[:, 1:])
    others = (spots % max(widest, 1)).reshape(*batch, nnz)
    rest = tuple(values.shape)[1:]
    if kind.blocked:
        made = sum_at(values, at * (tall * wide) + inside, spots.size * tall * wide, True)
        made = made.reshape(*batch, nnz, tall, wide, *rest)  # type: ignore[attr-defined]
    else:
        order = None if not at.size or (np.diff(at) > 0).all() else np.argsort(at)
        made = take(values, order).reshape(*batch, nnz, *rest)  # type: ignore[attr-defined]
    ends = ends.reshape(*batch, lines + 1)
    return SparseTensor(Pattern(of, (host(ends, made), host(others, made)), size, block), made)


def to_layout(s: SparseTensor, of: layout, block: tuple[int, int]) -> SparseTensor:
    """Any sparse tensor in another layout; nothing is checked."""
    s = to_coo(s)
    if of is sparse_coo:
        return s
    s = coalesced(s)
    return compress(s._pattern.places, s._numbers, of, s._pattern.size, block)


# --- the public functions --------------------------------------------------------------------------


def to_sparse(
    self: Tensor, sparse_dim: int | None = None, *, layout: layout | None = None,
    blocksize: Sequence[int] | None = None, dense_dim: int | None = None,
) -> Tensor:  # fmt: skip
    """The elements that are not 0, in the given layout (COO if none is).

    Raises:
        RuntimeError: PyTorch has no such conversion.
    """
    if sparse_dim is not None:
        if not isinstance(sparse_dim, int):
            raise TypeError(
                f"to_sparse() received an invalid combination of arguments - got (torch.{type(sparse_dim).__name__}), "
                "but expected one of:"
            )
        if (layout, blocksize, dense_dim) != (None, None, None):
            raise TypeError("to_sparse() takes 0 positional arguments but 1 was given")
        _check_sparse_dim(self, sparse_dim)
        return _converted(self, sparse_coo, "ToSparseBackward0", (1, 1), self.dim() - sparse_dim)
    target = sparse_coo if layout is None else layout
    block = None if blocksize is None else tuple([int(b) for b in blocksize])
    _check_conversion(self, target, block, dense_dim)
    if target is strided:
        return to_dense(self)
    name = "" if target is sparse_coo else COMPRESSED[target].name.capitalize()
    node = f"ToSparse{name}Backward{0 if name else 1}"
    return _converted(self, target, node, block or (1, 1), dense_dim or 0)  # type: ignore[arg-type]


def _converted(
    self: Tensor, of: layout, node: str, block: tuple[int, int], dense_dim: int
) -> Tensor:
    sparse = isinstance(self, SparseTensor)
    if sparse and self.layout is of and self._pattern.block == block:
        return self
    with no_grad():
        if sparse:
            made = to_layout(self, of, block)
        else:
            shape = tuple(self.shape)
            size = shape[: len(shape) - dense_dim]
            made = coo_of_dense(self, len(size))
            if of is not sparse_coo:
                made = compress(made._pattern.places, made._numbers, of, size, block)
    return taped(node, made, (self, lambda g: in_layout_of(g, self)))


def in_layout_of(g: Tensor, like: Tensor) -> Tensor:
    """A gradient in the layout of what it belongs to."""
    if not isinstance(like, SparseTensor):
        return dense(g)
    if isinstance(g, SparseTensor):
        return _converted(g, like.layout, "", like._pattern.block, 0)
    if like.is_sparse:
        return to_sparse(g, like.sparse_dim())
    block = like._pattern.block if like._pattern.blocked else None
    return to_sparse(g, layout=like.layout, blocksize=block, dense_dim=like.dense_dim())


# --- what PyTorch refuses ----------------------------------------------------------------------------


def _check_sparse_dim(self: Tensor, sparse_dim: int) -> None:
    rank = self.dim()
    if not isinstance(self, SparseTensor):
        if rank and sparse_dim == 0:
            raise RuntimeError(
                "dense_to_sparse: sparse_dim argument must be in >0 when self.dim()>0"
            )
        if not 0 <= sparse_dim <= rank:
            raise RuntimeError(
                f"dense_to_sparse: sparse_dim argument must be in [0,{rank}] range, but {sparse_dim} is given"
            )
    elif self.is_sparse and sparse_dim != self.sparse_dim():
        raise RuntimeError(
            "to_sparse: conversion from Sparse to Sparse with sparse_dim argument !=self.sparse_dim() is not supported"
        )
    elif not self.is_sparse and sparse_dim != 2:
        raise RuntimeError(
            f"sparse_compressed_to_sparse: conversion from {layout_name(self)} to Sparse with sparse_dim "
            "argument !=2 is not supported"
        )


def _check_conversion(
    self: Tensor, of: layout, block: tuple[int, ...] | None, dense_dim: int | None
) -> None:
    sparse = isinstance(self, SparseTensor)
    source = "dense" if not sparse else "coo" if self.is_sparse else "sparse_compressed"
    blocked = of in (sparse_bsr, sparse_bsc)
    given = ""
    if (block is not None) != blocked:
        given = "without blocksize argument given" if blocked else "with blocksize argument given"
    elif dense_dim is not None and sparse:
        given = "with dense_dim argument given"
    if given:
        fn = f"{source}_to_sparse" if source != "coo" else "sparse_coo_to_sparse"
        fn = "to_sparse" if self.layout is of else fn
        raise RuntimeError(
            f"{fn}: conversion from {layout_name(self)} to {layout_name(of)} {given} is not supported"
        )
    fn = f"{source}_to_sparse"
    if of in COMPRESSED:
        fn = f"{fn}_{COMPRESSED[of].name.lower()}"
    if sparse:
        _check_source(self, of, block, fn)
    elif of is not strided:
        most = self.dim() - (2 if of in COMPRESSED else 0)
        if most < 0:
            raise _too_few_dims(self, of)
        if not 0 <= (dense_dim or 0) <= most:
            raise RuntimeError(
                f"{fn}: dense_dim argument must be in [0,{most}] range, but {dense_dim} is given"
            )
        end = self.dim() - (dense_dim or 0)
        _check_blocks(tuple(self.shape)[end - 2 : end], block, fn)


def _too_few_dims(self: Tensor, of: layout) -> IndexError:
    if of is sparse_csr:
        size = (int(np.count_nonzero(numbers(self))), 1) if self.dim() else (0, 0)
        text = (
            f"select(): index 1 out of range for tensor of size {shape_text(size)} at dimension 1"
        )
        return IndexError(text)
    return dim_out_of_range(1 if of is sparse_csc else -2, self.dim())


def _check_source(self: SparseTensor, of: layout, block: tuple[int, ...] | None, fn: str) -> None:
    pair = f"conversion from {layout_name(self)} to {layout_name(of)}"
    if of not in COMPRESSED:
        return
    if self.is_sparse and self.sparse_dim() != 2:
        raise RuntimeError(f"{fn}: {pair} for input tensors with sparse_dim()!=2 is not supported")
    if self._pattern.blocked and block is None:
        raise RuntimeError(
            f"{fn}: expected SparseCsr or SparseCsc layout but got {layout_name(self)}"
        )
    if self._pattern.blocked and block != self._pattern.block:
        fn = fn.removeprefix("sparse_compressed_")
        before, after = shape_text(self._pattern.block), shape_text(block or ())
        raise RuntimeError(
            f"{fn}: {pair} with blocksize changed from {before} to {after} is not supported"
        )
    _check_blocks(self._pattern.size[-2:], block, fn)


def _check_blocks(matrix: Sequence[int], block: tuple[int, ...] | None, fn: str) -> None:
    if block is None:
        return
    if len(block) != 2:
        raise RuntimeError(f"{fn}: blocksize needs to be a tuple of size 2, but got {len(block)}")
    if min(block) <= 0:
        raise RuntimeError(f"{fn}: blocksize needs to be positive, but got {shape_text(block)}")
    if any(n % b for n, b in zip(matrix, block, strict=True)):
        raise RuntimeError(
            f"{fn}: tensor sparse size ({matrix[0]},{matrix[1]}) must be divisible by given blocksize "
            f"({block[0]},{block[1]})"
        )


def to_sparse_coo(self: Tensor) -> Tensor:
    """``to_sparse()``"""
    return to_sparse(self)


def to_sparse_csr(self: Tensor, dense_dim: int | None = None) -> Tensor:
    return to_sparse(self, layout=sparse_csr, dense_dim=dense_dim)


def to_sparse_csc(self: Tensor, dense_dim: int | None = None) -> Tensor:
    return to_sparse(self, layout=sparse_csc, dense_dim=dense_dim)


def to_sparse_bsr(self: Tensor, blocksize: Any, dense_dim: int | None = None) -> Tensor:
    return to_sparse(self, layout=sparse_bsr, blocksize=_pair(blocksize), dense_dim=dense_dim)


def to_sparse_bsc(self: Tensor, blocksize: Any, dense_dim: int | None = None) -> Tensor:
    return to_sparse(self, layout=sparse_bsc, blocksize=_pair(blocksize), dense_dim=dense_dim)


def _pair(blocksize: Any) -> Any:
    return (blocksize, blocksize) if isinstance(blocksize, int) else blocksize
