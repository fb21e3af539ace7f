"""``Dirichlet``."""

from __future__ import annotations

from typing import Any

from ..api import functional as F, torch as T
from ..core.tensor import Tensor
from . import constraints
from .distribution import Distribution, checked
from .exp_family import ExponentialFamily

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """Points of the simplex: gamma numbers of the given concentrations over their sum."""

    arg_constraints: Any = {
        "concentration": constraints.independent(constraints.positive, 1),
    }
    support: Any = constraints.simplex
    has_rsample = True
    _batched = {"concentration": 1}

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        shape = concentration.shape
        Distribution.__init__(self, shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        corner = F.one_hot(mode.argmax(-1), mode.shape[-1]).to(mode.dtype)
        return T.where((self.concentration < 1).all(-1, True), corner, mode)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return T._sample_dirichlet(self.concentration.expand(shape))

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        return T.xlogy(self.concentration - 1.0, value).sum(-1) - self._log_normalizer(
            self.concentration
        )

    def entropy(self) -> Tensor:
        each, total = self.concentration, self.concentration.sum(-1)
        spread = ((each - 1.0) * T.digamma(each)).sum(-1)
        return self._log_normalizer(each) - (each.size(-1) - total) * T.digamma(total) - spread

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.concentration,)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return x.lgamma().sum(-1) - T.lgamma(x.sum(-1))
