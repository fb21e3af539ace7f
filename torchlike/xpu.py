"""``torch.xpu``: there is no Intel GPU in torchlike, which these functions say as PyTorch's do without one."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from typing import Any

_BY_NEED = """can_device_access_peer current_device current_stream get_device_capability get_device_name
get_device_properties get_rng_state get_rng_state_all get_stream_from_external init initial_seed mem_get_info
set_device set_rng_state set_rng_state_all set_stream synchronize set_per_process_memory_fraction
get_per_process_memory_fraction memory_snapshot device_memory_used memory_usage power_draw temperature
utilization clock_rate""".split()

__all__ = [
    "device_count", "is_available", "is_initialized", "manual_seed", "manual_seed_all", "seed", "seed_all",
    "memory_allocated", "max_memory_allocated", "memory_reserved", "max_memory_reserved", "memory_stats",
    "memory_stats_as_nested_dict", "empty_cache", "reset_peak_memory_stats", "reset_accumulated_memory_stats",
    "get_arch_list", "get_gencode_flags", "is_bf16_supported", "is_tf32_supported",
    "is_current_stream_capturing", "device", "device_of", "stream", "StreamContext", "Stream", "Event",
    "default_generators", *_BY_NEED,
]  # fmt: skip
default_generators: tuple[Any, ...] = ()


def is_available() -> bool:
    return False


def device_count() -> int:
    return 0


def is_initialized() -> bool:
    return False


def _need() -> None:
    if not is_available():
        raise AssertionError("Torch not compiled with XPU enabled")


def _needing(name: str) -> Any:
    def needing(*args: Any, **kwargs: Any) -> Any:
        return _need()

    needing.__name__ = needing.__qualname__ = name
    needing.__doc__ = "Raises AssertionError: there is no device."
    return needing


globals().update({name: _needing(name) for name in _BY_NEED})


# --- what PyTorch answers without a device, too --------------------------------------------------


def manual_seed(seed: int) -> None:
    """Does nothing without a device, as in PyTorch."""
    if is_available():
        _need()


def manual_seed_all(seed: int) -> None:
    manual_seed(seed)


def seed() -> None:
    manual_seed(0)


def seed_all() -> None:
    manual_seed(0)


def memory_allocated(device: Any = None) -> int:
    return 0


def max_memory_allocated(device: Any = None) -> int:
    return 0


def memory_reserved(device: Any = None) -> int:
    return 0


def max_memory_reserved(device: Any = None) -> int:
    return 0


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    return OrderedDict()


def memory_stats_as_nested_dict(device: Any = None) -> dict[str, Any]:
    return {}


def empty_cache() -> None:
    """Does nothing without a device, as in PyTorch."""
    if is_initialized():
        _need()


def reset_peak_memory_stats(device: Any = None) -> None:
    _need()


def reset_accumulated_memory_stats(device: Any = None) -> None:
    _need()


def get_arch_list() -> list[str]:
    return []


def get_gencode_flags() -> str:
    return ""


def is_bf16_supported(including_emulation: bool = True) -> bool:
    return False


def is_tf32_supported() -> bool:
    return False


def is_current_stream_capturing() -> bool:
    return False


class device(contextlib.AbstractContextManager[None]):
    """``with torch.xpu.device(-1):`` accepted; any other one is not there."""

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device is None else device

    def __enter__(self) -> None:
        if self.idx not in (-1, None):
            _need()

    def __exit__(self, *exc: object) -> None:
        return None


class device_of(device):
    """The device of a tensor, which is never one of these."""

    def __init__(self, obj: Any) -> None:
        super().__init__(-1)


class StreamContext(contextlib.AbstractContextManager[None]):
    """``with torch.xpu.stream(None):`` accepted; there are no others."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __exit__(self, *exc: object) -> None:
        return None


def stream(stream: Any) -> StreamContext:
    return StreamContext(stream)


class Stream:
    """Raises AssertionError: there is no device."""

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        _need()
        self.device = device


class Event:
    """Raises AssertionError: there is no device."""

    def __init__(self, enable_timing: bool = False) -> None:
        _need()
        self.enable_timing = enable_timing
