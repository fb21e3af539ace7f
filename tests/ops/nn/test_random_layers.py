"""Layers that draw: the same mask as PyTorch's under the same seed, and the stream left where PyTorch leaves it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as theirs

import torchlike
import torchlike.nn.functional as ours

CALLS: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("dropout", (7,), {"p": 0.3}),
    ("dropout", (33, 5), {"p": 0.9}),
    ("dropout", (4,), {"p": 1.0}),
    ("dropout1d", (3, 4, 5), {}),
    ("dropout1d", (4, 5), {}),
    ("dropout2d", (3, 4, 5, 2), {}),
    ("dropout3d", (3, 4, 5, 2, 2), {}),
    ("alpha_dropout", (33,), {"p": 0.2, "training": True}),
    ("feature_alpha_dropout", (3, 4, 5), {"p": 0.2, "training": True}),
    ("rrelu", (33,), {"training": True}),
    ("gumbel_softmax", (4, 9), {"tau": 0.5}),
    ("gumbel_softmax", (4, 9), {"hard": True}),
    ("fractional_max_pool2d", (2, 3, 9, 11), {"kernel_size": (4, 3), "output_size": (3, 4)}),
    ("fractional_max_pool3d", (2, 3, 9, 11, 8), {"kernel_size": 2, "output_size": (3, 4, 5)}),
]


@pytest.mark.parametrize(("name", "shape", "kwargs"), CALLS)
def test_drawn_numbers_equal_pytorchs(name, shape, kwargs):
    x = torch.randn(shape)
    y = torchlike.tensor(x.numpy())
    torch.manual_seed(5)
    torchlike.manual_seed(5)
    wanted, got = getattr(theirs, name)(x, **kwargs), getattr(ours, name)(y, **kwargs)
    np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-5, atol=1e-6)
    assert torchlike.rand(1).item() == torch.rand(1).item()


def test_attention_drops_what_pytorch_drops():
    q = torch.randn(2, 3, 4, 8)
    torch.manual_seed(1)
    torchlike.manual_seed(1)
    wanted = theirs.scaled_dot_product_attention(q, q, q, dropout_p=0.4)
    mine = torchlike.tensor(q.numpy())
    got = ours.scaled_dot_product_attention(mine, mine, mine, dropout_p=0.4)
    np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-4, atol=1e-5)


def test_max_norm_shortens_rows_in_place():
    w = torch.randn(5, 3) * 3
    mine = torchlike.tensor(w.numpy().copy())
    index = torch.tensor([[0, 1], [1, 4]])
    wanted = theirs.embedding(index, w, max_norm=1.0)
    got = ours.embedding(torchlike.tensor(index.numpy()), mine, max_norm=1.0)
    np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-6)
    np.testing.assert_allclose(mine.numpy(), w.numpy(), rtol=1e-6)
