"""``KL(p || q)`` of distributions of different kinds: ``-entropy(p) - E_p[log q(x)]``.

``E_p[log q]`` needs only a few expectations over p: each is a function here, with the formula of
every kind that has it; then come the mean log densities of every q, in these expectations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..api import torch as T
from ..core.tensor import Tensor
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .continuous_bernoulli import ContinuousBernoulli
from .exponential import Exponential
from .gamma import Gamma
from .gumbel import Gumbel
from .kl import register_kl
from .laplace import Laplace
from .normal import Normal
from .pareto import Pareto
from .poisson import Poisson
from .uniform import Uniform
from .utils import euler_constant

# ---------------------------------------------------------------- expectations over p


def _mean(p: Any) -> Tensor:
    """``E x``; a Pareto's also where it is infinite, so that the gradient there is not NaN."""
    return p.scale * p.alpha / (p.alpha - 1) if isinstance(p, Pareto) else p.mean


def _variance(p: Any) -> Tensor:
    """``E (x - E x)²``."""
    if isinstance(p, Pareto):
        return (p.scale / (p.alpha - 1)).pow(2) * p.alpha / (p.alpha - 2)
    return p.variance


def _x_log_x(x: Tensor) -> Tensor:
    return T.xlogy(x, x)


_LOG: dict[type, Callable[[Any], Tensor]] = {
    Beta: lambda p: p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma(),
    Exponential: lambda p: -euler_constant - p.rate.log(),
    Gamma: lambda p: p.concentration.digamma() - p.rate.log(),
    Pareto: lambda p: p.scale.log() + p.alpha.reciprocal(),
    Uniform: lambda p: (_x_log_x(p.high) - _x_log_x(p.low)) / (p.high - p.low) - 1,
}


def _log(p: Any) -> Tensor:
    """``E log x``."""
    return _LOG[_kind(p)](p)


def _log1m(p: Uniform) -> Tensor:
    """``E log(1 - x)``."""
    return (_x_log_x(1 - p.low) - _x_log_x(1 - p.high)) / (p.high - p.low) - 1


_DECAY: dict[type, Callable[[Any, Tensor, Tensor], Tensor]] = {
    Exponential: lambda p, m, s: T.exp(m / s) * (p.rate * s) / (p.rate * s + 1),
    Gamma: lambda p, m, s: T.exp(m / s) * (1 + 1 / (p.rate * s)).pow(-p.concentration),
    Normal: lambda p, m, s: T.exp((m - p.loc) / s + 0.5 * (p.scale / s) ** 2),
    Uniform: lambda p, m, s: (
        s / (p.high - p.low) * (T.exp((m - p.low) / s) - T.exp((m - p.high) / s))
    ),
}


def _decay(p: Any, loc: Tensor, scale: Tensor) -> Tensor:
    """``E exp((loc - x) / scale)``."""
    return _DECAY[_kind(p)](p, loc, scale)


def _distance(p: Normal, loc: Tensor) -> Tensor:
    """``E |x - loc|``."""
    gap, z = p.loc - loc, (p.loc - loc) / p.scale
    near = math.sqrt(2 / math.pi) * p.scale * T.exp(-0.5 * z.pow(2))
    return near + gap * T.erf(math.sqrt(0.5) * z)


_KINDS = (
    Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Normal, Pareto, Uniform,
)  # fmt: skip


def _kind(p: Any) -> type:
    return next(kind for kind in _KINDS if isinstance(p, kind))


# ---------------------------------------------------------------- mean log densities of q


def _log_beta(p: Any, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    return (a - 1) * _log(p) + (b - 1) * _log1m(p) - q._log_normalizer(a, b)


def _log_continuous_bernoulli(p: Any, q: ContinuousBernoulli) -> Tensor:
    return p.mean * q.logits + T.log1p(-q.probs) + q._cont_bern_log_norm()


def _log_exponential(p: Any, q: Exponential) -> Tensor:
    return q.rate.log() - q.rate * _mean(p)


def _log_gamma(p: Any, q: Gamma) -> Tensor:
    a, b = q.concentration, q.rate
    return a * b.log() - a.lgamma() + (a - 1) * _log(p) - b * _mean(p)


def _log_gumbel(p: Any, q: Gumbel) -> Tensor:
    return (q.loc - p.mean) / q.scale - q.scale.log() - _decay(p, q.loc, q.scale)


def _log_laplace(p: Any, q: Laplace) -> Tensor:
    return -T.log(2 * q.scale) - _distance(p, q.loc) / q.scale


def _log_normal(p: Any, q: Normal) -> Tensor:
    distance = _variance(p) + (_mean(p) - q.loc) ** 2
    return -0.5 * math.log(2 * math.pi) - q.scale.log() - distance / (2 * q.scale**2)


def _log_pareto(p: Any, q: Pareto) -> Tensor:
    return q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _log(p)


def _log_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return p.probs * q.rate.log() - q.rate  # no factorial: that of 0 and 1 is 1


def _log_uniform(p: Any, q: Uniform) -> Tensor:
    return -(q.high - q.low).log()


# ---------------------------------------------------------------- where it is infinite


def _never(p: Any, q: Any) -> bool:
    return False


def _beyond_support(p: Any, q: Any) -> Tensor:
    """p reaches values that q excludes; both have a support of numbers or of a half line."""
    low, high = _bounds(p), _bounds(q)
    return (low[0] < high[0]) | (low[1] > high[1])


def _bounds(p: Any) -> tuple[Any, Any]:
    if isinstance(p, Uniform):
        return p.low, p.high
    return p.support.lower_bound, getattr(p.support, "upper_bound", math.inf)


def _reaches_its_ends(p: Any, q: Any) -> Tensor:
    """PyTorch's rule for ContinuousBernoulli and Uniform, which counts equal bounds as beyond."""
    inner, outer = _bounds(p), _bounds(q)
    return (outer[0] >= inner[0]) | (outer[1] <= inner[1])


_FINITE: dict[tuple[type, type], tuple[Callable[..., Tensor], Callable[..., Any]]] = {
    (Bernoulli, Poisson): (_log_poisson, _never),
    (Beta, ContinuousBernoulli): (_log_continuous_bernoulli, _never),
    (Beta, Exponential): (_log_exponential, _never),
    (Beta, Gamma): (_log_gamma, _never),
    (Beta, Normal): (_log_normal, _never),
    (Beta, Uniform): (_log_uniform, _beyond_support),
    (ContinuousBernoulli, Exponential): (_log_exponential, _never),
    (ContinuousBernoulli, Normal): (_log_normal, _never),
    (ContinuousBernoulli, Uniform): (_log_uniform, _reaches_its_ends),
    (Exponential, Gamma): (_log_gamma, _never),
    (Exponential, Gumbel): (_log_gumbel, _never),
    (Exponential, Normal): (_log_normal, _never),
    (Gamma, Exponential): (_log_exponential, _never),
    (Gamma, Gumbel): (_log_gumbel, _never),
    (Gamma, Normal): (_log_normal, _never),
    (Gumbel, Normal): (_log_normal, _never),
    (Laplace, Normal): (_log_normal, _never),
    (Normal, Gumbel): (_log_gumbel, _never),
    (Normal, Laplace): (_log_laplace, _never),
    (Pareto, Exponential): (_log_exponential, lambda p, q: p.alpha <= 1),
    (Pareto, Gamma): (_log_gamma, lambda p, q: p.alpha <= 1),
    (Pareto, Normal): (_log_normal, lambda p, q: p.alpha <= 2),
    (Uniform, Beta): (_log_beta, _beyond_support),
    (Uniform, ContinuousBernoulli): (_log_continuous_bernoulli, _reaches_its_ends),
    (Uniform, Exponential): (_log_exponential, _beyond_support),
    (Uniform, Gamma): (_log_gamma, _beyond_support),
    (Uniform, Gumbel): (_log_gumbel, _never),
    (Uniform, Normal): (_log_normal, _never),
    (Uniform, Pareto): (_log_pareto, _beyond_support),
}

_BOUNDED = (Beta, ContinuousBernoulli, Uniform)
# p reaches values that q excludes, whatever the parameters: infinite, in the shape of p's parameter
_INFINITE: dict[type, tuple[str, tuple[type, ...]]] = {
    Beta: ("concentration1", (Pareto,)),
    ContinuousBernoulli: ("probs", (Pareto,)),
    Exponential: ("rate", (*_BOUNDED, Pareto)),
    Gamma: ("concentration", (*_BOUNDED, Pareto)),
    Gumbel: ("loc", (*_BOUNDED, Exponential, Gamma, Pareto)),
    Laplace: ("loc", (*_BOUNDED, Exponential, Gamma, Pareto)),
    Normal: ("loc", (*_BOUNDED, Exponential, Gamma, Pareto)),
    Pareto: ("scale", _BOUNDED),
    Poisson: ("rate", (Bernoulli, Binomial)),
}


def _register_finite(
    pair: tuple[type, type], log_density: Callable[..., Tensor], is_infinite: Callable[..., Any]
) -> None:
    @register_kl(*pair)
    def divergence(p: Any, q: Any) -> Tensor:
        result = -p.entropy() - log_density(p, q)
        outside = is_infinite(p, q)
        return result if outside is False else T.where(outside, math.inf, result)


def _register_infinite(type_p: type, parameter: str, others: tuple[type, ...]) -> None:
    def divergence(p: Any, q: Any) -> Tensor:
        return T.full_like(getattr(p, parameter), math.inf)

    for type_q in others:
        register_kl(type_p, type_q)(divergence)


for _pair, _formulas in _FINITE.items():
    _register_finite(_pair, *_formulas)
for _type, _entry in _INFINITE.items():
    _register_infinite(_type, *_entry)
