"""Backward over a graph that holds nothing but ops and leaves, the usual case.

Its shape is looked up: which node runs when, with which call, and where its results go is worked
out once, so that a step costs little more than recording it. Hooks, user-defined functions,
``create_graph`` and the rest are left to the walk in ``backward``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

from .config import config
from .dispatch import OpNode, execute, invoke
from .modes import modes
from .opcall import OpCall
from .record import record
from .signature import pure_call
from .tape import AccumulateGrad, Node
from .tensor import SPARSE, Tensor, wrap
from .value import Aval, Value
from .write import rebind

# One per node: its call, which of the saved values it takes, from which slots the gradients of its
# outputs come, and to which slots those of its inputs go.
Step = tuple[OpCall, tuple[int, ...], tuple[int, ...], tuple[int, ...]]
_newest_first = attrgetter("sequence")


class Route(OpCall):
    """All the calls of a graph's backward as one: (what the nodes saved…, gradient) -> leaves' gradients.

    The recorder takes it in one go. Where it is not worth compiling whole, it runs call by call.
    """

    is_backward = True
    __slots__ = ("count", "is_whole", "leaves", "start", "steps")

    def __init__(
        self, steps: list[Step], count: int, leaves: list[AccumulateGrad], start: int
    ) -> None:
        first = steps[0][0]
        self.steps = steps
        self.count = count  # slots: the nodes' outputs, then the leaves
        self.leaves = count - len(leaves)
        self.start = start
        self.name = "Backward"
        self.fn = self._compose
        self.single = False
        self.jitted = None
        self.device = first.device
        self.out_avals = tuple([leaf.variable._v.aval for leaf in leaves])
        self.is_whole = all(
            call.device is first.device and not call.moves and not call.traced for call, *_ in steps
        )

    def __repr__(self) -> str:
        return f"<Route of {len(self.steps)} calls>"

    @property
    def parts(self) -> Sequence[OpCall]:
        return [call for call, *_ in self.steps]

    def _compose(self, *operands: Any) -> list[Any]:
        slots: list[Any] = [None] * self.count
        slots[self.start] = operands[-1]
        at = 0
        for call, saved, given, targets in self.steps:
            end = at + len(saved)
            made = call.fn(*operands[at:end], *[slots[s] for s in given])
            at = end
            for slot, x in zip(targets, made, strict=True):
                slots[slot] = x if slots[slot] is None else slots[slot] + x
        return slots[self.leaves :]

    def run(self, operands: Sequence[Any]) -> list[Value]:
        each = iter(operands[:-1])
        kept = [[next(each) for _ in saved] for _, saved, _, _ in self.steps]
        return self.walk(kept, operands[-1], OpCall.run)

    def walk(
        self, kept: Sequence[list[Any]], grad: Value, run: Callable[[OpCall, list[Any]], Any]
    ) -> list[Value]:
        """Call by call, with what each node saved."""
        slots: list[Value | None] = [None] * self.count
        slots[self.start] = grad
        for (call, _, given, targets), values in zip(self.steps, kept, strict=True):
            for slot in given:
                values.append(slots[slot])
                slots[slot] = None
            for slot, made in zip(targets, run(call, values), strict=True):
                have = slots[slot]
                slots[slot] = made if have is None else run(_sum_of(made.aval), [have, made])[0]
        return slots[self.leaves :]  # type: ignore[return-value]


@functools.cache
def _sum_of(a: Aval) -> OpCall:
    return pure_call(_add, (a, a), (), "add")


def _add(arrays: list[Any]) -> tuple[Any, ...]:
    return (arrays[0] + arrays[1],)


_ROUTES: dict[tuple[Any, ...], Route | None] = {}
_LIMIT = 4096  # shapes kept; one that never returns would only fill the memory


def follow(root: Node, index: int, grad: Tensor, *, retain_graph: bool) -> bool:
    """Adds the gradients to the leaves' ``.grad``, in no-grad mode; False, and nothing done, if this
    is no such graph.

    Raises:
        RuntimeError: what was saved is gone, or was overwritten.
    """
    nodes = _op_nodes(root)
    if nodes is None:
        return False
    leaves: list[AccumulateGrad] = []
    key = _key(nodes, index, leaves)
    try:
        route = _ROUTES[key]
    except KeyError:
        if len(_ROUTES) >= _LIMIT:
            _ROUTES.clear()
        route = _ROUTES[key] = _route(nodes, index, leaves)
    if route is None:
        return False
    kept = [node.kept(step[1]) for node, step in zip(nodes, route.steps, strict=True)]
    if not retain_graph:
        for node in nodes:
            node.release()
    if route.is_whole and config.recorded:
        found = record(route, [*chain.from_iterable(kept), grad._v])
    else:
        found = route.walk(kept, grad._v, execute)
    for leaf, made in zip(leaves, found, strict=True):
        variable = leaf.variable
        have = variable._grad
        if have is None:
            variable._grad = wrap(made)
        elif not have._is_dense:
            SPARSE["accumulate"](variable, wrap(made))
        else:
            rebind(have, invoke("add", have, wrap(made)))
    return True


def _op_nodes(root: Node) -> list[OpNode] | None:
    """All nodes, the newest first; None if one of them needs more than its gradient's call."""
    if modes.anomaly or modes.capture is not None or not isinstance(root, OpNode):
        return None
    found = [root]
    seen: set[Node] = {root}
    for node in found:
        if node.is_watched:
            return None
        for edge in node.edges:
            if edge is None:
                continue
            target = edge[0]
            if target in seen:
                continue
            seen.add(target)
            if type(target) is AccumulateGrad:
                variable = target.variable
                if target.is_watched or variable._hooks or variable._post_accumulate:
                    return None
            elif isinstance(target, OpNode):
                found.append(target)
            else:
                return None
    found.sort(key=_newest_first, reverse=True)
    return found if found[0] is root else None


def _key(nodes: list[OpNode], index: int, leaves: list[AccumulateGrad]) -> tuple[Any, ...]:
    """What sets a graph's shape apart: each node's plan, and which output of which node its edges
    lead to. Finds the leaves on the way."""
    places: dict[Node, int] = {node: k for k, node in enumerate(nodes)}
    key: list[Any] = [index]
    for node in nodes:
        key.append(node.plan)
        for edge in node.edges:
            if edge is not None:  # which ones are None, the plan knows
                target, output = edge
                k = places.get(target)
                if k is None:
                    k = places[target] = ~len(leaves)
                    leaves.append(target)  # type: ignore[arg-type]
                key.append((k, output) if output else k)
    return tuple(key)


def _route(nodes: list[OpNode], index: int, leaves: list[AccumulateGrad]) -> Route | None:
    """None if writes in place have made a node depend on a newer one."""
    first: dict[Node, int] = {}
    count = 0
    for node in nodes:
        if any(e is not None and e[0] in first for e in node.edges):
            return None
        first[node] = count
        count += len(node.out_avals)
    for leaf in leaves:
        first[leaf] = count
        count += 1
    filled = {index}
    steps: list[Step] = []
    for node in nodes:
        start = first[node]
        here = range(start, start + len(node.out_avals))
        gradient = node.plan.call.gradient(node.plan.needs, tuple([s in filled for s in here]))
        targets = tuple([first[e[0]] + e[1] for e in node.edges if e is not None])
        filled.update(targets)
        saved = tuple([i for i, used in enumerate(gradient.used) if used])
        steps.append((gradient.call, saved, tuple([s for s in here if s in filled]), targets))
    return Route(steps, count, leaves, index)
