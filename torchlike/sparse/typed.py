"""``torch.sparse.FloatTensor`` and its kin: the constructors and type checks of old programs."""

from __future__ import annotations

from typing import Any

from ..core import dtypes
from ..core.dtypes import TYPE_NAMES, dtype as DType
from .create import sparse_coo_tensor
from .tensor import SparseTensor


class SparseTensorType(type):
    """A class that no tensor has, but every COO tensor of its dtype on the CPU is an instance of."""

    dtype: DType

    def __instancecheck__(cls, x: Any) -> bool:
        return (
            isinstance(x, SparseTensor)
            and x.is_sparse
            and x.dtype is cls.dtype
            and x.device.type == "cpu"
        )

    def __call__(cls, *args: Any) -> Any:
        if not args:
            return sparse_coo_tensor((0,), dtype=cls.dtype)
        if all(isinstance(n, int) for n in args):
            return sparse_coo_tensor(args, dtype=cls.dtype)
        if len(args) == 1:
            return sparse_coo_tensor(tuple(args[0]), dtype=cls.dtype)
        if args[1].dtype is not cls.dtype:
            raise TypeError(
                f"expected torch.{TYPE_NAMES[cls.dtype.name]}Tensor (got torch.{TYPE_NAMES[args[1].dtype.name]}Tensor)"
            )
        return sparse_coo_tensor(*args)

    def __repr__(cls) -> str:
        return f"<class 'torch.sparse.{cls.__name__}'>"


def _type(of: DType) -> SparseTensorType:
    name = f"{TYPE_NAMES[of.name]}Tensor"
    return SparseTensorType(name, (), {"dtype": of, "__module__": "torch.sparse"})


FloatTensor, DoubleTensor = _type(dtypes.float32), _type(dtypes.float64)
HalfTensor, BFloat16Tensor = _type(dtypes.float16), _type(dtypes.bfloat16)
ByteTensor, CharTensor = _type(dtypes.uint8), _type(dtypes.int8)
ShortTensor, IntTensor = _type(dtypes.int16), _type(dtypes.int32)
LongTensor = _type(dtypes.int64)
