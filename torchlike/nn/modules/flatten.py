"""Merging dims, and splitting one."""

from __future__ import annotations

from typing import Any

from ...core.tensor import Tensor
from ..module import Module

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """Merges the dims from ``start_dim`` to ``end_dim``.  ``(N, *) -> (N, product)``"""

    start_dim: int
    end_dim: int

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits ``dim`` into ``unflattened_size``.  ``(N, product) -> (N, *)``

    Raises:
        TypeError: the size is no tuple of ints (of (name, int) pairs for a named dim).
    """

    def __init__(self, dim: Any, unflattened_size: Any) -> None:
        super().__init__()
        _require_sizes(unflattened_size)
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


def _require_sizes(sizes: Any) -> None:
    if not isinstance(sizes, tuple | list):
        raise TypeError(
            f"unflattened_size must be a tuple of ints, but found type {type(sizes).__name__}"
        )
    for i, elem in enumerate(sizes):
        if not isinstance(elem, int):
            raise TypeError(
                "unflattened_size must be tuple of ints, but found element of type "
                f"{type(elem).__name__} at pos {i}"
            )
