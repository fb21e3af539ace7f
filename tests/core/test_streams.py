"""Streams, events and device modules without an accelerator, against PyTorch's."""

from __future__ import annotations

import pytest

from ..expressions import assert_same_line, lines

LINES = lines(r"""
torch.Stream(3)
torch.Stream(device=torch.device('cpu'))
torch.Stream(stream_id=1, device_index=0, device_type=0)
torch.Stream('cpu') == 3
torch.Stream('cpu') != torch.Stream('cpu')
torch.Stream('cpu').wait_event(torch.Event('cpu'))
torch.Stream('cpu').wait_stream(torch.Stream('cpu'))
torch.Stream('cpu').native_handle
torch.Event('cpu', enable_timing=True).elapsed_time(torch.Event('cpu', enable_timing=True))
torch.Event('meta')
torch.Stream('meta')
torch.Event(0)
torch.Stream('foo')
torch.Event('cpu').ipc_handle()
torch.cpu.StreamContext(torch.cpu.Stream()).__enter__()
torch.cpu.stream(torch.cpu.Stream()).__enter__()
torch.accelerator.set_device_index(None)
torch.accelerator.device_index(None).__enter__()
torch.get_device_module('meta')
torch.get_device_module(3)
""")


def setting(t):
    return {"x": t.arange(6.0).reshape(2, 3), "i": t.arange(3)}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
