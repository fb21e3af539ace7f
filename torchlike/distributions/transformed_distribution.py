"""``TransformedDistribution``: what transforms make of the samples of another distribution."""

from __future__ import annotations

import functools
import operator
from typing import Any

from ..core.modes import no_grad
from ..core.shapes import Size
from ..core.tensor import Tensor
from . import constraints
from .distribution import Distribution, checked
from .independent import Independent
from .transform import ComposeTransform, Transform
from .utils import NO_DIMS, _sum_rightmost

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """The density is the base's at the inverse, over ``|dy/dx|``.

    Raises:
        ValueError: something else than transforms, or a base with too few dims.
    """

    arg_constraints: Any = {}
    _batched = {}
    base_dist: Any

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | list[Transform],
        validate_args: bool | None = None,
    ) -> None:
        self.transforms = _listed(transforms)
        whole = ComposeTransform(self.transforms)
        base_shape = base_distribution.batch_shape + base_distribution.event_shape
        base_dims, needed = len(base_distribution.event_shape), whole.domain.event_dim
        if len(base_shape) < needed:
            raise ValueError(
                f"base_distribution needs to have shape with size at least {needed}, but got "
                f"{base_shape}."
            )
        forward_shape = whole.forward_shape(base_shape)
        expanded = whole.inverse_shape(forward_shape)
        if base_shape != expanded:
            base_distribution = base_distribution.expand(expanded[: len(expanded) - base_dims])
        if needed > base_dims:
            base_distribution = Independent(base_distribution, needed - base_dims)
        self.base_dist = base_distribution
        gained = whole.codomain.event_dim - needed
        cut = len(forward_shape) - max(whole.codomain.event_dim, base_dims + gained)
        if cut < 0:
            raise AssertionError(
                f"forward_shape length {len(forward_shape)} must be >= event_dim "
                f"{len(forward_shape) - cut}"
            )
        Distribution.__init__(
            self, forward_shape[:cut], forward_shape[cut:], validate_args=validate_args
        )

    def _expand_into(self, new: Any, batch_shape: Size) -> None:
        super()._expand_into(new, batch_shape)
        new.transforms = self.transforms
        shape = ComposeTransform(self.transforms).inverse_shape(batch_shape + self.event_shape)
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        more = len(self.event_shape) - support.event_dim
        return constraints.independent(support, more) if more > 0 else support

    @property
    def has_rsample(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.base_dist.has_rsample

    def _forward(self, x: Tensor) -> Tensor:
        return functools.reduce(lambda value, transform: transform(value), self.transforms, x)

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        with no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        return self._forward(self.base_dist.rsample(sample_shape))

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        event_dim = len(self.event_shape)
        log_volume: Any = 0.0
        y = value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            each = transform.log_abs_det_jacobian(x, y)
            log_volume = log_volume + _sum_rightmost(each, event_dim - transform.domain.event_dim)
            y = x
        base_dims = len(self.base_dist.event_shape)
        return _sum_rightmost(self.base_dist.log_prob(y), event_dim - base_dims) - log_volume

    def _monotonize_cdf(self, value: Tensor) -> Tensor:
        """``1 - value`` where the transforms together are decreasing."""
        sign = functools.reduce(operator.mul, [t.sign for t in self.transforms], 1)
        return value if isinstance(sign, int) and sign == 1 else sign * (value - 0.5) + 0.5

    def cdf(self, value: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._monotonize_cdf(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._forward(self.base_dist.icdf(self._monotonize_cdf(value)))


def _listed(transforms: Any) -> list[Transform]:
    if isinstance(transforms, Transform):
        return [transforms]
    if not isinstance(transforms, list):
        raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
    if not all(isinstance(t, Transform) for t in transforms):
        raise ValueError("transforms must be a Transform or a list of Transforms")
    return transforms
