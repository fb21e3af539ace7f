"""Sums and selections of values by host-made indices.

How many elements there are depends on the data, and XLA compiles anew for each number; so where
nothing is differentiated or captured and the numbers are the CPU's, NumPy does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.build import from_host
from ..core.device import cpu
from ..core.dispatch import invoke
from ..core.modes import modes
from ..core.tensor import Tensor
from .pattern import numbers


def on_cpu(*tensors: Tensor) -> bool:
    """Whether NumPy may compute with them."""
    if modes.capture is not None:
        return False
    avals = [t._aval for t in tensors]
    return all(a.device is cpu and a.plain and not a.traced for a in avals) and not (
        modes.grad and any(t._rg for t in tensors)
    )


def host(array: Any, t: Tensor) -> Tensor:
    """An ndarray as a tensor beside ``t``."""
    return from_host(np.ascontiguousarray(array), device=t.device)


def take(values: Tensor, index: np.ndarray | None) -> Tensor:
    """Rows by index; all of them if there is none.  ``(N, *) -> (n, *)``"""
    if index is None:
        return values
    if on_cpu(values):
        return from_host(numbers(values)[index], dtype=values.dtype)
    return invoke("sparse_take", values, host(index, values))


def sum_at(values: Tensor, index: np.ndarray, count: int, distinct: bool = False) -> Tensor:
    """Rows of the same index added up; ``distinct``: no index occurs twice.  ``(n, *) -> (count, *)``"""
    if not on_cpu(values):
        return invoke("sparse_sum_at", values, host(index, values), count)
    rows = numbers(values)
    found = np.zeros((count, *rows.shape[1:]), rows.dtype)
    if distinct:
        found[index] = rows
    elif rows.dtype == np.bool_:
        np.logical_or.at(found, index, rows)
    else:
        np.add.at(found, index, rows)
    return from_host(found, dtype=values.dtype)


def combine(fn: Callable[[Any, Any], Any], a: Tensor, b: Tensor) -> Tensor:
    """``fn`` of two tensors of one shape and dtype, by NumPy where it may."""
    if on_cpu(a, b):
        with np.errstate(all="ignore"):
            return from_host(np.asarray(fn(numbers(a), numbers(b))), dtype=a.dtype)
    return fn(a, b)


def joined(tensors: list[Tensor]) -> Tensor:
    """One after the other along the first dim."""
    if on_cpu(*tensors):
        return from_host(np.concatenate([numbers(t) for t in tensors]), dtype=tensors[0].dtype)
    return invoke("cat", tensors, 0)
