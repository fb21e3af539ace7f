"""``torch.accelerator``: the device type that programs of PyTorch 2.6 and later ask for."""

from __future__ import annotations

from typing import Any

from .core.device import accelerators, device as Device
from .core.toplevel import synchronize as _finish


def is_available() -> bool:
    return len(accelerators()) > 0


def device_count() -> int:
    return len(accelerators())


def current_accelerator(check_available: bool = False) -> Device | None:
    """``cuda``, or None if there is none."""
    return Device("cuda") if is_available() else None


def current_device_index() -> int:
    return 0


def synchronize(device: Any = None) -> None:
    """Runs what is recorded and waits for it."""
    _finish()


def empty_cache() -> None:
    """XLA's allocator gives nothing back before the process ends."""
