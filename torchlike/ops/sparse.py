"""What sparse tensors are computed with: products and sums over elements given by their indices."""

from __future__ import annotations

import jax
from jax import numpy as jnp

from ..core.registry import Array, Scalar, op

# jaxlib's CPU kernel has these; it is ten times as fast as gathering and scattering
_NATIVE = ("float32", "float64", "int32", "int64", "complex64", "complex128")


@op(namespaces=(), method=False)
def sparse_take(input: Array, index: Array) -> Array:
    """Rows.  ``(N, *), (n) int -> (n, *)``"""
    return input[index]


@op(namespaces=(), method=False)
def sparse_sum_at(input: Array, index: Array, count: int) -> Array:
    """Sums of the rows that have the same index.  ``(n, *), (n) int -> (count, *)``"""
    shape = (count, *input.shape[1:])
    if input.dtype == jnp.bool_:
        return jnp.zeros(shape, bool).at[index].max(input)
    return jnp.zeros(shape, input.dtype).at[index].add(input)


@op(namespaces=(), method=False)
def sparse_mm(ends: Array, rows: Array, columns: Array, values: Array, dense: Array) -> Array:
    """A matrix in rows, times a dense one.  ``(M + 1) int, (n) int, (n) int, (n), (K, N) -> (M, N)``"""
    count = ends.shape[0] - 1
    if values.shape[0] == 0 or 0 in dense.shape:
        return jnp.zeros((count, dense.shape[1]), values.dtype)
    if values.dtype.name in _NATIVE:
        from jax.experimental.sparse import BCSR

        return BCSR((values, columns, ends), shape=(count, dense.shape[0])) @ dense
    products = values[:, None] * dense[columns]
    found = jnp.zeros((count, dense.shape[1]), values.dtype)
    return found.at[rows].add(products, indices_are_sorted=True)


@op(namespaces=(), method=False)
def sparse_dot(rows: Array, columns: Array, mat1: Array, mat2: Array) -> Array:
    """Some elements of ``mat1 @ mat2``.  ``(n) int, (n) int, (M, K), (K, N) -> (n)``"""
    return (mat1[rows] * mat2.T[columns]).sum(1).astype(mat1.dtype)


@op(namespaces=(), method=False)
def sparse_mm_extremes(
    ends: Array, rows: Array, columns: Array, values: Array, dense: Array, largest: bool
) -> Array:
    """The largest (smallest) product instead of their sum; 0 for a row without elements."""
    products = values[:, None] * dense[columns]
    count, n = ends.shape[0] - 1, values.shape[0]
    seen = jax.lax.stop_gradient(products if largest else -products)
    best = jax.ops.segment_max(seen, rows, count, indices_are_sorted=True)
    # The first of equal ones gets the gradient, as in PyTorch
    at = jnp.where(seen == best[rows], jnp.arange(n)[:, None], n)
    first = jax.ops.segment_min(at, rows, count, indices_are_sorted=True)
    found = jnp.take_along_axis(products, jnp.clip(first, 0, max(n - 1, 0)), 0)
    return jnp.where((ends[1:] > ends[:-1])[:, None], found, 0)


@op(namespaces=(), method=False)
def sparse_softmax(input: Array, group: Array, count: int, log: bool) -> Array:
    """Over the rows of the same group.  ``(n, *), (n) int -> (n, *)``"""
    top = jax.ops.segment_max(jax.lax.stop_gradient(input), group, count)
    shifted = input - top[group]
    powers = jnp.exp(shifted)
    total = jax.ops.segment_sum(powers, group, count)[group]
    return shifted - jnp.log(total) if log else powers / total


@op(namespaces=(), method=False)
def sparse_add_at(input: Array, index: Array, values: Array, alpha: Scalar) -> Array:
    """Rows added to, a repeated one repeatedly.  ``(N, *), (n) int, (n, *) -> (N, *)``"""
    return input.at[index].add(values.astype(input.dtype) * alpha.astype(input.dtype))
