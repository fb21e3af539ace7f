"""Batches cut over devices, and put together again; gradients take the same way back."""

from __future__ import annotations

from typing import Any

from ...api import torch as T
from ...core.device import device as Device
from ...core.tensor import Tensor

__all__ = ["gather", "scatter", "scatter_kwargs"]


def device_of(x: Any) -> Device:
    """``0`` and ``"cuda:0"`` are the first accelerator; -1 and ``"cpu"`` the CPU."""
    return Device("cpu") if x == -1 else Device("cuda", x) if isinstance(x, int) else Device(x)


def _pieces(x: Any, devices: list[Device], dim: int) -> list[Any]:
    """One per device; fewer if there are not enough rows."""
    if isinstance(x, Tensor):
        parts = T.chunk(x, len(devices), dim)
        return [part.to(d) for part, d in zip(parts, devices, strict=False)]
    if isinstance(x, (list, tuple)) and x:
        each = zip(*[_pieces(e, devices, dim) for e in x], strict=False)
        if hasattr(x, "_fields"):
            return [type(x)(*parts) for parts in each]
        return [type(x)(parts) for parts in each]
    if isinstance(x, dict) and x:
        each = zip(*[_pieces(e, devices, dim) for e in x.values()], strict=False)
        return [type(x)(zip(x, parts, strict=True)) for parts in each]
    return [x for _ in devices]


def scatter(inputs: Any, target_gpus: Any, dim: int = 0) -> Any:
    """Tensors cut along ``dim``, one piece per device; anything else goes to all."""
    return _pieces(inputs, [device_of(d) for d in target_gpus], dim)


def scatter_kwargs(
    inputs: tuple[Any, ...], kwargs: dict[str, Any] | None, target_gpus: Any, dim: int = 0
) -> tuple[tuple[Any, ...], tuple[dict[str, Any], ...]]:
    """Positional and named arguments for each device, as many of the one as of the other."""
    args = scatter(inputs, target_gpus, dim) if inputs else []
    named = scatter(kwargs, target_gpus, dim) if kwargs else []
    count = max(len(args), len(named))
    args += [()] * (count - len(args))
    named += [{} for _ in range(count - len(named))]
    return tuple(args), tuple(named)


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """The devices' results as one, on ``target_device``.

    Raises:
        ValueError: dicts with different keys.
    """
    first = outputs[0]
    if isinstance(first, Tensor):
        on = device_of(target_device)
        rows = [t.reshape(1) if t.dim() == 0 and dim == 0 else t for t in outputs]
        return T.cat([t.to(on) for t in rows], dim)
    if first is None:
        return None
    if isinstance(first, dict):
        if any(len(first) != len(d) for d in outputs):
            raise ValueError("All dicts must have the same number of keys")
        return type(first)((k, gather([d[k] for d in outputs], target_device, dim)) for k in first)
    each = [gather(parts, target_device, dim) for parts in zip(*outputs, strict=True)]
    return type(first)(*each) if hasattr(first, "_fields") else type(first)(each)
