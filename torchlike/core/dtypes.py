"""``torch.dtype``: PyTorch's element types, each with the JAX type that carries it."""

from __future__ import annotations

import math
import string
from collections.abc import Callable

import ml_dtypes
import numpy as np

BOOL, INTEGRAL, FLOATING, COMPLEX = range(4)


class dtype:
    """An element type; there is one instance of each, compared by identity."""

    __slots__ = (
        "category",
        "is_complex",
        "is_floating_point",
        "is_signed",
        "itemsize",
        "name",
        "np",
    )

    def __init__(self, name: str, carrier: np.dtype, category: int, signed: bool = True) -> None:
        self.name = name
        self.np = carrier
        self.category = category
        self.is_floating_point = category == FLOATING
        self.is_complex = category == COMPLEX
        self.is_signed = signed
        self.itemsize = carrier.itemsize

    @property
    def abbr(self) -> str:
        """``f32``, ``i64``, ``bf16``."""
        first = "bf" if self.name.startswith("bf") else self.name[0]
        return "b8" if self is bool_ else first + self.name.lstrip(string.ascii_letters).replace("_", "")

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return by_name, (self.name,)

    def __copy__(self) -> dtype:
        return self

    def __deepcopy__(self, memo: object) -> dtype:
        return self

    def to_complex(self) -> dtype:
        """The complex type whose parts have this type."""
        if self.is_complex:
            return self
        return _TO_COMPLEX.get(self.name, complex64)

    def to_real(self) -> dtype:
        """The type of this type's parts."""
        return _TO_REAL.get(self.name, self)


def _make(name: str, carrier: object, category: int, signed: bool = True) -> dtype:
    return dtype(name, np.dtype(carrier), category, signed)  # type: ignore[call-overload]


bool_ = _make("bool", np.bool_, BOOL, signed=False)
uint8 = _make("uint8", np.uint8, INTEGRAL, signed=False)
uint16 = _make("uint16", np.uint16, INTEGRAL, signed=False)
uint32 = _make("uint32", np.uint32, INTEGRAL, signed=False)
uint64 = _make("uint64", np.uint64, INTEGRAL, signed=False)
int8 = _make("int8", np.int8, INTEGRAL)
int16 = _make("int16", np.int16, INTEGRAL)
int32 = _make("int32", np.int32, INTEGRAL)
int64 = _make("int64", np.int64, INTEGRAL)
float16 = _make("float16", np.float16, FLOATING)
bfloat16 = _make("bfloat16", ml_dtypes.bfloat16, FLOATING)
float32 = _make("float32", np.float32, FLOATING)
float64 = _make("float64", np.float64, FLOATING)
float8_e4m3fn = _make("float8_e4m3fn", ml_dtypes.float8_e4m3fn, FLOATING)
float8_e5m2 = _make("float8_e5m2", ml_dtypes.float8_e5m2, FLOATING)
float8_e4m3fnuz = _make("float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz, FLOATING)
float8_e5m2fnuz = _make("float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz, FLOATING)
complex64 = _make("complex64", np.complex64, COMPLEX)
complex128 = _make("complex128", np.complex128, COMPLEX)

DTYPES: tuple[dtype, ...] = (
    bool_, uint8, uint16, uint32, uint64, int8, int16, int32, int64,
    float16, bfloat16, float32, float64,
    float8_e4m3fn, float8_e5m2, float8_e4m3fnuz, float8_e5m2fnuz,
    complex64, complex128,
)  # fmt: skip
BY_NAME = {d.name: d for d in DTYPES}
BY_NP = {d.np: d for d in DTYPES}
ALIASES = {
    "half": float16, "float": float32, "double": float64, "short": int16, "int": int32,
    "long": int64, "cfloat": complex64, "cdouble": complex128,
}  # fmt: skip
_TO_COMPLEX = {"float64": complex128, "float32": complex64}
_TO_REAL = {"complex128": float64, "complex64": float32, "complex32": float16}

# The class name in ``Tensor.type()`` and in error messages: torch.FloatTensor
TYPE_NAMES = {
    "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16",
    "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "bool": "Bool", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
    "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64",
    "float8_e4m3fn": "Float8_e4m3fn", "float8_e5m2": "Float8_e5m2",
    "float8_e4m3fnuz": "Float8_e4m3fnuz", "float8_e5m2fnuz": "Float8_e5m2fnuz",
}  # fmt: skip
PYTHON_TYPES = {bool: bool_, int: int64, float: float32, complex: complex64}


def by_name(name: str) -> dtype:
    return BY_NAME[name]


def from_np(carrier: np.dtype) -> dtype:
    """The dtype of a NumPy or JAX array's elements.

    Raises:
        TypeError: PyTorch has no such element type.
    """
    found = BY_NP.get(carrier)
    if found is None:
        found = BY_NP.get(np.dtype(carrier).newbyteorder("="))
    if found is None:
        raise TypeError(
            f"can't convert np.ndarray of type {getattr(carrier, 'type', carrier)}. The only supported "
            "types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, "
            "uint64, uint32, uint16, uint8, and bool."
        )
    return found


class _Limits:
    """What ``finfo`` and ``iinfo`` share: equal if of one dtype, and then not to be hashed."""

    __slots__ = ("bits", "dtype", "max", "min")
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.dtype == other.dtype  # type: ignore[attr-defined]


class finfo(_Limits):
    """Machine limits of a floating dtype (of its parts, if complex)."""

    __slots__ = ("eps", "resolution", "smallest_normal", "tiny")

    def __init__(self, type: dtype | None = None) -> None:
        of = default_dtype() if type is None else type
        if of.category not in (FLOATING, COMPLEX):
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        info = ml_dtypes.finfo(of.to_real().np)
        self.dtype = of.to_real().name
        self.bits = int(info.bits)
        self.eps = float(info.eps)
        self.max = float(info.max)
        self.min = float(info.min)
        self.tiny = self.smallest_normal = float(info.smallest_normal)
        self.resolution = float(f"1e-{int(info.nmant * math.log10(2))}")  # decimal digits it holds

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )


class iinfo(_Limits):
    """Range of an integral dtype."""

    __slots__ = ()

    def __init__(self, type: dtype) -> None:
        if type.category == BOOL:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if type.category != INTEGRAL:
            raise TypeError(
                "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'"
            )
        info = np.iinfo(type.np)
        self.dtype = type.name
        self.bits, self.min, self.max = int(info.bits), int(info.min), int(info.max)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


_default: list[dtype] = [float32]


def default_dtype() -> dtype:
    """What a Python float becomes."""
    return _default[0]


def set_default_dtype(d: dtype) -> None:
    """Sets what a Python float becomes.

    Raises:
        TypeError: ``d`` is no floating dtype.
    """
    if not isinstance(d, dtype):
        raise TypeError(
            "invalid dtype object: only floating-point types are supported as the default type"
        )
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    before, _default[0] = _default[0], d
    for react in ON_DEFAULT_CHANGE:
        react(before, d)


ON_DEFAULT_CHANGE: list[Callable[[dtype, dtype], None]] = []  # what was worked out for the old default
