"""``HalfCauchy``."""

from __future__ import annotations

import math

from ..api import torch as T
from ..core.tensor import Tensor
from .cauchy import Cauchy
from .folded import Folded
from .utils import options_of

__all__ = ["HalfCauchy"]


class HalfCauchy(Folded):
    """``|x|`` of a Cauchy number of median 0."""

    _batched = {}

    @staticmethod
    def _base(scale: Tensor | float) -> Cauchy:
        return Cauchy(0, scale, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return T.full(self._extended_shape(), math.inf, **options_of(self.scale))

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance
