"""Small functions and constants of `torch`, against PyTorch's."""

from __future__ import annotations

import pytest

from ..expressions import assert_same_line, lines

LINES = lines(r"""
torch.from_file('/nonexistent', size=3)
torch.iinfo(torch.int8), torch.finfo(torch.half), torch.iinfo(torch.bool)
sorted(n for n in dir(torch.finfo) if n[0] != '_'), sorted(n for n in dir(torch.iinfo) if n[0] != '_')
[torch.finfo(d) for d in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.float8_e5m2)]
[d.abbr for d in (torch.bool, torch.uint8, torch.int64, torch.bfloat16, torch.complex64, torch.float8_e4m3fn)]
torch.iinfo(torch.float32), torch.iinfo(torch.int8) == torch.iinfo(torch.int16)
torch.finfo(torch.complex64) == torch.finfo(torch.float32)
torch.Generator().graphsafe_get_state()
torch.legacy_contiguous_format
torch.finfo(torch.float32) == torch.finfo(torch.float32)
torch.finfo(torch.float32).smallest_normal
torch.finfo(torch.int8)
torch.finfo(torch.float8_e4m3fn)
torch.set_anomaly_enabled(True), torch.is_anomaly_enabled(), torch.set_anomaly_enabled(False), torch.is_anomaly_enabled()
torch.cudnn_is_acceptable(x)
torch.thread_safe_generator()
torch.is_vulkan_available()
torch.wait(torch.fork(lambda a: a+1, x))
""")


def setting(t):
    return {"x": t.arange(6.0).reshape(2, 3), "i": t.arange(3)}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
