"""``torch.FloatTensor`` and its kin: the constructors and type checks of old programs."""

from __future__ import annotations

from typing import Any

from . import dtypes
from .build import from_host, legacy
from .device import accelerators
from .dtypes import dtype as DType
from .tensor import Tensor

__all__ = [
    "BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "ShortTensor", "set_default_tensor_type",
]  # fmt: skip


class TensorType(type):
    """A class that no tensor has, but every tensor of its dtype and device is an instance of."""

    dtype: DType
    on: str

    @property
    def is_cuda(cls) -> bool:
        return cls.on == "cuda"

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Tensor) and x.dtype is cls.dtype and x.device.type == cls.on

    def __call__(cls, *args: Any, **kwargs: Any) -> Tensor:
        """An uninitialised tensor, or one of the numbers.

        Raises:
            TypeError: there is no such device.
        """
        if cls.on == "cpu":
            return cls._made(*args, **kwargs)
        if not accelerators():
            raise TypeError(
                f"type torch.cuda.{cls.__name__} not available. Torch not compiled with CUDA enabled."
            )
        return cls._made(*args, **kwargs).to(cls.on)  # type: ignore[attr-defined]

    def _made(cls, *args: Any, **kwargs: Any) -> Tensor:
        before = dtypes.default_dtype()
        if cls.dtype.is_floating_point:
            dtypes.set_default_dtype(cls.dtype)
            try:
                return legacy(Tensor, *args, **kwargs)
            finally:
                dtypes.set_default_dtype(before)
        made = legacy(Tensor, *args, **kwargs)
        return from_host(made.numpy().astype(cls.dtype.np))  # type: ignore[attr-defined]

    def __repr__(cls) -> str:
        return f"<class '{cls.__module__}.{cls.__name__}'>"


def _type(of: DType, on: str = "cpu") -> TensorType:
    name = f"{dtypes.TYPE_NAMES[of.name]}Tensor"
    module = "torch" if on == "cpu" else f"torch.{on}"
    return TensorType(name, (), {"dtype": of, "on": on, "__module__": module})


def cuda_types() -> dict[str, TensorType]:
    """``torch.cuda.FloatTensor`` and its kin."""
    made = [_type(of, "cuda") for of in _TYPED]
    return {kind.__name__: kind for kind in made}


_TYPED = (
    dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16, dtypes.uint8, dtypes.int8, dtypes.int16,
    dtypes.int32, dtypes.int64, dtypes.bool_,
)  # fmt: skip


FloatTensor, DoubleTensor = _type(dtypes.float32), _type(dtypes.float64)
HalfTensor, BFloat16Tensor = _type(dtypes.float16), _type(dtypes.bfloat16)
ByteTensor, CharTensor = _type(dtypes.uint8), _type(dtypes.int8)
ShortTensor, IntTensor = _type(dtypes.int16), _type(dtypes.int32)
LongTensor, BoolTensor = _type(dtypes.int64), _type(dtypes.bool_)


def set_default_tensor_type(t: Any) -> None:
    """``set_default_dtype`` of old programs: takes ``torch.DoubleTensor`` or its name.

    Raises:
        TypeError: no tensor type of floats.
    """
    if isinstance(t, str):
        t = globals().get(t.rpartition(".")[2])
    if not isinstance(t, TensorType) or not t.dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    dtypes.set_default_dtype(t.dtype)
