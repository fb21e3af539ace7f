"""``NegativeBinomial``."""

from __future__ import annotations

from typing import Any

from ..api import functional as F, torch as T
from ..core.modes import no_grad
from ..core.tensor import Tensor
from . import constraints
from .distribution import checked
from .gamma import Gamma
from .probs_or_logits import PARAMETER, ProbsOrLogits
from .utils import NO_DIMS, lazy_property

__all__ = ["NegativeBinomial"]


class NegativeBinomial(ProbsOrLogits):
    """Successes before the ``total_count``-th failure; ``probs`` is that of a success."""

    arg_constraints: Any = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support: Any = constraints.nonnegative_integer
    _batched = {"total_count": 0, **PARAMETER}
    total_count: Tensor

    def __init__(
        self,
        total_count: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._hold_either(probs, logits, validate_args, total_count=total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * T.exp(self.logits)

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / T.sigmoid(-self.logits)

    @lazy_property
    def _gamma(self) -> Gamma:
        """The Poisson rates, which are gamma distributed."""
        return Gamma(self.total_count, T.exp(-self.logits), validate_args=False)

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        with no_grad():
            return T.poisson(self._gamma.sample(sample_shape))

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        n, logits = self.total_count, self.logits
        outcome = n * F.logsigmoid(-logits) + value * F.logsigmoid(logits)
        orders = T.lgamma(n + value) - T.lgamma(1.0 + value) - T.lgamma(n)
        return outcome + orders.masked_fill(n + value == 0.0, 0.0)
