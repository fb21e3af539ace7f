"""The dtype a kernel computes in, and how PyTorch's messages spell a dtype."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from ..core import dtypes
from ..core.dtypes import dtype
from ..core.registry import Array

_HALVES = (dtypes.float16.np, dtypes.bfloat16.np)
_SCALAR_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
    "int64": "long long", "int32": "int", "int16": "short", "int8": "signed char",
    "uint8": "unsigned char", "bool": "bool", "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
}  # fmt: skip


def widened(x: Array) -> Array:
    """Halves as float32, in which PyTorch accumulates them; others as they are."""
    return x.astype(np.float32) if x.dtype in _HALVES else x


def kind(x: Array) -> dtype:
    """PyTorch's dtype of an array."""
    return dtypes.from_np(x.dtype)


def type_name(x: Array) -> str:
    """``Float``, ``Long`` … as in "expected scalar type Float"."""
    return dtypes.TYPE_NAMES[kind(x).name]


def cpp_name(x: Array) -> str:
    """``float``, ``double`` … as in "but got: float != double"."""
    return _SCALAR_NAMES.get(kind(x).name, kind(x).name)


def is_floating(x: Array) -> bool:
    """Real floating point."""
    return jnp.issubdtype(x.dtype, np.floating)


def is_complex(x: Array) -> bool:
    return jnp.issubdtype(x.dtype, np.complexfloating)


def is_inexact(x: Array) -> bool:
    """Floating point or complex."""
    return jnp.issubdtype(x.dtype, np.inexact)


def floated(x: Array) -> Array:
    """Integers and bools as the default float; others as they are."""
    return x if is_inexact(x) else x.astype(dtypes.default_dtype().np)


def dead(condition: Array, x: Array) -> Array:
    """``x`` with zeros where the condition holds."""
    return jnp.where(condition, jnp.zeros((), x.dtype), x)
