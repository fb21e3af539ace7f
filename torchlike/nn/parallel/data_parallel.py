"""One process, several accelerators: each runs a copy of the module on its part of the batch."""

from __future__ import annotations

from itertools import chain
from typing import Any

from ...core.device import accelerators
from ..module import Module
from .parallel_apply import parallel_apply
from .replicate import replicate
from .scatter_gather import device_of, gather, scatter_kwargs

__all__ = ["DataParallel", "data_parallel"]


class DataParallel(Module):
    """Wraps a module; batches are cut along ``dim`` over the accelerators.

    Raises:
        RuntimeError: a parameter is not on the first of them.
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
        if not ids:
            raise RuntimeError("no available devices were found")
        self.dim = dim
        self.device_ids = [device_of(d).index or 0 for d in ids]
        first = ids[0] if output_device is None else output_device
        self.output_device = device_of(first).index or 0
        self.src_device_obj = device_of(self.device_ids[0])
        if len(self.device_ids) == 1:
            self.module.to(self.src_device_obj)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        if not self.device_ids:
            return self.module(*inputs, **kwargs)
        for t in chain(self.module.parameters(), self.module.buffers()):
            if t.device != self.src_device_obj:
                raise RuntimeError(
                    "module must have its parameters and buffers on device "
                    f"{self.src_device_obj} (device_ids[0]) but found one of them on device: {t.device}"
                )
        args, named = self.scatter(inputs, kwargs, self.device_ids)
        if not args:
            args, named = ((),), ({},)
        if len(self.device_ids) == 1:
            return self.module(*args[0], **named[0])
        copies = self.replicate(self.module, self.device_ids[: len(args)])
        return self.gather(self.parallel_apply(copies, args, named), self.output_device)

    def replicate(self, module: Module, device_ids: Any) -> list[Module]:
        return replicate(module, device_ids)

    def scatter(self, inputs: Any, kwargs: Any, device_ids: Any) -> Any:
        return scatter_kwargs(inputs, kwargs, device_ids, dim=self.dim)

    def parallel_apply(self, replicas: Any, inputs: Any, kwargs: Any) -> list[Any]:
        return parallel_apply(replicas, inputs, kwargs, self.device_ids[: len(replicas)])

    def gather(self, outputs: Any, output_device: Any) -> Any:
        return gather(outputs, output_device, dim=self.dim)


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
