"""``torch.cuda``: the accelerators that JAX has, GPU or TPU, or the CPU's simulated ones.

Differs: streams are XLA's own, so a ``Stream`` orders nothing; CUDA graphs, memory pools and the
driver's handles are not there, since XLA compiles and allocates by itself.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

from ..core.device import (
    accelerators,
    current_index,
    device as _Device,
    placed,
    set_current_index,
)
from ..core.errors import (
    AcceleratorError as AcceleratorError,
    OutOfMemoryError as OutOfMemoryError,
)
from ..core.rng import default_generator
from ..core.storages import cuda_storages
from ..core.toplevel import synchronize as _finish
from ..core.typed import cuda_types
from . import amp as amp, memory as memory, nvtx as nvtx, random as random, streams as streams
from .memory import (
    empty_cache as empty_cache,
    host_memory_stats as host_memory_stats,
    host_memory_stats_as_nested_dict as host_memory_stats_as_nested_dict,
    ipc_collect as ipc_collect,
    list_gpu_processes as list_gpu_processes,
    max_memory_allocated as max_memory_allocated,
    max_memory_cached as max_memory_cached,
    max_memory_reserved as max_memory_reserved,
    mem_get_info as mem_get_info,
    memory_allocated as memory_allocated,
    memory_cached as memory_cached,
    memory_reserved as memory_reserved,
    memory_snapshot as memory_snapshot,
    memory_stats as memory_stats,
    memory_stats_as_nested_dict as memory_stats_as_nested_dict,
    memory_summary as memory_summary,
    reset_accumulated_host_memory_stats as reset_accumulated_host_memory_stats,
    reset_accumulated_memory_stats as reset_accumulated_memory_stats,
    reset_max_memory_allocated as reset_max_memory_allocated,
    reset_max_memory_cached as reset_max_memory_cached,
    reset_peak_host_memory_stats as reset_peak_host_memory_stats,
    reset_peak_memory_stats as reset_peak_memory_stats,
)
from .nvml import (
    clock_rate as clock_rate,
    device_memory_used as device_memory_used,
    memory_usage as memory_usage,
    power_draw as power_draw,
    temperature as temperature,
    utilization as utilization,
)
from .random import (
    get_rng_state as get_rng_state,
    get_rng_state_all as get_rng_state_all,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    manual_seed_all as manual_seed_all,
    seed as seed,
    seed_all as seed_all,
    set_rng_state as set_rng_state,
    set_rng_state_all as set_rng_state_all,
)
from .streams import (
    Event as Event,
    Stream as Stream,
    StreamContext as StreamContext,
    current_stream as current_stream,
    default_stream as default_stream,
    set_stream as set_stream,
    stream as stream,
)

has_half = True
has_magma = False
globals().update(cuda_types())  # FloatTensor and its kin
globals().update(cuda_storages())


class CudaError(RuntimeError):
    """An error of NVIDIA's driver, which XLA reports as its own."""

    def __init__(self, code: int) -> None:
        super().__init__(f"CUDA error ({code})")


class DeferredCudaCallError(Exception):
    """A call that failed when the device was started."""


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
    found = _Device("cuda") if device is None else device
    found = placed(_Device("cuda", found) if isinstance(found, int) else _Device(found))
    if found.type == "cpu":
        raise ValueError(f"Expected a cuda device, but got: {found}")
    return found.index or 0


def current_device() -> int:
    return _index()


def set_device(device: Any) -> None:
    """The device that ``cuda`` without a number means from now on; a negative number changes nothing.

    Raises:
        RuntimeError: there is no such device.
    """
    if not (isinstance(device, int) and device < 0):
        set_current_index(_index(device))


class device(contextlib.AbstractContextManager[None]):
    """``with torch.cuda.device(1):`` the current device inside the block; None changes nothing."""

    def __init__(self, device: Any) -> None:
        self.idx = -1 if device is None or device == -1 else _index(device)
        self.prev_idx = -1

    def __enter__(self) -> None:
        self.prev_idx = current_index()
        set_device(self.idx)

    def __exit__(self, *exc: object) -> None:
        set_current_index(self.prev_idx)


class device_of(device):
    """The device of a tensor as the current one inside the block; a tensor on the CPU changes nothing."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


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
        total_memory=memory.statistic(index, "bytes_limit"),
        multi_processor_count=getattr(accelerators()[index], "core_count", 1),
    )


def get_arch_list() -> list[str]:
    return []


def get_gencode_flags() -> str:
    return ""


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """XLA has bfloat16 everywhere."""
    return is_available()


def is_tf32_supported() -> bool:
    """Whether the device is an NVIDIA GPU of compute capability 8 or later."""
    return is_available() and get_device_capability()[0] >= 8


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Whether one device reads another's memory: XLA copies between those of one process."""
    return _index(device) != _index(peer_device)


def synchronize(device: Any = None) -> None:
    """Runs what is recorded and waits for it.

    Raises:
        RuntimeError: there is no accelerator.
    """
    _index(device)
    _finish()


def is_current_stream_capturing() -> bool:
    return False


_sync_debug_mode = [0]


def set_sync_debug_mode(debug_mode: int | str) -> None:
    """Kept for reading back: 0 default, 1 warn, 2 error.

    Raises:
        RuntimeError, ValueError: there is no accelerator, or no such mode.
    """
    _index()
    names = {"default": 0, "warn": 1, "error": 2}
    if isinstance(debug_mode, str):
        if debug_mode not in names:
            raise RuntimeError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`"
            )
        debug_mode = names[debug_mode]
    _sync_debug_mode[0] = debug_mode


def get_sync_debug_mode() -> int:
    _index()
    return _sync_debug_mode[0]


def __getattr__(name: str) -> Any:
    if name == "default_generators":  # one generator for all devices
        return (default_generator,) * device_count()
    from ..core.unsupported import explain

    raise AttributeError(
        f"module 'torch.cuda' has no attribute '{name}'\n{explain(f'cuda.{name}')}"
    )
