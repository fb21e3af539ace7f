"""``VonMises``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..api import torch as T
from ..core.dtypes import bool_, float64
from ..core.modes import no_grad
from ..core.tensor import Tensor
from . import constraints
from .distribution import Distribution, checked
from .utils import NO_DIMS, lazy_property

__all__ = ["VonMises"]

# Abramowitz and Stegun 9.8.1-4, by order: up to 3.75 in (x / 3.75)², above in 3.75 / x
_SMALL = (
    (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.360768e-1, 0.45813e-2),
    (0.5, 0.87890594, 0.51498869, 0.15084934, 0.2658733e-1, 0.301532e-2, 0.32411e-3),
)
_LARGE = (
    (0.39894228, 0.1328592e-1, 0.225319e-2, -0.157565e-2, 0.916281e-2, -0.2057706e-1,
     0.2635537e-1, -0.1647633e-1, 0.392377e-2),
    (0.39894228, -0.3988024e-1, -0.362018e-2, 0.163801e-2, -0.1031555e-1, 0.2282967e-1,
     -0.2895312e-1, 0.1787654e-1, -0.420059e-2),
)  # fmt: skip


def _eval_poly(y: Tensor, coef: Sequence[float]) -> Any:
    *rest, found = coef
    for c in reversed(rest):
        found = c + y * found
    return found


def _log_modified_bessel_fn(x: Tensor, order: int = 0) -> Tensor:
    """Log of the modified Bessel function of the first kind, order 0 or 1, for ``x > 0``."""
    if order not in (0, 1):
        raise AssertionError(f"order must be 0 or 1, got {order}")
    small = _eval_poly((x / 3.75) ** 2, _SMALL[order])
    small = (x.abs() * small if order else small).log()
    large = x - 0.5 * x.log() + _eval_poly(3.75 / x, _LARGE[order]).log()
    return T.where(x < 3.75, small, large)


class VonMises(Distribution):
    """Angles around ``loc``, in radians: the normal distribution of the circle."""

    arg_constraints: Any = {"loc": constraints.real, "concentration": constraints.positive}
    support: Any = constraints.real
    has_rsample = False
    _batched = {"loc": 0, "concentration": 0}
    loc: Tensor
    concentration: Tensor

    def __init__(
        self, loc: Tensor, concentration: Tensor, validate_args: bool | None = None
    ) -> None:
        self._hold(validate_args, loc=loc, concentration=concentration)

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        around = self.concentration * T.cos(value - self.loc)
        return around - math.log(2 * math.pi) - _log_modified_bessel_fn(self.concentration)

    @lazy_property
    def _proposal_r(self) -> Tensor:
        kappa = self.concentration.to(float64)
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        return T.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        """By rejection from a wrapped Cauchy distribution (Best and Fisher, 1979), in float64."""
        with no_grad():
            loc, kappa, r = self.loc.to(float64), self.concentration.to(float64), self._proposal_r
            shape = self._extended_shape(sample_shape)
            x = T.zeros(shape, dtype=float64, device=loc.device)
            done = T.zeros(shape, dtype=bool_, device=loc.device)
            while not done.all():
                u1, u2, u3 = T.rand((3, *shape), dtype=float64, device=loc.device).unbind()
                z = T.cos(math.pi * u1)
                f = (1 + r * z) / (r + z)
                c = kappa * (r - f)
                accept = (c * (2 - c) - u2 > 0) | ((c / u2).log() + 1 - c >= 0)
                # those accepted before are drawn again with the others, as in PyTorch
                x = T.where(accept, (u3 - 0.5).sign() * f.acos(), x)
                done = done | accept
            return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    @property
    def mean(self) -> Tensor:
        """The circular mean."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        """The circular variance."""
        log_ratio = _log_modified_bessel_fn(self.concentration, order=1) - _log_modified_bessel_fn(
            self.concentration, order=0
        )
        return 1 - log_ratio.exp()
