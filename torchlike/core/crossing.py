"""In and out of ``vmap``: a dim of a tensor becomes a level of its signature, and back.

Both are views: a write inside is seen outside, as PyTorch has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jax import numpy as jnp

from .dispatch import apply_call, invoke
from .errors import missing
from .forward import mark, primal, tangents_of
from .lifting import flat, joint, lifted, only
from .modes import modes
from .opcall import GradCall, OpCall
from .shapes import normal_dim
from .tensor import Tensor, wrap
from .transforms import Mapping
from .value import Aval, Value, concrete
from .viewing import ViewStep, layout_of, make_view


class Crossing(OpCall):
    """A call at which levels begin or end: its function sees those as leading dims."""

    __slots__ = ("crossed", "inverse")

    def __init__(
        self, name: str, fn: Callable[..., Any], in_avals: Sequence[Any], crossed: tuple[int, ...],
        out_avals: Sequence[Aval], *, inverse: Callable[..., Any] | None = None, node_name: str = "",
    ) -> None:  # fmt: skip
        super().__init__(name, fn, [flat(a, crossed) for a in in_avals], node_name=node_name)
        self.crossed = crossed
        self.inverse = inverse
        self.in_avals = tuple(in_avals)
        self.out_avals = tuple(out_avals)
        self.levels = joint([*in_avals, *out_avals])

    def gradient(self, needs: tuple[bool, ...], given: tuple[bool, ...]) -> GradCall:
        return self.lowered(tuple([n for n, _ in self.levels])).gradient(needs, given)

    def lowered(self, numbers: tuple[int, ...]) -> OpCall:
        """See ``OpCall``.

        Raises:
            NotImplementedError: the level still runs, so that no sample knows its place in the whole.
        """
        if not set(self.crossed) <= set(numbers):
            raise missing(
                "a gradient inside vmap with respect to a tensor from outside that vmap maps",
                "differentiate with respect to the mapped function's argument",
            )
        key = ("whole",)
        whole = self.lifts.get(key)
        if whole is None:
            avals = [flat(a, self.crossed) for a in self.in_avals]
            whole = self.lifts[key] = OpCall(self.name, self.base, avals, node_name=self.node_name)
        return whole.lowered(tuple([n for n in numbers if n not in self.crossed]))


class CrossStep(ViewStep):
    """Entering or leaving a level as a step of a view chain."""

    __slots__ = ("cross", "stride")

    def __init__(self, call: Crossing, cross: Callable[[Tensor], Tensor], stride: int = 0) -> None:
        self.key = call.name
        self.running = ()
        self.call = call
        self.extras = ()
        self.args = ()
        self.index = 0
        self.multiple = False
        self.cross = cross
        self.stride = stride

    @property
    def crossed(self) -> tuple[int, ...]:
        return self.call.crossed  # type: ignore[attr-defined]

    def again(self, t: Tensor) -> Tensor:
        return self.cross(t)

    def lens(self, crossed: tuple[int, ...]) -> tuple[Callable[..., Any], Callable[..., Any], int]:
        call = self.call
        assert isinstance(call, Crossing)
        assert call.inverse is not None
        inverse = call.inverse
        outer = [only(call.in_avals[0], tuple([n for n in crossed if n not in call.crossed]))] * 2
        put = lifted(lambda x, y: inverse(y), outer, joint(outer))
        return call.lowered(crossed).fn, put, 0


_CALLS: dict[Any, Crossing] = {}


def enter(t: Tensor, dim: int, level: Mapping) -> Tensor:
    """The tensor with its dim ``dim`` mapped: one sample's view of it."""
    a = primal(t._v.aval)
    key = (a, dim, level.number)
    call = _CALLS.get(key)
    if call is None:
        rest = a.shape[:dim] + a.shape[dim + 1 :]
        inside = a.but(shape=rest, levels=(*a.levels, (level.number, level.size)))
        call = _CALLS[key] = Crossing(
            "vmap_enter", lambda x: jnp.moveaxis(x, dim, 0), [a], (level.number,), [inside],
            inverse=lambda y: jnp.moveaxis(y, 0, dim), node_name="MovedimBackward0",
        )  # fmt: skip
    shape, strides, offset = layout_of(t)
    step = CrossStep(call, lambda other: enter(other, dim, level), strides[dim])
    layout = (
        tuple(shape[:dim]) + tuple(shape[dim + 1 :]),
        tuple(strides[:dim]) + tuple(strides[dim + 1 :]),
        offset,
    )
    return _crossed(t, step, layout)


def leave(t: Tensor, dim: int, level: Mapping) -> Tensor:
    """The tensor with its level as dim ``dim``; what is the same for all samples is expanded.

    Raises:
        IndexError: the result has no such dim.
    """
    a = primal(t._v.aval)
    dim = normal_dim(dim, a.ndim + 1)
    if all(number != level.number for number, _ in a.levels):
        found = invoke("unsqueeze", t, dim)
        return invoke("expand", found, (*a.shape[:dim], level.size, *a.shape[dim:]))
    key = (a, dim, level.number, "leave")
    call = _CALLS.get(key)
    if call is None:
        outside = a.but(shape=(*a.shape[:dim], level.size, *a.shape[dim:]), levels=a.levels[:-1])
        call = _CALLS[key] = Crossing(
            "vmap_leave", lambda x: jnp.moveaxis(x, 0, dim), [a], (level.number,), [outside],
            inverse=lambda y: jnp.moveaxis(y, dim, 0), node_name="MovedimBackward0",
        )  # fmt: skip
    if any(number == level.number for number, _ in t._storage.value.aval.levels):
        # Nobody outside has the storage: the result gets one of its own
        made = _crossed(t, CrossStep(call, lambda other: leave(other, dim, level)), None)
        if dim == 0 and made._edge is not None and t._edge is not None:
            # Backward comes when the level has ended: the node's gradients have that dim in front
            made._edge = t._edge
        return made
    step = CrossStep(call, lambda other: leave(other, dim, level), _stride_of(t, level.number))
    shape, strides, offset = layout_of(t)
    layout = (
        (*shape[:dim], level.size, *shape[dim:]), (*strides[:dim], step.stride, *strides[dim:]), offset
    )  # fmt: skip
    return _crossed(t, step, layout)


def _stride_of(t: Tensor, number: int) -> int:
    """How far apart the samples lie in the storage, in elements of ``t``."""
    step = next(s for s in t._chain or () if s.key == "vmap_enter" and s.crossed == (number,))
    return step.stride * step.call.in_avals[0].dtype.itemsize // t._v.aval.dtype.itemsize


def _crossed(t: Tensor, step: CrossStep, layout: Any) -> Tensor:
    """The step taken: a view, or a tensor of its own if there is no layout."""
    if modes.capture is not None:
        modes.capture.saw((t,))
    value = t._v
    edge = t._grad_edge_or_none() if modes.grad and t._rg and value.aval.inexact else None
    made = apply_call(step.call, [value], None if edge is None else [edge])[0]
    if layout is not None:
        make_view(made, t, step, layout)
    tangents = tangents_of(t)
    if tangents:
        made._tangents = {at: step.cross(q) for at, q in tangents.items()}
        mark(made)
    return made


_LIKE: dict[Any, OpCall] = {}


def mapped_like(new: Tensor, t: Tensor) -> Tensor:
    """``new``, which is the same for some samples, as a value of its own for each sample of ``t``."""
    avals = primal(new._v.aval), primal(t._v.aval)
    call = _LIKE.get(avals)
    if call is None:
        call = _LIKE[avals] = OpCall("expand", lambda x, _: x, avals, node_name="ExpandBackward0")
    edge = new._grad_edge_or_none() if modes.grad and new._rg and avals[0].inexact else None
    made = apply_call(call, [new._v, t._v], None if edge is None else [edge, None])[0]
    tangents = tangents_of(new)
    if tangents:
        made._tangents = {at: mapped_like(q, t) for at, q in tangents.items()}
        mark(made)
    return made


def unmapped(t: Tensor) -> Tensor:
    """The tensor without its innermost level, which is its first dim then; no history."""
    value = t._v
    inner = flat(primal(value.aval), (value.aval.levels[-1][0],))
    return wrap(Value(inner, concrete(value)))  # type: ignore[arg-type]


def transformed_text(t: Tensor, plain: Callable[[Tensor], str]) -> str:
    """How PyTorch shows a tensor inside of transforms."""
    return _text(t, t._storage, modes.transforms, plain)


def _text(
    t: Tensor, storage: Any, transforms: Sequence[Any], plain: Callable[[Tensor], str]
) -> str:
    if not transforms:
        return plain(t)
    *outer, innermost = transforms
    if isinstance(innermost, Mapping):
        levels = t._v.aval.levels
        if not levels or levels[-1][0] != innermost.number:
            return _text(t, storage, outer, plain)
        start, t = "BatchedTensor(lvl={}, bdim=0, value=", unmapped(t)
    elif storage.born >= innermost.born or id(storage) in innermost.inputs:
        start = "GradTrackingTensor(lvl={}, value="
    else:
        return _text(t, storage, outer, plain)
    shown = _text(t, storage, outer, plain).replace("\n", "\n    ")
    return f"{start.format(innermost.number)}\n    {shown}\n)"
