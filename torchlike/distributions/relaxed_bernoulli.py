"""``RelaxedBernoulli`` and its logit.

Source: Maddison et al., arXiv:1611.00712; Jang et al., arXiv:1611.01144
"""

from __future__ import annotations

from typing import Any

from ..api import torch as T
from ..core.tensor import Tensor
from . import constraints
from .distribution import checked
from .probs_or_logits import PARAMETER, ProbsOrLogits
from .transformed_distribution import TransformedDistribution
from .transforms import SigmoidTransform
from .utils import NO_DIMS, attribute_of, broadcast_all, clamp_probs, options_of

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(ProbsOrLogits):
    """Logit of a relaxed coin flip: ``(logits + logistic noise) / temperature``."""

    support: Any = constraints.real
    _batched = {**PARAMETER, "temperature": None}

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature = temperature
        self._hold_either(probs, logits, validate_args)

    def rsample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(T.rand(shape, **options_of(probs)))
        return (u.log() - (-u).log1p() + probs.log() - (-probs).log1p()) / self.temperature

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        gap = logits - value * self.temperature
        return self.temperature.log() + gap - 2 * gap.exp().log1p()


class RelaxedBernoulli(TransformedDistribution):
    """Numbers in (0, 1) that tend to coin flips as ``temperature`` goes to 0."""

    arg_constraints: Any = {"probs": constraints.unit_interval, "logits": constraints.real}
    support: Any = constraints.unit_interval
    has_rsample: Any = True
    _batched = {}

    temperature = attribute_of("base_dist.temperature")
    logits = attribute_of("base_dist.logits")
    probs = attribute_of("base_dist.probs")

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)
