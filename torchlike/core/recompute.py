"""Computing values again in backward instead of keeping them: what ``utils.checkpoint`` stands on.

XLA would find that the second computation equals the first and keep the values after all. A barrier
on its inputs prevents that, as in ``jax.checkpoint``; it also waits for the gradient, so that the
second computation does not run before backward has come there.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import jax
from jax import lax

from .dispatch import execute
from .lifted import Packed
from .modes import modes
from .opcall import OpCall
from .record import FLOATS, Segment, flush_all
from .signature import pure_call
from .tensor import Tensor, wrap
from .value import Aval, Value


def _held_back(arrays: Sequence[Any]) -> tuple[Any, ...]:
    return lax.optimization_barrier(tuple(arrays))


_CALLS: dict[Any, OpCall] = {}


def _barrier_call(avals: Sequence[Aval]) -> OpCall:
    key = tuple(avals)
    found = _CALLS.get(key)
    if found is None:
        found = _CALLS[key] = pure_call(_held_back, key, (), "barrier")
    return found


def arriving_gradients(device: Any) -> list[Value]:
    """The gradients that the node which backward is at was given, of tensors on that device."""
    given = modes.walks[-1].given if modes.walks else ()
    values = [g._v for g in given if g is not None and g._is_dense]
    return [v for v in values if v.aval.device is device and v.aval.plain]


def run_pending() -> None:
    """On a CPU: runs what is recorded, so that what follows is a program of its own.

    XLA:CPU keeps everything that one program computes in memory at once (measured: ``jax.checkpoint``
    of eight blocks needs 160 MB where none needs 132).
    """
    if modes.capture is None and jax.default_backend() == "cpu":
        flush_all()


def held_back(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The same numbers as leaves, from which XLA computes nothing before the gradients are there."""
    run_pending()
    found: list[Tensor] = list(tensors)
    by_device: dict[Any, list[int]] = {}
    for i, t in enumerate(tensors):
        if t._is_dense and t._v.aval.plain and t._v.aval.device.type != "meta":
            by_device.setdefault(t._v.aval.device, []).append(i)
    for device, places in by_device.items():
        values = [tensors[i]._v for i in places]
        values += arriving_gradients(device)
        made = execute(_barrier_call([v.aval for v in values]), values)
        for i, v in zip(places, made, strict=False):
            found[i] = wrap(v)
    return found


# --- inside of a function that is being captured -------------------------------------------------


class Region:
    """Calls that a capture recorded, which its backward records again.

    What they drew at random came from outside of the program, so the second run has the same.
    """

    def __init__(self) -> None:
        self.segments = dict(modes.capture.segments)
        self.starts = {on: (len(s.nodes), s.count) for on, s in self.segments.items()}
        self.ends: dict[Any, tuple[int, int]] = {}
        self.again: weakref.WeakKeyDictionary[Any, dict[Any, dict[int, Value]]] = (
            weakref.WeakKeyDictionary()
        )

    def close(self) -> None:
        if modes.capture is not None:
            self.segments = dict(modes.capture.segments)
        self.ends = {on: (len(s.nodes), s.count) for on, s in self.segments.items()}

    def hold(self, value: Value) -> Any:
        """The value if it comes from outside of the region, else what computes it again."""
        segment = value.segment
        start = self.starts.get(value.aval.device, (0, 0))[1]
        if segment is None or value.array is not None or value.index < start:
            return value
        return Held(self, value)

    def value_again(self, value: Value) -> Value:
        """The value computed a second time in this backward; itself if the capture was given up."""
        on = value.aval.device
        segment = self.segments.get(on)
        capture = modes.capture
        if capture is None or segment is None or segment.done or value.segment is not segment:
            return value
        if not modes.walks or on not in self.ends:
            return value
        made = self.again.setdefault(modes.walks[-1], {})
        if on not in made:
            start, first = self.starts.get(on, (0, 0))
            made[on] = _repeated(segment, start, self.ends[on][0], first)
        return made[on].get(value.index, value)


class Held(Packed):
    """A saved value of a region."""

    __slots__ = ("region", "value")

    def __init__(self, region: Region, value: Value) -> None:
        self.region = region
        self.value = value
        self.aval = value.aval

    def unpacked(self) -> Value:
        return self.region.value_again(self.value)


def _repeated(segment: Segment, start: int, end: int, first: int) -> dict[int, Value]:
    """Records the nodes from ``start`` to ``end`` again: {index of a result: the new result}.

    ``first`` is the index of the first of their results.
    """
    nodes = segment.nodes[start:end]
    outside = sorted({c for _, *codes in nodes for c in codes if c < first})
    outside = [c for c in outside if c >= 0 or type(segment.inputs[~c]) is Value]
    avals = _avals_of(segment, outside)
    gradients = arriving_gradients(segment.device)
    avals += [v.aval for v in gradients]
    places: dict[int, Any] = {}
    if avals:
        made = segment.append_coded(_barrier_call(avals), outside, gradients)
        places = {c: v.index for c, v in zip(outside, made, strict=False)}
    found: dict[int, Value] = {}
    index = first
    for call, *codes in nodes:
        new: list[int] = [places.get(c, c) if c < FLOATS else c for c in codes]
        for value in segment.append_coded(call, new, ()):
            places[index], found[index] = value.index, value
            index += 1
    return found


def _avals_of(segment: Segment, codes: Sequence[int]) -> list[Aval]:
    made = [a for call, *_ in segment.nodes for a in call.out_avals]
    return [made[c] if c >= 0 else segment.inputs[~c].aval for c in codes]
