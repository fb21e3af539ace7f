"""``torch.cpu``: the CPU as a device among others, for code that treats them alike."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..core.toplevel import synchronize as _finish
from . import amp as amp

__all__ = [
    "Event", "Stream", "StreamContext", "current_device", "current_stream", "device_count",
    "get_capabilities", "is_available", "is_initialized", "set_device", "stream", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    return True


def is_initialized() -> bool:
    return True


def device_count() -> int:
    return 1


def current_device() -> str:
    return "cpu"


def set_device(device: Any) -> None:
    """There is one CPU."""


def synchronize(device: Any = None) -> None:
    """Runs what is recorded and waits for it."""
    _finish()


class Stream:
    """The CPU's only queue of work."""

    def __init__(self, priority: int = -1) -> None:
        self.priority = priority

    def wait_stream(self, stream: Any) -> None:
        """Programs run in the order of their data."""

    def record_event(self) -> None:
        """There is nothing to record."""

    def wait_event(self, event: Any) -> None:
        """Programs run in the order of their data."""


class Event:
    """A moment on the CPU, which is always over."""

    def query(self) -> bool:
        return True

    def record(self, stream: Any = None) -> None:
        """There is nothing to record."""

    def synchronize(self) -> None:
        _finish()

    def wait(self, stream: Any = None) -> None:
        """Programs run in the order of their data."""


_streams = [Stream()]


def current_stream(device: Any = None) -> Stream:
    return _streams[-1]


class StreamContext(contextlib.AbstractContextManager[None]):
    """``with StreamContext(stream):`` it is the current one inside; None changes nothing."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            _streams.append(self.stream)

    def __exit__(self, *exc: object) -> None:
        if self.stream is not None:
            _streams.pop()


def stream(stream: Any) -> StreamContext:
    return StreamContext(stream)


@functools.lru_cache
def get_capabilities() -> Mapping[str, Any]:
    """What the operating system says about the processor."""
    flags: set[str] = set()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        line = next((line for line in file if line.startswith(("flags", "Features"))), "")
        flags = set(line.partition(":")[2].split())
    names = ["sse", "sse2", "sse4_1", "sse4_2", "ssse3", "avx", "avx2", "avx512f", "avx512bw", "avx512vl",
             "avx512dq", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_bf16", "amx_int8", "aes", "bmi1", "bmi2",
             "f16c", "fma", "popcnt"]  # fmt: skip
    rename = {"avx512f": "avx512_f", "avx512bw": "avx512_bw", "avx512vl": "avx512_vl", "avx512dq": "avx512_dq",
              "bmi1": "bmi", "fma": "fma3"}  # fmt: skip
    found: dict[str, Any] = {rename.get(name, name): name in flags for name in names}
    found |= {"architecture": platform.machine(), "num_logical_cores": os.cpu_count() or 1}
    return MappingProxyType(found)
