"""``torch.autograd.grad_mode``."""

from __future__ import annotations

from typing import Any

from ..core.modes import (
    ContextDecorator,
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from ..core.tensor import Tensor


class _Switch(ContextDecorator):
    """Sets a switch at once; as a context, until its end."""

    state = [True]

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._before = self.state[0]
        self.state[0] = mode

    def __enter__(self) -> None:
        self.state[0] = self.mode

    def __exit__(self, *exc: object) -> None:
        self.state[0] = self._before

    def clone(self) -> Any:
        return self.__class__(self.mode)


class set_multithreading_enabled(_Switch):
    """Kept for reading back: backward is recorded by one thread, and XLA runs it on all cores."""

    state = [True]


class enforce_grad_layout_policy(_Switch):
    """Kept for reading back: here a gradient's layout is XLA's choice and its strides are contiguous."""

    state = [True]

    def __init__(self, enable: bool = True) -> None:
        super().__init__(enable)


class _force_original_view_tracking(_Switch):
    """Kept for reading back: views are always replayed from their base."""

    state = [False]


class _unsafe_preserve_version_counter(ContextDecorator):
    """Inside, writes to these tensors are not counted."""

    def __init__(self, tensors: Tensor | tuple[Tensor, ...]) -> None:
        self.tensors = (tensors,) if isinstance(tensors, Tensor) else tensors
        if not isinstance(self.tensors, tuple):
            raise AssertionError("Expected tensors to be a tuple")
        self._before = tuple([t._version for t in self.tensors])

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        for t, version in zip(self.tensors, self._before, strict=True):
            t._storage.version = version


def is_multithreading_enabled() -> bool:
    """What ``set_multithreading_enabled`` was set to."""
    return set_multithreading_enabled.state[0]


def is_view_replay_enabled() -> bool:
    """What ``_force_original_view_tracking`` was set to."""
    return _force_original_view_tracking.state[0]
