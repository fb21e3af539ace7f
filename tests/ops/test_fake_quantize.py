"""Rounding to a grid of integers and back: values, arguments and errors, against PyTorch's."""

from __future__ import annotations

import pytest

from ..expressions import assert_same_line, lines

LINES = lines(r"""
torch.fake_quantize_per_tensor_affine(x, torch.tensor(.1), torch.tensor(0), 0, 5)
torch.fake_quantize_per_tensor_affine(x, .1, 0, 10, 5)
torch.fake_quantize_per_tensor_affine(x, .1, 9, 0, 5)
torch.fake_quantize_per_tensor_affine(x.int(), .1, 0, 0, 5)
torch.fake_quantize_per_tensor_affine(x.double(), .1, 0, 0, 5)
torch.fake_quantize_per_tensor_affine(x.half(), .1, 0, 0, 5)
torch.fake_quantize_per_tensor_affine(x, torch.tensor(.1), torch.tensor(0.5), 0, 5)
torch.fake_quantize_per_tensor_affine(x, torch.tensor(.1), torch.tensor(0, dtype=torch.int32), 0, 5)
torch.fake_quantize_per_tensor_affine(x, torch.tensor([.1,.2]), torch.tensor([0,1], dtype=torch.int32), 0, 5)
torch.fake_quantize_per_channel_affine(x, torch.tensor([.1,.2]), torch.tensor([0,1], dtype=torch.int32), 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, torch.tensor([.1,.2]), torch.tensor([0,1]), 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, torch.tensor([.1,.2]), torch.tensor([0,1.5]), 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, torch.tensor([.1]), torch.tensor([0]), 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, torch.tensor([.1,.2]), torch.tensor([0]), 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, torch.tensor([.1,.2]), torch.tensor([0,9]), 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, torch.tensor([.1,.2]), torch.tensor([0,1]), 3, 0, 5)
torch.fake_quantize_per_channel_affine(x, torch.tensor([.1,.2]).double(), torch.tensor([0,1]), 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, torch.tensor([[.1,.2]]), torch.tensor([0,1]), 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, torch.tensor([.1,.2]), torch.tensor([0,1]), 0, 9, 5)
torch.fake_quantize_per_tensor_affine(torch.tensor([float('nan'), float('inf'), -float('inf'), 1e30]), .1, 0, 0, 5)
torch.fake_quantize_per_tensor_affine(x.requires_grad_(), .1, 0, 0, 5).grad_fn
torch.fake_quantize_per_tensor_affine(x.requires_grad_(), torch.tensor(.1), torch.tensor(0), 0, 5).grad_fn
torch.fake_quantize_per_channel_affine(x.requires_grad_(), torch.tensor([.1,.2]), torch.tensor([0,1]), 0, 0, 5).grad_fn
torch.fake_quantize_per_channel_affine(x, torch.tensor([[.1,.2]]), z, 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, s, z[None], 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, s, z[:1], 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, s[:1], z[:1], 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, s, z+9, 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, s, z.float()+9, 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, s, z, 3, 0, 5)
torch.fake_quantize_per_channel_affine(x, s, z, 2, 0, 5)
torch.fake_quantize_per_channel_affine(x, s, z, -1, 0, 5)
torch.fake_quantize_per_channel_affine(x, s, z, 0, 9, 5)
torch.fake_quantize_per_channel_affine(x.int(), s, z, 0, 0, 5)
torch.fake_quantize_per_channel_affine(x.double(), s, z, 0, 0, 5)
torch.fake_quantize_per_channel_affine(x.half(), s, z, 0, 0, 5)
torch.fake_quantize_per_channel_affine(x.bfloat16(), s, z, 0, 0, 5)
torch.fake_quantize_per_tensor_affine(x.bfloat16(), .1, 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, s, z.float()+.4, 0, 0, 5)
torch.fake_quantize_per_channel_affine(x, s, z.half()+.4, 0, 0, 5)
torch.fake_quantize_per_tensor_affine(x, scale=.1, zero_point=0, quant_min=0, quant_max=5)
torch.fake_quantize_per_tensor_affine(x, torch.tensor([.1]), torch.tensor([0]), 0, 5)
torch.fake_quantize_per_tensor_affine(x, torch.tensor(.1), 0, 0, 5)
torch.fake_quantize_per_tensor_affine(x, .1, torch.tensor(0), 0, 5)
torch.fake_quantize_per_tensor_affine(x, torch.tensor(.1), torch.tensor(7), 0, 5)
torch.fake_quantize_per_tensor_affine(x, torch.tensor(.1), torch.tensor(7), 9, 5)
torch.fake_quantize_per_tensor_affine(x, torch.tensor(.1), torch.tensor(1.6), 0, 5)
""")


def setting(t):
    x, z = t.arange(6.0).reshape(2, 3), t.tensor([0, 1], dtype=t.int32)
    return {"x": x, "z": z, "s": t.tensor([0.1, 0.2])}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
