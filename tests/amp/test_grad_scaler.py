"""``torch.amp.GradScaler`` against PyTorch's, on the CPU."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import torchlike

from ..nn.scenarios import assert_same as assert_same_story

OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9},
    "Adam": {"lr": 0.01},
    "AdamW": {"lr": 0.01},
    "Adagrad": {"lr": 0.1},
    "RMSprop": {"lr": 0.01},
}


def problem(torch: Any, nn: Any) -> Any:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    x = torch.randn(16, 4)
    return model, x, torch.randn(16, 2)


def train(torch: Any, nn: Any, say: Any, kind: str, **options: Any) -> None:
    """Steps of which some overflow."""
    model, x, y = problem(torch, nn)
    optimizer = getattr(torch.optim, kind)(model.parameters(), **{**OPTIMIZERS[kind], **options})
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=3)
    for step in range(9):
        optimizer.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        if step in (2, 7):
            loss = loss * float("inf")
        scaler.scale(loss).backward()
        if step % 3 == 1:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        say(scaler.step(optimizer))
        scaler.update()
        say(scaler.get_scale(), scaler._get_growth_tracker(), scaler.state_dict())
    say(*[p.detach() for p in model.parameters()])


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_trains_like_pytorch(kind: str):
    assert_same_story(lambda torch, nn, say: train(torch, nn, say, kind))


@pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW", "Adagrad"])
def test_optimizers_that_unscale_by_themselves(kind: str):
    assert_same_story(lambda torch, nn, say: train(torch, nn, say, kind, fused=True))


def test_scales_nested_outputs():
    def story(torch: Any, nn: Any, say: Any) -> None:
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
        a, b = torch.ones(2), torch.arange(3.0)
        say(scaler.get_scale(), scaler.scale([a, (b, a)]), list(scaler.scale(iter([b]))))
        say(scaler.scale(torch.ones(2, dtype=torch.float16)), scaler.scale(torch.ones(1).double()))
        say.error(lambda: scaler.scale(3))
        say.error(lambda: scaler.scale([3]))

    assert_same_story(story)


def test_refuses_the_wrong_order():
    def story(torch: Any, nn: Any, say: Any) -> None:
        model, x, y = problem(torch, nn)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        say.error(lambda: torch.amp.GradScaler("cpu", growth_factor=1.0))
        say.error(lambda: torch.amp.GradScaler("cpu", backoff_factor=1.0))
        scaler = torch.amp.GradScaler("cpu")
        for call in (
            lambda: scaler.unscale_(optimizer),
            lambda: scaler.step(optimizer),
            lambda: scaler.update(),
            lambda: scaler.step(optimizer, closure=lambda: None),
        ):
            say.error(call)
        scaler.scale((model(x) - y).pow(2).mean()).backward()
        say.error(lambda: scaler.update())
        scaler.unscale_(optimizer)
        say.error(lambda: scaler.unscale_(optimizer))
        say.error(lambda: pickle.dumps(scaler))
        scaler.step(optimizer)
        say.error(lambda: scaler.step(optimizer))
        say.error(lambda: scaler.unscale_(optimizer))
        scaler.update()
        say.error(lambda: scaler.load_state_dict({}))
        other = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
        say.error(lambda: scaler.step(other))

    assert_same_story(story)


def test_takes_a_new_scale():
    def story(torch: Any, nn: Any, say: Any) -> None:
        scaler = torch.amp.GradScaler("cpu")
        scaler.scale(torch.ones(1))
        scaler.update(8.0)
        say(scaler.get_scale())
        scaler.update(torch.full((), 16.0))
        say(scaler.get_scale())
        say.error(lambda: scaler.update(torch.ones(2)))
        say.error(lambda: scaler.update(torch.ones(1, requires_grad=True)))
        scaler.set_growth_factor(3.0)
        scaler.set_backoff_factor(0.25)
        scaler.set_growth_interval(7)
        say(scaler.get_growth_factor(), scaler.get_backoff_factor(), scaler.get_growth_interval())
        say(scaler.state_dict(), scaler.is_enabled())

    assert_same_story(story)


def test_refuses_float16_gradients():
    def story(torch: Any, nn: Any, say: Any) -> None:
        weight = torch.ones(2, dtype=torch.float16, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.1)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
        scaler.scale(weight.sum()).backward()
        say.error(lambda: scaler.unscale_(optimizer))

    assert_same_story(story)


def test_disabled_does_nothing():
    def story(torch: Any, nn: Any, say: Any) -> None:
        model, x, y = problem(torch, nn)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler("cpu", enabled=False)
        loss = (model(x) - y).pow(2).mean()
        say(scaler.scale(loss) is loss, scaler.get_scale(), scaler.state_dict(), scaler.is_enabled())
        loss.backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        scaler.load_state_dict({})
        say(*[p.detach() for p in model.parameters()])

    assert_same_story(story)


def test_several_optimizers_share_a_scale():
    def story(torch: Any, nn: Any, say: Any) -> None:
        torch.manual_seed(0)
        a, b = nn.Linear(3, 1), nn.Linear(3, 1)
        first = torch.optim.SGD(a.parameters(), lr=0.1)
        second = torch.optim.Adam(b.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler("cpu", init_scale=16.0, growth_interval=1)
        for step in range(3):
            x = torch.randn(4, 3)
            first.zero_grad()
            second.zero_grad()
            scaler.scale(a(x).pow(2).mean()).backward()
            factor = float("nan") if step == 1 else 1.0
            scaler.scale(b(x).pow(2).mean() * factor).backward()
            scaler.step(first)
            scaler.step(second)
            scaler.update()
            say(scaler.get_scale(), a.weight.detach(), b.weight.detach())

    assert_same_story(story)


def test_state_crosses_both_ways():
    theirs = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=5)
    theirs.scale(torch.ones(1))
    mine = torchlike.amp.GradScaler("cpu")
    mine.load_state_dict(theirs.state_dict())
    assert mine.state_dict() == theirs.state_dict()
    mine.scale(torchlike.ones(1))
    mine.load_state_dict({**theirs.state_dict(), "scale": 32.0, "_growth_tracker": 3})
    assert mine.get_scale() == 32.0
    assert mine._get_growth_tracker() == 3
    file = io.BytesIO()
    torchlike.save(mine.state_dict(), file)
    file.seek(0)
    theirs.load_state_dict(torch.load(file))
    assert theirs.state_dict() == mine.state_dict()


def test_pickles_and_copies():
    scaler = torchlike.amp.GradScaler("cpu", init_scale=8.0)
    scaler.scale(torchlike.ones(1))
    scaler.update(4.0)
    for again in (pickle.loads(pickle.dumps(scaler)), copy.deepcopy(scaler)):
        assert again.state_dict() == scaler.state_dict()
        assert float(again.scale(torchlike.ones(())).item()) == 4.0


def test_the_kernels_are_pytorch_s():
    def story(torch: Any, nn: Any, say: Any) -> None:
        for bad in (1.0, float("inf"), float("nan")):
            grads = [torch.tensor([1.0, bad]), torch.full((2, 2), 3.0)]
            found, inverse = torch.zeros(()), torch.tensor(1 / 3)
            torch._amp_foreach_non_finite_check_and_unscale_(grads, found, inverse)
            say(grads, found)
            scale, tracker = torch.tensor(3.0), torch.tensor(1, dtype=torch.int32)
            torch._amp_update_scale_(scale, tracker, found, 1.7, 0.3, 2)
            say(scale, tracker)

    assert_same_story(story)


def test_trains_in_mixed_precision():
    """Twenty steps with autocast and a scaler: the loss falls as PyTorch's does."""

    def losses(torch: Any) -> list[float]:
        model, x, y = problem(torch, torch.nn)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
        scaler = torch.amp.GradScaler("cpu", growth_interval=5)
        found = []
        for _ in range(20):
            optimizer.zero_grad()
            with torch.autocast("cpu"):
                loss = torch.nn.functional.mse_loss(model(x), y)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            found.append(loss.item())
        return found

    expected, found = losses(torch), losses(torchlike)
    assert found[-1] < 0.7 * found[0]
    assert np.allclose(expected, found, rtol=5e-3)
