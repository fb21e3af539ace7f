"""``Poisson``."""

from __future__ import annotations

from typing import Any

from ..api import torch as T
from ..core.modes import no_grad
from ..core.tensor import Tensor
from . import constraints
from .distribution import checked
from .exp_family import ExponentialFamily
from .utils import NO_DIMS, broadcast_all

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """Counts of events that come at ``rate``."""

    arg_constraints: Any = {"rate": constraints.nonnegative}
    support: Any = constraints.nonnegative_integer
    _batched = {"rate": 0}
    rate: Tensor

    def __init__(self, rate: Tensor | float, validate_args: bool | None = None) -> None:
        self._hold(validate_args, rate=rate)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return T.poisson(self.rate.expand(shape))

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        rate, value = broadcast_all(self.rate, value)
        return value.xlogy(rate) - rate - (value + 1).lgamma()

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (T.log(self.rate),)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return T.exp(x)
