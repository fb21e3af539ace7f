"""Products of groups of rows, against PyTorch's."""

from __future__ import annotations

import pytest

from ...expressions import assert_same_line, lines

LINES = lines(r"""
F.grouped_mm(a,b,offs=offs).shape
(F.grouped_mm(a,b,offs=offs)[:2]-a[:2]@b[0]).abs().max()
F.grouped_mm(a.bfloat16(),b.bfloat16(),offs=offs).dtype
F.grouped_mm(a,b)
F.grouped_mm(torch.randn(3,8,16),b).shape
F.grouped_mm(torch.randn(16,8),torch.randn(8,32),offs=offs).shape
F.grouped_mm(torch.randn(3,8,16),torch.randn(16,8),offs=offs).shape
F.grouped_mm(a,b,offs=offs,bias=torch.ones(32))
F.grouped_mm(a,b,offs=offs,out_dtype=torch.float32).dtype
F.grouped_mm(a,b,offs=offs,out_dtype=torch.bfloat16).dtype
F.grouped_mm(a,b,offs=offs.long())
F.grouped_mm(a,b,offs=offs[:2])
F.grouped_mm(a.requires_grad_(),b,offs=offs).grad_fn
F.grouped_mm(a.detach().half(),b,offs=offs)
F.grouped_mm(torch.randn(3,8,16),b,offs=offs)
F.grouped_mm(a[0],b,offs=offs)
F.grouped_mm(torch.randn(8,16),torch.randn(16,32))
""")


def setting(t):
    t.manual_seed(0)
    a, b = t.randn(8, 16), t.randn(3, 16, 32)
    return {"F": t.nn.functional, "a": a, "b": b, "offs": t.tensor([2, 3, 8], dtype=t.int32)}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
