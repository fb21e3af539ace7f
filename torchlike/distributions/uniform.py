"""``Uniform``."""

from __future__ import annotations

import math
from typing import Any

from ..api import torch as T
from ..core.tensor import Tensor
from . import constraints
from .distribution import Distribution, checked
from .utils import NO_DIMS, options_of

__all__ = ["Uniform"]


class Uniform(Distribution):
    """Constant on ``[low, high)``."""

    has_rsample = True
    _batched = {"low": 0, "high": 0}
    low: Tensor
    high: Tensor

    def __init__(
        self, low: Tensor | float, high: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self._hold(validate_args, low=low, high=high)

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        return {
            "low": constraints.less_than(self.high),
            "high": constraints.greater_than(self.low),
        }

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Tensor:
        return (self.high + self.low) / 2

    @property
    def mode(self) -> Tensor:
        return math.nan * self.high

    @property
    def stddev(self) -> Tensor:
        return (self.high - self.low) / 12**0.5

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low).pow(2) / 12

    def rsample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        unit = T.rand(self._extended_shape(sample_shape), **options_of(self.low))
        return self.low + unit * (self.high - self.low)

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        inside = (self.low <= value) & (self.high > value)
        return T.log(inside.type_as(self.low)) - T.log(self.high - self.low)

    @checked
    def cdf(self, value: Tensor) -> Tensor:
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def icdf(self, value: Tensor) -> Tensor:
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Tensor:
        return T.log(self.high - self.low)
