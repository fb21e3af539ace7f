"""Questions of the ``torch`` namespace about what PyTorch was built with and where it runs."""

from __future__ import annotations

import functools
import importlib
import os
from typing import Any

from .device import accelerators, device as Device
from .modes import modes
from .rng import Generator
from .tensor import Tensor
from .toplevel import set_num_threads

__all__ = [
    "cudnn_is_acceptable", "dequantize", "get_device_module", "has_lapack", "has_mkl", "has_openmp", "has_spectral",
    "init_num_threads", "is_vulkan_available", "set_anomaly_enabled", "thread_safe_generator",
]  # fmt: skip

# LAPACK and the Fourier transforms are there; XLA brings its own threads and products
has_lapack = has_spectral = True
has_openmp = has_mkl = False


@functools.cache
def get_device_module(device: Any = None) -> Any:
    """``torch.cpu`` for a device on the CPU, and so on; by default of the accelerator, if there is one.

    Raises:
        RuntimeError: no such device, or it has no module.
    """
    if not isinstance(device, (Device, str, type(None))):
        raise RuntimeError(
            f"Invalid value of device '{device}', expect torch.device, str, or None"
        )
    kind = ("cuda" if accelerators() else "cpu") if device is None else Device(device).type
    root = __name__.partition(".")[0]
    try:
        return importlib.import_module(f"{root}.{kind}")
    except ModuleNotFoundError as error:
        if error.name != f"{root}.{kind}":
            raise
        raise RuntimeError(
            f"Device '{kind}' does not have a corresponding module registered as 'torch.{kind}'."
        ) from None


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """``torch.autograd.set_detect_anomaly`` without a block."""
    modes.anomaly, modes.anomaly_nan = mode, check_nan


def init_num_threads() -> None:
    """As many threads as the processor has cores; XLA sizes its pool when the process starts."""
    set_num_threads(os.cpu_count() or 1)


def is_vulkan_available() -> bool:
    return False


def cudnn_is_acceptable(tensor: Tensor) -> bool:
    """XLA calls cuDNN by itself where it has it."""
    return False


def dequantize(input: Tensor) -> Tensor:
    """A tensor that is not quantised as float32."""
    return input.dequantize()  # type: ignore[attr-defined]


def thread_safe_generator() -> Generator | None:
    """The generator of a data worker's thread; None outside of one."""
    return None
