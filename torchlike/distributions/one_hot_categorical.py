"""``OneHotCategorical`` and its straight-through estimator."""

from __future__ import annotations

from typing import Any

from ..api import functional as F, torch as T
from ..core.tensor import Tensor
from . import constraints
from .categorical import OverCategorical
from .distribution import checked
from .utils import NO_DIMS, attribute_of, options_of

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(OverCategorical):
    """A ``Categorical`` whose samples are one-hot vectors."""

    support: Any = constraints.one_hot
    has_enumerate_support = True
    _batched = {"_categorical": 0}
    _param = attribute_of("_categorical._param")

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._hold_categorical(probs, logits, validate_args)

    def _one_hot(self, indices: Tensor) -> Tensor:
        return F.one_hot(indices, self._categorical._num_events).to(self.probs.dtype)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return self._one_hot(self._categorical.mode)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        return self._one_hot(self._categorical.sample(sample_shape))

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        return self._categorical.log_prob(value.max(-1)[1])

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(T.eye(self.event_shape[0], **options_of(self._param)), expand)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """``rsample`` passes the gradient to ``probs`` as if the sample were ``probs``.

    Source: Bengio et al., arXiv:1308.3432
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
