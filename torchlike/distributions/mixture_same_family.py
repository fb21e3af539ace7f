"""``MixtureSameFamily``."""

from __future__ import annotations

from typing import Any

from ..api import torch as T
from ..core.modes import no_grad
from ..core.shapes import Size
from ..core.tensor import Tensor
from . import constraints
from .categorical import Categorical
from .constraints import MixtureSameFamilyConstraint
from .distribution import Distribution
from .utils import NO_DIMS

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """The last batch dim of ``component_distribution`` are the components, chosen by
    ``mixture_distribution``.

    Raises:
        ValueError: no ``Categorical``, no distribution, or batch shapes that don't fit.
    """

    arg_constraints: Any = {}
    has_rsample = False
    _batched = {
        "_mixture_distribution": 0, "_component_distribution": 1, "_num_component": None,
        "_event_ndims": None,
    }  # fmt: skip

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an  instance of "
                "torch.distributions.Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution needs to be an instance of "
                "torch.distributions.Distribution"
            )
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        chosen, (*batch, kinds) = (
            mixture_distribution.batch_shape,
            component_distribution.batch_shape,
        )
        batch_shape = Size(batch)
        pairs = zip(reversed(chosen), reversed(batch_shape), strict=False)
        if any(1 not in pair and pair[0] != pair[1] for pair in pairs):
            raise ValueError(
                f"`mixture_distribution.batch_shape` ({chosen}) is not compatible with "
                f"`component_distribution.batch_shape`({batch_shape})"
            )
        self._num_component = mixture_distribution.logits.shape[-1]
        if self._num_component != kinds:
            raise ValueError(
                f"`mixture_distribution component` ({self._num_component}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({kinds})"
            )
        event_shape = component_distribution.event_shape
        self._event_ndims = len(event_shape)
        Distribution.__init__(self, batch_shape, event_shape, validate_args=validate_args)

    @constraints.dependent_property
    def support(self) -> Any:
        return MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Any:
        return self._component_distribution

    def _pad(self, x: Tensor) -> Tensor:
        """With a dim for the components, ahead of the event dims."""
        return x.unsqueeze(-1 - self._event_ndims)

    def _averaged(self, each: Tensor) -> Tensor:
        """The mean over the components.  ``(*batch, k, *event) -> (*batch, *event)``"""
        probs = self.mixture_distribution.probs
        chosen = len(self.mixture_distribution.batch_shape)
        missing = 0 if chosen == 1 else len(self.batch_shape) - chosen
        ones = (1,) * missing, (1,) * self._event_ndims
        probs = probs.reshape((*probs.shape[:-1], *ones[0], probs.shape[-1], *ones[1]))
        return T.sum(probs * each, dim=-1 - self._event_ndims)

    @property
    def mean(self) -> Tensor:
        return self._averaged(self.component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        within = self._averaged(self.component_distribution.variance)
        between = (self.component_distribution.mean - self._pad(self.mean)).pow(2.0)
        return within + self._averaged(between)

    def cdf(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        each = self.component_distribution.cdf(self._pad(x))
        return T.sum(each * self.mixture_distribution.probs, dim=-1)

    def log_prob(self, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self._validate_args:
            self._validate_sample(x)
        each = self.component_distribution.log_prob(self._pad(x))
        chosen = T.log_softmax(self.mixture_distribution.logits, dim=-1)
        return T.logsumexp(each + chosen, dim=-1)

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        with no_grad():
            chosen = self.mixture_distribution.sample(sample_shape)
            samples = self.component_distribution.sample(sample_shape)
            dim = len(sample_shape) + len(self.batch_shape)
            index = chosen.reshape(chosen.shape + (1,) * (self._event_ndims + 1))
            index = index.expand(chosen.shape + (1,) + self.event_shape)
            return T.gather(samples, dim, index).squeeze(dim)

    def __repr__(self) -> str:
        return (
            f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
        )
