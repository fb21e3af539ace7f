"""The one writer: in-place ops, ``out=``, item assignment and ``.data`` all end here."""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from .dispatch import OpNode, apply_call, invoke
from .dtypes import TYPE_NAMES
from .errors import shape_text
from .modes import modes
from .opcall import OpCall
from .promote import can_cast
from .tape import Edge
from .tensor import Tensor
from .value import Aval, Value
from .viewing import ViewStep, layout_of


def check_writable(t: Tensor) -> None:
    """Whether autograd allows a write.

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
    if modes.grad:
        _check_history(t)
    if t._chain is not None:
        _check_overlap(t)


def _check_history(t: Tensor) -> None:
    base = t._base
    if base is not None:
        if base._rg and base._edge is None:
            raise RuntimeError(
                "a view of a leaf Variable that requires grad is being used in an in-place operation."
            )
        if base._rg and any(
            s.multiple and s.call.node_name != "SliceBackward0" for s in t._chain or ()
        ):
            node, index = t._edge or (None, 0)
            name = "Unbind" if node is None else node.label.partition("Backward")[0]
            raise RuntimeError(
                f"Output {index} of {name} is a view and is being modified inplace. This "
                "view is the output of a function that returns multiple views. Such functions do not "
                "allow the output views to be modified inplace. You should replace the inplace "
                "operation by an out-of-place one."
            )
    elif t._rg and t._edge is None:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation."
        )


def _check_overlap(t: Tensor) -> None:
    shape, strides, _ = layout_of(t)
    if any(s == 0 and n > 1 for n, s in zip(shape, strides, strict=True)):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single "
            "memory location. Please clone() the tensor before performing the operation."
        )


def inplace(bound: Callable[..., Any], self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """``self.op_(…)``: the functional op, then a write."""
    check_writable(self)
    for x in args:
        if isinstance(x, Tensor):
            check_overlap(self, x)
    new = bound(self, *args, **kwargs)
    mine, theirs = self._v.aval, new._v.aval
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


def check_overlap(t: Tensor, other: Tensor) -> None:
    """PyTorch refuses operands that share some but not all elements with what is written.

    Raises:
        RuntimeError: in PyTorch's words.
    """
    if other._storage is not t._storage or other is t:
        return
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
        overlaps = strides != their_strides
    else:
        overlaps = offset < their_end and their_offset < end
    if overlaps:
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to "
            "a single memory location. Please clone() the tensor before performing the operation."
        )


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
    base = t._base
    old = None if base is None else base._v
    _store(t, new._v)
    _bump(t)
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
        name = new._edge[0].label if new._edge else ""
        t._storage.writer = (
            f"torch::autograd::{name}" if name == "CopyBackwards" else name.partition("Backward")[0]
        )
        t._edge = new._grad_edge_or_none() if new._rg else None
        t._rg = new._rg
        t._edge_version += 1
        _move_version(t, new if made is None else made)


def rebind(t: Tensor, new: Tensor) -> None:
    """``t``'s contents become ``new``'s (same shape and dtype), outside autograd."""
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
    base._edge, base._rg = made._edge, made._rg
    base._edge_version += 1
    t._read()


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
    key = (base, new, *[(s.call, s.index) for s in steps], *[type(x) for x in _extras(steps)])
    found = _PUTS.get(key)
    if found is None:
        plan = [(s.key, s.call.fn, s.call.single, s.args, s.running, s.index) for s in steps]

        from ..ops.view_put import OVERLAPPING, put_by_places

        lenses = all(step[0] not in OVERLAPPING for step in plan[:-1])

        def fn(x: Any, y: Any, *extras: Any) -> Any:
            if not lenses:  # an element seen twice would be put back old
                return put_by_places(x, y.astype(x.dtype), lambda a: _seen(a, plan, list(extras)))
            return _put(x, y, plan, list(extras))

        avals = [base, new, *[type(x) for x in _extras(steps)]]
        found = _PUTS[key] = OpCall("copy_slices", fn, avals, node_name="CopySlices")
    return found


def _put(x: Any, y: Any, plan: Sequence[Any], extras: list[Any]) -> Any:
    """Replaces inside the view, then puts the changed view back: the steps as nested lenses."""
    if not plan:
        return y.astype(x.dtype)
    from ..ops.view_put import put_view

    (key, view, single, args, running, index), *rest = plan
    mine, extras = extras[: len(running)], extras[len(running) :]
    out = view(x, *mine)
    inner = _put(out if single else out[index], y, rest, extras)
    places = dict(zip(running, mine, strict=True))
    args = [places.get(i, a) for i, a in enumerate(args)]
    return put_view(key, x, inner, *args, piece=index)


def _seen(x: Any, plan: Sequence[Any], extras: list[Any]) -> Any:
    """What the view steps show of ``x``."""
    for _, view, single, _, running, index in plan:
        mine, extras = extras[: len(running)], extras[len(running) :]
        out = view(x, *mine)
        x = out if single else out[index]
    return x


def to_out(out: Any, result: Any, name: str) -> Any:
    """Writes a result into ``out=``, resizing it if its shape differs.

    Raises:
        RuntimeError: the dtype cannot take it, or something requires grad.
    """
    if isinstance(result, tuple):
        if len(out) != len(result):
            raise TypeError(f"{name}(): expected out to hold {len(result)} tensors, got {len(out)}")
        for o, r in zip(out, result, strict=True):
            to_out(o, r, name)
        return type(result)(*out) if hasattr(result, "_fields") else tuple(out)
    if modes.grad and (result._rg or out._rg):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but "
            "one of the arguments requires grad."
        )
    mine, theirs = out._v.aval, result._v.aval
    if mine.device is not theirs.device:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, "
            f"{theirs.device} and {mine.device}!"
        )
    if mine.dtype is not theirs.dtype:
        _check_cast(theirs, mine)
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
