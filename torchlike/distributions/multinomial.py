"""``Multinomial``."""

from __future__ import annotations

import math
from typing import Any

from ..api import torch as T
from ..core.build import tensor
from ..core.tensor import Tensor
from . import constraints
from .binomial import Binomial
from .categorical import Categorical, OverCategorical
from .distribution import Distribution, checked
from .utils import NO_DIMS, broadcast_all, lazy_property

__all__ = ["Multinomial"]


class Multinomial(OverCategorical):
    """How often each index comes up in ``total_count`` draws of a ``Categorical``."""

    _batched = {"_categorical": 0, "total_count": None}

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        shape = self._categorical.param_shape
        Distribution.__init__(self, shape[:-1], shape[-1:], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    @lazy_property
    def _binomial(self) -> Binomial:
        """The distribution of each count."""
        return Binomial(total_count=self.total_count, probs=self.probs)

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        drawn = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
        counts = T.zeros(self._extended_shape(sample_shape), dtype=drawn.dtype, device=drawn.device)
        return counts.scatter_add(-1, drawn, T.ones_like(drawn)).type_as(self.probs)

    def entropy(self) -> Tensor:
        n = tensor(self.total_count)
        draws = n * self._categorical.entropy() - T.lgamma(n + 1)
        counts = self._binomial.enumerate_support(expand=False)[1:]
        odds = T.exp(self._binomial.log_prob(counts))
        return draws + (odds * T.lgamma(counts + 1)).sum([0, -1])

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_all(self.logits, value)
        logits = T.where((value == 0) & (logits == -math.inf), 0.0, logits)
        choices = T.lgamma(value.sum(-1) + 1) - T.lgamma(value + 1).sum(-1)
        return choices + (logits * value).sum(-1)
