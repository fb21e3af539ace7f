"""A captured call as a program: operands, outputs, writes, and its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ..core.backward import run_backward
from ..core.capture import Capture
from ..core.dispatch import execute
from ..core.modes import modes
from ..core.record import FLOATS
from ..core.tape import node_type
from ..core.tensor import Storage, Tensor, wrap
from ..core.value import Value, from_array
from .compiled_call import CompiledNode, make_call
from .escapes import NotReplayable, check_escapes

UNFIT = object()


def is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves of an argument or result structure; tensors are leaves."""
    return jax.tree_util.tree_flatten(tree, is_leaf=is_tensor)


class Program:
    """What ``torch.compile`` keeps for one set of guards."""

    def __init__(
        self, capture: Capture, args: Sequence[Tensor], given: Sequence[Value], result: Any,
        optimizers: Sequence[Any] = (),
    ) -> None:  # fmt: skip
        """``given`` holds the values of ``args`` before the call, which may have written to them."""
        if len(capture.segments) > 1:
            raise NotReplayable("it uses several devices")
        self.segment = next(iter(capture.segments.values()), None)
        self._capture = capture
        self._args = {id(v): i for i, v in enumerate(given)}
        self._arg_ids = {id(t): i for i, t in enumerate(args)}
        self._arg_storages = {id(t._storage): i for i, t in enumerate(args)}
        self.sources: list[tuple[str, Any]] = []  # where each operand comes from at a replay
        self.draws = [draw for draw, _ in capture.draws]
        self.n_forward = len(self.segment.nodes) if self.segment else 0
        self.chains: dict[int, Any] = {}  # how a written argument views its storage
        self._bases: dict[
            int, tuple[str, Any]
        ] = {}  # contents before a write -> where they are found
        self.grads_read, self.grads_made, self._grads = self._gradients_touched()
        leaves, self.tree = flatten(result)
        self._shown: dict[int, int] = {}
        self._storages: dict[int, Tensor] = {}
        self.leaves = [self._leaf(i, x) for i, x in enumerate(leaves)]
        self.writes = self._written(args)
        self.targets: list[tuple[str, Any]] = []
        self.out_needs: list[int] = []
        residuals, gradient = self._backward(leaves, args)
        self._sources()
        self.rates, self.fixed_rates = self._learning_rates(optimizers)
        self._make_calls(residuals, gradient)
        bases = [x._base for x in leaves if isinstance(x, Tensor)]
        made = [t for _, t in self.grads_made]
        capture.seen.clear()
        capture.grads.clear()
        check_escapes(capture, [*leaves, *bases, *args, *made])
        self.grads_made = [(owner, None if t is None else t._v) for owner, t in self.grads_made]
        self.grads_made = [
            (o, None if v is None else self._grad_code(v)) for o, v in self.grads_made
        ]
        del self._capture, self._args, self._arg_ids, self._arg_storages, self._grads, self._bases
        del self._shown, self._storages, self.segment

    # --- outputs -----------------------------------------------------------------------------

    def _leaf(self, at: int, x: Any) -> tuple[str, Any]:
        if not isinstance(x, Tensor):
            if x is None or isinstance(x, (bool, int, float, complex, str)):
                return "plain", x
            raise NotReplayable(f"it returns a {type(x).__name__}")
        if id(x) in self._arg_ids:
            return "arg", self._arg_ids[id(x)]
        if id(x) in self._shown:
            return "again", self._shown[id(x)]
        self._shown[id(x)] = at
        if self._storages.setdefault(id(x._storage), x) is not x:
            raise NotReplayable("it returns tensors that share their contents")
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

    def _written(self, args: Sequence[Tensor]) -> list[tuple[tuple[str, Any], Any]]:
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
            if at is not None:
                self.chains[at] = chain_of(args[at])
            owner = next(
                (o for o, before in self._grads.values() if before._storage is storage), None
            )
            if owner is not None:
                place = ("grad", owner)
            self._bases[id(old)] = place
            found.append((place, new.index))
        return found

    # --- .grad of tensors from outside -------------------------------------------------------

    def _gradients_touched(self) -> tuple[list[Any], list[Any], dict[int, Any]]:
        """What the call found in ``.grad``, what it left there, and whose values it read."""
        read: list[Any] = []
        made: list[Any] = []
        values: dict[int, Any] = {}
        for t, before, value, was_read in self._capture.grads.values():
            if not self._capture.is_external(_first_value(self._capture, t._storage)):
                continue
            at = self._arg_ids.get(id(t))
            owner = ("tensor", t) if at is None else ("arg", at)
            if was_read:
                read.append((owner, before is not None))
                if before is not None:
                    values[id(value)] = owner, before
            if t._grad is not before:
                made.append((owner, t._grad))
        return read, made, values

    def _grad_code(self, value: Value) -> tuple[str, Any]:
        if value.segment is self.segment and value.array is None:
            return "out", value.index
        if id(value) in self._args:
            return "arg", self._args[id(value)]
        if id(value) in self._capture.seen:
            raise NotReplayable("a gradient is taken from outside")
        return "plain", value

    def _learning_rates(self, optimizers: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Which floats of the segment are an optimizer's ``lr``, read anew at each replay; and the rates
        that are none of them, which have to stay as they are."""
        live: list[Any] = []
        fixed: list[Any] = []
        floats = self.segment.floats if self.segment else []
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                rate = group.get("lr")
                if type(rate) is not float:
                    continue
                codes = [FLOATS + i for i, x in enumerate(floats) if x is rate]
                others = [x for k, x in _numbers_of(optimizer) if x is rate]
                if codes and len(others) == 1:
                    live += [(c, group) for c in codes]
                else:
                    fixed.append((group, rate))
        return live, fixed

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
        self.is_freed = False
        try:
            with _watching_backward(self._capture):
                grads = run_backward(
                    [x for _, x in outs], [wrap(v) for v in self.cotangents], retain_graph=True,
                    create_graph=False, inputs=inputs, accumulate=False,
                )  # fmt: skip
        except RuntimeError as error:
            if "a second time" not in str(error):
                raise
            self.is_freed = (
                True  # the call ran backward itself; what it returns can't be differentiated
            )
            self._drop_backward()
            return [], [None] * len(inputs)
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
            elif key in self._grads:
                self.sources.append(("grad", self._grads[key][0]))
            elif key in self._bases:
                self.sources.append(("base", self._bases[key]))
            elif key in self._capture.seen and key not in self._capture.constants:
                self.sources.append(("tensor", self._capture.seen[key]))
            else:
                self.sources.append(("plain", x))

    def _make_calls(self, residuals: list[int], gradient: list[Any]) -> None:
        self.forward = self.backward = None
        self.backward_used: list[int] = []
        self.wanted: list[int] = []
        self.residuals: list[int] = []
        self.grad_codes: list[int] = []
        segment = self.segment
        if segment is None:
            return
        numbers = np.array(segment.floats), np.array(segment.ints, np.int64)
        forward, backward = segment.nodes[: self.n_forward], segment.nodes[self.n_forward :]
        self.out_codes = [place for kind, place in self.leaves if kind == "out"]
        self.written_codes = [code for _, code in self.writes]
        made = [None if t is None else self._grad_code(t._v) for _, t in self.grads_made]
        self.grad_codes = [place[1] for place in made if place is not None and place[0] == "out"]
        outputs = self.out_codes + self.written_codes + self.grad_codes + residuals
        self.used = sorted({~c for _, *codes in forward for c in codes if c < 0})
        self.forward = make_call(
            f"compiled {self._capture.name}",
            forward,
            outputs,
            segment,
            self.used,
            [],
            numbers,
            live=[code for code, _ in self.rates],
        )
        if self.out_needs and not self.is_freed:
            self.residuals = residuals
            self.wanted = [i for i, g in enumerate(gradient) if g is not None]
            self._make_backward(backward, gradient, numbers)
            self._drop_backward()

    def _drop_backward(self) -> None:
        """The nodes that captured backward are no work of this call: its own backward comes."""
        segment = self.segment
        assert segment is not None
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
        self.backward = make_call(
            f"compiled {self._capture.name} backward", nodes, outputs, segment, self.backward_used,
            self.residuals, numbers, start,
        )  # fmt: skip

    # --- replay ------------------------------------------------------------------------------

    def run(self, args: Sequence[Tensor]) -> Any:
        """Runs the program on new arguments; ``UNFIT`` if a captured tensor no longer is what it was."""
        if not self._fits(args):
            return UNFIT
        values: list[Any] = []
        outs: Sequence[Value] = ()
        drawn = [draw() for draw in self.draws]
        operands: dict[int, Any] = {}
        if self.forward is not None:
            for i, expected in zip(self.used, self.forward.in_avals, strict=False):
                kind, place = self.sources[i]
                x = self._operand(kind, place, args, drawn)
                if type(x) is Value and x.aval is not expected:
                    return UNFIT
                operands[i] = x
                values.append(x)
            for _, group in self.rates:
                values.append(group["lr"])
            outs = execute(self.forward, values)
        for i in self.backward_used:
            if i not in operands and self.sources[i][0] != "cotangent":
                source, place = self.sources[i]
                operands[i] = self._operand(source, place, args, drawn)
        n, m = len(self.out_codes) if self.forward else 0, len(self.writes)
        kept = n + m + (len(self.grad_codes) if self.forward else 0)
        self._write(args, outs[n : n + m])
        self._write_grads(args, iter(outs[n + m : kept]))
        made = iter(outs[:n])
        results: list[Any] = []
        for kind, place in self.leaves:
            results.append(
                results[place] if kind == "again" else self._result(kind, place, args, made)
            )
        if self.out_needs:
            self._attach(results, args, operands, outs[kept:])
        return jax.tree_util.tree_unflatten(self.tree, results)

    def _fits(self, args: Sequence[Tensor]) -> bool:
        """Whether what the key does not say is as it was at the capture."""
        return (
            all(
                (_owned_by(owner, args)._grad is not None) == there
                for owner, there in self.grads_read
            )
            and all(chain_of(args[i]) == chain for i, chain in self.chains.items())
            and all(group.get("lr") == rate for group, rate in self.fixed_rates)
            and all(type(group["lr"]) is float for _, group in self.rates)
        )

    def _write_grads(self, args: Sequence[Tensor], outs: Any) -> None:
        for owner, code in self.grads_made:
            t = _owned_by(owner, args)
            if code is None:
                t._grad = None
            else:
                kind, place = code
                t._grad = wrap(
                    next(outs) if kind == "out" else args[place]._v if kind == "arg" else place
                )

    def _operand(self, kind: str, place: Any, args: Sequence[Tensor], drawn: list[Any]) -> Any:
        if kind == "arg":
            return args[place]._v
        if kind == "tensor":
            return place._v
        if kind == "grad":
            return _owned_by(place, args)._grad._v  # type: ignore[union-attr]
        if kind == "base":
            return _storage_at(place, args).value
        if kind == "draw":
            array = np.asarray(drawn[place[0]][place[1]])
            return from_array(array)
        return place

    def _write(self, args: Sequence[Tensor], values: Sequence[Value]) -> None:
        for (place, _), value in zip(self.writes, values, strict=True):
            storage = _storage_at(place, args)
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
        residuals: Sequence[Value],
    ) -> None:  # fmt: skip
        edges = [_owned_by(self.targets[k], args)._grad_edge_or_none() for k in self.wanted]
        node = node_type(CompiledNode, "CompiledFunctionBackward")(self, residuals, operands, edges)
        node.out_avals = [results[i]._v.aval for i in self.out_needs]
        if self.is_freed:
            node.release()
        for k, i in enumerate(self.out_needs):
            results[i]._edge, results[i]._rg = (node, k), True


def chain_of(t: Tensor) -> Any:
    """How a view shows its storage."""
    return None if t._chain is None else tuple([(s.call, s.index, s.extras) for s in t._chain])


def _owned_by(owner: tuple[str, Any], args: Sequence[Tensor]) -> Tensor:
    kind, place = owner
    return args[place] if kind == "arg" else place


def _storage_at(place: tuple[str, Any], args: Sequence[Tensor]) -> Storage:
    kind, where = place
    if kind == "grad":
        return _owned_by(where, args)._grad._storage  # type: ignore[union-attr]
    return where if kind == "storage" else args[where]._storage


def _numbers_of(optimizer: Any) -> list[tuple[str, float]]:
    return [(k, x) for group in optimizer.param_groups for k, v in group.items()
            for x in (v if isinstance(v, (tuple, list)) else (v,)) if type(x) is float]  # fmt: skip


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
