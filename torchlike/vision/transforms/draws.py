"""Random numbers of transforms: the draws torchvision makes, in its order, without a tensor each."""

from __future__ import annotations

import numpy as np

from ...core import dtypes
from ...core.rng import default_generator

_FLOAT32, _INT64 = np.dtype(np.float32), np.dtype(np.int64)


def happens(p: float) -> bool:
    """``torch.rand(1) < p``"""
    of = dtypes.default_dtype().np
    return bool(default_generator.uniform((1,), of)[0] < of.type(p))


def exceeds(p: float) -> bool:
    """``p < torch.rand(1)``"""
    of = dtypes.default_dtype().np
    return bool(of.type(p) < default_generator.uniform((1,), of)[0])


def whole(low: int, high: int) -> int:
    """``torch.randint(low, high, (1,)).item()``

    Raises:
        RuntimeError: an empty range.
    """
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    return int(default_generator.integers((1,), _INT64, low, high)[0])


def uniform(low: float, high: float) -> float:
    """``torch.empty(1).uniform_(low, high).item()``

    Raises:
        RuntimeError: low above high.
    """
    if low > high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}"
        )
    return float(default_generator.uniform((1,), dtypes.default_dtype().np, low, high)[0])


def log_uniform(low: float, high: float) -> float:
    """``torch.exp(torch.empty(1).uniform_(log(low), log(high))).item()``, in float32"""
    ends = np.log(np.array([low, high], np.float64)).astype(_FLOAT32)
    drawn = default_generator.uniform((1,), _FLOAT32, float(ends[0]), float(ends[1]))
    return float(np.exp(drawn.astype(np.float64)).astype(_FLOAT32)[0])


def normals(shape: tuple[int, ...]) -> np.ndarray:
    """``torch.empty(shape).normal_()``"""
    return default_generator.normal(shape, _FLOAT32)


def order(n: int) -> list[int]:
    """``torch.randperm(n).tolist()``"""
    return default_generator.permutation(n).tolist()
