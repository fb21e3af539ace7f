"""New contents of the same shape: fill, zero_, fill_diagonal_, copy_."""

from __future__ import annotations

from typing import Any

from jax import lax, numpy as jnp

from ..core.errors import shape_text
from ..core.registry import Array, Scalar, op
from ..core.shapes import broadcast_two
from .convert import cast
from .value_ranges import check_number


def _check_fill(args: dict[str, Any]) -> None:
    check_number(args["value"], args["input"].dtype)


def _fill_overload(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    value = args[1] if len(args) > 1 else kwargs.get("value")
    return "fill" if hasattr(value, "dtype") else "fill_number", args, kwargs


@op(
    namespaces=(), method=False, name="fill", check=_check_fill, grad_name="FillBackward2",
    saves="none",
)  # fmt: skip
def fill_number(input: Array, value: Scalar) -> Array:
    """``value`` everywhere, with all its digits.  ``(*) -> (*)``"""
    return jnp.broadcast_to(cast(value, input.dtype), input.shape)


@op(
    method=False, inplace=True, check=_check_fill, resolve=_fill_overload,
    grad_name="FillBackward3", saves="none",
)  # fmt: skip
def fill(input: Array, value: Array) -> Array:
    """``value`` everywhere.  ``(*), () -> (*)``

    Raises:
        RuntimeError: the dtype cannot hold the value, or it is no single number.
    """
    if value.ndim:
        raise RuntimeError(
            f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} "
            "dimensions."
        )
    return jnp.broadcast_to(cast(value, input.dtype), input.shape)


@op(method=False, inplace=True, saves="none")
def zero(input: Array) -> Array:
    """Zeros.  ``(*) -> (*)``"""
    return jnp.zeros_like(input)


@op(namespaces=(), method=False, inplace=True, grad_name="CopySlices", saves="none")
def fill_diagonal(input: Array, fill_value: Scalar, wrap: bool = False) -> Array:
    """``fill_value`` on the main diagonal; ``wrap`` starts again below it in a tall matrix.

    ``(*) -> (*)``
    """
    if input.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if input.ndim > 2 and len(set(input.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    rows = lax.broadcasted_iota(jnp.int32, input.shape, 0)
    if input.ndim == 2 and wrap:
        rows = rows % (input.shape[1] + 1)
    hit = jnp.ones(input.shape, jnp.bool_)
    for dim in range(1, input.ndim):
        hit = hit & (lax.broadcasted_iota(jnp.int32, input.shape, dim) == rows)
    return jnp.where(hit, cast(fill_value, input.dtype), input)


@op(namespaces=(), method=False, grad_name="CopyBackwards", saves="none")
def copy(input: Array, source: Array) -> Array:
    """``source``, cast and broadcast to what it replaces (``copy_``).  ``(*), (*) -> (*)``

    Raises:
        RuntimeError: it cannot be broadcast.
    """
    shape = broadcast_two(input.shape, source.shape)
    if shape != input.shape:
        raise RuntimeError(
            f"output with shape {shape_text(input.shape)} doesn't match the broadcast shape "
            f"{shape_text(shape)}"
        )
    return jnp.broadcast_to(cast(source, input.dtype), input.shape)
