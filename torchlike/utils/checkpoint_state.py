"""The modes and random numbers of a checkpoint's first computation, kept for its second."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from ..amp.autocast_mode import autocast
from ..core.autocast import (
    get_autocast_dtype,
    is_autocast_available,
    is_autocast_cache_enabled,
    is_autocast_enabled,
)
from ..core.device import accelerators, default_device
from ..core.rng import default_generator
from ..core.tensor import Tensor


class DefaultDeviceType:
    """The device type whose random state is kept if no argument is on an accelerator."""

    _default_device_type: str | None = None

    @staticmethod
    def set_device_type(device: str = "cuda") -> None:
        DefaultDeviceType._default_device_type = device

    @staticmethod
    def get_device_type() -> str:
        if not DefaultDeviceType._default_device_type:
            DefaultDeviceType._default_device_type = "cuda" if accelerators() else "cpu"
        return DefaultDeviceType._default_device_type


def tensors_in(tree: Any) -> Iterator[Tensor]:
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, dict):
        yield from tensors_in(list(tree.values()))
    elif isinstance(tree, (list, tuple)):
        for x in tree:
            yield from tensors_in(x)


def _infer_device_type(*args: Any) -> str:
    found = [t.device.type for t in tensors_in(args) if t.device.type != "cpu"]
    if not found:
        return DefaultDeviceType.get_device_type()
    if len(set(found)) > 1:
        warnings.warn(
            "Tensor arguments, excluding CPU tensors, are detected on at least two types of devices. "
            "Device state will only be saved for devices of a single device type, and the remaining "
            "devices will be ignored. Consequently, if any checkpointed functions involve randomness, "
            "this may result in incorrect gradients. (Note that if CUDA devices are among the devices "
            "detected, it will be prioritized; otherwise, the first device encountered will be selected.)"
            f"\nDevice types: {sorted(set(found))} first device type: {found[0]}",
            UserWarning,
            stacklevel=3,
        )
    return "cuda" if "cuda" in found else found[0]


def get_device_states(*args: Any) -> tuple[list[int], list[Tensor]]:
    """The accelerators that the arguments are on, and their random states."""
    ids = {t.get_device() for t in tensors_in(args) if t.device.type not in ("cpu", "meta")}
    return sorted(ids), [default_generator.get_state() for _ in ids]


def set_device_states(devices: Any, states: Any, *, device_type: str | None = None) -> None:
    """Puts random states back."""
    if device_type != "meta":
        for state in states:
            default_generator.set_state(state)


@contextlib.contextmanager
def _random_state(state: Tensor | None) -> Iterator[None]:
    """That random state inside, the present one afterwards."""
    if state is None:
        yield
        return
    before = default_generator.get_state()
    default_generator.set_state(state)
    try:
        yield
    finally:
        default_generator.set_state(before)


class Surroundings:
    """The modes of the first computation, for the second."""

    def __init__(self, preserve_rng_state: bool, args: tuple[Any, ...]) -> None:
        self.random = default_generator.get_state() if preserve_rng_state else None
        self.device = default_device()
        kind = _infer_device_type(*args)
        self.casts = [
            (d, is_autocast_enabled(d), get_autocast_dtype(d), is_autocast_cache_enabled())
            for d in dict.fromkeys((kind, "cpu"))
            if is_autocast_available(d)
        ]

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(_random_state(self.random))
            for device_type, enabled, dtype, caches in self.casts:
                stack.enter_context(autocast(device_type, dtype, enabled, caches))
            if self.device is not default_device():
                stack.enter_context(self.device)
            yield
