"""``ExponentialFamily``: densities ``exp(<t(x), θ> - F(θ) + k(x))``."""

from __future__ import annotations

from typing import Any

from ..autograd.backward import grad
from ..core.modes import enable_grad
from ..core.tensor import Tensor
from .distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """A class gives θ (``_natural_params``), F (``_log_normalizer``) and the mean of k
    (``_mean_carrier_measure``); entropy and divergence follow from F and its gradient."""

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """``F(θ) - <θ, ∇F(θ)> - E[k]``.  ``-> batch_shape``"""
        result = -self._mean_carrier_measure
        log_normalizer, theta, means = self._with_gradient()
        result = result + log_normalizer
        for parameter, mean in zip(theta, means, strict=True):
            result = result - (parameter * mean).reshape((*self._batch_shape, -1)).sum(-1)
        return result

    def _with_gradient(self) -> tuple[Tensor, list[Tensor], tuple[Tensor, ...]]:
        """F, θ as leaves, and ∇F, which can be differentiated again."""
        theta = [p.detach().requires_grad_() for p in self._natural_params]
        with enable_grad():
            log_normalizer = self._log_normalizer(*theta)
            return log_normalizer, theta, grad(log_normalizer.sum(), theta, create_graph=True)
