"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...core.registry import Array, Scalar, op
from ...core.shapes import broadcast_two
from .precision import c_name, wide


def _safe_softmax(scores: Array) -> Array:
    """Softmax over the last dim; a row of -inf gives zeros."""
    top = jax.lax.stop_gradient(scores.max(-1, keepdims=True, initial=-jnp.inf))
    e = jnp.exp(scores - jnp.where(jnp.isneginf(top), 0, top))
    total = e.sum(-1, keepdims=True)
    none = total == 0
    return jnp.where(none, 0, e / jnp.where(none, 1, total))


def _attention_shape(args: dict[str, Any]) -> tuple[int, ...]:
    query, key = args["query"].shape, args["key"].shape
    lead = np.broadcast_shapes(query[:-2], key[:-2]) if not args.get("enable_gqa") else query[:-2]
    return (*lead, query[-2], key[-2])


def _dropped_weights(args: dict[str, Any]) -> dict[str, Any]:
    p = args["dropout_p"]
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")
    if p == 0 or args["query"].ndim < 2 or args["key"].ndim < 2:
        return {}
    shape = _attention_shape(args)
    if p == 1:
        return {"_keep": np.zeros(shape, bool)}
    return {"_keep": np.asarray(args["generator"].bernoulli(1 - p, shape))}


def _check_qkv(query: Array, key: Array, value: Array, mask: Array | None, is_causal: bool) -> None:
    if is_causal and mask is not None:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
        )
    if query.dtype != key.dtype or query.dtype != value.dtype:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{c_name(query)} key.dtype: {c_name(key)} and value.dtype: {c_name(value)} instead."
        )
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.ndim} key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if mask is None or mask.dtype in (jnp.bool_, query.dtype):
        return
    if mask.dtype != jnp.float32 or query.dtype not in (jnp.bfloat16, jnp.float16):
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
            f"attn_mask.dtype: {c_name(mask)} and  query.dtype: {c_name(query)} instead."
        )


def _shared_heads(query: Array, key: Array, value: Array) -> tuple[Array, Array]:
    """Keys and values repeated so that each query head has its own."""
    if query.ndim < 3 or query.shape[-3] % key.shape[-3] or query.shape[-3] % value.shape[-3]:
        raise RuntimeError("Number of heads in key and value must divide the number of heads in ")
    return (
        jnp.repeat(key, query.shape[-3] // key.shape[-3], -3),
        jnp.repeat(value, query.shape[-3] // value.shape[-3], -3),
    )


def attend(query: Array, key: Array, value: Array, mask: Array | None, is_causal: bool, scale: Any,
           keep: Array | None, p: float) -> tuple[Array, Array]:  # fmt: skip
    """The result and the weights, in the computing type."""
    q, k, v = wide(query), wide(key), wide(value)
    broadcast_two(q.shape[:-2], k.shape[:-2])
    if q.shape[-1] != k.shape[-1]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({q.shape[-2]}x{q.shape[-1]} and "
            f"{k.shape[-1]}x{k.shape[-2]})"
        )
    factor = 1 / math.sqrt(max(q.shape[-1], 1)) if scale is None else scale.astype(q.dtype)
    scores = jnp.matmul(q * factor, jnp.swapaxes(k, -1, -2), precision="highest")
    if is_causal:
        rows, columns = scores.shape[-2:]
        scores = jnp.where(np.tri(rows, columns, dtype=bool), scores, -jnp.inf)
    if mask is not None:
        if mask.dtype == jnp.bool_:
            scores = jnp.where(mask, scores, -jnp.inf)
        else:
            broadcast_two(scores.shape, mask.shape)
            scores = scores + mask.astype(scores.dtype)
    weights = _safe_softmax(scores)
    if keep is not None:
        weights = jnp.where(keep, weights / (1 - p) if p < 1 else weights, 0)
    return jnp.matmul(weights, v, precision="highest"), weights


@op(
    namespaces=("functional",), method=False, prepare=_dropped_weights,
    grad_name=lambda args: (
        "ScaledDotProductFlashAttentionForCpuBackward0"
        if args["query"].ndim == 4 and not args["dropout_p"] else "UnsafeViewBackward0"
    ),
)  # fmt: skip
def scaled_dot_product_attention(
    query: Array,
    key: Array,
    value: Array,
    attn_mask: Array | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Scalar | None = None,
    enable_gqa: bool = False,
    *,
    _keep: Array | None = None,
) -> Array:
    """``softmax(q k^T scale + mask) v``; a bool mask keeps where True.

    ``(*, L, E), (*, S, E), (*, S, V) -> (*, L, V)``
    """
    _check_qkv(query, key, value, attn_mask, is_causal)
    if enable_gqa:
        key, value = _shared_heads(query, key, value)
    out, _ = attend(query, key, value, attn_mask, is_causal, scale, _keep, dropout_p)
    return out.astype(query.dtype)
