"""Parameters given as covariance, precision or Cholesky factor; the others follow when asked for."""

from __future__ import annotations

from typing import Any

from ..api import linalg, torch as T
from ..core.shapes import Size
from ..core.tensor import Tensor
from .distribution import Distribution
from .utils import lazy_property, options_of

MATRICES = ("covariance_matrix", "precision_matrix", "scale_tril")


def _precision_to_scale_tril(P: Tensor) -> Tensor:
    """The lower Cholesky factor of P's inverse, by way of P's upper one.  ``(*, n, n) -> (*, n, n)``"""
    flipped = linalg.cholesky(T.flip(P, (-2, -1)))
    inverse = T.flip(flipped, (-2, -1)).mT
    return linalg.solve_triangular(inverse, T.eye(P.shape[-1], **options_of(P)), upper=False)


class MatrixScale(Distribution):
    """The Cholesky factor itself is kept as it came, not broadcast: ``_unbroadcasted_scale_tril``."""

    _unbroadcasted_scale_tril: Tensor

    def _hold_matrix(self, name: str, matrix: Tensor, batch_shape: Size) -> None:
        setattr(self, name, matrix.expand(batch_shape + (-1, -1)))

    def _factorize(self, name: str, matrix: Tensor) -> None:
        if name == "covariance_matrix":
            matrix = linalg.cholesky(matrix)
        elif name == "precision_matrix":
            matrix = _precision_to_scale_tril(matrix)
        self._unbroadcasted_scale_tril = matrix

    def _for_batch(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + matrix.shape[-2:])

    @lazy_property
    def scale_tril(self) -> Tensor:
        return self._for_batch(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        factor = self._unbroadcasted_scale_tril
        return self._for_batch(T.matmul(factor, factor.mT))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        return self._for_batch(T.cholesky_inverse(self._unbroadcasted_scale_tril))

    def _half_log_det(self) -> Tensor:
        """Half the log determinant of the covariance."""
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def the_given_matrix(**matrices: Any) -> tuple[str, Tensor] | None:
    """The name and value of the only one that is not None."""
    given = [(name, matrix) for name, matrix in matrices.items() if matrix is not None]
    return given[0] if len(given) == 1 else None
