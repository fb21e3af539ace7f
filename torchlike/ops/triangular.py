"""Triangles and diagonals: tril, triu, diag, diag_embed, diagflat."""

from __future__ import annotations

from typing import Any

from jax import lax, numpy as jnp

from ..core.registry import Array, op
from ..core.shapes import normal_dim
from .shape_strided import diagonal as strided_diagonal


def _lower(x: Array, diagonal: int) -> Array:
    """Where column - row <= diagonal, for the last two dims."""
    n, m = x.shape[-2:]
    rows = lax.broadcasted_iota(jnp.int32, (n, m), 0)
    columns = lax.broadcasted_iota(jnp.int32, (n, m), 1)
    return columns - rows <= diagonal


def _check_matrix(name: str, x: Array) -> None:
    if x.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")


@op(inplace=True, out=True, saves="none")
def tril(input: Array, diagonal: int = 0) -> Array:
    """Zeros above a diagonal.  ``(*, n, m) -> (*, n, m)``"""
    _check_matrix("tril", input)
    return jnp.where(_lower(input, diagonal), input, jnp.zeros((), input.dtype))


@op(inplace=True, out=True, saves="none")
def triu(input: Array, diagonal: int = 0) -> Array:
    """Zeros below a diagonal.  ``(*, n, m) -> (*, n, m)``"""
    _check_matrix("triu", input)
    return jnp.where(_lower(input, diagonal - 1), jnp.zeros((), input.dtype), input)


def _embedded(x: Array, offset: int) -> Array:
    """The last dim as a diagonal of a square matrix.  ``(*, k) -> (*, n, n)``"""
    k = x.shape[-1]
    n = k + abs(offset)
    if k == 0:
        return jnp.zeros((*x.shape[:-1], n, n), x.dtype)
    # Rows of length n laid end to end: the diagonal's elements are n + 1 apart.
    first = max(offset, 0) + max(-offset, 0) * n
    rest = n * n - first - (k - 1) * (n + 1) - 1
    lead = [(0, 0, 0)] * (x.ndim - 1)
    flat = lax.pad(x, jnp.zeros((), x.dtype), [*lead, (first, rest, n)])
    return lax.reshape(flat, (*x.shape[:-1], n, n))


@op(saves="none")
def diag_embed(input: Array, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Array:
    """The last dim as a diagonal of new matrices, zeros elsewhere.  ``(*, k) -> (*, n, n)``"""
    ndim = input.ndim + 1
    a, b = normal_dim(dim1, ndim), normal_dim(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    order = list(range(ndim - 2))
    for at, source in sorted(((a, ndim - 2), (b, ndim - 1))):
        order.insert(at, source)
    return lax.transpose(_embedded(input, offset), order)


def _diag_name(seen: dict[str, Any]) -> str:
    return "DiagEmbedBackward0" if seen["input"].ndim == 1 else "DiagonalBackward0_copy"


@op(out=True, grad_name=_diag_name, saves="none")
def diag(input: Array, diagonal: int = 0) -> Array:
    """A vector as a diagonal, or a matrix's diagonal.  ``(k) -> (n, n)``; ``(n, m) -> (k)``"""
    if input.ndim == 1:
        return _embedded(input, diagonal)
    if input.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return strided_diagonal(input, diagonal)


@op(grad_name="DiagEmbedBackward0", saves="none")
def diagflat(input: Array, offset: int = 0) -> Array:
    """All elements as a diagonal.  ``(*) -> (n, n)``"""
    return _embedded(lax.reshape(input, (input.size,)), offset)
