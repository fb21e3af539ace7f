"""``swap_in_optimizer_params_and_state`` against PyTorch's."""

from __future__ import annotations

import copy

import pytest
import torch

import torchlike


def _made(lib):
    lib.manual_seed(0)
    params = [lib.randn(3).requires_grad_(), lib.randn(2).requires_grad_()]
    optimizer = lib.optim.Adam([{"params": params[:1]}, {"params": params[1:], "lr": 0.1}], lr=0.01)
    for p in params:
        p.grad = lib.ones_like(p)
    return params, optimizer


def test_steps_the_other_parameters():
    found = []
    for lib in (torchlike, torch):
        params, optimizer = _made(lib)
        optimizer.step()
        state = copy.deepcopy(optimizer.state_dict())
        state["param_groups"][0]["lr"] = 0.5
        others = {str(i): (2 * p.detach()).requires_grad_() for i, p in enumerate(params)}
        for p in others.values():
            p.grad = lib.ones_like(p)
        own_state = optimizer.state
        with lib.optim.swap_in_optimizer_params_and_state(optimizer, others, state):
            assert optimizer.param_groups[0]["params"][0] is others["0"]
            optimizer.step()
        assert optimizer.state is own_state
        assert optimizer.param_groups[0]["params"][0] is params[0]
        assert optimizer.param_groups[0]["lr"] == 0.01
        found.append([p.tolist() for p in (*params, *others.values())])
        found[-1].append(state["state"][0]["exp_avg"].tolist())
    for ours, theirs in zip(*found, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-6)


BREAK = {
    "no dict": lambda params, state: [state],
    "no state": lambda params, state: {**state, "state": None},
    "names": lambda params, state: {**state, "state": {"a": {}}},
    "no entry": lambda params, state: {**state, "state": {0: 1}},
    "no groups": lambda params, state: {**state, "param_groups": None},
    "too few groups": lambda params, state: {**state, "param_groups": state["param_groups"][:1]},
    "another key": lambda params, state: state["param_groups"][1].update(more=1),
    "tensors": lambda params, state: state["param_groups"][1].update(params=list(params.values())),
    "too many": lambda params, state: state["param_groups"][1].update(params=[1, 2]),
    "an extra entry": lambda params, state: state["state"].update({7: {}}),
    "too few parameters": lambda params, state: params.clear(),
}


@pytest.mark.parametrize("how", BREAK)
def test_what_does_not_fit_is_refused(how):
    errors = []
    for lib in (torchlike, torch):
        params, optimizer = _made(lib)
        optimizer.step()
        state = copy.deepcopy(optimizer.state_dict())
        given = {str(i): p.detach().clone() for i, p in enumerate(params)}
        state = BREAK[how](given, state) or state
        swapped = lib.optim.swap_in_optimizer_params_and_state(optimizer, given, state)
        with pytest.raises(RuntimeError) as caught, swapped:
            pass
        assert optimizer.param_groups[0]["params"][0] is params[0]
        errors.append(str(caught.value))
    assert errors[0] == errors[1]


def test_an_optimizer_that_has_not_stepped():
    for lib in (torchlike, torch):
        _, optimizer = _made(lib)
        swapped = lib.optim.swap_in_optimizer_params_and_state(optimizer, {}, optimizer.state_dict())
        with pytest.raises(RuntimeError, match="requires initialized optimizer state"), swapped:
            pass
