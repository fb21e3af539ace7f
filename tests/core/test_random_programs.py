"""Values, strides, errors and gradients of random programs equal PyTorch's under both executors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

import torchlike

from .random_programs import Program


def differences(seed: int, steps: int) -> list[str]:
    """Where torchlike's run differs from PyTorch's."""
    program = Program(seed, steps)
    expected, found = program.run(torch), program.run(torchlike)
    if len(expected) != len(found):
        return [f"PyTorch: {_texts(expected)}", f"torchlike: {_texts(found)}"]
    wrong = []
    for e, f in zip(expected, found, strict=True):
        if isinstance(e, np.ndarray) and isinstance(f, np.ndarray):
            if e.shape != f.shape or not np.allclose(e, f, rtol=2e-4, atol=1e-5, equal_nan=True):
                wrong.append(f"expected {e}, got {f}")
        elif type(e) is not type(f) or not isinstance(e, np.ndarray) and e != f:
            wrong.append(f"expected {e}, got {f}")
    return wrong


def _texts(run: list[object]) -> list[str]:
    return [x for x in run if isinstance(x, str)]


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10**6), steps=st.integers(3, 8))
def test_random_programs_recorded(seed, steps):
    with torchlike.config.using("recorded"):
        assert not differences(seed, steps)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 10**6), steps=st.integers(3, 8))
def test_random_programs_op_by_op(seed, steps):
    with torchlike.config.using("op_by_op"):
        assert not differences(seed, steps)
