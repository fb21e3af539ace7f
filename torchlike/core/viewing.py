"""Views: tensors that share a storage, as the chain of view ops that leads to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .dispatch import OpNode, apply_call, execute
from .errors import missing, repeated_memory
from .lifting import joint, lifted, only
from .modes import modes
from .opcall import OpCall
from .registry import OPS, STATIC, OpDef
from .shapes import contiguous_strides
from .signature import DEFAULT, make_call, normal_operand, normal_static, slots_of
from .tape import Edge, Node, node_type
from .tensor import VIEWS, Tensor
from .value import Aval, Value, from_array

# Their results share memory, and are no views to autograd
_UNTRACKED = frozenset(("unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes"))


class ViewStep:
    """One step from a storage's value towards a view: output ``index`` of ``call``."""

    __slots__ = ("args", "call", "extras", "index", "key", "multiple", "running")
    crossed: tuple[int, ...] = ()  # the levels of vmap that begin or end here

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

    def again(self, t: Tensor) -> Tensor:
        """The same view of another tensor."""
        op = OPS[self.key]
        given = [(p.kind == STATIC, a) for p, a in zip(op.params[1:], self.args, strict=True)]
        operands = (t, *[a for is_static, a in given if not is_static])
        made = _call_view(op, t, operands, tuple([a for is_static, a in given if is_static]))
        return made[self.index] if isinstance(made, tuple) else made

    def lens(self, crossed: tuple[int, ...]) -> tuple[Callable[..., Any], Callable[..., Any], int]:
        """How the view is read and written on the arrays of one sample: ``view(x, *extras)``,
        ``put(x, y, *extras)``, and how many extras that takes.

        Levels in ``crossed`` are leading dims of those arrays.
        """
        one = self.call.lowered(crossed)
        index, key = self.index, self.key

        def view(x: Any, *mine: Any) -> Any:
            out = one.fn(x, *mine)
            return out if one.single else out[index]

        def put(x: Any, y: Any, *mine: Any) -> Any:
            from ..ops.view_put import put_view

            places = dict(zip(self.running, mine, strict=True))
            args = [places.get(i, a) for i, a in enumerate(self.args)]
            return put_view(key, x, y, *args, piece=index)

        inner = [only(a, crossed) for a in (*self.call.in_avals[:1], self.call.out_avals[index],
                                            *self.call.in_avals[1:])]  # fmt: skip
        return view, lifted(put, inner, joint(inner)), len(self.running)

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
        raise TypeError(
            f"{op.name}(): argument 'input' (position 1) must be Tensor, not {type(source).__name__}"
        )
    if op.fn.__name__ == "as_strided":
        if source._chain is not None and source._v.aval.plain:
            return _restrided(op, source, *statics)
        if source._chain is not None:
            return _restrided_sample(op, source, *statics)
    return _call_view(op, source, operands, statics)


def _restrided(op: OpDef, source: Tensor, size: Any, stride: Any, offset: Any) -> Tensor:
    """``as_strided`` of a view, whose offset counts from the start of the storage."""
    start = layout_of(source)[2]
    offset = start if offset is None else offset
    whole = _whole(source)
    is_leaf = source._rg and source._edge is None
    if whole is not None and not is_leaf:
        return call_view(op, (whole,), (size, stride, offset))
    made = _call_view(op, source, (source,), (size, stride, offset - start))
    made.__dict__["_layout"] = (tuple(size), tuple(stride), offset)
    return made


def _restrided_sample(op: OpDef, source: Tensor, size: Any, stride: Any, offset: Any) -> Tensor:
    """``as_strided`` inside of a transform, of one sample or of a dual tensor: of its own elements.

    Raises:
        NotImplementedError: they do not lie in order, or others of the storage are asked for.
    """
    shape, strides, start = layout_of(source)
    first = 0 if offset is None else offset - start
    if first < 0 or tuple(strides) != contiguous_strides(tuple(shape)):
        raise missing(
            "as_strided of a tensor inside a transform, beyond its elements or if they lie out of order",
            "call contiguous() before as_strided()",
        )
    made = _call_view(op, source, (source,), (size, stride, first))
    made.__dict__["_layout"] = (tuple(size), tuple(stride), start + first)
    return made


def _call_view(op: OpDef, source: Tensor, operands: Sequence[Any], statics: tuple[Any, ...]) -> Any:
    value = source._v
    edge = source._grad_edge_or_none() if modes.grad and source._rg and value.aval.inexact else None
    found = _known(op, value, operands, statics)
    if found is None:
        statics = tuple([normal_static(s) for s in statics])
        found = _known(op, value, operands, statics)
        if found is None:
            slots = slots_of(operands)
            slots[0] = value.aval.but(dual=False) if value.aval.dual else value.aval
            found = op.calls[_key(value, operands, statics)] = make_call(op, slots, statics)
    place = (layout_of(source), *operands[1:])
    try:
        plan = found.views[place]
    except KeyError:
        plan = _plan(op, found, place, operands, statics)
    if modes.capture is not None:
        modes.capture.saw((source,))
    extras = operands[1:] if len(operands) > 1 else ()
    values = [value, *[x for x in extras if x is not None and x is not DEFAULT]]
    outs = apply_call(found, values, None if edge is None else [edge] + [None] * (len(values) - 1))
    if plan is not None:
        for t, (step, layout) in zip(outs, plan, strict=True):
            make_view(t, source, step, layout)
            if step.key in _UNTRACKED:
                t._base, t._quiet = None, True
    else:
        _finish_copy(outs)
    if value.aval.dual:
        from .forward import push_view

        push_view(op, source, operands, statics, outs)
    return outs[0] if found.single else tuple(outs)


def _whole(view: Tensor) -> Tensor | None:
    """What ``as_strided`` of a view starts from: all of its storage, if that has the view's dtype."""
    base = view._base
    if base is None or base._chain is not None:
        base = object.__new__(Tensor)
        base._storage = view._storage
    return base if base._v.aval.dtype is view._v.aval.dtype else None


def _finish_copy(outs: Sequence[Tensor]) -> None:
    """A reshape that had to copy: no view, and PyTorch's node is called otherwise."""
    for t in outs:
        t._inference = modes.inference
        if t._edge is not None:
            t._edge[0].__class__ = node_type(OpNode, "UnsafeViewBackward0")


def _known(
    op: OpDef, value: Value, operands: Sequence[Any], statics: tuple[Any, ...]
) -> OpCall | None:
    try:
        return op.calls.get(_key(value, operands, statics))
    except TypeError:  # a list among the statics
        return None


def _key(value: Value, operands: Sequence[Any], statics: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(operands) == 1:
        return statics, value.aval
    return statics, value.aval, *[x if x is None or x is DEFAULT else type(x) for x in operands[1:]]


def _plan(
    op: OpDef,
    found: OpCall,
    place: tuple[Any, ...],
    operands: Sequence[Any],
    statics: tuple[Any, ...],
) -> list[tuple[ViewStep, Any]] | None:
    """The steps and layouts of the results for a source of this layout; None if they are copies."""
    args = _arguments(op, operands, statics)
    layout = op.layout(*place[0], *args)  # type: ignore[misc]
    made = None
    if layout is not None:
        extras = tuple([x for x in operands[1:] if x is not None and x is not DEFAULT])
        layouts = [layout] if found.single else layout
        made = [
            (ViewStep(op, found, extras, args, i, not found.single), lay)
            for i, lay in enumerate(layouts)
        ]
    if len(operands) == 1:  # a run-time start may take any number of values
        found.views[place] = made
    return made


def _arguments(op: OpDef, operands: Sequence[Any], statics: tuple[Any, ...]) -> tuple[Any, ...]:
    rest_o, rest_s = iter(operands), iter(statics)
    found = []
    for p in op.params:
        x = next(rest_s) if p.kind == "static" else next(rest_o)
        found.append(p.default if x is DEFAULT else x)
    return tuple(found[1:])


def make_view(t: Tensor, source: Tensor, step: ViewStep, layout: Any) -> None:
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


class Repeated(Node):
    """The history of a tensor that was filled through a view with several elements in one place."""

    __slots__ = ()

    def apply(self, grads: list[Any], create_graph: bool) -> Sequence[Any]:
        raise repeated_memory()


class Stale(Node):
    """The history of a view, one of several that an op returned, whose base was written to since."""

    __slots__ = ("index",)

    def __init__(self, step: ViewStep, a: Aval) -> None:
        super().__init__(step.call.node_name, (), (a,))
        self.index = step.index

    def apply(self, grads: list[Any], create_graph: bool) -> Sequence[Any]:
        raise RuntimeError(
            f"Output {self.index} of {self.label.partition('Backward')[0]} is a view and its base or another view "
            "of its base has been modified inplace. This view is the output of a function that returns multiple "
            "views. Such functions do not allow the output views to be modified inplace. You should replace the "
            "inplace operation by an out-of-place one."
        )


def _rederive(t: Tensor) -> None:
    """The history of a view whose base was written to: the base's, followed by the view steps."""
    base = t._base
    assert base is not None
    t._base_seen = base._edge_version
    t._rg = base._rg
    t._is_unseen = t._edge is None or t._is_unseen
    t._edge = None
    if not base._rg:
        return
    steps = (t._chain or ())[len(base._chain or ()) :]
    if any(s.multiple and s.call.node_name != "SliceBackward0" for s in steps):
        t._edge = (Stale(steps[-1], t._view_value.aval), 0)  # type: ignore[union-attr]
        return
    edge = base._grad_edge_or_none()
    value = base._v
    for step in steps:
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
