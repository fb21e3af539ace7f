"""The functions below the layers that `torch` has of its own, against PyTorch's."""

from __future__ import annotations

import pytest

from ..expressions import assert_same_line, lines

LINES = lines(r"""
torch.batch_norm(x.unsqueeze(-1).repeat(1,1,2), None, None, None, None, True, .1, 1e-5, False)
torch.native_batch_norm(x, None, None, None, None, True, .1, 1e-5)
torch.native_batch_norm(x, None, None, torch.zeros(3), torch.ones(3), False, .1, 1e-5)
torch.instance_norm(x.reshape(1,2,3), None, None, None, None, True, .1, 1e-5, False)
torch.embedding_bag(x.t(), i, torch.tensor([0,1]))[0]
torch.embedding_bag(x, torch.tensor([1,0,1]), torch.tensor([0,1]), False, 1)[0]
torch.embedding_bag(x, torch.tensor([1,0,1]), torch.tensor([0,1]), False, 2)[0]
torch.embedding_bag(x, torch.tensor([1,0,1]), torch.tensor([0,1]), False, 0, False, None, True)[0]
torch.embedding_bag(x, torch.tensor([1,0,1]), torch.tensor([0,1]), False, 0, False, None, False, 0)[0]
torch.embedding_bag(x, torch.tensor([1,0,1]), torch.tensor([1,2]))[0]
torch.batch_norm_update_stats(torch.arange(6.).reshape(2,3), None, None, .1)
""")


def setting(t):
    return {"x": t.arange(6.0).reshape(2, 3), "i": t.arange(3)}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
