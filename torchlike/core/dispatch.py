"""How a call becomes numbers: unwrap, look the signature up, record (or run), tape, wrap."""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from .config import config
from .dtypes import TYPE_NAMES
from .modes import modes
from .opcall import NUMBERS, OpCall
from .record import record
from .registry import OpDef
from .return_types import return_type
from .signature import (
    DEFAULT,
    make_call,
    normal_operand,
    normal_static,
    pure_call,
    slots_of,
)
from .tape import Edge, Node, node_type, serial
from .tensor import Storage, Tensor, wrap
from .value import Aval, Value, whole_on_host

_new = object.__new__


def call(op: OpDef, operands: Sequence[Any], statics: tuple[Any, ...]) -> Any:  # noqa: C901 - the hot path, inlined
    """Calls an op. ``operands`` holds one entry per run-time parameter, ``statics`` the others."""
    if op.autocast is not None and modes.autocast is not None:
        from .autocast import call_cast

        return call_cast(op, operands, statics)
    values: list[Any] = []
    key: list[Any] = [statics]
    grads = False
    for x in operands:
        if isinstance(x, Tensor):
            v = x._storage.value if x._chain is None else x._read()
            values.append(v)
            key.append(v.aval)
            if x._rg:
                grads = True
        elif x is None or x is DEFAULT:
            key.append(x)
        elif type(x) in NUMBERS:
            values.append(x)
            key.append(type(x))
        else:
            return _call_irregular(op, operands, statics)
    try:
        found = op.calls.get(tuple(key))
    except TypeError:
        found = None
    if found is None:
        if any(type(a) is Aval and a.dual for a in key):
            return _pushed(op, operands, statics)
        for s in statics:
            if isinstance(s, Tensor) or s.__hash__ is None or isinstance(s, tuple):
                normal = tuple([normal_static(s) for s in statics])
                if (
                    any(a is not b for a, b in zip(normal, statics, strict=True))
                    and normal != key[0]
                ):
                    return call(op, operands, normal)
        key[0] = statics = tuple([normal_static(s) for s in statics])
        found = op.calls.get(tuple(key))
        if found is None:
            try:
                found = op.calls[tuple(key)] = make_call(op, slots_of(operands), statics)
            except Exception:
                _ask_history(operands)
                raise
    if modes.capture is not None:
        modes.capture.saw(operands)
    outs = execute(found, values)
    if grads and modes.grad:
        return _finish(op, found, _taped(found, operands, values, outs))
    if found.single:
        t = _new(Tensor)
        t._storage = Storage(outs)
        if modes.inference:
            t._inference = True
        return t
    return _finish(op, found, [wrap(v) for v in outs])


def _ask_history(operands: Sequence[Any]) -> None:
    """PyTorch asks for it before an op can fail."""
    for x in operands:
        if isinstance(x, Tensor) and x._rg:
            x._grad_edge_or_none()


def _call_irregular(op: OpDef, operands: Sequence[Any], statics: tuple[Any, ...]) -> Any:
    """Lists of tensors, NumPy numbers, and what is no operand at all."""
    tidy: list[Any] = []
    values: list[Any] = []
    key: list[Any] = [statics]
    for position, (p, x) in enumerate(zip(op.array_params, operands, strict=True)):
        many = isinstance(x, (list, tuple))
        members = []
        for k, e in enumerate(x if many else (x,)):
            if many and (type(e) in NUMBERS or e is None and "None" not in p.annotation):
                raise TypeError(
                    f"expected Tensor as element {k} in argument {position}, but got {type(e).__name__}"
                )
            if not (e is None or e is DEFAULT or isinstance(e, Tensor) or type(e) in NUMBERS):
                e = normal_operand(op, p.name, position + 1, e)
            members.append(e)
            if isinstance(e, Tensor):
                values.append(e._v)
                key.append(e._v.aval)
            elif e is None or e is DEFAULT:
                key.append(e)
            else:
                values.append(e)
                key.append(type(e))
        if many:
            key.append(len(members))
        tidy.append(members if many else members[0])
    key[0] = statics = tuple([normal_static(s) for s in statics])
    found = op.calls.get(tuple(key))
    if found is None:
        if any(type(a) is Aval and a.dual for a in key):
            return _pushed(op, tidy, statics)
        found = op.calls[tuple(key)] = make_call(op, slots_of(tidy), statics)
    flat = [e for x in tidy for e in (x if isinstance(x, list) else (x,))]
    if modes.capture is not None:
        modes.capture.saw(flat)
    outs = execute(found, values)
    if modes.grad and any(isinstance(e, Tensor) and e._rg for e in flat):
        return _finish(op, found, _taped(found, flat, values, outs))
    return _finish(op, found, [wrap(v) for v in ((outs,) if found.single else outs)])


def _pushed(op: OpDef, operands: Sequence[Any], statics: tuple[Any, ...]) -> Any:
    """A call with an operand that has a tangent; such a signature is never among ``op.calls``."""
    from .forward import call_pushed

    return call_pushed(op, operands, statics)


def execute(found: OpCall, values: Sequence[Any]) -> Any:
    """Runs or records a call: a Value, or a list of them if the call has several outputs."""
    if found.traced or not (config.recorded or modes.capture is not None):
        return found.run(values)
    if found.moves:
        values = _moved(found, values)
    return record(found, values)


def _moved(found: OpCall, values: Sequence[Any]) -> list[Any]:
    import jax

    tidy = list(values)
    for i in found.moves:
        tidy[i] = Value(tidy[i].aval, jax.device_put(whole_on_host(tidy[i]), found.out_device))
    return tidy


def result_name(op: OpDef) -> str:
    """``linalg_svd`` for ``torch.linalg.svd``, which ``torch.svd``'s results are not."""
    return f"linalg_{op.name}" if op.namespaces == ("linalg",) else op.name


def _finish(op: OpDef, found: OpCall, tensors: Sequence[Tensor]) -> Any:
    if modes.inference:
        for t in tensors:
            t._inference = True
    if found.single:
        return tensors[0]
    if op.returns is not None:
        return return_type(result_name(op), op.returns)(*tensors)
    return tuple(tensors)


# --- tape ------------------------------------------------------------------------------------


class OpNode(Node):
    """A recorded call: its backward dispatches the call's gradient as a call of its own."""

    __slots__ = ("plan", "saved", "versions")
    plan: Plan
    saved: list[Any] | None
    versions: Any  # (storage, version, storage, version, …) of what backward depends on
    tangents: Any = None  # those of the operands, if they had some
    is_packed = False  # what was saved went through the hooks of autograd.graph

    def kept(self, which: Sequence[int]) -> list[Any]:
        """Those of the operands, saved for backward.

        Raises:
            RuntimeError: they are gone, or were overwritten.
        """
        saved = self.saved
        if saved is None:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved tensors "
                "after they have already been freed). Saved intermediate values of the graph are freed "
                "when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to "
                "backward through the graph a second time or if you need to access saved tensors after "
                "calling backward."
            )
        if self.versions and not self.is_packed:
            self._check_versions()
        return [saved[i] for i in which]

    def apply(self, grads: list[Any], create_graph: bool) -> Sequence[Any]:
        given = tuple([g is not None for g in grads])
        gradient = self.plan.call.gradient(self.plan.needs, given)
        which = [i for i, used in enumerate(gradient.used) if used]
        values = self.kept(which)
        edges = [self.edges[i] for i in which]
        plain = self.tangents is None and not self.is_packed and not self.plan.call.levels
        for g in grads:
            if g is not None:
                values.append(g._v)
                edges.append(g._grad_edge_or_none() if create_graph else None)
                plain = plain and values[-1].aval.plain
        if not plain:
            from .lifted import gradient_of

            return gradient_of(self, grads, create_graph)
        found = apply_call(gradient.call, values, edges if create_graph else None)
        each = iter(found)
        return [next(each) if need else None for need in self.plan.needs]

    def _check_versions(self) -> None:
        kept = iter(self.versions)
        for k, (storage, expected) in enumerate(zip(kept, kept, strict=True)):
            if type(storage) is weakref.ref:
                storage = storage()
            if storage is not None and storage.version != expected:
                a, maker = self._spoiled(k, storage)
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an "
                    f"inplace operation: [torch.{TYPE_NAMES[a.dtype.name]}Tensor {list(a.shape)}]{maker}"
                    f" is at version {storage.version}; expected version {expected} instead. Hint: "
                    "enable anomaly detection to find the operation that failed to compute its "
                    "gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
                )

    def _spoiled(self, k: int, storage: Storage) -> tuple[Aval, str]:
        """What was overwritten, and the node that its message names."""
        if self.plan.call.saves == "result":
            return self.out_avals[0], f", which is output 0 of {self.short_label},"
        assert self.saved is not None
        place = self.plan.checked[k]
        a, name, edge = self.saved[place].aval, storage.writer, self.edges[place]
        maker = edge[0] if edge is not None and isinstance(edge[0], OpNode) else None
        if maker is not None and any(maker.plan.call.views.values()):
            name = "AsStrided"  # what PyTorch makes of a view whose base was written to
        elif name is None and maker is not None:
            name = maker.short_label  # written to without a history
        elif name == "CopySlices":
            name = "torch::autograd::CopySlices" if a is storage.value.aval else "AsStrided"
        return a, f", which is output 0 of {name}," if name else ""

    def release(self) -> None:
        if self.saved is not None and self.plan.keeps:
            self.saved = None


class LiftedOpNode(OpNode):
    """A call inside of ``vmap``."""

    __slots__ = ()
    is_watched = True


class Plan:
    """How the tape keeps a call, given which operands need grad: the node's class, and what it saves."""

    __slots__ = ("call", "checked", "keeps", "kept", "kind", "needs", "nothing", "out_diff")

    def __init__(self, call: OpCall, needs: tuple[bool, ...]) -> None:
        self.call = call
        self.needs = needs
        self.kind = node_type(OpNode, call.node_name)
        self.out_diff = call.requiring(needs)
        used = call.gradient(needs, self.out_diff).used
        self.kept = [i for i, u in enumerate(used) if u]
        self.keeps = bool(self.kept)
        self.nothing: list[Any] = [None] * len(used)
        is_tensor = [type(a) is Aval for a in call.in_avals]
        self.checked = [i for i in self.kept if is_tensor[i] and call.saves is None]
        if call.levels:  # whole arrays may need what one sample's gradient does not
            self.kind = node_type(LiftedOpNode, call.node_name)
            self.kept = list(range(len(used)))


def _taped(
    found: OpCall, operands: Sequence[Any], values: Sequence[Any], outs: Any
) -> list[Tensor]:
    """Wraps the outputs and remembers how they were made."""
    if True not in found.out_diff:
        return [wrap(outs)] if found.single else [wrap(v) for v in outs]
    edges: list[Edge | None] = []
    storages: list[Storage | None] = []
    inference = False
    for x in operands:
        if isinstance(x, Tensor):
            if x._inference:
                inference = True
            if x._rg and values[len(edges)].aval.inexact:
                edges.append((x._chain is None and x._edge) or x._grad_edge_or_none())
            else:
                edges.append(None)
            storages.append(x._storage)
        elif x is not None and x is not DEFAULT:
            edges.append(None)
            storages.append(None)
    tensors = _wrap_taped(found, values, edges, storages, outs)
    if inference:
        _check_saved(operands, tensors)
    return tensors


def _check_saved(operands: Sequence[Any], tensors: Sequence[Tensor]) -> None:
    """Backward must not need what was made in inference mode.

    Raises:
        RuntimeError: in PyTorch's words.
    """
    given = [x for x in operands if x is not None and x is not DEFAULT]
    for t in tensors:
        saved = t._edge[0].saved if t._edge else ()  # type: ignore[attr-defined]
        if any(
            x._inference
            for x, s in zip(given, saved, strict=False)
            if s is not None and isinstance(x, Tensor)
        ):
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in "
                "inference mode in computation tracked by autograd. To work around this, you can make a "
                "clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of "
                "`torch.inference_mode()`."
            )


def _wrap_taped(  # noqa: C901 - the hot path, inlined
    found: OpCall, values: Sequence[Any], edges: list[Edge | None],
    storages: Sequence[Storage | None] | None, outs: Any,
) -> list[Tensor]:  # fmt: skip
    tensors = [wrap(outs)] if found.single else [wrap(v) for v in outs]
    if found.constant is not None:
        edges = [None if c else e for e, c in zip(edges, found.constant, strict=True)]
    needs = tuple([e is not None for e in edges])
    plan = found.plans.get(needs)
    if plan is None:
        if True not in needs or True not in found.out_diff:
            return tensors
        plan = found.plans[needs] = Plan(found, needs)
    node = _new(plan.kind)
    node.plan = plan
    node.edges = edges
    node.out_avals = found.out_avals
    node.sequence = next(serial)
    saved = plan.nothing
    if plan.keeps:
        saved = saved.copy()
        for i in plan.kept:
            saved[i] = values[i]
        if modes.saving:
            _pack(node, saved)
    node.saved = saved
    versions: list[Any] = []
    if found.saves == "result":
        versions = [weakref.ref(tensors[0]._storage), 0]
    elif storages is not None and not node.is_packed:  # what is packed is not kept alive either
        for i in plan.checked:
            s = storages[i]
            versions.append(s)
            versions.append(s.version)  # type: ignore[union-attr]
    node.versions = versions
    if modes.anomaly:
        node.anomaly = traceback.extract_stack()[:-3]
        node.is_watched = True
    for i, t in enumerate(tensors):
        if plan.out_diff[i]:
            t._rg = True
            t._edge = (node, i)
    return tensors


def _pack(node: OpNode, saved: list[Any]) -> None:
    from .lifted import pack

    pack(node, saved)


def apply_call(
    found: OpCall, values: Sequence[Any], edges: list[Edge | None] | None
) -> list[Tensor]:
    """Runs a call on bare values; taped if ``edges`` are given and grad mode is on."""
    outs = execute(found, values)
    if edges is not None and modes.grad:
        return _wrap_taped(found, values, edges, None, outs)
    return [wrap(v) for v in ((outs,) if found.single else outs)]


# --- pure functions that are no ops ------------------------------------------------------------

_PURE: dict[Any, OpCall] = {}


def run(
    fn: Callable[..., Any], tensors: Sequence[Any], statics: tuple[Any, ...] = (), name: str = ""
) -> tuple[Tensor, ...]:
    """``fn(list of arrays, *statics) -> tuple of arrays``, recorded like an op and never taped.

    ``fn`` must be a module-level function and ``statics`` hashable; Python floats among ``tensors``
    are run-time operands.
    """
    return tuple([wrap(v) for v in run_values(fn, tensors, statics, name)])


def run_values(
    fn: Callable[..., Any], tensors: Sequence[Any], statics: tuple[Any, ...], name: str
) -> list[Value]:
    """``run`` without the Tensors around its results."""
    values = [t._v if isinstance(t, Tensor) else t for t in tensors]
    key = (fn, statics, *[v.aval if type(v) is Value else type(v) for v in values])
    found = _PURE.get(key)
    if found is None:
        found = _PURE[key] = pure_call(fn, key[2:], statics, name)
    if modes.capture is not None:
        modes.capture.saw(tensors)
    return execute(found, values)


def invoke(key: str, *args: Any, **kwargs: Any) -> Any:
    """Calls an op by its key in OPS, with ordinary arguments."""
    return BOUND[key](*args, **kwargs)


BOUND: dict[str, Callable[..., Any]] = {}  # filled by bind.py
