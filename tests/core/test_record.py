"""The recorder: what runs when, what is compiled again, what a failure leaves behind."""

from __future__ import annotations

import gc
import threading

import jax
import numpy as np
import pytest

import torchlike as torch
from torchlike.core import record
from torchlike.core.config import config
from torchlike.core.modes import modes
from torchlike.core.record import PROGRAMS


@pytest.fixture(autouse=True)
def recorded():
    with config.using("recorded"):
        record.flush_all()
        yield
        record.flush_all()


def pending() -> int:
    """How many calls wait to be run."""
    return sum(len(s.nodes) for s in modes.segments.values())


def is_pending(t) -> bool:
    return t._v.array is None


def test_nothing_runs_until_somebody_looks():
    x = torch.ones(3)
    y = (x + 1) * 2
    assert is_pending(y)
    assert y.shape == (3,)
    assert y.dtype is torch.float32
    assert y.stride() == (1,)
    assert is_pending(y)
    assert y.tolist() == [4.0] * 3
    assert not is_pending(y)


@pytest.mark.parametrize(
    "look",
    [
        lambda y: y.sum().item(), lambda y: bool(y[0] > 1), lambda y: y.numpy(), repr, lambda y: float(y[0]),
        lambda y: y.tolist(), lambda y: torch.synchronize() if hasattr(torch, "synchronize") else y.numpy(),
        lambda y: y[y > 0], lambda y: torch.equal(y, y), lambda y: list(y.nonzero()), lambda y: np.asarray(y),
    ],
    ids=["item", "bool", "numpy", "repr", "float", "tolist", "synchronize", "mask", "equal", "nonzero", "asarray"],
)  # fmt: skip
def test_a_look_runs_what_is_pending(look):
    y = torch.ones(3) * 2
    assert is_pending(y)
    look(y)
    assert not is_pending(y)


def test_only_values_still_held_come_out():
    x = torch.ones(4)
    a = x + 1
    b = a * 3  # its only reader is c
    c = b - a
    del b
    c.tolist()
    assert not is_pending(a)
    assert a.tolist() == [2.0] * 4
    assert c.tolist() == [4.0] * 4


def test_a_dropped_result_is_never_run():
    x = torch.ones(4)
    y = x.exp()
    del y
    gc.collect()
    z = x + 1
    z.tolist()
    assert pending() == 0


def test_a_value_computed_before_a_flush_is_used_after_it():
    x = torch.ones(2) + 1
    y = x * 2
    assert y.tolist() == [4.0, 4.0]
    z = x + y
    assert z.tolist() == [6.0, 6.0]
    z2 = z * x
    del x, y
    assert z2.tolist() == [12.0, 12.0]


def test_a_tensor_that_dies_pending_still_feeds_its_reader():
    def inner():
        a = torch.full((2,), 3.0) * 2
        return a + 1

    assert inner().tolist() == [7.0, 7.0]


def step(x, k):
    return ((x * k + 1).tanh() * k).sum().item()


def test_a_new_number_compiles_nothing():
    x = torch.arange(4.0)
    for _ in range(3):
        step(x, 0.5)
    before = PROGRAMS.compiled
    found = [step(x, k) for k in (0.25, 0.125, 3.0, -1.0)]
    assert PROGRAMS.compiled == before
    assert found == pytest.approx(
        [(np.tanh(np.arange(4) * k + 1) * k).sum() for k in (0.25, 0.125, 3.0, -1.0)], rel=1e-5
    )


def test_a_new_index_compiles_nothing():
    x = torch.arange(120.0).view(
        2, 60
    )  # the first few indices of a shape may get programs of their own
    for i in range(20):
        (x[:, i] * 2).sum().item()
    before = PROGRAMS.compiled
    assert [(x[:, i] * 2).sum().item() for i in range(30, 60)] == [
        120.0 + 4 * i for i in range(30, 60)
    ]
    assert PROGRAMS.compiled == before


def test_a_returning_structure_is_compiled_once():
    x = torch.ones(5)

    def run():
        return (x.sin() + x.cos()).sum().item()

    run()
    run()
    before = PROGRAMS.compiled
    for _ in range(4):
        run()
    assert PROGRAMS.compiled == before


def test_a_training_step_stops_compiling():
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x = torch.ones(4, 3)

    def train(rate):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    for _ in range(4):
        train(0.1)
    before = PROGRAMS.compiled
    for k in range(4):
        train(0.1 * 0.5**k)
    assert PROGRAMS.compiled == before


def test_a_long_segment_is_cut(monkeypatch):
    monkeypatch.setattr(config, "segment_nodes", 10)
    x = torch.zeros(1)
    for _ in range(35):
        x = x + 1
    assert pending() < 10
    assert x.item() == 35


class Boom(RuntimeError):
    pass


@pytest.fixture
def fails_at(monkeypatch):
    """Makes one op fail when it runs, not when it is recorded."""
    from torchlike.core.opcall import OpCall

    def install(name):
        run = OpCall.run

        def failing(self, operands):
            if self.name == name:
                raise jax.errors.JaxRuntimeError("INTERNAL: broken on purpose")
            return run(self, operands)

        monkeypatch.setattr(OpCall, "run", failing)
        monkeypatch.setattr(record, "worth_compiling", lambda nodes: False)

    return install


def test_an_error_keeps_what_was_computed_before_it(fails_at):
    fails_at("asinh")
    x = torch.full((3,), 0.123)
    before = x + 5
    broken = (before * 2).asinh()
    with pytest.raises(Exception, match="broken on purpose"):
        broken.tolist()
    assert before.tolist() == pytest.approx([5.123] * 3)
    with pytest.raises(Exception, match="broken on purpose"):
        broken.tolist()


def test_work_goes_on_after_an_error(fails_at):
    fails_at("asinh")
    x = torch.full((3,), 0.5)
    broken = x.asinh()
    with pytest.raises(Exception, match="broken on purpose"):
        broken.tolist()
    assert (x + 1).tolist() == [1.5] * 3


def test_threads_record_apart():
    results, errors = {}, []

    def work(i):
        try:
            with config.using("recorded"):
                x = torch.full((8,), float(i))
                for _ in range(20):
                    x = x * 1.5 - x * 0.5
                results[i] = x.tolist()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors
    assert results == {i: [float(i)] * 8 for i in range(4)}


def test_another_thread_reads_a_pending_value():
    x = torch.ones(3) * 7
    assert is_pending(x)
    seen = []
    reader = threading.Thread(target=lambda: seen.append((x + 1).tolist()))
    reader.start()
    reader.join()
    assert seen == [[8.0] * 3]
    assert x.tolist() == [7.0] * 3


def test_switching_the_executor_with_work_pending():
    x = torch.ones(3) * 2
    assert is_pending(x)
    with config.using("op_by_op"):
        y = x + 1
        assert not is_pending(y)
    assert (y * x).tolist() == [6.0] * 3


def test_op_by_op_runs_at_once():
    with config.using("op_by_op"):
        assert not is_pending(torch.ones(3) * 2)


def test_gradients_are_recorded_too():
    x = torch.ones(3, requires_grad=True)
    (x * x).sum().backward()
    assert is_pending(x.grad)
    assert x.grad.tolist() == [2.0] * 3
