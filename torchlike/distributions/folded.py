"""The absolute value of a distribution that is symmetric around 0."""

from __future__ import annotations

import math
from typing import Any

from ..api import torch as T
from ..core.tensor import Tensor
from . import constraints
from .distribution import Distribution, checked
from .transformed_distribution import TransformedDistribution
from .transforms import AbsTransform
from .utils import attribute_of, options_of


class Folded(TransformedDistribution):
    """A class gives the base of that ``scale``, around 0."""

    arg_constraints: Any = {"scale": constraints.positive}
    support: Any = constraints.nonnegative
    has_rsample: Any = True
    _batched = {}

    scale = attribute_of("base_dist.scale")

    def __init__(self, scale: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(self._base(scale), AbsTransform(), validate_args=validate_args)

    @staticmethod
    def _base(scale: Tensor | float) -> Distribution:
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        return T.zeros_like(self.scale)

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        value = value if isinstance(value, Tensor) else T.as_tensor(value, **options_of(self.scale))
        return T.where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    @checked
    def cdf(self, value: Tensor) -> Tensor:
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, prob: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)
