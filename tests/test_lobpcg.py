"""``torch.lobpcg``: eigenvalues as PyTorch and LAPACK find them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import torchlike

RANDOM = np.random.default_rng(0).standard_normal((60, 60))
MATRIX = RANDOM @ RANDOM.T + np.eye(60)
ARGUMENTS = {
    "largest": {"k": 3},
    "smallest": {"k": 2, "largest": False},
    "basic": {"k": 3, "method": "basic"},
    "more vectors": {"k": 3, "n": 5},
}


def pairs(t, matrix, **knobs):
    t.manual_seed(0)
    values, vectors = t.lobpcg(t.tensor(matrix), **knobs)
    return values.numpy(), vectors.numpy()


@pytest.mark.parametrize("knobs", ARGUMENTS.values(), ids=ARGUMENTS)
def test_values_and_vectors(knobs):
    values, vectors = pairs(torchlike, MATRIX, **knobs)
    expected, _ = pairs(torch, MATRIX, **knobs)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_allclose(MATRIX @ vectors, vectors * values, atol=1e-3 * abs(values).max())


def test_two_matrices():
    other = np.eye(60) * 2 + 0.1
    values, vectors = torchlike.lobpcg(torchlike.tensor(MATRIX), k=2, B=torchlike.tensor(other))
    expected, _ = torch.lobpcg(torch.tensor(MATRIX), k=2, B=torch.tensor(other))
    np.testing.assert_allclose(values.numpy(), expected.numpy(), rtol=1e-6)
    gram = vectors.numpy().T @ other @ vectors.numpy()
    np.testing.assert_allclose(gram, np.eye(2), atol=1e-6)


def test_batches():
    both = np.stack([MATRIX, MATRIX + np.eye(60)])
    values, vectors = pairs(torchlike, both, k=2)
    assert vectors.shape == (2, 60, 2)
    np.testing.assert_allclose(values, pairs(torch, both, k=2)[0], rtol=1e-6)


def test_gradient():
    def gradient(t):
        t.manual_seed(0)
        x = t.tensor(MATRIX).requires_grad_()
        values, vectors = t.lobpcg(x, k=2)
        (values.sum() + (vectors**2 * t.arange(60).reshape(60, 1)).sum()).backward()
        return x.grad.numpy()

    expected = gradient(torch)
    np.testing.assert_allclose(gradient(torchlike), expected, atol=1e-4 * abs(expected).max())


def test_too_many_are_refused():
    for t in (torch, torchlike):
        with pytest.raises(ValueError, match="not applicable"):
            t.lobpcg(t.tensor(MATRIX), k=30)


def test_a_tracker_sees_the_steps():
    def steps(t):
        seen = []
        t.manual_seed(0)
        t.lobpcg(t.tensor(MATRIX), k=2, tracker=lambda w: seen.append(w.ivars["istep"]))
        return seen

    assert steps(torchlike)[:5] == steps(torch)[:5]
