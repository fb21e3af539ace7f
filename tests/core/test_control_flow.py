"""`torch.cond` and `torch.while_loop`, called as they are, against PyTorch's."""

from __future__ import annotations

import pytest

from ..expressions import assert_same_line, lines

LINES = lines(r"""
torch.cond(True, lambda a: a+1, lambda a: a-1, (x,))
torch.cond(torch.tensor(False), lambda a: a+1, lambda a: a-1, (x,))
torch.cond(3, lambda a: a+1, lambda a: a-1, (x,))
torch.cond(x, lambda a: a+1, lambda a: a-1, (x,))
torch.cond('a', lambda a: a+1, lambda a: a-1, (x,))
torch.cond(True, 3, lambda a: a-1, (x,))
torch.cond(True, lambda a: a+1, lambda a: a-1, x)
torch.cond(True, lambda a: a+1, lambda a: a-1, (3.5,))
torch.cond(True, lambda a: a+1, lambda a: a-1, ('a',))
torch.cond(True, lambda: x, lambda: x+1)
torch.cond(torch.tensor(True), lambda a: (a+1, 2), lambda a: (a-1,3), (x,))
torch.while_loop(lambda i,a: i<3, lambda i,a: (i+1,a*2), (torch.tensor(0), x))
torch.while_loop(lambda i,a: i<3, lambda i,a: [i+1,a*2], (torch.tensor(0), x))
torch.while_loop(3, lambda i,a: (i+1,a), (torch.tensor(0), x))
torch.while_loop(lambda i: i<3, lambda i: (i+1,), (0,))
torch.while_loop(lambda i: i<3, lambda i: i+1, (torch.tensor(0),))
""")


def setting(t):
    return {"x": t.arange(6.0).reshape(2, 3), "i": t.arange(3)}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
