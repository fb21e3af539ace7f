"""Every optimizer with every option of PyTorch's ``optim_db``: 30 steps against PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch.testing._internal.common_optimizers import optim_db

import torchlike

from .walk import Walk, assert_close, assert_same_state, both, shapes_of

STEPS = 30
INFOS = {info.name: info for info in optim_db if info.name not in ("LBFGS", "SparseAdam")}
# Muon multiplies in bfloat16: one rounding of its products is 4e-3 of an update of size lr.
RTOL = {"Muon": 2e-5}
OPTIONS = [
    pytest.param(name, options.kwargs, id=f"{name}-{options.desc}")
    for name, info in INFOS.items()
    for options in info.optim_inputs_func("cpu")
]


@pytest.mark.parametrize(("name", "kwargs"), OPTIONS)
def test_thirty_steps(name: str, kwargs: dict[str, Any]) -> None:
    theirs, ours = both(name, kwargs)
    rtol = RTOL.get(name, 1e-6)
    with torchlike.config.using("op_by_op"):
        for t in range(STEPS):
            # A missing gradient would make a second program; the tests below have it
            expected, got = theirs.step(t, complete=True), ours.step(t, complete=True)
            for i, (a, b) in enumerate(zip(expected, got, strict=True)):
                assert_close(a, b, f"step {t}, parameter {i}", rtol)
    if not any(isinstance(v, (torch.Tensor, tuple)) for v in kwargs.values()):
        assert_same_state(theirs.optimizer.state_dict(), ours.optimizer.state_dict(), rtol)


@pytest.mark.parametrize("name", INFOS)
def test_recorded_steps(name: str) -> None:
    theirs, ours = both(name, {"lr": 0.02})
    with torchlike.config.using("recorded"):
        for t in range(5):
            expected, got = theirs.step(t), ours.step(t)
    for a, b in zip(expected, got, strict=True):
        assert_close(a, b, name, RTOL.get(name, 1e-6))


@pytest.mark.parametrize("name", [n for n in INFOS if n not in ("Adafactor", "Muon")])
def test_complex_parameters(name: str) -> None:
    theirs, ours = both(name, {"lr": 0.02}, "complex64")
    for t in range(5):
        expected, got = theirs.step(t), ours.step(t)
    for a, b in zip(expected, got, strict=True):
        assert_close(a, b, name)


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_complex_parameters_refused(name: str) -> None:
    for walk in both(name, {}, "complex64"):
        with pytest.raises(RuntimeError, match=f"^{name} does not support complex parameters$"):
            walk.step(0)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam"])
def test_float64_parameters(name: str) -> None:
    theirs, ours = both(name, {"lr": 0.02}, "float64")
    for t in range(5):
        expected, got = theirs.step(t), ours.step(t)
    for a, b in zip(expected, got, strict=True):
        assert_close(a, b, name, 1e-12)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_bfloat16_parameters(name: str) -> None:
    """Differs: all of a step is computed in float32, where PyTorch rounds after each operation."""
    for library in (torch, torchlike):
        p = library.ones(4, dtype=library.bfloat16).requires_grad_()
        optimizer = getattr(library.optim, name)([p], lr=0.25)
        p.grad = library.ones(4, dtype=library.bfloat16)
        optimizer.step()
        assert p.dtype == library.bfloat16
        assert p.detach().float().tolist() == [0.75] * 4


@pytest.mark.parametrize("name", INFOS)
def test_errors(name: str) -> None:
    cases = INFOS[name].optim_error_inputs_func("cpu", torch.float32)
    checked = 0
    for case in cases:
        if case.error_on.name != "CONSTRUCTION_ERROR":
            continue
        source = case.optimizer_error_input
        raised = []
        for library in (torch, torchlike):
            params = _own_params(library, source.params)
            kwargs = {k: _own_value(library, v) for k, v in source.kwargs.items()}
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)
                with pytest.raises(Exception) as error:
                    getattr(library.optim, name)(params, **kwargs)
            raised.append((error.type.__name__, str(error.value)))
        assert raised[0] == raised[1], source.desc
        checked += 1
    assert checked


def _own_value(library: Any, value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return library.tensor(value.tolist(), requires_grad=value.requires_grad)
    if isinstance(value, (list, tuple)):
        return type(value)(_own_value(library, v) for v in value)
    if isinstance(value, dict):
        return {k: _own_value(library, v) for k, v in value.items()}
    return value


def _own_params(library: Any, params: Any) -> Any:
    if params is None:
        return [library.nn.Parameter(library.ones(2, 3))]
    if library is torch:
        return params
    made: dict[int, Any] = {}

    def convert(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            if id(value) not in made:
                made[id(value)] = library.nn.Parameter(library.tensor(value.tolist()))
            return made[id(value)]
        if isinstance(value, (list, tuple)):
            return type(value)(convert(v) for v in value)
        if isinstance(value, dict):
            return {k: convert(v) for k, v in value.items()}
        return value

    return convert(params)


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adagrad", "AdamW"])
def test_checkpoints_interchange(name: str) -> None:
    """Half of the steps in one library, half in the other."""
    theirs, ours = both(name, {"lr": 0.05})
    for t in range(3):
        theirs.step(t), ours.step(t)
    state = theirs.optimizer.state_dict()
    moved = {
        "param_groups": state["param_groups"],
        "state": {
            i: {k: torchlike.tensor(v.numpy()) for k, v in s.items()}
            for i, s in state["state"].items()
        },
    }
    resumed = Walk(torchlike, name, {})
    resumed.params = ours.params
    resumed.optimizer = type(ours.optimizer)(ours.params)
    resumed.optimizer.load_state_dict(moved)
    for t in range(3, 6):
        expected, got = theirs.step(t), resumed.step(t)
    for a, b in zip(expected, got, strict=True):
        assert_close(a, b, name)


def test_every_optimizer_is_there() -> None:
    for name in torch.optim.__all__:
        if name not in ("SparseAdam", "swap_in_optimizer_params_and_state"):
            assert hasattr(torchlike.optim, name), name
    assert shapes_of("SGD")
