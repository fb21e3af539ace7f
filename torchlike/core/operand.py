"""Tensors as host code sees them: in ``check``, ``prepare`` and host ops."""

from __future__ import annotations

from typing import Any

from .modes import modes
from .signature import DEFAULT
from .tensor import Tensor
from .value import on_host


class Operand:
    """A tensor as host code sees it; only ``numpy()`` waits for its numbers."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensor._v.aval.shape

    @property
    def ndim(self) -> int:
        return self.tensor._v.aval.ndim

    @property
    def dtype(self) -> Any:
        return self.tensor._v.aval.dtype

    @property
    def device(self) -> Any:
        return self.tensor._v.aval.device

    def numpy(self) -> Any:
        """The numbers, read-only."""
        if modes.capture is not None:
            modes.capture.looked(self.tensor)
        return on_host(self.tensor._v)


def operands_of(x: Any) -> Any:
    """Arguments as host code sees them."""
    if isinstance(x, Tensor):
        return Operand(x)
    if isinstance(x, (list, tuple)) and any(isinstance(e, Tensor) for e in x):
        return [operands_of(e) for e in x]
    return None if x is DEFAULT else x


def is_traced(x: Any) -> bool:
    if isinstance(x, Tensor):
        return x._v.aval.traced
    return isinstance(x, (list, tuple)) and any(is_traced(e) for e in x)
