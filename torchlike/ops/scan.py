"""Cumulative sums, products, extrema; differences and the trapezoid rule along a dim."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.dtypes import dtype
from ..core.errors import not_implemented_for
from ..core.registry import Array, scan
from ..core.shapes import normal_dim
from .accumulate import (
    dead,
    is_complex,
    is_floating,
    is_inexact,
    type_name,
    widened,
)  # fmt: skip
from .convert import cast


def _scanned_dtype(x: Array, wanted: dtype | None) -> np.dtype:
    """Integers and bools are added up in int64."""
    if wanted is not None:
        return wanted.np
    return x.dtype if is_inexact(x) else np.dtype(np.int64)


@scan(inplace=True, saves="none")
def cumsum(input: Array, dim: int, *, dtype: dtype | None = None) -> Array:
    """Running sum; integers give int64, halves add up in float32.  ``(*) -> (*)``"""
    d = normal_dim(dim, input.ndim)
    to = _scanned_dtype(input, dtype)
    x = widened(cast(input, to))
    return (x if x.ndim == 0 else jnp.cumsum(x, axis=d)).astype(to)


@scan(inplace=True)
def cumprod(input: Array, dim: int, *, dtype: dtype | None = None) -> Array:
    """Running product; zeros have their exact gradient.  ``(*) -> (*)``"""
    d = normal_dim(dim, input.ndim)
    to = _scanned_dtype(input, dtype)
    x = widened(cast(input, to))
    return (x if x.ndim == 0 or x.size == 0 else _running_product(x, d)).astype(to)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _running_product(x: Array, dim: int) -> Array:
    return jax.lax.cumprod(x, dim)


@_running_product.defjvp
def _running_product_jvp(dim: int, primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents

    # d(ab) = da b + a db never divides, so zeros need no case of their own
    def join(left: tuple[Array, Array], right: tuple[Array, Array]) -> tuple[Array, Array]:
        (a, da), (b, db) = left, right
        return a * b, da * b + a * db

    y, dy = jax.lax.associative_scan(join, (x, t), axis=dim)
    return y, dy


@scan(saves="result")
def logcumsumexp(input: Array, dim: int) -> Array:
    """Running ``log Σ exp`` without overflow.  ``(*) -> (*)``"""
    d = normal_dim(dim, input.ndim)
    if not is_inexact(input):
        raise not_implemented_for("logcumsumexp_out_cpu", type_name(input))
    x = widened(input)
    if x.ndim == 0 or x.size == 0:
        return input
    return jax.lax.associative_scan(_log_add, x, axis=d).astype(input.dtype)


def _real_part(x: Array) -> Array:
    return jnp.real(x) if is_complex(x) else x


@jax.custom_jvp
def _log_add(a: Array, b: Array) -> Array:
    """``log(e^a + e^b)``; equal infinities stay, NaN in either is kept."""
    ra, rb = _real_part(a), _real_part(b)
    a_low = (ra < rb) | jnp.isnan(rb)
    low, high = jnp.where(a_low, a, b), jnp.where(a_low, b, a)
    if is_complex(a):
        grown = jnp.log(jnp.exp(low - high) + jnp.ones((), a.dtype)) + high
    else:
        grown = jnp.log1p(jnp.exp(low - high)) + high
    same = jnp.isinf(_real_part(high)) & (_real_part(low) == _real_part(high))
    return jnp.where(same | (_real_part(low) == -jnp.inf), high, grown)


@_log_add.defjvp
def _log_add_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    (a, b), (da, db) = primals, tangents
    y = _log_add(a, b)
    base = dead(_real_part(y) == -jnp.inf, y)
    return y, jnp.exp(a - base) * da + jnp.exp(b - base) * db


# ---------------------------------------------------------------- running extrema


def _running_extreme(name: str, x: Array, dim: int, largest: bool) -> tuple[Array, Array]:
    d = normal_dim(dim, x.ndim)
    if is_complex(x):
        raise not_implemented_for(f"{name}_cpu", type_name(x))
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    if x.size == 0:
        return x, jnp.zeros(x.shape, np.int64)
    index = jax.lax.broadcasted_iota(np.int64, x.shape, d)
    key = widened(jax.lax.stop_gradient(x))
    key = key.astype(np.uint8) if key.dtype == np.bool_ else key

    # the later one wins a tie, and NaN wins over everything: PyTorch's `>=`
    def join(left: tuple[Array, Array], right: tuple[Array, Array]) -> tuple[Array, Array]:
        (a, i), (b, j) = left, right
        later = (b >= a) if largest else (b <= a)
        if is_floating(a):
            later = (later & ~jnp.isnan(a)) | jnp.isnan(b)
        return jnp.where(later, b, a), jnp.where(later, j, i)

    _, where = jax.lax.associative_scan(join, (key, index), axis=d)
    return jnp.take_along_axis(x, where, axis=d), where


@scan(returns=("values", "indices"), saves="none", keeps=())
def cummax(input: Array, dim: int) -> tuple[Array, Array]:
    """Running maximum and its latest index.  ``(*) -> (*), (*)``"""
    return _running_extreme("cummax", input, dim, True)


@scan(returns=("values", "indices"), saves="none", keeps=())
def cummin(input: Array, dim: int) -> tuple[Array, Array]:
    """Running minimum and its latest index.  ``(*) -> (*), (*)``"""
    return _running_extreme("cummin", input, dim, False)
