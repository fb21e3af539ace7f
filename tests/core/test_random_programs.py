"""Values, strides, errors and gradients of random programs equal PyTorch's under both executors."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

import torchlike

from .random_programs import Program


def differences(seed: int, steps: int, executions: tuple[str, ...] = ("recorded",)) -> list[str]:
    """Where torchlike's runs differ from PyTorch's."""
    program = Program(seed, steps)
    expected = program.run(torch)
    wrong = []
    for execution in executions:
        with torchlike.config.using(execution):
            wrong += [f"{execution}: {w}" for w in _compared(expected, program.run(torchlike))]
    return wrong


def _compared(expected: list[object], found: list[object]) -> list[str]:
    if len(expected) != len(found):
        return [f"PyTorch: {_texts(expected)}", f"torchlike: {_texts(found)}"]
    wrong = []
    for e, f in zip(expected, found, strict=True):
        if isinstance(e, np.ndarray) and isinstance(f, np.ndarray):
            if e.shape != f.shape or not np.allclose(e, f, rtol=1e-7, atol=1e-9, equal_nan=True):
                wrong.append(f"expected {e}, got {f}")
        elif type(e) is not type(f) or not isinstance(e, np.ndarray) and e != f:
            wrong.append(f"expected {e}, got {f}")
    return wrong


def _texts(run: list[object]) -> list[str]:
    return [x for x in run if isinstance(x, str)]


PROGRAMS = given(seed=st.integers(0, 10**9), steps=st.integers(3, 8))
BOTH = ("recorded", "op_by_op")


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@PROGRAMS
def test_random_programs(seed, steps):
    assert not differences(seed, steps, BOTH)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(4))
def test_two_thousand_random_programs(part):
    @settings(max_examples=500, deadline=None, database=None)
    @hypothesis.seed(part)
    @PROGRAMS
    def programs(seed, steps):
        assert not differences(seed, steps, BOTH)

    programs()
