"""``torch.cuda.memory``: what JAX counts of a device's memory."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import Any

from ..core.device import accelerators, device as _Device, placed


def _index(device: Any) -> int:
    found = _Device("cuda") if device is None else device
    found = placed(_Device("cuda", found) if isinstance(found, int) else _Device(found))
    if found.type == "cpu":
        raise ValueError(f"Expected a cuda device, but got: {found}")
    return found.index or 0


def _is_available() -> bool:
    return len(accelerators()) > 0


def statistic(device: Any, name: str) -> int:
    found = accelerators()[_index(device)].memory_stats()
    return int((found or {}).get(name, 0))


def memory_allocated(device: Any = None) -> int:
    """Bytes in use; 0 where JAX does not count (simulated devices)."""
    return statistic(device, "bytes_in_use") if _is_available() else 0


# XLA never resets its peaks: what they were, and how much was in use, at the last reset
_resets: dict[int, tuple[int, int]] = {}


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes in use so far, or since the last ``reset_peak_memory_stats``.

    Differs: after a reset, a peak below that of before is known by what is in use only.
    """
    if not _is_available():
        return 0
    peak, now = statistic(device, "peak_bytes_in_use"), memory_allocated(device)
    before, then = _resets.get(_index(device), (-1, 0))
    return peak if peak > before else max(now, then)


def memory_reserved(device: Any = None) -> int:
    """Bytes that XLA's allocator holds."""
    if not _is_available():
        return 0
    return statistic(device, "bytes_reserved") or memory_allocated(device)


def max_memory_reserved(device: Any = None) -> int:
    return max(memory_reserved(device), max_memory_allocated(device))


def memory_cached(device: Any = None) -> int:
    warnings.warn(
        "`torch.cuda.memory_cached` has been renamed to `torch.cuda.memory_reserved`",
        FutureWarning,
        stacklevel=2,
    )
    return memory_reserved(device)


def max_memory_cached(device: Any = None) -> int:
    warnings.warn(
        "`torch.cuda.max_memory_cached` has been renamed to `torch.cuda.max_memory_reserved`",
        FutureWarning,
        stacklevel=2,
    )
    return max_memory_reserved(device)


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """(free, total) bytes."""
    total = statistic(device, "bytes_limit")
    return total - memory_allocated(device), total


def memory_stats_as_nested_dict(device: Any = None) -> dict[str, Any]:
    """XLA's counters by PyTorch's names, as far as both count the same, and all of them below ``jax``."""
    if not _is_available():
        return {}
    index = _index(device)
    counted = dict(accelerators()[index].memory_stats() or {})
    bytes_in_use = {"current": memory_allocated(index), "peak": max_memory_allocated(index)}
    reserved = {"current": memory_reserved(index), "peak": max_memory_reserved(index)}
    return {
        "active_bytes": {"all": bytes_in_use},
        "allocated_bytes": {"all": bytes_in_use},
        "allocation": {"all": {"allocated": int(counted.get("num_allocs", 0))}},
        "jax": counted,
        "num_alloc_retries": 0,
        "num_ooms": 0,
        "requested_bytes": {"all": bytes_in_use},
        "reserved_bytes": {"all": reserved},
    }


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    """``memory_stats_as_nested_dict`` with dotted names: ``allocated_bytes.all.peak``."""
    found: dict[str, Any] = {}

    def flatten(prefix: str, x: Any) -> None:
        if isinstance(x, dict):
            for name, value in x.items():
                flatten(f"{prefix}.{name}" if prefix else name, value)
        else:
            found[prefix] = x

    flatten("", memory_stats_as_nested_dict(device))
    return OrderedDict(sorted(found.items()))


def host_memory_stats_as_nested_dict() -> dict[str, Any]:
    """XLA does not count what it holds on the host."""
    return {}


def host_memory_stats() -> OrderedDict[str, Any]:
    """XLA does not count what it holds on the host."""
    return OrderedDict()


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """A table of ``memory_stats``; abbreviated, without JAX's own names."""
    rows = memory_stats(device).items()
    shown = [(k, v) for k, v in rows if not (abbreviated and k.startswith("jax."))]
    width = max([len(k) for k, _ in shown], default=0)
    return "\n".join(f"{k:<{width}}  {v:>16,}" if isinstance(v, int) else f"{k:<{width}}  {v!s:>16}"
                     for k, v in shown)  # fmt: skip


def memory_snapshot(mempool_id: Any = None, include_traces: bool = True) -> list[dict[str, Any]]:
    """The live arrays of JAX, each as a segment of its own."""
    import jax

    return [
        {"device": device.id, "total_size": array.nbytes, "allocated_size": array.nbytes,
         "shape": array.shape, "dtype": str(array.dtype)}
        for array in jax.live_arrays() for device in array.devices()
    ]  # fmt: skip


def list_gpu_processes(device: Any = None) -> str:
    """The processes on a GPU, as NVIDIA's library lists them."""
    try:
        import pynvml  # type: ignore[import-not-found]
    except ModuleNotFoundError:
        return "pynvml module not found, please install nvidia-ml-py"
    pynvml.nvmlInit()
    index = _index(device)
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    lines = [f"GPU:{index}"]
    for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle):
        used = process.usedGpuMemory / 2**20
        lines.append(f"process {process.pid:>10d} uses {used:>12.3f} MB GPU memory")
    return "\n".join(lines if len(lines) > 1 else [*lines, "no processes are running"])


def empty_cache() -> None:
    """Frees the memory of tensors that only wait for Python's garbage collector.

    Differs: XLA's allocator gives nothing back to the system before the process ends.
    """
    import gc

    gc.collect()


def ipc_collect() -> None:
    """There are no shared device handles to collect."""


def reset_peak_memory_stats(device: Any = None) -> None:
    """``max_memory_allocated`` begins anew; see there."""
    if _is_available():
        now = memory_allocated(device)
        _resets[_index(device)] = statistic(device, "peak_bytes_in_use"), now


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """XLA's counters can't be reset."""


def reset_peak_host_memory_stats() -> None:
    """XLA does not count what it holds on the host."""


def reset_accumulated_host_memory_stats() -> None:
    """XLA does not count what it holds on the host."""


def reset_max_memory_allocated(device: Any = None) -> None:
    """``reset_peak_memory_stats`` by its old name."""
    _warn_reset("allocated")
    reset_peak_memory_stats(device)


def reset_max_memory_cached(device: Any = None) -> None:
    """``reset_peak_memory_stats`` by its old name."""
    _warn_reset("cached")
    reset_peak_memory_stats(device)


def _warn_reset(what: str) -> None:
    warnings.warn(
        f"torch.cuda.reset_max_memory_{what} now calls torch.cuda.reset_peak_memory_stats, which resets "
        "/all/ peak memory stats.",
        FutureWarning,
        stacklevel=3,
    )
