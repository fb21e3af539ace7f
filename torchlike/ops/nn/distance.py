"""Norms with PyTorch's derivative at 0, and distances and similarities made of them."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...core.dtypes import default_dtype
from ...core.registry import Array, Scalar, op
from ...core.shapes import broadcast_two, normal_dim
from .precision import type_name, wide


def _magnitude(x: Array) -> tuple[Array, Array]:
    """Where x is 0, and |x| with 1 in its place, so that no derivative of it is taken there."""
    zero = x == 0
    return zero, jnp.abs(jnp.where(zero, jnp.ones_like(x), x))


def p_norm(x: Array, p: float, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:
    """``(sum |x|^p)^(1/p)``; its derivative at 0 is 0."""
    if p == 0:
        return (x != 0).astype(jnp.real(x).dtype).sum(axis, keepdims=keepdims)
    if p == 2:
        squares = jnp.real(x) ** 2 + jnp.imag(x) ** 2 if jnp.iscomplexobj(x) else x * x
        total = squares.sum(axis, keepdims=keepdims)
        zero = total == 0
        return jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, total)))
    zero, size = _magnitude(x)
    size = jnp.where(zero, 0, size)
    if math.isinf(p):
        return _extreme(size, p > 0, axis, keepdims)
    if p == 1:
        return size.sum(axis, keepdims=keepdims)
    powers = jnp.where(zero, 0 if p > 0 else jnp.inf, jnp.where(zero, 1, size) ** p)
    total = powers.sum(axis, keepdims=keepdims)
    empty = total == 0
    return jnp.where(empty, 0, jnp.where(empty, 1, total) ** (1.0 / p))


def _extreme(size: Array, largest: bool, axis: Any, keepdims: bool) -> Array:
    """Largest or smallest; equal ones share the cotangent. NaN wins."""
    pick = jnp.max if largest else jnp.min
    fixed = jax.lax.stop_gradient(size)
    top = pick(fixed, axis, keepdims=True)
    nan = jnp.isnan(fixed).any(axis, keepdims=True)
    same = fixed == top
    count = same.sum(axis, keepdims=True).astype(size.dtype)
    mean = jnp.where(same, size, 0).sum(axis, keepdims=True) / count
    found = jnp.where(nan, jnp.nan, mean)
    return found if keepdims else found.squeeze(axis)


def not_below(norm: Array, eps: Array) -> Array:
    """max(norm, eps), differentiated as the norm itself."""
    # the sum is exact: it is only taken where the norm is smaller
    return jnp.where(norm < eps, norm + jax.lax.stop_gradient(eps - norm), norm)


@op(namespaces=("torch", "functional"), method=False, promote="default", grad_name="SumBackward1")
def cosine_similarity(x1: Array, x2: Array, dim: int = 1, eps: Scalar = 1e-8) -> Array:
    """``x1 . x2 / (max(|x1|, eps) max(|x2|, eps))`` along dim.  ``(*, D, *), (*, D, *) -> (*, *)``"""
    if not jnp.issubdtype(x1.dtype, jnp.floating):
        raise RuntimeError(
            f"expected common dtype to be floating point, yet common dtype is {type_name(x1)}"
        )
    shape = broadcast_two(x1.shape, x2.shape)
    a, b = (jnp.broadcast_to(wide(x), shape) for x in (x1, x2))
    axis = normal_dim(dim, a.ndim)
    if a.ndim == 0:
        a, b = a[None], b[None]
    small = eps.astype(a.dtype)
    a = a / not_below(p_norm(a, 2, axis, True), small)
    b = b / not_below(p_norm(b, 2, axis, True), small)
    return (a * b).sum(axis).astype(x1.dtype)


@op(namespaces=("torch", "functional"), method=False, promote="default", grad_name="NormBackward1")
def pairwise_distance(
    x1: Array, x2: Array, p: float = 2.0, eps: Scalar = 1e-6, keepdim: bool = False
) -> Array:
    """``|x1 - x2 + eps|_p`` of the rows.  ``(*, D), (*, D) -> (*)``"""
    return distance(x1, x2, p, eps, keepdim)


def distance(x1: Array, x2: Array, p: float, eps: Any, keepdim: bool = False) -> Array:
    """``|x1 - x2 + eps|_p`` over the last dim; integers are subtracted in their own type."""
    broadcast_two(x1.shape, x2.shape)
    if jnp.bool_ in (x1.dtype, x2.dtype):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert "
            "a mask, use the `~` or `logical_not()` operator instead."
        )
    apart = x1 - x2
    if not jnp.issubdtype(apart.dtype, jnp.inexact):
        apart = apart.astype(default_dtype().np)
    gap = wide(apart)
    gap = gap + eps.astype(gap.dtype)
    if gap.ndim == 0:
        return p_norm(gap[None], p, -1, False).astype(jnp.real(apart).dtype)
    return p_norm(gap, p, -1, keepdim).astype(jnp.real(apart).dtype)


@op(namespaces=("torch", "functional"), method=False, keeps=("input",))
def pdist(input: Array, p: float = 2.0) -> Array:
    """p-norm distance of each pair of rows, (0, 1), (0, 2) … (N-2, N-1).  ``(N, D) -> (N (N - 1) / 2)``"""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if not jnp.issubdtype(input.dtype, jnp.floating):
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    first, second = np.triu_indices(input.shape[0], 1)
    if first.size == 0 or input.shape[1] == 0:
        return jnp.zeros(first.size, input.dtype) + 0 * input.sum()
    return p_norm(input[first] - input[second], p, -1, False)
