"""Memory formats: XLA chooses layouts by itself, so these leave the weights as they are."""

from __future__ import annotations

from typing import Any

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def _converted(module: Any, memory_format: Any, dims: int) -> Any:
    from ..modules.conv import _ConvNd

    for m in module.modules():
        if isinstance(m, _ConvNd) and m.weight.dim() == dims:
            m.weight.data = m.weight.detach().clone().contiguous(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Gives every Conv2d's weight a memory format."""
    return _converted(module, memory_format, 4)


def convert_conv3d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Gives every Conv3d's weight a memory format."""
    return _converted(module, memory_format, 5)
