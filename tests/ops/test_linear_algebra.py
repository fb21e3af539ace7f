"""Matrix products and decompositions: PyTorch's refusals, and what op_db does not sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import torchlike
from tests.compare import assert_alike

ERRORS: dict[str, Any] = {
    "mm": lambda T: T.ones(2, 3) @ T.ones(2, 3),
    "vector times matrix": lambda T: T.ones(3) @ T.ones(2, 3),
    "mv": lambda T: T.ones(2, 3) @ T.ones(5),
    "dot": lambda T: T.ones(3) @ T.ones(4),
    "bmm": lambda T: T.ones(4, 2, 3) @ T.ones(4, 4, 5),
    "batches": lambda T: T.ones(4, 2, 3) @ T.ones(3, 3, 5),
    "0-d": lambda T: T.ones(()) @ T.ones(3),
    "dtypes": lambda T: T.ones(2, 2) @ T.ones(2, 2, dtype=T.float64),
    "bool": lambda T: T.ones(2, 2, dtype=T.bool) @ T.ones(2, 2, dtype=T.bool),
    "addmm": lambda T: T.addmm(T.ones(4), T.ones(2, 3), T.ones(3, 3)),
    "einsum size": lambda T: T.einsum("ij,jk", T.ones(2, 3), T.ones(2, 3)),
    "einsum output": lambda T: T.einsum("ij->ik", T.ones(2, 3)),
    "tensordot": lambda T: T.tensordot(T.ones(2, 3), T.ones(2, 3), 1),
    "singular inverse": lambda T: T.linalg.inv(T.zeros(2, 3, 3)),
    "singular solve": lambda T: T.linalg.solve(T.zeros(3, 3), T.ones(3)),
    "not positive definite": lambda T: T.linalg.cholesky(-T.eye(3)),
    "not square": lambda T: T.linalg.det(T.ones(2, 3)),
    "integers": lambda T: T.linalg.qr(T.ones(2, 2, dtype=T.int64)),
    "NaN in eig": lambda T: T.linalg.eig(T.full((2, 2), float("nan"))),
    "NaN in svd": lambda T: T.linalg.svd(T.full((2, 2), float("nan"))),
    "zero pivot": lambda T: T.linalg.lu_factor(T.zeros(3, 3)),
    "matrix norm": lambda T: T.linalg.matrix_norm(T.ones(2, 2), 3),
    "fft of nothing": lambda T: T.fft.fft(T.ones(3), n=0),
    "rfft of complex": lambda T: T.fft.rfft(T.ones(3, dtype=T.complex64)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str):
    assert_alike(ERRORS[name])


def test_a_failed_factorisation_is_a_linalg_error():
    with pytest.raises(torchlike.linalg.LinAlgError):
        torchlike.linalg.cholesky(-torchlike.eye(2))


EMPTY: dict[str, Any] = {
    "no inner dim": lambda T: T.ones(2, 0) @ T.ones(0, 3),
    "no rows": lambda T: T.ones(0, 3) @ T.ones(3, 2),
    "batched": lambda T: T.ones(2, 3, 0) @ T.ones(0, 4),
    "det": lambda T: T.linalg.det(T.ones(2, 0, 0)),
    "svdvals": lambda T: T.linalg.svdvals(T.ones(0, 3)),
    "matrix norm": lambda T: T.linalg.matrix_norm(T.ones(0, 3), 1),
    "inverse": lambda T: T.linalg.inv(T.ones(0, 0)),
}


@pytest.mark.parametrize("name", EMPTY)
def test_empty(name: str):
    assert_alike(EMPTY[name])


def _twice(T: Any, fn: Any, x: np.ndarray) -> Any:
    """The gradient of the gradient's squares."""
    leaf = T.tensor(x, requires_grad=True)
    (first,) = T.autograd.grad(fn(T, leaf).sum(), leaf, create_graph=True)
    (first * first).sum().backward()
    return leaf.grad


_BASE = np.random.default_rng(0).standard_normal((4, 4))
POSITIVE = _BASE @ _BASE.T + np.eye(4)
DOUBLE: dict[str, Any] = {
    "inverse": lambda T, a: T.linalg.inv(a),
    "det": lambda T, a: T.linalg.det(a),
    "cholesky": lambda T, a: T.linalg.cholesky(a),
    "pinv": lambda T, a: T.linalg.pinv(a),
    "matrix_exp": lambda T, a: T.linalg.matrix_exp(a * 0.1),
    "svdvals": lambda T, a: T.linalg.svdvals(a),
    "norm": lambda T, a: T.linalg.vector_norm(a, 3, dim=1),
}


@pytest.mark.parametrize("name", DOUBLE)
def test_double_backward(name: str):
    assert_alike(lambda T: _twice(T, DOUBLE[name], POSITIVE))


def test_low_rank_draws_pytorchs_projection():
    x = np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32)

    def values(T: Any) -> Any:
        T.manual_seed(3)
        return T.svd_lowrank(T.tensor(x), q=3)[1]

    assert_alike(values)


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.0, float("inf")])
def test_cdist_by_product_and_by_differences(p: float):
    x = np.random.default_rng(0).standard_normal((30, 4))
    assert_alike(lambda T: T.cdist(T.tensor(x), T.tensor(x[:7]), p))


def test_stft_round_trip():
    signal = np.random.default_rng(0).standard_normal((2, 400)).astype(np.float32)

    def there_and_back(T: Any) -> Any:
        window = T.hann_window(64)
        spectrum = T.stft(T.tensor(signal), 64, 16, window=window, return_complex=True)
        return spectrum, T.istft(spectrum, 64, 16, window=window, length=400)

    assert_alike(there_and_back)
