"""Cumulative sums, products, extrema; differences and the trapezoid rule along a dim."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.dtypes import dtype
from ..core.errors import not_implemented_for
from ..core.registry import Array, Scalar, op, scan
from ..core.shapes import broadcast_two, normal_dim
from .accumulate import (
    dead,
    floated,
    is_complex,
    is_floating,
    is_inexact,
    kind,
    type_name,
    widened,
)  # fmt: skip


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
    x = widened(input.astype(to))
    return (x if x.ndim == 0 else jnp.cumsum(x, axis=d)).astype(to)


@scan(inplace=True)
def cumprod(input: Array, dim: int, *, dtype: dtype | None = None) -> Array:
    """Running product; zeros have their exact gradient.  ``(*) -> (*)``"""
    d = normal_dim(dim, input.ndim)
    to = _scanned_dtype(input, dtype)
    x = widened(input.astype(to))
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


@scan(returns=("values", "indices"), saves="none")
def cummax(input: Array, dim: int) -> tuple[Array, Array]:
    """Running maximum and its latest index.  ``(*) -> (*), (*)``"""
    return _running_extreme("cummax", input, dim, True)


@scan(returns=("values", "indices"), saves="none")
def cummin(input: Array, dim: int) -> tuple[Array, Array]:
    """Running minimum and its latest index.  ``(*) -> (*), (*)``"""
    return _running_extreme("cummin", input, dim, False)


# ---------------------------------------------------------------- differences


def _check_padding(input: Array, pad: Array, d: int) -> None:
    if pad.ndim != input.ndim:
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    for i, (n, m) in enumerate(zip(input.shape, pad.shape, strict=True)):
        if i != d and n != m:
            raise RuntimeError(
                "diff expects the shape of tensor to prepend or append to match that of input "
                "except "
                f"along the differencing dimension; input.size({i}) = {n}, but got "
                f"tensor.size({i}) = {m}"
            )


@op(out=True, promote="default", grad_name="SubBackward0")
def diff(
    input: Array,
    n: int = 1,
    dim: int = -1,
    prepend: Array | None = None,
    append: Array | None = None,
) -> Array:
    """The ``n``-th difference of neighbours; of bools: xor.  ``(*, L) -> (*, L - n)``"""
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    d = normal_dim(dim, input.ndim)
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    if n == 0:  # PyTorch returns the input here, without what was to be prepended
        return input
    parts = [x for x in (prepend, input, append) if x is not None]
    for x in (prepend, append):
        if x is not None:
            _check_padding(input, x, d)
    x = jnp.concatenate(parts, axis=d) if len(parts) > 1 else input
    for _ in range(min(n, x.shape[d])):
        size = x.shape[d]
        later = jax.lax.slice_in_dim(x, 1, size, axis=d)
        earlier = jax.lax.slice_in_dim(x, 0, size - 1, axis=d)
        x = later ^ earlier if x.dtype == np.bool_ else later - earlier
    return x


def _neighbours(x: Array, d: int) -> tuple[Array, Array]:
    size = x.shape[d]
    right = jax.lax.slice_in_dim(x, min(1, size), size, axis=d)
    return jax.lax.slice_in_dim(x, 0, max(size - 1, 0), axis=d), right


def _areas(name: str, y: Array, x: Array | None, dx: Array | None, dim: int) -> tuple[Array, int]:
    """Twice the area under each piece; and the dim."""
    if y.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    d = normal_dim(dim, y.ndim)
    if kind(y).name == "bool":
        raise RuntimeError(f"{name}: received a bool input for `y`, but bool is not supported")
    if x is None:
        left, right = _neighbours(floated(y), d)
        return (left + right) * (jnp.ones(()) if dx is None else dx).astype(left.dtype), d
    if kind(x).name == "bool":
        raise RuntimeError(f"{name}: received a bool input for `x`, but bool is not supported")
    if x.ndim == 1 and y.ndim > 1:
        if x.shape[0] != y.shape[d]:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = x.reshape([-1 if i == d else 1 for i in range(y.ndim)])
    elif x.ndim < y.ndim:
        x = x.reshape((1,) * (y.ndim - x.ndim) + x.shape)
    if x.ndim == 0:
        raise RuntimeError(
            f"The size of tensor a ({y.shape[d]}) must match the size of tensor b (0)"
        )
    start, stop = _neighbours(x, normal_dim(dim, x.ndim))
    left, right = _neighbours(y, d)
    broadcast_two(left.shape, stop.shape)
    return floated((stop - start) * (left + right)), d


def _rule(name: str) -> Callable[..., Any]:
    def resolve(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
        if "dx" in kwargs and (len(args) > 1 or kwargs.get("x") is not None):
            raise TypeError(
                f"{name}() received an invalid combination of arguments - got both x and dx"
            )
        return name, args, kwargs

    return resolve


def _trapezoid_node(args: dict[str, Any]) -> str:
    return "MulBackward1" if args.get("x") is None else "DivBackward1"


@op(
    promote="default",
    method=False,
    resolve=_rule("trapezoid"),
    aliases=("trapz",),
    grad_name=_trapezoid_node,
)
def trapezoid(y: Array, x: Array | None = None, *, dx: Scalar = 1, dim: int = -1) -> Array:
    """Area under the samples ``y`` at ``x``, or ``dx`` apart.  ``(*, N) -> (*)``"""
    area, d = _areas("trapezoid", y, x, dx, dim)
    return jnp.sum(area, axis=d) / jnp.asarray(2, area.dtype)


@op(promote="default", method=False, resolve=_rule("cumulative_trapezoid"), grad_name="Cumsum")
def cumulative_trapezoid(
    y: Array, x: Array | None = None, *, dx: Scalar = 1, dim: int = -1
) -> Array:
    """Running area under the samples.  ``(*, N) -> (*, N - 1)``"""
    area, d = _areas("cumulative_trapezoid", y, x, dx, dim)
    return jnp.cumsum(area / jnp.asarray(2, area.dtype), axis=d)
