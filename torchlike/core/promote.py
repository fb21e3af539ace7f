"""PyTorch's type promotion: the lattice, and the three categories of operands."""

from __future__ import annotations

from collections.abc import Iterable

from . import dtypes as d
from .dtypes import BOOL, COMPLEX, FLOATING, INTEGRAL, dtype

_SIGNED = (d.int8, d.int16, d.int32, d.int64)
_BAREBONES = (d.uint16, d.uint32, d.uint64)
_FLOAT8 = (d.float8_e4m3fn, d.float8_e5m2, d.float8_e4m3fnuz, d.float8_e5m2fnuz)


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest dtype that both are promoted to.

    Raises:
        RuntimeError: PyTorch defines no promotion (float8, uint16/32/64 with other integers).
    """
    if a is b:
        return a
    if type(a) is not dtype or type(b) is not dtype:
        return _with_shell(a, b)
    if a in _FLOAT8 or b in _FLOAT8:
        raise RuntimeError(
            "Promotion for Float8 Types is not supported, attempted to promote "
            f"{d.TYPE_NAMES[a.name]} and {d.TYPE_NAMES[b.name]}"
        )
    if a.category > b.category:
        a, b = b, a
    if a.category != b.category:
        if b.category == COMPLEX:
            return d.complex128 if a is d.float64 else b
        return b
    if b.category == COMPLEX:
        return d.complex128
    if b.category == FLOATING:
        if {a, b} == {d.float16, d.bfloat16}:
            return d.float32
        return a if a.itemsize > b.itemsize else b
    if a in _BAREBONES or b in _BAREBONES:
        raise RuntimeError(
            "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
            f"{d.TYPE_NAMES[a.name]} and {d.TYPE_NAMES[b.name]}"
        )
    if d.uint8 in (a, b):
        other = b if a is d.uint8 else a
        return d.int16 if other is d.int8 else other
    return _SIGNED[max(_SIGNED.index(a), _SIGNED.index(b))]


def _with_shell(a: dtype, b: dtype) -> dtype:
    half, other = (a, b) if a.name == "complex32" else (b, a)
    if half.name != "complex32" or other.category < 0:
        raise RuntimeError(f"Promotion from {a} and {b} is unsupported.")
    if other.category < FLOATING or other is d.float16:
        return half
    return other if other.is_complex else d.complex128 if other is d.float64 else d.complex64


def number_dtype(kind: type) -> dtype:
    """The dtype a Python number of this type has on its own."""
    if kind is float:
        return d.default_dtype()
    if kind is complex:
        return d.default_dtype().to_complex()
    return d.bool_ if kind is bool else d.int64


def _merge(a: dtype | None, b: dtype | None) -> dtype | None:
    if a is None or b is None:
        return b if a is None else a
    return promote_types(a, b)


def _dominate(higher: dtype | None, lower: dtype | None) -> dtype | None:
    """``higher``'s dtype, unless ``lower`` is of a greater category."""
    if higher is None or lower is None:
        return lower if higher is None else higher
    if higher.category == COMPLEX:
        return higher
    if higher.category == FLOATING:
        return higher.to_complex() if lower.category == COMPLEX else higher
    if higher.category == BOOL or lower.category > INTEGRAL:
        return promote_types(higher, lower)
    return higher


def result_type(operands: Iterable[tuple[dtype, int] | type]) -> dtype:
    """The common dtype of tensors, given as (dtype, ndim), and Python numbers, given as types."""
    dims: dtype | None = None
    zeros: dtype | None = None
    numbers: dtype | None = None
    for operand in operands:
        if isinstance(operand, type):
            numbers = _merge(numbers, number_dtype(operand))
        elif operand[1] > 0:
            dims = _merge(dims, operand[0])
        else:
            zeros = _merge(zeros, operand[0])
    found = _dominate(dims, _dominate(zeros, numbers))
    assert found is not None, "result_type of nothing"
    return found


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether a result of ``from_`` may be written into a tensor of ``to``."""
    return from_.category <= to.category


def float_dtype(of: dtype) -> dtype:
    """Integers and bools become the default float; others stay."""
    return of if of.category >= FLOATING else d.default_dtype()
