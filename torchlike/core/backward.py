"""The walk from results back to leaves: ``Tensor.backward`` and ``torch.autograd.grad``."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

from .build import from_host
from .dispatch import invoke
from .errors import shape_text
from .modes import modes, set_grad_enabled
from .route import follow
from .tape import AccumulateGrad, Edge, Node
from .tensor import Tensor


def run_backward(
    tensors: Sequence[Tensor], grads: Sequence[Tensor | None], *, retain_graph: bool,
    create_graph: bool, inputs: Sequence[Tensor] | None = None, accumulate: bool = True,
) -> list[Tensor | None]:  # fmt: skip
    """Walks the graph of ``tensors``; returns the gradients of ``inputs`` if given.

    Raises:
        RuntimeError: no gradient is recorded, or what was saved is gone.
    """
    roots: list[tuple[Edge, Tensor]] = []
    for i, (t, g) in enumerate(zip(tensors, grads, strict=True)):
        edge = t._grad_edge_or_none()
        if edge is None:
            raise RuntimeError(
                f"element {i} of tensors does not require grad and does not have a grad_fn"
            )
        roots.append((edge, _initial(t, g, create_graph)))
    targets = None if inputs is None else [t._grad_edge_or_none() for t in inputs]
    with set_grad_enabled(create_graph):
        if len(roots) == 1 and targets is None and accumulate and not create_graph:
            (root, index), grad = roots[0]
            if follow(root, index, grad, retain_graph=retain_graph):
                return []
        walk = _Walk(roots, targets, retain_graph, create_graph, accumulate)
        walk.run()
    return walk.captured(targets) if targets is not None else []


def _initial(t: Tensor, grad: Tensor | None, create_graph: bool) -> Tensor:
    a = t._v.aval
    if grad is None:
        if a.numel != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if a.dtype.is_complex:
            raise RuntimeError(
                "grad can be implicitly created only for real scalar outputs but got "
                + repr(a.dtype)
            )
        return _ones(a)
    if grad._v.aval.shape != a.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[0] has a shape of torch.Size({shape_text(grad._v.aval.shape)}) and "
            f"output[0] has a shape of torch.Size({shape_text(a.shape)})."
        )
    if grad.dtype.is_complex and not a.dtype.is_complex:
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. "
            f"Mismatch in dtype: grad_output[0] has a dtype of {grad.dtype} and output[0] has a dtype of {a.dtype}."
        )
    return grad


_ONES: dict[Any, Any] = {}


def _ones(a: Any) -> Tensor:
    import numpy as np

    from .tensor import wrap

    if a.traced:
        import jax.numpy as jnp

        from .value import from_array

        return wrap(from_array(jnp.ones(a.shape, a.dtype.np), a.device))
    found = _ONES.get(a)
    if found is None:
        found = _ONES[a] = from_host(np.ones(a.shape, a.dtype.np), device=a.device)._v
    return wrap(found)


class _Walk:
    """One backward pass: nodes run in reverse order of creation, once all their gradients are in."""

    def __init__(
        self, roots: list[tuple[Edge, Tensor]], targets: list[Edge | None] | None,
        retain_graph: bool, create_graph: bool, accumulate: bool,
    ) -> None:  # fmt: skip
        self.retain_graph = retain_graph
        self.create_graph = create_graph
        self.accumulate = accumulate
        self.waiting = _dependencies([edge[0] for edge, _ in roots])
        self.grads: dict[Node, list[Tensor | None]] = {}
        self.wanted: dict[Edge, Tensor | None] = {}
        self.needed: set[Node] | None = None
        if targets is not None:
            for edge in targets:
                if edge is not None:
                    self.wanted[edge] = None
            self.needed = _leading_to({e[0] for e in self.wanted}, [edge[0] for edge, _ in roots])
        self.ready: list[tuple[int, int, Node]] = []
        for (node, index), grad in roots:
            self._add(node, index, grad)
        for node in {edge[0] for edge, _ in roots}:
            if self.waiting[node] == 0:
                heapq.heappush(self.ready, (-node.sequence, id(node), node))

    def run(self) -> None:
        while self.ready:
            _, _, node = heapq.heappop(self.ready)
            given = self.grads.pop(node, [])
            if self.needed is None or node in self.needed:
                results = self._run_node(node, given)
            else:
                results = [None] * len(node.edges)
            for edge, grad in zip(node.edges, results, strict=True):
                if edge is None:
                    continue
                target, index = edge
                if grad is not None:
                    self._add(target, index, grad)
                self.waiting[target] -= 1
                if self.waiting[target] == 0:
                    heapq.heappush(self.ready, (-target.sequence, id(target), target))

    def _add(self, node: Node, index: int, grad: Tensor) -> None:
        count = max(len(node.out_avals), 1)
        slots = self.grads.get(node)
        if slots is None:
            slots = self.grads[node] = [None] * count
        have = slots[index]
        slots[index] = grad if have is None else invoke("add", have, grad)

    def _run_node(self, node: Node, given: list[Tensor | None]) -> Sequence[Tensor | None]:
        if all(g is None for g in given):
            return [None] * len(node.edges)
        given = self._hooked(node, given)
        if self.wanted:
            for index, grad in enumerate(given):
                if (node, index) in self.wanted:
                    self.wanted[node, index] = grad
        if isinstance(node, AccumulateGrad):
            if self.accumulate and (self.needed is None or (node, 0) in self.wanted):
                _accumulate(node, given[0], self.create_graph)
            return ()
        if self.needed is not None and not any(
            e is not None and e[0] in self.needed for e in node.edges
        ):
            return [None] * len(node.edges)
        results = self._apply(node, given)
        if node.post_hooks:
            before = tuple(given)
            for hook in list(node.post_hooks.values()):
                changed = hook(tuple(results), before)
                if changed is not None:
                    results = changed if isinstance(changed, (tuple, list)) else (changed,)
        if not self.retain_graph:
            node.release()
        return results

    def _apply(self, node: Node, given: list[Tensor | None]) -> Sequence[Tensor | None]:
        if not modes.anomaly and node.anomaly is None:
            return node.apply(given, self.create_graph)
        from .anomaly import applied

        return applied(node, given, self.create_graph)

    def _hooked(self, node: Node, given: list[Tensor | None]) -> list[Tensor | None]:
        hooks = node.tensor_hooks
        if isinstance(node, AccumulateGrad) and node.variable._hooks:
            hooks = {0: node.variable._hooks}
        if hooks is None and node.pre_hooks is None and node.retain is None:
            return given
        given = list(given)
        for index, each in (hooks or {}).items():
            for hook in list(each.values()):
                if given[index] is None:
                    continue
                changed = hook(given[index])
                if changed is not None:
                    given[index] = changed
        for hook in list((node.pre_hooks or {}).values()):
            changed = hook(tuple(given))
            if changed is not None:
                given = list(changed) if isinstance(changed, (tuple, list)) else [changed]
        if modes.capture is not None and modes.capture.is_backward:
            return given
        for index, ref in (node.retain or {}).items():
            t, grad = ref(), given[index]
            if t is not None and grad is not None:
                t._grad = grad if t._grad is None else invoke("add", t._grad, grad)
        return given

    def captured(self, targets: Sequence[Edge | None]) -> list[Tensor | None]:
        return [None if e is None else self.wanted[e] for e in targets]


def _dependencies(roots: Sequence[Node]) -> dict[Node, int]:
    """How many edges of the walk lead into each node."""
    counts: dict[Node, int] = dict.fromkeys(roots, 0)
    stack = list(counts)
    while stack:
        for edge in stack.pop().edges:
            if edge is None:
                continue
            node = edge[0]
            if node in counts:
                counts[node] += 1
            else:
                counts[node] = 1
                stack.append(node)
    return counts


def _leading_to(targets: set[Node], roots: Sequence[Node]) -> set[Node]:
    """The nodes from which a target can be reached."""
    found = set(targets)
    order: list[Node] = []
    seen: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(r, False) for r in roots]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
            continue
        if node in seen:
            continue
        seen.add(node)
        stack.append((node, True))
        stack.extend((e[0], False) for e in node.edges if e is not None)
    for node in order:
        if any(e is not None and e[0] in found for e in node.edges):
            found.add(node)
    return found


def _accumulate(node: AccumulateGrad, grad: Tensor | None, create_graph: bool) -> None:
    """Adds to a leaf's ``.grad``: in place, unless the sum itself has to be differentiable."""
    if grad is None:
        return
    from .write import rebind

    variable = node.variable
    if modes.capture is not None:
        modes.capture.touched_grad(variable, read=True)
    have = variable._grad
    if have is None:
        variable._grad = grad if create_graph else _owned(grad)
    elif create_graph:
        variable._grad = invoke("add", have, grad)
    else:
        rebind(have, invoke("add", have, grad))
    if variable._post_accumulate:
        for hook in list(variable._post_accumulate.values()):
            hook(variable)


def _owned(grad: Tensor) -> Tensor:
    """A gradient of its own: values are immutable, so a new reference is enough."""
    from .tensor import wrap

    return wrap(grad._v)
