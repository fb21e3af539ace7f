"""``RelaxedOneHotCategorical``, the Gumbel softmax, and its logarithm.

Source: Maddison et al., arXiv:1611.00712; Jang et al., arXiv:1611.01144
"""

from __future__ import annotations

from typing import Any

from ..api import torch as T
from ..core.tensor import Tensor
from . import constraints
from .categorical import OverCategorical
from .distribution import checked
from .transformed_distribution import TransformedDistribution
from .transforms import ExpTransform
from .utils import NO_DIMS, attribute_of, broadcast_all, clamp_probs, options_of

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(OverCategorical):
    """Log of a relaxed one-hot vector: log softmax of ``(logits + Gumbel noise) / temperature``."""

    support: Any = constraints.real_vector
    has_rsample = True
    _batched = {"_categorical": 0, "temperature": None}

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature = temperature
        self._hold_categorical(probs, logits, validate_args)

    def rsample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        u = clamp_probs(T.rand(self._extended_shape(sample_shape), **options_of(self.logits)))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(dim=-1, keepdim=True)

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        n = self._categorical._num_events
        logits, value = broadcast_all(self.logits, value)
        scores = logits - value * self.temperature
        scores = (scores - scores.logsumexp(dim=-1, keepdim=True)).sum(-1)
        log_scale = T.full_like(self.temperature, float(n)).lgamma()
        return scores + log_scale + (n - 1) * self.temperature.log()


class RelaxedOneHotCategorical(TransformedDistribution):
    """Points of the simplex that tend to one-hot vectors as ``temperature`` goes to 0."""

    arg_constraints: Any = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support: Any = constraints.simplex
    has_rsample: Any = True
    _batched = {}

    temperature = attribute_of("base_dist.temperature")
    logits = attribute_of("base_dist.logits")
    probs = attribute_of("base_dist.probs")

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)
