"""``torch.UntypedStorage`` and ``TypedStorage``: bytes on a device, as checkpoints know them.

A facade: it serves ``torch.load``'s ``map_location``, and code that asks a tensor's storage for
its size, device or identity. What a tensor computes with is a ``tensor.Storage``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import dtypes
from .build import from_host
from .device import cpu, device as Device, placed
from .dtypes import dtype
from .errors import missing, warn_once
from .tensor import Storage, Tensor
from .value import Value, on_host

__all__ = [
    "BFloat16Storage", "BoolStorage", "ByteStorage", "CharStorage", "ComplexDoubleStorage", "ComplexFloatStorage",
    "DoubleStorage", "FloatStorage", "HalfStorage", "IntStorage", "LongStorage", "ShortStorage", "TypedStorage",
    "UntypedStorage",
]  # fmt: skip
STORAGE_DTYPES = {
    "DoubleStorage": dtypes.float64, "FloatStorage": dtypes.float32, "HalfStorage": dtypes.float16,
    "LongStorage": dtypes.int64, "IntStorage": dtypes.int32, "ShortStorage": dtypes.int16,
    "CharStorage": dtypes.int8, "ByteStorage": dtypes.uint8, "BoolStorage": dtypes.bool_,
    "BFloat16Storage": dtypes.bfloat16, "ComplexDoubleStorage": dtypes.complex128,
    "ComplexFloatStorage": dtypes.complex64, "UntypedStorage": dtypes.uint8,
}  # fmt: skip
_TYPED_IS_OLD = (
    "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only "
    "storage class. This should only matter to you if you are using storages directly.  To access "
    "UntypedStorage directly, use tensor.untyped_storage() instead of tensor.storage()"
)
STORAGE_NAMES = {v: k for k, v in STORAGE_DTYPES.items() if k != "UntypedStorage"}


def typed_class(of: dtype) -> Any:
    """``torch.FloatStorage`` of float32."""
    return TYPED[STORAGE_NAMES[of]]


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
    def from_file(cls, filename: str, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The first bytes of a file, mapped.

        Raises:
            NotImplementedError: ``shared``, with which writes would reach the file.
        """
        if shared:
            raise missing("UntypedStorage.from_file(shared=True)", "write the file with torch.save")
        return cls.of_array(np.memmap(filename, np.uint8, "c", shape=(nbytes,)), cpu)

    def untyped(self) -> UntypedStorage:
        return self

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
        return id(self._array if self._owner is None else self._owner) << 12

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
            f" {lines}\n[torch.storage.UntypedStorage(device={self._device}) of size "
            f"{self.nbytes()}]"
        )


class TypedStorage:
    """A storage with the dtype of its elements."""

    def __init__(
        self, *args: Any, wrap_storage: UntypedStorage | None = None, dtype: dtype | None = None,
        device: Any = None,
    ) -> None:  # fmt: skip
        of = dtypes.default_dtype() if dtype is None else dtype
        if wrap_storage is None:
            wrap_storage = _bytes_of(args, of, device)
        self._untyped_storage = wrap_storage
        self.dtype = of

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

    def _numbers(self) -> np.ndarray:
        return self._untyped_storage.numpy().view(self.dtype.np)

    def tolist(self) -> list[Any]:
        return self._numbers().tolist()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self._numbers()[index].tolist()

    def __setitem__(self, index: Any, value: Any) -> None:
        array = self._numbers().copy()
        array[index] = list(value) if isinstance(value, TypedStorage) else value
        self._untyped_storage._replace(array.view(np.uint8))

    def fill_(self, value: Any) -> TypedStorage:
        self[:] = value
        return self

    def copy_(self, source: TypedStorage, non_blocking: bool | None = None) -> TypedStorage:
        self[:] = source._numbers()
        return self

    def clone(self) -> TypedStorage:
        return type(self)._around(self._untyped_storage.clone(), self.dtype)

    @classmethod
    def _around(cls, storage: UntypedStorage, of: dtype) -> TypedStorage:
        made = object.__new__(TypedStorage)
        made._untyped_storage, made.dtype = storage, of
        return made

    def type(self, dtype: Any = None) -> Any:
        """The name of its class, or the same numbers with another dtype."""
        if dtype is None:
            return f"torch.{STORAGE_NAMES[self.dtype]}"
        return self._cast(STORAGE_DTYPES[str(getattr(dtype, "__name__", dtype)).rpartition(".")[2]])

    def _cast(self, of: dtype) -> TypedStorage:
        array = self._numbers().astype(of.np).view(np.uint8)
        return self._around(UntypedStorage.of_array(array, self.device), of)

    def cpu(self) -> TypedStorage:
        return self._around(self._untyped_storage.cpu(), self.dtype)

    def cuda(self, device: Any = None, non_blocking: bool = False) -> TypedStorage:
        return self._around(self._untyped_storage.cuda(device, non_blocking), self.dtype)

    def is_shared(self) -> bool:
        return self._untyped_storage.is_shared()

    def pickle_storage_type(self) -> str:
        return STORAGE_NAMES[self.dtype]

    _pickle_storage_type = pickle_storage_type

    def __repr__(self) -> str:
        lines = "\n ".join(str(n) for n in self.tolist())
        return (
            f" {lines}\n[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) "
            f"of size {self.size()}]"
        )


for _name, _of in (
    ("double", dtypes.float64), ("float", dtypes.float32), ("half", dtypes.float16),
    ("long", dtypes.int64), ("int", dtypes.int32), ("short", dtypes.int16), ("char", dtypes.int8),
    ("byte", dtypes.uint8), ("bool", dtypes.bool_), ("bfloat16", dtypes.bfloat16),
    ("complex_double", dtypes.complex128), ("complex_float", dtypes.complex64),
):  # fmt: skip
    setattr(TypedStorage, _name, lambda self, _of=_of: self._cast(_of))


def _bytes_of(args: tuple[Any, ...], of: dtype, device: Any) -> UntypedStorage:
    """The bytes of a storage made from nothing, a size or numbers."""
    given: Any = args[0] if args else 0
    if isinstance(given, str):
        raise TypeError("new(): invalid data type 'str'")
    array = np.zeros(given, of.np) if isinstance(given, int) else np.array(list(given), of.np)
    return UntypedStorage.of_array(
        array.view(np.uint8), cpu if device is None else placed(Device(device))
    )


class _LegacyMeta(type):
    """``torch.FloatStorage`` makes a TypedStorage, and every one of its dtype is an instance of it."""

    dtype: dtype
    on: str

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, TypedStorage) and x.dtype is cls.dtype and x.device.type == cls.on

    def __call__(cls, *args: Any, wrap_storage: UntypedStorage | None = None, **kwargs: Any) -> Any:
        if wrap_storage is not None and (args or kwargs):
            raise RuntimeError(
                f"{cls.__name__}(): only one of the arguments may be given when 'wrap_storage' is given"
            )
        storage = wrap_storage or _bytes_of(args, cls.dtype, kwargs.get("device", cls.on))
        return TypedStorage._around(storage, cls.dtype)

    def __repr__(cls) -> str:
        return f"<class '{cls.__module__}.{cls.__name__}'>"


def _typed(on: str, module: str) -> dict[str, Any]:
    return {
        name: _LegacyMeta(name, (), {"dtype": of, "on": on, "__module__": module})
        for name, of in STORAGE_DTYPES.items()
        if name != "UntypedStorage"
    }


def cuda_storages() -> dict[str, Any]:
    """``torch.cuda.FloatStorage`` and its kin."""
    return _typed("cuda", "torch.cuda")


TYPED = _typed("cpu", "torch")
DoubleStorage, FloatStorage, HalfStorage = (
    TYPED[f"{n}Storage"] for n in ("Double", "Float", "Half")
)
LongStorage, IntStorage, ShortStorage = (TYPED[f"{n}Storage"] for n in ("Long", "Int", "Short"))
CharStorage, ByteStorage, BoolStorage = (TYPED[f"{n}Storage"] for n in ("Char", "Byte", "Bool"))
BFloat16Storage, ComplexDoubleStorage, ComplexFloatStorage = (
    TYPED[f"{n}Storage"] for n in ("BFloat16", "ComplexDouble", "ComplexFloat")
)


def untyped_storage(self: Tensor) -> UntypedStorage:
    """The bytes that this tensor shares with its views."""
    return UntypedStorage.of_tensor(self)


def storage(self: Tensor) -> TypedStorage:
    """The same with the tensor's dtype."""
    warn_once(_TYPED_IS_OLD)
    return TypedStorage(wrap_storage=UntypedStorage.of_tensor(self), dtype=self.dtype)
