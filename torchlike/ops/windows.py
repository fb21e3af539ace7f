"""Window functions: hann, hamming, blackman, bartlett, kaiser."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import dtypes as d
from ..core.dtypes import TYPE_NAMES, default_dtype, dtype
from ..core.errors import not_implemented_for
from ..core.registry import creation
from ..core.rounding import narrowed

_C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int",
    "int32": "int", "int64": "long int", "uint16": "short unsigned int",
    "uint32": "unsigned int", "uint64": "long unsigned int",
}  # fmt: skip


class _Steps:
    """Float64 numbers rounded to a dtype after every operation, as a chain of tensor ops is."""

    def __init__(self, numbers: np.ndarray, of: dtype) -> None:
        self.numbers = narrowed(numbers, of.np).astype(np.float64)
        self.of = of

    def scalar(self, number: float) -> float:
        return number if self.of is d.float64 else float(np.float32(number))

    def then(self, function: Callable[[np.ndarray], np.ndarray]) -> _Steps:
        return _Steps(function(self.numbers), self.of)

    def times(self, number: float) -> _Steps:
        return _Steps(self.numbers * self.scalar(number), self.of)

    def plus(self, number: float) -> _Steps:
        return _Steps(self.numbers + self.scalar(number), self.of)


def _window(
    name: str,
    length: Any,
    periodic: bool,
    asked: dtype | None,
    shape: Callable[[_Steps, int], _Steps],
) -> np.ndarray:
    if isinstance(length, bool) or not isinstance(length, int):
        raise TypeError(
            f"{name}(): argument 'window_length' (position 1) must be int, not "
            f"{type(length).__name__}"
        )
    of = asked or default_dtype()
    if of.category in (d.BOOL, d.INTEGRAL):
        raise RuntimeError(
            f"{name} expects floating point dtypes, got: TensorOptions(dtype={_C_NAMES[of.name]}, "
            "device=cpu, layout=Strided (default), requires_grad=false (default), "
            "pinned_memory=false, memory_format=(nullopt))"
        )
    if length < 0:
        raise RuntimeError(
            f"{name} requires non-negative window_length, got window_length={length}"
        )
    if length < 2:
        return np.ones(length, of.np)
    if of.is_complex:
        raise not_implemented_for("arange_cpu", TYPE_NAMES[of.name])
    whole = length + bool(periodic)
    made = shape(_Steps(np.arange(whole, dtype=np.float64), of), whole)
    return narrowed(made.numbers[:length], of.np)


@creation(out=False)
def hann_window(
    window_length: int, periodic: bool = True, *, dtype: dtype | None = None
) -> np.ndarray:
    """``sin²(π n / N)``.  ``-> (window_length,)``"""
    return _raised_cosine("hann_window", window_length, periodic, 0.5, 0.5, dtype)


@creation(out=False)
def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: dtype | None = None,
) -> np.ndarray:
    """``alpha - beta cos(2π n / N)``.  ``-> (window_length,)``"""
    return _raised_cosine("hamming_window", window_length, periodic, alpha, beta, dtype)


def _raised_cosine(
    name: str, length: int, periodic: bool, alpha: float, beta: float, of: dtype | None
) -> np.ndarray:
    def shape(n: _Steps, whole: int) -> _Steps:
        turn = n.times(math.pi * 2.0 / (whole - 1)).then(np.cos)
        return turn.times(-beta).plus(alpha)

    return _window(name, length, periodic, of, shape)


@creation(out=False)
def blackman_window(
    window_length: int, periodic: bool = True, *, dtype: dtype | None = None
) -> np.ndarray:
    """``0.42 - 0.5 cos(2π n / N) + 0.08 cos(4π n / N)``.  ``-> (window_length,)``"""

    def shape(n: _Steps, whole: int) -> _Steps:
        half = n.times(math.pi / (whole - 1))
        fast = half.times(4).then(np.cos).times(0.08)
        slow = half.times(2).then(np.cos).times(0.5)
        return fast.then(lambda x: x - slow.numbers).plus(0.42)

    return _window("blackman_window", window_length, periodic, dtype, shape)


@creation(out=False)
def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype: dtype | None = None
) -> np.ndarray:
    """A triangle from 0 to 1 and back.  ``-> (window_length,)``"""

    def shape(n: _Steps, whole: int) -> _Steps:
        rising = n.times(2.0 / (whole - 1))
        first = ((whole - 1) >> 1) + 1
        falling = rising.times(-1).plus(2)
        index = np.arange(whole)
        return rising.then(lambda x: np.where(index < first, x, falling.numbers))

    return _window("bartlett_window", window_length, periodic, dtype, shape)


@creation(out=False)
def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: dtype | None = None
) -> np.ndarray:
    """``I0(beta sqrt(1 - (2n/N - 1)²)) / I0(beta)``.  ``-> (window_length,)``"""

    def shape(n: _Steps, whole: int) -> _Steps:
        if n.of.itemsize < 4:  # half numbers are computed in float32
            n = _Steps(n.numbers, d.float32)
        edge, half = n.scalar(beta), (whole - 1) / 2
        off = n.plus(-half).then(lambda x: x / half)
        root = off.then(lambda x: np.maximum(0, 1 - x * x)).then(np.sqrt)
        return root.times(edge).then(lambda x: np.i0(x) / np.i0(edge))

    return _window("kaiser_window", window_length, periodic, dtype, shape)
