"""``torch.autograd.graph``: nodes and what may be done around them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..core.errors import missing
from ..core.tape import Node as Node, RemovableHandle
from ..core.tensor import Tensor


class GradientEdge(NamedTuple):
    """A place in the graph: output ``output_nr`` of ``node``."""

    node: Node
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge that leads to a tensor's history.

    Raises:
        RuntimeError: it requires no grad.
    """
    edge = tensor._grad_edge_or_none()
    if edge is None:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require gradients"
        )
    return GradientEdge(*edge)


def register_multi_grad_hook(
    tensors: Any, fn: Callable[..., Any], *, mode: str = "all"
) -> RemovableHandle:
    """``fn`` runs once all (or any) of the tensors have their gradient."""
    found: dict[int, Any] = {}
    wanted = [t for t in tensors if t.requires_grad]

    def hook_of(i: int) -> Callable[[Any], None]:
        def hook(grad: Any) -> None:
            if mode == "any":
                if not found:
                    found[i] = grad
                    fn(grad)
                return
            found[i] = grad
            if len(found) == len(wanted):
                values = [found.get(k) for k in range(len(wanted))]
                found.clear()
                fn(values)

        return hook

    handles = [t.register_hook(hook_of(i)) for i, t in enumerate(wanted)]

    class Handles(RemovableHandle):
        def remove(self) -> None:
            for h in handles:
                h.remove()

    return Handles({})


@contextlib.contextmanager
def saved_tensors_hooks(
    pack_hook: Callable[..., Any], unpack_hook: Callable[..., Any]
) -> Iterator[None]:
    """Refused: what backward needs is chosen by XLA, so there is nothing to pack.

    Raises:
        NotImplementedError: always.
    """
    raise missing("autograd.graph.saved_tensors_hooks", "use torch.utils.checkpoint to save memory")
    yield


@contextlib.contextmanager
def save_on_cpu(pin_memory: bool = False, device_type: str = "cuda") -> Iterator[None]:
    """Refused: see ``saved_tensors_hooks``.

    Raises:
        NotImplementedError: always.
    """
    raise missing("autograd.graph.save_on_cpu", "use torch.utils.checkpoint to save memory")
    yield


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """There are no such hooks to disable."""
    yield


@contextlib.contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[dict[str, Any]]:
    """Values are immutable here, so a mutation never spoils what was saved; the check is kept.

    Raises:
        NotImplementedError: always.
    """
    raise missing(
        "autograd.graph.allow_mutation_on_saved_tensors", "clone the tensor before writing to it"
    )
    yield
