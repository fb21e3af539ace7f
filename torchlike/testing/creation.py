"""``make_tensor``: random numbers of any dtype."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from ..api import torch as T
from ..core import dtypes
from ..core.dtypes import dtype as DType
from ..core.tensor import Tensor

_EIGHT_BIT = ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")


def make_tensor(
    *shape: Any, dtype: DType, device: Any, low: float | None = None, high: float | None = None,
    requires_grad: bool = False, noncontiguous: bool = False, exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """Numbers drawn uniformly from ``[low, high)``, by default -9 to 9 or what the dtype has of it.

    Raises:
        ValueError: an empty or impossible interval, gradients of integers, contradicting layouts.
    """
    if len(shape) == 1 and isinstance(shape[0], Sequence):
        shape = tuple(shape[0])
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
            f"{noncontiguous=} and {memory_format=}"
        )
    is_integral = dtype.category <= dtypes.INTEGRAL
    if requires_grad and is_integral:
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}"
        )
    gaps = noncontiguous and math.prod(shape) > 1
    size = (*shape[:-1], 2 * shape[-1]) if gaps else shape
    bounds = _bounds(dtype, low, high)
    if is_integral:
        made: Any = T.randint(math.ceil(bounds[0]), math.ceil(bounds[1]), size, device=device, dtype=dtype)
    elif dtype.name in _EIGHT_BIT:
        made = _uniform(T.empty(size, device=device, dtype=dtypes.float32), *bounds).to(dtype)
    else:
        made = T.empty(size, device=device, dtype=dtype)
        _uniform(T.view_as_real(made) if dtype.is_complex else made, *bounds)
    if gaps:
        made = made[..., 1::2]
    elif memory_format is not None:
        made = made.clone(memory_format=memory_format)
    if exclude_zero:
        made[made == 0] = 1 if is_integral else dtypes.finfo(dtype).tiny
    if not is_integral:
        made.requires_grad = requires_grad
    return made


def _uniform(t: Any, low: float, high: float) -> Any:
    """Fills ``t``; a range wider than the dtype's is drawn at half its width."""
    if high - low >= dtypes.finfo(t.dtype).max:
        return t.uniform_(low / 2, high / 2).mul_(2)
    return t.uniform_(low, high)


def _bounds(of: DType, low: float | None, high: float | None) -> tuple[float, float]:
    """The interval, cut to what the dtype has."""
    if of is dtypes.bool_:
        least, most, first, last = 0, 2, 0, 2
    elif of.category == dtypes.INTEGRAL:
        info = dtypes.iinfo(of)
        least, most, first, last = info.min, info.max + (of is not dtypes.int64), -9, 10
    else:
        info = dtypes.finfo(of)
        least, most, first, last = info.min, info.max, -9, 9
    low, high = first if low is None else low, last if high is None else high
    if any(isinstance(x, float) and math.isnan(x) for x in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and of.category >= dtypes.FLOATING and of.name not in _EIGHT_BIT:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is "
            "deprecated since 2.1 and will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=4,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < least or low >= most:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), but {of} only "
            f"supports [{least}, {most})"
        )
    return min(max(low, least), most), min(max(high, least), most)
