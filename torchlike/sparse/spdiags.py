"""Sparse matrices of diagonals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.constants import layout as Layout, sparse_coo, sparse_csc, sparse_csr
from ..core.dtypes import TYPE_NAMES, int64
from ..core.tensor import Tensor
from .convert import to_sparse
from .kernels import host, take
from .layouts import layout_name
from .pattern import numbers
from .tape import remembered
from .tensor import coo


def spdiags(
    diagonals: Tensor, offsets: Tensor, shape: Sequence[int], layout: Layout | None = None
) -> Tensor:
    """``out[j - offset, j] = diagonal[j]`` for each diagonal; what falls outside is dropped.

    ``(D, n), (D) int -> shape``

    Raises:
        RuntimeError: an offset twice, or too many diagonals for the offsets.
    """
    size = tuple([int(n) for n in shape])
    rows = (
        diagonals
        if diagonals.dim() == 2
        else diagonals.reshape(1, -1)
        if diagonals.dim() == 1
        else diagonals
    )  # type: ignore[attr-defined]
    _check(rows, offsets, size, layout)
    begins = numbers(offsets).reshape(-1)
    if np.unique(begins).size < begins.size:
        raise RuntimeError("Offset tensor contains duplicate values")
    width = min(rows.shape[1], size[1])
    column = np.tile(np.arange(width), (len(begins), 1))
    row = column - begins[:, None]
    inside = (row >= 0) & (row < size[0])
    which = np.flatnonzero(inside)
    flat_at = (np.arange(len(begins))[:, None] * rows.shape[1] + column).reshape(-1)[which]
    values = take(rows.reshape(-1), flat_at)  # type: ignore[attr-defined]
    indices = np.stack([row.reshape(-1)[which], column.reshape(-1)[which]])
    made: Any = coo(host(indices, values), values, size)
    made = remembered("SpdiagsBackward0", made, values)
    return made if layout in (None, sparse_coo) else to_sparse(made, layout=layout)


def _check(rows: Tensor, offsets: Tensor, size: tuple[int, ...], layout: Any) -> None:
    if len(size) != 2:
        raise RuntimeError("Output shape must be 2d")
    if rows.dim() != 2:
        raise RuntimeError("Diagonals must be vector or matrix")
    if offsets.dim() > 1:
        raise RuntimeError("Offsets must be scalar or vector")
    if offsets.dtype is not int64:
        raise RuntimeError(
            f"Offset Tensor must have dtype Long but got {TYPE_NAMES[offsets.dtype.name]}"
        )
    if rows.shape[0] != offsets.numel():
        raise RuntimeError(
            f"Number of diagonals ({rows.shape[0]}) does not match the number of offsets ({offsets.numel()})"
        )
    if layout not in (None, sparse_coo, sparse_csr, sparse_csc):
        raise RuntimeError(
            "Only output layouts (Sparse, SparseCsc, SparseCsr) are supported, got "
            + layout_name(layout)
        )
