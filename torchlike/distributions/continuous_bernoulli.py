"""``ContinuousBernoulli``."""

from __future__ import annotations

import math
from typing import Any

from ..api import functional as F, special, torch as T
from ..core.modes import no_grad
from ..core.tensor import Tensor
from . import constraints
from .distribution import Distribution, all_hold, checked
from .exp_family import ExponentialFamily
from .probs_or_logits import PARAMETER, ProbsOrLogits, the_given_one
from .utils import NO_DIMS, broadcast_all, clamp_probs, lazy_property, logits_to_probs, options_of

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(ProbsOrLogits, ExponentialFamily):
    """``probs**x * (1 - probs)**(1 - x)`` on [0, 1], normalised.

    Formulas have a removable singularity at ``probs`` 1/2; between ``lims`` Taylor series stand in.
    Source: Loaiza-Ganem and Cunningham, arXiv:1907.06845
    """

    support: Any = constraints.unit_interval
    _mean_carrier_measure: Any = 0
    has_rsample = True
    _batched = {**PARAMETER, "_lims": None}

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        name, given = the_given_one(probs, logits)
        (self._param,) = broadcast_all(given)
        if name == "probs":
            check = self.arg_constraints["probs"].check(self._param)
            if validate_args is not None and not all_hold([check]):
                raise ValueError("The parameter probs has invalid values")
            self._param = clamp_probs(self._param)
        setattr(self, name, self._param)
        self._lims = lims
        Distribution.__init__(self, self._param.size(), validate_args=validate_args)

    @lazy_property
    def probs(self) -> Tensor:
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _outside_unstable_region(self) -> Tensor:
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut_probs(self) -> Tensor:
        """``probs``, away from 1/2."""
        return T.where(self._outside_unstable_region(), self.probs, self._lims[0])

    def _stable(self, far: Tensor, near: Tensor) -> Tensor:
        return T.where(self._outside_unstable_region(), far, near)

    def _cont_bern_log_norm(self) -> Tensor:
        p = self._cut_probs()
        below, above = T.where(p <= 0.5, p, 0.0), T.where(p >= 0.5, p, 1.0)
        log_distance = T.where(p <= 0.5, T.log1p(-2 * below), T.log(2 * above - 1))
        x = (self.probs - 0.5) ** 2
        taylor = math.log(2.0) + (4 / 3 + 104 / 45 * x) * x
        return self._stable(T.log(T.abs(T.log1p(-p) - T.log(p))) - log_distance, taylor)

    @property
    def mean(self) -> Tensor:
        p, x = self._cut_probs(), self.probs - 0.5
        far = p / (2 * p - 1) + 1 / (T.log1p(-p) - T.log(p))
        return self._stable(far, 0.5 + (1 / 3 + 16 / 45 * x**2) * x)

    @property
    def stddev(self) -> Tensor:
        return T.sqrt(self.variance)

    @property
    def variance(self) -> Tensor:
        p, x = self._cut_probs(), (self.probs - 0.5) ** 2
        far = p * (p - 1) / (1 - 2 * p) ** 2 + 1 / (T.log1p(-p) - T.log(p)) ** 2
        return self._stable(far, 1 / 12 - (1 / 15 - 128 / 945 * x) * x)

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        return self.icdf(T.rand(self._extended_shape(sample_shape), **options_of(self.probs)))

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        flip = -F.binary_cross_entropy_with_logits(logits, value, reduction="none")
        return flip + self._cont_bern_log_norm()

    @checked
    def cdf(self, value: Tensor) -> Tensor:
        p = self._cut_probs()
        far = (p**value * (1 - p) ** (1 - value) + p - 1) / (2 * p - 1)
        inside = T.where(value >= 1, 1.0, self._stable(far, value))
        return T.where(value <= 0, 0.0, inside)

    def icdf(self, value: Tensor) -> Tensor:
        p = self._cut_probs()
        failure = T.log1p(-p)
        far = (T.log1p(-p + value * (2 * p - 1)) - failure) / (T.log(p) - failure)
        return self._stable(far, value)

    def entropy(self) -> Tensor:
        failure, success = T.log1p(-self.probs), T.log(self.probs)
        return self.mean * (failure - success) - self._cont_bern_log_norm() - failure

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        low, high = self._lims[0] - 0.5, self._lims[1] - 0.5
        outside = (x <= low) | (x > high)
        cut = T.where(outside, x, low)
        far = T.log(special.expm1(cut).abs()) - T.log(cut.abs())
        return T.where(outside, far, 0.5 * x + x**2 / 24 - x**4 / 2880)
