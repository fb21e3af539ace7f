"""Sparse gradients: where they come from, and the optimisers that take or refuse them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import torchlike

from ..compare import Raised, Tolerance, assert_same, outcome, same_kind
from .alike import first_line

REFUSE = (
    "Adam",
    "AdamW",
    "RMSprop",
    "Adadelta",
    "Adamax",
    "ASGD",
    "NAdam",
    "RAdam",
    "Rprop",
    "Adafactor",
)
STEPS = [
    ("SparseAdam", {}), ("SparseAdam", {"maximize": True}), ("SparseAdam", {"betas": (0.5, 0.9)}),
    ("SGD", {}), ("SGD", {"momentum": 0.9}), ("SGD", {"nesterov": True, "momentum": 0.9}),
    ("SGD", {"maximize": True}), ("SGD", {"weight_decay": 0.1}), ("SGD", {"foreach": True}),
    ("SGD", {"dampening": 0.5, "momentum": 0.9}),
    ("Adagrad", {}), ("Adagrad", {"weight_decay": 0.1}), ("Adagrad", {"maximize": True}),
    ("Adagrad", {"lr_decay": 0.1}), ("Adagrad", {"initial_accumulator_value": 0.5}),
]  # fmt: skip
ARGUMENTS = [
    {"lr": -1}, {"lr": 0}, {"eps": 0}, {"eps": -1}, {"betas": (1.0, 0.0)}, {"betas": (0.9, 1.0)},
]  # fmt: skip


def _parameter(t: Any) -> Any:
    return t.nn.Parameter(t.ones(5, 2))


def _backward(t: Any, w: Any, *rows: int) -> None:
    w.grad = None
    found = t.nn.functional.embedding(t.tensor(rows), w, sparse=True)
    (found * t.arange(2.0 * len(rows)).reshape(-1, 2)).sum().backward()


def _stepped(t: Any, name: str, options: dict[str, Any]) -> Any:
    w = _parameter(t)
    made = getattr(t.optim, name)([w], lr=0.1, **options)
    for i in range(4):
        _backward(t, w, 1, 3, 1, i)
        made.step()
    state = {k: v for k, v in made.state[w].items() if v is not None}
    return [
        w.detach(),
        {k: v.to_dense() if hasattr(v, "to_dense") else v for k, v in state.items()},
    ]


def _alike(run: Any) -> None:
    expected, found = (outcome(lambda t=t: run(t)) for t in (torch, torchlike))
    if isinstance(expected, Raised):
        assert isinstance(found, Raised), f"expected {expected}, got {found!r}"
        assert same_kind(expected.kind, found.kind)
        assert first_line(expected) == first_line(found)
        return
    assert not isinstance(found, Raised), found
    assert_same(expected, found, Tolerance(factor=4))


@pytest.mark.parametrize(("name", "options"), STEPS)
def test_steps(name: str, options: dict[str, Any]):
    """Parameters and state after four steps, or the same refusal."""
    _alike(lambda t: _stepped(t, name, options))


@pytest.mark.parametrize("name", REFUSE)
def test_refusal(name: str):
    _alike(lambda t: _stepped(t, name, {}))
    with pytest.raises(RuntimeError, match="sparse"):
        _stepped(torchlike, name, {})


@pytest.mark.parametrize("options", ARGUMENTS)
def test_arguments_of_sparse_adam(options: dict[str, Any]):
    _alike(lambda t: repr(t.optim.SparseAdam([_parameter(t)], **options)))


def test_parameters_of_sparse_adam():
    for make in (
        lambda t: t.optim.SparseAdam(t.ones(2)),
        lambda t: t.optim.SparseAdam([t.ones(2).to_sparse().requires_grad_()]),
        lambda t: t.optim.SparseAdam([{"params": [t.ones(2).to_sparse().requires_grad_()]}]),
        lambda t: repr(t.optim.SparseAdam([_parameter(t)])),
    ):
        _alike(make)


def _dense_gradient(t: Any) -> None:
    w = _parameter(t)
    w.grad = t.ones(5, 2)
    t.optim.SparseAdam([w]).step()


def test_sparse_adam_refuses_dense_gradients():
    _alike(_dense_gradient)
    with pytest.raises(RuntimeError, match="dense gradients"):
        _dense_gradient(torchlike)


def _reloaded(t: Any) -> Any:
    w = _parameter(t)
    one = t.optim.SparseAdam([w], lr=0.1)
    _backward(t, w, 1, 3)
    one.step()
    two = t.optim.SparseAdam([w], lr=0.1)
    two.load_state_dict(one.state_dict())
    _backward(t, w, 2, 3)
    two.step()
    return [w.detach(), two.state_dict()["state"]]


def test_state_of_sparse_adam():
    _alike(_reloaded)


# --- where sparse gradients come from -------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"padding_idx": 1}, {"scale_grad_by_freq": True}])
def test_embedding(options: dict[str, Any]):
    def run(t: Any) -> Any:
        module = t.nn.Embedding(5, 2, sparse=True, **options)
        t.nn.init.ones_(module.weight)
        for _ in range(2):
            found = module(t.tensor([[1, 3], [1, 4]]))
            (found * t.arange(8.0).reshape(2, 2, 2)).sum().backward()
        return module.weight.grad

    _alike(run)


@pytest.mark.parametrize(
    "options", [{"mode": m} for m in ("sum", "mean", "max")] + [{"mode": "mean", "padding_idx": 1}]
)
def test_embedding_bag(options: dict[str, Any]):
    def run(t: Any) -> Any:
        module = t.nn.EmbeddingBag(5, 2, sparse=True, **options)
        t.nn.init.ones_(module.weight)
        found = module(t.tensor([1, 3, 1, 4]), t.tensor([0, 2]))
        (found * t.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
        return module.weight.grad

    _alike(run)


def test_gather():
    def run(t: Any) -> Any:
        x = t.arange(12.0).reshape(4, 3).requires_grad_()
        x.gather(0, t.tensor([[0, 1, 2]]), sparse_grad=True).sum().backward()
        return x.grad

    _alike(run)


def _rows(t: Any, w: Any) -> Any:
    found = t.nn.functional.embedding(t.tensor([1, 3, 1]), w, sparse=True)
    return (found * t.arange(6.0).reshape(3, 2)).sum()


def _both(t: Any, *order: str) -> Any:
    w = _parameter(t)
    for kind in order:
        if kind == "sparse":
            _rows(t, w).backward()
        else:
            w.sum().backward()
    return w.grad


@pytest.mark.parametrize("order", [("sparse", "dense"), ("dense", "sparse"), ("sparse", "sparse")])
def test_sums_of_gradients(order: tuple[str, str]):
    _alike(lambda t: _both(t, *order))


def test_gradients_of_one_graph():
    def run(t: Any) -> Any:
        w = _parameter(t)
        (w.sum() + _rows(t, w)).backward()
        return w.grad

    _alike(run)


def test_clip_grad():
    def run(t: Any, of: str) -> Any:
        w = _parameter(t)
        _backward(t, w, 1, 3, 1)
        return getattr(t.nn.utils, of)([w], 0.5)

    for of in ("clip_grad_norm_", "clip_grad_value_"):
        _alike(lambda t, of=of: run(t, of))


def test_zero_grad():
    def run(t: Any) -> Any:
        w = _parameter(t)
        _backward(t, w, 1, 3, 1)
        t.optim.SGD([w], 0.1).zero_grad(set_to_none=False)
        return w.grad

    _alike(run)
