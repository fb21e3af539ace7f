"""Learning rates of every schedule against PyTorch, checkpoints in the middle included."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

import torchlike

METRICS = [1.0, 0.9, 0.9, 0.9, 0.89995, 0.9, 0.9, 0.8, 0.81, 0.82, *[0.8] * 4, *[0.7] * 16]


class Square:
    """A callable with state, which checkpoints keep."""

    def __init__(self) -> None:
        self.base = 0.9

    def __call__(self, epoch: float) -> float:
        return self.base**epoch


def _parts(space: Any, opt: Any) -> list[Any]:
    return [
        space.ConstantLR(opt, factor=0.1, total_iters=4), space.LinearLR(opt, total_iters=6),
        space.ExponentialLR(opt, gamma=0.9),
    ]  # fmt: skip


SCHEDULES = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda e: 0.95**e),
    "LambdaLR list": lambda s, o: s.LambdaLR(o, [lambda e: 0.95**e, Square()]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.95),
    "StepLR": lambda s, o: s.StepLR(o, 4, gamma=0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [3, 9, 9, 20], gamma=0.3),
    "ConstantLR": lambda s, o: s.ConstantLR(o, factor=0.5, total_iters=12),
    "LinearLR": lambda s, o: s.LinearLR(o, start_factor=0.1, end_factor=0.8, total_iters=17),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, total_iters=20, power=2.0),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, T_max=8, eta_min=0.001),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.002),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.1, step_size_up=3, step_size_down=6),
    "CyclicLR triangular2": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 3, mode="triangular2"),
    "CyclicLR exp_range": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 3, mode="exp_range", gamma=0.97),
    "CyclicLR scale_fn": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 4, scale_fn=Square()),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.5, total_steps=30),
    "OneCycleLR three": lambda s, o: s.OneCycleLR(
        o, [0.5, 0.2], epochs=6, steps_per_epoch=5, anneal_strategy="linear", three_phase=True
    ),
    "SequentialLR": lambda s, o: s.SequentialLR(o, _parts(s, o), milestones=[5, 12]),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler(_parts(s, o)),
    "ReduceLROnPlateau": lambda s, o: s.ReduceLROnPlateau(
        o, mode="max", factor=0.3, patience=1, cooldown=2, min_lr=1e-3
    ),
    "ReduceLROnPlateau abs": lambda s, o: s.ReduceLROnPlateau(
        o, patience=0, threshold=0.05, threshold_mode="abs"
    ),
}


def _optimizer(library: Any, name: str = "SGD") -> Any:
    a, b = library.ones(2).requires_grad_(), library.ones(3).requires_grad_()
    options = {"momentum": 0.9} if name == "SGD" else {}
    return getattr(library.optim, name)(
        [{"params": [a], "lr": 0.1}, {"params": [b]}], lr=0.05, **options
    )


def _run(library: Any, name: str, optimizer_name: str, steps: int = 30) -> list[Any]:
    space = library.optim.lr_scheduler
    optimizer = _optimizer(library, optimizer_name)
    scheduler = SCHEDULES[name](space, optimizer)
    path: list[Any] = []
    for t in range(steps):
        if t == steps // 2:
            fresh = _optimizer(library, optimizer_name)
            twin = SCHEDULES[name](space, fresh)
            fresh.load_state_dict(optimizer.state_dict())
            twin.load_state_dict(scheduler.state_dict())
            optimizer, scheduler = fresh, twin
        optimizer.step()
        scheduler.step(*([METRICS[t]] if name.startswith("Reduce") else []))
        path.append([g["lr"] for g in optimizer.param_groups])
        path.append([g.get("momentum", g.get("betas")) for g in optimizer.param_groups])
        path.append(list(scheduler.get_last_lr()))
    path.append(sorted(k for k in scheduler.state_dict() if k != "anneal_func"))
    return path


@pytest.mark.parametrize("optimizer_name", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(name: str, optimizer_name: str) -> None:
    """Plain Python arithmetic in PyTorch's order, so equal to the last bit."""
    assert _run(torchlike, name, optimizer_name) == _run(torch, name, optimizer_name)


@pytest.mark.parametrize("name", ["StepLR", "CosineAnnealingLR", "LinearLR", "PolynomialLR"])
def test_closed_form(name: str) -> None:
    found = []
    for library in (torch, torchlike):
        optimizer = _optimizer(library)
        scheduler = SCHEDULES[name](library.optim.lr_scheduler, optimizer)
        optimizer.step()
        with pytest.warns(UserWarning, match="epoch parameter in `scheduler.step"):
            scheduler.step(7)
        found.append(scheduler.get_last_lr())
    assert found[0] == found[1]


def test_tensor_learning_rate() -> None:
    found = []
    for library in (torch, torchlike):
        p = library.ones(2).requires_grad_()
        optimizer = library.optim.SGD([p], lr=library.tensor(0.5))
        held = optimizer.param_groups[0]["lr"]
        scheduler = library.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
        p.grad = library.ones(2)
        optimizer.step()
        scheduler.step()
        assert optimizer.param_groups[0]["lr"] is held
        found.append((p.tolist(), held.item(), [v.item() for v in scheduler.get_last_lr()]))
    assert found[0] == found[1]


def test_wrong_order_warns() -> None:
    for library in (torch, torchlike):
        optimizer = _optimizer(library)
        scheduler = library.optim.lr_scheduler.StepLR(optimizer, 2)
        with pytest.warns(UserWarning, match="Detected call of `lr_scheduler.step\\(\\)` before"):
            scheduler.step()
        optimizer = _optimizer(library)
        scheduler = library.optim.lr_scheduler.StepLR(optimizer, 2)
        optimizer.step = lambda: None
        with pytest.warns(UserWarning, match="has been overridden after learning rate scheduler"):
            scheduler.step()


def test_right_order_does_not_warn() -> None:
    optimizer = _optimizer(torchlike)
    scheduler = torchlike.optim.lr_scheduler.StepLR(optimizer, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step()
        scheduler.step()


def test_get_lr_outside_of_step_warns() -> None:
    scheduler = torchlike.optim.lr_scheduler.ExponentialLR(_optimizer(torchlike), 0.9)
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        scheduler.get_lr()


ERRORS = [
    lambda s, o: s.StepLR(3, 2),
    lambda s, o: s.StepLR(o, 2, last_epoch=3),
    lambda s, o: s.LambdaLR(o, [abs]),
    lambda s, o: s.MultiplicativeLR(o, [abs, 3]),
    lambda s, o: s.ConstantLR(o, factor=2.0),
    lambda s, o: s.LinearLR(o, start_factor=0.0),
    lambda s, o: s.LinearLR(o, end_factor=2.0),
    lambda s, o: s.CosineAnnealingWarmRestarts(o, 0),
    lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 0),
    lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, eta_min="x"),
    lambda s, o: s.CosineAnnealingWarmRestarts(o, 2).step(-1),
    lambda s, o: s.CyclicLR(o, 0.1, [0.2]),
    lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="square"),
    lambda s, o: s.OneCycleLR(o, 0.1),
    lambda s, o: s.OneCycleLR(o, 0.1, total_steps=-1),
    lambda s, o: s.OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=2),
    lambda s, o: s.OneCycleLR(o, 0.1, epochs=2, steps_per_epoch=1.5),
    lambda s, o: s.OneCycleLR(o, 0.1, 10, pct_start=2),
    lambda s, o: s.OneCycleLR(o, 0.1, 10, anneal_strategy="square"),
    lambda s, o: s.ReduceLROnPlateau(o, factor=1.0),
    lambda s, o: s.ReduceLROnPlateau(o, mode="mean"),
    lambda s, o: s.ReduceLROnPlateau(o, threshold_mode="mean"),
    lambda s, o: s.ReduceLROnPlateau(o, min_lr=[0.1]),
    lambda s, o: s.ReduceLROnPlateau(3),
    lambda s, o: s.SequentialLR(o, [], []),
    lambda s, o: s.SequentialLR(o, [s.StepLR(o, 2)], [3]),
    lambda s, o: s.SequentialLR(o, [s.ReduceLROnPlateau(o)], []),
    lambda s, o: s.SequentialLR(o, [3], []),
    lambda s, o: s.ChainedScheduler([]),
    lambda s, o: s.LRScheduler(o),
]


@pytest.mark.parametrize("make", ERRORS)
def test_errors(make: Any) -> None:
    raised = []
    for library in (torch, torchlike):
        with pytest.raises(Exception) as error:
            make(library.optim.lr_scheduler, _optimizer(library))
        raised.append((error.type, str(error.value)))
    assert raised[0] == raised[1]


def test_momentum_cycle_needs_momentum() -> None:
    for library in (torch, torchlike):
        p = library.ones(2).requires_grad_()
        optimizer = library.optim.Adagrad([p])
        with pytest.raises(ValueError, match="must support momentum or beta1"):
            library.optim.lr_scheduler.CyclicLR(optimizer, 0.1, 0.2)
