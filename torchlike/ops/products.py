"""Cross products, pairwise distances, and norms kept below a bound."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp

from ..core.errors import check
from ..core.registry import Array, Scalar, op
from ..core.shapes import broadcast_two, normal_dim
from .accumulate import dead, is_floating, is_inexact, type_name, widened
from .elementwise import only_tensors
from .linalg_norm import vector_norm


def _cross(a: Array, b: Array, dim: int) -> Array:
    check(a.ndim == b.ndim, "linalg.cross: inputs must have the same number of dimensions.")
    d = normal_dim(dim, a.ndim)
    check(
        a.shape[d] == 3 and b.shape[d] == 3,
        f"linalg.cross: inputs dimension {dim} must have length 3. Got {a.shape[d]} and "
        f"{b.shape[d]}",
    )
    broadcast_two(a.shape, b.shape)
    x, y = jnp.moveaxis(a, d, 0), jnp.moveaxis(b, d, 0)
    parts = (x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0])
    return jnp.stack(parts, axis=d)


@op(
    types=only_tensors("cross", "input", "other"),
    out=True,
    promote="default",
    grad_name="LinalgCrossBackward0",
)
def cross(input: Array, other: Array, dim: int | None = None) -> Array:
    """Vector product along ``dim``, else along the first dim of size 3.

    ``(*, 3), (*, 3) -> (*, 3)``
    """
    if dim is None:
        check(
            input.ndim == other.ndim,
            "linalg.cross: inputs must have the same number of dimensions.",
        )
        threes = [i for i, n in enumerate(input.shape) if n == 3]
        check(bool(threes), "no dimension of size 3 in input")
        dim = threes[0]
    return _cross(input, other, dim)


@op(
    types=only_tensors("linalg_cross", "input", "other"), out=True, promote="default", method=False,
    namespaces=("linalg",), name="cross", grad_name="LinalgCrossBackward0",
)  # fmt: skip
def linalg_cross(input: Array, other: Array, *, dim: int = -1) -> Array:
    """Vector product along ``dim``.  ``(*, 3), (*, 3) -> (*, 3)``"""
    return _cross(input, other, dim)


# ---------------------------------------------------------------- distances

_MM_FROM = 25  # rows from which PyTorch takes squared distances from one matrix product
_MM_MODES = (
    "use_mm_for_euclid_dist_if_necessary",
    "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def _distances(x1: Array, x2: Array, p: float) -> Array:
    gap = jnp.abs(x1[..., :, None, :] - x2[..., None, :, :])
    if gap.shape[-1] == 0:
        return jnp.zeros(gap.shape[:-1], x1.dtype)
    if p == 0:
        return jnp.sum(gap != 0, axis=-1).astype(x1.dtype)
    if p == 1:
        return jnp.sum(gap, axis=-1)
    if p == 2:
        return jnp.sqrt(jnp.sum(gap * gap, axis=-1))
    if math.isinf(p):
        return jnp.where(jnp.any(jnp.isnan(gap), -1), jnp.nan, jnp.max(gap, axis=-1)).astype(
            x1.dtype
        )
    return jnp.sum(gap ** jnp.asarray(p, gap.dtype), axis=-1) ** jnp.asarray(1 / p, gap.dtype)


@_distances.defjvp
def _distances_jvp(p: float, primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x1, x2), (t1, t2) = primals, tangents
    y = _distances(x1, x2, p)
    gap = x1[..., :, None, :] - x2[..., None, :, :]
    moved = t1[..., :, None, :] - t2[..., None, :, :]
    far = y[..., None]
    if p == 0:
        return y, jnp.zeros_like(y)
    if p == 1:
        weight = jnp.sign(gap)
    elif math.isinf(p):
        weight = jnp.where(jnp.abs(gap) == far, jnp.sign(gap), jnp.zeros((), gap.dtype))
    else:
        # at distance 0, and for p < 1 at a gap of 0, PyTorch's slope is 0
        safe = jnp.where(far == 0, jnp.ones((), y.dtype), far)
        size = jnp.abs(gap)
        flat = (far == 0) | ((size == 0) if p < 2 else False)
        ratio = jnp.where(flat, jnp.ones((), y.dtype), size / safe)
        weight = dead(flat, jnp.sign(gap) * ratio ** jnp.asarray(p - 1, y.dtype))
    return y, jnp.sum(weight * moved, axis=-1)


@jax.custom_jvp
def _euclidean(x1: Array, x2: Array) -> Array:
    """By one matrix product: ``|a|² - 2ab + |b|²``."""
    n1 = jnp.sum(x1 * x1, axis=-1, keepdims=True)
    n2 = jnp.sum(x2 * x2, axis=-1, keepdims=True)
    one = jnp.ones((), x1.dtype)
    left = jnp.concatenate([-2 * one * x1, n1, jnp.ones_like(n1)], axis=-1)
    right = jnp.concatenate([x2, jnp.ones_like(n2), n2], axis=-1)
    squares = jnp.matmul(left, jnp.swapaxes(right, -1, -2))
    return jnp.sqrt(jnp.maximum(squares, jnp.zeros((), x1.dtype)))


@_euclidean.defjvp
def _euclidean_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x1, x2), (t1, t2) = primals, tangents
    y = _euclidean(x1, x2)

    def along(x: Array, t: Array, other: Array) -> Array:
        own = jnp.sum(x * t, axis=-1)[..., :, None]
        return own - jnp.matmul(t, jnp.swapaxes(other, -1, -2))

    change = along(x1, t1, x2) + jnp.swapaxes(along(x2, t2, x1), -1, -2)
    safe = jnp.where(y == 0, jnp.ones((), y.dtype), y)
    return y, dead(y == 0, change / safe)


def _cdist_node(args: dict[str, Any]) -> str:
    rows = [max(args[name].shape[-2:-1], default=0) for name in ("x1", "x2")]
    return (
        "EuclideanDistBackward0"
        if args.get("p") == 2 and max(rows) > _MM_FROM
        else "CdistBackward0"
    )


@op(types=only_tensors("cdist", "x1", "x2"), method=False, grad_name=_cdist_node, keeps=("x1", "x2"))
def cdist(
    x1: Array,
    x2: Array,
    p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Array:
    """Distance of every pair of rows in the p-norm.  ``(*, P, M), (*, R, M) -> (*, P, R)``"""
    check(
        compute_mode in _MM_MODES,
        f"{compute_mode} is not a valid value for compute_mode",
        ValueError,
    )
    for x, name in ((x1, "X1"), (x2, "X2")):
        check(
            is_floating(x), f"cdist only supports floating-point dtypes, {name} got: {type_name(x)}"
        )
    check(p >= 0, "cdist only supports non-negative p values")
    for x, name in ((x1, "X1"), (x2, "X2")):
        check(x.ndim >= 2, f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    check(
        x1.shape[-1] == x2.shape[-1],
        f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}",
    )
    batch = broadcast_two(x1.shape[:-2], x2.shape[:-2])
    a = widened(jnp.broadcast_to(x1, batch + x1.shape[-2:]))
    b = widened(jnp.broadcast_to(x2, batch + x2.shape[-2:]))
    many = max(x1.shape[-2], x2.shape[-2]) > _MM_FROM
    product = compute_mode == _MM_MODES[1] or (compute_mode == _MM_MODES[0] and many)
    return (_euclidean(a, b) if p == 2 and product else _distances(a, b, p)).astype(x1.dtype)


def _check_renorm(args: dict[str, Any]) -> None:
    maxnorm = args["maxnorm"]
    check(maxnorm >= 0, f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")


@op(out=True, inplace=True, check=_check_renorm)
def renorm(input: Array, p: float, dim: int, maxnorm: Scalar) -> Array:
    """Slices along ``dim`` scaled down to a p-norm of at most ``maxnorm``.  ``(*) -> (*)``"""
    check(p > 0, "renorm: non-positive-norm not supported")
    check(input.ndim > 1, f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    d = normal_dim(dim, input.ndim)
    check(
        is_inexact(input),
        "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
        f"{type_name(input)}",
    )
    x = widened(input)
    size = vector_norm(x, p, tuple(i for i in range(x.ndim) if i != d), True)
    limit = maxnorm.astype(size.dtype)
    factor = jnp.where(size > limit, limit / (size + jnp.asarray(1e-7, size.dtype)), 1).astype(
        x.dtype
    )
    return (x * factor).astype(input.dtype)


def _dist_dtype(x: Array) -> None:
    check(
        is_inexact(x),
        f"norm(): input dtype should be either floating point or complex. Got {type_name(x)} "
        "instead.",
    )


@op(types=only_tensors("dist", "input", "other"), promote="default")
def dist(input: Array, other: Array, p: float = 2) -> Array:
    """p-norm of the difference.  ``(*), (*) -> ()``"""
    broadcast_two(input.shape, other.shape)
    _dist_dtype(input)
    return vector_norm(input - other, p)
