"""``Wishart``."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..api import linalg, torch as T
from ..core.build import tensor
from ..core.dtypes import finfo
from ..core.shapes import Size
from ..core.tensor import Tensor
from ..core.toplevel import broadcast_shapes
from . import constraints
from .chi2 import Chi2
from .distribution import Distribution, all_hold, checked
from .exp_family import ExponentialFamily
from .matrix_scale import MATRICES, MatrixScale, the_given_matrix
from .utils import NO_DIMS, NUMBERS, options_of

__all__ = ["Wishart"]


def _mvdigamma(x: Tensor, p: int) -> Tensor:
    """The derivative of ``mvlgamma(x, p)``."""
    if not all_hold([x > (p - 1) / 2]):
        raise AssertionError("Wrong domain for multivariate digamma function.")
    return T.digamma(x.unsqueeze(-1) - T.arange(p, **options_of(x)) / 2).sum(-1)


class Wishart(MatrixScale, ExponentialFamily):
    """Sums of ``df`` outer products of normal vectors of the given covariance.

    Raises:
        AssertionError: several matrices or none.
        ValueError: too few dims; ``df`` not above their number less 1.
    """

    support: Any = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure: Any = 0
    _batched = {
        "df": 0, **dict.fromkeys(MATRICES, 2), "_unbroadcasted_scale_tril": None, "_dist_chi2": 1,
    }  # fmt: skip

    def __init__(
        self,
        df: Tensor | float,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = the_given_matrix(
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        if given is None:
            raise AssertionError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
            )
        name, matrix = given
        if matrix.dim() < 2:
            raise ValueError(
                "scale_tril must be at least two-dimensional, with optional leading batch dimensions"
            )
        if isinstance(df, NUMBERS):
            self.df = tensor(df, **options_of(matrix))
            batch_shape = matrix.shape[:-2]
        else:
            batch_shape = broadcast_shapes(matrix.shape[:-2], df.shape)
            self.df = df.expand(batch_shape)
        n = matrix.shape[-1]
        if not all_hold([self.df > n - 1]):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        if not all_hold([self.df >= n]):
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < "
                "df < ndim.",
                stacklevel=2,
            )
        self._hold_matrix(name, matrix, batch_shape)
        Distribution.__init__(self, batch_shape, matrix.shape[-2:], validate_args=validate_args)
        self._factorize(name, matrix)
        each = self.df.unsqueeze(-1) - T.arange(n, **options_of(matrix))
        self._dist_chi2 = Chi2(each.expand(batch_shape + (n,)))

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self.event_shape[-1] - 1),
        }

    def _times_covariance(self, factor: Tensor) -> Tensor:
        return factor.expand(self._batch_shape)[..., None, None] * self.covariance_matrix

    @property
    def mean(self) -> Tensor:
        return self._times_covariance(self.df)

    @property
    def mode(self) -> Tensor:
        factor = self.df - self._event_shape[-1] - 1
        return self._times_covariance(T.where(factor <= 0, math.nan, factor))

    @property
    def variance(self) -> Tensor:
        V = self.covariance_matrix
        diagonal = V.diagonal(dim1=-2, dim2=-1)
        spread = V.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self.df.expand(self._batch_shape)[..., None, None] * spread

    def _bartlett_sampling(self, sample_shape: Any = NO_DIMS) -> Tensor:
        """``L A Aᵀ Lᵀ`` with A lower triangular: chi on the diagonal, normal below."""
        p = self._event_shape[-1]
        diagonal = self._dist_chi2.rsample(sample_shape).sqrt()
        noise = diagonal.clamp(min=finfo(diagonal.dtype).eps).diag_embed(dim1=-2, dim2=-1)
        below = (*Size(sample_shape), *self._batch_shape, p * (p - 1) // 2)
        rows, columns = np.tril_indices(p, -1)
        noise[(..., tensor(rows), tensor(columns))] = T.randn(below, **options_of(noise))
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.mT

    def _over_batch(self, flags: Tensor) -> Tensor:
        """Whether a flag is set anywhere in the batch, for each sample."""
        return (
            flags.amax([-1 - i for i in range(len(self._batch_shape))])
            if self._batch_shape
            else flags
        )

    def rsample(
        self,
        sample_shape: Any = NO_DIMS,
        max_try_correction: int | None = None,
    ) -> Tensor:
        """A sample; those that look singular are drawn again, ``max_try_correction`` times at most."""
        tries = 10 if max_try_correction is None else max_try_correction
        sample = self._bartlett_sampling(sample_shape)
        # PyTorch begins with those that are *not* singular, so every sample is drawn twice: to draw
        # its numbers, so do we
        again = self._over_batch(self.support.check(sample))
        if not again.any():
            return sample
        warnings.warn("Singular sample detected.", stacklevel=2)
        for _ in range(tries):
            fresh = self._bartlett_sampling(again[again].shape)
            sample[again] = fresh
            still = again.clone()  # not in place: the write above needs the mask for its gradient
            still[again] = self._over_batch(~self.support.check(fresh))
            if not still.any():
                break
            again = still
        return sample

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        df, p = self.df, self._event_shape[-1]
        normalizer = df * (p * math.log(2) / 2 + self._half_log_det()) + T.mvlgamma(df / 2, p=p)
        whitened = T.cholesky_solve(value, self._unbroadcasted_scale_tril)
        trace = whitened.diagonal(dim1=-2, dim2=-1).sum(-1)
        return (df - p - 1) / 2 * linalg.slogdet(value).logabsdet - trace / 2 - normalizer

    def entropy(self) -> Tensor:
        df, p = self.df, self._event_shape[-1]
        return (
            (p + 1) * (p * math.log(2) / 2 + self._half_log_det())
            + T.mvlgamma(df / 2, p=p)
            - (df - p - 1) / 2 * _mvdigamma(df / 2, p=p)
            + df * p / 2
        )

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:
        p = self._event_shape[-1]
        half_df = y + (p + 1) / 2
        log_det = p * math.log(2) - linalg.slogdet(-2 * x).logabsdet
        return half_df * log_det + T.mvlgamma(half_df, p=p)
