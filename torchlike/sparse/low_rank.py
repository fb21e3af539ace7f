"""``svd_lowrank`` and ``pca_lowrank`` of sparse matrices, which only take products of them."""

from __future__ import annotations

from typing import Any

from ..core.dispatch import invoke
from ..core.tensor import Tensor
from .tensor import SparseTensor


def svd_lowrank(
    A: SparseTensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> Any:
    """About the ``q`` largest singular values and their vectors.  ``(N, M) -> (N, q), (q), (M, q)``

    Source: Halko, Martinsson, Tropp 2009, algorithm 5.1.
    """
    return _projected(A, 6 if q is None else q, 2 if niter is None else niter, M)


def pca_lowrank(A: SparseTensor, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """``svd_lowrank`` of the rows without their mean.  ``(N, M) -> (N, q), (q), (M, q)``

    Raises:
        ValueError: more components than rows or columns.
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if not center:
        return _projected(A, q, niter, None)
    mean = invoke("mm", invoke("ones", (1, m), dtype=A.dtype, device=A.device), A) / m
    return _projected(A, q, niter, mean)


def _projected(A: SparseTensor, q: int, niter: int, mean: Tensor | None) -> Any:
    m, n = A.shape[-2:]
    wide = m < n
    forward, back = (A.t(), A) if wide else (A, A.t())  # type: ignore[attr-defined]
    centred = mean is not None
    draws = invoke("randn", (min(m, n), q), dtype=A.dtype, device=A.device)

    def times(x: Tensor, transposed: bool) -> Tensor:
        """``B @ x`` or ``B.T @ x``, of the tall matrix ``B`` without its mean."""
        found = invoke("mm", back if transposed else forward, x)
        if not centred:
            return found
        of_rows = mean.expand(m, n)  # type: ignore[union-attr]
        whole = of_rows.t() if wide is not transposed else of_rows
        return found - invoke("mm", whole, x)

    basis = _orthonormal(times(draws, False))
    for _ in range(niter):
        basis = _orthonormal(times(basis, True))
        basis = _orthonormal(times(basis, False))
    left, values, right = invoke("svd", times(basis, True).t(), True)
    left = invoke("mm", basis, left)
    return (right, values, left) if wide else (left, values, right)


def _orthonormal(x: Tensor) -> Tensor:
    return invoke("qr", x)[0]
