"""``LowRankMultivariateNormal``."""

from __future__ import annotations

import math
from typing import Any

from ..api import linalg, torch as T
from ..core.tensor import Tensor
from . import constraints
from .distribution import Distribution, checked
from .multivariate_normal import _batch_mahalanobis, _batch_mv
from .utils import NO_DIMS, _standard_normal, broadcast_all, lazy_property, options_of

__all__ = ["LowRankMultivariateNormal"]

# Covariance W Wᵀ + D, with W (*, n, m) thin and D (*, n) the diagonal. By the Woodbury identity
# everything follows from the small matrix I + Wᵀ D⁻¹ W, whose Cholesky factor is kept.


def _plus_identity(matrix: Tensor) -> Tensor:
    return matrix + T.eye(matrix.shape[-1], **options_of(matrix))


def _batch_capacitance_tril(W: Tensor, D: Tensor) -> Tensor:
    """The Cholesky factor of ``I + Wᵀ D⁻¹ W``.  ``(*, n, m), (*, n) -> (*, m, m)``"""
    return linalg.cholesky(_plus_identity(T.matmul(W.mT / D.unsqueeze(-2), W)))


def _batch_lowrank_logdet(W: Tensor, D: Tensor, capacitance_tril: Tensor) -> Tensor:
    """Log determinant of the covariance."""
    return 2 * capacitance_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1) + D.log().sum(-1)


def _batch_lowrank_mahalanobis(W: Tensor, D: Tensor, x: Tensor, capacitance_tril: Tensor) -> Tensor:
    """``xᵀ (W Wᵀ + D)⁻¹ x``."""
    inner = _batch_mv(W.mT / D.unsqueeze(-2), x)
    return (x.pow(2) / D).sum(-1) - _batch_mahalanobis(capacitance_tril, inner)


class LowRankMultivariateNormal(Distribution):
    """A normal vector of covariance ``cov_factor cov_factorᵀ + diag(cov_diag)``.

    Raises:
        ValueError: shapes that don't fit.
    """

    arg_constraints: Any = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support: Any = constraints.real_vector
    has_rsample = True
    _batched = {
        "loc": 1, "cov_factor": 2, "cov_diag": 1, "_unbroadcasted_cov_factor": None,
        "_unbroadcasted_cov_diag": None, "_capacitance_tril": None,
    }  # fmt: skip

    def __init__(
        self,
        loc: Tensor,
        cov_factor: Tensor,
        cov_diag: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch dimensions"
            )
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(
                f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m"
            )
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            columns = loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1)
            loc_, self.cov_factor, cov_diag_ = broadcast_all(*columns)
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, "
                f"cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_diag = loc_[..., 0], cov_diag_[..., 0]
        self._unbroadcasted_cov_factor = cov_factor
        self._unbroadcasted_cov_diag = cov_diag
        self._capacitance_tril = _batch_capacitance_tril(cov_factor, cov_diag)
        Distribution.__init__(self, self.loc.shape[:-1], event_shape, validate_args=validate_args)

    def _parts(self) -> tuple[Tensor, Tensor]:
        return self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag

    def _for_batch(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + matrix.shape[-2:])

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        W, D = self._parts()
        return (W.pow(2).sum(-1) + D).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        W, D = self._parts()
        root = D.sqrt().unsqueeze(-1)
        scaled = W / root
        return self._for_batch(root * linalg.cholesky(_plus_identity(scaled @ scaled.mT)))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        W, D = self._parts()
        return self._for_batch(T.matmul(W, W.mT) + T.diag_embed(D))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        W, D = self._parts()
        A = linalg.solve_triangular(self._capacitance_tril, W.mT / D.unsqueeze(-2), upper=False)
        return self._for_batch(T.diag_embed(D.reciprocal()) - A.mT @ A)

    def rsample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        W, D = self._parts()
        shape, where = self._extended_shape(sample_shape), options_of(self.loc)
        through_factor = _standard_normal(shape[:-1] + W.shape[-1:], **where)
        along_diagonal = _standard_normal(shape, **where)
        return self.loc + _batch_mv(W, through_factor) + D.sqrt() * along_diagonal

    def _log_det(self) -> Tensor:
        return _batch_lowrank_logdet(*self._parts(), self._capacitance_tril)

    def _mahalanobis(self, x: Tensor) -> Tensor:
        return _batch_lowrank_mahalanobis(*self._parts(), x, self._capacitance_tril)

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        constant = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + self._log_det() + self._mahalanobis(value - self.loc))

    def entropy(self) -> Tensor:
        constant = self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return (0.5 * (constant + self._log_det())).expand(self._batch_shape)
