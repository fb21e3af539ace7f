"""A captured call as a program: operands, outputs, writes, and its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ..core.backward import run_backward
from ..core.build import from_host
from ..core.capture import Capture
from ..core.dispatch import execute
from ..core.modes import modes
from ..core.opcall import OpCall
from ..core.record import FLOATS, INTS, Segment
from ..core.tape import Edge, Node, node_type
from ..core.tensor import Storage, Tensor, wrap
from ..core.value import Value, from_array


class NotReplayable(Exception):
    """The captured call did something a program can't do again; it stays eager."""


def is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves of an argument or result structure; tensors are leaves."""
    return jax.tree_util.tree_flatten(tree, is_leaf=is_tensor)


class Program:
    """What ``torch.compile`` keeps for one set of guards."""

    def __init__(self, capture: Capture, args: Sequence[Tensor], result: Any) -> None:
        if len(capture.segments) > 1:
            raise NotReplayable("it uses several devices")
        self.segment = next(iter(capture.segments.values()), None)
        self._capture = capture
        self._args = {id(t._v): i for i, t in enumerate(args)}
        self._arg_ids = {id(t): i for i, t in enumerate(args)}
        self._arg_storages = {id(t._storage): i for i, t in enumerate(args)}
        self.sources: list[tuple[str, Any]] = []  # where each operand comes from at a replay
        self.draws = [draw for draw, _ in capture.draws]
        self.n_forward = len(self.segment.nodes) if self.segment else 0
        leaves, self.tree = flatten(result)
        self.leaves = [self._leaf(x) for x in leaves]
        self.writes = self._written()
        self.targets: list[tuple[str, Any]] = []
        self.out_needs: list[int] = []
        residuals, gradient = self._backward(leaves, args)
        self._sources()
        self._make_calls(residuals, gradient)
        del self._capture, self._args, self._arg_ids, self.segment

    # --- outputs -----------------------------------------------------------------------------

    def _leaf(self, x: Any) -> tuple[str, Any]:
        if not isinstance(x, Tensor):
            if x is None or isinstance(x, (bool, int, float, complex, str)):
                return "plain", x
            raise NotReplayable(f"it returns a {type(x).__name__}")
        if id(x) in self._arg_ids:
            return "arg", self._arg_ids[id(x)]
        if x._chain is not None and self._capture.is_external(
            _first_value(self._capture, x._storage)
        ):
            raise NotReplayable("it returns a view of a tensor from outside")
        value = x._v
        if value.segment is self.segment and value.array is None:
            return "out", value.index
        if id(value) in self._capture.constants and not self._is_drawn(value):
            return "constant", value
        return "same", x

    def _is_drawn(self, value: Value) -> bool:
        return any(value is v for _, values in self._capture.draws for v in values)

    def _written(self) -> list[tuple[tuple[str, Any], Any]]:
        """(where the storage is found at a replay, the output that it takes)."""
        found = []
        for storage, old in self._capture.writes.values():
            if not self._capture.is_external(old):
                continue
            new = storage.value
            if new.segment is not self.segment:
                raise NotReplayable("a tensor from outside takes a value from outside")
            at = self._arg_storages.get(id(storage))
            place = ("storage", storage) if at is None else ("arg", at)
            found.append((place, new.index))
        return found

    # --- gradient ----------------------------------------------------------------------------

    def _backward(
        self, leaves: Sequence[Any], args: Sequence[Tensor]
    ) -> tuple[list[int], list[Any]]:
        """Captures backward too: (forward results it needs, where each target's gradient is)."""
        outs = [
            (i, x) for i, x in enumerate(leaves) if self.leaves[i][0] == "out" and x.requires_grad
        ]
        if not outs or not modes.grad:
            return [], []
        assert self.segment is not None
        inputs: list[Tensor] = []
        for i, t in enumerate(args):
            if t.requires_grad:
                self.targets.append(("arg", i))
                inputs.append(t)
        known = {id(t) for t in args}
        for t in self._capture.seen.values():
            if t.requires_grad and id(t) not in known and self._capture.is_external(t._v):
                known.add(id(t))
                self.targets.append(("tensor", t))
                inputs.append(t)
        for t in inputs:
            node = t._grad_edge_or_none()[0]  # type: ignore[index]
            if t._hooks or t._post_accumulate or node.tensor_hooks or node.pre_hooks:
                raise NotReplayable("a tensor it differentiates has hooks")
        self.out_needs = [i for i, _ in outs]
        self.cotangents = [Value(x._v.aval, None) for _, x in outs]
        before = self.segment.count
        self.n_inputs = len(self.segment.inputs)
        with _watching_backward(self._capture):
            grads = run_backward(
                [x for _, x in outs], [wrap(v) for v in self.cotangents], retain_graph=True,
                create_graph=False, inputs=inputs, accumulate=False,
            )  # fmt: skip
        nodes = self.segment.nodes[self.n_forward :]
        residuals = sorted({c for _, *codes in nodes for c in codes if 0 <= c < before})
        gradient = [None if g is None else self._grad_place(g._v) for g in grads]
        residuals = sorted(
            {*residuals, *[c for c in gradient if isinstance(c, int) and 0 <= c < before]}
        )
        return residuals, gradient

    def _grad_place(self, value: Value) -> Any:
        """An index of the segment, or the external Value itself (a cotangent passed on)."""
        return value.index if value.segment is self.segment and value.array is None else value

    # --- programs ----------------------------------------------------------------------------

    def _sources(self) -> None:
        """Says for every operand of the segment where a replay finds it."""
        if self.segment is None:
            return
        drawn = {
            id(v): (k, j) for k, (_, vs) in enumerate(self._capture.draws) for j, v in enumerate(vs)
        }
        cotangents = {id(v): i for i, v in enumerate(getattr(self, "cotangents", []))}
        for x in self.segment.inputs:
            key = id(x)
            if type(x) is not Value:
                self.sources.append(("plain", x))
            elif key in cotangents:
                self.sources.append(("cotangent", cotangents[key]))
            elif key in drawn:
                self.sources.append(("draw", drawn[key]))
            elif key in self._args:
                self.sources.append(("arg", self._args[key]))
            elif key in self._capture.seen and key not in self._capture.constants:
                self.sources.append(("tensor", self._capture.seen[key]))
            else:
                self.sources.append(("plain", x))

    def _make_calls(self, residuals: list[int], gradient: list[Any]) -> None:
        self.forward = self.backward = None
        segment = self.segment
        if segment is None:
            return
        numbers = np.array(segment.floats), np.array(segment.ints, np.int64)
        forward, backward = segment.nodes[: self.n_forward], segment.nodes[self.n_forward :]
        self.out_codes = [place for kind, place in self.leaves if kind == "out"]
        self.written_codes = [code for _, code in self.writes]
        outputs = self.out_codes + self.written_codes + residuals
        self.used = sorted({~c for _, *codes in forward for c in codes if c < 0})
        self.forward = _call(
            f"compiled {self._capture.name}", forward, outputs, segment, self.used, [], numbers
        )
        if self.out_needs:
            self.residuals = residuals
            self.wanted = [i for i, g in enumerate(gradient) if g is not None]
            self._make_backward(backward, gradient, numbers)
            # the nodes that captured backward are no work of this call: its own backward comes
            del segment.nodes[self.n_forward :]
            for x in segment.inputs[self.n_inputs :]:
                segment.input_ids.pop(id(x), None)
            del segment.inputs[self.n_inputs :]
            count = sum(len(call.out_avals) for call, *_ in segment.nodes)
            del segment.refs[count:]
            segment.count = count

    def _make_backward(self, nodes: list[Any], gradient: list[Any], numbers: Any) -> None:
        segment = self.segment
        assert segment is not None
        ids = {id(v): ~segment.inputs.index(v) for v in segment.inputs if type(v) is Value}
        outputs = []
        for g in gradient:
            if g is None:
                continue
            if isinstance(g, Value):
                code = ids.get(id(g))
                if code is None:
                    segment.inputs.append(g)
                    code = ids[id(g)] = ~(len(segment.inputs) - 1)
                    place = next((i for i, v in enumerate(self.cotangents) if v is g), None)
                    self.sources.append(("plain", g) if place is None else ("cotangent", place))
                g = code
            outputs.append(g)
        used = {~c for _, *codes in nodes for c in codes if c < 0} | {~c for c in outputs if c < 0}
        self.backward_used = sorted(used)
        start = sum(len(call.out_avals) for call, *_ in segment.nodes[: self.n_forward])
        self.backward = _call(
            f"compiled {self._capture.name} backward", nodes, outputs, segment, self.backward_used,
            self.residuals, numbers, start,
        )  # fmt: skip

    # --- replay ------------------------------------------------------------------------------

    def run(self, args: Sequence[Tensor]) -> Any:
        """Runs the program on new arguments; None if a captured tensor no longer fits."""
        values: list[Any] = []
        outs: Sequence[Value] = ()
        drawn = [draw() for draw in self.draws]
        operands: dict[int, Any] = {}
        if self.forward is not None:
            for i, expected in zip(self.used, self.forward.in_avals, strict=True):
                kind, place = self.sources[i]
                x = self._operand(kind, place, args, drawn)
                if type(x) is Value and x.aval is not expected:
                    return None
                operands[i] = x
                values.append(x)
            outs = execute(self.forward, values)
        n, m = len(self.out_codes) if self.forward else 0, len(self.writes)
        self._write(args, outs[n : n + m])
        made = iter(outs[:n])
        results = [self._result(kind, place, args, made) for kind, place in self.leaves]
        if self.out_needs:
            self._attach(results, args, operands, outs[n + m :], drawn)
        return jax.tree_util.tree_unflatten(self.tree, results)

    def _operand(self, kind: str, place: Any, args: Sequence[Tensor], drawn: list[Any]) -> Any:
        if kind == "arg":
            return args[place]._v
        if kind == "tensor":
            return place._v
        if kind == "draw":
            array = np.asarray(drawn[place[0]][place[1]])
            return from_array(array)
        return place

    def _write(self, args: Sequence[Tensor], values: Sequence[Value]) -> None:
        for ((kind, place), _), value in zip(self.writes, values, strict=True):
            storage: Storage = place if kind == "storage" else args[place]._storage
            storage.value = value
            storage.epoch += 1
            storage.version += 1

    def _result(self, kind: str, place: Any, args: Sequence[Tensor], made: Any) -> Any:
        if kind == "out":
            return wrap(next(made))
        if kind == "arg":
            return args[place]
        return wrap(place) if kind == "constant" else place

    def _attach(
        self, results: list[Any], args: Sequence[Tensor], operands: dict[int, Any],
        residuals: Sequence[Value], drawn: list[Any],
    ) -> None:  # fmt: skip
        edges = []
        for k in self.wanted:
            kind, place = self.targets[k]
            edges.append((args[place] if kind == "arg" else place)._grad_edge_or_none())
        for i in self.backward_used:
            if i not in operands and self.sources[i][0] != "cotangent":
                operands[i] = self._operand(*self.sources[i], args, drawn)
        node = node_type(CompiledNode, "CompiledFunctionBackward")(self, residuals, operands, edges)
        node.out_avals = [results[i]._v.aval for i in self.out_needs]
        for k, i in enumerate(self.out_needs):
            results[i]._edge, results[i]._rg = (node, k), True


class CompiledNode(Node):
    """The gradient of a compiled call: one program over the residuals that forward kept."""

    __slots__ = ("operands", "program", "residuals")

    def __init__(
        self, program: Program, residuals: Sequence[Value], operands: dict[int, Any],
        edges: list[Edge | None],
    ) -> None:  # fmt: skip
        super().__init__("CompiledFunctionBackward", edges, ())
        self.program = program
        self.residuals: Sequence[Value] | None = residuals
        self.operands = operands

    def apply(self, grads: list[Any], create_graph: bool) -> Sequence[Any]:
        if self.residuals is None:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved tensors "
                "after they have already been freed). Saved intermediate values of the graph are freed "
                "when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to "
                "backward through the graph a second time or if you need to access saved tensors after "
                "calling backward."
            )
        if create_graph:
            raise RuntimeError(
                "torch.compile with aot_autograd does not currently support double backward"
            )
        program = self.program
        values: list[Any] = list(self.residuals)
        for i in program.backward_used:
            kind, place = program.sources[i]
            values.append(
                _cotangent(grads[place], self.out_avals[place])
                if kind == "cotangent"
                else self.operands[i]
            )
        assert program.backward is not None
        return [wrap(v) for v in execute(program.backward, values)]

    def release(self) -> None:
        self.residuals = None
        self.operands = {}


def _cotangent(grad: Tensor | None, a: Any) -> Value:
    if grad is None:
        return from_host(np.zeros(a.shape, a.dtype.np), device=a.device)._v
    return grad._v


def _first_value(capture: Capture, storage: Storage) -> Value:
    found = capture.writes.get(id(storage))
    return storage.value if found is None else found[1]


class _watching_backward:
    """Backward is captured into the same segment; looking at numbers there raises GraphBreak."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture

    def __enter__(self) -> None:
        self.capture.is_backward = True
        self.capture.__enter__()

    def __exit__(self, *exc: object) -> None:
        self.capture._stop()
        self.capture.is_backward = False


def _call(
    name: str, nodes: Sequence[Any], outputs: Sequence[int], segment: Segment, used: Sequence[int],
    residuals: Sequence[int], numbers: tuple[np.ndarray, np.ndarray], start: int = 0,
) -> OpCall:  # fmt: skip
    """The nodes as one call: operands are residuals, then the segment's inputs ``used``."""
    floats, ints = numbers
    inputs = [segment.inputs[i] for i in used]
    avals = [_aval_at(segment, c) for c in residuals]
    avals += [x.aval if type(x) is Value else type(x) for x in inputs]
    plan = [tuple(node) for node in nodes]

    def fn(*operands: Any) -> tuple[Any, ...]:
        env: dict[int, Any] = dict(zip(residuals, operands, strict=False))
        given = dict(zip(used, operands[len(residuals) :], strict=True))

        def value(c: int) -> Any:
            if c >= INTS:
                return ints[c - INTS]
            if c >= FLOATS:
                return floats[c - FLOATS]
            return env[c] if c >= 0 else given[~c]

        index = start
        for call, *codes in plan:
            out = call.fn(*[value(c) for c in codes])
            for o in (out,) if call.single else out:
                env[index] = o
                index += 1
        return tuple([value(c) for c in outputs])

    options = next((call.options for call, *_ in nodes if call.options), None)
    return OpCall(name, fn, avals, options=options)


def _aval_at(segment: Segment, code: int) -> Any:
    index = 0
    for call, *_ in segment.nodes:
        if code < index + len(call.out_avals):
            return call.out_avals[code - index]
        index += len(call.out_avals)
    raise IndexError(code)
