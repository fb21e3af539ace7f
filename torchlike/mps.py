"""``torch.mps``: there is no Metal device in torchlike, which these functions say as PyTorch's do without one."""

from __future__ import annotations

from typing import Any

__all__ = [
    "compile_shader", "current_allocated_memory", "device_count", "driver_allocated_memory", "empty_cache",
    "get_rng_state", "is_available", "load_metallib", "manual_seed", "recommended_max_memory", "seed",
    "set_per_process_memory_fraction", "set_rng_state", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    return False


def device_count() -> int:
    return 0


def _need(what: str) -> None:
    if not is_available():
        raise RuntimeError(f"Cannot execute {what}() without MPS backend.")


def manual_seed(seed: int) -> None:
    """Does nothing without a device, as in PyTorch."""
    if is_available():
        _need("getDefaultGenerator")


def seed() -> None:
    """Raises RuntimeError: there is no device."""
    _need("getDefaultGenerator")


def get_rng_state(device: Any = "mps") -> Any:
    """Raises RuntimeError: there is no device."""
    _need("getDefaultGenerator")


def set_rng_state(new_state: Any, device: Any = "mps") -> None:
    """Raises RuntimeError: there is no device."""
    _need("getDefaultGenerator")


def empty_cache() -> None:
    """Raises RuntimeError: there is no device."""
    _need("emptyCache")


def synchronize() -> None:
    """Raises RuntimeError: there is no device."""
    _need("deviceSynchronize")


def current_allocated_memory() -> int:
    """Raises RuntimeError: there is no device."""
    _need("getCurrentAllocatedMemory")
    return 0


def driver_allocated_memory() -> int:
    """Raises RuntimeError: there is no device."""
    _need("getDriverAllocatedMemory")
    return 0


def recommended_max_memory() -> int:
    """Raises RuntimeError: there is no device."""
    _need("getRecommendedMaxMemory")
    return 0


def set_per_process_memory_fraction(fraction: float) -> None:
    """Raises TypeError, ValueError: no fraction; RuntimeError: there is no device."""
    if not isinstance(fraction, float):
        raise TypeError("Invalid type for fraction argument, must be `float`")
    if fraction < 0 or fraction > 2:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~2")
    _need("setMemoryFraction")


def compile_shader(source: str) -> Any:
    """Raises RuntimeError: there is no device."""
    if not is_available():
        raise RuntimeError("MPS is not available")


def load_metallib(source: Any) -> Any:
    """Raises RuntimeError: there is no device."""
    if not is_available():
        raise RuntimeError("MPS is not available")


class Event:
    """Raises RuntimeError: there is no device."""

    def __init__(self, enable_timing: bool = False) -> None:
        _need("acquireEvent")
        self.enable_timing = enable_timing
