"""The two programs of a captured call as nodes of the tape and calls of the dispatcher."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.build import from_host
from ..core.dispatch import execute
from ..core.opcall import OpCall
from ..core.record import FLOATS, INTS, Segment
from ..core.tape import Edge, Node
from ..core.tensor import Tensor, wrap
from ..core.value import Value


def make_call(
    name: str, nodes: Sequence[Any], outputs: Sequence[int], segment: Segment, used: Sequence[int],
    residuals: Sequence[int], numbers: tuple[np.ndarray, np.ndarray], start: int = 0,
    live: Sequence[int] = (),
) -> OpCall:  # fmt: skip
    """The nodes as one call: operands are residuals, the segment's inputs ``used``, the floats ``live``."""
    floats, ints = numbers
    inputs = [segment.inputs[i] for i in used]
    avals = [_aval_at(segment, c) for c in residuals]
    avals += [x.aval if type(x) is Value else type(x) for x in inputs]
    avals += [float] * len(live)
    plan = [tuple(node) for node in nodes]

    def fn(*operands: Any) -> tuple[Any, ...]:
        env: dict[int, Any] = dict(zip(residuals, operands, strict=False))
        given = dict(zip(used, operands[len(residuals) :], strict=False))
        numbers = dict(zip(live, operands[len(residuals) + len(used) :], strict=True))

        def value(c: int) -> Any:
            if c >= INTS:
                return ints[c - INTS]
            if c >= FLOATS:
                return numbers[c] if c in numbers else floats[c - FLOATS]
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


class CompiledNode(Node):
    """The gradient of a compiled call: one program over the residuals that forward kept."""

    __slots__ = ("operands", "program", "residuals")

    def __init__(
        self, program: Any, residuals: Sequence[Value], operands: dict[int, Any],
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
