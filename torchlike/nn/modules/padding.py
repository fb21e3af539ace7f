"""Padding; the tuple starts with the last dim: (left, right, top, bottom, front, back)."""

from __future__ import annotations

from typing import Any

from ...core.tensor import Tensor
from .. import functional as F
from ..module import Module
from .utils import _ntuple

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d",
    "ConstantPad3d", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d",
    "ReplicationPad2d", "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip


class _Pad(Module):
    """Pads both ends of ``spatial`` dims, by ``mode``."""

    spatial: int = 0
    mode: str = ""

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self.spatial)(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _CircularPadNd(_Pad):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (self.spatial + 1, self.spatial + 2):
            raise ValueError(
                f"expected {self.spatial + 1}D or {self.spatial + 2}D input (got {input.dim()}D "
                "input)"
            )
        return super().forward(input)


class CircularPad1d(_CircularPadNd):
    """Continues with the other end.  ``(N, C, L) -> (N, C, L')``, also without N"""

    spatial = 1


class CircularPad2d(_CircularPadNd):
    """Continues with the other end.  ``(N, C, H, W) -> (N, C, H', W')``, also without N"""

    spatial = 2


class CircularPad3d(_CircularPadNd):
    """Continues with the other end.  ``(N, C, D, H, W) -> (N, C, D', H', W')``, also without N"""

    spatial = 3


class _ConstantPadNd(Module):
    spatial: int = 0

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self.spatial)(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """Continues with ``value``.  ``(N, C, L) -> (N, C, L')``, also without N"""

    spatial = 1


class ConstantPad2d(_ConstantPadNd):
    """Continues with ``value``.  ``(N, C, H, W) -> (N, C, H', W')``, also without N"""

    spatial = 2


class ConstantPad3d(_ConstantPadNd):
    """Continues with ``value``.  ``(N, C, D, H, W) -> (N, C, D', H', W')``, also without N"""

    spatial = 3


class _ReflectionPadNd(_Pad):
    mode = "reflect"


class ReflectionPad1d(_ReflectionPadNd):
    """Mirrors at the edge element.  ``(N, C, L) -> (N, C, L')``, also without N"""

    spatial = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Mirrors at the edge element.  ``(N, C, H, W) -> (N, C, H', W')``, also without N"""

    spatial = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Mirrors at the edge element.  ``(N, C, D, H, W) -> (N, C, D', H', W')``, also without N"""

    spatial = 3


class _ReplicationPadNd(_Pad):
    mode = "replicate"


class ReplicationPad1d(_ReplicationPadNd):
    """Repeats the edge element.  ``(N, C, L) -> (N, C, L')``, also without N"""

    spatial = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Repeats the edge element.  ``(N, C, H, W) -> (N, C, H', W')``, also without N"""

    spatial = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Repeats the edge element.  ``(N, C, D, H, W) -> (N, C, D', H', W')``, also without N"""

    spatial = 3


class ZeroPad1d(ConstantPad1d):
    """Continues with 0.  ``(N, C, L) -> (N, C, L')``, also without N"""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Continues with 0.  ``(N, C, H, W) -> (N, C, H', W')``, also without N"""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Continues with 0.  ``(N, C, D, H, W) -> (N, C, D', H', W')``, also without N"""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"
