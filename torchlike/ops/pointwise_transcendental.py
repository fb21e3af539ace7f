"""Exponentials, logarithms, roots, trigonometric and hyperbolic functions of one tensor."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from ..core.registry import Array, Scalar, unary
from .elementwise import REAL, derivatives, elementwise

_math = elementwise(wide=True)


@unary(promote="float", saves="result")
@_math
def exp(input: Array) -> Array:
    """``e ** input``.  ``(*) -> (*)``"""
    return jnp.exp(input)


@unary(promote="float", saves="result", aliases=("special.exp2",))
@_math
def exp2(input: Array) -> Array:
    """``2 ** input``.  ``(*) -> (*)``"""
    return jnp.exp2(input)


@unary(promote="float", saves="result", aliases=("special.expm1",))
@_math
def expm1(input: Array) -> Array:
    """``e ** input - 1``, exact near 0.  ``(*) -> (*)``"""
    return jnp.expm1(input)


@unary(promote="float")
@_math
def log(input: Array) -> Array:
    """Natural logarithm.  ``(*) -> (*)``"""
    return jnp.log(input)


@unary(promote="float")
@_math
@derivatives(lambda y, x: 1 / (x * math.log(2)))
def log2(input: Array) -> Array:
    """Logarithm to base 2.  ``(*) -> (*)``"""
    return jnp.log2(input)


@unary(promote="float")
@_math
@derivatives(lambda y, x: 1 / (x * math.log(10)))
def log10(input: Array) -> Array:
    """Logarithm to base 10.  ``(*) -> (*)``"""
    return jnp.log10(input)


@unary(promote="float", aliases=("special.log1p",))
@_math
def log1p(input: Array) -> Array:
    """``log(1 + input)``, exact near 0.  ``(*) -> (*)``"""
    return jnp.log1p(input)


@unary(promote="float", saves="result")
@_math
def sqrt(input: Array) -> Array:
    """Square root; NaN below 0.  ``(*) -> (*)``"""
    return jnp.sqrt(input)


@unary(promote="float", saves="result")
@_math
@derivatives(lambda y, x: -0.5 * y * y * y)
def rsqrt(input: Array) -> Array:
    """``1 / sqrt(input)``.  ``(*) -> (*)``"""
    return jax.lax.rsqrt(input)


@unary(promote="float")
@_math
def sin(input: Array) -> Array:
    """Sine of radians.  ``(*) -> (*)``"""
    return jnp.sin(input)


@unary(promote="float")
@_math
def cos(input: Array) -> Array:
    """Cosine of radians.  ``(*) -> (*)``"""
    return jnp.cos(input)


@unary(promote="float", saves="result")
@_math
def tan(input: Array) -> Array:
    """Tangent of radians.  ``(*) -> (*)``"""
    return jnp.tan(input)


@unary(promote="float", aliases=("arcsin",))
@_math
def asin(input: Array) -> Array:
    """Inverse sine, in [-pi/2, pi/2] radians; NaN outside [-1, 1].  ``(*) -> (*)``"""
    return jnp.arcsin(input)


@unary(promote="float", aliases=("arccos",))
@_math
def acos(input: Array) -> Array:
    """Inverse cosine, in [0, pi] radians; NaN outside [-1, 1].  ``(*) -> (*)``"""
    return jnp.arccos(input)


@unary(promote="float", aliases=("arctan",))
@_math
def atan(input: Array) -> Array:
    """Inverse tangent, in [-pi/2, pi/2] radians.  ``(*) -> (*)``"""
    return jnp.arctan(input)


@unary(promote="float")
@_math
def sinh(input: Array) -> Array:
    """Hyperbolic sine.  ``(*) -> (*)``"""
    return jnp.sinh(input)


@unary(promote="float")
@_math
def cosh(input: Array) -> Array:
    """Hyperbolic cosine.  ``(*) -> (*)``"""
    return jnp.cosh(input)


@unary(promote="float", saves="result")
@_math
def tanh(input: Array) -> Array:
    """Hyperbolic tangent.  ``(*) -> (*)``"""
    return jnp.tanh(input)


@unary(promote="float", aliases=("arcsinh",))
@_math
def asinh(input: Array) -> Array:
    """Inverse hyperbolic sine.  ``(*) -> (*)``"""
    return jnp.arcsinh(input)


@unary(promote="float", aliases=("arccosh",))
@_math
def acosh(input: Array) -> Array:
    """Inverse hyperbolic cosine; NaN below 1.  ``(*) -> (*)``"""
    return jnp.arccosh(input)


@unary(promote="float", aliases=("arctanh",))
@_math
def atanh(input: Array) -> Array:
    """Inverse hyperbolic tangent; NaN outside [-1, 1].  ``(*) -> (*)``"""
    return jnp.arctanh(input)


@unary(promote="float", saves="result", aliases=("special.expit",))
@_math
def sigmoid(input: Array) -> Array:
    """``1 / (1 + exp(-input))``.  ``(*) -> (*)``"""
    return jax.lax.logistic(input)


@derivatives(lambda y, x: jnp.where((x < 0) | (x > 1), jnp.nan, 1 / (x * (1 - x))))
def _logit(input: Array) -> Array:
    return jnp.log(input / (1 - input))


@unary(promote="float", aliases=("special.logit",))
@elementwise("logit_cpu", REAL, wide=True)
def logit(input: Array, eps: Scalar | None = None) -> Array:
    """``log(x / (1 - x))`` with x clamped to [eps, 1 - eps]; a negative eps clamps nothing.

    ``(*) -> (*)``
    """
    if eps is None:
        return _logit(input)
    low = eps.astype(input.dtype)
    low = jnp.where(low < 0, -jnp.inf, low)
    high = jnp.where(low < 0, jnp.inf, 1 - low)
    bounded = jnp.where(input < low, low, jnp.where(input > high, high, input))
    return _logit(bounded)


def _sinc_slope(y: Array, x: Array) -> Array:
    angle = math.pi * x
    safe = jnp.where(x == 0, 1, x)
    slope = (angle * jnp.cos(angle) - jnp.sin(angle)) / (math.pi * safe * safe)
    return jnp.where(x == 0, 0, slope)


@unary(promote="float", aliases=("special.sinc",))
@_math
@derivatives(_sinc_slope)
def sinc(input: Array) -> Array:
    """``sin(pi x) / (pi x)``, 1 at 0.  ``(*) -> (*)``"""
    angle = math.pi * jnp.where(input == 0, 1, input)
    return jnp.where(input == 0, 1, jnp.sin(angle) / angle)
