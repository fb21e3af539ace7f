"""Programs that run with PyTorch and with torchlike, and have to say the same."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable
from typing import Any

import torch

import torchlike

from ..compare import Raised, Tolerance, assert_same, outcome, same_kind, tidy, tree_map

CLOSE = Tolerance(factor=2.0)


def agree(program: Callable[[Any], Any], tolerance: Tolerance = CLOSE) -> None:
    """``program(torch)`` and ``program(torchlike)`` return the same, or raise the same."""
    expected = _run(program, torch)
    found = _run(program, torchlike)
    if isinstance(expected, Raised):
        assert isinstance(found, Raised), f"expected {expected}, got {found!r}"
        assert same_kind(expected.kind, found.kind), f"expected {expected}, got {found}"
        assert tidy(expected.line) == tidy(found.line)
        return
    assert not isinstance(found, Raised), f"raises {found}"
    assert_same(expected, found, tolerance)


def _run(program: Callable[[Any], Any], library: types.ModuleType) -> Any:
    library.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = outcome(program, library)
        return found if isinstance(found, Raised) else tree_map(_plain, found)


def _plain(x: Any) -> Any:
    return x.detach() if isinstance(x, (torch.Tensor, torchlike.Tensor)) else x


class Programs(list[Any]):
    """Collects programs: ``@PROGRAMS`` in front of each."""

    def __call__(self, program: Callable[[Any], Any]) -> Callable[[Any], Any]:
        self.append(program)
        return program


def name_of(program: Callable[[Any], Any]) -> str:
    return program.__name__
