"""``torch.nn.attention`` against PyTorch: flex_attention, block masks, causal biases, kernels."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.attention.bias
import torch.nn.attention.flex_attention  # noqa: F401 - used as an attribute

import torchlike
import torchlike.nn.attention.bias
import torchlike.nn.attention.flex_attention

from .scenarios import assert_same

pytestmark = pytest.mark.filterwarnings("ignore")


def qkv(torch: Any) -> Any:
    random = np.random.default_rng(0)
    shapes = (2, 4, 16, 8), (2, 2, 24, 8), (2, 2, 24, 8), (4, 24)
    return [torch.tensor(random.normal(size=s).astype("float32")) for s in shapes]


SCORES = {
    "none": lambda torch, bias: None,
    "relative": lambda torch, bias: lambda s, b, h, i, j: s - (i - j).abs(),
    "indexed": lambda torch, bias: lambda s, b, h, i, j: s * 0.5 + bias[h, j],
    "capped": lambda torch, bias: lambda s, b, h, i, j: torch.tanh(s / 2) * 2,
    "masked": lambda torch, bias: lambda s, b, h, i, j: torch.where(i >= j, s, -float("inf")),
}
MASKS = {
    "causal": lambda flex: lambda b, h, i, j: i >= j,
    "window": lambda flex: flex.and_masks(lambda b, h, i, j: i >= j, lambda b, h, i, j: i - j < 5),
    "either": lambda flex: flex.or_masks(lambda b, h, i, j: i < 3, lambda b, h, i, j: j > 20),
    "by batch": lambda flex: lambda b, h, i, j: (i >= j) | (b == 1),
    "none": lambda flex: flex.noop_mask,
}


@pytest.mark.parametrize("score", SCORES)
def test_changes_scores(score: str):
    def story(torch: Any, nn: Any, say: Any) -> None:
        warnings.simplefilter("ignore")  # PyTorch asks for torch.compile, once
        flex = nn.attention.flex_attention
        q, k, v, bias = qkv(torch)
        say(flex.flex_attention(q, k, v, SCORES[score](torch, bias), enable_gqa=True))
        say(*flex.flex_attention(q, k, v, scale=0.3, enable_gqa=True, return_lse=True))

    assert_same(story)


@pytest.mark.parametrize("mask", MASKS)
def test_leaves_what_the_mask_leaves(mask: str):
    def story(torch: Any, nn: Any, say: Any) -> None:
        warnings.simplefilter("ignore")  # PyTorch asks for torch.compile, once
        flex = nn.attention.flex_attention
        q, k, v, _ = qkv(torch)
        mod = MASKS[mask](flex)
        made = flex.create_block_mask(mod, 2, None, 16, 24, device="cpu", BLOCK_SIZE=8)
        say(flex.create_mask(mod, 2, None, 16, 24, device="cpu"), made.to_dense(), made.shape)
        say(made.sparsity(), made.numel(), made.BLOCK_SIZE, made.seq_lengths)
        say([t for t in made.as_tuple() if isinstance(t, torch.Tensor)])
        say(flex.flex_attention(q, k, v, block_mask=made, enable_gqa=True))
        say(made[0].kv_num_blocks, made._adjust(8, 16).to_dense())

    assert_same(story)


def test_blocks_given_by_hand():
    flex = torchlike.nn.attention.flex_attention
    q, k, v, _ = qkv(torchlike)
    counts = torchlike.tensor([[[1, 2]]], dtype=torchlike.int32)
    which = torchlike.tensor([[[[0, 1, 2], [2, 0, 1]]]], dtype=torchlike.int32)
    made = flex.BlockMask.from_kv_blocks(counts, which, BLOCK_SIZE=8)
    found = flex.flex_attention(q, k, v, block_mask=made, enable_gqa=True)
    mask = torchlike.zeros(16, 24, dtype=torchlike.bool)
    mask[:8, :8] = True
    mask[8:, :8] = True
    mask[8:, 16:] = True
    plain = torchlike.nn.functional.scaled_dot_product_attention(q, k, v, mask, enable_gqa=True)
    assert torchlike.allclose(found, plain, atol=1e-5)


def test_has_a_gradient():
    flex = torchlike.nn.attention.flex_attention
    q, k, v, bias = (t.requires_grad_() for t in qkv(torchlike))
    made = flex.create_block_mask(lambda b, h, i, j: i >= j, None, None, 16, 24)
    out = flex.flex_attention(q, k, v, lambda s, b, h, i, j: s + bias[h, j], made, enable_gqa=True)
    out.sin().sum().backward()
    mine = [t.grad.clone() for t in (q, k, v, bias)]
    for t in (q, k, v, bias):
        t.grad = None
    causal = torchlike.ones(16, 24, dtype=torchlike.bool).tril()
    added = torchlike.where(causal, bias[:, None], -float("inf"))
    plain = torchlike.nn.functional.scaled_dot_product_attention(q, k, v, added, enable_gqa=True)
    plain.sin().sum().backward()
    for found, t in zip(mine, (q, k, v, bias), strict=True):
        assert torchlike.allclose(found, t.grad, atol=1e-5)


def test_refuses():
    def story(torch: Any, nn: Any, say: Any) -> None:
        warnings.simplefilter("ignore")  # PyTorch asks for torch.compile, once
        flex = nn.attention.flex_attention
        q, k, v, _ = qkv(torch)
        say.error(lambda: flex.flex_attention(q[0], k, v))
        say.error(lambda: flex.flex_attention(q, k, v))
        say.error(lambda: flex.flex_attention(q[..., :4], k, v, enable_gqa=True))
        large = flex.create_block_mask(
            lambda b, h, i, j: i >= j, None, None, 300, 300, device="cpu"
        )
        say.error(lambda: flex.flex_attention(q, k, v, block_mask=large, enable_gqa=True))
        say.error(lambda: flex.or_masks(3))

    assert_same(story)


def test_causal_biases():
    def story(torch: Any, nn: Any, say: Any) -> None:
        bias = nn.attention.bias
        q, k, v, _ = qkv(torch)
        k, v = k.repeat_interleave(2, 1), v.repeat_interleave(2, 1)
        for make in (bias.causal_upper_left, bias.causal_lower_right):
            mask = make(16, 24)
            say(int(mask.variant), mask.seq_len_q, mask.seq_len_kv, repr(mask))
            say(nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask))
        say.error(lambda: bias.causal_upper_left(2, 3, 4))
        say.error(lambda: bias.CausalBias(1, 2, 3))

    assert_same(story)


def test_kernels_are_a_choice_without_effect():
    def story(torch: Any, nn: Any, say: Any) -> None:
        attention = nn.attention
        q, k, v, _ = qkv(torch)
        k, v = k.repeat_interleave(2, 1), v.repeat_interleave(2, 1)
        for kernels in (attention.SDPBackend.MATH, [attention.SDPBackend.MATH]):
            with attention.sdpa_kernel(kernels):
                say(nn.functional.scaled_dot_product_attention(q, k, v))
        say(attention.current_flash_attention_impl())

        def wrong() -> None:
            with attention.sdpa_kernel("math"):
                pass

        say.error(wrong)

    assert_same(story)
