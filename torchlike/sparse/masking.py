"""``sparse_mask``: a tensor's numbers at the elements that another one specifies."""

from __future__ import annotations

import numpy as np

from ..core.dispatch import invoke
from ..core.errors import shape_text
from ..core.modes import no_grad
from ..core.tensor import Tensor
from .coalesce import coalesced, places_in
from .kernels import host, take
from .layouts import layout_name, no_kernel
from .pattern import Pattern
from .tape import dense, taped
from .tensor import SparseTensor


def values_at(t: Tensor, pattern: Pattern) -> Tensor:
    """``t``'s numbers there, shaped like values of that pattern; 0 where a sparse ``t`` has none."""
    places = pattern.places
    if not isinstance(t, SparseTensor):
        rest = tuple(t.shape)[len(pattern.size) :]
        rows = take(t.reshape(pattern.count, *rest), places.reshape(-1))  # type: ignore[attr-defined]
        return rows.reshape(*places.shape, *rest)  # type: ignore[attr-defined]
    from .convert import to_coo

    t = coalesced(to_coo(t))
    rest = t._dense_shape
    at, found = places_in(t, places.reshape(-1))
    if not t._nnz():
        return invoke("zeros", (*places.shape, *rest), dtype=t.dtype, device=t.device)
    rows = take(t._numbers, at)
    if not found.all():
        keep = host(found.reshape(-1, *[1] * len(rest)), rows)
        rows = invoke("where", keep, rows, 0)
    return rows.reshape(*places.shape, *rest)


def sparse_mask(self: Tensor, mask: Tensor) -> Tensor:
    """The numbers of ``self`` at the elements that ``mask`` specifies; its values do not matter.

    Raises:
        RuntimeError: the sizes differ, or ``mask`` is dense.
    """
    if not isinstance(mask, SparseTensor):
        raise no_kernel("_nnz" if isinstance(self, SparseTensor) else "sparse_mask", mask)
    if self.shape != mask.shape:
        raise RuntimeError(
            f"sparse_mask(): operands have incompatible sizes; self has size {shape_text(self.shape)} "
            f"but mask has size {shape_text(mask.shape)}"
        )
    compressed = isinstance(self, SparseTensor) and not self._pattern.is_coo
    if compressed and mask._pattern.is_coo:
        raise RuntimeError(
            "sparse_mask_sparse_compressed expects mask to have sparse compressed layout, got "
            + layout_name(mask)
        )
    with no_grad():
        made = _masked(self, mask, compressed)
    if isinstance(self, SparseTensor):
        return taped("SparseMaskBackward0", made, (self, lambda g: sparse_mask(g, mask)))
    return taped("SparseMaskBackward0", made, (self, lambda g: dense(sparse_mask(g, mask))))


def _masked(self: Tensor, mask: SparseTensor, compressed: bool) -> SparseTensor:
    if compressed and isinstance(self, SparseTensor):
        from .convert import to_coo, to_layout

        # PyTorch keeps only what both specify, where both are compressed
        mine = coalesced(to_coo(self))
        theirs = coalesced(to_coo(mask))
        _, found = places_in(theirs, mine._pattern.places)
        if not found.all():
            kept = np.flatnonzero(found)
            indices = host(mine._pattern.indices()[:, kept], mine._numbers)
            from .tensor import coo

            left = coo(indices, take(mine._numbers, kept), mine.shape, True)
            return to_layout(left, mask.layout, mask._pattern.block)
    return SparseTensor(mask._pattern, values_at(self, mask._pattern))
