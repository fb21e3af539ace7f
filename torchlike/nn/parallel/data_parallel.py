"""One process, several accelerators."""

from __future__ import annotations

from typing import Any

from ...core.device import accelerators
from ..module import Module

__all__ = ["DataParallel", "data_parallel"]


class DataParallel(Module):
    """Wraps a module whose batch is to be spread over accelerators.

    Differs: the whole batch runs on the first accelerator; the numbers are the same.
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        self.module = module
        if not accelerators():
            self.device_ids: list[int] = []
            return
        ids = list(range(len(accelerators()))) if device_ids is None else device_ids
        self.device_ids = [d if isinstance(d, int) else (d.index or 0) for d in ids]
        self.output_device = self.device_ids[0] if output_device is None else output_device
        self.dim = dim
        self.module.to(f"cuda:{self.device_ids[0]}")

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        if not self.device_ids:
            return self.module(*inputs, **kwargs)
        device = f"cuda:{self.device_ids[0]}"
        moved = [_moved(x, device) for x in inputs]
        return self.module(*moved, **{k: _moved(v, device) for k, v in kwargs.items()})


def _moved(value: Any, device: str) -> Any:
    if hasattr(value, "dtype") and hasattr(value, "to"):
        return value.to(device)
    if isinstance(value, dict):
        return {k: _moved(v, device) for k, v in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(_moved(v, device) for v in value)
    return value


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Any = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: Any = None,
) -> Any:
    """``DataParallel(module)(*inputs)``"""
    args = inputs if isinstance(inputs, tuple) else (inputs,)
    return DataParallel(module, device_ids, output_device, dim)(*args, **(module_kwargs or {}))
