"""``Normal``."""

from __future__ import annotations

import math
from typing import Any

from ..api import torch as T
from ..core.modes import no_grad
from ..core.shapes import Size
from ..core.tensor import Tensor
from .exp_family import ExponentialFamily
from .location_scale import LocationScale
from .utils import NO_DIMS, _standard_normal

__all__ = ["Normal"]


class Normal(LocationScale, ExponentialFamily):
    """Mean ``loc``, standard deviation ``scale``."""

    _batched = {"loc": 0, "scale": 0}
    _mean_carrier_measure: Any = 0

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev.pow(2)

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return T.normal(self.loc.expand(shape), self.scale.expand(shape))

    def _noise(self, sample_shape: Size) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return _standard_normal(shape, dtype=self.loc.dtype, device=self.loc.device)

    def _log_density(self, z: Tensor) -> Tensor:
        return -(z**2) / 2 - math.log(math.sqrt(2 * math.pi))

    def _cdf(self, z: Tensor) -> Tensor:
        return 0.5 * (1 + T.erf(z / math.sqrt(2)))

    def _quantile(self, p: Tensor) -> Tensor:
        return T.erfinv(2 * p - 1) * math.sqrt(2)

    def _standard_entropy(self) -> float:
        return 0.5 + 0.5 * math.log(2 * math.pi)

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.loc / self.scale.pow(2), -0.5 * self.scale.pow(2).reciprocal()

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        return -0.25 * x.pow(2) / y + 0.5 * T.log(-math.pi / y)
