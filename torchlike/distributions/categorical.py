"""``Categorical``."""

from __future__ import annotations

import math
from typing import Any

from ..api import torch as T
from ..core.dtypes import finfo, int64
from ..core.shapes import Size
from ..core.tensor import Tensor
from . import constraints
from .distribution import Distribution, checked
from .probs_or_logits import ProbsOrLogits, the_given_one
from .utils import NO_DIMS, attribute_of, broadcast_all, options_of

__all__ = ["Categorical"]


class Categorical(ProbsOrLogits):
    """Indices 0 … n-1, with ``probs`` that are scaled to sum to 1 over the last dim."""

    arg_constraints: Any = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    _is_binary = False
    _batched = {"probs": 1, "logits": 1, "_param": 1, "_num_events": None}

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        name, given = the_given_one(probs, logits)
        if given.dim() < 1:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if name == "probs":
            self._param = given / given.sum(-1, keepdim=True)
        else:
            self._param = given - given.logsumexp(dim=-1, keepdim=True)
        setattr(self, name, self._param)
        *batch_shape, self._num_events = self._param.size()
        Distribution.__init__(self, Size(batch_shape), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        return T.full(self._extended_shape(), math.nan, **options_of(self.probs))

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(dim=-1)

    @property
    def variance(self) -> Tensor:
        return T.full(self._extended_shape(), math.nan, **options_of(self.probs))

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        rows = self.probs.reshape(-1, self._num_events)
        drawn = T.multinomial(rows, Size(sample_shape).numel(), True)
        return drawn.T.reshape(self._extended_shape(sample_shape))

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        value, log_probs = broadcast_all(value.long().unsqueeze(-1), self.logits)
        return log_probs.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)  # 0 * -inf
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = T.arange(self._num_events, dtype=int64, device=self._param.device)
        return self._enumerated(values, expand)


class OverCategorical(Distribution):
    """Vectors whose parameters are those of a ``Categorical``, which is ``_categorical``."""

    arg_constraints: Any = {"probs": constraints.simplex, "logits": constraints.real_vector}
    _categorical: Categorical

    probs = attribute_of("_categorical.probs")
    logits = attribute_of("_categorical.logits")
    param_shape = attribute_of("_categorical.param_shape")

    def _hold_categorical(self, probs: Any, logits: Any, validate_args: bool | None) -> None:
        self._categorical = Categorical(probs, logits)
        Distribution.__init__(
            self,
            self._categorical.batch_shape,
            self._categorical.param_shape[-1:],
            validate_args=validate_args,
        )
