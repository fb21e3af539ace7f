"""``torch.types``: the types in PyTorch's annotations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any, TypeAlias

from .core.device import device
from .core.dtypes import dtype
from .core.shapes import Size
from .core.storages import TypedStorage, UntypedStorage
from .core.symbolic import SymBool, SymFloat, SymInt
from .core.tensor import Tensor

_int, _float, _bool, _complex = int, float, bool, complex
_dtype, _device, _size = dtype, device, Size | list[int] | tuple[int, ...]
Number: TypeAlias = int | float | bool
PySymType: TypeAlias = SymInt | SymFloat | SymBool
BoolLikeType: TypeAlias = bool | SymBool
FloatLikeType: TypeAlias = float | SymFloat
IntLikeType: TypeAlias = int | SymInt
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
Device: TypeAlias = device | str | int | None
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]

__all__ = ["Device", "FileLike", "Number", "Storage"]


class _StorageMeta(type):
    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, (TypedStorage, UntypedStorage))


class Storage(metaclass=_StorageMeta):
    """What every storage is an instance of."""

    _cdata: int
    device: device
    dtype: dtype
    _torch_load_uninitialized: bool
