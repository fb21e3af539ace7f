"""Gamma, Dirichlet and binomial numbers: PyTorch's draws, PyTorch's implicit gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import torchlike

from ..compare import GRADIENT, Cases, Raised, assert_alike, assert_same, name_of

LIBRARIES = (torch, torchlike)
DTYPES = ("float32", "float64")


def _both(array: np.ndarray, dtype: str) -> tuple[Any, Any]:
    theirs, ours = (library.tensor(array).to(getattr(library, dtype)) for library in LIBRARIES)
    return theirs, ours


def _drawn(call: Any, *operands: tuple[Any, Any]) -> tuple[Any, Any]:
    """The results of both libraries from one seed, and that both generators stand alike after."""
    torch.manual_seed(5)
    torchlike.manual_seed(5)
    found = tuple(
        call(library, *[pair[i] for pair in operands]) for i, library in enumerate(LIBRARIES)
    )
    assert torch.randn(3).tolist() == torchlike.randn(3).tolist()
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["_standard_gamma", "_sample_dirichlet"])
def test_draws_of_all_concentrations(name: str, dtype: str):
    alpha = np.exp(np.random.default_rng(0).uniform(-6, 6, (40, 9)))
    theirs, ours = _drawn(lambda T, a: getattr(T, name)(a), _both(alpha, dtype))
    # a Dirichlet's float64 sum may be rounded in another order
    np.testing.assert_array_max_ulp(theirs.numpy(), ours.numpy(), 4 if dtype == "float64" else 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_binomial_draws(dtype: str):
    random = np.random.default_rng(0)
    count = np.floor(np.exp(random.uniform(0, 9, (30, 1))))
    prob = random.uniform(-0.05, 1.05, (30, 20))
    theirs, ours = _drawn(
        lambda T, n, p: T.binomial(n.expand(p.shape), p), _both(count, dtype), _both(prob, dtype)
    )
    assert theirs.tolist() == ours.tolist()


def test_after_a_normal_number_was_kept():
    """The second of a pair of normal numbers is what the next gamma number begins with."""
    for library in LIBRARIES:
        library.manual_seed(1)
        library.randn(3)
    found = [library._standard_gamma(library.full((4,), 2.5)) for library in LIBRARIES]
    assert found[0].tolist() == found[1].tolist()


@pytest.mark.parametrize("name", ["_standard_gamma", "_sample_dirichlet"])
def test_own_generator(name: str):
    found = []
    for library in LIBRARIES:
        generator = library.Generator().manual_seed(9)
        found.append(getattr(library, name)(library.full((2, 3), 0.7), generator=generator))
    assert found[0].tolist() == found[1].tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_gamma_gradient(dtype: str):
    """All regions of the approximation: small samples, large concentrations, near the mean."""
    random = np.random.default_rng(0)
    alpha = np.exp(random.uniform(-5, 7, 4000))
    x = alpha * np.exp(random.normal(size=4000) / np.sqrt(np.maximum(alpha, 0.3)))
    a, y = _both(alpha, dtype), _both(x, dtype)
    assert_same(*[library._standard_gamma_grad(a[i], y[i]) for i, library in enumerate(LIBRARIES)])


@pytest.mark.parametrize("dtype", DTYPES)
def test_dirichlet_gradient(dtype: str):
    random = np.random.default_rng(0)
    # PyTorch's own float32 series lose digits where one concentration is large and one is small
    span = 4 if dtype == "float64" else 2
    alpha, beta = np.exp(random.uniform(-span, span, (2, 4000)))
    x = np.clip(random.beta(alpha, beta), 1e-6, 1 - 1e-6)
    parts = [_both(part, dtype) for part in (x, alpha, alpha + beta)]
    assert_same(
        *[library._dirichlet_grad(*[p[i] for p in parts]) for i, library in enumerate(LIBRARIES)],
        GRADIENT,
    )


cases = Cases()


@cases
def gamma_of_integers(T: Any) -> Any:
    return T._standard_gamma(T.ones(2, dtype=T.int64))


@cases
def gamma_of_halves(T: Any) -> Any:
    return T._standard_gamma(T.ones(2).half())


@cases
def gamma_of_a_number(T: Any) -> Any:
    return T._standard_gamma(2.0)


@cases
def dirichlet_of_halves(T: Any) -> Any:
    return T._sample_dirichlet(T.ones(2).half())


@cases
def binomial_of_integers(T: Any) -> Any:
    return T.binomial(T.ones(2, dtype=T.int64), T.ones(2))


@cases
def binomial_of_two_dtypes(T: Any) -> Any:
    return T.binomial(T.ones(2), T.ones(2).double())


@cases
def binomial_of_other_shapes(T: Any) -> Any:
    return T.binomial(T.ones(2), T.ones(3))


@cases
def binomial_of_a_number(T: Any) -> Any:
    return T.binomial(T.ones(2), 0.5)


@cases
def binomial_of_halves(T: Any) -> Any:
    return T.binomial(T.ones(2).half(), T.ones(2).half())


@cases
def backward_of_binomial(T: Any) -> Any:
    T.binomial(T.ones(2), T.full((2,), 0.5, requires_grad=True)).sum().backward()


@cases
def second_gradient_of_gamma(T: Any) -> Any:
    alpha = T.ones(2, requires_grad=True)
    (first,) = T.autograd.grad(T._standard_gamma(alpha).sum(), alpha, create_graph=True)
    first.sum().backward()


@pytest.mark.parametrize("case", cases, ids=name_of)
def test_errors(case: Any):
    assert isinstance(assert_alike(case), Raised)


def test_edges():
    """Zero, negative and NaN parameters, empty and 0-d tensors."""
    nan = float("nan")
    for values in ([0.0, 2.0], [-1.0, 2.0], [nan, 2.0], [], 2.0, [1e-30, 1e8]):
        for name in ("_standard_gamma", "_sample_dirichlet"):
            theirs, ours = _drawn(
                lambda T, a, name=name: getattr(T, name)(a), _both(np.asarray(values), "float32")
            )
            assert_same(theirs, ours, where=f"{name}({values})")
    counts = np.array([0.0, -1.0, 5.0, 5.0, 5.0, 5.0])
    probs = np.array([0.5, 0.5, -0.5, 1.5, nan, 1e-20])
    drawn = _drawn(
        lambda T, n, p: T.binomial(n, p), _both(counts, "float64"), _both(probs, "float64")
    )
    assert_same(*drawn)
