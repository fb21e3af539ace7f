"""``LKJCholesky``."""

from __future__ import annotations

import math
from typing import Any

from ..api import torch as T
from ..core.dtypes import finfo
from ..core.shapes import Size
from ..core.tensor import Tensor
from . import constraints
from .beta import Beta
from .distribution import Distribution, checked
from .utils import NO_DIMS, broadcast_all, options_of

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Cholesky factors of correlation matrices, whose density is ``det**(concentration - 1)``.

    Source: Lewandowski, Kurowicka and Joe (2009), section 3: the onion method
    """

    arg_constraints: Any = {"concentration": constraints.positive}
    support: Any = constraints.corr_cholesky
    _batched = {"concentration": 0, "_beta": 1, "dim": None}

    def __init__(
        self,
        dim: int,
        concentration: Tensor | float = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        Distribution.__init__(self, self.concentration.size(), Size((dim, dim)), validate_args)
        # A row's squared length off the diagonal; the first row has none, and gets what is unused
        before = T.arange(dim, **options_of(self.concentration)).sub(1).clamp(min=0)
        marginal = self.concentration + 0.5 * (dim - 2)
        self._beta = Beta(before + 0.5, marginal.unsqueeze(-1) - 0.5 * before)

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        y = self._beta.sample(sample_shape).unsqueeze(-1)
        normal = T.randn(self._extended_shape(sample_shape), **options_of(y)).tril(-1)
        direction = normal / normal.norm(dim=-1, keepdim=True)
        direction[..., 0, :].fill_(0.0)
        below = T.sqrt(y) * direction
        rest = (1 - T.sum(below**2, dim=-1)).clamp(min=finfo(below.dtype).tiny)
        return below + T.diag_embed(rest.sqrt())

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        concentration, less = self.concentration, self.dim - 1
        order = T.arange(2, self.dim + 1, device=concentration.device)
        order = 2 * (concentration - 1).unsqueeze(-1) + self.dim - order
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        alpha = concentration + 0.5 * less
        normalizer = (
            0.5 * less * math.log(math.pi) + T.mvlgamma(alpha - 0.5, less) - T.lgamma(alpha) * less
        )
        return T.sum(order * diagonal.log(), dim=-1) - normalizer
