"""``torch.autograd.graph``: nodes and what may be done around them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..core.backward import current_walk
from ..core.errors import missing
from ..core.modes import modes
from ..core.tape import Node as Node, RemovableHandle
from ..core.tensor import Tensor


class GradientEdge(NamedTuple):
    """A place in the graph: output ``output_nr`` of ``node``."""

    node: Node
    output_nr: int
    ownership_token: Node | None = None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge that leads to a tensor's history; ``grad`` and ``backward`` take it for the tensor.

    Raises:
        RuntimeError: it requires no grad.
    """
    edge = tensor._grad_edge_or_none()
    if edge is None:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require gradients"
        )
    return GradientEdge(*edge)


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Counts a write that autograd did not see."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        t._storage.version += 1


# --- hooks on gradients --------------------------------------------------------------------------


class _MultiHandle(RemovableHandle):
    """One handle for several hooks."""

    def __init__(self, handles: tuple[RemovableHandle, ...]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., Any], *, mode: str = "all"
) -> RemovableHandle:
    """``fn`` runs in each backward: with all gradients once they are known, or with the first one.

    Raises:
        ValueError: no such mode.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if mode == "all":
        return _MultiHandle(_hooks_on_all(list(tensors), fn))
    seen: set[int] = set()

    @functools.wraps(fn)
    def first_only(grad: Tensor) -> None:
        walk = current_walk()
        if walk.number not in seen:
            seen.add(walk.number)
            fn(grad)

    return _MultiHandle(tuple([t.register_hook(first_only) for t in tensors if t.requires_grad]))


def _hooks_on_all(tensors: list[Tensor], fn: Callable[..., Any]) -> tuple[RemovableHandle, ...]:
    nodes = [get_gradient_edge(t).node for t in tensors]
    found: dict[int, list[Tensor | None]] = {}
    waiting: dict[int, int] = {}

    def hook_of(i: int) -> Callable[[Tensor], None]:
        def hook(grad: Tensor) -> None:
            walk = current_walk()
            if walk.number not in found:
                found[walk.number] = [None] * len(tensors)
                waiting[walk.number] = sum([walk.will_run(node) for node in nodes])
            found[walk.number][i] = grad
            waiting[walk.number] -= 1
            if waiting[walk.number] == 0:
                del waiting[walk.number]
                fn(found.pop(walk.number))

        return hook

    return tuple([t.register_hook(hook_of(i)) for i, t in enumerate(tensors)])


# --- hooks on what is saved ----------------------------------------------------------------------


class saved_tensors_hooks:
    """Inside, what is saved for backward is ``pack_hook(tensor)``; backward gets ``unpack_hook`` of it.

    Differs: an op saves the operands from which its gradient is computed, also where PyTorch saves
    the result (``exp`` keeps its input).
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if modes.saving_refused is not None:
            raise RuntimeError(modes.saving_refused)
        modes.saving = (*modes.saving, (self.pack_hook, self.unpack_hook))

    def __exit__(self, *args: object) -> None:
        modes.saving = modes.saving[:-1]


class save_on_cpu(saved_tensors_hooks):
    """Inside, what is saved for backward waits in host memory.

    ``pin_memory`` changes nothing: XLA stages transfers itself.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(
            lambda tensor: (tensor.device, tensor.cpu()),  # type: ignore[attr-defined]
            lambda packed: packed[1].to(packed[0]),
        )


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, ``saved_tensors_hooks`` raise a RuntimeError with this message."""
    if modes.saving:
        raise RuntimeError(error_message)
    before, modes.saving_refused = modes.saving_refused, error_message
    try:
        yield
    finally:
        modes.saving_refused = before


class _AllowMutationOnSavedContext:
    """What was saved inside of one ``allow_mutation_on_saved_tensors``."""

    def __init__(self) -> None:
        self.is_open = True
        self.kept: list[Any] = []

    def clear(self) -> None:
        self.kept.clear()


class _Kept:
    """A saved tensor as it was; values never change, so there is nothing to clone."""

    def __init__(self, tensor: Tensor, context: _AllowMutationOnSavedContext) -> None:
        self.tensor = tensor.detach()
        self.tensor._storage = type(tensor._storage)(tensor._v)
        self.tensor._chain = None
        self.context = context

    def unpacked(self) -> Tensor:
        if not self.context.is_open:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context"
                "in which the graph was originally recorded."
            )
        return self.tensor


_open: list[_AllowMutationOnSavedContext] = []


@contextlib.contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[_AllowMutationOnSavedContext]:
    """Inside, a write to a tensor that was saved for backward does not spoil the backward.

    Raises:
        RuntimeError: already inside of one.
    """
    if _open:
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    context = _AllowMutationOnSavedContext()
    with saved_tensors_hooks(lambda t: _Kept(t, context), _Kept.unpacked):
        _open.append(context)
        try:
            yield context
        finally:
            _open.clear()
            context.is_open = False
            context.clear()


# --- knobs of PyTorch's engine -------------------------------------------------------------------


def region_activation_memory_budget(budget: float) -> Any:
    """Refused inside ``torch.compile``: XLA decides itself what is computed again.

    Raises:
        TypeError, ValueError: no float, or not in [0, 1].
        RuntimeError: outside of a compiled function.
        NotImplementedError: inside.
    """
    start = "torch.autograd.graph.region_activation_memory_budget"
    if isinstance(budget, bool) or not isinstance(budget, (int, float)):
        raise TypeError(f"{start}: expects a float, got {type(budget).__name__}")
    if not 0.0 <= budget <= 1.0:
        raise ValueError(f"{start}: must be in [0, 1], got {budget}")
    if modes.capture is None:
        raise RuntimeError(
            f"{start} can only be used inside a torch.compile region; it has no effect in eager mode."
        )
    raise missing(start, "use torch.utils.checkpoint on the region")


_stream_switches = {"warn_on_mismatch": True, "override_stale_capture": False}


def set_warn_on_accumulate_grad_stream_mismatch(enabled: bool) -> None:
    """Kept for reading back: XLA has no streams that could differ, so there is nothing to warn of."""
    _stream_switches["warn_on_mismatch"] = enabled


def set_override_stale_capture_stream(enabled: bool) -> None:
    """Kept for reading back: XLA has no capture streams, so none can be stale."""
    _stream_switches["override_stale_capture"] = enabled
