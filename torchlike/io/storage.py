"""Tensors over the storages of a checkpoint."""

from __future__ import annotations

import math

from ..api import torch as T
from ..core.build import from_host
from ..core.dtypes import dtype
from ..core.storages import STORAGE_DTYPES, STORAGE_NAMES, TypedStorage, UntypedStorage
from ..core.tensor import Tensor, alias, wrap

__all__ = [
    "STORAGE_DTYPES", "STORAGE_NAMES", "StorageType", "TypedStorage", "UntypedStorage", "tensor_of",
]  # fmt: skip


class StorageType:
    """``torch.FloatStorage`` and the like inside a checkpoint: a dtype's name of old."""

    def __init__(self, name: str) -> None:
        self.dtype = STORAGE_DTYPES[name]

    def __str__(self) -> str:
        return f"StorageType(dtype={self.dtype})"


def tensor_of(
    storage: TypedStorage, of: dtype, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> Tensor:
    """A tensor over a loaded storage; tensors of one storage share their contents.

    Raises:
        RuntimeError: the layout reaches outside the storage.
    """
    untyped = storage._untyped_storage
    _check_layout(offset, size, stride, of.itemsize, untyped.nbytes())
    if untyped.device.type == "meta":
        return meta_tensor(of, size, stride)
    numel = math.prod(size)
    total = untyped.nbytes() // of.itemsize
    whole = offset == 0 and numel == total and _is_contiguous(size, stride)
    root = untyped._root
    if root is None or root.dtype is not of:
        flat = untyped.numpy()[: total * of.itemsize].view(of.np)
        root = from_host(flat.reshape(size) if whole else flat, dtype=of, device=untyped.device)
        untyped._root = wrap(root._v)
        untyped._root._storage = root._storage
        if whole:
            return root
    if whole and tuple(untyped._root.shape) == size:  # type: ignore[union-attr]
        return alias(root, Tensor)
    # Loaded tensors share memory, but to autograd they are no views of each other
    return alias(T.as_strided(root, size, stride, offset), Tensor)


def meta_tensor(of: dtype, size: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """A tensor without numbers."""
    if _is_contiguous(size, stride):
        return T.empty(size, dtype=of, device="meta")
    extent = 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    return alias(T.as_strided(T.empty(extent, dtype=of, device="meta"), size, stride), Tensor)


def _is_contiguous(size: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    expected = 1
    for n, s in zip(reversed(size), reversed(stride), strict=True):
        if n != 1 and s != expected:
            return False
        expected *= max(n, 1)
    return True


def _check_layout(
    offset: int, size: tuple[int, ...], stride: tuple[int, ...], itemsize: int, nbytes: int
) -> None:
    if len(size) != len(stride):
        raise RuntimeError(
            f"mismatch in length of strides and shape. Got {len(stride)} strides and "
            f"{len(size)} sizes"
        )
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    for n, s in zip(size, stride, strict=True):
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(size)}")
        if s < 0:
            raise RuntimeError(
                "as_strided: Negative strides are not supported at the moment, "
                f"got strides: {list(stride)}"
            )
    if 0 in size:
        return
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if (last + 1) * itemsize > nbytes:
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and "
            f"itemsize {itemsize} requiring a storage size of {(last + 1) * itemsize} are out of "
            f"bounds for storage of size {nbytes}"
        )
