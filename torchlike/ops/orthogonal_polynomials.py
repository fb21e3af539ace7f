"""Chebyshev, Hermite, Laguerre and Legendre polynomials, an order per element; no gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ..core.registry import Array, op
from .elementwise import REAL, elementwise

Step = Callable[[Array, Array, Array, Array], Array]

_special: Any = {
    "promote": "float", "namespaces": ("special",), "method": False, "out": True, "nondiff": True,
}  # fmt: skip


def _operands(x: Array, n: Array) -> tuple[Array, Array]:
    """Broadcast, the orders whole numbers; one that is no number counts as negative."""
    x, n = jnp.broadcast_arrays(x, n)
    return x, jnp.where(jnp.abs(n) < 2**62, n, -1).astype(jnp.int64)


def _climb(x: Array, n: Array, first: Array, step: Step, skip: Array | None = None) -> Array:
    """The recurrence ``step(k, x, p[k], p[k - 1]) -> p[k + 1]`` from p[0] = 1, p[1] = first."""
    top = n if skip is None else jnp.where(skip, 0, n)

    def unfinished(state: tuple[Array, Array, Array]) -> Array:
        k, _, now = state
        return jnp.any((k < top) & ~jnp.isnan(now))

    def climb(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        k, before, now = state
        going = k < top
        after = step(k.astype(x.dtype), x, now, before)
        return k + 1, jnp.where(going, now, before), jnp.where(going, after, now)

    one = jnp.ones_like(x)
    _, _, found = jax.lax.while_loop(unfinished, climb, (jnp.int64(1), one, first))
    return jnp.where(n < 0, 0, jnp.where(n == 0, one, found))


def _chebyshev_step(k: Array, x: Array, now: Array, before: Array) -> Array:
    return 2 * x * now - before


def _parity(n: Array, like: Array) -> Array:
    return jnp.where(n % 2 == 0, 1, -1).astype(like.dtype)


def _chebyshev(kind: str, x: Array, n: Array) -> Array:
    """Any of the four kinds; orders above 6 use the closed form inside (-1, 1)."""
    x, n = _operands(x, n)
    first = {"t": x, "u": 2 * x, "v": 2 * x - 1, "w": 2 * x + 1}[kind]
    order = n.astype(x.dtype)
    inside = (n > 6) & (jnp.abs(x) < 1)
    at_end = (n > 0) & (jnp.abs(x) == 1)
    angle = jnp.arccos(jnp.where(inside, x, 0))
    even = _parity(n, x)
    closed, right, left = {
        "t": lambda: (jnp.cos(order * angle), 1, even),
        "u": lambda: (jnp.sin((order + 1) * angle) / jnp.sin(angle), order + 1, even * (order + 1)),
        "v": lambda: (
            jnp.cos((order + 0.5) * angle) / jnp.cos(angle / 2), 1, even * (2 * order + 1)
        ),
        "w": lambda: (jnp.sin((order + 0.5) * angle) / jnp.sin(angle / 2), 2 * order + 1, even),
    }[kind]()  # fmt: skip
    found = _climb(x, n, first, _chebyshev_step, inside | at_end)
    found = jnp.where(at_end, jnp.where(x > 0, right, left), found)
    return jnp.where(inside, closed, found)


@op(**_special)
@elementwise("chebyshev_polynomial_t_cpu", REAL, half=False)
def chebyshev_polynomial_t(input: Array, n: Array) -> Array:
    """Chebyshev polynomial of the first kind and order n; 0 for a negative n.

    ``(*), (*) -> (*)``
    """
    return _chebyshev("t", input, n)


@op(**_special)
@elementwise("chebyshev_polynomial_u_cpu", REAL, half=False)
def chebyshev_polynomial_u(input: Array, n: Array) -> Array:
    """Chebyshev polynomial of the second kind and order n; 0 for a negative n.

    ``(*), (*) -> (*)``
    """
    return _chebyshev("u", input, n)


@op(**_special)
@elementwise("chebyshev_polynomial_v_cpu", REAL, half=False)
def chebyshev_polynomial_v(input: Array, n: Array) -> Array:
    """Chebyshev polynomial of the third kind and order n; 0 for a negative n.

    ``(*), (*) -> (*)``
    """
    return _chebyshev("v", input, n)


@op(**_special)
@elementwise("chebyshev_polynomial_w_cpu", REAL, half=False)
def chebyshev_polynomial_w(input: Array, n: Array) -> Array:
    """Chebyshev polynomial of the fourth kind and order n; 0 for a negative n.

    ``(*), (*) -> (*)``
    """
    return _chebyshev("w", input, n)


@op(**_special)
@elementwise("shifted_chebyshev_polynomial_t_cpu", REAL, half=False)
def shifted_chebyshev_polynomial_t(input: Array, n: Array) -> Array:
    """``chebyshev_polynomial_t(2 * input - 1, n)``.  ``(*), (*) -> (*)``"""
    return _chebyshev("t", 2 * input - 1, n)


@op(**_special)
@elementwise("shifted_chebyshev_polynomial_u_cpu", REAL, half=False)
def shifted_chebyshev_polynomial_u(input: Array, n: Array) -> Array:
    """``chebyshev_polynomial_u(2 * input - 1, n)``.  ``(*), (*) -> (*)``"""
    return _chebyshev("u", 2 * input - 1, n)


@op(**_special)
@elementwise("shifted_chebyshev_polynomial_v_cpu", REAL, half=False)
def shifted_chebyshev_polynomial_v(input: Array, n: Array) -> Array:
    """``chebyshev_polynomial_v(2 * input - 1, n)``.  ``(*), (*) -> (*)``"""
    return _chebyshev("v", 2 * input - 1, n)


@op(**_special)
@elementwise("shifted_chebyshev_polynomial_w_cpu", REAL, half=False)
def shifted_chebyshev_polynomial_w(input: Array, n: Array) -> Array:
    """``chebyshev_polynomial_w(2 * input - 1, n)``.  ``(*), (*) -> (*)``"""
    return _chebyshev("w", 2 * input - 1, n)


# PyTorch refuses higher orders: they overflow
_HIGHEST_HERMITE = {"float32": 128, "float64": 512}


def _hermite(x: Array, n: Array, first: Array, step: Step) -> Array:
    too_high = n > _HIGHEST_HERMITE[x.dtype.name]
    return jnp.where(too_high, jnp.nan, _climb(x, n, first, step, too_high))


@op(**_special)
@elementwise("hermite_polynomial_h_cpu", REAL, half=False)
def hermite_polynomial_h(input: Array, n: Array) -> Array:
    """Physicist's Hermite polynomial of order n; 0 for a negative n.  ``(*), (*) -> (*)``"""
    x, n = _operands(input, n)
    return _hermite(x, n, 2 * x, lambda k, x, now, before: 2 * x * now - 2 * k * before)


@op(**_special)
@elementwise("hermite_polynomial_he_cpu", REAL, half=False)
def hermite_polynomial_he(input: Array, n: Array) -> Array:
    """Probabilist's Hermite polynomial of order n; 0 for a negative n.  ``(*), (*) -> (*)``"""
    x, n = _operands(input, n)
    return _hermite(x, n, x, lambda k, x, now, before: x * now - k * before)


@op(**_special)
@elementwise("laguerre_polynomial_l_cpu", REAL, half=False)
def laguerre_polynomial_l(input: Array, n: Array) -> Array:
    """Laguerre polynomial of order n; 0 for a negative n.  ``(*), (*) -> (*)``"""
    x, n = _operands(input, n)

    def step(k: Array, x: Array, now: Array, before: Array) -> Array:
        return ((2 * k + 1 - x) * now - k * before) / (k + 1)

    zero = (x == 0) & (n >= 0)
    return jnp.where(zero, 1, _climb(x, n, 1 - x, step, zero))


@op(**_special)
@elementwise("legendre_polynomial_p_cpu", REAL, half=False)
def legendre_polynomial_p(input: Array, n: Array) -> Array:
    """Legendre polynomial of order n; 0 for a negative n.  ``(*), (*) -> (*)``"""
    x, n = _operands(input, n)

    def step(k: Array, x: Array, now: Array, before: Array) -> Array:
        return ((2 * k + 1) * x * now - k * before) / (k + 1)

    at_end = (jnp.abs(x) == 1) & (n >= 0)
    edge = jnp.where(x > 0, 1, _parity(n, x))
    return jnp.where(at_end, edge, _climb(x, n, x, step, at_end))
