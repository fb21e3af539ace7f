"""The tape: what backward walks. Nodes hold values and edges, never tensors of the user's graph
(a leaf's ``AccumulateGrad`` apart), so a tensor that is overwritten cannot change its own history."""

from __future__ import annotations

import itertools
import traceback
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from .modes import modes

Edge = tuple["Node", int]


serial = itertools.count(1)


class Node:
    """One differentiable call. ``edges[i]`` leads from operand i to the node that made it, or is None."""

    # What nearly every node has is a slot; the rest are class-level defaults, to keep creation cheap.
    __slots__ = ("__dict__", "__weakref__", "edges", "out_avals", "sequence")
    label = "Node"  # PyTorch's name of the node
    is_shared = False  # of a graph that is walked again and again: a walk keeps what was saved
    is_watched = False  # has hooks, or keeps its forward line: the walk has to stop here
    pre_hooks: dict[int, Callable[..., Any]] | None = None
    post_hooks: dict[int, Callable[..., Any]] | None = None
    tensor_hooks: dict[int, dict[int, Callable[..., Any]]] | None = None
    retain: dict[int, weakref.ref[Any]] | None = None
    _metadata: dict[Any, Any] | None = None
    anomaly: Any = None

    def __init__(self, name: str, edges: Sequence[Edge | None], out_avals: Sequence[Any]) -> None:
        self.label = name
        self.edges = edges
        self.out_avals = out_avals
        self.sequence = next(serial)
        if modes.anomaly:
            self.anomaly = traceback.extract_stack()[:-2]
            self.is_watched = True

    def __repr__(self) -> str:
        return f"<{self.label} object at {hex(id(self))}>"

    def __call__(self, *grads: Any) -> Any:
        found = self.apply(list(grads), False)
        return found[0] if len(found) == 1 else tuple(found)

    def name(self) -> str:
        """PyTorch's name of the node, ``MulBackward0``."""
        return self.label

    @property
    def short_label(self) -> str:
        """``Mul`` for MulBackward0, ``Sum1`` for SumBackward1, as messages have it."""
        return self.label.removesuffix("Backward0").replace("Backward", "")

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes of the inputs, with the output of theirs that was used."""
        return tuple((None, 0) if e is None else e for e in self.edges)

    @property
    def metadata(self) -> dict[Any, Any]:
        if self._metadata is None:
            self._metadata = {}
        return self._metadata

    def _sequence_nr(self) -> int:
        return self.sequence

    def apply(self, grads: list[Any], create_graph: bool) -> Sequence[Any]:
        """Cotangents of the inputs (Tensor or None), given those of the outputs."""
        raise NotImplementedError

    def release(self) -> None:
        """Drops what was saved for backward."""

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """``hook(grad_inputs, grad_outputs)`` runs after the node did."""
        if self.post_hooks is None:
            self.post_hooks = {}
            self.is_watched = True
        return RemovableHandle(self.post_hooks, hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """``hook(grad_outputs)`` runs before the node does."""
        if self.pre_hooks is None:
            self.pre_hooks = {}
            self.is_watched = True
        return RemovableHandle(self.pre_hooks, hook)


_TYPES: dict[tuple[type, str], type] = {}


def node_type(base: type, name: str) -> type:
    """A subclass of ``base`` called ``name``: ``type(y.grad_fn).__name__`` is PyTorch's."""
    found = _TYPES.get((base, name))
    if found is None:
        found = _TYPES[base, name] = type(name, (base,), {"__slots__": (), "label": name})
    return found


class AccumulateGrad(Node):
    """The end of the walk at a leaf: adds to its ``.grad``."""

    __slots__ = ("variable",)
    label = "AccumulateGrad"

    def __init__(self, variable: Any) -> None:
        self.edges = self.out_avals = ()
        self.variable = variable
        self.sequence = (
            1 << 62
        )  # leaves first: their hooks see every gradient as early as PyTorch's do


class RemovableHandle:
    """What ``register_hook`` returns: ``remove()`` takes the hook out again; also a context manager."""

    next_id = 0

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any] | None = None, *,
                 extra_dict: Any = None) -> None:  # fmt: skip
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        self._hooks = hooks
        self._extra = extra_dict
        if hook is not None:
            hooks[self.id] = hook

    def remove(self) -> None:
        self._hooks.pop(self.id, None)
        extras = self._extra if isinstance(self._extra, (list, tuple)) else (self._extra,)
        for extra in extras:
            if extra is not None:
                extra.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
