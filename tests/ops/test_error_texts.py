"""Refusals that PyTorch's database of ops does not ask for, against PyTorch's."""

from __future__ import annotations

import pytest

from ..expressions import assert_same_line, lines

LINES = lines(r"""
torch.gradient(x, spacing=[1.])
torch.gradient(x, spacing=[1.], dim=(0,1))
torch.gradient(x, spacing=[1.,2.,3.], dim=(0,1))
torch.gradient(x, spacing=[torch.ones(3)])
torch.gradient(x, spacing=[torch.ones(3)], dim=(0,1))
torch.linspace(torch.tensor([1,1]), torch.tensor([3,3]), 1)
torch.linspace(torch.tensor([1,1]), 3, 1)
torch.linspace(0,3,-1)
torch.linspace(0,3,1.)
torch.linspace(0,3,True)
torch.logspace(0,3,1.)
torch.logspace(0,3,-1)
torch.logspace(torch.tensor([1,1]), 3, 1)
F.linear_cross_entropy(torch.ones(2,3), torch.ones(2), torch.zeros(2).long())
F.linear_cross_entropy(torch.ones(2,3), torch.ones(2,3), torch.ones(2,2), ignore_index=1)
F.linear_cross_entropy(torch.ones(2,3), torch.ones(2,3), torch.zeros(2).long(), linear_bias=torch.ones(3))
F.linear_cross_entropy(torch.ones(2,3), torch.ones(2,2,3), torch.zeros(2,2).long(), linear_bias=torch.ones(3))
torch.hsplit(x,'abc')
torch.vsplit(x,'abc')
torch.dsplit(x,'abc')
torch.hsplit(x,1.5)
torch.narrow_copy(x,0,0,-1)
torch.narrow_copy(x,3,0,1)
torch.narrow_copy(x,-3,0,1)
torch.narrow_copy(x,0,5,1)
torch.narrow_copy(x,0,-5,1)
torch.narrow_copy(x,0,-1,1)
torch.narrow_copy(x,0,2,4)
torch.narrow_copy(torch.tensor(1.),0,0,1)
torch.narrow(x,0,0,-1)
torch.narrow(x,0,5,1)
torch.ormqr(torch.ones(5,0), torch.ones(5), torch.ones(5,5))
torch.ormqr(torch.ones(5,3), torch.ones(5), torch.ones(5,5))
torch.ormqr(torch.ones(5,3), torch.ones(2), torch.ones(5,5))
torch.ormqr(torch.ones(5,3), torch.ones(2), torch.ones(5,5), False)
torch.ormqr(torch.ones(5,3), torch.ones(4), torch.ones(5,5), False)
torch.cat((x,None))
torch.cat((None,x))
torch.stack((x,None))
torch.gather(torch.ones(1,1),1,torch.tensor([[0,0],[1,0]]))
""")


def setting(t):
    return {"F": t.nn.functional, "x": t.ones(3, 3)}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
