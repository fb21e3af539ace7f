"""``GeneralizedPareto``."""

from __future__ import annotations

import math
from typing import Any

from ..api import torch as T
from ..core.tensor import Tensor
from . import constraints
from .distribution import Distribution, checked
from .utils import NO_DIMS, options_of

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """Survival ``(1 + concentration z)**(-1 / concentration)``, ``z = (x - loc) / scale``; at
    concentration 0 an exponential distribution's."""

    arg_constraints: Any = {
        "loc": constraints.real,
        "scale": constraints.positive,
        "concentration": constraints.real,
    }
    has_rsample = True
    _batched = {"loc": 0, "scale": 0, "concentration": 0}
    loc: Tensor
    scale: Tensor
    concentration: Tensor

    def __init__(
        self,
        loc: Tensor | float,
        scale: Tensor | float,
        concentration: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self._hold(validate_args, loc=loc, scale=scale, concentration=concentration)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, T.where(self.concentration < 0, end, math.inf))

    def _z(self, x: Tensor) -> Tensor:
        return (x - self.loc) / self.scale

    def _is_exponential(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is 0, and a concentration that can be divided by."""
        zero = T.isclose(self.concentration, T.zeros_like(self.concentration))
        return zero, T.where(zero, 1.0, self.concentration)

    def rsample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        return self.icdf(T.rand(self._extended_shape(sample_shape), **options_of(self.loc)))

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        z = self._z(value)
        zero, concentration = self._is_exponential()
        power = 1 / concentration + T.ones_like(z)
        spread = T.where(power == 0, power, power * T.log1p(concentration * z))
        return -self.scale.log() - T.where(zero, z, spread)

    @checked
    def log_survival_function(self, value: Tensor) -> Tensor:
        """Log probability of more than ``value``."""
        z = self._z(value)
        zero, concentration = self._is_exponential()
        return T.where(zero, -z, -T.log1p(concentration * z) / concentration)

    def log_cdf(self, value: Tensor) -> Tensor:
        """Log probability of at most ``value``."""
        return T.log1p(-T.exp(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        return T.exp(self.log_cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        zero, concentration = self._is_exponential()
        log_survival = T.log1p(-value)
        curved = self.scale / concentration * T.expm1(-concentration * log_survival)
        return self.loc + T.where(zero, -self.scale * log_survival, curved)

    def _where(self, valid: Tensor, stand_in: float) -> Tensor:
        return T.where(valid, self.concentration, stand_in)

    @property
    def mean(self) -> Tensor:
        valid = self.concentration < 1
        mean = self.loc + self.scale / (1 - self._where(valid, 0.5))
        return T.where(valid, mean, math.nan)

    @property
    def variance(self) -> Tensor:
        valid = self.concentration < 0.5
        c = self._where(valid, 0.25)
        return T.where(valid, self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c)), math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    def entropy(self) -> Tensor:
        return T.broadcast_to(T.log(self.scale) + self.concentration + 1, self._batch_shape)
