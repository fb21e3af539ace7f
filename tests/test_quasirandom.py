"""Sobol points, against PyTorch's."""

from __future__ import annotations

import pytest

from .compare import Cases, assert_alike, name_of
from .expressions import assert_same_line, lines

LINES = lines("""
S(3)
S(3, True, 5)
S(3, scramble=True)
S(0)
S(30000)
S.MAXDIM, S.MAXBIT
S(2).draw(0)
S(2).draw(-1)
S(2).draw(2.5)
S(2).draw(2, dtype=torch.int32)
S(2).draw(2, dtype=torch.float16)
S(2).draw(1, dtype=torch.float16)
S(2).draw(2, out=torch.zeros(5, 5))
S(2).draw_base2(3)
S(2).fast_forward(3).draw_base2(2)
S(2).fast_forward(0).draw(2)
S(3).fast_forward(100).draw(2)
S(3, True, 5).shift, S(3, True, 5).quasi
S(3).shift, S(3).num_generated
""")


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, lambda t: {"S": t.quasirandom.SobolEngine})


case = Cases()


@case
def a_sequence_goes_on(t):
    engine = t.quasirandom.SobolEngine(5)
    parts = [engine.draw(n) for n in (1, 3, 4, 8, 1)]
    return parts, engine.quasi.clone(), engine.num_generated, engine.reset().draw(2)


@case
def scrambled_by_a_seed(t):
    engine = t.quasirandom.SobolEngine(40, scramble=True, seed=1)
    return engine.draw(16), engine.draw(3, dtype=t.float64), engine.quasi


@case
def scrambled_by_the_global_generator(t):
    t.manual_seed(3)
    return t.quasirandom.SobolEngine(2, scramble=True).draw(9), t.rand(1)


@case
def many_dimensions(t):
    return t.quasirandom.SobolEngine(21201).draw(65)[:, ::100]


@pytest.mark.parametrize("fn", case, ids=name_of)
def test_cases(fn):
    assert_alike(fn)
