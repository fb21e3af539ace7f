"""``MultivariateNormal``."""

from __future__ import annotations

import math
from typing import Any

from ..api import linalg, torch as T
from ..core.tensor import Tensor
from ..core.toplevel import broadcast_shapes
from . import constraints
from .distribution import Distribution, checked
from .matrix_scale import (
    MATRICES,
    MatrixScale,
    _precision_to_scale_tril as _precision_to_scale_tril,
    the_given_matrix,
)
from .utils import NO_DIMS, _standard_normal

__all__ = ["MultivariateNormal"]


def _batch_mv(bmat: Tensor, bvec: Tensor) -> Tensor:
    """Matrix times vector, batch by batch.  ``(*, m, n), (*, n) -> (*, m)``"""
    return T.matmul(bmat, bvec.unsqueeze(-1)).squeeze(-1)


def _batch_mahalanobis(bL: Tensor, bx: Tensor) -> Tensor:
    """``|L⁻¹ x|²``.  ``(*batch, n, n), (*samples, *batch, n) -> (*samples, *batch)``

    The samples become right-hand sides, so that each L is solved once for all of them.
    """
    n = bx.size(-1)
    batch_shape = bx.shape[max(bx.dim() - bL.dim() + 1, 0) : -1]
    if len(batch_shape) < bL.dim() - 2:
        batch_shape = bL.shape[:-2]
    columns = bx.reshape((-1, *batch_shape, n)).movedim(0, -1)
    solved = linalg.solve_triangular(bL.expand((*batch_shape, n, n)), columns, upper=False)
    return solved.pow(2).sum(-2).movedim(-1, 0).reshape(bx.shape[:-1])


class MultivariateNormal(MatrixScale):
    """``loc + L z``, with z standard normal and ``L Lᵀ`` the covariance; give one of the matrices.

    Raises:
        ValueError: several matrices or none; too few dims.
    """

    arg_constraints: Any = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support: Any = constraints.real_vector
    has_rsample = True
    _batched = {"loc": 1, **dict.fromkeys(MATRICES, 2), "_unbroadcasted_scale_tril": None}

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = the_given_matrix(
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        if given is None:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        name, matrix = given
        if matrix.dim() < 2:
            what = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(
                f"{what} must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch_shape = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self._hold_matrix(name, matrix, batch_shape)
        self.loc = loc.expand(batch_shape + (-1,))
        Distribution.__init__(self, batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._factorize(name, matrix)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        each = self._unbroadcasted_scale_tril.pow(2).sum(-1)
        return each.expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        shape = self._extended_shape(sample_shape)
        z = _standard_normal(shape, dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, z)

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        distance = _batch_mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        constant = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + distance) - self._half_log_det()

    def entropy(self) -> Tensor:
        constant = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return (constant + self._half_log_det()).expand(self._batch_shape)
