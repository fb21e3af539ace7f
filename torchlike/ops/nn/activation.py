"""Elementwise activations; softmax and its family are in ``softmax.py``.

Kinks follow PyTorch's backward kernels: the derivative at the kink is that of the branch which the
``where`` takes there.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...core.registry import Array, Scalar, op
from ...core.shapes import normal_dim
from .precision import only_floating, only_inexact, refuse_bool, type_name, wide

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _no_complex_clamp(input: Array) -> None:
    if jnp.issubdtype(input.dtype, jnp.complexfloating):
        raise NotImplementedError("clamp is not supported for complex types")


@op(namespaces=("torch", "functional"), inplace=True, saves="result")
def relu(input: Array, inplace: bool = False) -> Array:
    """``max(0, x)``; derivative 0 at 0.  ``(*) -> (*)``"""
    if input.dtype == jnp.bool_:
        raise RuntimeError("Boolean inputs not supported for relu")
    _no_complex_clamp(input)
    return jnp.where(input <= 0, jnp.zeros_like(input), input)


def _clamped(input: Array, low: Array, high: Array) -> Array:
    """x between the bounds; the derivative at the bounds is 0."""
    return jnp.where(input <= low, low, jnp.where(input >= high, high, input))


def _check_hardtanh(args: dict[str, Any]) -> None:
    if float(args["min_val"]) > float(args["max_val"]):
        raise ValueError("min_val cannot be greater than max_val")
    unsigned = args["input"].dtype.name == "uint8"
    if unsigned and (float(args["min_val"]) < 0 or float(args["max_val"]) < 0):
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")


@op(namespaces=("functional",), method=False, inplace=True, check=_check_hardtanh)
def hardtanh(
    input: Array, min_val: Scalar = -1.0, max_val: Scalar = 1.0, inplace: bool = False
) -> Array:
    """``min(max(x, min_val), max_val)``.  ``(*) -> (*)``

    Raises:
        ValueError: min_val > max_val.
    """
    if input.dtype == jnp.bool_:
        raise RuntimeError("Bool inputs not supported for hardtanh")
    _no_complex_clamp(input)
    return _clamped(input, min_val.astype(input.dtype), max_val.astype(input.dtype))


@op(namespaces=("functional",), method=False, inplace=True, grad_name="Hardtanh")
def relu6(input: Array, inplace: bool = False) -> Array:
    """``min(max(x, 0), 6)``.  ``(*) -> (*)``"""
    if input.dtype == jnp.bool_:
        raise RuntimeError("Bool inputs not supported for hardtanh")
    _no_complex_clamp(input)
    return _clamped(input, jnp.zeros((), input.dtype), jnp.asarray(6, input.dtype))


def _elu(x: Array, alpha: Any, scale: Any, input_scale: Any) -> Array:
    negative = jnp.where(x > 0, 0, x)
    return jnp.where(x > 0, x * scale, jnp.expm1(negative * input_scale) * (alpha * scale))


@op(namespaces=("functional",), method=False, inplace=True)
def elu(input: Array, alpha: Scalar = 1.0, inplace: bool = False) -> Array:
    """``x`` if x > 0 else ``alpha * (exp(x) - 1)``.  ``(*) -> (*)``"""
    only_floating(input, "elu_cpu")
    x = wide(input)
    return _elu(x, alpha.astype(x.dtype), 1, 1).astype(input.dtype)


def _check_celu(args: dict[str, Any]) -> None:
    if float(args["alpha"]) == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")


@op(namespaces=("torch", "functional"), method=False, inplace=True, check=_check_celu)
def celu(input: Array, alpha: Scalar = 1.0, inplace: bool = False) -> Array:
    """``x`` if x > 0 else ``alpha * (exp(x / alpha) - 1)``.  ``(*) -> (*)``"""
    only_floating(input, "elu_cpu")
    x = wide(input)
    a = alpha.astype(x.dtype)
    return _elu(x, a, 1, 1 / a).astype(input.dtype)


@op(namespaces=("torch", "functional"), method=False, inplace=True, grad_name="Elu")
def selu(input: Array, inplace: bool = False) -> Array:
    """ELU, scaled so that activations keep mean 0 and variance 1.  ``(*) -> (*)``"""
    only_floating(input, "elu_cpu")
    return _elu(wide(input), _SELU_ALPHA, _SELU_SCALE, 1).astype(input.dtype)


@op(namespaces=("functional",), method=False, inplace=True)
def leaky_relu(input: Array, negative_slope: Scalar = 0.01, inplace: bool = False) -> Array:
    """``x`` if x > 0 else ``negative_slope * x``.  ``(*) -> (*)``"""
    only_floating(input, "leaky_relu_cpu")
    x = wide(input)
    return jnp.where(x > 0, x, x * negative_slope.astype(x.dtype)).astype(input.dtype)


def _rrelu_slopes(args: dict[str, Any]) -> dict[str, Any]:
    input = args["input"]
    if not input.dtype.is_floating_point:
        return {}
    lower, upper = float(args["lower"]), float(args["upper"])
    if not args["training"]:
        return {"_slope": np.full((), (lower + upper) / 2)}
    # PyTorch draws only where x <= 0, one after the other
    negative = np.asarray(input.numpy() <= 0)
    slopes = np.ones(input.shape)
    slopes[negative] = args["generator"].uniform(
        (int(negative.sum()),), np.dtype(np.float64), lower, upper
    )
    return {"_slope": slopes}


def _check_rrelu(args: dict[str, Any]) -> None:
    if float(args["lower"]) > float(args["upper"]):
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")


@op(
    namespaces=("torch", "functional"), method=False, inplace=True, grad_name="RreluWithNoise",
    prepare=_rrelu_slopes, check=_check_rrelu,
)  # fmt: skip
def rrelu(
    input: Array,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    _slope: Array | None = None,
) -> Array:
    """``x`` if x > 0 else ``slope * x``; slope uniform in [lower, upper], or their mean in evaluation.

    ``(*) -> (*)``
    """
    only_floating(input, "leaky_relu_cpu")
    assert _slope is not None
    x = wide(input)
    return jnp.where(x > 0, x, x * _slope.astype(x.dtype)).astype(input.dtype)


@op(namespaces=("functional",), method=False, out=True)
def gelu(input: Array, approximate: str = "none") -> Array:
    """``x * Phi(x)``; ``approximate="tanh"``: ``x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))``.

    ``(*) -> (*)``
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    only_floating(input, "GeluKernelImpl")
    x = wide(input)
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
        return (0.5 * x * (1 + jnp.tanh(inner))).astype(input.dtype)
    return (x * 0.5 * (1 + jax.lax.erf(x * math.sqrt(0.5)))).astype(input.dtype)


@op(namespaces=("functional",), method=False, inplace=True)
def silu(input: Array, inplace: bool = False) -> Array:
    """``x * sigmoid(x)``.  ``(*) -> (*)``"""
    only_inexact(input, "silu_cpu")
    x = wide(input)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return x / (1 + jnp.exp(-x))
    return (x * jax.nn.sigmoid(x)).astype(input.dtype)


@op(namespaces=("functional",), method=False, inplace=True)
def mish(input: Array, inplace: bool = False) -> Array:
    """``x * tanh(softplus(x))``.  ``(*) -> (*)``"""
    only_floating(input, "mish_cpu")
    x = wide(input)
    return (x * jnp.tanh(jnp.logaddexp(x, 0.0))).astype(input.dtype)


@op(namespaces=("functional",), method=False, out=True)
def softplus(input: Array, beta: Scalar = 1, threshold: Scalar = 20) -> Array:
    """``log(1 + exp(beta * x)) / beta``, or ``x`` where ``beta * x > threshold``.  ``(*) -> (*)``"""
    only_floating(input, "softplus_cpu")
    x = wide(input)
    b = beta.astype(x.dtype)
    linear = x * b > threshold.astype(x.dtype)
    small = jnp.where(linear, 0, x * b)
    return jnp.where(linear, x, jnp.log1p(jnp.exp(small)) / b).astype(input.dtype)


@op(namespaces=("functional",), method=False, grad_name="Div")
def softsign(input: Array) -> Array:
    """``x / (1 + |x|)``.  ``(*) -> (*)``"""
    if input.dtype == jnp.bool_:
        refuse_bool(input, "abs_cpu")
    x = _float(input)
    return (wide(x) / (1 + jnp.abs(wide(x)))).astype(x.dtype)


@op(namespaces=("functional",), method=False, grad_name="Sub")
def tanhshrink(input: Array) -> Array:
    """``x - tanh(x)``.  ``(*) -> (*)``"""
    if input.dtype == jnp.bool_:
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to "
            "invert a mask, use the `~` or `logical_not()` operator instead."
        )
    x = _float(input)
    # the tanh is rounded to x's type before the subtraction, as PyTorch's two calls do
    return x - jnp.tanh(wide(x)).astype(x.dtype)


def _float(x: Array) -> Array:
    from ...core.dtypes import default_dtype

    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(default_dtype().np)


@op(namespaces=("torch", "functional"), method=False, inplace=True)
def threshold(input: Array, threshold: Scalar, value: Scalar, inplace: bool = False) -> Array:
    """``x`` if x > threshold else ``value``.  ``(*) -> (*)``"""
    refuse_bool(input, "threshold_cpu")
    return jnp.where(input <= threshold.astype(input.dtype), value.astype(input.dtype), input)


@op(namespaces=("torch", "functional"), out=True)
def hardshrink(input: Array, lambd: Scalar = 0.5) -> Array:
    """``x`` outside [-lambd, lambd], else 0.  ``(*) -> (*)``"""
    only_floating(input, "hardshrink_cpu")
    bound = lambd.astype(input.dtype)
    return jnp.where((input >= -bound) & (input <= bound), 0, input)


def _check_softshrink(args: dict[str, Any]) -> None:
    lambd, of = float(args["lambd"]), args["input"].dtype
    if not of.is_floating_point:
        raise NotImplementedError(f"\"softshrink_check\" not implemented for '{_name(of)}'")
    if not 0 <= lambd <= float(jnp.finfo(of.np).max):
        top = float(jnp.finfo(of.np).max)
        raise RuntimeError(
            f"lambda must be in range [0, {top:g}] for input dtype {_name(of)}, but found {lambd:g}"
        )


def _name(of: Any) -> str:
    from ...core.dtypes import TYPE_NAMES

    return TYPE_NAMES[of.name]


@op(namespaces=("functional",), method=False, out=True, check=_check_softshrink)
def softshrink(input: Array, lambd: Scalar = 0.5) -> Array:
    """``x`` moved by lambd towards 0, 0 within [-lambd, lambd].  ``(*) -> (*)``"""
    only_floating(input, "softshrink_check")
    bound = lambd.astype(input.dtype)
    inside = jnp.where(jnp.isnan(input), input, 0)
    return jnp.where(input > bound, input - bound, jnp.where(input < -bound, input + bound, inside))


@op(namespaces=("functional",), method=False, inplace=True)
def hardsigmoid(input: Array, inplace: bool = False) -> Array:
    """``min(max(x + 3, 0), 6) / 6``.  ``(*) -> (*)``"""
    only_floating(input, "hardsigmoid_cpu")
    x = wide(input)
    return (jnp.where(x <= -3, 0, jnp.where(x >= 3, 6, x + 3)) / 6).astype(input.dtype)


@op(namespaces=("functional",), method=False, inplace=True)
def hardswish(input: Array, inplace: bool = False) -> Array:
    """``x * min(max(x + 3, 0), 6) / 6``.  ``(*) -> (*)``"""
    only_floating(input, "hardswish_cpu")
    x = wide(input)
    return jnp.where(x <= -3, 0, jnp.where(x >= 3, x, x * (x + 3) / 6)).astype(input.dtype)


@op(namespaces=("functional",), method=False, out=True, grad_name="LogSigmoid")
def logsigmoid(input: Array) -> Array:
    """``-log(1 + exp(-x))``.  ``(*) -> (*)``"""
    only_floating(input, "log_sigmoid_cpu")
    return (-jnp.logaddexp(-wide(input), 0.0)).astype(input.dtype)


@op(namespaces=("functional",), method=False)
def glu(input: Array, dim: int = -1) -> Array:
    """``a * sigmoid(b)``, a and b the halves along dim.  ``(*, 2k, *) -> (*, k, *)``"""
    if input.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    axis = normal_dim(dim, input.ndim)
    size = input.shape[axis]
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {axis} is size {size}")
    only_floating(input, "glu_cpu")
    a, b = jnp.split(wide(input), 2, axis)
    return (a * jax.nn.sigmoid(b)).astype(input.dtype)


@op(namespaces=("torch", "functional"), grad_name="PreluKernel")
def prelu(input: Array, weight: Array) -> Array:
    """``x`` if x > 0 else ``weight * x``, weight one number or one per channel (dim 1).

    ``(N, C, *), (C) -> (N, C, *)``
    """
    if input.dtype != weight.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {type_name(input)} and {type_name(weight)}"
        )
    if weight.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}"
        )
    if weight.size != 1:
        if input.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if channels != weight.size:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight.size} and channel size = {channels}."
            )
        shape = [1] * input.ndim
        shape[1 if input.ndim > 1 else 0] = weight.size
        weight = weight.reshape(shape)
    else:
        weight = weight.reshape((1,) * input.ndim)
    only_floating(input, "prelu_cpu")
    return jnp.where(input > 0, input, weight * input)
