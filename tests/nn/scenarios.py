"""Running one piece of code with PyTorch and with torchlike, and comparing what it says.

A scenario is a function of (torch, nn, say); it calls ``say`` with whatever is to be equal.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import torchlike

_ADDRESS = re.compile(r"0x[0-9a-f]+")


def plain(value: Any) -> Any:
    """A value as something that compares between the two libraries."""
    if isinstance(value, type):
        return value.__name__
    if type(value).__name__.startswith("Uninitialized"):
        return str(value)
    if hasattr(value, "detach") and hasattr(value, "dtype"):
        array = value.detach()
        if str(value.dtype) == "torch.bfloat16":
            array = array.float()
        return (str(value.dtype), np.asarray(array.cpu().numpy()), value.requires_grad)
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, int | float | bool | None):
        return value
    return text(str(value))


def text(said: str) -> str:
    said = _ADDRESS.sub("0x", said)
    # Module is a file of its own here; its dotted name in PyTorch has it twice
    return said.replace("torchlike.nn.module.", "torch.nn.modules.module.").replace(
        "torchlike", "torch"
    )


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        if a.dtype.kind not in "fc":
            return bool((a == b).all())
        scale = max(1.0, float(np.abs(np.nan_to_num(b)).max(initial=0.0)))
        return bool(np.allclose(a, b, rtol=2e-4, atol=2e-5 * scale, equal_nan=True))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, float) and isinstance(b, float):
        return bool(np.isclose(a, b, rtol=2e-4, atol=1e-6, equal_nan=True))
    return bool(a == b)


class Say:
    """Collects what a scenario says; ``error`` collects the exception that a call raises."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def __call__(self, *values: Any) -> None:
        self.said.append([plain(v) for v in values])

    def error(self, call: Callable[[], Any]) -> None:
        try:
            self("no error", call())
        except Exception as error:
            self.said.append((type(error).__name__, text(str(error)).split("\nhint:")[0]))


def outcome(module: Any, scenario: Callable[..., None]) -> list[Any]:
    module.manual_seed(0)
    say = Say()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scenario(module, module.nn, say)
    said = [(w.category.__name__, text(str(w.message))) for w in caught]
    # What PyTorch says about its own kernels is no behaviour
    say.said.append([w for w in said if "Triggered internally" not in w[1]])
    return say.said


def assert_same(scenario: Callable[..., None]) -> None:
    """Both libraries say the same, warnings included."""
    expected = outcome(torch, scenario)
    found = outcome(torchlike, scenario)
    for i, (a, b) in enumerate(zip(found, expected, strict=False)):
        assert equal(a, b), f"{scenario.__name__}, line {i}:\n  ours   {a}\n  theirs {b}"
    assert len(found) == len(expected)
