"""Unique elements: host code, since the size of the result depends on the values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.dtypes import TYPE_NAMES
from ..core.errors import check, not_implemented_for
from ..core.registry import Array, op
from ..core.shapes import normal_dim

Found = np.ndarray | tuple[np.ndarray, ...]


def _values(input: Any, dim: int | None) -> np.ndarray:
    if input.dtype.is_complex:
        raise not_implemented_for("unique", TYPE_NAMES[input.dtype.name])
    if dim is not None and input.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    values = input.numpy()
    # NumPy neither sorts nor compares bfloat16 by itself
    return values.astype(np.float32) if input.dtype.name == "bfloat16" else values


def _pack(
    found: np.ndarray, input: Any, inverse: np.ndarray | None, counts: np.ndarray | None
) -> Found:
    out: list[Any] = [found.astype(input.dtype.np)]
    out += [x.astype(np.int64) for x in (inverse, counts) if x is not None]
    return out[0] if len(out) == 1 else tuple(out)


def _rows(values: np.ndarray, d: int) -> np.ndarray:
    """Slices along ``d`` as rows of a matrix.  ``(*) -> (shape[d], rest)``"""
    if values.size == 0:
        check(
            values.shape[d] == 0,
            "There are 0 sized dimensions, and they aren't selected, so unique cannot be applied",
        )
        return np.zeros((0, 1), values.dtype)
    return np.moveaxis(values, d, 0).reshape(values.shape[d], -1)


def _fresh(ranked: np.ndarray) -> np.ndarray:
    """Which rows differ from the one before.  ``(N, K) -> (N)``"""
    first = np.ones(len(ranked), np.bool_)
    first[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    return first


def _grouped(
    values: np.ndarray,
    dim: int | None,
    input: Any,
    order: np.ndarray | None,
    flags: tuple[bool, bool],
) -> Found:
    """The first of each run of equal rows, taken in ``order``."""
    d = None if dim is None else normal_dim(dim, values.ndim)
    rows = values.reshape(-1, 1) if d is None else _rows(values, d)
    if order is None:
        order = np.arange(len(rows))
    first = _fresh(rows[order])
    starts = np.flatnonzero(first)
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = np.cumsum(first) - 1
    if d is None:
        found = values.reshape(-1)[order[starts]]
        inverse = inverse.reshape(values.shape)
    else:
        found = np.take(values, order[starts], axis=d)
    counts = np.diff(np.append(starts, len(rows)))
    return _pack(found, input, inverse if flags[0] else None, counts if flags[1] else None)


@op(host=True, nondiff=True)
def unique(
    input: Array,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Found:
    """Different elements (or slices along ``dim``), sorted.

    ``(*) -> (K) [, inverse (*)] [, counts (K)]``
    """
    values = _values(input, dim)
    if dim is None:
        order = np.argsort(values.reshape(-1), kind="stable")
    else:
        rows = _rows(values, normal_dim(dim, values.ndim))
        order = np.lexsort(rows.T[::-1]) if len(rows) else np.arange(0)
    return _grouped(values, dim, input, order, (return_inverse, return_counts))


@op(host=True, nondiff=True)
def unique_consecutive(
    input: Array, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Found:
    """First of each run of equal neighbours.  ``(*) -> (K) [, inverse (*)] [, counts (K)]``"""
    values = _values(input, dim)
    return _grouped(values, dim, input, None, (return_inverse, return_counts))
