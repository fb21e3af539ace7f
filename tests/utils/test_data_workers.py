"""Loaders with worker processes: PyTorch's batches and errors, nothing left behind."""

from __future__ import annotations

import gc
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import pytest

import torchlike
from torchlike.utils.data import DataLoader, Dataset, TensorDataset
from torchlike.utils.data._utils import transport
from torchlike.utils.data._utils.worker import _generate_state
from torchlike.utils.data.workers import WorkerPool

PROGRAM = pathlib.Path(__file__).with_name("worker_program.py")


def segments() -> list[str]:
    folder = pathlib.Path("/dev/shm")
    prefix = f"tl{os.getpid():x}"
    return (
        [p.name for p in folder.iterdir() if p.name.startswith(prefix)] if folder.exists() else []
    )


@pytest.fixture(autouse=True)
def _nothing_left():
    yield
    gc.collect()
    assert segments() == []
    children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children")
    if children.exists():
        for pid in children.read_text().split():
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            assert b"_utils.worker" not in command


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_program_without_guard_prints_what_it_prints_under_pytorch():
    assert run("-m", "torchlike", "run", str(PROGRAM)) == run(str(PROGRAM))


class Numbers(Dataset):
    def __init__(self, action=None):
        self.action = action

    def __len__(self):
        return 8

    def __getitem__(self, i):
        if i == 5 and self.action is not None:
            self.action()
        return torchlike.full((100, 100), float(i))


def hang():
    time.sleep(600)


def leave():
    os._exit(3)


def test_timeout():
    loader = DataLoader(Numbers(hang), batch_size=4, num_workers=1, timeout=20)
    batches = iter(loader)
    assert next(batches).shape == (4, 100, 100)
    batches._timeout = 0.5
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0.5 seconds"):
        next(batches)


def test_a_worker_that_exits():
    with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited") as caught:
        list(DataLoader(Numbers(leave), num_workers=1))
    assert "exited unexpectedly with exit code 3" in str(caught.value.__cause__)


def test_a_loop_that_is_left_early_ends_its_workers():
    batches = iter(DataLoader(Numbers(), num_workers=1, prefetch_factor=4))
    first = next(batches)
    workers = list(batches._workers)
    del batches
    gc.collect()
    assert [worker.poll() is not None for worker in workers] == [True]
    assert first.sum() == 0


def test_what_can_not_be_sent_is_an_error_of_the_batch():
    class Graph(Dataset):
        def __len__(self):
            return 1

        def __getitem__(self, i):
            return torchlike.ones(1, requires_grad=True) * 2

    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor"):
        list(DataLoader(Graph(), batch_size=None, num_workers=1))


def test_tensor_dataset_default_dtype_and_large_batches():
    x = torchlike.arange(60000.0).reshape(6, 10000)
    half = x.to(torchlike.bfloat16)
    torchlike.set_default_dtype(torchlike.float64)
    try:
        loader = DataLoader(
            TensorDataset(x, half), batch_size=3, num_workers=1, collate_fn=with_default_dtype
        )
        batches = list(loader)
    finally:
        torchlike.set_default_dtype(torchlike.float32)
    assert [b[0].sum().item() for b in batches] == [x[:3].sum().item(), x[3:].sum().item()]
    assert [str(t.dtype) for t in batches[0]] == [
        "torch.float32",
        "torch.bfloat16",
        "torch.float64",
    ]
    batches[0][0][0, 0] = -1  # a batch may be written to
    assert batches[0][0][0, 0] == -1


def with_default_dtype(samples):
    from torchlike.utils.data import default_collate

    return [*default_collate(samples), torchlike.ones(1)]


def test_round_trip_of_arrays_and_tensors(tmp_path):
    big = np.arange(50000, dtype=np.int16).reshape(100, 500)
    message = {"a": big, "t": torchlike.from_numpy(big.copy()), "s": "text", "e": np.empty((0, 3))}
    file = transport.dump_file(message)
    found = transport.load_file(os.dup(file.fileno()))
    file.close()
    np.testing.assert_array_equal(found["a"], big)
    assert found["t"].dtype == torchlike.int16
    assert found["t"].tolist() == big.tolist()
    assert found["e"].shape == (0, 3)
    found["a"][0, 0] = 7  # the pages are private
    assert found["s"] == "text"


def test_requires_grad_of_a_leaf_travels():
    leaf = torchlike.ones(3, requires_grad=True)
    file = transport.dump_file(leaf)
    found = transport.load_file(os.dup(file.fileno()))
    file.close()
    assert found.requires_grad
    assert found.tolist() == [1, 1, 1]


@pytest.mark.parametrize(("seed", "worker"), [(0, 0), (5, 3), (2**62 + 12345, 7)])
def test_numpy_seeds_are_pytorchs(seed, worker):
    from torch.utils.data._utils.worker import _generate_state as theirs

    assert _generate_state(seed, worker) == theirs(seed, worker)


def test_no_cloudpickle_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(ImportError, match=r"pip install 'torchlike\[data\]'"):
        list(DataLoader([1], num_workers=1))


def test_windows_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(NotImplementedError, match="num_workers=0"):
        WorkerPool(None)  # type: ignore[arg-type]


def test_too_many_workers_warn():
    many = len(os.sched_getaffinity(0)) + 1
    with pytest.warns(UserWarning, match=f"will create {many} worker processes in total"):
        DataLoader([1], num_workers=many)


def test_worker_options_are_checked():
    with pytest.raises(ValueError, match="should specify a valid start method"):
        DataLoader([1], num_workers=1, multiprocessing_context="thread")
    with pytest.raises(TypeError, match="should be a valid context object"):
        DataLoader([1], num_workers=1, multiprocessing_context=3)
    assert DataLoader([1], num_workers=1, multiprocessing_context="fork").prefetch_factor == 2
