"""``Cauchy``."""

from __future__ import annotations

import math

from ..api import torch as T
from ..core.shapes import Size
from ..core.tensor import Tensor
from .location_scale import LocationScale
from .utils import options_of

__all__ = ["Cauchy"]


class Cauchy(LocationScale):
    """Median ``loc``, half width at half maximum ``scale``; no mean, infinite variance."""

    _batched = {"loc": 0, "scale": 0}

    @property
    def mean(self) -> Tensor:
        return T.full(self._extended_shape(), math.nan, **options_of(self.loc))

    @property
    def variance(self) -> Tensor:
        return T.full(self._extended_shape(), math.inf, **options_of(self.loc))

    def _noise(self, sample_shape: Size) -> Tensor:
        return T.empty(self._extended_shape(sample_shape), **options_of(self.loc)).cauchy_()

    def _log_density(self, z: Tensor) -> Tensor:
        return -math.log(math.pi) - (z**2).log1p()

    def _cdf(self, z: Tensor) -> Tensor:
        return T.atan(z) / math.pi + 0.5

    def _quantile(self, p: Tensor) -> Tensor:
        return T.tan(math.pi * (p - 0.5))

    def _standard_entropy(self) -> float:
        return math.log(4 * math.pi)
