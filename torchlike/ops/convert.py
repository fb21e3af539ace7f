"""Casts and copies: to_dtype, clone, type_as."""

from __future__ import annotations

from typing import Any

from jax import lax, numpy as jnp

from ..core.dtypes import dtype
from ..core.errors import warn_once
from ..core.registry import Array, op
from .call_arguments import named_arguments


def cast(x: Array, to: Any) -> Array:
    """Elements as another dtype, as PyTorch on a CPU converts them.

    A complex number loses its imaginary part. A float beyond an integer's range becomes what x86
    gives: the least int32 or int64 value, of which the narrow types keep the low bits.
    """
    to = jnp.dtype(to)
    if x.dtype == to:
        return x
    if to == jnp.bool_:
        return x != jnp.zeros((), x.dtype)
    if jnp.iscomplexobj(x) and not jnp.issubdtype(to, jnp.complexfloating):
        warn_once("Casting complex values to real discards the imaginary part")
        return cast(lax.real(x), to)
    if jnp.issubdtype(x.dtype, jnp.floating) and jnp.issubdtype(to, jnp.integer):
        return _truncated(x, to)
    return lax.convert_element_type(x, to)


def _truncated(x: Array, to: Any) -> Array:
    if to == jnp.uint64:
        return lax.convert_element_type(x, to)
    wide = jnp.int64 if to.itemsize == 8 or to == jnp.uint32 else jnp.int32
    if x.dtype.itemsize < 4:
        x = x.astype(jnp.float32)
    info = jnp.iinfo(wide)
    limit = -float(info.min)
    inside = (x >= -limit) & (x < limit)  # false for NaN
    whole = lax.convert_element_type(jnp.where(inside, x, jnp.zeros_like(x)), wide)
    whole = jnp.where(inside, whole, jnp.full_like(whole, info.min))
    return lax.convert_element_type(whole, to)


@op(namespaces=(), method=False, grad_name="ToCopyBackward0", saves="none")
def to_dtype(input: Array, dtype: dtype) -> Array:
    """Elements cast.  ``(*) -> (*)``"""
    return cast(input, dtype.np)


@op(saves="none")
def clone(input: Array, *, memory_format: Any = None) -> Array:
    """A copy with its own storage.  ``(*) -> (*)``

    Differs: the copy is contiguous whatever the memory format.
    """
    return input


def _other_dtype(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, other = named_arguments(args, kwargs, "input", "other")
    if x.dtype is other.dtype and x._is_dense:
        return "type_as", (x, other), {}
    return "to_dtype", (x, other.dtype), {}


def _itself(invoke: Any, args: dict[str, Any]) -> Any:
    return args["input"]


@op(
    namespaces=(), resolve=_other_dtype, grad_name="ToCopyBackward0", saves="none", composed=_itself,
)  # fmt: skip
def type_as(input: Array, other: Array) -> Array:
    """Cast to the other's dtype; itself if that is its own.  ``(*), (*) -> (*)``"""
    return cast(input, other.dtype)
