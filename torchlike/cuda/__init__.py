"""``torch.cuda``: the accelerators that JAX has, GPU or TPU, or the CPU's simulated ones.

Differs: the current device is always ``cuda:0``; streams are XLA's own, so a ``Stream`` orders nothing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from ..core.device import accelerators, device as _Device, placed
from ..core.errors import OutOfMemoryError as OutOfMemoryError, missing
from ..core.rng import default_generator
from ..core.toplevel import synchronize as _finish

has_half = True


def is_available() -> bool:
    """JAX has an accelerator, or simulates some."""
    return device_count() > 0


def device_count() -> int:
    return len(accelerators())


def is_initialized() -> bool:
    return is_available()


def init() -> None:
    """Starts JAX's backend.

    Raises:
        RuntimeError: there is no accelerator.
    """
    placed(_Device("cuda"))


def _index(device: Any = None) -> int:
    if device is None:
        device = 0
    found = placed(_Device("cuda", device) if isinstance(device, int) else _Device(device))
    if found.type == "cpu":
        raise ValueError(f"Expected a cuda device, but got: {found}")
    return found.index or 0


def current_device() -> int:
    return _index()


def set_device(device: Any) -> None:
    """Accepts the current device.

    Raises:
        NotImplementedError: another one.
    """
    if _index(device) != 0:
        raise missing(
            "cuda.set_device(index > 0)", "say the device where tensors are made or moved"
        )


@contextlib.contextmanager
def device(device: Any) -> Iterator[None]:
    """``with torch.cuda.device(0)``; see ``set_device``."""
    if device is not None and device != -1:
        set_device(device)
    yield


def get_device_name(device: Any = None) -> str:
    return accelerators()[_index(device)].device_kind


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Compute capability as JAX reports it; (0, 0) for what has none."""
    found = str(getattr(accelerators()[_index(device)], "compute_capability", "0.0"))
    major, _, minor = found.partition(".")
    return int(major), int(minor or 0)


def get_device_properties(device: Any = None) -> SimpleNamespace:
    index = _index(device)
    major, minor = get_device_capability(index)
    return SimpleNamespace(
        name=get_device_name(index),
        major=major,
        minor=minor,
        total_memory=_statistic(index, "bytes_limit"),
        multi_processor_count=getattr(accelerators()[index], "core_count", 1),
    )


def get_arch_list() -> list[str]:
    return []


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """XLA has bfloat16 everywhere."""
    return is_available()


def synchronize(device: Any = None) -> None:
    """Runs what is recorded and waits for it.

    Raises:
        RuntimeError: there is no accelerator.
    """
    _index(device)
    _finish()


# --- memory --------------------------------------------------------------------------------------


def _statistic(device: Any, name: str) -> int:
    found = accelerators()[_index(device)].memory_stats()
    return int((found or {}).get(name, 0))


def memory_allocated(device: Any = None) -> int:
    """Bytes in use; 0 where JAX does not count (simulated devices)."""
    return _statistic(device, "bytes_in_use") if is_available() else 0


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes in use so far; ``reset_peak_memory_stats`` can't reset XLA's count."""
    return _statistic(device, "peak_bytes_in_use") if is_available() else 0


def memory_reserved(device: Any = None) -> int:
    """Bytes that XLA's allocator holds."""
    return _statistic(device, "bytes_reserved") or memory_allocated(device) if is_available() else 0


def max_memory_reserved(device: Any = None) -> int:
    return max(memory_reserved(device), max_memory_allocated(device))


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """(free, total) bytes."""
    total = _statistic(device, "bytes_limit")
    return total - memory_allocated(device), total


def memory_stats(device: Any = None) -> dict[str, Any]:
    """JAX's own counters, by its names."""
    return dict(accelerators()[_index(device)].memory_stats() or {}) if is_available() else {}


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    return "\n".join(f"{name}: {value}" for name, value in memory_stats(device).items())


def empty_cache() -> None:
    """XLA's allocator gives nothing back before the process ends."""


def ipc_collect() -> None:
    """There are no shared device handles to collect."""


def reset_peak_memory_stats(device: Any = None) -> None:
    """XLA's peak counters can't be reset."""


def reset_max_memory_allocated(device: Any = None) -> None:
    """XLA's peak counters can't be reset."""


# --- random numbers: one generator for all devices ---------------------------------------------


def manual_seed(seed: int) -> None:
    """Accelerators draw from the default generator; without one this does nothing, as in PyTorch."""
    if is_available():
        default_generator.manual_seed(int(seed))


def manual_seed_all(seed: int) -> None:
    manual_seed(seed)


def seed() -> None:
    if is_available():
        default_generator.seed()


def seed_all() -> None:
    seed()


def initial_seed() -> int:
    return default_generator.initial_seed()


def get_rng_state(device: Any = "cuda") -> Any:
    return default_generator.get_state()


def get_rng_state_all() -> list[Any]:
    return [default_generator.get_state() for _ in accelerators()]


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    default_generator.set_state(new_state)


def set_rng_state_all(new_states: Any) -> None:
    for state in new_states:
        default_generator.set_state(state)


# --- streams and events --------------------------------------------------------------------------


class Stream:
    """Accepted everywhere; XLA orders the work by itself."""

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        self.device = device
        self.priority = priority

    def synchronize(self) -> None:
        _finish()

    def wait_stream(self, stream: Any) -> None:
        """Programs run in the order of their data."""

    def wait_event(self, event: Any) -> None:
        """Programs run in the order of their data."""

    def record_event(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record(self)
        return event

    def query(self) -> bool:
        return True

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


class Event:
    """A moment: recording it finishes the work before it, so that elapsed times are true."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        self.enable_timing = enable_timing
        self._at: float | None = None

    def record(self, stream: Any = None) -> None:
        _finish()
        self._at = time.perf_counter()

    def synchronize(self) -> None:
        _finish()

    def wait(self, stream: Any = None) -> None:
        """Programs run in the order of their data."""

    def query(self) -> bool:
        return True

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds between two recorded events.

        Raises:
            RuntimeError: one was not recorded.
        """
        if self._at is None or end_event._at is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        return (end_event._at - self._at) * 1e3


def current_stream(device: Any = None) -> Stream:
    return Stream(device)


def default_stream(device: Any = None) -> Stream:
    return Stream(device)


def stream(stream: Stream | None) -> Any:
    """``with torch.cuda.stream(s)``."""
    return contextlib.nullcontext() if stream is None else stream
