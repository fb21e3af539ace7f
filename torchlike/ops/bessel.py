"""Bessel, spherical Bessel, modified Bessel and Airy functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core.registry import Array, op, unary
from . import bessel_tables as tables
from .elementwise import REAL, derivatives, elementwise


def _sum(coefficients: Sequence[float], low: float, high: float, t: Array) -> Array:
    """The Chebyshev series on [low, high] at t, by Clenshaw's recurrence."""
    y = (2 * t - (low + high)) / (high - low)
    one, two = jnp.zeros_like(t), jnp.zeros_like(t)
    for c in reversed(coefficients[1:]):
        one, two = 2 * y * one - two + c, one
    return y * one - two + coefficients[0]


def _in_double(fn: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The tables are made for float64, and phases of large arguments need it."""

    def wide(x: Array) -> Array:
        return fn(x.astype(jnp.float64)).astype(x.dtype)

    return wide


def _waves(order: int, x: Array) -> tuple[Array, Array]:
    """J and Y of a large x: two slowly varying amplitudes of sine and cosine."""
    u = (8 / x) ** 2
    p = _sum((tables.P0, tables.P1)[order], 0, 1, u)
    q = _sum((tables.Q0, tables.Q1)[order], 0, 1, u) * (8 / x)
    phase = x - (2 * order + 1) * math.pi / 4
    cos, sin, scale = jnp.cos(phase), jnp.sin(phase), jnp.sqrt(2 / (math.pi * x))
    return scale * (p * cos - q * sin), scale * (p * sin + q * cos)


def _near(x: Array, edge: float) -> tuple[Array, Array, Array]:
    """Where x is up to the edge, and x moved to its side of it, so that nothing overflows."""
    near = x <= edge
    return near, jnp.where(near, x, edge), jnp.where(near, edge, x)


@_in_double
def _j0(x: Array) -> Array:
    near, low, high = _near(jnp.abs(x), 8)
    return jnp.where(near, _sum(tables.J0, 0, 64, low * low), _waves(0, high)[0])


@_in_double
def _j1(x: Array) -> Array:
    near, low, high = _near(jnp.abs(x), 8)
    found = jnp.where(near, low * _sum(tables.J1, 0, 64, low * low), _waves(1, high)[0])
    return jnp.where(x < 0, -found, found)


def _from_zero(x: Array, at_zero: float, found: Array) -> Array:
    """A function with a pole at 0, undefined below."""
    return jnp.where(x > 0, found, jnp.where(x == 0, at_zero, jnp.nan))


@_in_double
def _y0(x: Array) -> Array:
    near, low, high = _near(x, 8)
    safe = jnp.where(low > 0, low, 1)
    inner = _sum(tables.Y0, 0, 64, safe * safe) + 2 / math.pi * jnp.log(safe) * _j0(safe)
    return _from_zero(x, -jnp.inf, jnp.where(near, inner, _waves(0, high)[1]))


@_in_double
def _y1(x: Array) -> Array:
    near, low, high = _near(x, 8)
    safe = jnp.where(low > 0, low, 1)
    inner = safe * _sum(tables.Y1, 0, 64, safe * safe)
    inner = inner + 2 / math.pi * (jnp.log(safe) * _j1(safe) - 1 / safe)
    return _from_zero(x, -jnp.inf, jnp.where(near, inner, _waves(1, high)[1]))


def _scaled_k(order: int, x: Array) -> Array:
    """``exp(x) K(x)``."""
    near, low, high = _near(x, 2)
    safe = jnp.where(low > 0, low, 1)
    table = (tables.K0, tables.K1)[order]
    regular, log = _sum(table, 0, 4, safe * safe), jnp.log(safe / 2)
    if order == 0:
        inner = regular - log * _i0(safe)
    else:
        inner = safe * regular + log * _i1(safe) + 1 / safe
    outer = _sum((tables.KE0, tables.KE1)[order], 0, 1, 2 / high) / jnp.sqrt(high)
    return _from_zero(x, jnp.inf, jnp.where(near, inner * jnp.exp(safe), outer))


@_in_double
def _k0(x: Array) -> Array:
    return _scaled_k(0, x) * jnp.exp(-x)


@_in_double
def _k1(x: Array) -> Array:
    return _scaled_k(1, x) * jnp.exp(-x)


@_in_double
def _ai(x: Array) -> Array:
    near = (x >= -5) & (x <= 2)
    inner = _sum(tables.AIRY_NEAR, -5, 2, jnp.where(near, x, 0))
    right = jnp.where(x > 2, x, 2)
    z = 2 / 3 * right * jnp.sqrt(right)
    decay = _sum(tables.AIRY_DECAY, 0, 1, (2 / 3 * 2**1.5) / z) * jnp.exp(-z)
    left = jnp.where(x < -5, -x, 5)
    zeta = 2 / 3 * left * jnp.sqrt(left)
    u = (2 / 3 * 5**1.5) / zeta
    t = zeta + math.pi / 4
    wave = jnp.sin(t) * _sum(tables.AIRY_P, 0, 1, u * u)
    wave = wave - jnp.cos(t) * _sum(tables.AIRY_Q, 0, 1, u * u) * u
    outer = jnp.where(x > 2, decay / right**0.25, wave / (math.sqrt(math.pi) * left**0.25))
    return jnp.where(jnp.isinf(x), jnp.nan, jnp.where(near, inner, outer))


@derivatives(lambda y, x: _i1(x))
def _i0(x: Array) -> Array:
    return jnp.exp(jnp.abs(x)) * jax.lax.bessel_i0e(x)


def _i1_slope(y: Array, x: Array) -> Array:
    tiny = ~(jnp.abs(x) > jnp.finfo(x.dtype).eps)  # NaN too, as PyTorch has it
    return jnp.where(tiny, 0.5, _i0(x) - y / jnp.where(tiny, 1, x))


@derivatives(_i1_slope)
def _i1(x: Array) -> Array:
    return jnp.exp(jnp.abs(x)) * jax.lax.bessel_i1e(x)


_special: Any = {"promote": "float", "namespaces": ("special",), "method": False, "out": True}


@unary(promote="float", aliases=("special.i0",))
@elementwise("i0_vml_cpu", REAL, wide=True)
def i0(input: Array) -> Array:
    """Modified Bessel function of the first kind, order 0.  ``(*) -> (*)``"""
    return _i0(input)


@op(**_special, grad_name="SpecialI0EBackward0")
@elementwise("i0e_cpu", REAL, wide=True)
def i0e(input: Array) -> Array:
    """``exp(-|x|) i0(x)``.  ``(*) -> (*)``"""
    return jax.lax.bessel_i0e(input)


@op(**_special, grad_name="SpecialI1Backward0")
@elementwise("i1_cpu", REAL, wide=True)
def i1(input: Array) -> Array:
    """Modified Bessel function of the first kind, order 1.  ``(*) -> (*)``"""
    return _i1(input)


@op(**_special, grad_name="SpecialI1EBackward0")
@elementwise("i1e_cpu", REAL, wide=True)
def i1e(input: Array) -> Array:
    """``exp(-|x|) i1(x)``.  ``(*) -> (*)``"""
    return jax.lax.bessel_i1e(input)


@op(**_special, nondiff=True)
@elementwise("bessel_j0_cpu", REAL, half=False)
def bessel_j0(input: Array) -> Array:
    """Bessel function of the first kind, order 0; not differentiable.  ``(*) -> (*)``"""
    return _j0(input)


@op(**_special, nondiff=True)
@elementwise("bessel_j1_cpu", REAL, half=False)
def bessel_j1(input: Array) -> Array:
    """Bessel function of the first kind, order 1; not differentiable.  ``(*) -> (*)``"""
    return _j1(input)


@op(**_special, nondiff=True)
@elementwise("bessel_y0_cpu", REAL, half=False)
def bessel_y0(input: Array) -> Array:
    """Bessel function of the second kind, order 0; NaN below 0; not differentiable.

    ``(*) -> (*)``
    """
    return _y0(input)


@op(**_special, nondiff=True)
@elementwise("bessel_y1_cpu", REAL, half=False)
def bessel_y1(input: Array) -> Array:
    """Bessel function of the second kind, order 1; NaN below 0; not differentiable.

    ``(*) -> (*)``
    """
    return _y1(input)


@op(**_special, nondiff=True)
@elementwise("modified_bessel_i0_cpu", REAL, half=False)
def modified_bessel_i0(input: Array) -> Array:
    """``i0``, not differentiable.  ``(*) -> (*)``"""
    return _i0(input)


@op(**_special, nondiff=True)
@elementwise("modified_bessel_i1_cpu", REAL, half=False)
def modified_bessel_i1(input: Array) -> Array:
    """``i1``, not differentiable.  ``(*) -> (*)``"""
    return _i1(input)


@op(**_special, nondiff=True)
@elementwise("modified_bessel_k0_cpu", REAL, half=False)
def modified_bessel_k0(input: Array) -> Array:
    """Modified Bessel function of the second kind, order 0; NaN below 0; not differentiable.

    ``(*) -> (*)``
    """
    return _k0(input)


@op(**_special, nondiff=True)
@elementwise("modified_bessel_k1_cpu", REAL, half=False)
def modified_bessel_k1(input: Array) -> Array:
    """Modified Bessel function of the second kind, order 1; NaN below 0; not differentiable.

    ``(*) -> (*)``
    """
    return _k1(input)


@op(**_special, nondiff=True)
@elementwise("scaled_modified_bessel_k0_cpu", REAL, half=False)
def scaled_modified_bessel_k0(x: Array) -> Array:
    """``exp(x) modified_bessel_k0(x)``; not differentiable.  ``(*) -> (*)``"""
    return _in_double(lambda z: _scaled_k(0, z))(x)


@op(**_special, nondiff=True)
@elementwise("scaled_modified_bessel_k1_cpu", REAL, half=False)
def scaled_modified_bessel_k1(x: Array) -> Array:
    """``exp(x) modified_bessel_k1(x)``; not differentiable.  ``(*) -> (*)``"""
    return _in_double(lambda z: _scaled_k(1, z))(x)


@op(**_special, nondiff=True)
@elementwise("spherical_bessel_j0_cpu", REAL, half=False)
def spherical_bessel_j0(x: Array) -> Array:
    """``sin(x) / x``; not differentiable.  ``(*) -> (*)``"""
    quotient = jnp.where(x == 0, 1, jnp.sin(x) / jnp.where(x == 0, 1, x))
    return jnp.where(jnp.isinf(x), 0, quotient)


@op(**_special, nondiff=True)
@elementwise("airy_ai_cpu", REAL, half=False)
def airy_ai(x: Array) -> Array:
    """Airy function Ai; NaN at the infinities; not differentiable.  ``(*) -> (*)``"""
    return _ai(x)
