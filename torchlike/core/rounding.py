"""Arithmetic rounded where compiled C++ rounds it: fused multiply-adds, narrowing conversions."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

Floats = np.ndarray

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
REDUCED = (np.dtype(np.float16), BFLOAT16)


def narrowed(numbers: Floats, dtype: np.dtype) -> np.ndarray:
    """Float64 as ``dtype``; half and bfloat16 by way of float32, as C++ converts them."""
    if dtype == np.float64:
        return numbers
    with np.errstate(over="ignore", invalid="ignore"):
        if dtype in REDUCED:
            numbers = numbers.astype(np.float32)
        return numbers.astype(dtype)


def fma64(x: Floats, factor: float, offset: float | Floats) -> Floats:
    """``x * factor + offset`` rounded once, through error-free products and sums."""
    if factor == 1 and isinstance(offset, float) and offset == 0:
        return x
    if factor == 1:
        return x + offset
    if abs(factor) > 2.0**960:  # where the halves of the product would overflow
        return fma64(x, factor * 2.0**-64, offset * 2.0**-64) * 2.0**64
    product, error = _exact_product(x, float(factor))
    total = product + offset
    back = total - product
    return total + (error + (product - (total - back)) + (offset - back))


def _exact_product(x: Floats, y: float) -> tuple[Floats, Floats]:
    """Product and its rounding error (Dekker)."""
    product = x * y
    xh, xl = _halves(x)
    yh, yl = _halves(y)
    return product, ((xh * yh - product) + xh * yl + xl * yh) + xl * yl


def _halves(x: Any) -> tuple[Any, Any]:
    big = x * 134217729.0  # 2**27 + 1
    high = big - (big - x)
    return high, x - high
