"""``torch.UntypedStorage`` and ``TypedStorage``: bytes on a device, as checkpoints know them.

A facade: it serves ``torch.load``'s ``map_location``, and code that asks a tensor's storage for its size,
device or identity. What a tensor computes with is a ``core.tensor.Storage``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..api import torch as T
from ..core import dtypes
from ..core.build import from_host
from ..core.device import cpu, device as Device, placed
from ..core.dtypes import dtype
from ..core.tensor import Storage, Tensor, alias, wrap
from ..core.value import Value, on_host

STORAGE_DTYPES = {
    "DoubleStorage": dtypes.float64, "FloatStorage": dtypes.float32, "HalfStorage": dtypes.float16,
    "LongStorage": dtypes.int64, "IntStorage": dtypes.int32, "ShortStorage": dtypes.int16,
    "CharStorage": dtypes.int8, "ByteStorage": dtypes.uint8, "BoolStorage": dtypes.bool_,
    "BFloat16Storage": dtypes.bfloat16, "ComplexDoubleStorage": dtypes.complex128,
    "ComplexFloatStorage": dtypes.complex64, "UntypedStorage": dtypes.uint8,
}  # fmt: skip
STORAGE_NAMES = {v: k for k, v in STORAGE_DTYPES.items() if k != "UntypedStorage"}


class UntypedStorage:
    """Bytes on a device."""

    def __init__(self, size: Any = 0, *, device: Any = None) -> None:
        self._device = cpu if device is None else placed(Device(device))
        self._array: np.ndarray | None = (
            np.zeros(size, np.uint8) if isinstance(size, int) else np.asarray(list(size), np.uint8)
        )
        self._owner: Storage | None = None
        self._root: Tensor | None = None

    @classmethod
    def of_array(cls, array: np.ndarray, on: Device) -> UntypedStorage:
        """Takes over an array of bytes."""
        made = cls(0)
        made._array, made._device = array, on
        return made

    @classmethod
    def of_tensor(cls, tensor: Tensor) -> UntypedStorage:
        """The storage that a tensor shares with its views."""
        made = cls(0)
        made._array, made._device, made._owner = None, tensor.device, tensor._storage
        return made

    @property
    def device(self) -> Device:
        return self._device

    def numpy(self) -> np.ndarray:
        """The bytes, read-only where a tensor owns them."""
        if self._owner is not None:
            return np.ascontiguousarray(on_host(self._owner.value)).reshape(-1).view(np.uint8)
        assert self._array is not None
        return self._array

    def nbytes(self) -> int:
        if self._owner is not None:
            a = self._owner.value.aval
            return a.numel * a.dtype.itemsize
        assert self._array is not None
        return self._array.nbytes

    size = nbytes
    __len__ = nbytes

    def element_size(self) -> int:
        return 1

    def data_ptr(self) -> int:
        """A number that tells storages apart; 0 if there are no bytes."""
        if self.nbytes() == 0:
            return 0
        return id(self._owner) if self._owner is not None else id(self._array)

    @property
    def _cdata(self) -> int:
        return id(self._owner) if self._owner is not None else id(self)

    @property
    def is_cuda(self) -> bool:
        return self._device.type == "cuda"

    def is_shared(self) -> bool:
        return self.is_cuda

    def tolist(self) -> list[int]:
        return self.numpy().tolist()

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return UntypedStorage.of_array(self.numpy()[index], self._device)
        return int(self.numpy()[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        array = self.numpy().copy()
        array[index] = value
        self._replace(array)

    def _replace(self, array: np.ndarray) -> None:
        if self._owner is None:
            self._array = array
            return
        a = self._owner.value.aval
        new = from_host(array.view(a.dtype.np).reshape(a.shape), device=self._device)
        self._owner.value = new._v
        self._owner.epoch += 1

    def copy_(self, source: Any, non_blocking: bool | None = None) -> UntypedStorage:
        self._replace(source.numpy().copy())
        return self

    def clone(self) -> UntypedStorage:
        return UntypedStorage.of_array(self.numpy().copy(), self._device)

    def to(self, *, device: Any, non_blocking: bool = False) -> UntypedStorage:
        """The same bytes on another device."""
        on = placed(Device(device))
        return self if on is self._device else UntypedStorage.of_array(self.numpy(), on)

    def cpu(self) -> UntypedStorage:
        return self.to(device=cpu)

    def cuda(self, device: Any = None, non_blocking: bool = False) -> UntypedStorage:
        if device is None:
            device = "cuda"
        return self.to(device=Device("cuda", device) if isinstance(device, int) else device)

    def refresh(self) -> None:
        """Lets tensors see bytes that were filled in after they were made."""
        root = self._root
        if root is not None:
            storage = root._storage
            flat = self.numpy()[: storage.value.aval.numel * root.dtype.itemsize]
            array = flat.view(root.dtype.np).reshape(storage.value.aval.shape)
            storage.value = Value(storage.value.aval, array)
            storage.epoch += 1

    def byteswap(self, of: dtype) -> None:
        """Turns big-endian numbers into little-endian ones."""
        unit = of.itemsize // (2 if of.is_complex else 1)
        self._array = self.numpy().reshape(-1, unit)[:, ::-1].reshape(-1).copy()

    def __repr__(self) -> str:
        lines = "\n ".join(str(n) for n in self.tolist())
        return (
            f" {lines}\n[torch.storage.UntypedStorage(device={self._device}) of size {self.nbytes()}]"
        )


class TypedStorage:
    """A storage with the dtype of its elements."""

    def __init__(self, *, wrap_storage: UntypedStorage, dtype: dtype) -> None:
        self._untyped_storage = wrap_storage
        self.dtype = dtype

    def untyped(self) -> UntypedStorage:
        return self._untyped_storage

    @property
    def device(self) -> Device:
        return self._untyped_storage.device

    @property
    def is_cuda(self) -> bool:
        return self._untyped_storage.is_cuda

    def size(self) -> int:
        return self._untyped_storage.nbytes() // self.dtype.itemsize

    _size = size
    __len__ = size

    def nbytes(self) -> int:
        return self._untyped_storage.nbytes()

    def element_size(self) -> int:
        return self.dtype.itemsize

    def data_ptr(self) -> int:
        return self._untyped_storage.data_ptr()

    _data_ptr = data_ptr

    def tolist(self) -> list[Any]:
        return self._untyped_storage.numpy().view(self.dtype.np).tolist()

    def __getitem__(self, index: Any) -> Any:
        found = self._untyped_storage.numpy().view(self.dtype.np)[index]
        return found.tolist()

    def cpu(self) -> TypedStorage:
        return TypedStorage(wrap_storage=self._untyped_storage.cpu(), dtype=self.dtype)

    def cuda(self, device: Any = None, non_blocking: bool = False) -> TypedStorage:
        moved = self._untyped_storage.cuda(device, non_blocking)
        return TypedStorage(wrap_storage=moved, dtype=self.dtype)

    def _pickle_storage_type(self) -> str:
        return STORAGE_NAMES[self.dtype]

    def __repr__(self) -> str:
        lines = "\n ".join(str(n) for n in self.tolist())
        return (
            f" {lines}\n[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) "
            f"of size {self.size()}]"
        )


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
        return T.empty_strided(size, stride, dtype=of, device="meta")
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
    return _detached(T.as_strided(root, size, stride, offset))


def _detached(view: Tensor) -> Tensor:
    """The view as a tensor of its own history; loaded tensors are no views to autograd."""
    found = alias(view, Tensor)
    if "_layout" in view.__dict__:
        found.__dict__["_layout"] = view.__dict__["_layout"]
    return found


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
            f"mismatch in length of strides and shape. Got {len(stride)} strides and {len(size)} sizes"
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
