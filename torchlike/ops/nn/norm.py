"""Normalisation layers. Statistics are taken in float32 for the 16-bit floats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ...core.dtypes import TYPE_NAMES, from_np
from ...core.errors import not_implemented_for, shape_text
from ...core.registry import JOINT, Array, Scalar, op
from ...core.shapes import normal_dims
from .avg_pool import window_sum
from .distance import p_norm
from .precision import only_floating, only_inexact, type_name, wide

Stats = tuple[Array, Array, Array]


def moments(x: Array, axes: Sequence[int]) -> tuple[Array, Array]:
    """Mean and biased variance, dims kept."""
    mean = x.mean(axes, keepdims=True)
    return mean, jnp.square(x - mean).mean(axes, keepdims=True)


def _per_channel(v: Array | None, x: Array) -> Array | None:
    return None if v is None else wide(v).astype(x.dtype).reshape(1, -1, *(1,) * (x.ndim - 2))


def _scaled(x: Array, weight: Array | None, bias: Array | None) -> Array:
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


def _check_channels(input: Array, **given: Array | None) -> None:
    channels = input.shape[1]
    for name, v in given.items():
        if v is not None and v.size != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {v.size}")


def _unbiased(variance: Array, count: int) -> Array:
    return variance * (count / (count - 1) if count > 1 else math.nan)


@op(namespaces=("functional",), method=False, grad_name="NativeBatchNorm", keeps=JOINT)
def batch_norm_train(
    input: Array, weight: Array | None, bias: Array | None, eps: Scalar = 1e-5
) -> Stats:
    """Normalised by the batch; with its mean and unbiased variance.  ``(N, C, *) -> (N, C, *), (C), (C)``"""
    only_floating(input, "batch_norm")
    _check_channels(input, weight=weight, bias=bias)
    x = wide(input)
    axes = (0, *range(2, x.ndim))
    mean, variance = moments(x, axes)
    scale = jnp.reciprocal(jnp.sqrt(variance + eps.astype(x.dtype)))
    out = _scaled((x - mean) * scale, _per_channel(weight, x), _per_channel(bias, x))
    count = math.prod(x.shape[a] for a in axes)
    return out.astype(input.dtype), mean.reshape(-1), _unbiased(variance, count).reshape(-1)


@op(
    namespaces=("functional",), method=False, grad_name="NativeBatchNorm", keeps=JOINT, nondiff=(1, 2, 3),
)  # fmt: skip
def batch_norm_native(
    input: Array, weight: Array | None, bias: Array | None, eps: Scalar = 1e-5
) -> tuple[Array, Array, Array, Array]:
    """``batch_norm_train`` with the reciprocal deviation between mean and variance.

    ``(N, C, *) -> (N, C, *), (C), (C), (C)``
    """
    out, mean, unbiased = batch_norm_train(input, weight, bias, eps)
    x = jax.lax.stop_gradient(wide(input))
    biased = moments(x, (0, *range(2, x.ndim)))[1].reshape(-1)
    scale = jnp.reciprocal(jnp.sqrt(biased + eps.astype(x.dtype)))
    return out, mean, scale, unbiased


@op(namespaces=("functional",), method=False, grad_name="NativeBatchNorm", keeps=JOINT)
def batch_norm_eval(
    input: Array,
    running_mean: Array,
    running_var: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: Scalar = 1e-5,
) -> Array:
    """Normalised by running statistics.  ``(N, C, *), (C), (C) -> (N, C, *)``"""
    only_floating(input, "batch_norm")
    _check_channels(
        input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    x = wide(input)
    mean, variance = _per_channel(running_mean, x), _per_channel(running_var, x)
    assert mean is not None
    assert variance is not None
    scale = jnp.reciprocal(jnp.sqrt(variance + eps.astype(x.dtype)))
    out = _scaled((x - mean) * scale, _per_channel(weight, x), _per_channel(bias, x))
    return out.astype(input.dtype)


@op(namespaces=("functional",), method=False, grad_name="ViewBackward0", keeps=JOINT)
def instance_norm_train(
    input: Array, weight: Array | None, bias: Array | None, eps: Scalar = 1e-5
) -> Stats:
    """Each sample and channel by its own statistics; with their means over samples, variance unbiased.

    ``(N, C, *) -> (N, C, *), (C), (C)``
    """
    only_floating(input, "batch_norm")
    for name, v in (("weight", weight), ("bias", bias)):
        if v is not None and v.size != input.shape[1]:
            raise RuntimeError(
                f"{name} should contain {input.shape[1] * input.shape[0]} elements not "
                f"{v.size * input.shape[0]}"
            )
    x = wide(input)
    axes = tuple(range(2, x.ndim))
    mean, variance = moments(x, axes)
    scale = jnp.reciprocal(jnp.sqrt(variance + eps.astype(x.dtype)))
    out = _scaled((x - mean) * scale, _per_channel(weight, x), _per_channel(bias, x))
    count = math.prod(x.shape[2:])
    of_channel = [s.mean(0).reshape(-1) for s in (mean, _unbiased(variance, count))]
    return out.astype(input.dtype), of_channel[0], of_channel[1]


def _normal_axes(
    input: Array, shape: Any, weight: Array | None, bias: Array | None, gap: str = ", "
) -> tuple[int, ...]:
    """The trailing dims that ``normalized_shape`` names."""
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if not sizes:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            "element, but got normalized_shape = []"
        )
    for name, v in (("weight", weight), ("bias", bias)):
        if v is not None and v.shape != sizes:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape "
                f"{shape_text(v.shape)} and normalized_shape = {shape_text(sizes)}"
            )
    if input.shape[-len(sizes) :] != sizes:
        raise RuntimeError(
            f"Given normalized_shape={shape_text(sizes)}, expected input with shape "
            f"[*{gap}{', '.join(str(s) for s in sizes)}], but got input of size{shape_text(input.shape)}"
        )
    return tuple(range(input.ndim - len(sizes), input.ndim))


def _check_mixed(input: Array, *params: Array | None) -> None:
    """A half-precision input may have float32 parameters; else the types must agree."""
    for p in params:
        if p is None or p.dtype == input.dtype:
            continue
        if input.dtype == jnp.float64:
            raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")
        if p.dtype != jnp.float32 or input.dtype == jnp.float32:
            raise RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float")


@op(namespaces=("torch", "functional"), method=False, grad_name="NativeLayerNorm", keeps=JOINT)
def layer_norm(
    input: Array,
    normalized_shape: Any,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: Scalar = 1e-5,
) -> Array:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over the last dims.  ``(*, D), (D), (D) -> (*, D)``"""
    axes = _normal_axes(input, normalized_shape, weight, bias)
    only_floating(input, "LayerNormKernelImpl")
    _check_mixed(input, weight, bias)
    x = wide(input)
    mean, variance = moments(x, axes)
    x = (x - mean) * jnp.reciprocal(jnp.sqrt(variance + eps.astype(x.dtype)))
    w, b = (None if v is None else v.astype(x.dtype) for v in (weight, bias))
    return _scaled(x, w, b).astype(input.dtype)


@op(namespaces=("torch", "functional"), method=False, grad_name="Mul")
def rms_norm(
    input: Array, normalized_shape: Any, weight: Array | None = None, eps: Scalar | None = None
) -> Array:
    """``x / sqrt(mean(x^2) + eps) * weight`` over the last dims.  ``(*, D), (D) -> (*, D)``

    eps defaults to the machine epsilon of the computing type.
    """
    axes = _normal_axes(input, normalized_shape, weight, None, "")
    only_inexact(input, "rms_norm")
    x = wide(input)
    real = jnp.real(x).dtype
    small = jnp.finfo(real).eps if eps is None else eps.astype(real)
    mean = (x * x).mean(axes, keepdims=True)
    x = x * jnp.reciprocal(jnp.sqrt(mean + jnp.asarray(small, real).astype(x.dtype)))
    return _scaled(x, None if weight is None else weight.astype(x.dtype), None).astype(input.dtype)


def _check_batch(sizes: Sequence[int]) -> None:
    if sizes[0] * math.prod(sizes[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {list(sizes)}"
        )


@op(namespaces=("torch", "functional"), method=False, grad_name="NativeGroupNorm")
def group_norm(
    input: Array,
    num_groups: int,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: Scalar = 1e-5,
) -> Array:
    """Each sample's groups of channels normalised on their own.  ``(N, C, *), (C), (C) -> (N, C, *)``"""
    if input.ndim < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.ndim}"
        )
    if num_groups < 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if num_groups == 0:
        raise ZeroDivisionError("integer division or modulo by zero")
    batch, channels = input.shape[:2]
    _check_batch([batch * channels // num_groups, num_groups, *input.shape[2:]])
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{shape_text(input.shape)} and num_groups={num_groups}"
        )
    for name, v in (("weight", weight), ("bias", bias)):
        if v is not None and v.shape != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got "
                f"{name} of shape {shape_text(v.shape)} and input of shape {shape_text(input.shape)}"
            )
    only_floating(input, "GroupNormKernelImpl")
    _check_mixed(input, weight, bias)
    x = wide(input).reshape(batch, num_groups, math.prod(input.shape[1:]) // num_groups)
    mean, variance = moments(x, (2,))
    x = (x - mean) * jnp.reciprocal(jnp.sqrt(variance + eps.astype(x.dtype)))
    x = x.reshape(input.shape)
    return _scaled(x, _per_channel(weight, x), _per_channel(bias, x)).astype(input.dtype)


@op(namespaces=("functional",), method=False, grad_name="Div")
def local_response_norm(
    input: Array, size: int, alpha: Scalar = 1e-4, beta: Scalar = 0.75, k: Scalar = 1.0
) -> Array:
    """``x / (k + alpha * mean of x^2 over size neighbouring channels)^beta``.  ``(N, C, *) -> (N, C, *)``"""
    if input.ndim < 3:
        raise ValueError(
            "Expected 3D or higher dimensionality                          input (got "
            f"{input.ndim} dimensions)"
        )
    if input.size == 0:
        return input
    is_float = jnp.issubdtype(input.dtype, jnp.floating)
    if not is_float and input.dtype != jnp.int64:
        raise not_implemented_for("avg_pool2d", type_name(input))
    squares = wide(jnp.moveaxis(input * input, 1, -1))
    total = window_sum(squares, (size,), (1,), (size // 2,), (input.shape[1],))
    mean = jnp.moveaxis(total / size if is_float else total // size, -1, 1)
    mean = mean.astype(jnp.promote_types(mean.dtype, jnp.float32) if not is_float else mean.dtype)
    under = (mean * alpha.astype(mean.dtype) + k.astype(mean.dtype)) ** beta.astype(mean.dtype)
    out = input.astype(under.dtype) / under
    return out.astype(input.dtype) if is_float else out


@op(namespaces=("functional",), method=False, out=True, grad_name="Div")
def normalize(input: Array, p: float = 2.0, dim: Any = 1, eps: Scalar = 1e-12) -> Array:
    """``x / max(|x|_p, eps)`` along dim.  ``(*) -> (*)``"""
    if not jnp.issubdtype(input.dtype, jnp.inexact):
        name = TYPE_NAMES[from_np(input.dtype).name]
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {name}"
        )
    axes = normal_dims(dim, input.ndim)
    norm = p_norm(wide(input), p, axes, True).astype(jnp.real(input).dtype)
    small = eps.astype(norm.dtype)
    return input / jnp.where(norm < small, small, norm).astype(input.dtype)
