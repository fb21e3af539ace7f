"""``torch.nn.attention.flex_attention``: attention whose scores a function changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ...api import torch as T
from ...core import dtypes
from ...core.tensor import Tensor
from .block_mask import (
    BlockMask,
    and_masks,
    create_block_mask,
    create_mask,
    noop_mask,
    or_masks,
    over_positions,
    positions,
)

__all__ = [
    "AuxOutput", "AuxRequest", "BlockMask", "FlexKernelOptions", "and_masks", "create_block_mask",
    "create_mask", "flex_attention", "noop_mask", "or_masks",
]  # fmt: skip

FlexKernelOptions = dict[str, Any]  # of Triton's kernels; accepted


class AuxRequest(NamedTuple):
    """What is wanted beside the result."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What was wanted beside the result."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


def _check(query: Tensor, key: Tensor, value: Tensor, enable_gqa: bool) -> None:
    if not query.dim() == key.dim() == value.dim() == 4:
        raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
    if query.size(-1) != key.size(-1):
        raise ValueError(
            "Expect query and key/value to have the same embedding dimension "
            f"but got E={query.size(-1)} and E={key.size(-1)}."
        )
    heads, shared = query.size(1), key.size(1)
    if not enable_gqa and heads != shared:
        raise ValueError(
            "Expect query and key/value to have the same number of heads but got "
            f"Hq={heads} and Hkv={shared}. Try setting enable_gqa=True for GQA."
        )
    if enable_gqa and heads % shared:
        raise ValueError(
            "Expect number of query heads to be a multiple of kv heads for GQA "
            f"but got Hq={heads} and Hkv={shared}."
        )


def _check_block_mask(block_mask: BlockMask, q: int, kv: int) -> None:
    mask_q, mask_kv = block_mask.shape[-2:]
    if q > mask_q or kv > mask_kv:
        raise ValueError(
            f"block_mask was created for block_mask.shape={block_mask.shape} but got q_len={q} and "
            f"kv_len={kv}. As the block mask was created for a smaller length than you're using it "
            "for, you likely need to create a new block mask."
        )
    if q < mask_q or kv < mask_kv:
        raise ValueError(
            f"block_mask was created for block_mask.shape={block_mask.shape} but got q_len={q} and "
            f"kv_len={kv}. As the block mask was created for a larger length than you're using it "
            "for, you can either 1. create a new block mask with the correct length, or 2. 'adjust' "
            "the existing block mask to the correct length by calling block_mask._adjust(q_len, kv_len). "
            "This essentially 'crops' the block mask to the upper left corner, which does not work "
            "for all mask_mods!"
        )


def flex_attention(
    query: Tensor, key: Tensor, value: Tensor, score_mod: Callable[..., Any] | None = None,
    block_mask: BlockMask | None = None, scale: float | None = None, enable_gqa: bool = False,
    return_lse: bool = False, kernel_options: Any = None, *, return_aux: AuxRequest | None = None,
) -> Any:  # fmt: skip
    """``softmax(score_mod(q k^T scale, b, h, q_idx, kv_idx)) v`` over what ``block_mask`` leaves.

    ``(B, Hq, L, E), (B, Hkv, S, E), (B, Hkv, S, V) -> (B, Hq, L, V)``

    Differs: gradients and the maximum of the scores are there on the CPU, too.
    Raises:
        NotImplementedError: not four dims. ValueError: sizes that do not fit.
    """
    _check(query, key, value, enable_gqa)
    b, heads, q, width = query.shape
    kv = key.size(2)
    if block_mask is not None:
        _check_block_mask(block_mask, q, kv)
    if enable_gqa:
        key = key.repeat_interleave(heads // key.size(1), 1)
        value = value.repeat_interleave(heads // value.size(1), 1)
    wide = dtypes.float64 if query.dtype is dtypes.float64 else dtypes.float32
    factor = 1 / math.sqrt(width) if scale is None else scale
    scores = (query.to(wide) @ key.to(wide).transpose(-2, -1)) * factor
    if score_mod is not None:
        args = positions(b, heads, q, kv, query.device)
        scores = over_positions(score_mod, (scores,))(scores, *args).to(wide)
    if block_mask is not None:
        mask = block_mask.to_mask(*_batch_of(block_mask, b, heads), q, kv, query.device)
        scores = T.where(mask, scores, -math.inf)
    lse = scores.logsumexp(-1)
    is_empty = lse == -math.inf
    weights = T.exp(scores - T.where(is_empty, 0.0, lse).unsqueeze(-1))
    result = (weights @ value.to(wide)).to(query.dtype)
    if return_lse:
        return result, lse
    if return_aux is not None:
        top = scores.amax(-1) if return_aux.max_scores else None
        return result, AuxOutput(lse if return_aux.lse else None, top)
    return result


def _batch_of(block_mask: BlockMask, b: int, heads: int) -> tuple[int, int]:
    """Batches and heads for which the mask is computed: one where it has one."""
    mine = block_mask.shape[:2]
    return (b if mine[0] > 1 else 1), (heads if mine[1] > 1 else 1)
