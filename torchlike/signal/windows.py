"""Window functions of length ``M``, each 1 at its peak, as SciPy defines them.

``sym=False`` leaves out the last number of a window one longer, for spectral analysis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..core import dtypes as d
from ..core.build import from_host
from ..core.constants import strided
from ..core.dtypes import default_dtype, dtype as DType
from ..core.tensor import Tensor
from ..ops import creation

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine",
    "general_hamming", "hamming", "hann", "kaiser", "nuttall",
]  # fmt: skip

Values = Callable[[DType], np.ndarray]


def _window(
    name: str, M: int, values: Values, dtype: DType | None, layout: Any, where: dict[str, Any]
) -> Tensor:
    """The tensor of a window whose numbers are ``values(dtype)``, for M > 0.

    Raises:
        ValueError: negative length, a layout that is not strided, or another dtype than float32
            and float64.
    """
    of = dtype or default_dtype()
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if of not in (d.float32, d.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {of}")
    numbers = values(of) if M else np.zeros(0)
    return from_host(np.asarray(numbers).astype(of.np), **where)


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``exp(-|n - center| / tau)``."""

    def values(of: DType) -> np.ndarray:
        middle = _last(M, sym) / 2.0 if center is None else center
        step = 1 / tau
        k = creation.linspace(-middle * step, (-middle + (M - 1)) * step, M, dtype=of)
        return np.exp(-np.abs(k))

    if M >= 0 and tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if M >= 0 and sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    where = {"device": device, "requires_grad": requires_grad}
    return _window("exponential", M, values, dtype, layout, where)


def _last(M: int, sym: bool) -> int:
    """The place of the last number, which an unsymmetric window leaves out."""
    return M if not sym and M > 1 else M - 1


def cosine(
    M: int,
    *,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``sin(π (n + 1/2) / M)``."""

    def values(of: DType) -> np.ndarray:
        step = math.pi / (_last(M, sym) + 1)
        return np.sin(creation.linspace(0.5 * step, (0.5 + (M - 1)) * step, M, dtype=of))

    where = {"device": device, "requires_grad": requires_grad}
    return _window("cosine", M, values, dtype, layout, where)


def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``exp(-(n - (M-1)/2)² / (2 std²))``."""

    def values(of: DType) -> np.ndarray:
        start, step = -_last(M, sym) / 2.0, 1 / (std * math.sqrt(2))
        k = creation.linspace(start * step, (start + (M - 1)) * step, M, dtype=of)
        return np.exp(-(k * k))

    if M >= 0 and std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    where = {"device": device, "requires_grad": requires_grad}
    return _window("gaussian", M, values, dtype, layout, where)


def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``I0(√(beta² - k²)) / I0(beta)``, k from -beta to beta."""

    def values(of: DType) -> np.ndarray:
        if M == 1:
            return np.ones(1)
        edge = float(of.np.type(beta))
        step = float(of.np.type(2.0 * edge)) / (M - 1 if sym else M)
        end = min(edge, float(of.np.type(-edge + (M - 1) * step)))
        k = creation.linspace(-edge, end, M, dtype=of).astype(np.float64)
        room = (edge * edge - (k * k).astype(of.np)).astype(of.np)
        return np.i0(np.sqrt(np.maximum(room, 0))) / np.i0(edge)

    if M >= 0 and beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    where = {"device": device, "requires_grad": requires_grad}
    return _window("kaiser", M, values, dtype, layout, where)


def hamming(
    M: int,
    *,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``0.54 - 0.46 cos(2π n / (M-1))``."""
    where = {"layout": layout, "device": device, "requires_grad": requires_grad}
    return general_hamming(M, sym=sym, dtype=dtype, **where)


def hann(
    M: int,
    *,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``sin²(π n / (M-1))``."""
    where = {"layout": layout, "device": device, "requires_grad": requires_grad}
    return general_hamming(M, alpha=0.5, sym=sym, dtype=dtype, **where)


def blackman(
    M: int,
    *,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``0.42 - 0.5 cos x + 0.08 cos 2x``, x = 2π n / (M-1)."""
    where = {"device": device, "requires_grad": requires_grad}
    return _cosines("blackman", M, [0.42, 0.5, 0.08], sym, dtype, layout, where)


def bartlett(
    M: int,
    *,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``1 - |2n / (M-1) - 1|``."""

    def values(of: DType) -> np.ndarray:
        if M == 1:
            return np.ones(1)
        step = 2 / (M - 1 if sym else M)
        return 1 - np.abs(creation.linspace(-1, -1 + (M - 1) * step, M, dtype=of))

    where = {"device": device, "requires_grad": requires_grad}
    return _window("bartlett", M, values, dtype, layout, where)


def general_cosine(
    M: int,
    *,
    a: Iterable[float],
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``a0 - a1 cos x + a2 cos 2x - …``, x = 2π n / (M-1).

    Raises:
        TypeError: ``a`` is no sequence.
        ValueError: ``a`` is empty.
    """
    where = {"device": device, "requires_grad": requires_grad}
    return _cosines("general_cosine", M, a, sym, dtype, layout, where)


def _cosines(
    name: str,
    M: int,
    a: Iterable[float],
    sym: bool,
    dtype: DType | None,
    layout: Any,
    where: dict[str, Any],
) -> Tensor:
    def values(of: DType) -> np.ndarray:
        if M == 1:
            return np.ones(1)
        if not isinstance(a, Iterable):
            raise TypeError("Coefficients must be a list/tuple")
        if not a:
            raise ValueError("Coefficients cannot be empty")
        step = 2 * math.pi / (M - 1 if sym else M)
        k = creation.linspace(0, (M - 1) * step, M, dtype=of)
        weights = np.array([(-1) ** i * w for i, w in enumerate(a)]).astype(of.np)
        turns = np.arange(len(weights)).astype(of.np)[:, None] * k
        return (weights[:, None] * np.cos(turns)).sum(0)

    return _window(name, M, values, dtype, layout, where)


def general_hamming(
    M: int,
    *,
    alpha: float = 0.54,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """``alpha - (1 - alpha) cos(2π n / (M-1))``."""
    where = {"device": device, "requires_grad": requires_grad}
    return _cosines("general_cosine", M, [alpha, 1.0 - alpha], sym, dtype, layout, where)


def nuttall(
    M: int,
    *,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = strided,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Four cosines with continuous slopes.  Source: Nuttall 1981."""
    where = {"device": device, "requires_grad": requires_grad}
    a = [0.3635819, 0.4891775, 0.1365995, 0.0106411]
    return _cosines("general_cosine", M, a, sym, dtype, layout, where)
