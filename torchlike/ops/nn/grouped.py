"""Matrix products of groups whose sizes are data, as mixtures of experts have them."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ...core.dtypes import TYPE_NAMES, dtype as DType, from_np
from ...core.registry import Array, op

_FLOATS = ("float32", "bfloat16", "float16")


def _check(
    a: Array, b: Array, offs: Array | None, bias: Array | None, out_dtype: DType | None
) -> None:
    """What PyTorch checks, in its order."""
    for name, x in (("mat_a", a), ("mat_b", b)):
        of = from_np(x.dtype).name
        if of not in _FLOATS:
            raise RuntimeError(
                f"Expected {name} to be Float32, BFloat16 or Float16 matrix, got {TYPE_NAMES[of]}"
            )
    _check_shapes(a, b, offs)
    _check_same_dtype(a, b)
    if bias is not None:
        raise RuntimeError("Bias not supported yet")
    if out_dtype is not None and out_dtype.np != a.dtype:
        raise RuntimeError("Grouped gemm output dtype must match `mat_a` dtype")


def _check_shapes(a: Array, b: Array, offs: Array | None) -> None:
    for name, x in (("mat_a", a), ("mat_b", b)):
        if x.ndim not in (2, 3):
            raise RuntimeError(f"{name} has to be 2 or 3d")
    if a.shape[-1] != b.shape[-2]:
        raise RuntimeError("contraction dimension of mat_a and mat_b must match")
    if (offs is None) != (a.ndim == b.ndim == 3):
        raise RuntimeError(
            "Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d"
        )
    if offs is not None:
        if offs.ndim != 1:
            raise RuntimeError("offs has to be 1D")
        if offs.dtype != jnp.int32:
            raise RuntimeError("Offsets have to be int32")
    groups = [x.shape[0] for x in (a, b) if x.ndim == 3]
    if offs is not None and groups and groups[0] != offs.shape[0] or len(set(groups)) > 1:
        raise RuntimeError("matrix batch sizes have to match")


def _check_same_dtype(a: Array, b: Array) -> None:
    if a.dtype != b.dtype:
        ours, theirs = (TYPE_NAMES[from_np(x.dtype).name].lower() for x in (a, b))
        names = {"half": "c10::Half", "bfloat16": "c10::BFloat16"}
        raise RuntimeError(
            "expected m1 and m2 to have the same dtype, but got: "
            f"{names.get(ours, ours)} != {names.get(theirs, theirs)}"
        )


def _members(offs: Array, count: int, of: Array) -> Array:
    """1 where a position belongs to a group.  ``(G) -> (G, count)``"""
    at = jnp.arange(count)
    starts = jnp.concatenate([jnp.zeros(1, offs.dtype), offs[:-1]])
    inside = (at >= starts[:, None]) & (at < offs[:, None])
    return inside.astype(of.dtype)


@op(namespaces=("functional",), method=False, grad_name="GroupedMm")
def grouped_mm(
    mat_a: Array,
    mat_b: Array,
    *,
    offs: Array | None = None,
    bias: Array | None = None,
    out_dtype: DType | None = None,
) -> Array:
    """Products of groups; ``offs`` says where each group of a flat dim ends.

    ``(M, K), (G, K, N) -> (M, N)`` rows in groups; ``(M, K), (K, N) -> (G, M, N)`` the inner dim;
    ``(G, M, K), (K, N) -> (M, N)`` columns; ``(G, M, K), (G, K, N) -> (G, M, N)``

    Raises:
        RuntimeError: shapes or dtypes do not fit.
    """
    _check(mat_a, mat_b, offs, bias, out_dtype)
    if offs is None:
        return mat_a @ mat_b
    if mat_b.ndim == 3:
        sizes = jnp.diff(offs, prepend=jnp.zeros(1, offs.dtype))
        return jax.lax.ragged_dot(mat_a, mat_b, sizes)
    if mat_a.ndim == 2:
        own = _members(offs, mat_a.shape[1], mat_a)
        return jnp.einsum("mk,gk,kn->gmn", mat_a, own, mat_b)
    own = _members(offs, mat_b.shape[1], mat_b)
    return jnp.einsum("gmk,kn,gn->mn", mat_a, mat_b, own)
