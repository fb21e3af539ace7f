"""What the kernels accept, and the type they compute in."""

from __future__ import annotations

import jax.numpy as jnp

from ...core import dtypes
from ...core.errors import not_implemented_for
from ...core.registry import Array

_HALVES = (dtypes.float16.np, dtypes.bfloat16.np)


def type_name(x: Array) -> str:
    """``Float``, ``Long`` …, as PyTorch's messages call the array's dtype."""
    return dtypes.TYPE_NAMES[dtypes.from_np(x.dtype).name]


_C_NAMES = {
    "Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16",
    "Long": "long int", "Int": "int", "Short": "short int", "Char": "signed char",
    "Byte": "unsigned char", "Bool": "bool", "ComplexFloat": "c10::complex<float>",
    "ComplexDouble": "c10::complex<double>",
}  # fmt: skip


def c_name(x: Array) -> str:
    """``float``, ``long int`` …, as PyTorch's older messages call the array's dtype."""
    return _C_NAMES.get(type_name(x), type_name(x))


def wide(x: Array) -> Array:
    """float32 for the 16-bit floats, which PyTorch's kernels accumulate in; others unchanged."""
    return x.astype(jnp.float32) if x.dtype in _HALVES else x


def only_floating(x: Array, kernel: str) -> None:
    """Refuses integers, bools and complex numbers in the kernel's name."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise not_implemented_for(kernel, type_name(x))


def only_inexact(x: Array, kernel: str) -> None:
    """Refuses integers and bools in the kernel's name."""
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        raise not_implemented_for(kernel, type_name(x))


def refuse_bool(x: Array, kernel: str) -> None:
    """Refuses bools and complex numbers in the kernel's name."""
    if x.dtype == jnp.bool_ or jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise not_implemented_for(kernel, type_name(x))
