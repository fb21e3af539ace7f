"""``DistributedDataParallel`` among one process: gradients are averaged over one, so they stay."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ...core.errors import missing
from ...distributed.groups import default_group
from ..module import Module
from ..parameter import is_lazy
from .scatter_gather import device_of

__all__ = ["DistributedDataParallel"]


class DistributedDataParallel(Module):
    """Wraps a module as PyTorch does, so that ``module.`` begins the keys of its ``state_dict``.

    Differs: what steers the exchange of gradients (buckets, ``static_graph``,
    ``find_unused_parameters``) changes nothing, since nothing is exchanged.
    Raises:
        ValueError: no process group, or devices that do not fit. RuntimeError: nothing to train.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: Any = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
        delay_all_reduce_named_params: Any = None,
        param_to_hook_all_reduce: Any = None,
        mixed_precision: Any = None,
        device_mesh: Any = None,
        skip_all_reduce_unused_params: bool = False,
    ) -> None:
        super().__init__()
        for name, given in (("mixed_precision", mixed_precision), ("device_mesh", device_mesh)):
            if given is not None:
                raise missing(
                    f"nn.parallel.DistributedDataParallel({name})",
                    "use torch.autocast, jax.sharding",
                )
        self.process_group = default_group() if process_group is None else process_group
        params = list(module.parameters())
        if any(is_lazy(p) for p in params):
            raise RuntimeError(
                "Modules with uninitialized parameters can't be used with `DistributedDataParallel`. "
                "Run a dummy forward pass to correctly initialize the modules"
            )
        if not any(p.requires_grad for p in params):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameter that "
                "requires a gradient."
            )
        if device_ids is not None and len(device_ids) > 1:
            raise ValueError(
                "device_ids can only be None or contain a single element. See more details in the "
                "documentation of DistributedDataParallel."
            )
        devices = {p.device for p in params}
        if device_ids and (len(devices) > 1 or "cpu" in {d.type for d in devices}):
            raise ValueError(
                "DistributedDataParallel device_ids and output_device arguments only work with "
                "single-device/multiple-device GPU modules or CPU modules, but got device_ids "
                f"{device_ids}, output_device {output_device}, and module parameters {devices}."
            )
        self.module = module
        self.dim = dim
        self.device = params[0].device
        self.device_type = self.device.type
        self.device_ids = [device_of(d).index or 0 for d in device_ids] if device_ids else None
        first = None if not self.device_ids else self.device_ids[0]
        self.output_device = first if output_device is None else output_device
        self.broadcast_buffers = broadcast_buffers
        self.find_unused_parameters = find_unused_parameters
        self.gradient_as_bucket_view = gradient_as_bucket_view
        self.static_graph = static_graph
        self.require_backward_grad_sync = True

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """Gradients add up inside, as they do outside."""
        before = self.require_backward_grad_sync
        self.require_backward_grad_sync = False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    @contextlib.contextmanager
    def join(
        self, divide_by_initial_world_size: bool = True, enable: bool = True,
        throw_on_early_termination: bool = False,
    ) -> Iterator[None]:  # fmt: skip
        """Nobody has fewer batches than another."""
        yield

    def register_comm_hook(self, state: object, hook: Callable[..., Any]) -> None:
        """Refused: there are no buckets of gradients to pass to the hook.

        Raises:
            NotImplementedError: always.
        """
        raise missing(
            "nn.parallel.DistributedDataParallel.register_comm_hook",
            "use Tensor.register_post_accumulate_grad_hook on the parameters",
        )
