"""Which accelerator a call of ``torch.accelerator`` is about."""

from __future__ import annotations

from typing import Any

from .. import cuda
from ..core.device import accelerators, device as Device


def is_available() -> bool:
    return len(accelerators()) > 0


def need() -> None:
    if not is_available():
        raise RuntimeError("Cannot access accelerator device when none is available.")


def index_of(device: Any = None) -> int:
    """The number of a device, which must be an accelerator.

    Raises:
        ValueError: it has none, or is no accelerator.
    """
    if device is None:
        return cuda.current_device()
    if isinstance(device, str):
        device = Device(device)
    if isinstance(device, Device):
        if device.type != "cuda":
            raise ValueError(f"{device.type} doesn't match the current accelerator cuda.")
        return device.index or 0
    return device
