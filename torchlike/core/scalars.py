"""Python numbers as elements of a dtype, refused where PyTorch refuses them."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import dtypes as d
from .dtypes import COMPLEX, FLOATING, INTEGRAL, dtype
from .errors import shape_text

C_NAMES = {
    "uint8": "uint8_t", "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t",
    "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t",
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>", "bool": "bool",
    "float8_e4m3fn": "c10::Float8_e4m3fn", "float8_e5m2": "c10::Float8_e5m2",
    "float8_e4m3fnuz": "c10::Float8_e4m3fnuz", "float8_e5m2fnuz": "c10::Float8_e5m2fnuz",
}  # fmt: skip
Number = bool | int | float | complex
LARGEST = {of.name: d.finfo(of).max for of in d.DTYPES if of.category >= FLOATING}


def number(value: Any, function: str, name: str, position: int) -> Number:
    """The Python number that ``value`` is: itself, a NumPy scalar's or a 0-d tensor's.

    Raises:
        TypeError: not a number, in PyTorch's words.
    """
    if isinstance(value, (bool, int, float, complex)):
        return value
    if hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0:
        return value.item() if hasattr(value, "item") else value.numpy().item()
    kind = "Tensor" if hasattr(value, "dtype") else type(value).__name__
    raise TypeError(
        f"{function}(): argument '{name}' (position {position}) must be Number, not {kind}"
    )


def natural_dtype(value: Number) -> dtype:
    """What ``torch.full`` makes of a Python number."""
    if isinstance(value, bool):
        return d.bool_
    if isinstance(value, int):
        return d.int64
    return d.default_dtype().to_complex() if isinstance(value, complex) else d.default_dtype()


def converted(value: Number, of: dtype) -> Any:
    """The number as an element of a dtype.

    Raises:
        RuntimeError: out of range, or an imaginary part would be lost.
        OverflowError: an int of more than 64 bits.
    """
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        raise OverflowError("int too big to convert")
    if not _fits(value, of):
        raise RuntimeError(f"value cannot be converted to type {C_NAMES[of.name]} without overflow")
    if of is d.bool_:
        return np.bool_(value)
    if isinstance(value, complex) and of.category != COMPLEX:
        value = value.real
    if of.category == INTEGRAL:
        wrapped = int(value) & ((1 << (8 * of.itemsize)) - 1)  # type: ignore[arg-type]
        return np.array(wrapped, f"u{of.itemsize}").view(of.np)[()]
    if of.category == FLOATING and of.itemsize < 4 and isinstance(value, int):
        value = float(value)
    return np.asarray(value).astype(of.np)[()]


def _fits(value: Number, of: dtype) -> bool:
    if isinstance(value, bool) or of is d.bool_:
        return True
    if isinstance(value, complex):
        if of.category == COMPLEX:
            part = of.to_real()
            return _fits(value.real, part) and _fits(value.imag, part)
        return value.imag == 0 and _fits(value.real, of)
    if of.category in (FLOATING, COMPLEX):
        limit = LARGEST[of.name]
        return math.isinf(value) or math.isnan(value) or abs(value) <= limit
    if isinstance(value, float) and not math.isfinite(value):
        return False
    limits = np.iinfo(of.np)
    if isinstance(value, int) and not of.is_signed and value < 0:  # a small one wraps around
        return -value <= limits.max
    return int(limits.min) <= value <= int(limits.max)


def sizes(size: Any, function: str) -> tuple[int, ...]:
    """A shape from an int, a sequence of ints, or 0-d integer tensors among them.

    Raises:
        TypeError: something that is no int.
        RuntimeError: a negative length.
    """
    if isinstance(size, (tuple, list)) and len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    items: Sequence[Any] = size if isinstance(size, (tuple, list)) else (size,)
    found = []
    for at, item in enumerate(items):
        if isinstance(item, bool) or not hasattr(type(item), "__index__"):
            kind = type(item).__name__
            if at == 0:
                raise TypeError(
                    f"{function}(): argument 'size' (position 1) must be tuple of ints, not {kind}"
                )
            raise TypeError(
                f"{function}(): argument 'size' failed to unpack the object at pos {at + 1} with "
                f'error "type must be tuple of ints,but got {kind}"'
            )
        found.append(operator.index(item))
    for length in found:
        if length < 0:
            if function in ("zeros", "ones"):
                raise RuntimeError(f"{function}: Dimension size must be non-negative.")
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {length}: {shape_text(found)}"
            )
    return tuple(found)
