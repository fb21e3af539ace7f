"""Capturing a function with the recorder: what it did becomes a program that runs without Python.

The captured call is an ordinary recorded call; the capture only watches. If the function looks at
numbers half-way (a graph break), watching stops and the call goes on eagerly, as if never captured.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from .config import config
from .errors import GraphBreak
from .modes import modes
from .record import Segment, flush_all
from .tensor import Storage, Tensor
from .value import Value


class Capture:
    """Watches one call. ``broken`` says why it can't be replayed, and on which line that was."""

    def __init__(self, name: str, fullgraph: bool) -> None:
        self.name = name
        self.fullgraph = fullgraph
        self.broken: str | None = None
        self.is_backward = False
        self.is_checking = False
        self.seen: dict[int, Tensor] = {}  # id of a Value read -> the tensor it was read from
        self.values: list[Value] = []  # keeps those ids unique
        self.constants: set[int] = set()
        self.writes: dict[int, tuple[Storage, Value]] = {}
        # id -> (tensor, its .grad before, that one's value, whether the call looked at it first)
        self.grads: dict[int, tuple[Tensor, Tensor | None, Value | None, bool]] = {}
        self.draws: list[tuple[Callable[[], list[Any]], list[Value]]] = []
        self.segments: dict[Any, Segment] = {}

    def __enter__(self) -> Capture:
        # What is captured may be mixed later with values pending now: neither may wait for the other
        flush_all()
        self._outer = modes.segments
        self._recorded = config.recorded
        modes.segments = self.segments
        config.recorded = True
        modes.capture = self
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop()
        if exc[0] is not None and self.broken is None:
            self.broken = "the call raised"

    def _stop(self) -> None:
        if modes.capture is self:
            modes.capture = None
        if modes.segments is self.segments:
            modes.segments = self._outer
            config.recorded = self._recorded

    # --- what the dispatcher reports ---------------------------------------------------------

    def saw(self, operands: Sequence[Any]) -> None:
        """Tensors were read; those from outside are operands of a replay."""
        for x in operands:
            if isinstance(x, Tensor) and self._is_new(x._v):
                self.seen[id(x._v)] = x
                self.values.append(x._v)

    def _is_new(self, value: Value) -> bool:
        is_inside = value.array is None and value.segment in self.segments.values()
        return not is_inside and id(value) not in self.seen

    def constant(self, value: Value) -> None:
        """A host-born value made inside the call."""
        self.constants.add(id(value))
        self.values.append(value)

    def touched_grad(self, t: Tensor, *, read: bool) -> None:
        """A ``.grad`` is about to be read or replaced."""
        if id(t) not in self.grads and not self.is_backward:
            have = t._grad
            value = None if have is None else have._v
            self.grads[id(t)] = (t, have, value, read)
            if value is not None:
                self.values.append(value)

    def wrote(self, storage: Storage) -> None:
        self.writes.setdefault(id(storage), (storage, storage.value))

    def is_outside(self, storage: Storage) -> bool:
        """Whether a storage that was written to was there before the call."""
        found = self.writes.get(id(storage))
        return found is not None and self.is_external(found[1])

    def is_external(self, value: Value) -> bool:
        return value.segment not in self.segments.values() and id(value) not in self.constants

    def redraw(self, draw: Callable[[], list[Any]], values: list[Value]) -> None:
        """Random numbers were drawn; a replay draws them anew."""
        self.draws.append((draw, values))
        self.values.extend(values)

    def looked(self, t: Tensor | None = None) -> None:
        """Somebody wants numbers."""
        if t is not None and id(t._v) in self.constants:
            return
        if self.is_checking or self.is_backward:
            raise GraphBreak("numbers are looked at")
        self.give_up("a tensor's numbers are looked at")

    def note_history(self) -> None:
        """A tensor from outside with history was written to."""
        self.give_up("a tensor from outside that takes part in autograd is written to")

    def give_up(self, why: str) -> None:
        """Stops watching, says where and why, and lets the call go on eagerly.

        Raises:
            RuntimeError: ``fullgraph=True``.
        """
        if self.broken is not None:
            return
        where = user_line()
        self.broken = f"{why} at {where}"
        if self.fullgraph:
            self._stop()
            from .errors import Unsupported

            raise Unsupported(
                f"graph break in {self.name}: {why}\n  at {where}\n"
                "hint: fullgraph=True allows none; move that line out of the compiled function"
            )
        self._stop()
        warnings.warn(
            f"torch.compile: {self.name} stays eager for these inputs: {why} at {where}",
            UserWarning,
            stacklevel=_stack_level(),
        )


def _frames() -> Any:
    frame = sys._getframe(2)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_ours(filename: str) -> bool:
    return filename.startswith(_ROOT)


_ROOT = __file__.rpartition("core")[0]


def user_line() -> str:
    for frame in _frames():
        if not _is_ours(frame.f_code.co_filename):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
    return "an unknown line"


def _stack_level() -> int:
    for level, frame in enumerate(_frames(), start=2):
        if not _is_ours(frame.f_code.co_filename):
            return level
    return 2
