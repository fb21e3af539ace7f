"""Random numbers for a shape and dtype, checked in PyTorch's words, from a given generator."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..core import dtypes as d
from ..core.dtypes import TYPE_NAMES, dtype
from ..core.errors import not_implemented_for
from ..core.scalars import LARGEST

C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int",
    "int32": "int", "int64": "long int", "uint16": "short unsigned int",
    "uint32": "unsigned int", "uint64": "long unsigned int", "float16": "c10::Half",
    "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
}  # fmt: skip
DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
FLOATS = (d.float16, d.bfloat16, d.float32, d.float64)

Generator = Any  # core/rng.py's, one level up
Shape = tuple[int, ...]


def uniform_numbers(
    generator: Generator, shape: Shape, of: dtype, low: float, high: float
) -> np.ndarray:
    """Uniform in [low, high); a complex number has two uniform parts."""
    if of.is_complex:
        parts = uniform_numbers(generator, (*shape, 2), of.to_real(), low, high)
        return parts.view(of.np)[..., 0]
    if of not in FLOATS:
        raise not_implemented_for("check_uniform_bounds", TYPE_NAMES[of.name])
    limit = LARGEST[of.name]
    for name, bound in (("from", low), ("to", high)):
        if not -limit <= bound <= limit:
            raise RuntimeError(f"{name} is out of bounds for {C_NAMES[of.name]}")
    if not low <= high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}"
        )
    if high - low > limit:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{TYPE_NAMES[of.name]}>::max(), but "
            f"found to={high:g} and from={low:g} which result in to-from to exceed the limit"
        )
    return generator.uniform(shape, of.np, float(low), float(high))


def normal_numbers(
    generator: Generator, shape: Shape, of: dtype, mean: float, std: float
) -> np.ndarray:
    """Normal numbers; a complex one shares its variance between its parts."""
    _check_std(std)
    if of.is_complex:
        parts = normal_numbers(generator, (*shape, 2), of.to_real(), mean, std / math.sqrt(2))
        return parts.view(of.np)[..., 0]
    if of not in FLOATS:
        raise not_implemented_for("normal_kernel_cpu", TYPE_NAMES[of.name])
    return generator.normal(shape, of.np, float(mean), float(std))


def _check_std(std: float) -> None:
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")


def whole_numbers(generator: Generator, shape: Shape, of: dtype, low: int, high: int) -> np.ndarray:
    """Whole numbers in [low, high)."""
    _check_ascending(low, high)
    if of in FLOATS:
        low, high = from_inside(low, of), _to_inside(high, of)
        if not low < high:
            raise RuntimeError(
                "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but "
                f"got from={low} >= to={high}"
            )
    check_holds(of, low, high - 1)
    return generator.integers(shape, of.np, low, high)


def _check_ascending(low: int, high: int) -> None:
    for bound in (low, high):
        if not -(1 << 63) <= bound < 1 << 63:
            raise ValueError("Overflow when unpacking long long")
    if not low < high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )


def from_inside(low: int, of: dtype) -> int:
    """The first bound that a float dtype does not round below ``low``."""
    after = _as_element(low + 1, of)
    if after < low:
        return after + (1 << (abs(low + 1).bit_length() - DIGITS[of.name]))
    return low


def _to_inside(high: int, of: dtype) -> int:
    before = _as_element(high - 1, of)
    if before >= high:
        return before - (1 << (abs(high - 1).bit_length() - DIGITS[of.name]))
    return high


def _as_element(number: int, of: dtype) -> int:
    with np.errstate(over="ignore"):
        found = float(
            np.float64(number).astype(np.float32 if of.itemsize < 8 else np.float64).astype(of.np)
        )
    return int(found) if math.isfinite(found) else (1 << 63) - 1


def check_holds(of: dtype, low: int, last: int) -> None:
    name = C_NAMES.get(of.name)
    if name is None:
        raise RuntimeError(
            "check_random_bounds handles only integral, floating-point and boolean types"
        )
    if of in FLOATS:
        most = LARGEST[of.name]
        least: float = -most
    elif of is d.bool_:
        least, most = 0, 1
    elif of is d.uint64:
        least, most = 0, (1 << 63) - 1
    else:
        info = np.iinfo(of.np)
        least, most = int(info.min), int(info.max)
    for label, bound in (("from", low), ("to - 1", last)):
        if not least <= bound <= most:
            raise RuntimeError(f"{label} is out of bounds for {name}")
    if of in FLOATS:
        digits = DIGITS[of.name]
        for label, bound in (("from", low), ("to - 1", last)):
            if abs(bound) > 1 << digits:
                warnings.warn(
                    f"{label} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision "
                    f"limitations {name} can support discrete uniform distribution only within "
                    "this range. This warning will become an error in version 1.7 release, please "
                    "fix the code in advance",
                    UserWarning,
                    stacklevel=5,
                )


_BAD_P = (
    "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be "
    "improved?  If so, please report an enhancement request to PyTorch.)"
)


def flips(generator: Generator, shape: Shape, of: dtype, p: Any) -> np.ndarray:
    """Coin flips; ``p`` is a number or an operand of probabilities.  ``-> shape`` bool"""
    scalar = not hasattr(p, "numpy")
    if scalar and not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    if of.is_complex or of in (d.uint16, d.uint32, d.uint64):
        kernel = "bernoulli_scalar_cpu_" if scalar else "bernoulli_tensor_cpu_self_"
        raise not_implemented_for(kernel, TYPE_NAMES[of.name])
    if scalar:
        return generator.bernoulli(float(p), shape)
    if p.dtype not in FLOATS:
        raise not_implemented_for("bernoulli_tensor_cpu_p_", TYPE_NAMES[p.dtype.name])
    odds = p.numpy()
    if odds.dtype != np.float64:
        odds = odds.astype(np.float32)
    if not ((odds >= 0) & (odds <= 1)).all():
        raise RuntimeError(_BAD_P)
    try:
        odds = np.broadcast_to(odds, shape)
    except ValueError:
        raise _expand_error(shape, odds.shape) from None
    return generator.bernoulli(odds, shape)


def _expand_error(shape: Shape, given: Shape) -> RuntimeError:
    at = next(
        i
        for i, (n, m) in enumerate(zip(reversed(shape), reversed(given), strict=False))
        if m not in (1, n)
    )
    return RuntimeError(
        f"The expanded size of the tensor ({shape[-1 - at]}) must match the existing size "
        f"({given[-1 - at]}) at non-singleton dimension {len(shape) - 1 - at}.  Target sizes: "
        f"{list(shape)}.  Tensor sizes: {list(given)}"
    )
