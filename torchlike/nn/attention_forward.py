"""``F.multi_head_attention_forward``: attention in terms of the functions it is made of."""

from __future__ import annotations

import math
import warnings
from typing import Any

from ..api import functional as F, torch as T
from ..core.dtypes import BY_NAME
from ..core.tensor import Tensor


def _none_or_dtype(input: Tensor | None) -> Any:
    if input is None:
        return None
    if isinstance(input, Tensor):
        return input.dtype
    raise RuntimeError("input to _none_or_dtype() must be None or torch.Tensor")


def _canonical_mask(
    mask: Tensor | None,
    mask_name: str,
    other_type: Any,
    other_name: str,
    target_type: Any,
    check_other: bool = True,
) -> Tensor | None:
    """A mask to be added to the scores; a boolean one becomes 0 and -inf.

    Raises:
        AssertionError: neither boolean nor floating point.
    """
    if mask is None:
        return None
    if mask.dtype is not BY_NAME["bool"] and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype is not other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for "
            "both instead.",
            stacklevel=3,
        )
    if mask.is_floating_point():
        return mask
    zeros = T.zeros_like(mask, dtype=target_type)
    return zeros.masked_fill(mask, -math.inf)


def _mha_shape_check(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
    num_heads: int,
) -> bool:
    """True if the inputs are batched.

    Raises:
        AssertionError: the numbers of dims do not fit together.
    """
    if query.dim() not in (2, 3):
        raise AssertionError(
            "query should be unbatched 2D or batched 3D tensor but received "
            f"{query.dim()}-D query tensor"
        )
    dims = query.dim()
    batched = dims == 3
    kind = "batched (3-D)" if batched else "unbatched (2-D)"
    if key.dim() != dims or value.dim() != dims:
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {dims}-D but found "
            f"{key.dim()}-D and {value.dim()}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.dim() != dims - 1:
        raise AssertionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {dims - 1}-D but "
            f"found {key_padding_mask.dim()}-D tensor instead"
        )
    if attn_mask is not None:
        if attn_mask.dim() not in (2, 3):
            raise AssertionError(
                f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found "
                f"{attn_mask.dim()}-D tensor instead"
            )
        if not batched and attn_mask.dim() == 3:
            expected = (num_heads, query.shape[0], key.shape[0])
            if tuple(attn_mask.shape) != expected:
                raise AssertionError(
                    f"Expected `attn_mask` shape to be {expected} but got {attn_mask.shape}"
                )
    return batched


def _in_projection_packed(
    q: Tensor, k: Tensor, v: Tensor, w: Tensor, b: Tensor | None = None
) -> list[Tensor]:
    """Query, key and value through the three thirds of one weight."""
    width = q.size(-1)
    if k is v and q is k:
        # Self-attention: one product
        proj = F.linear(q, w, b)
        return [proj[..., i * width : (i + 1) * width] for i in range(3)]
    if k is v:
        w_q, w_kv = w[:width], w[width:]
        b_q, b_kv = (None, None) if b is None else (b[:width], b[width:])
        both = F.linear(k, w_kv, b_kv)
        return [F.linear(q, w_q, b_q), both[..., :width], both[..., width:]]
    weights = w.chunk(3)
    biases = (None, None, None) if b is None else b.chunk(3)
    return [F.linear(x, *wb) for x, *wb in zip((q, k, v), weights, biases, strict=True)]


def _in_projection(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    w_q: Tensor,
    w_k: Tensor,
    w_v: Tensor,
    b_q: Tensor | None = None,
    b_k: Tensor | None = None,
    b_v: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value through a weight each.

    Raises:
        AssertionError: a weight or bias has another shape than the inputs ask for.
    """
    e_q, e_k, e_v = q.size(-1), k.size(-1), v.size(-1)
    for name, w, width in (("query", w_q, e_q), ("key", w_k, e_k), ("value", w_v, e_v)):
        if tuple(w.shape) != (e_q, width):
            raise AssertionError(
                f"expecting {name} weights shape of {(e_q, width)}, but got {w.shape}"
            )
    for name, bias in (("query", b_q), ("key", b_k), ("value", b_v)):
        if bias is not None and tuple(bias.shape) != (e_q,):
            raise AssertionError(f"expecting {name} bias shape of {(e_q,)}, but got {bias.shape}")
    return F.linear(q, w_q, b_q), F.linear(k, w_k, b_k), F.linear(v, w_v, b_v)


def _attn_mask_3d(attn_mask: Tensor, tgt_len: int, src_len: int, rows: int) -> Tensor:
    if attn_mask.dim() == 2:
        expected: tuple[int, ...] = (tgt_len, src_len)
        if tuple(attn_mask.shape) != expected:
            raise RuntimeError(
                f"The shape of the 2D attn_mask is {attn_mask.shape}, but should be {expected}."
            )
        return attn_mask.unsqueeze(0)
    if attn_mask.dim() == 3:
        expected = (rows, tgt_len, src_len)
        if tuple(attn_mask.shape) != expected:
            raise RuntimeError(
                f"The shape of the 3D attn_mask is {attn_mask.shape}, but should be {expected}."
            )
        return attn_mask
    raise RuntimeError(f"attn_mask's dimension {attn_mask.dim()} is not supported")


def _check_inputs(
    query: Tensor, key: Tensor, value: Tensor, embed_dim: int, num_heads: int, separate: bool
) -> None:
    if query.shape[-1] != embed_dim:
        raise AssertionError(
            f"was expecting embedding dimension of {embed_dim}, but got {query.shape[-1]}"
        )
    if embed_dim // num_heads * num_heads != embed_dim:
        raise AssertionError(f"embed_dim {embed_dim} not divisible by num_heads {num_heads}")
    if separate:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's "
                f"{value.shape[:2]}"
            )
    elif key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")


def _per_head(name: str, given: Tensor | None, made: Tensor, rows: int, head_dim: int) -> Tensor:
    """``(S, N, H D) -> (N H, S, D)``, or what was given in its place."""
    if given is None:
        return made.reshape(made.shape[0], rows, head_dim).transpose(0, 1)
    if given.size(0) != rows:
        raise AssertionError(f"expecting {name}.size(0) of {rows}, but got {given.size(0)}")
    if given.size(2) != head_dim:
        raise AssertionError(f"expecting {name}.size(2) of {head_dim}, but got {given.size(2)}")
    return given


class _Masks:
    """The two masks, which grow by a column with each added key and end as one."""

    def __init__(self, attn: Tensor | None, padding: Tensor | None) -> None:
        self.attn = attn
        self.padding = padding

    def grow(self) -> None:
        if self.attn is not None:
            self.attn = F.pad(self.attn, (0, 1))
        if self.padding is not None:
            self.padding = F.pad(self.padding, (0, 1))

    def merged(self, batch: int, heads: int, src_len: int) -> Tensor | None:
        if self.padding is None:
            return self.attn
        if tuple(self.padding.shape) != (batch, src_len):
            raise AssertionError(
                f"expecting key_padding_mask shape of {(batch, src_len)}, but got "
                f"{self.padding.shape}"
            )
        padding = self.padding.view(batch, 1, 1, src_len)
        padding = padding.expand(-1, heads, -1, -1).reshape(batch * heads, 1, src_len)
        return padding if self.attn is None else self.attn + padding


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention of several heads between projections.

    ``(T, N, E), (S, N, E) -> (T, N, E), (N, T, S)``

    Raises:
        AssertionError, RuntimeError: shapes that do not fit, in PyTorch's words.
    """
    batched = _mha_shape_check(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = _with_batch(query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    tgt_len, bsz, embed_dim = query.shape
    masks, is_causal = _given_masks(
        query.dtype, key_padding_mask, attn_mask, need_weights, is_causal
    )
    _check_inputs(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if use_separate_proj_weight:
        q, k, v = _separate(
            query, key, value, in_proj_bias, q_proj_weight, k_proj_weight, v_proj_weight
        )
    elif in_proj_weight is None:
        raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
    else:
        q, k, v = _in_projection_packed(query, key, value, in_proj_weight, in_proj_bias)
    if masks.attn is not None:
        masks.attn = _attn_mask_3d(masks.attn, tgt_len, key.shape[0], bsz * num_heads)
    if bias_k is not None or bias_v is not None:
        has_static = static_k is not None or static_v is not None
        k, v = _with_bias(k, v, bias_k, bias_v, has_static, masks)
    rows, head_dim = bsz * num_heads, embed_dim // num_heads
    q = q.reshape(tgt_len, rows, head_dim).transpose(0, 1)
    k = _per_head("static_k", static_k, k, rows, head_dim)
    v = _per_head("static_v", static_v, v, rows, head_dim)
    if add_zero_attn:
        zeros = T.zeros((rows, 1, head_dim), dtype=k.dtype, device=k.device)
        k, v = T.cat([k, zeros], dim=1), T.cat([v, zeros], dim=1)
        masks.grow()
    mask = masks.merged(bsz, num_heads, k.size(1))
    dropout = dropout_p if training else 0.0
    weights: Any = None
    if need_weights:
        context, weights = _explicit(q, k, v, mask, dropout, is_causal)
        context = context.transpose(0, 1).reshape(tgt_len * bsz, embed_dim)
        weights = weights.view(bsz, num_heads, tgt_len, k.size(1))
        weights = weights.mean(dim=1) if average_attn_weights else weights
    else:
        context = _fused(q, k, v, mask, dropout, is_causal, bsz, num_heads)
        context = context.permute(2, 0, 1, 3).reshape(tgt_len * bsz, embed_dim)
    output = F.linear(context, out_proj_weight, out_proj_bias)
    output = output.view(tgt_len, bsz, output.size(1))
    if batched:
        return output, weights
    return output.squeeze(1), None if weights is None else weights.squeeze(0)


def _with_batch(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three with a batch of 1; equal ones stay the same object."""
    same_kv, same_qk = key is value, query is key
    query = query.unsqueeze(1)
    key = query if same_qk else key.unsqueeze(1)
    return query, key, key if same_kv else value.unsqueeze(1)


def _given_masks(
    dtype: Any, padding: Tensor | None, attn: Tensor | None, need_weights: bool, is_causal: bool
) -> tuple[_Masks, bool]:
    """Both masks as numbers to add, and whether the causal hint stands for the mask."""
    padding = _canonical_mask(padding, "key_padding_mask", _none_or_dtype(attn), "attn_mask", dtype)
    if is_causal and attn is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module "
            "method `generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and padding is None and not need_weights:
        return _Masks(None, padding), True
    attn = _canonical_mask(attn, "attn_mask", None, "", dtype, False)
    return _Masks(attn, padding), is_causal and padding is None


def _with_bias(
    k: Tensor, v: Tensor, bias_k: Any, bias_v: Any, has_static: bool, masks: _Masks
) -> tuple[Tensor, Tensor]:
    """One more key and value, the same for all samples."""
    if bias_k is None or bias_v is None:
        raise AssertionError("bias_k and bias_v must be given together")
    if has_static:
        raise AssertionError("bias cannot be added to static key.")
    masks.grow()
    batch = k.shape[1]
    return T.cat([k, bias_k.repeat(1, batch, 1)]), T.cat([v, bias_v.repeat(1, batch, 1)])


def _separate(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, w_q: Any, w_k: Any, w_v: Any
) -> tuple[Tensor, Tensor, Tensor]:
    for name, weight in (("q", w_q), ("k", w_k), ("v", w_v)):
        if weight is None:
            raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
    biases = (None, None, None) if bias is None else bias.chunk(3)
    return _in_projection(query, key, value, w_q, w_k, w_v, *biases)


def _explicit(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float, is_causal: bool
) -> tuple[Tensor, Tensor]:
    """Attention whose weights somebody wants to see.

    ``(R, T, D), (R, S, D) -> (R, T, D), (R, T, S)``
    """
    scaled = q * math.sqrt(1.0 / q.shape[-1])
    if is_causal and mask is None:
        # PyTorch refuses this too, in these words
        raise AssertionError("FIXME: is_causal not implemented for need_weights")
    if mask is None:
        scores = T.bmm(scaled, k.transpose(-2, -1))
    else:
        scores = T.baddbmm(mask, scaled, k.transpose(-2, -1))
    weights = F.softmax(scores, dim=-1)
    if dropout > 0.0:
        weights = F.dropout(weights, p=dropout)
    return T.bmm(weights, v), weights


def _fused(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None,
    dropout: float,
    is_causal: bool,
    bsz: int,
    num_heads: int,
) -> Tensor:
    """Attention in one op.  ``(B H, T, D) … -> (B, H, T, D)``"""
    if mask is not None:
        if mask.size(0) == 1 and mask.dim() == 3:
            mask = mask.unsqueeze(0)
        else:
            mask = mask.view(bsz, num_heads, -1, k.size(1))
    q, k, v = (x.reshape(bsz, num_heads, x.size(1), x.size(2)) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, mask, dropout, is_causal)
