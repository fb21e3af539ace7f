"""Every optimizer and scheduler, stopped in the middle: saved, loaded by either library, continued."""

from __future__ import annotations

import copy
import io
import itertools
import pickle
from typing import Any

import pytest
import torch
from torch.testing._internal.common_optimizers import optim_db

import torchlike

from .walk import Walk, assert_close

NAMES = [info.name for info in optim_db if info.name not in ("LBFGS", "SparseAdam")]
LIBRARIES = (torch, torchlike)
PAIRS = [
    pytest.param(a, b, id=f"{a.__name__} to {b.__name__}")
    for a, b in itertools.product(LIBRARIES, LIBRARIES)
    if torchlike in (a, b)
]
HALF, STEPS = 3, 7
RTOL = {"Muon": 2e-5}


def passed(value: Any, writer: Any, reader: Any) -> Any:
    """Through a checkpoint file."""
    file = io.BytesIO()
    writer.save(value, file)
    file.seek(0)
    return reader.load(file)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("writer", "reader"), PAIRS)
def test_optimizers_continue(name: str, writer: Any, reader: Any):
    whole = Walk(torch, name, {"lr": 0.02})
    first, second = Walk(writer, name, {"lr": 0.02}), Walk(reader, name, {"lr": 0.5})
    expected = [whole.step(t) for t in range(STEPS)]
    for t in range(HALF):
        first.step(t)
    file = {"params": [p.detach() for p in first.params], "state": first.optimizer.state_dict()}
    loaded = passed(file, writer, reader)
    with reader.no_grad():
        for mine, old in zip(second.params, loaded["params"], strict=True):
            mine.copy_(old)
    second.optimizer.load_state_dict(loaded["state"])
    for t in range(HALF, STEPS):
        for a, b in zip(expected[t], second.step(t), strict=True):
            assert_close(a, b, f"{name}, step {t}", RTOL.get(name, 1e-6))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_copies_continue(name: str, how: str):
    walk = Walk(torchlike, name, {"lr": 0.02})
    for t in range(HALF):
        walk.step(t)
    both = walk.params, walk.optimizer
    again = copy.deepcopy(both) if how == "deepcopy" else pickle.loads(pickle.dumps(both))
    twin = Walk(torchlike, name, {"lr": 0.02})
    twin.params, twin.optimizer = again
    twin.optimizer.param_groups[0]["params"] = twin.params
    twin.optimizer.state = type(walk.optimizer.state)(
        dict, zip(twin.params, twin.optimizer.state.values(), strict=False)
    )
    for t in range(HALF, STEPS):
        for a, b in zip(walk.step(t), twin.step(t), strict=True):
            assert_close(a, b, f"{name}, step {t}")


# --- schedulers ------------------------------------------------------------------------------------

SCHEDULERS: dict[str, Any] = {
    "LambdaLR": lambda s, o: s.LambdaLR(o, lambda epoch: 0.9**epoch),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda epoch: 0.9),
    "StepLR": lambda s, o: s.StepLR(o, 2, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 4, 5]),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.3, 4),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.2, 0.9, 5),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.8),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 6, 2.0),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 5, 0.001),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 2),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, cycle_momentum=False),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, 0.4, total_steps=12),
    "ReduceLROnPlateau": lambda s, o: s.ReduceLROnPlateau(o, patience=0, threshold=0.1),
    "SequentialLR": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)], [3]
    ),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler(
        [s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)], o
    ),
}


def schedule(library: Any, name: str) -> tuple[Any, Any]:
    params = [library.ones(2, requires_grad=True)]
    optimizer = library.optim.SGD(params, lr=0.2, momentum=0.9)
    return optimizer, SCHEDULERS[name](library.optim.lr_scheduler, optimizer)


def advance(optimizer: Any, scheduler: Any, t: int) -> float:
    optimizer.step()
    if type(scheduler).__name__ == "ReduceLROnPlateau":
        scheduler.step((5.0, 4.9, 4.0, 4.0, 4.0, 4.0, 3.0)[t])
    else:
        scheduler.step()
    return float(optimizer.param_groups[0]["lr"])


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize(("writer", "reader"), PAIRS)
@pytest.mark.filterwarnings("ignore")
def test_schedulers_continue(name: str, writer: Any, reader: Any):
    whole = schedule(torch, name)
    expected = [advance(*whole, t) for t in range(STEPS)]
    first, second = schedule(writer, name), schedule(reader, name)
    for t in range(HALF):
        advance(*first, t)
    state = passed([part.state_dict() for part in first], writer, reader)
    for part, saved in zip(second, state, strict=True):
        part.load_state_dict(saved)
    found = [advance(*second, t) for t in range(HALF, STEPS)]
    assert found == pytest.approx(expected[HALF:], rel=1e-12)
