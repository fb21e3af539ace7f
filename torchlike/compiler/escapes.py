"""Whether a captured call left something behind that a program could not leave again."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

from ..core.capture import Capture
from ..core.tensor import Tensor


class NotReplayable(Exception):
    """The captured call did something a program can't do again; it stays eager."""


def check_escapes(capture: Capture, known: Sequence[Any]) -> None:
    """Whether a tensor made by the call lives on elsewhere: a program could not put it there again.

    Raises:
        NotReplayable: one does.
    """
    allowed = {id(t) for t in known}
    if _escaped(capture, allowed):
        gc.collect()
        if _escaped(capture, allowed):
            raise NotReplayable("a tensor that it makes is kept by something outside")


def _escaped(capture: Capture, allowed: set[int]) -> bool:
    segments = list(capture.segments.values())
    found: list[int] = []
    for x in gc.get_objects():
        kind = type(x)
        if issubclass(kind, Tensor) and kind._is_dense:
            storage = x.__dict__.get("_storage")
            value = None if storage is None else storage.value
            if id(x) in allowed or value is None or id(storage) in capture.writes:
                continue
            if value.segment in segments or id(value) in capture.constants:
                found.append(id(x))
        elif kind.__name__ in (
            "_Saved",
            "Operand",
        ):  # kept for backward, or to draw random numbers anew
            allowed.add(id(getattr(x, "tensor", None)))
    return any(i not in allowed for i in found)
