"""``torch.cuda.memory_*``: zeros without an accelerator as in PyTorch, PyTorch's names with one."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import torchlike
from torchlike.cuda import memory

from ..nn.scenarios import assert_same


@pytest.mark.skipif(torch.cuda.is_available(), reason="PyTorch has a device to count the memory of")
def test_without_an_accelerator():
    def story(torch: Any, nn: Any, say: Any) -> None:
        cuda = torch.cuda
        say(cuda.memory_allocated(), cuda.max_memory_allocated(), cuda.memory_reserved())
        say(dict(cuda.memory_stats()), cuda.empty_cache())

    assert_same(story)


class Device:
    """An accelerator as JAX shows it."""

    def __init__(self) -> None:
        self.now, self.peak = 100, 100

    def memory_stats(self) -> dict[str, int]:
        return {"bytes_in_use": self.now, "peak_bytes_in_use": self.peak, "bytes_limit": 1000,
                "bytes_reserved": 400, "num_allocs": 7}  # fmt: skip

    def use(self, amount: int) -> None:
        self.now = amount
        self.peak = max(self.peak, amount)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    made = Device()
    monkeypatch.setattr(memory, "accelerators", lambda: (made,))
    monkeypatch.setattr(memory, "_index", lambda device: 0)
    monkeypatch.setattr(memory, "_resets", {})
    return made


def test_counts_by_pytorch_s_names(device: Device):
    device.use(300)
    device.use(200)
    cuda = torchlike.cuda
    assert (cuda.memory_allocated(), cuda.max_memory_allocated()) == (200, 300)
    assert (cuda.memory_reserved(), cuda.max_memory_reserved()) == (400, 400)
    assert cuda.mem_get_info() == (800, 1000)
    stats = cuda.memory_stats()
    assert stats["allocated_bytes.all.current"] == 200
    assert stats["allocated_bytes.all.peak"] == 300
    assert stats["reserved_bytes.all.current"] == 400
    assert stats["allocation.all.allocated"] == 7
    assert stats["jax.num_allocs"] == 7
    assert list(stats) == sorted(stats)
    assert "allocated_bytes.all.peak" in cuda.memory_summary()
    assert "jax." not in cuda.memory_summary(abbreviated=True)


def test_peaks_begin_anew(device: Device):
    cuda = torchlike.cuda
    device.use(500)
    device.use(50)
    cuda.reset_peak_memory_stats()
    assert cuda.max_memory_allocated() == 50
    device.use(80)
    assert cuda.max_memory_allocated() == 80
    device.use(700)
    device.use(10)
    assert cuda.max_memory_allocated() == 700
