"""Lines of Python that must give the same with PyTorch and with torchlike, down to what is printed."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import torch

import torchlike

from .compare import Raised, assert_same_error, raised, tidy

Setting = Callable[[Any], dict[str, Any]]


def lines(text: str) -> list[str]:
    """The lines of a text; each becomes a test."""
    return [line.strip() for line in text.strip().splitlines()]


def printed(line: str, names: dict[str, Any]) -> str | Raised:
    """What the line's value prints, or how it fails."""
    try:
        text = repr(eval(line, names))
    except Exception as error:  # both libraries must agree on whatever it is
        return raised(error)
    return re.sub(r"\bin \w+ at\b|at 0x…", "", tidy(text))


def assert_same_line(line: str, setting: Setting | None = None) -> None:
    """The line prints the same, or fails the same. ``torch`` and what ``setting(torch)`` gives are
    the names in it. Warnings are compared elsewhere.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected, found = (
            printed(line, {"torch": t, **(setting(t) if setting else {})})
            for t in (torch, torchlike)
        )
    if isinstance(expected, Raised):
        assert_same_error(expected, found, line)
    else:
        assert found == expected
