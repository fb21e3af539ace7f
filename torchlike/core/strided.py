"""New tensors with strides of the caller's choice: views of a new one-dimensional tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .dispatch import invoke
from .dtypes import dtype as DType
from .errors import shape_text
from .shapes import contiguous_strides
from .tensor import Tensor

__all__ = ["empty_permuted", "empty_strided"]


def empty_strided(
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of unspecified numbers with the given strides.  ``-> size``

    Raises:
        RuntimeError: as many strides as dims are needed, none of them negative.
    """
    size, stride = tuple(size), tuple(stride)
    if len(size) != len(stride):
        raise RuntimeError(
            f"dimensionality of sizes ({len(size)}) must match dimensionality of strides "
            f"({len(stride)})"
        )
    if min(size, default=0) < 0:
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {min(size)}: {shape_text(size)}"
        )
    if min(stride, default=0) < 0:
        raise RuntimeError(
            f"Storage size calculation overflowed with sizes={shape_text(size)} and "
            f"strides={shape_text(stride)}"
        )
    last = sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    storage = 0 if 0 in size else last + 1
    found = invoke("empty", storage, dtype=dtype, device=device)
    if stride != contiguous_strides(size):
        found = found.as_strided(size, stride)
    else:
        found = found.view(size)
    return found.requires_grad_(requires_grad)


def empty_permuted(
    size: Sequence[int],
    physical_layout: Sequence[int],
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A tensor of unspecified numbers, its dims laid out in the given order.  ``-> size``

    Raises:
        RuntimeError: the order is no permutation of the dims.
    """
    if len(physical_layout) != len(size):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. "
            f"len(size) = {len(size)} is not equal to len(physical_layout) = {len(physical_layout)}"
        )
    stride, step, seen = [0] * len(size), 1, set()
    for dim in reversed(list(physical_layout)):
        if not 0 <= dim < len(size):
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got "
                f"{dim} at index {list(physical_layout).index(dim)}).  NB: negative dims not "
                "currently supported; file an issue if you want it."
            )
        if dim in seen:
            raise RuntimeError("Duplicate dim not allowed")
        seen.add(dim)
        stride[dim] = step
        step *= max(size[dim], 1)
    return empty_strided(size, stride, dtype=dtype, device=device, requires_grad=requires_grad)


def new_empty_strided(
    self: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """``empty_strided`` with this tensor's dtype and device.  ``-> size``"""
    return empty_strided(
        size,
        stride,
        dtype=dtype or self.dtype,
        device=self.device if device is None else device,
        requires_grad=requires_grad,
    )


def install() -> None:
    """Puts ``new_empty_strided`` on Tensor."""
    Tensor.new_empty_strided = new_empty_strided  # type: ignore[attr-defined]
