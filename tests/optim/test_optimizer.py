"""``Optimizer``: groups, hooks, closures, checkpoints, and programs that are not recompiled."""

from __future__ import annotations

import copy
import importlib
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import torchlike
from torchlike.core.record import PROGRAMS
from torchlike.optim import chained

LIBRARIES = (torch, torchlike)


def home(library: Any) -> Any:
    return importlib.import_module(f"{library.__name__}.optim.optimizer")


def parameters(library: Any) -> list[Any]:
    return [library.ones(2, 3).requires_grad_(), library.ones(3).requires_grad_()]


def give_gradients(library: Any, params: list[Any]) -> None:
    for p in params:
        p.grad = library.ones_like(p)


def test_repr() -> None:
    texts = []
    for library in LIBRARIES:
        a, b = parameters(library)
        texts.append(
            repr(library.optim.AdamW([{"params": [a], "lr": 0.1}, {"params": [b]}], lr=0.01))
        )
    assert texts[0] == texts[1]


def test_groups_have_their_own_options() -> None:
    found = []
    for library in LIBRARIES:
        a, b = parameters(library)
        optimizer = library.optim.SGD([{"params": a, "lr": 0.5}], lr=0.1)
        optimizer.add_param_group({"params": b})
        give_gradients(library, [a, b])
        optimizer.step()
        found.append((a.tolist(), b.tolist(), optimizer.state_dict()))
    assert found[0][2] == found[1][2]
    np.testing.assert_allclose(found[0][0], found[1][0])
    np.testing.assert_allclose(found[0][1], found[1][1])


def test_named_parameters() -> None:
    found = []
    for library in LIBRARIES:
        a, b = parameters(library)
        optimizer = library.optim.SGD([("a", a), ("b", b)], lr=0.1)
        found.append(optimizer.state_dict()["param_groups"])
        with pytest.raises(ValueError, match="cannot add param group without names"):
            optimizer.add_param_group({"params": [library.ones(1).requires_grad_()]})
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda L, a, b: L.optim.SGD(a, 0.1),
        lambda L, a, b: L.optim.SGD([], 0.1),
        lambda L, a, b: L.optim.SGD([{"params": {a}}], 0.1),
        lambda L, a, b: L.optim.SGD([a * 2], 0.1),
        lambda L, a, b: L.optim.SGD([1.0], 0.1),
        lambda L, a, b: L.optim.SGD([{"params": [a]}, {"params": [a]}], 0.1),
        lambda L, a, b: L.optim.SGD([("a", a), b], 0.1),
        lambda L, a, b: L.optim.SGD([a], 0.1).add_param_group([b]),
        lambda L, a, b: L.optim.Optimizer([a], {"lr": home(L).required}),
        lambda L, a, b: L.optim.SGD([a], nesterov=True),
        lambda L, a, b: L.optim.Adam([a], fused=True, foreach=True),
        lambda L, a, b: L.optim.Adam([a], betas=(0.9, 1)),
        lambda L, a, b: L.optim.Adam([a], betas=(0.9, 0)),
        lambda L, a, b: L.optim.SGD([a], 0.1).load_state_dict(L.optim.SGD([a, b]).state_dict()),
        lambda L, a, b: L.optim.SGD([a], 0.1).load_state_dict(
            L.optim.SGD([{"params": [a]}, {"params": [b]}]).state_dict()
        ),
    ],
)
def test_errors(make: Any) -> None:
    raised = []
    for library in LIBRARIES:
        with pytest.raises(Exception) as error:
            make(library, *parameters(library))
        raised.append((error.type, str(error.value)))
    assert raised[0] == raised[1]


def test_duplicate_parameters_warn() -> None:
    for library in LIBRARIES:
        a, _ = parameters(library)
        with pytest.warns(UserWarning, match="duplicate parameters"):
            library.optim.SGD([a, a], lr=0.1)


def test_capturable_needs_an_accelerator() -> None:
    for library in LIBRARIES:
        params = parameters(library)
        optimizer = library.optim.Adam(params, capturable=True)
        give_gradients(library, params)
        with pytest.raises(AssertionError, match="^If capturable=True, params and state_steps"):
            optimizer.step()


def test_closure_runs_with_gradients_on() -> None:
    for library in LIBRARIES:
        p = library.ones(3).requires_grad_()
        optimizer = library.optim.SGD([p], lr=0.1)

        def closure(p: Any = p, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            loss = (p * p).sum()
            loss.backward()
            return loss

        with library.no_grad():
            assert float(optimizer.step(closure)) == 3.0
        np.testing.assert_allclose(p.tolist(), [0.8] * 3, rtol=1e-6)


def test_zero_grad() -> None:
    params = parameters(torchlike)
    optimizer = torchlike.optim.SGD(params, lr=0.1)
    give_gradients(torchlike, params)
    held = params[0].grad
    optimizer.zero_grad(set_to_none=False)
    assert params[0].grad is held
    assert held.tolist() == [[0.0] * 3] * 2
    optimizer.zero_grad()
    assert params[0].grad is None


def test_hooks() -> None:
    orders = []
    for library in LIBRARIES:
        params = parameters(library)
        seen: list[str] = []
        optimizer = library.optim.SGD(params, lr=0.1)
        module = home(library)
        handles = [
            module.register_optimizer_step_pre_hook(lambda *a, s=seen: s.append("global pre")),
            module.register_optimizer_step_post_hook(lambda *a, s=seen: s.append("global post")),
            optimizer.register_step_pre_hook(lambda *a, s=seen: s.append("pre")),
            optimizer.register_step_post_hook(lambda *a, s=seen: s.append("post")),
            optimizer.register_state_dict_pre_hook(lambda o, s=seen: s.append("state pre")),
            optimizer.register_state_dict_post_hook(lambda o, d: {**d, "extra": 1}),
            optimizer.register_load_state_dict_pre_hook(
                lambda o, d, s=seen: s.append(f"load pre {'extra' in d}")
            ),
            optimizer.register_load_state_dict_post_hook(lambda o, s=seen: s.append("load post")),
        ]
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
        for handle in handles:
            handle.remove()
        optimizer.step()
        orders.append(seen)
    assert orders[0] == orders[1]


def test_step_pre_hook_must_return_a_pair() -> None:
    for library in LIBRARIES:
        optimizer = library.optim.SGD(parameters(library), lr=0.1)
        optimizer.register_step_pre_hook(lambda *a: 3)
        with pytest.raises(RuntimeError, match="must return None or a tuple of"):
            optimizer.step()


def test_state_is_shared_with_the_checkpoint_and_not_replaced() -> None:
    for library in LIBRARIES:
        params = parameters(library)
        optimizer = library.optim.Adam(params, lr=0.1)
        give_gradients(library, params)
        optimizer.step()
        held = optimizer.state_dict()["state"][0]
        optimizer.step()
        assert held["step"].item() == 2.0
        assert optimizer.state[params[0]]["exp_avg"] is held["exp_avg"]


def test_pickle_and_deepcopy() -> None:
    params = parameters(torchlike)
    optimizer = torchlike.optim.AdamW(params, lr=0.1)
    give_gradients(torchlike, params)
    optimizer.step()
    for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        mine = twin.param_groups[0]["params"]
        give_gradients(torchlike, mine)
        twin.step()
        assert twin.state[mine[0]]["step"].item() == 2.0
        assert optimizer.state[params[0]]["step"].item() == 1.0


def test_own_optimizer_class() -> None:
    """A user's subclass works as in PyTorch: its own step, its own state."""
    for library in LIBRARIES:

        class Plain(library.optim.Optimizer):
            def __init__(self, params: Any, lr: float) -> None:
                super().__init__(params, {"lr": lr})

            @library.no_grad()
            def step(self, closure: Any = None) -> None:
                for group in self.param_groups:
                    for p in group["params"]:
                        p.add_(p.grad, alpha=-group["lr"])
                        self.state[p]["count"] = self.state[p].get("count", 0) + 1

        params = parameters(library)
        optimizer = Plain(params, lr=0.5)
        give_gradients(library, params)
        optimizer.step()
        assert params[1].tolist() == [0.5] * 3
        assert optimizer.state_dict()["state"] == {0: {"count": 1}, 1: {"count": 1}}


def test_differentiable() -> None:
    """The gradient of a loss after two steps, with respect to the gradients of the steps."""
    found = []
    for library in LIBRARIES:
        p = library.ones(3).requires_grad_()
        grad = library.tensor([0.1, 0.2, 0.3]).requires_grad_()
        q = p.clone()
        q.retain_grad()
        optimizer = library.optim.SGD(
            [q], lr=0.1, momentum=0.9, weight_decay=0.1, differentiable=True
        )
        for _ in range(2):
            q.grad = grad * 1.0
            optimizer.step()
        (q * q).sum().backward()
        found.append((p.grad.tolist(), grad.grad.tolist()))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-6)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-6)


def test_a_new_learning_rate_compiles_nothing() -> None:
    params = parameters(torchlike)
    optimizer = torchlike.optim.SGD(params, lr=0.1, momentum=0.9)
    scheduler = torchlike.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    with torchlike.config.using("recorded"):
        for _ in range(4):
            give_gradients(torchlike, params)
            optimizer.step()
            scheduler.step()
            params[0].tolist()
        traced, programs = chained._apply_one._cache_size(), PROGRAMS.compiled
        for _ in range(4):
            give_gradients(torchlike, params)
            optimizer.step()
            scheduler.step()
            params[0].tolist()
    assert (chained._apply_one._cache_size(), PROGRAMS.compiled) == (traced, programs)


def test_gradient_scaling_by_the_fused_step() -> None:
    params = parameters(torchlike)
    optimizer = torchlike.optim.SGD(params, lr=1.0, fused=True)
    assert optimizer._step_supports_amp_scaling
    for found_inf, expected in ((0.0, 0.5), (1.0, 0.5)):
        for p in params:
            p.grad = torchlike.full_like(p, 4.0)
        optimizer.grad_scale = torchlike.tensor(8.0)
        optimizer.found_inf = torchlike.tensor(found_inf)
        optimizer.step()
        assert params[1].tolist() == [expected] * 3


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs(search: str | None) -> None:
    losses: list[list[float]] = []
    for library in LIBRARIES:
        p = library.tensor([-1.5, 2.0]).requires_grad_()
        optimizer = library.optim.LBFGS([p], lr=0.1 if search is None else 1, line_search_fn=search)

        def closure(p: Any = p, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            x, y = p[0], p[1]
            loss = (1 - x) ** 2 + 10 * (y - x**2) ** 2
            loss.backward()
            return loss

        losses.append([optimizer.step(closure).item() for _ in range(3)])
        state = optimizer.state_dict()["state"][0]
        losses[-1].append(state["func_evals"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=2e-3, atol=1e-8)


def test_no_warning_is_raised_by_a_plain_program() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        params = parameters(torchlike)
        optimizer = torchlike.optim.Adam(params)
        give_gradients(torchlike, params)
        optimizer.step()
