"""``Laplace``."""

from __future__ import annotations

import math

from ..api import torch as T
from ..core.dtypes import finfo
from ..core.shapes import Size
from ..core.tensor import Tensor
from .location_scale import LocationScale
from .utils import options_of

__all__ = ["Laplace"]


class Laplace(LocationScale):
    """``exp(-|x - loc| / scale) / (2 scale)``."""

    _batched = {"loc": 0, "scale": 0}

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return math.sqrt(2) * self.scale

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale.pow(2)

    def _noise(self, sample_shape: Size) -> Tensor:
        u = T.empty(self._extended_shape(sample_shape), **options_of(self.loc))
        u = u.uniform_(finfo(u.dtype).eps - 1, 1)  # never -1, whose logarithm is infinite
        return -u.sign() * T.log1p(-u.abs())

    def _log_density(self, z: Tensor) -> Tensor:
        return -math.log(2) - z.abs()

    def _cdf(self, z: Tensor) -> Tensor:
        return 0.5 - 0.5 * z.sign() * T.expm1(-z.abs())

    def _quantile(self, p: Tensor) -> Tensor:
        term = p - 0.5
        return -term.sign() * T.log1p(-2 * term.abs())

    def _standard_entropy(self) -> float:
        return 1 + math.log(2)
