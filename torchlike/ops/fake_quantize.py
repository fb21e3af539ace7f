"""Quantisation that stays in floats: rounded to a grid of integers, and back.

``output = (clamp(round(input / scale) + zero_point, quant_min, quant_max) - zero_point) * scale``;
the cotangent passes where nothing was clamped.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..core.dtypes import FLOATING, TYPE_NAMES, dtype, from_np
from ..core.errors import not_implemented_for
from ..core.registry import Array, Constant, Scalar, op
from ..core.shapes import normal_dim

_NAME = "FakeQuantizePer{}AffineCachemask{}Backward0"
_RANGE = "`quant_min` should be less than or         equal to `quant_max`."
_ZERO_POINT = "`zero_point` must be between `quant_min` and `quant_max`."


def _on_grid(
    input: Array, scale: Array, zero: Array, low: int, high: int, of: Any = jnp.float32
) -> Array:
    """``of``: the precision in which PyTorch's kernel multiplies back."""
    x = input.astype(jnp.promote_types(input.dtype, jnp.float32))
    scale = scale.astype(jnp.float32)  # of that precision whatever the input's is
    inverse, scale = (1 / scale).astype(x.dtype), scale.astype(x.dtype)
    place = jax.lax.stop_gradient(x) * inverse
    if jnp.issubdtype(zero.dtype, jnp.floating):
        place = jnp.round(place + zero.astype(x.dtype))
    else:
        place = jnp.round(place) + zero.astype(x.dtype)
    zero = zero.astype(x.dtype)
    inside = (place >= low) & (place <= high)
    place = jnp.where(jnp.isnan(place), low, place)
    out = (jnp.clip(place, low, high) - zero).astype(of) * scale.astype(of)
    passed = jnp.where(inside, x, 0)
    nothing = passed - jax.lax.stop_gradient(passed)
    return (jax.lax.stop_gradient(out.astype(x.dtype)) + nothing).astype(input.dtype)


def _check_range(quant_min: int, quant_max: int) -> None:
    if quant_min > quant_max:
        raise RuntimeError(_RANGE)


def _check_floating(input: Array, kernel: str) -> None:
    of: dtype = from_np(input.dtype)
    if of.category != FLOATING:
        raise not_implemented_for(kernel, TYPE_NAMES[of.name])


def _by_overload(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    """Whether scale and zero point are both tensors."""
    given = [*args[1:3], *(kwargs[k] for k in ("scale", "zero_point") if k in kwargs)]
    is_tensor = [hasattr(x, "dtype") for x in given]
    key = "fake_quantize_by_tensors" if all(is_tensor) else "fake_quantize_per_tensor_affine"
    if any(is_tensor) and not all(is_tensor):
        args = tuple(x.item() if i in (1, 2) and hasattr(x, "item") else x for i, x in enumerate(args))
        kwargs = {k: x.item() if k in ("scale", "zero_point") and hasattr(x, "item") else x
                  for k, x in kwargs.items()}  # fmt: skip
    return key, args, kwargs


def _check_zero_point(args: dict[str, Any]) -> None:
    _check_range(args["quant_min"], args["quant_max"])
    if not args["quant_min"] <= args["zero_point"] <= args["quant_max"]:
        raise RuntimeError(_ZERO_POINT)


@op(method=False, resolve=_by_overload, check=_check_zero_point, grad_name=_NAME.format("Tensor", ""))
def fake_quantize_per_tensor_affine(
    input: Array, scale: Scalar, zero_point: Scalar, quant_min: int, quant_max: int
) -> Array:
    """Rounded to the grid of one scale.  ``(*) -> (*)``

    Raises:
        RuntimeError: an empty range, or a zero point outside of it.
    """
    _check_floating(input, "fake_quantize_tensor_cachemask_kernel_type_handling")
    return _on_grid(input, scale, zero_point, quant_min, quant_max)


@op(
    name="fake_quantize_per_tensor_affine", namespaces=(), method=False,
    grad_name=_NAME.format("Tensor", "TensorQparams"),
)  # fmt: skip
def fake_quantize_by_tensors(
    input: Array, scale: Constant, zero_point: Constant, quant_min: int, quant_max: int
) -> Array:
    """The same with scale and zero point in tensors of one element, which get no gradient.  ``(*) -> (*)``"""
    _check_range(quant_min, quant_max)
    for x in (scale, zero_point):
        if x.size != 1:
            raise RuntimeError(f"a Tensor with {x.size} elements cannot be converted to Scalar")
    _check_floating(input, "fake_quantize_tensor_cachemask_kernel_type_handling")
    scale, zero = (jax.lax.stop_gradient(x.reshape(())) for x in (scale, zero_point))
    return _on_grid(input, scale, zero.astype(jnp.int64), quant_min, quant_max)


def _check_channels(args: dict[str, Any]) -> None:
    """What PyTorch checks, in its order."""
    input, scale, zero, axis = (args[k] for k in ("input", "scale", "zero_point", "axis"))
    for x, what, wanted in (
        (scale, "Scale must be Float or BFloat16", ("float32", "bfloat16")),
        (zero, "Zero-point must be Int32, Float or Half", ("int32", "float32", "float16")),
    ):
        if x.dtype.name not in wanted:
            raise RuntimeError(f"{what}, found {TYPE_NAMES[x.dtype.name]}")
    for x, name in ((scale, "scale"), (zero, "zero point")):
        if x.ndim != 1:
            raise RuntimeError(f"{name} should be a 1-D tensor")
    if scale.shape != zero.shape:
        raise RuntimeError("scale and zero-point need to have the same dimensions")
    if scale.shape[0] != input.shape[normal_dim(axis, input.ndim)]:
        raise RuntimeError("dimensions of scale and zero-point are not consistent with input tensor")
    _check_range(args["quant_min"], args["quant_max"])
    if zero.dtype.name == "int32" and zero.shape[0]:
        values = zero.numpy()
        if values.min() < args["quant_min"] or values.max() > args["quant_max"]:
            raise RuntimeError(_ZERO_POINT)


@op(method=False, check=_check_channels, grad_name=_NAME.format("Channel", ""))
def fake_quantize_per_channel_affine(
    input: Array, scale: Array, zero_point: Array, axis: int, quant_min: int, quant_max: int
) -> Array:
    """Rounded to one grid per index of dim ``axis``.  ``(*, C, *), (C), (C) -> (*, C, *)``

    Raises:
        RuntimeError: scale or zero point do not fit.
    """
    _check_floating(input, "fake_quantize_channel_cachemask_cpu_type_handling")
    shape = [1] * input.ndim
    shape[axis] = -1
    scale, zero = (jax.lax.stop_gradient(x.reshape(shape)) for x in (scale, zero_point))
    of = jnp.promote_types(input.dtype, jnp.float32)
    return _on_grid(input, scale, zero, quant_min, quant_max, of)
