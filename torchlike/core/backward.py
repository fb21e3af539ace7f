"""The walk from results back to leaves: ``Tensor.backward`` and ``torch.autograd.grad``."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence
from typing import Any

from .build import from_host
from .dispatch import OpNode, invoke
from .errors import SparseOperand, shape_text
from .modes import modes, set_grad_enabled
from .route import follow
from .tape import AccumulateGrad, Edge, Node
from .tensor import SPARSE, Tensor


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
        edge = _edge_of(t)
        if edge is None:
            raise RuntimeError(
                f"element {i} of tensors does not require grad and does not have a grad_fn"
            )
        roots.append((edge, _initial(i, t, g)))
    targets = None if inputs is None else [_edge_of(t) for t in inputs]
    with set_grad_enabled(create_graph):
        if len(roots) == 1 and targets is None and accumulate and not create_graph:
            (root, index), grad = roots[0]
            if grad._aval.plain and follow(root, index, grad, retain_graph=retain_graph):
                return []
        walk = _Walk(roots, targets, retain_graph, create_graph, accumulate)
        walk.run()
    return walk.captured(targets) if targets is not None else []


def _edge_of(x: Any) -> Edge | None:
    """Of a tensor, or of a ``GradientEdge``."""
    return x._grad_edge_or_none() if isinstance(x, Tensor) else (x.node, x.output_nr)


def _aval_of(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x._aval
    node = x.node
    return node.variable._aval if isinstance(node, AccumulateGrad) else node.out_avals[x.output_nr]


def _initial(i: int, t: Any, grad: Tensor | None) -> Tensor:
    a = _aval_of(t)
    if grad is None:
        if a.numel != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if a.dtype.is_complex:
            raise RuntimeError(
                "grad can be implicitly created only for real scalar outputs but got "
                + repr(a.dtype)
            )
        return _ones(a)
    if grad._aval.shape != a.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{i}] has a shape of torch.Size({shape_text(grad._aval.shape)}) and "
            f"output[{i}] has a shape of torch.Size({shape_text(a.shape)})."
        )
    if grad.dtype.is_complex is not a.dtype.is_complex:
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. "
            f"Mismatch in dtype: grad_output[{i}] has a dtype of {grad.dtype} and output[{i}] has a dtype of {a.dtype}."
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


_numbers = itertools.count()


def current_walk() -> Any:
    """The backward that a hook is called from."""
    return modes.walks[-1]


def is_checkpoint_valid() -> bool:
    """Whether the backward that runs goes to all leaves: one of its own inside of it may, too."""
    return not modes.walks or (modes.walks[-1].accumulate and modes.walks[-1].needed is None)


class _Walk:
    """One backward pass: nodes run in reverse order of creation, once all their gradients are in."""

    def __init__(
        self, roots: list[tuple[Edge, Tensor]], targets: list[Edge | None] | None,
        retain_graph: bool, create_graph: bool, accumulate: bool,
    ) -> None:  # fmt: skip
        self.number = next(_numbers)
        self.retain_graph = retain_graph
        self.create_graph = create_graph
        self.accumulate = accumulate
        self.given: list[Tensor | None] = []  # the gradients of the node that it is at
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

    def will_run(self, node: Node) -> bool:
        """Whether this walk comes to the node."""
        return node in self.waiting and (self.needed is None or node in self.needed)

    def run(self) -> None:
        modes.walks.append(self)
        try:
            self._run()
        finally:
            modes.walks.pop()

    def _run(self) -> None:
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
        slots[index] = grad if have is None else _sum(have, grad)

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
                _run_post_hooks(node, given)
            return ()
        if self.needed is not None and not any(
            e is not None and e[0] in self.needed for e in node.edges
        ):
            return [None] * len(node.edges)
        self.given = given
        results = self._apply(node, given)
        if node.post_hooks:
            before = tuple(given)
            for hook in list(node.post_hooks.values()):
                changed = hook(tuple(results), before)
                if changed is not None:
                    results = changed if isinstance(changed, (tuple, list)) else (changed,)
        if not self.retain_graph and not node.is_shared:
            node.release()
        return results

    def _apply(self, node: Node, given: list[Tensor | None]) -> Sequence[Tensor | None]:
        if not modes.anomaly and node.anomaly is None:
            try:
                return node.apply(given, self.create_graph)
            except SparseOperand:
                if not isinstance(node, OpNode):
                    raise
            dense = [g if g is None else g.to_dense() for g in given]  # type: ignore[attr-defined]
            return node.apply(dense, self.create_graph)
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
                t._grad = grad if t._grad is None else _sum(t._grad, grad)
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


def _run_post_hooks(node: AccumulateGrad, given: Sequence[Tensor | None]) -> None:
    for hook in list((node.post_hooks or {}).values()):
        hook((), tuple(given))


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
        variable._grad = _sum(have, grad)
    elif have._is_dense:
        rebind(have, _sum(have, grad))
    else:
        SPARSE["accumulate"](variable, grad)
    if variable._post_accumulate:
        for hook in list(variable._post_accumulate.values()):
            hook(variable)


def _owned(grad: Tensor) -> Tensor:
    """A gradient of its own: values are immutable, so a new reference is enough."""
    from .tensor import wrap

    return wrap(grad._v) if grad._is_dense else SPARSE["owned"](grad)


def _sum(a: Tensor, b: Tensor) -> Tensor:
    """Both; a sparse one can be added to a dense one only."""
    return invoke("add", b, a) if b._is_dense and not a._is_dense else invoke("add", a, b)
