"""``torch.cuda``, ``torch.accelerator``, ``torch.mps`` and ``torch.xpu`` where there are none of them."""

from __future__ import annotations

import pytest
import torch

import torchlike

from .expressions import assert_same_line, lines

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available() or torchlike.cuda.is_available(),
    reason="asks what is said where there is no accelerator",
)
LINES = lines("""
torch.cuda.is_available(), torch.cuda.device_count(), torch.cuda.is_initialized(), torch.cuda.is_bf16_supported()
torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated(), torch.cuda.memory_reserved()
torch.cuda.empty_cache(), torch.cuda.reset_peak_memory_stats if 0 else None
torch.cuda.get_rng_state_all(), torch.cuda.set_rng_state_all([])
torch.cuda.manual_seed(0), torch.cuda.manual_seed_all(0)
torch.cuda.memory_stats()
torch.accelerator.is_available(), torch.accelerator.device_count(), torch.accelerator.current_accelerator()
torch.accelerator.current_device_index()
torch.accelerator.synchronize()
torch.accelerator.memory_allocated()
torch.accelerator.memory.empty_cache()
torch.accelerator.set_device_index("a")
torch.accelerator.current_stream()
torch.mps.is_available() if hasattr(torch.mps, "is_available") else torch.backends.mps.is_available()
torch.mps.device_count()
torch.xpu.is_available(), torch.xpu.device_count(), torch.xpu.is_initialized()
torch.cpu.is_available(), torch.cpu.device_count(), torch.cpu.current_device(), torch.cpu.synchronize()
torch.cpu.current_stream().__class__.__name__
torch.cpu.set_device("cpu")
""")


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line)
