"""The functions of symbolic numbers, given plain ones, against PyTorch's."""

from __future__ import annotations

import pytest

from ..expressions import assert_same_line, lines

LINES = lines(r"""
torch.sym_not(3), torch.sym_not(0)
torch.sym_float(3.), torch.sym_float(True), torch.sym_int(True), torch.sym_int(-3.7), torch.sym_sqrt(2), torch.sym_max(True, 2), torch.sym_max(1,2), torch.sym_max(1, 2.), torch.sym_min(1,2.)
torch.sym_sum(1,2), torch.sym_sum([1]), torch.sym_sum([]), torch.sym_sum(1, 2.)
torch.sym_ite(1, 2, 3)
torch.sym_ite(True, 2, 3.)
torch.sym_sqrt(-1)
torch.sym_fresh_size(3)
torch.sym_int('a')
torch.sym_float('3')
isinstance(3, torch.SymInt)
torch.sym_constrain_range_for_size(3), torch.sym_constrain_range_for_size(-1)
torch.sym_constrain_range(3, min=4)
torch.sym_constrain_range_for_size(3, max=2)
torch.sym_constrain_range_for_size(3, max=3)
""")


def setting(t):
    return {}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
