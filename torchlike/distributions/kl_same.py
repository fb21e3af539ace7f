"""``KL(p || q)`` of two distributions of one kind."""

from __future__ import annotations

import math
from typing import Any

from ..api import functional as F, linalg, torch as T
from ..core.tensor import Tensor
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .exp_family import ExponentialFamily
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .kl import kl_divergence, register_kl
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal, _batch_mahalanobis
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import _sum_rightmost, euler_constant


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    success = p.probs * (F.softplus(-q.logits) - F.softplus(-p.logits))
    failure = (1 - p.probs) * (F.softplus(q.logits) - F.softplus(p.logits))
    success = T.where(p.probs == 0, 0.0, T.where(q.probs == 0, math.inf, success))
    failure = T.where(p.probs == 1, 0.0, T.where(q.probs == 1, math.inf, failure))
    return success + failure


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    trial = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return T.where(p.total_count > q.total_count, math.inf, p.total_count * trial)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    each = T.where(q.probs == 0, math.inf, p.probs * (p.logits - q.logits))
    return T.where(p.probs == 0, 0.0, each).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot_categorical(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - T.log1p(-q.probs) / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    log_means = a.digamma() - a.sum(-1, keepdim=True).digamma()
    return q._log_normalizer(b) - p._log_normalizer(a) + ((a - b) * log_means).sum(-1)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: ContinuousBernoulli, q: ContinuousBernoulli) -> Tensor:
    own = p._cont_bern_log_norm() + T.log1p(-p.probs)
    other = q._cont_bern_log_norm() + T.log1p(-q.probs)
    return p.mean * (p.logits - q.logits) + own - other


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    shapes = T.lgamma(b) - T.lgamma(a) + (a - b) * T.digamma(a)
    return b * (p.rate / q.rate).log() + shapes + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, shift = p.scale / q.scale, (p.loc - q.loc) / q.scale
    tail = T.exp((1 + ratio).lgamma() - shift)
    return shift - ratio.log() + ratio * euler_constant + tail - (1 + euler_constant)


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return distance / q.scale + ratio * T.exp(-distance / p.scale) - ratio.log() - 1


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    far = ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log()
    return far - (4 * p.scale * q.scale).log()


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    result = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return T.where(p.scale < q.scale, math.inf, result)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return T.where((q.low > p.low) | (q.high < p.high), math.inf, result)


# ---------------------------------------------------------------- normal vectors


def _check_events(p: Any, q: Any, kind: str) -> None:
    if p.event_shape != q.event_shape:
        # PyTorch's line break and its indentation are part of the message
        raise ValueError(
            f"KL-divergence between two {kind}Multivariate Normals with"
            f"{' ' * 26}different event shapes cannot be computed"
        )


def _sum_of_squares(matrix: Tensor) -> Tensor:
    return matrix.pow(2).sum((-2, -1))


def _solve(factor: Tensor, matrix: Tensor) -> Tensor:
    return linalg.solve_triangular(factor, matrix, upper=False)


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    _check_events(p, q, "")
    own, other = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    trace = _sum_of_squares(_solve(other, own))
    distance = _batch_mahalanobis(other, q.loc - p.loc)
    log_dets = q._half_log_det() - p._half_log_det()
    return log_dets + 0.5 * (trace + distance - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _low_rank_to_full(p: LowRankMultivariateNormal, q: MultivariateNormal) -> Tensor:
    _check_events(p, q, "(Low Rank) ")
    W, D = p._parts()
    factor = q._unbroadcasted_scale_tril
    trace = _sum_of_squares(_solve(factor, W))
    trace = trace + _sum_of_squares(_solve(factor, T.diag_embed(D.sqrt())))
    distance = _batch_mahalanobis(factor, q.loc - p.loc)
    return 0.5 * (2 * q._half_log_det() - p._log_det() + trace + distance - p.event_shape[0])


def _to_low_rank(q: LowRankMultivariateNormal, *roots: Tensor) -> Tensor:
    """The trace of q's precision times the sum of ``R Rᵀ``."""
    W, D = q._parts()
    A = _solve(q._capacitance_tril, W.mT / D.unsqueeze(-2))
    weights = D.rsqrt().unsqueeze(-1)
    terms = [_sum_of_squares(R * weights) - _sum_of_squares(A @ R) for R in roots]
    return sum(terms[1:], terms[0])


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _full_to_low_rank(p: MultivariateNormal, q: LowRankMultivariateNormal) -> Tensor:
    _check_events(p, q, "(Low Rank) ")
    trace = _to_low_rank(q, p._unbroadcasted_scale_tril)
    log_dets = q._log_det() - 2 * p._half_log_det()
    return 0.5 * (log_dets + trace + q._mahalanobis(q.loc - p.loc) - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _low_rank(p: LowRankMultivariateNormal, q: LowRankMultivariateNormal) -> Tensor:
    _check_events(p, q, "Low Rank ")
    W, D = p._parts()
    trace = _to_low_rank(q, W, T.diag_embed(D.sqrt()))
    log_dets = q._log_det() - p._log_det()
    return 0.5 * (log_dets + trace + q._mahalanobis(q.loc - p.loc) - p.event_shape[0])


# ---------------------------------------------------------------- general


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    """The Bregman divergence of the log normalizer."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot"
            f"{' ' * 29}be computed using Bregman divergences"
        )
    log_normalizer, theta, means = p._with_gradient()
    result = q._log_normalizer(*q._natural_params) - log_normalizer
    for own, other, mean in zip(theta, q._natural_params, means, strict=True):
        result = result - _sum_rightmost((other - own) * mean, len(q.event_shape))
    return result


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    each = kl_divergence(p.base_dist, q.base_dist)
    return _sum_rightmost(each, p.reinterpreted_batch_ndims)
