"""``HalfNormal``."""

from __future__ import annotations

import math

from ..core.tensor import Tensor
from .folded import Folded
from .normal import Normal

__all__ = ["HalfNormal"]


class HalfNormal(Folded):
    """``|x|`` of a normal number of mean 0."""

    _batched = {}

    @staticmethod
    def _base(scale: Tensor | float) -> Normal:
        return Normal(0, scale, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale.pow(2) * (1 - 2 / math.pi)
