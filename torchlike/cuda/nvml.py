"""Questions to NVIDIA's management library, which the package nvidia-ml-py answers where it is installed."""

from __future__ import annotations

from typing import Any

from .memory import _index


def _handle(device: Any) -> tuple[Any, Any]:
    """The library, and its handle of a device.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        import pynvml  # type: ignore[import-not-found]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "nvidia-ml-py does not seem to be installed or it can't be imported."
        ) from error
    pynvml.nvmlInit()
    return pynvml, pynvml.nvmlDeviceGetHandleByIndex(_index(device))


def utilization(device: Any = None) -> int:
    """Percent of the last moments in which the device worked."""
    library, handle = _handle(device)
    return library.nvmlDeviceGetUtilizationRates(handle).gpu


def memory_usage(device: Any = None) -> int:
    """Percent of the last moments in which memory was read or written."""
    library, handle = _handle(device)
    return library.nvmlDeviceGetUtilizationRates(handle).memory


def device_memory_used(device: Any = None) -> int:
    """Bytes in use, by all processes."""
    library, handle = _handle(device)
    return library.nvmlDeviceGetMemoryInfo(handle).used


def temperature(device: Any = None) -> int:
    """Degrees Celsius."""
    library, handle = _handle(device)
    return library.nvmlDeviceGetTemperature(handle, 0)


def power_draw(device: Any = None) -> int:
    """Milliwatts."""
    library, handle = _handle(device)
    return library.nvmlDeviceGetPowerUsage(handle)


def clock_rate(device: Any = None) -> int:
    """Megahertz."""
    library, handle = _handle(device)
    return library.nvmlDeviceGetClockInfo(handle, 1)
