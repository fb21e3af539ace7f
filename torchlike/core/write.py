"""The one writer: in-place ops, ``out=``, item assignment and ``.data`` all end here."""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import out_rules
from .dispatch import OpNode, apply_call, invoke
from .dtypes import TYPE_NAMES
from .errors import repeated_memory, shape_text
from .modes import modes
from .opcall import OpCall
from .promote import can_cast
from .registry import OpDef
from .return_types import return_type
from .tape import Edge
from .tensor import Tensor
from .transforms import check_captured
from .value import Aval, Value
from .viewing import Repeated, ViewStep, layout_of

_CONSTANT = ("fill", "zero")  # the same number everywhere


def check_writable(t: Tensor, operation: str = "copy_", *, once: bool = True) -> None:
    """Whether autograd and the transforms that run allow a write; ``once``: to each place only once.

    Raises:
        RuntimeError: a leaf that requires grad, or a view of one; overlapping memory.
    """
    if t._chain is not None:
        t._read()
    if t._inference and not modes.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to "
            "get a normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for "
            "more details."
        )
    if modes.transforms:
        check_captured(t, operation)
    if modes.grad:
        _check_history(t)
    if once and t._chain is not None:
        _check_overlap(t)


def _check_history(t: Tensor) -> None:
    base = t._base
    if base is not None:
        steps = (t._chain or ())[len(base._chain or ()) :]
        if base._rg and base._edge is None:
            crosses_only = all(step.crossed for step in steps)
            raise RuntimeError(
                "a leaf Variable that requires grad is being used in an in-place operation."
                if crosses_only
                else "a view of a leaf Variable that requires grad is being used in an in-place operation."
            )
        if base._rg and any(
            s.multiple and s.call.node_name != "SliceBackward0" for s in steps
        ):
            node, index = t._edge or (None, 0)
            name = "Unbind" if node is None else node.label.partition("Backward")[0]
            raise RuntimeError(
                f"Output {index} of {name} is a view and is being modified inplace. This "
                "view is the output of a function that returns multiple views. Such functions do not "
                "allow the output views to be modified inplace. You should replace the inplace "
                "operation by an out-of-place one."
            )
    if t._rg and (t._edge is None or t._is_unseen):
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation."
        )


def _is_repeated(t: Tensor) -> bool:
    shape, strides, _ = layout_of(t)
    return any(s == 0 and n > 1 for n, s in zip(shape, strides, strict=True))


def _check_overlap(t: Tensor) -> None:
    if _is_repeated(t):
        raise repeated_memory()


def inplace(bound: Callable[..., Any], self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """``self.op_(…)``: the functional op, then a write."""
    is_same = bound.__name__ in _CONSTANT and not any(isinstance(x, Tensor) for x in args)
    check_writable(self, _aten_name(bound) if modes.transforms else "", once=not is_same)
    for x in args:
        if isinstance(x, Tensor):
            check_overlap(self, x)
    mine = self._v.aval  # a sparse tensor refuses here, before anything is computed
    new = bound(self, *args, **kwargs)
    theirs = new._v.aval
    if theirs.levels != mine.levels:
        _check_levels(bound, mine, theirs)
    if theirs.shape != mine.shape:
        raise RuntimeError(
            f"output with shape {shape_text(mine.shape)} doesn't match the broadcast shape {shape_text(theirs.shape)}"
        )
    if theirs.dtype is not mine.dtype:
        _check_cast(theirs, mine)
        made, new = new, invoke("to_dtype", new, mine.dtype)
        write(self, new, made)
    else:
        write(self, new)
    return self


def _check_levels(bound: Callable[..., Any], mine: Aval, theirs: Aval) -> None:
    op = getattr(bound, "__wrapped_op__", None)
    if op is not None and _is_binary(op) and not set(theirs.levels) <= set(mine.levels):
        raise RuntimeError(
            f"output with shape {shape_text(mine.whole_shape)} doesn't match the broadcast shape "
            f"{shape_text(theirs.whole_shape)}"
        )


def _aten_name(bound: Callable[..., Any]) -> str:
    """``add_.Tensor``, as messages have it."""
    op = getattr(bound, "__wrapped_op__", None)
    if op is None:
        return {"_index_put": "index_put_", "_masked_fill": "index_put_"}.get(bound.__name__, "copy_")
    return f"{op.name}_.Tensor" if _is_binary(op) else f"{op.name}_"


def _is_binary(op: OpDef) -> bool:
    return op.promote == "default" and len([p for p in op.params if p.kind == "array"]) == 2


_OVERLAP = (
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
    "memory location. Please clone() the tensor before performing the operation."
)


def check_overlap(t: Tensor, other: Tensor, same: bool = True) -> None:
    """PyTorch refuses operands that share some but not all elements with what is written.

    ``same``: all of them may be shared.

    Raises:
        RuntimeError: in PyTorch's words.
    """
    if other._storage is not t._storage or same and other is t:
        return
    if other is t:
        raise RuntimeError(_OVERLAP)
    (shape, strides, offset), (their_shape, their_strides, their_offset) = (
        layout_of(t),
        layout_of(other),
    )
    if (
        0 in shape
        or 0 in their_shape
        or not (is_dense(shape, strides) and is_dense(their_shape, their_strides))
    ):
        return  # PyTorch finds those too hard to tell
    end, their_end = offset + math.prod(shape), their_offset + math.prod(their_shape)
    if (offset, end) == (their_offset, their_end):
        overlaps = not same or strides != their_strides
    else:
        overlaps = offset < their_end and their_offset < end
    if overlaps:
        raise RuntimeError(_OVERLAP)


def is_dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements fill a stretch of memory, each once, in some order of the dims."""
    step = 1
    for stride, n in sorted((s, n) for n, s in zip(shape, strides, strict=True) if n > 1):
        if stride != step:
            return False
        step *= n
    return True


def _check_cast(theirs: Aval, mine: Aval) -> None:
    if not can_cast(theirs.dtype, mine.dtype):
        raise RuntimeError(
            f"result type {TYPE_NAMES[theirs.dtype.name]} can't be cast to the desired output type "
            f"{TYPE_NAMES[mine.dtype.name]}"
        )


def write(t: Tensor, new: Tensor, made: Tensor | None = None) -> None:
    """``t``'s contents become ``new``'s, which has its shape and dtype; history follows.

    ``made`` is what the op itself returned, if ``new`` is a cast of it.
    """
    if new._v.aval.levels != t._v.aval.levels:
        new = _mapped_like(t, new)
    base = t._base
    old = None if base is None else base._v
    _store(t, new._v)
    _bump(t)
    if t._tangents is not None or new._tangents is not None:
        _write_tangents(t, new)
    if not modes.grad or not (t._rg or new._rg):
        return
    if modes.capture is not None and modes.capture.is_outside(t._storage):
        modes.capture.note_history()
    if base is not None:
        assert old is not None
        _write_history_through(t, base, old, new)
        t._storage.writer = "CopySlices"
        _move_version(t, new if made is None else made)
    else:
        node = new._edge[0] if new._edge else None
        is_copy = node is not None and node.label == "CopyBackwards"
        t._storage.writer = "torch::autograd::CopyBackwards" if is_copy else node and node.short_label
        t._edge = new._grad_edge_or_none() if new._rg else None
        t._rg = new._rg
        t._edge_version += 1
        _move_version(t, new if made is None else made)


def _mapped_like(t: Tensor, new: Tensor) -> Tensor:
    """``new`` for each sample of ``t``.

    Raises:
        RuntimeError: ``new`` differs from sample to sample, and ``t`` is one tensor for all.
    """
    from .crossing import mapped_like

    if not set(new._v.aval.levels) <= set(t._v.aval.levels):
        raise RuntimeError(
            "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor "
            "`other` in extra_args that has more elements than `self`. This happened due to `other` being "
            "vmapped over but `self` not being vmapped over in a vmap. Please try to use out-of-place "
            "operators instead of inplace arithmetic. If said operator is being called inside the PyTorch "
            "framework, please file a bug report instead."
        )
    return mapped_like(new, t)


def _write_tangents(t: Tensor, new: Tensor) -> None:
    from .forward import write_tangents

    write_tangents(t, new)


def rebind(t: Tensor, new: Tensor) -> None:
    """``t``'s contents become ``new``'s (same shape and dtype), outside autograd."""
    if new._v.aval.levels != t._v.aval.levels:
        new = _mapped_like(t, new)
    _store(t, new._v)
    _bump(t)


def rebind_all(tensors: Sequence[Tensor], values: Sequence[Value]) -> None:
    """``rebind`` of many tensors to values, for steps of optimizers."""
    captured = modes.capture is not None
    for t, value in zip(tensors, values, strict=True):
        storage = t._storage
        if captured or t._chain is not None:
            _store(t, value)
        else:
            storage.value = value
            storage.epoch += 1
        if not t._quiet:
            storage.version += 1


def _bump(t: Tensor) -> None:
    if not t._quiet:
        t._storage.version += 1


def _store(t: Tensor, value: Value) -> None:
    storage = t._storage
    if modes.capture is not None:
        modes.capture.wrote(storage)
    if t._chain is None:
        storage.value = value
        storage.epoch += 1
        return
    storage.value = put_through(storage.value, value, t._chain)
    storage.epoch += 1
    t._view_value, t._view_epoch = value, storage.epoch


def _move_version(t: Tensor, made: Tensor) -> None:
    """An op that keeps its result for backward keeps the written one now, and may keep the old input."""
    node = made._edge[0] if made._edge else None
    if not isinstance(node, OpNode):
        return
    storage = t._storage
    if node.plan.call.saves == "result":
        node.versions = (weakref.ref(storage), storage.version)
    elif node.plan.checked[:1] == [0] and node.versions and node.versions[0] is storage:
        node.versions = [
            None,
            *node.versions[1:],
        ]  # backward has self's value from before the write


def _write_history_through(t: Tensor, base: Tensor, old: Value, new: Tensor) -> None:
    """The write on the base as an op, so that gradients flow into base and view (CopySlices)."""
    steps = (t._chain or ())[len(base._chain or ()) :]
    found = put_call(old.aval, new._v.aval, steps)
    edges: list[Edge | None] = [
        base._grad_edge_or_none() if base._rg else None,
        new._grad_edge_or_none() if new._rg else None,
    ]
    edges += [None] * (len(found.in_avals) - 2)
    made = apply_call(found, [old, new._v, *_extras(steps)], edges)[0]
    if made._edge is not None and any(map(_repeats, steps)) and _is_repeated(t):
        made._edge = (Repeated("CopySlices", edges, (made._v.aval,)), 0)
    base._edge, base._rg = made._edge, made._rg
    base._edge_version += 1
    t._read()
    t._is_unseen = False


_PUTS: dict[Any, OpCall] = {}


def _extras(steps: Sequence[ViewStep]) -> list[Any]:
    return [x for step in steps for x in step.extras]


def put_through(base: Value, new: Value, steps: Sequence[ViewStep]) -> Value:
    """``base`` with the region that the view steps show replaced by ``new``."""
    return apply_call(put_call(base.aval, new.aval, steps), [base, new, *_extras(steps)], None)[
        0
    ]._v


def put_call(base: Aval, new: Aval, steps: Sequence[ViewStep]) -> OpCall:
    """The call that ``put_through`` makes, found by its structure."""
    base, new = [a.but(dual=False) if a.dual else a for a in (base, new)]
    key = (base, new, *[(s.call, s.index) for s in steps], *[type(x) for x in _extras(steps)])
    found = _PUTS.get(key)
    if found is not None:
        return found
    crossed = tuple(sorted({n for s in steps for n in s.crossed}))
    lenses = [s.lens(crossed) for s in steps]

    from ..ops.view_put import OVERLAPPING, put_by_places

    nests = not any(s.key in OVERLAPPING for s in steps[:-1]) and not any(map(_repeats, steps))

    def fn(x: Any, y: Any, *extras: Any) -> Any:
        if not nests:  # an element seen twice would be put back old
            return put_by_places(x, y.astype(x.dtype), lambda a: _seen(a, lenses, list(extras)))
        return _put(x, y, lenses, list(extras))

    avals = [base, new, *[type(x) for x in _extras(steps)]]
    if crossed:
        from .crossing import Crossing

        found = Crossing("copy_slices", fn, avals, crossed, [base], node_name="CopySlices")
    else:
        found = OpCall("copy_slices", fn, avals, node_name="CopySlices")
    _PUTS[key] = found
    return found


def _repeats(step: ViewStep) -> bool:
    """Whether it is an ``expand`` to more elements."""
    before, after = step.call.in_avals[0], step.call.out_avals[step.index]
    return step.key in ("expand", "broadcast_to") and after.numel > before.numel  # type: ignore[union-attr]


def _put(x: Any, y: Any, lenses: Sequence[Any], extras: list[Any]) -> Any:
    """Replaces inside the view, then puts the changed view back: the steps as nested lenses."""
    if not lenses:
        return y.astype(x.dtype)
    (view, put, count), *rest = lenses
    mine, extras = extras[:count], extras[count:]
    return put(x, _put(view(x, *mine), y, rest, extras), *mine)


def _seen(x: Any, lenses: Sequence[Any], extras: list[Any]) -> Any:
    """What the view steps show of ``x``."""
    for view, _, count in lenses:
        mine, extras = extras[:count], extras[count:]
        x = view(x, *mine)
    return x


def to_out(
    out: Any, result: Any, name: str, operands: Iterable[Any] = (), key: str | None = None
) -> Any:
    """Writes a result into ``out=``, resizing it if its shape differs. ``key`` is the op's in OPS.

    Raises:
        RuntimeError: the dtype cannot take it, it overlaps an operand, or something requires grad.
    """
    is_several = isinstance(result, tuple)
    out_rules.check_form(name, key or name, out, len(result) if is_several else None)
    if is_several:
        for o, r in zip(out, result, strict=True):
            to_out(o, r, name, operands, key)
        if key in out_rules.COPIES:
            return None
        if not hasattr(result, "_fields"):
            return tuple(out)
        return return_type(f"{type(result).__name__}_out", result._fields)(tuple(out))  # type: ignore[attr-defined]
    if modes.grad and (result._rg or out._rg):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but "
            "one of the arguments requires grad."
        )
    key = key or name
    if out_rules.looks(key):
        if out._chain is not None:
            _check_overlap(out)
        _check_apart(out, operands, key in out_rules.APART)
    mine, theirs = out._v.aval, result._v.aval
    if mine.device is not theirs.device:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, "
            f"{theirs.device} and {mine.device}!"
        )
    if mine.dtype is not theirs.dtype:
        out_rules.check_dtype(name, key, theirs.dtype, mine.dtype, operands)
        result = invoke("to_dtype", result, mine.dtype)
    if mine.shape != theirs.shape:
        if mine.numel:
            warnings.warn(
                "An output with one or more elements was resized since it had shape "
                f"{shape_text(mine.shape)}, which does not match the required output shape "
                f"{shape_text(theirs.shape)}. This behavior is deprecated, and in a future PyTorch "
                "release outputs will not be resized unless they have zero elements. You can explicitly "
                "reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
                UserWarning,
                stacklevel=3,
            )
        replace(out, result._v)
        return out
    rebind(out, result)
    return out


def _check_apart(out: Tensor, operands: Iterable[Any], fully: bool) -> None:
    """Whether ``out`` overlaps none of the operands; ``fully``: is not one of them either.

    Raises:
        RuntimeError: it does.
    """
    for x in operands:
        if isinstance(x, (list, tuple)):
            _check_apart(out, x, fully)
        elif isinstance(x, Tensor) and x._storage is out._storage:
            if fully:
                check_overlap(out, x, same=False)
            elif layout_of(x)[0] == layout_of(out)[0]:
                check_overlap(out, x)


def replace(t: Tensor, value: Value) -> None:
    """Gives ``t`` contents of another shape or dtype; it stops being a view."""
    if modes.capture is not None:
        modes.capture.wrote(t._storage)
    t._chain = None
    t._base = None
    t.__dict__.pop("_layout", None)
    t._storage.value = value
    t._storage.epoch += 1
    _bump(t)


def become_view(t: Tensor, view: Tensor) -> Tensor:
    """``t.transpose_(…)`` and the like: ``t`` itself takes the view's shape."""
    t._chain = view._chain
    t._view_value, t._view_epoch = view._view_value, view._view_epoch
    t.__dict__["_layout"] = layout_of(view)
    if t._rg:
        t._edge = view._edge
    t._base_seen = view._base_seen
    _bump(t)
    return t
