"""Scaled dot-product attention, and the multi-head attention made of it."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...core.errors import shape_text
from ...core.registry import Array, Scalar, op
from .precision import type_name, wide


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
            f"{_c_name(query)} key.dtype: {_c_name(key)} and value.dtype: {_c_name(value)} instead."
        )
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.ndim}, key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if mask is not None and mask.dtype != jnp.bool_ and mask.dtype != query.dtype:
        if not (mask.dtype == jnp.float32 and query.dtype in (jnp.bfloat16, jnp.float16)):
            raise RuntimeError(
                "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
                f"attn_mask.dtype: {_c_name(mask)} and  query.dtype: {_c_name(query)} instead."
            )


def _c_name(x: Array) -> str:
    return {"Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16"}.get(
        type_name(x), type_name(x).lower()
    )


def _shared_heads(query: Array, key: Array, value: Array) -> tuple[Array, Array]:
    """Keys and values repeated so that each query head has its own."""
    if query.ndim < 3 or query.shape[-3] % key.shape[-3] or query.shape[-3] % value.shape[-3]:
        raise RuntimeError(
            "Number of heads in key and value must divide the number of heads in query"
        )
    return (
        jnp.repeat(key, query.shape[-3] // key.shape[-3], -3),
        jnp.repeat(value, query.shape[-3] // value.shape[-3], -3),
    )


def attend(query: Array, key: Array, value: Array, mask: Array | None, is_causal: bool, scale: Any,
           keep: Array | None, p: float) -> tuple[Array, Array]:  # fmt: skip
    """The result and the weights, in the computing type."""
    q, k, v = wide(query), wide(key), wide(value)
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
    """``softmax(q k^T scale + mask) v``; a bool mask keeps where True.  ``(*, L, E), (*, S, E), (*, S, V) -> (*, L, V)``"""
    _check_qkv(query, key, value, attn_mask, is_causal)
    if enable_gqa:
        key, value = _shared_heads(query, key, value)
    out, _ = attend(query, key, value, attn_mask, is_causal, scale, _keep, dropout_p)
    return out.astype(query.dtype)


def _head_weights(args: dict[str, Any]) -> dict[str, Any]:
    p = args["dropout_p"]
    query, key = args["query"], args["key"]
    if p == 0 or not args["training"]:
        return {}
    batch = query.shape[1] if query.ndim == 3 else 1
    steps = key.shape[0] if args["static_k"] is None else args["static_k"].shape[1]
    source = steps + (args["bias_k"] is not None) + bool(args["add_zero_attn"])
    heads = args["num_heads"]
    # with weights asked for, PyTorch drops in (N * H, L, S), else in (N, H, L, S): the same order
    shape = (batch, heads, query.shape[0], source)
    return {"_keep": np.asarray(args["generator"].bernoulli(1 - p, shape))}


def _check_mha(args: dict[str, Any]) -> None:
    query, key, value = args["query"], args["key"], args["value"]
    if query.ndim not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query tensor"
        )
    if key.ndim != query.ndim or value.ndim != query.ndim:
        kind = "batched (3-D)" if query.ndim == 3 else "unbatched (2-D)"
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {query.ndim}-D but found {key.ndim}-D and "
            f"{value.ndim}-D tensors respectively"
        )
    embed = query.shape[-1]
    if embed != args["embed_dim_to_check"]:
        raise AssertionError(
            f"was expecting embedding dimension of {args['embed_dim_to_check']}, but got {embed}"
        )
    if embed % args["num_heads"]:
        raise AssertionError(f"embed_dim {embed} not divisible by num_heads {args['num_heads']}")
    if args["is_causal"] and args["attn_mask"] is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint."
        )
    if args["use_separate_proj_weight"]:
        if key.shape[:-1] != value.shape[:-1]:
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
            )
    elif key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")


def _as_additive(mask: Array | None, of: Any) -> Array | None:
    """A bool mask, True meaning "leave out", as numbers to add."""
    if mask is None:
        return None
    if mask.dtype == jnp.bool_:
        return jnp.where(mask, -jnp.inf, 0).astype(of)
    return mask.astype(of)


def _projected(query: Array, key: Array, value: Array, args: dict[str, Any]) -> tuple[Array, Array, Array]:
    """Queries, keys and values after their linear maps."""
    embed, bias = query.shape[-1], args["in_proj_bias"]
    if args["use_separate_proj_weight"]:
        weights = [args[f"{n}_proj_weight"] for n in "qkv"]
    else:
        weights = jnp.split(args["in_proj_weight"], 3)
    biases = jnp.split(bias, 3) if bias is not None else [None] * 3
    found = []
    for x, w, b in zip((query, key, value), weights, biases, strict=True):
        y = jnp.matmul(x, w.T, precision="highest")
        found.append(y if b is None else y + b)
    assert found[0].shape[-1] == embed
    return found[0], found[1], found[2]


def _heads(x: Array, batch: int, heads: int) -> Array:
    """``(L, N, E) -> (N, H, L, E / H)``"""
    return x.reshape(x.shape[0], batch, heads, -1).transpose(1, 2, 0, 3)


def _extended(k: Array, v: Array, attn: Array | None, padding: Array | None,
              args: dict[str, Any]) -> tuple[Array, Array, Array | None, Array | None]:  # fmt: skip
    """Keys and values with the learned bias row appended, masks to match.  ``(S, N, E)``"""
    if args["bias_k"] is None:
        return k, v, attn, padding
    batch = k.shape[1]
    k = jnp.concatenate([k, jnp.tile(args["bias_k"], (1, batch, 1))])
    v = jnp.concatenate([v, jnp.tile(args["bias_v"], (1, batch, 1))])
    return k, v, _one_more(attn), _one_more(padding)


def _one_more(mask: Array | None) -> Array | None:
    return None if mask is None else jnp.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, 1)])


def _merged_mask(attn: Array | None, padding: Array | None, batch: int, heads: int) -> Array | None:
    """One additive mask that broadcasts to (N, H, L, S)."""
    if attn is not None:
        attn = attn[None, None] if attn.ndim == 2 else attn.reshape(batch, heads, *attn.shape[1:])
    if padding is None:
        return attn
    padding = padding[:, None, None]
    return padding if attn is None else attn + padding


@op(
    namespaces=("functional",), method=False, prepare=_head_weights, check=_check_mha,
    grad_name="ViewBackward0",
)  # fmt: skip
def multi_head_attention_forward(
    query: Array,
    key: Array,
    value: Array,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Array | None,
    in_proj_bias: Array | None,
    bias_k: Array | None,
    bias_v: Array | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Array,
    out_proj_bias: Array | None,
    training: bool = True,
    key_padding_mask: Array | None = None,
    need_weights: bool = True,
    attn_mask: Array | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Array | None = None,
    k_proj_weight: Array | None = None,
    v_proj_weight: Array | None = None,
    static_k: Array | None = None,
    static_v: Array | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    *,
    _keep: Array | None = None,
) -> tuple[Array, ...]:
    """Attention of num_heads projections, projected back.  ``(L, N, E), (S, N, E), (S, N, E) -> (L, N, E), (N, L, S)``

    The weights are there only if need_weights.
    """
    args = dict(locals())
    is_batched = query.ndim == 3
    if not is_batched:
        query, key, value = query[:, None], key[:, None], value[:, None]
        key_padding_mask = None if key_padding_mask is None else key_padding_mask[None]
    steps, batch, embed = query.shape
    of = wide(query).dtype
    attn, padding = _as_additive(attn_mask, of), _as_additive(key_padding_mask, of)
    _check_masks(attn, padding, steps, batch, key.shape[0], num_heads)
    q, k, v = _projected(query, key, value, args)
    k, v, attn, padding = _extended(k, v, attn, padding, args)
    heads_q, heads_k, heads_v = (_heads(x, batch, num_heads) for x in (q, k, v))
    if static_k is not None:
        heads_k = static_k.reshape(batch, num_heads, *static_k.shape[1:])
    if static_v is not None:
        heads_v = static_v.reshape(batch, num_heads, *static_v.shape[1:])
    if add_zero_attn:
        heads_k, heads_v = (
            jnp.pad(x, ((0, 0), (0, 0), (0, 1), (0, 0))) for x in (heads_k, heads_v)
        )
        attn, padding = _one_more(attn), _one_more(padding)
    mask = _merged_mask(attn, padding, batch, num_heads)
    out, weights = attend(
        heads_q, heads_k, heads_v, mask, False, None, _keep, dropout_p if training else 0.0
    )
    out = out.astype(query.dtype).transpose(2, 0, 1, 3).reshape(steps, batch, embed)
    out = jnp.matmul(out, out_proj_weight.T, precision="highest")
    if out_proj_bias is not None:
        out = out + out_proj_bias
    out = out if is_batched else out[:, 0]
    if not need_weights:
        return (out,)
    weights = weights.astype(query.dtype)
    weights = weights.mean(1) if average_attn_weights else weights
    return out, weights if is_batched else weights[0]


def _check_masks(attn: Array | None, padding: Array | None, steps: int, batch: int, source: int,
                 heads: int) -> None:  # fmt: skip
    if attn is not None:
        wanted = (steps, source) if attn.ndim == 2 else (batch * heads, steps, source)
        if attn.ndim not in (2, 3):
            raise RuntimeError(f"attn_mask's dimension {attn.ndim} is not supported")
        if attn.shape != wanted:
            raise RuntimeError(
                f"The shape of the {attn.ndim}D attn_mask is torch.Size({list(attn.shape)}), but should be "
                f"{wanted}."
            )
    if padding is not None and padding.shape != (batch, source):
        raise AssertionError(
            f"expecting key_padding_mask shape of {(batch, source)}, but got {shape_text(padding.shape)}"
        )
