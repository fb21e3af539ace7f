"""``loc + scale * z``: families that are one standard distribution, moved and stretched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..core.shapes import Size
from ..core.tensor import Tensor
from . import constraints
from .distribution import Distribution, checked
from .utils import NO_DIMS


class LocationScale(Distribution):
    """A class gives the standard distribution (loc 0, scale 1) by the underscored methods."""

    arg_constraints: Any = {"loc": constraints.real, "scale": constraints.positive}
    support: Any = constraints.real
    has_rsample = True
    _batched: ClassVar[Mapping[str, int | None] | None] = {"loc": 0, "scale": 0}
    loc: Tensor
    scale: Tensor

    def __init__(
        self, loc: Tensor | float, scale: Tensor | float, validate_args: bool | None = None
    ) -> None:
        self._hold(validate_args, loc=loc, scale=scale)

    def _noise(self, sample_shape: Size) -> Tensor:
        """Standard samples."""
        raise NotImplementedError

    def _log_density(self, z: Tensor) -> Tensor:
        raise NotImplementedError

    def _cdf(self, z: Tensor) -> Tensor:
        raise NotImplementedError

    def _quantile(self, p: Tensor) -> Tensor:
        raise NotImplementedError

    def _standard_entropy(self) -> Tensor | float:
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        return self.loc

    def rsample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        return self.loc + self._noise(Size(sample_shape)) * self.scale

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        return self._log_density((value - self.loc) / self.scale) - self.scale.log()

    @checked
    def cdf(self, value: Tensor) -> Tensor:
        return self._cdf((value - self.loc) / self.scale)

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * self._quantile(value)

    def entropy(self) -> Tensor:
        return self._standard_entropy() + self.scale.log()
