"""Forward mode: tensors that carry tangents, and how a call pushes them.

A tensor with a tangent has a signature of its own (``Aval.dual``), so calls on plain tensors need not
ask; a call on a dual one does not find itself among the known calls, and ends here. The tangent of the
result is ``jax.jvp`` of the call's function, dispatched like an op: it is recorded, taped and mapped
like any other. Levels nest: the tangent at an inner level may itself have a tangent at an outer one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from .dispatch import _finish, _taped, apply_call, execute, invoke
from .modes import modes
from .opcall import OpCall
from .registry import OPS, OpDef
from .signature import DEFAULT, make_call, normal_static, slots_of
from .tape import Edge
from .tensor import Tensor, alias, wrap
from .value import Aval
from .viewing import call_view


class Level:
    """One dual level; alive until it is left."""

    _orders = itertools.count(1)

    def __init__(self) -> None:
        self.order = next(Level._orders)
        self.alive = True

    def __lt__(self, other: Level) -> bool:
        return self.order < other.order


def enter() -> Level:
    """Opens a level inside of those that are open."""
    level = Level()
    modes.forward = (*modes.forward, level)
    return level


def leave(level: Level) -> None:
    """Closes the innermost level; its tangents are gone."""
    level.alive = False
    modes.forward = tuple([other for other in modes.forward if other is not level])


def tangents_of(t: Tensor) -> dict[Level, Tensor] | None:
    """The tangents at levels that are open."""
    found = t._tangents
    if found is None or not modes.forward_enabled:
        return None
    live = {level: q for level, q in found.items() if level.alive}
    if len(live) < len(found):
        t._tangents = live or None
    return live or None


def below(t: Tensor, level: Level) -> Tensor:
    """The tensor with the tangents of outer levels only."""
    found = tangents_of(t)
    if not found or all(other < level for other in found):
        return t
    made = alias(t, Tensor)
    made._rg, made._edge = t._rg, t._grad_edge_or_none() if t._rg else None
    made._tangents = {other: q for other, q in found.items() if other < level} or None
    return made


def primal(a: Any) -> Any:
    """The signature without the mark of having a tangent."""
    return a.but(dual=False) if type(a) is Aval and a.dual else a


def mark(t: Tensor) -> None:
    """Makes the tensor's value say whether it has tangents. The value must be nobody else's."""
    value = t._v
    dual = t._tangents is not None
    if value.aval.dual is not dual:
        value.aval = value.aval.but(dual=dual)


class Point(NamedTuple):
    """An operand: its value, the signature under which it is used, its history and its tangents."""

    value: Any
    aval: Any
    edge: Edge | None
    tangents: dict[Level, Tensor] | None

    @staticmethod
    def of(x: Any, taped: bool = True) -> Point:
        if not isinstance(x, Tensor):
            return Point(x, type(x), None, None)
        value = x._v
        edge = x._grad_edge_or_none() if taped and x._rg and value.aval.inexact else None
        return Point(value, primal(value.aval), edge, tangents_of(x))


# --- calls -------------------------------------------------------------------------------------


def call_pushed(op: OpDef, operands: Sequence[Any], statics: tuple[Any, ...]) -> Any:
    """An op on operands of which some are dual."""
    statics = tuple([normal_static(s) for s in statics])
    key: list[Any] = [statics]
    given: list[Any] = []
    for x in operands:
        many = isinstance(x, (list, tuple))
        for e in x if many else (x,):
            if e is None or e is DEFAULT:
                key.append(e)
            else:
                given.append(e)
                key.append(primal(e._v.aval) if isinstance(e, Tensor) else type(e))
        if many:
            key.append(len(x))
    found = op.calls.get(tuple(key))
    if found is None:
        slots = [_primal_slot(s) for s in slots_of(operands)]
        found = op.calls[tuple(key)] = make_call(op, slots, statics)
    if modes.capture is not None:
        modes.capture.saw(given)
    values = [e._v if isinstance(e, Tensor) else e for e in given]
    outs = execute(found, values)
    if modes.grad and any(isinstance(e, Tensor) and e._rg for e in given):
        tensors = _taped(found, given, values, outs)
    else:
        tensors = [wrap(v) for v in ((outs,) if found.single else outs)]
    push_tangents(found, [Point.of(e, modes.grad) for e in given], tensors)
    return _finish(op, found, tensors)


def _primal_slot(slot: Any) -> Any:
    return [primal(s) for s in slot] if isinstance(slot, list) else primal(slot)


def push(one: OpCall, points: Sequence[Point], below: int | None = None) -> list[Tensor]:
    """Calls ``one``, a call of one sample, on points, with their tangents at levels before ``below``."""
    found = one.at(tuple([p.aval for p in points]))
    edges = [p.edge for p in points]
    taped = modes.grad and any(e is not None for e in edges)
    if modes.capture is not None:
        modes.capture.saw([wrap(p.value) for p in points if type(p.aval) is Aval])
    tensors = apply_call(found, [p.value for p in points], edges if taped else None)
    push_tangents(found, points, tensors, below)
    return tensors


def push_tangents(
    found: OpCall, points: Sequence[Point], tensors: Sequence[Tensor], below: int | None = None
) -> None:
    """Gives the results of a call their tangents."""
    levels = {
        level for p in points for level in p.tangents or () if below is None or level.order < below
    }
    if not levels or True not in found.out_diff:
        return
    outs = [t for t, diff in zip(tensors, found.out_diff, strict=True) if diff]
    node = next((t._edge[0] for t in outs if t._edge is not None), None)
    if node is not None:
        node.tangents = [p.tangents for p in points]  # type: ignore[attr-defined]
        node.is_watched = True
    fixed = found.constant or (False,) * len(points)
    for level in sorted(levels):
        moving = tuple([
            not is_fixed and p.tangents is not None and level in p.tangents
            for p, is_fixed in zip(points, fixed, strict=True)
        ])  # fmt: skip
        if True not in moving:
            continue
        directions = [Point.of(p.tangents[level], modes.grad)  # type: ignore[index]
                      for p, moves in zip(points, moving, strict=True) if moves]  # fmt: skip
        made = push(tangent_call(found, moving), [*points, *directions], level.order)
        for t, q in zip(outs, made, strict=True):
            t._tangents = {**(t._tangents or {}), level: q}
    for t in outs:
        mark(t)


def tangent_call(found: OpCall, moving: tuple[bool, ...]) -> OpCall:
    """(operands, tangents of those that move) -> tangents of the differentiable results; one sample's."""
    one = found.lowered(())
    key = ("tangent", moving)
    made = one.lifts.get(key)
    if made is not None:
        return made
    count = len(moving)
    which = [i for i, moves in enumerate(moving) if moves]
    diff = one.out_diff

    def fn(*operands: Any) -> tuple[Any, ...]:
        inputs = list(operands[:count])

        def of_moving(*xs: Any) -> tuple[Any, ...]:
            args = list(inputs)
            for i, x in zip(which, xs, strict=True):
                args[i] = x
            out = one.fn(*args)
            outs = (out,) if one.single else tuple(out)
            return tuple(o for o, d in zip(outs, diff, strict=True) if d)

        return jax.jvp(of_moving, tuple([inputs[i] for i in which]), operands[count:])[1]

    avals = [*one.in_avals, *[one.in_avals[i] for i in which]]
    name = one.node_name.removesuffix("0")
    made = OpCall(
        f"{one.name}_jvp", fn, avals, options=one.options, node_name=name and f"{name}Jvp0"
    )
    return one.lifts.setdefault(key, made)


# --- views and writes ----------------------------------------------------------------------------


def push_view(
    op: OpDef, source: Tensor, operands: Sequence[Any], statics: tuple[Any, ...], outs: Sequence[Tensor]
) -> None:  # fmt: skip
    """Gives views of a dual tensor the same views of its tangents."""
    for level, q in (tangents_of(source) or {}).items():
        made = call_view(op, (q, *operands[1:]), statics)
        for t, of_q in zip(outs, made if isinstance(made, tuple) else (made,), strict=True):
            t._tangents = {**(t._tangents or {}), level: of_q}
    for t in outs:
        if t._tangents is not None:
            mark(t)


def write_tangents(t: Tensor, new: Tensor) -> None:
    """What a write of ``new`` does to the tangents of ``t``: views of it see the change."""
    from .write import write

    mine, theirs = tangents_of(t) or {}, tangents_of(new) or {}
    found = dict(mine)
    for level in {*mine, *theirs}:
        q = theirs.get(level)
        if q is None:
            q = invoke("zeros_like", mine[level])
        have = mine.get(level)
        if have is None and t._base is not None:
            have = _tangent_of_view(t, level)
        if have is None:
            found[level] = q
        else:
            write(have, q)
            found[level] = have
    t._tangents = found or None
    for each in (t, t._base):
        if each is not None:
            mark(each)


def _tangent_of_view(t: Tensor, level: Level) -> Tensor:
    """The tangent that a view gets with its base's, which is zero so far."""
    base = t._base
    assert base is not None
    whole = (base._tangents or {}).get(level)
    if whole is None:
        whole = invoke("zeros_like", wrap(base._v))
        base._tangents = {**(base._tangents or {}), level: whole}
    for step in (t._chain or ())[len(base._chain or ()) :]:
        whole = step.again(whole)
    return whole


# --- making and taking apart ---------------------------------------------------------------------


def checked_dual(primal: Tensor, tangent: Tensor, level: Level) -> Tensor:
    """A dual tensor.

    Raises:
        ValueError: an integer tensor.
        RuntimeError: a tangent of another shape, or a tensor that has one already.
    """
    for name, t in (("primal", primal), ("tangent", tangent)):
        if not t._v.aval.inexact:
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {t.dtype}")
    if level in (tangents_of(primal) or ()):
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level "
            "0 is not supported."
        )
    size, given = list(primal._v.aval.shape), list(tangent._v.aval.shape)
    if size != given:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, "
            f"this is not supported. Tensor is of size {size} while the given forward gradient is of size "
            f"{given}."
        )
    return make_dual(primal, tangent, level)


def make_dual(t: Tensor, tangent: Tensor, level: Level) -> Tensor:
    """A view of ``t`` that has this tangent."""
    made = call_view(OPS["alias"], (t,), ())
    made._tangents = {**(made._tangents or {}), level: tangent}
    mark(made)
    return made


def unpack_dual(t: Tensor, level: Level) -> tuple[Tensor, Tensor | None]:
    """The tensor without its tangent at this level, and the tangent."""
    tangent = (tangents_of(t) or {}).get(level)
    if tangent is None:
        return t, None
    made = call_view(OPS["alias"], (t,), ())
    rest = {other: q for other, q in (made._tangents or {}).items() if other is not level}
    made._tangents = rest or None
    mark(made)
    return made, tangent


def strip(t: Tensor, level: Level) -> tuple[Tensor, Tensor | None]:
    """The tensor itself, as it is once the level is left, and the tangent that it had."""
    found = tangents_of(t) or {}
    tangent = found.pop(level, None)
    if tangent is not None:
        t._tangents = found or None
        mark(t)
    return t, tangent
