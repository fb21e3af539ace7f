"""Sorting a COO tensor's elements and adding those of the same index; merging two tensors' elements."""

from __future__ import annotations

import numpy as np

from ..core.modes import no_grad
from ..core.tensor import Tensor
from .kernels import host, joined, sum_at, take
from .pattern import flat, numbers, unflat
from .tape import taped
from .tensor import SparseTensor, coo


def coalesced(s: SparseTensor) -> SparseTensor:
    """Sorted, each index once; ``s`` itself if it is that already.

    Gradients pass through: as a tensor it is the same.
    """
    if s._pattern.coalesced:
        return s
    with no_grad():
        made = _coalesced(s)
    return taped("CoalesceBackward0", made, (s, lambda g: g))


def _coalesced(s: SparseTensor) -> SparseTensor:
    if s._pattern.ordered:
        return coo(s._pattern.parts[0], s._numbers, s.shape, True)
    sparse_size = s._pattern.size
    places, inverse = np.unique(s._pattern.places, return_inverse=True)
    values = sum_at(s._numbers, inverse, places.size)
    return coo(host(unflat(places, sparse_size), values), values, s.shape, True)


def merged(a: SparseTensor, b: SparseTensor, alpha_b: Tensor) -> SparseTensor:
    """The elements of both, in PyTorch's order; ``alpha_b`` are ``b``'s values, scaled.

    Two sorted lists become one sorted list. Unsorted ones are walked through side by side: only
    elements that meet on the way are added.
    """
    pa, pb = a._pattern.places, b._pattern.places
    sorted_both = a._pattern.ordered and b._pattern.ordered
    if np.array_equal(pa, pb):
        both = pa
        at_a = at_b = np.arange(pa.size)
    elif sorted_both:
        both = np.union1d(pa, pb)
        at_a, at_b = np.searchsorted(both, pa), np.searchsorted(both, pb)
    else:
        both, at_a, at_b = _walked(pa, pb)
    values = joined([a._numbers, alpha_b])
    values = sum_at(values, np.concatenate([at_a, at_b]), both.size)
    both_coalesced = a._pattern.coalesced and b._pattern.coalesced
    made = coo(host(unflat(both, a._pattern.size), values), values, a.shape, both_coalesced)
    made._pattern.ordered |= sorted_both
    return made


def _walked(pa: np.ndarray, pb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first, second = pa.tolist(), pb.tolist()
    both: list[int] = []
    at_a: list[int] = []
    at_b: list[int] = []
    i = k = 0
    while i < len(first) or k < len(second):
        take_a = k == len(second) or (i < len(first) and first[i] <= second[k])
        take_b = i == len(first) or (k < len(second) and second[k] <= first[i])
        if take_a:
            both.append(first[i])
            at_a.append(len(both) - 1)
            i += 1
        if take_b:
            if not take_a:
                both.append(second[k])
            at_b.append(len(both) - 1)
            k += 1
    return np.array(both, np.int64), np.array(at_a, np.int64), np.array(at_b, np.int64)


def common(a: SparseTensor, b: SparseTensor) -> tuple[np.ndarray, np.ndarray]:
    """Which elements of ``a`` and of ``b`` have the same index, as two lists.

    Where one of the two is not coalesced, each of its repetitions meets the other's element.
    """
    pa, pb = a._pattern.places, b._pattern.places
    if a._pattern.ordered:
        at = np.searchsorted(pa, pb)
        found = at < pa.size
        found[found] = pa[at[found]] == pb[found]
        return at[found], np.flatnonzero(found)
    at_b, at_a = common(b, a)
    return at_a, at_b


def places_in(s: SparseTensor, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each place the element of the coalesced ``s`` that is there, and whether there is one."""
    mine = s._pattern.places
    at = np.searchsorted(mine, places)
    at = np.minimum(at, max(mine.size - 1, 0))
    found = mine[at] == places if mine.size else np.zeros(places.shape, bool)
    return at, found


def reindexed(
    s: SparseTensor, indices: np.ndarray, size: tuple[int, ...], order: np.ndarray | None = None,
    is_coalesced: bool = False,
) -> SparseTensor:  # fmt: skip
    """``s``'s values (those in ``order``) at other indices; ``size`` is the whole tensor's."""
    values = take(s._numbers, order)
    return coo(host(indices, values), values, size, is_coalesced)


def indices_of(s: SparseTensor) -> np.ndarray:
    """``(sparse dims, nnz)`` on the host."""
    return numbers(s._pattern.parts[0]).astype(np.int64, copy=False)


__all__ = [
    "coalesced", "common", "flat", "indices_of", "merged", "places_in", "reindexed", "unflat",
]  # fmt: skip
