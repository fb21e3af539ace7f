"""Selecting, filling and replacing by a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from jax import lax, numpy as jnp

from ..core.registry import Array, Scalar, op
from ..core.shapes import broadcast_two
from .elementwise import type_name
from .indexing import IN_BOUNDS
from .value_ranges import check_number


def _true_places(args: dict[str, Any]) -> dict[str, Any]:
    x, mask = args["input"], args["mask"]
    shape = broadcast_two(mask.shape, x.shape)
    if mask.dtype.name not in ("bool", "uint8"):
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    return {"_places": np.flatnonzero(np.broadcast_to(mask.numpy(), shape))}


@op(out=True, prepare=_true_places, saves="none")
def masked_select(input: Array, mask: Array, *, _places: Array) -> Array:
    """The elements where the mask is true, in order.  ``(*), (*) -> (count)``"""
    full = jnp.broadcast_to(input, broadcast_two(mask.shape, input.shape))
    return lax.reshape(full, (full.size,)).at[_places].get(mode=IN_BOUNDS)


def _check_fill(args: dict[str, Any]) -> None:
    value, of = args["value"], args["input"].dtype
    if hasattr(value, "numpy") and value.dtype.is_complex and not of.is_complex and value.ndim == 0:
        value = complex(value.numpy())
    check_number(value, of)


def _fill_name(seen: dict[str, Any]) -> str:
    return "MaskedFillBackward0" if isinstance(seen["value"], type) else "MaskedFillBackward1"


@op(inplace=True, check=_check_fill, grad_name=_fill_name, saves="none")
def masked_fill(input: Array, mask: Array, value: Scalar) -> Array:
    """A copy with ``value`` where the mask is true.  ``(*), (*), () -> (*)``

    Raises:
        RuntimeError: the mask is not of bools, or the value is no single number.
    """
    if mask.dtype != jnp.bool_:
        name = {"float32": "float", "float64": "double"}.get(str(mask.dtype), str(mask.dtype))
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {name}"
        )
    if value.ndim:
        raise RuntimeError(
            "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.ndim} dimension(s)."
        )
    broadcast_two(mask.shape, input.shape)
    filler = lax.real(value) if _loses_imaginary(value, input) else value
    return jnp.where(mask, filler.astype(input.dtype), input)


@op(
    namespaces=(), method=False, check=_check_fill, grad_name="IndexPutBackward0", saves="none"
)  # fmt: skip
def masked_put(input: Array, mask: Array, value: Scalar) -> Array:
    """``x[mask] = value``: what ``masked_fill`` does, under the name autograd gives it there."""
    return masked_fill(input, mask, value)


def _loses_imaginary(value: Array, input: Array) -> bool:
    return jnp.iscomplexobj(value) and not jnp.iscomplexobj(input)


def _check_source(args: dict[str, Any]) -> None:
    x, mask, source = args["input"], args["mask"], args["source"]
    if mask.dtype.name != "bool":
        return
    need = int(np.count_nonzero(np.broadcast_to(mask.numpy(), broadcast_two(mask.shape, x.shape))))
    if int(np.prod(source.shape)) < need:
        raise RuntimeError("Number of elements of source < number of ones in mask")


@op(inplace=True, check=_check_source, saves="none")
def masked_scatter(input: Array, mask: Array, source: Array) -> Array:
    """A copy whose masked elements are the first ones of ``source``, in order.

    ``(*), (*), (*) -> (*)``
    """
    if mask.dtype != jnp.bool_:
        raise RuntimeError(
            "masked_scatter_ only supports boolean masks, but got mask with dtype "
            f"{type_name(mask)}"
        )
    if source.dtype != input.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but "
            f"got{type_name(input)} and "
            f"{type_name(source)}"
        )
    shape = broadcast_two(mask.shape, input.shape)
    where, x = jnp.broadcast_to(mask, shape), jnp.broadcast_to(input, shape)
    if source.size == 0 or x.size == 0:
        return x
    count = jnp.cumsum(lax.reshape(where, (where.size,)), dtype=jnp.int64)
    places = jnp.clip(count - 1, 0, source.size - 1)
    values = lax.reshape(source, (source.size,)).at[places].get(mode=IN_BOUNDS)
    return jnp.where(where, lax.reshape(values, shape), x)
