"""The gradient of a call that is mapped, that has tangents, or whose saved values were packed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .dispatch import OpNode
from .errors import GraphBreak
from .forward import Point, push
from .lifting import flat
from .modes import modes
from .tensor import Tensor, wrap
from .transforms import ended_mapping, is_running
from .value import Aval, Value


def gradient_of(node: OpNode, grads: list[Any], create_graph: bool) -> Sequence[Any]:
    """Cotangents of the inputs.

    A level that still runs maps the backward like the forward: the gradient is each sample's own. One
    that has ended is an ordinary dim by now: what all samples shared gets the sum.
    """
    plan = node.plan
    ended = tuple([n for n, _ in plan.call.levels if not is_running(n, node.sequence)])
    given = tuple([g is not None for g in grads])
    gradient = plan.call.lowered(ended).gradient(plan.needs, given)
    which = [i for i, used in enumerate(gradient.used) if used]
    points: list[Point] = []
    for i, x in zip(which, node.kept(which), strict=True):
        if isinstance(x, Packed):
            x = x.unpacked()
        tangents = None
        if node.tangents is not None and node.tangents[i] and modes.forward_enabled:
            a = plan.call.in_avals[i]
            live = {at: q for at, q in node.tangents[i].items() if at.alive}
            tangents = {at: _outside(q, a, ended) for at, q in live.items()}
        edge = node.edges[i] if create_graph else None
        points.append(Point(x, flat(plan.call.in_avals[i], ended), edge, tangents))
    for g in grads:
        if g is not None:
            points.append(Point.of(g, create_graph))
    found = push(gradient.call, points)
    each = iter(found)
    return [next(each) if need else None for need in plan.needs]


def _outside(q: Tensor, a: Aval | type, ended: tuple[int, ...]) -> Tensor:
    """The tangent of an operand whose levels have ended, with those as leading dims."""
    from .crossing import leave

    assert type(a) is Aval  # numbers have no tangents
    for number, size in reversed(a.levels):
        if number in ended:
            q = leave(q, 0, ended_mapping(number, size))
    return q


class Packed:
    """A saved value that is in the hands of ``saved_tensors_hooks``."""

    __slots__ = ("aval", "held", "unpack")

    def __init__(self, value: Value) -> None:
        pack, self.unpack = modes.saving[-1]
        t = wrap(value)
        before, modes.saving = modes.saving, ()  # what the hook itself computes is saved as it is
        try:
            self.held = pack(t)
        finally:
            modes.saving = before
        if t._storage.version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as input to "
                "pack hook cannot be modified by in-place operations as this can lead to unexpected "
                "side-effects. Please open an issue if you need to perform in-place operations on the "
                "input to a pack hook."
            )
        self.aval: Aval = value.aval

    def unpacked(self) -> Value:
        """What the hook gives back.

        Raises:
            TypeError, RuntimeError: no tensor, or one of another shape or dtype.
        """
        found = self.unpack(self.held)
        if not isinstance(found, Tensor):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(found).__name__}"
            )
        a = found._v.aval
        if (a.shape, a.dtype, a.levels) != (self.aval.shape, self.aval.dtype, self.aval.levels):
            raise RuntimeError(
                "saved_tensors_hooks: unpack_hook returned a tensor of another shape or dtype"
            )
        return found._v


def pack(node: OpNode, saved: list[Any]) -> None:
    """Passes what a node is about to save through the hooks."""
    holder = modes.saving[-1]
    if type(holder) is not tuple:  # a region that is recorded again, see ``recompute``
        for i in node.plan.kept:
            if type(saved[i]) is Value:
                saved[i] = holder.hold(saved[i])
        node.is_packed = node.is_watched = True
        return
    if modes.capture is not None:
        raise GraphBreak("saved_tensors_hooks run")
    for i in node.plan.kept:
        if type(saved[i]) is Value:
            saved[i] = Packed(saved[i])
    node.is_packed = node.is_watched = True
