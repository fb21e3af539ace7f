"""What a tensor says of itself, and members that PyTorch removed or deprecated, against PyTorch's."""

from __future__ import annotations

import pytest

from ..expressions import assert_same_line, lines

LINES = lines(r"""
x.eig()
x.symeig()
x.lstsq(x)
x.solve(x)
x.reinforce(1)
torch.eig(x)
torch.matrix_rank(x)
x.matrix_rank
torch.empty(1,3,1,5).dim_order(ambiguity_check=True)
torch.empty(2,3,1,5).dim_order(ambiguity_check=True)
torch.empty(2,3,0).dim_order()
torch.empty(2,3,4).expand(2,3,4).dim_order(ambiguity_check=True)
torch.empty(1,3,4).transpose(0,1).dim_order(ambiguity_check=True)
torch.empty(1,3,4).transpose(0,1).dim_order()
torch.ones(3,1).expand(3,4).dim_order()
torch.tensor(1.).dim_order()
torch.empty(2,3,4,5).dim_order(ambiguity_check=3)
x.module_load(torch.ones(2,3), assign=True)
x.module_load(torch.ones(3))
x.resize(2,2)
x.resize_as(torch.ones(3,2))
x.resize_as_(torch.ones(3,2))
x.resize_as_(torch.ones(3,5)).shape
x.requires_grad_().resize_as_(torch.ones(3,2))
x.map2_(x, x.int(), lambda a,b,c: 0)
x.requires_grad_().map2_(x,x,lambda a,b,c:0)
x.is_set_to(x.clone())
x.is_set_to(x.detach())
x.is_set_to(x.reshape(3,2))
x.is_set_to(3)
x.new('a')
x.storage()
x.untyped_storage()
x.slice_inverse(x[0])
x.to_dense(torch.float64, masked_grad=True)
x.requires_grad_().to_dense().grad_fn
x.xpu(), 
x.int().new([1.5])
x.double().new(2).dtype
x.double().new(x.double())
x.new(device='cpu')
x.new(2, device='cpu').shape
torch.resize_as_(x, torch.ones(3,2), memory_format=torch.contiguous_format)
""")


def setting(t):
    return {"x": t.arange(6.0).reshape(2, 3), "i": t.arange(3)}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
