"""``torch.accelerator.memory``: what XLA says of the accelerator's memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from .. import cuda
from ._chosen import index_of, need

__all__ = [
    "empty_cache",
    "empty_host_cache",
    "get_memory_info",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "reset_accumulated_memory_stats",
    "reset_peak_memory_stats",
]


def empty_cache() -> None:
    """XLA's allocator gives nothing back before the process ends."""
    need()


def empty_host_cache() -> None:
    """XLA's allocator gives nothing back before the process ends."""
    need()


def memory_stats(device_index: Any = None, /) -> OrderedDict[str, Any]:
    need()
    return OrderedDict(sorted(cuda.memory_stats(index_of(device_index)).items()))


def memory_allocated(device_index: Any = None, /) -> int:
    need()
    return cuda.memory_allocated(index_of(device_index))


def max_memory_allocated(device_index: Any = None, /) -> int:
    need()
    return cuda.max_memory_allocated(index_of(device_index))


def memory_reserved(device_index: Any = None, /) -> int:
    need()
    return cuda.memory_reserved(index_of(device_index))


def max_memory_reserved(device_index: Any = None, /) -> int:
    need()
    return cuda.max_memory_reserved(index_of(device_index))


def get_memory_info(device_index: Any = None, /) -> tuple[int, int]:
    """(free, total) bytes."""
    need()
    return cuda.mem_get_info(index_of(device_index))


def reset_accumulated_memory_stats(device_index: Any = None, /) -> None:
    """XLA's counters can't be reset."""
    need()


def reset_peak_memory_stats(device_index: Any = None, /) -> None:
    """XLA's counters can't be reset."""
    need()
