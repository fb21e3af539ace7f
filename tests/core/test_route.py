"""Backward by its looked-up route: the same gradients, hooks and errors as PyTorch's, every time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import torchlike
from torchlike.core import route

pytestmark = pytest.mark.usefixtures("execution")


def _entangled(lib, x, w):
    """Values used several times, a view, several outputs of which one is unused."""
    h = (x @ w).tanh()
    a, b, _ = h.chunk(3, 1)
    return (a * b + a.sin() * a - h[:, :2].exp() / (1 + b * b)).sum() + w.norm()


def _both():
    for lib in (torchlike, torch):
        lib.manual_seed(0)
        yield lib, lib.randn(4, 5, requires_grad=True), lib.randn(5, 6, requires_grad=True)


def test_gradients_accumulate_like_pytorchs_when_the_graph_returns():
    found = []
    for lib, x, w in _both():
        for _ in range(3):
            _entangled(lib, x, w).backward()
        found.append((x.grad.numpy(), w.grad.numpy()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-5)


def test_a_graph_of_ops_and_leaves_has_a_route():
    for lib, x, w in _both():
        if lib is torchlike:
            loss = _entangled(lib, x, w)
            before = set(route._ROUTES)
            loss.backward()
            _entangled(lib, x, w).backward()
            assert len(set(route._ROUTES) - before) <= 1


@pytest.mark.parametrize("place", ["leaf", "middle", "node", "after accumulation"])
def test_hooks_run(place):
    seen = []
    for _, x, w in _both():
        calls = []

        def note(*grads, calls=calls):
            calls.append(len(grads))

        h = x.exp()
        if place == "leaf":
            x.register_hook(note)
        elif place == "middle":
            h.register_hook(note)
        elif place == "node":
            h.grad_fn.register_hook(note)
        else:
            x.register_post_accumulate_grad_hook(note)
        (h @ w).sum().backward()
        seen.append((calls, x.grad.sum().item()))
    assert seen[0][0] == seen[1][0]
    assert seen[0][1] == pytest.approx(seen[1][1], rel=1e-5)


def test_an_error_leaves_every_gradient_as_it_was():
    x = torchlike.randn(3, requires_grad=True)
    y = torchlike.randn(3, requires_grad=True)
    h = x.exp()
    loss = (h.sin() * y).sum()
    h.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    assert x.grad is None
    assert y.grad is None


def test_a_graph_is_freed_once():
    x = torchlike.randn(3, requires_grad=True)
    loss = x.exp().sum()
    loss.backward(retain_graph=True)
    loss.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        loss.backward()
    assert torch.allclose(
        torch.tensor(x.grad.tolist()), 2 * torch.tensor(x.detach().exp().tolist())
    )


def test_the_loss_does_not_wait_for_the_step_and_both_are_right():
    losses = {}
    for lib in (torchlike, torch):
        lib.manual_seed(0)
        model = lib.nn.Sequential(lib.nn.Linear(6, 8), lib.nn.Tanh(), lib.nn.Linear(8, 3))
        optimizer = lib.optim.Adam(model.parameters(), lr=0.05)
        x, y = lib.randn(10, 6), lib.randint(0, 3, (10,))
        each = losses[lib] = []
        for _ in range(6):
            optimizer.zero_grad()
            out = model(x)
            loss = lib.nn.functional.cross_entropy(out, y)
            penalty = sum((p * p).sum() for p in model.parameters())
            (loss + 0.01 * penalty).backward()
            optimizer.step()
            each += [loss.item(), out.detach().sum().item(), penalty.item()]
        each += [p.sum().item() for p in model.parameters()]
    np.testing.assert_allclose(losses[torchlike], losses[torch], rtol=1e-4, atol=1e-5)
