"""``StudentT``."""

from __future__ import annotations

import math
from typing import Any

from ..api import torch as T
from ..core.shapes import Size
from ..core.tensor import Tensor
from . import constraints
from .chi2 import Chi2
from .location_scale import LocationScale
from .utils import _standard_normal

__all__ = ["StudentT"]


class StudentT(LocationScale):
    """A normal number over the root of an independent ``Chi2(df) / df``."""

    arg_constraints: Any = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    _batched = {"df": 0, "loc": 0, "scale": 0, "_chi2": 0}
    df: Tensor

    def __init__(
        self,
        df: Tensor | float,
        loc: Tensor | float = 0.0,
        scale: Tensor | float = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        self._hold(validate_args, df=df, loc=loc, scale=scale)
        self._chi2 = Chi2(self.df)

    @property
    def mean(self) -> Tensor:
        return T.where(self.df <= 1, math.nan, self.loc)

    @property
    def variance(self) -> Tensor:
        heavy = T.where(self.df > 1, math.inf, math.nan).to(self.df.dtype)
        df = T.where(self.df > 2, self.df, 3.0)
        return T.where(self.df > 2, self.scale.pow(2) * df / (df - 2), heavy)

    def _noise(self, sample_shape: Size) -> Tensor:
        shape = self._extended_shape(sample_shape)
        x = _standard_normal(shape, dtype=self.df.dtype, device=self.df.device)
        return x * T.rsqrt(self._chi2.rsample(sample_shape) / self.df)

    def _log_beta(self) -> Tensor:
        """``log B(df / 2, 1 / 2)``."""
        half = 0.5 * self.df
        return T.lgamma(half) + math.lgamma(0.5) - T.lgamma(0.5 * (self.df + 1))

    def _log_density(self, z: Tensor) -> Tensor:
        tail = -0.5 * (self.df + 1) * T.log1p(z**2 / self.df)
        return tail - 0.5 * self.df.log() - self._log_beta()

    def _standard_entropy(self) -> Tensor:
        more = 0.5 * (self.df + 1)
        spread = more * (T.digamma(more) - T.digamma(0.5 * self.df))
        return spread + 0.5 * self.df.log() + self._log_beta()
