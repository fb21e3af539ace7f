"""Any optax transformation as an optimizer."""

from __future__ import annotations

import copy

import numpy as np
import optax
import pytest
import torch

import torchlike


def test_lion_equals_optax() -> None:
    start = [np.arange(6.0, dtype=np.float32).reshape(2, 3), np.ones(3, np.float32)]
    params = [torchlike.tensor(a).requires_grad_() for a in start]
    optimizer = torchlike.optim.from_optax(params, optax.lion(1e-2))
    change = optax.lion(1e-2)
    theirs = [a.copy() for a in start]
    state = change.init(theirs)
    for t in range(5):
        grads = [np.cos(a + t) for a in start]
        for p, g in zip(params, grads, strict=True):
            p.grad = torchlike.tensor(g)
        optimizer.step()
        updates, state = change.update(grads, state, theirs)
        theirs = optax.apply_updates(theirs, updates)
    for p, expected in zip(params, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), expected, rtol=1e-6)


def test_checkpoint_resumes() -> None:
    def start() -> tuple[torchlike.Tensor, torchlike.optim.Optimizer]:
        p = torchlike.ones(3).requires_grad_()
        return p, torchlike.optim.from_optax([p], optax.adam(0.1))

    p, optimizer = start()
    for _ in range(3):
        p.grad = torchlike.tensor([1.0, -2.0, 3.0])
        optimizer.step()
    q, twin = start()
    with torchlike.no_grad():
        q.copy_(p)
    twin.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for one, opt in ((p, optimizer), (q, twin)):
        one.grad = torchlike.tensor([1.0, 1.0, 1.0])
        opt.step()
    assert p.tolist() == q.tolist()


def test_parameter_without_gradient_stays() -> None:
    a, b = torchlike.ones(2).requires_grad_(), torchlike.ones(2).requires_grad_()
    optimizer = torchlike.optim.from_optax([a, b], optax.adam(0.1))
    for step in range(3):
        a.grad = torchlike.ones(2)
        b.grad = torchlike.ones(2) if step == 0 else None
        optimizer.step()
        if step == 0:
            held = b.tolist(), optimizer.state["group0"]
            moment = {k: v.tolist() for k, v in held[1].items() if k.endswith("mu['1']")}
    assert b.tolist() == held[0]
    assert moment
    assert all(optimizer.state["group0"][k].tolist() == v for k, v in moment.items())


def test_averaged_model() -> None:
    found = []
    for library in (torch, torchlike):
        library.manual_seed(3)
        model = library.nn.Linear(3, 2)
        swa = library.optim.swa_utils.AveragedModel(model)
        ema = library.optim.swa_utils.AveragedModel(
            model, multi_avg_fn=library.optim.swa_utils.get_ema_multi_avg_fn(0.9)
        )
        optimizer = library.optim.SGD(model.parameters(), lr=0.1)
        schedule = library.optim.swa_utils.SWALR(optimizer, 0.02, anneal_epochs=3)
        for _ in range(4):
            optimizer.zero_grad()
            (model(library.ones(2, 3)) ** 2).sum().backward()
            optimizer.step()
            schedule.step()
            swa.update_parameters(model)
            ema.update_parameters(model)
        found.append(
            [p.detach().numpy() for m in (swa, ema) for p in m.parameters()]
            + [np.float32(swa.n_averaged.item()), np.float32(schedule.get_last_lr()[0])]
        )
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5)


def test_decay_must_be_a_fraction() -> None:
    for library in (torch, torchlike):
        with pytest.raises(ValueError, match="Invalid decay value 2 provided"):
            library.optim.swa_utils.get_ema_avg_fn(2)
