"""``torch.signal.windows`` against PyTorch's, and tensors with chosen strides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.signal import windows as theirs

import torchlike
from torchlike.signal import windows as ours

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "exponential": [{}, {"tau": 2.5}, {"center": 1.0, "sym": False}],
    "gaussian": [{}, {"std": 3.0}],
    "kaiser": [{}, {"beta": 3.0}, {"beta": 0.0}],
    "general_cosine": [{"a": [0.5, 0.3, 0.2]}],
    "general_hamming": [{}, {"alpha": 0.7}],
}
TOLERANCE = {"float32": 1e-6, "float64": 1e-14}


@pytest.mark.parametrize("name", theirs.__all__)
@pytest.mark.parametrize("of", TOLERANCE)
def test_equal_to_rounding(name: str, of: str):
    for options in OPTIONS.get(name, [{}]):
        for M in (0, 1, 2, 3, 10, 33):
            for sym in (True, False):
                given = {"sym": sym, **options}
                found = getattr(ours, name)(M, dtype=getattr(torchlike, of), **given)
                expected = getattr(theirs, name)(M, dtype=getattr(torch, of), **given)
                assert str(found.dtype) == str(expected.dtype)
                np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=TOLERANCE[of])


@pytest.mark.parametrize("name", theirs.__all__)
def test_errors(name: str):
    base = OPTIONS.get(name, [{}])[0]
    bad: list[Any] = [(-1, {}), (3, {"dtype": "float16"}), (3, {"dtype": "int64"})]
    bad += {
        "exponential": [(3, {"tau": 0}), (3, {"center": 1.0})],
        "gaussian": [(3, {"std": 0})],
        "kaiser": [(3, {"beta": -1.0})],
        "general_cosine": [(3, {"a": []}), (3, {"a": 2.0})],
    }.get(name, [])
    for M, options in bad:
        said = []
        for T, windows in ((torchlike, ours), (torch, theirs)):
            given = {**base, **options}
            if "dtype" in given:
                given["dtype"] = getattr(T, given["dtype"])
            with pytest.raises((ValueError, TypeError)) as error:
                getattr(windows, name)(M, **given)
            said.append((error.type, str(error.value)))
        assert said[0] == said[1]


STRIDED = (
    "T.empty_strided((2, 3), (1, 2))", "T.empty_strided((2, 3), (3, 1))",
    "T.empty_strided((0, 3), (1, 1))",
    "T.empty_strided((2, 2), (1,))", "T.empty_strided((2, 2), (1, -1))",
    "T.empty_strided((2, -2), (1, 1))", "T.empty_strided((), ())",
    "T.empty_permuted((2, 3, 4), (2, 0, 1))", "T.empty_permuted((2, 3), (0, 0))",
    "T.empty_permuted((2, 3), (0,))", "T.empty_permuted((2, 3), (0, 2))",
    "T.ones(2, dtype=T.int32).new_empty_strided((2, 3), (1, 2))",
)  # fmt: skip


@pytest.mark.parametrize("expression", STRIDED)
def test_strides(expression: str):
    def outcome(T: Any) -> Any:
        try:
            x = eval(expression, {"T": T})
        except RuntimeError as error:
            return str(error).splitlines()[0]
        return tuple(x.shape), x.stride(), str(x.dtype), x.is_contiguous()

    assert outcome(torchlike) == outcome(torch)
