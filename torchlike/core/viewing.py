"""Views: tensors that share a storage, as the chain of view ops that leads to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .dispatch import apply_call, call, execute
from .modes import modes
from .opcall import OpCall
from .registry import OpDef
from .signature import DEFAULT, normal_operand, normal_static
from .tape import Edge
from .tensor import VIEWS, Tensor
from .value import Value, from_array


class ViewStep:
    """One step from a storage's value towards a view: output ``index`` of ``call``."""

    __slots__ = ("args", "call", "extras", "index", "key", "multiple", "running")

    def __init__(
        self, op: OpDef, found: OpCall, extras: tuple[Any, ...], args: tuple[Any, ...], index: int,
        multiple: bool,
    ) -> None:  # fmt: skip
        self.key = op.fn.__name__
        self.running = tuple(
            [i for i, (p, a) in enumerate(zip(op.params[1:], args, strict=True))
             if p.kind != "static" and a is not None and a is not p.default]
        )  # fmt: skip
        self.call = found
        self.extras = extras  # run-time numbers after the input
        self.args = args  # every argument after the input, in the order of the declaration
        self.index = index
        self.multiple = multiple

    def apply(self, value: Value) -> Value:
        if value.aval.traced and not self.call.traced:
            out = self.call.fn(value.array, *self.extras)
            return from_array(out if self.call.single else out[self.index], value.aval.device)
        out = execute(self.call, [value, *self.extras])
        return out if self.call.single else out[self.index]


def layout_of(t: Tensor) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """(shape, strides, offset) of the tensor in its storage, in elements."""
    found = t.__dict__.get("_layout")
    if found is None:
        a = t._v.aval
        found = (a.shape, a.strides, 0)
    return found


def call_view(op: OpDef, operands: Sequence[Any], statics: tuple[Any, ...]) -> Any:
    """Calls a view op: the result shares the source's storage."""
    source = operands[0]
    if not isinstance(source, Tensor):
        normal_operand(op, "input", 1, source)
        raise TypeError(f"{op.name}(): argument 'input' (position 1) must be Tensor, not {type(source).__name__}")
    out = call(op, operands, statics)
    statics = tuple([normal_static(s) for s in statics])
    args = _arguments(op, operands, statics)
    layout = op.layout(*layout_of(source), *args)  # type: ignore[misc]
    if layout is None:
        return out
    many = isinstance(out, tuple)
    found = op.calls[_key(operands, statics)]
    extras = tuple([x for x in operands[1:] if x is not None and x is not DEFAULT])
    results = out if many else (out,)
    layouts = layout if many else (layout,)
    for i, (t, lay) in enumerate(zip(results, layouts, strict=True)):
        step = ViewStep(op, found, extras, args, i, many)
        _make_view(t, source, step, lay)
    return out


def _key(operands: Sequence[Any], statics: tuple[Any, ...]) -> tuple[Any, ...]:
    key: list[Any] = [statics]
    for x in operands:
        if isinstance(x, Tensor):
            key.append(x._v.aval)
        else:
            key.append(x if x is None or x is DEFAULT else type(x))
    return tuple(key)


def _arguments(op: OpDef, operands: Sequence[Any], statics: tuple[Any, ...]) -> tuple[Any, ...]:
    rest_o, rest_s = iter(operands), iter(statics)
    found = []
    for p in op.params:
        x = next(rest_s) if p.kind == "static" else next(rest_o)
        found.append(p.default if x is DEFAULT else x)
    return tuple(found[1:])


def _make_view(t: Tensor, source: Tensor, step: ViewStep, layout: Any) -> None:
    value = t._storage.value
    t._storage = source._storage
    t._chain = (*(source._chain or ()), step)
    t._view_value = value
    t._view_epoch = t._storage.epoch
    base = source if source._base is None else source._base
    t._base = base
    t._base_seen = base._edge_version
    t.__dict__["_layout"] = layout
    if source._quiet:
        t._quiet = True
    if t._inference is not source._inference:
        t._inference = source._inference


def _derive(value: Value, chain: Sequence[ViewStep]) -> Value:
    for step in chain:
        value = step.apply(value)
    return value


def _rederive(t: Tensor) -> None:
    """The history of a view whose base was written to: the base's, followed by the view steps."""
    base = t._base
    assert base is not None
    t._base_seen = base._edge_version
    t._rg = base._rg
    t._edge = None
    if not base._rg:
        return
    edge = base._grad_edge_or_none()
    value = base._v
    for step in (t._chain or ())[len(base._chain or ()) :]:
        operands = [value, *step.extras]
        edges: list[Edge | None] = [edge] + [None] * len(step.extras)
        grad_before, modes.grad = modes.grad, True
        try:
            made = apply_call(step.call, operands, edges)[step.index]
        finally:
            modes.grad = grad_before
        value, edge = made._v, made._edge
    t._edge = edge


VIEWS["derive"] = _derive
VIEWS["rederive"] = _rederive
