"""``nn.init`` against PyTorch: equal bits, warnings, errors, and an equal generator after."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import init as theirs

import torchlike
from torchlike.nn import init as ours

CASES: tuple[tuple[str, tuple[Any, ...], tuple[int, ...]], ...] = (
    ("uniform_", (), (3, 5)),
    ("uniform_", (-2.0, 0.3), (40, 40)),
    ("normal_", (1.0, 0.2), (3,)),
    ("normal_", (1.0, 0.2), (50, 70)),
    ("trunc_normal_", (), (100, 100)),
    ("trunc_normal_", (0.0, 0.02), (64, 65)),
    ("trunc_normal_", (0.0, 1.0, 2.0, 3.0), (50, 50)),
    ("trunc_normal_", (0.0, 1.0, 2.0, 3.0), (3, 4)),
    ("constant_", (0.3,), (3, 4)),
    ("ones_", (), (3,)),
    ("zeros_", (), (3,)),
    ("eye_", (), (3, 5)),
    ("eye_", (), (3,)),
    ("dirac_", (), (4, 4, 3)),
    ("dirac_", (), (6, 2, 3, 3)),
    ("dirac_", (), (2, 3, 1, 2, 3)),
    ("dirac_", (), (2, 2)),
    ("dirac_", (2,), (4, 2, 3)),
    ("dirac_", (2,), (5, 2, 3)),
    ("xavier_uniform_", (), (8, 4, 3, 3)),
    ("xavier_uniform_", (), (3,)),
    ("xavier_normal_", (2.0,), (30, 20)),
    ("kaiming_uniform_", (math.sqrt(5),), (64, 32, 3, 3)),
    ("kaiming_uniform_", (), (0, 3)),
    ("kaiming_normal_", (0, "fan_out", "relu"), (64, 32, 3, 3)),
    ("kaiming_normal_", (0, "fan_x", "relu"), (6, 3)),
    ("kaiming_normal_", (0, "fan_in", "gelu"), (6, 3)),
    ("sparse_", (0.3,), (10, 7)),
    ("sparse_", (0.3,), (3,)),
    ("orthogonal_", (), (3,)),
    ("uniform", (), (3,)),
    ("eye", (), (3, 3)),
    ("kaiming_uniform", (), (3, 3)),
)


def outcome(module: Any, init: Any, name: str, args: tuple[Any, ...], shape: Any, of: str) -> Any:
    """What a call leaves: numbers or error, warnings, and the next random number."""
    module.manual_seed(3)
    x = module.zeros(shape, dtype=getattr(module, of), requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            assert getattr(init, name)(x, *args) is x
            found: Any = x.detach().to(module.float64).numpy().copy()
        except (ValueError, RuntimeError) as error:
            found = type(error), str(error).splitlines()[0]
    assert x.requires_grad
    assert x.is_leaf
    said = [(w.category, str(w.message)) for w in caught]
    return found, said, module.rand(1).item()


@pytest.mark.parametrize("of", ["float32", "float64", "bfloat16", "float16"])
@pytest.mark.parametrize(("name", "args", "shape"), CASES)
def test_equal(name: str, args: tuple[Any, ...], shape: tuple[int, ...], of: str):
    found, said, after = outcome(torchlike, ours, name, args, shape, of)
    expected, expected_said, expected_after = outcome(torch, theirs, name, args, shape, of)
    if isinstance(expected, tuple):
        assert found == expected
    else:
        np.testing.assert_array_equal(found, expected)
    assert said == expected_said
    assert after == expected_after


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 2, 3), (16, 16)])
@pytest.mark.parametrize(("of", "tolerance"), [("float32", 2e-6), ("float64", 1e-14)])
def test_orthogonal(shape: tuple[int, ...], of: str, tolerance: float):
    """Two LAPACKs round differently, so this one is equal to rounding only."""
    found, _, after = outcome(torchlike, ours, "orthogonal_", (1.4,), shape, of)
    expected, _, expected_after = outcome(torch, theirs, "orthogonal_", (1.4,), shape, of)
    np.testing.assert_allclose(found, expected, atol=tolerance)
    assert after == expected_after


def test_a_given_generator_is_used():
    expected = torch.zeros(4, 4)
    theirs.xavier_normal_(expected, generator=torch.Generator().manual_seed(8))
    found = torchlike.zeros(4, 4)
    ours.xavier_normal_(found, generator=torchlike.Generator().manual_seed(8))
    np.testing.assert_array_equal(found.numpy(), expected.numpy())


@pytest.mark.parametrize(
    "args",
    [
        ("linear",), ("conv_transpose2d",), ("sigmoid",), ("tanh",), ("relu",), ("selu",),
        ("leaky_relu",), ("leaky_relu", 0.2), ("leaky_relu", True), ("leaky_relu", "x"), ("gelu",),
    ],
)  # fmt: skip
def test_calculate_gain(args: tuple[Any, ...]):
    results = []
    for init in (ours, theirs):
        try:
            results.append(init.calculate_gain(*args))
        except ValueError as error:
            results.append(str(error))
    assert results[0] == results[1]
