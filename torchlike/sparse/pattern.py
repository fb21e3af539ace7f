"""Where the elements of a sparse tensor are: its index tensors, and what follows from their numbers.

Indices are looked at on the host, in NumPy, and what was worked out is kept: a matrix that is
multiplied again and again is analysed once.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np

from ..core.build import from_host
from ..core.constants import layout, sparse_coo
from ..core.modes import modes
from ..core.tensor import Tensor
from ..core.value import on_host
from .layouts import COMPRESSED


def numbers(t: Tensor) -> np.ndarray:
    """A dense tensor's numbers on the host, read-only."""
    if modes.capture is not None:
        modes.capture.looked(t)
    return on_host(t._v)


class ByRows:
    """A matrix's elements in the order of their rows: what a product needs.

    ``order`` permutes the values (None: they are in order already), ``ends`` and ``columns`` are
    indices as CSR has them. Several matrices (a batch) are one below the other.
    """

    __slots__ = ("columns", "ends", "order", "rows")

    def __init__(self, rows: np.ndarray, columns: np.ndarray, count: int, on: Any) -> None:
        order = None
        if rows.size and (np.diff(rows) < 0).any():
            order = np.argsort(rows, kind="stable")
            rows, columns = rows[order], columns[order]
        ends = np.zeros(count + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=count), out=ends[1:])
        self.order = order
        self.ends = from_host(ends, device=on)
        self.columns = from_host(np.ascontiguousarray(columns), device=on)
        self.rows = from_host(np.ascontiguousarray(rows), device=on)


class Pattern:
    """Immutable. ``size`` covers the sparse dims, and a compressed layout's batch dims before them.

    ``parts``: (indices,) for COO, else (compressed indices, plain indices); ``block`` is (1, 1)
    unless the layout has blocks; ``ordered``: known to be sorted and without repetition;
    ``coalesced``: declared to be.
    """

    def __init__(
        self, of: layout, parts: tuple[Tensor, ...], size: tuple[int, ...],
        block: tuple[int, int] = (1, 1), coalesced: bool = False, ordered: bool = False,
    ) -> None:  # fmt: skip
        self.layout = of
        self.parts = parts
        self.size = size
        self.block = block
        self.nnz = parts[-1].shape[-1]
        self.coalesced = coalesced or (of is sparse_coo and self.nnz < 2)
        self.ordered = ordered or self.coalesced

    @property
    def is_coo(self) -> bool:
        return self.layout is sparse_coo

    @property
    def batch(self) -> tuple[int, ...]:
        return () if self.is_coo else self.size[:-2]

    @property
    def blocked(self) -> bool:
        return not self.is_coo and COMPRESSED[self.layout].blocked

    @property
    def leading(self) -> int:
        """How many dims the values have before the dense ones."""
        return len(self.batch) + (3 if self.blocked else 1)

    @property
    def count(self) -> int:
        """How many places there are, those without an element included."""
        return math.prod(self.size)

    @property
    def places(self) -> np.ndarray:
        """Each element's place in the row-major order of ``size``; shaped like the values."""
        return self._now()._places

    @property
    def distinct(self) -> bool:
        """Whether no place is known to be given twice."""
        return self.ordered if self.is_coo else self._now()._distinct

    def coordinates(self) -> tuple[np.ndarray, ...]:
        """Each element's index in every dim of ``size``, flat."""
        return tuple(unflat(self.places.reshape(-1), self.size))

    def indices(self) -> np.ndarray:
        """The same as one array.  ``(len(size), nnz)``"""
        flat = self.places.reshape(-1)
        return np.array(unflat(flat, self.size), np.int64).reshape(len(self.size), flat.size)

    def by_rows(self, transposed: bool = False) -> ByRows:
        """The elements as CSR has them, or those of the transposed matrix."""
        mine = self._now()
        return mine._transposed if transposed else mine._rows

    # --- kept, as long as nobody writes to the index tensors

    def _now(self) -> Pattern:
        if modes.capture is not None:
            modes.capture.looked()
        seen = tuple([t._storage.epoch for t in self.parts])
        if self.__dict__.setdefault("_seen", seen) != seen:
            for name in ("_places", "_distinct", "_rows", "_transposed"):
                self.__dict__.pop(name, None)
            self._seen = seen
        return self

    @cached_property
    def _places(self) -> np.ndarray:
        arrays = [numbers(t).astype(np.int64, copy=False) for t in self.parts]
        if self.is_coo:
            return flat(arrays[0], self.size)
        kind = COMPRESSED[self.layout]
        ends, others = arrays
        along = positions(ends, self.nnz)
        rows, columns = (along, others) if kind.by_rows else (others, along)
        if kind.blocked:
            tall, wide = self.block
            rows = rows[..., None, None] * tall + np.arange(tall)[:, None]
            columns = columns[..., None, None] * wide + np.arange(wide)
        number = np.arange(math.prod(self.batch)).reshape(
            *self.batch, *[1] * (rows.ndim - len(self.batch))
        )
        return (number * self.size[-2] + rows) * self.size[-1] + columns

    @cached_property
    def _distinct(self) -> bool:
        return bool((np.diff(np.sort(self._places, axis=None)) > 0).all())

    @cached_property
    def _rows(self) -> ByRows:
        return self._lines(self.size[-2], self.size[-1])

    @cached_property
    def _transposed(self) -> ByRows:
        return self._lines(self.size[-1], self.size[-2])

    def _lines(self, tall: int, wide: int) -> ByRows:
        batch, rows, columns = _split(self.places.reshape(-1), self.size)
        _check_bounds(rows, columns, self.size)
        if tall is not self.size[-2]:
            rows, columns = columns, rows
        return ByRows(batch * tall + rows, batch * wide + columns, math.prod(self.size[:-2]) * tall,
                      self.parts[0].device)  # fmt: skip


def _split(places: np.ndarray, size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lines, columns = np.divmod(places, max(size[-1], 1))
    batch, rows = np.divmod(lines, max(size[-2], 1))
    return batch, rows, columns


def _check_bounds(rows: np.ndarray, columns: np.ndarray, size: tuple[int, ...]) -> None:
    for what, found, n in (("row", rows, size[-2]), ("column", columns, size[-1])):
        bad = (found < 0) | (found >= n)
        if bad.any():
            raise RuntimeError(
                f"addmm: index out of {what} bound: {found[bad][0]} not between 1 and {n}"
            )


def positions(ends: np.ndarray, count: int) -> np.ndarray:
    """The row of each of ``count`` elements.  ``(*, rows + 1) -> (*, count)``"""
    flat_ends = ends.reshape(-1, ends.shape[-1])
    every = np.arange(count)
    found = [np.searchsorted(e[1:], every, side="right") for e in flat_ends]
    return np.array(found, np.int64).reshape(*ends.shape[:-1], count)


def flat(indices: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """``(dims, n) -> (n)``: places in row-major order."""
    found = np.zeros(indices.shape[1], np.int64)
    for i, n in zip(indices, size, strict=True):
        found = found * n + i
    return found


def unflat(places: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """``(n) -> (dims, n)``"""
    if not size:
        return np.zeros((0, places.size), np.int64)
    if 0 in size:
        return np.zeros((len(size), 0), np.int64)
    return np.stack(np.unravel_index(places, size)).astype(np.int64)
