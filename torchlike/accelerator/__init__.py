"""``torch.accelerator``: the device type that programs of PyTorch 2.6 and later ask for."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

from .. import cuda
from ..core.device import accelerators, device as Device
from ..core.streams import Stream
from ..core.toplevel import synchronize as _finish
from ._chosen import index_of, is_available, need
from .memory import (
    empty_cache,
    empty_host_cache,
    get_memory_info,
    max_memory_allocated,
    max_memory_reserved,
    memory_allocated,
    memory_reserved,
    memory_stats,
    reset_accumulated_memory_stats,
    reset_peak_memory_stats,
)

__all__ = [
    "current_accelerator", "current_device_idx", "current_device_index", "current_stream", "device_count",
    "device_index", "empty_cache", "empty_host_cache", "get_device_capability", "get_memory_info",
    "is_available", "max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved",
    "memory_stats", "reset_accumulated_memory_stats", "reset_peak_memory_stats", "set_device_idx",
    "set_device_index", "set_stream", "synchronize",
]  # fmt: skip


def device_count() -> int:
    return len(accelerators())


def current_accelerator(check_available: bool = False) -> Device | None:
    """``cuda``, or None if there is none."""
    return Device("cuda") if is_available() else None


def current_device_index() -> int:
    need()
    return cuda.current_device()


def set_device_index(device: Any, /) -> None:
    """Sets the current device.

    Raises:
        ValueError: no number and no device with one.
        RuntimeError: there is no accelerator.
    """
    device = Device(device) if isinstance(device, str) else device
    index = device.index if isinstance(device, Device) else device
    if not isinstance(index, int):
        raise ValueError(
            f"Expected a torch.device with a specified index or an integer, but got:{device}"
        )
    need()
    cuda.set_device(index)


def current_device_idx() -> int:
    warnings.warn("Use `current_device_index` instead.", FutureWarning, stacklevel=2)
    return current_device_index()


def set_device_idx(device: Any, /) -> None:
    warnings.warn("Use `set_device_index` instead.", FutureWarning, stacklevel=2)
    set_device_index(device)


class device_index(contextlib.AbstractContextManager[None]):
    """``with device_index(1):`` the current device inside the block; None changes nothing."""

    def __init__(self, device: int | None, /) -> None:
        self.idx = device
        self.prev_idx = -1

    def __enter__(self) -> None:
        if self.idx is not None:
            self.prev_idx = current_device_index()
            set_device_index(self.idx)

    def __exit__(self, *exc: object) -> None:
        if self.idx is not None:
            set_device_index(self.prev_idx)


def current_stream(device: Any = None, /) -> Stream:
    need()
    return cuda.current_stream(index_of(device))


def set_stream(stream: Stream) -> None:
    """XLA orders the work by itself; the stream's device becomes the current one."""
    need()
    cuda.set_stream(stream)


def synchronize(device: Any = None, /) -> None:
    """Runs what is recorded and waits for it."""
    need()
    _finish()


def get_device_capability(device: Any = None, /) -> dict[str, Any]:
    """The dtypes that the device computes with."""
    from ..core.dtypes import DTYPES

    need()
    index_of(device)
    return {"supported_dtypes": set(DTYPES)}
