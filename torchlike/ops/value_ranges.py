"""Whether a Python number fits a dtype, in PyTorch's words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dtypes import BOOL, COMPLEX, INTEGRAL, dtype, finfo

_CPP_NAMES = {
    "bool": "bool", "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int",
    "int64": "int64_t", "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t",
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
}  # fmt: skip


def fits(value: Any, of: dtype) -> bool:
    """Whether PyTorch converts the number to the dtype."""
    if isinstance(value, complex):
        if of.category == COMPLEX:
            return True
        if value.imag:
            return False
        value = value.real
    if of.category in (BOOL, COMPLEX):
        return True
    if of.category == INTEGRAL:
        if isinstance(value, float) and not math.isfinite(value):
            return False
        info = np.iinfo(of.np)
        low = -int(info.max) if info.min == 0 else int(info.min)  # -1 wraps to 255, as in C
        return low <= int(value) <= int(info.max)
    if isinstance(value, float) and not math.isfinite(value):
        return True
    return abs(value) <= finfo(of).max


def check_number(value: Any, of: dtype, complex_message: str = "") -> None:
    """Refuses a number that the dtype cannot hold; tensors pass.

    Raises:
        RuntimeError: it overflows, or has an imaginary part.
    """
    if not isinstance(value, (bool, int, float, complex)) or fits(value, of):
        return
    if complex_message and isinstance(value, complex):
        raise RuntimeError(complex_message)
    raise RuntimeError(
        f"value cannot be converted to type {_CPP_NAMES.get(of.name, of.name)} without overflow"
    )
