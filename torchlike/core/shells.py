"""Element types that can be named, compared and pickled, but that no tensor has here.

PyTorch computes nothing with most of them either: they stand for what other libraries' kernels read.
Programs name them to ask ``x.dtype == torch.quint8`` or to list what they handle.
"""

from __future__ import annotations

from typing import Any

from .dtypes import BY_NAME, COMPLEX, FLOATING, dtype

_NAMES = """complex32 float8_e8m0fnu float4_e2m1fn_x2 bits8 bits16 bits1x8 bits2x4 bits4x2
int1 int2 int3 int4 int5 int6 int7 uint1 uint2 uint3 uint4 uint5 uint6 uint7
qint8 qint32 quint8 quint2x4 quint4x2""".split()
_SCHEMES = """per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric
per_channel_affine_float_qparams""".split()
_UNSIGNED = {"bits": "Bits types are undefined", "q": "isSignedType not supported for quantized types"}


class _Shell(dtype):
    """A dtype without a carrier; what would make a tensor of it is refused."""

    __slots__ = ()

    def __init__(self, name: str, itemsize: int = 1, category: int = -1) -> None:
        self.name = name
        self.category = category
        self.is_floating_point = category == FLOATING
        self.is_complex = category == COMPLEX
        self.itemsize = itemsize

    @property
    def np(self) -> Any:
        from .unsupported import explain

        raise NotImplementedError(f"torchlike has no tensors of {self}\n{explain(self.name)}")

    def to_complex(self) -> dtype:
        if self.is_complex:
            return self
        raise RuntimeError(f"Unknown Complex ScalarType for {self.name.capitalize()}")

    @property
    def is_signed(self) -> bool:
        for start, text in _UNSIGNED.items():
            if self.name.startswith((start, "u" * (start == "q") + start)):
                raise RuntimeError(text)
        return not self.name.startswith("uint") and self.name != "float8_e8m0fnu"


class qscheme:
    """How a quantised tensor's numbers stand for others: with one scale, or one per channel."""

    def __init__(self) -> None:
        raise TypeError("cannot create 'torch.qscheme' instances")

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


def _scheme(name: str) -> qscheme:
    made = object.__new__(qscheme)
    made._name = name
    return made


_SIZES = {"bits16": 2, "complex32": 4, "qint32": 4}
_CATEGORIES = {"complex32": COMPLEX, "float4_e2m1fn_x2": FLOATING, "float8_e8m0fnu": FLOATING}
SHELLS = {
    name: _Shell(name, _SIZES.get(name, 1), _CATEGORIES.get(name, -1)) for name in _NAMES
}
BY_NAME.update(SHELLS)
bit, chalf = SHELLS["uint1"], SHELLS["complex32"]
globals().update(SHELLS, **{name: _scheme(name) for name in _SCHEMES})
__all__ = ["bit", "chalf", "qscheme", *SHELLS, *_SCHEMES]
