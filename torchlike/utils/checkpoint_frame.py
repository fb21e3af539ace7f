"""One call of ``checkpoint``: what it saved, and how backward computes that again."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any, NoReturn

from ..autograd.graph import saved_tensors_hooks
from ..core.capture import user_line
from ..core.lifted import Packed
from ..core.modes import enable_grad, modes
from ..core.recompute import held_back
from ..core.tensor import Tensor, wrap
from ..overrides import TorchFunctionMode
from .checkpoint_state import tensors_in


class Options:
    """What the context managers below override."""

    def __init__(self) -> None:
        self.debug: bool | None = None
        self.early_stop: bool | None = None
        self.group: GraphExecGroup | None = None


options = Options()


class CheckpointError(RuntimeError):
    """The second computation was not like the first."""


class _Stop(Exception):
    """All that backward needs is computed."""


_TIP = """
Tip: To see a more detailed error message, either pass `debug=True` to
`torch.utils.checkpoint.checkpoint(...)` or wrap the code block
with `with torch.utils.checkpoint.set_checkpoint_debug_enabled(True):` to
enable checkpoint‑debug mode globally.
"""


def _facts(t: Tensor) -> dict[str, Any]:
    return {"shape": t.shape, "dtype": t.dtype, "device": t.device}


CHECKS: dict[str, Callable[[Tensor], Any]] = {"default": _facts, "none": lambda t: None}


class _Holder:
    """Stands for a saved tensor; after the second computation it has what was computed."""

    __slots__ = ("__weakref__", "found")

    def __init__(self) -> None:
        self.found: dict[Any, Tensor | None] = {}  # by backward; None once it was taken


class _Argument:
    """A tensor that the function was called with."""

    __slots__ = ("needs_grad", "packed", "tensor")

    def __init__(self, t: Tensor) -> None:
        self.needs_grad = t.requires_grad
        self.tensor: Tensor | None = t
        self.packed: Packed | None = None
        if modes.saving and t._is_dense and t._v.aval.plain:
            # An enclosing checkpoint computes it again, too
            self.tensor, self.packed = None, Packed(t._v)

    def unpacked(self) -> Tensor:
        return wrap(self.packed.unpacked()) if self.tensor is None else self.tensor  # type: ignore[union-attr]


class Frame:
    """One call of ``checkpoint``: what it saved, and how to compute that again."""

    def __init__(
        self, recompute: Callable[..., Any], early_stop: bool, facts: Callable[[Tensor], Any],
        args: tuple[Any, ...],
    ) -> None:  # fmt: skip
        self.recompute = recompute
        self.early_stop = early_stop
        self.facts = facts
        self.args = [_Argument(x) if isinstance(x, Tensor) else x for x in args]
        self.holders: list[weakref.ref[_Holder]] = []
        self.saved_facts: list[Any] = []
        self.is_recomputed: set[Any] = set()
        self.is_forward_over = False

    # ---- the first computation

    def pack(self, t: Tensor) -> _Holder:
        holder = _Holder()
        self.holders.append(weakref.ref(holder))
        self.saved_facts.append(self.facts(t))
        return holder

    def unpack(self, holder: _Holder) -> Tensor:
        group = _current_group()
        if group not in self.is_recomputed:
            self._compute_again(group)
        found = holder.found.get(group)
        if found is None:
            extra = ""
            if options.group is not None:
                extra = (
                    "Performing two backward calls that overlap (i.e. require the same "
                    "saved activation in order to compute gradients) is not allowed while "
                    "under the torch.utils.checkpoint.GraphExecGroup context. "
                )
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already "
                f"unpacked once. {extra}If you are calling ctx.saved_tensors in backward, make sure "
                "to do so only once. Otherwise please open an issue with details on your use case."
            )
        holder.found[group] = None
        return found

    # ---- the second

    def _compute_again(self, group: Any) -> None:
        again = _Again(self, group)
        with (
            saved_tensors_hooks(again.pack, lambda t: t),
            enable_grad(),
            contextlib.suppress(_Stop),
        ):
            self.recompute(*self._arguments())
        self.is_recomputed.add(group)
        again.check()

    def _arguments(self) -> list[Any]:
        """As leaves that require grad like the first ones."""
        found = list(self.args)
        places = [i for i, x in enumerate(found) if isinstance(x, _Argument)]
        for i, t in zip(places, held_back([found[i].unpacked() for i in places]), strict=True):
            needs_grad = found[i].needs_grad
            found[i] = t.detach().requires_grad_() if needs_grad else t
        return found


class _Again:
    """A second computation: what it saves, in the order of the first one."""

    def __init__(self, frame: Frame, group: Any) -> None:
        self.frame = frame
        self.group = group
        self.count = 0
        self.facts: dict[int, Any] = {}
        self.is_longer = False

    def pack(self, t: Tensor) -> Tensor:
        frame, place = self.frame, self.count
        self.count += 1
        if place >= len(frame.holders):
            if frame.is_forward_over:
                raise CheckpointError(
                    "torch.utils.checkpoint: trying to save more tensors during "
                    f"recomputation than during the original forward pass.\n{_TIP}"
                )
            self.is_longer = True  # a backward inside of the function came before its end
            return t
        holder = frame.holders[place]()
        if holder is not None:
            holder.found[self.group] = t.detach()
            self.facts[place] = frame.facts(t)
        if frame.early_stop and self.count == len(frame.holders):
            raise _Stop
        return t

    def check(self) -> None:
        """Whether it saved as many tensors as the first, of the same kind.

        Raises:
            CheckpointError: it did not.
        """
        frame = self.frame
        if self.is_longer:
            return
        if self.count != len(frame.holders):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved "
                "during the original forward and recomputation.\n"
                f"Number of tensors saved during forward: {len(frame.holders)}\n"
                f"Number of tensors saved during recomputation: {self.count}.\n{_TIP}"
            )
        differing = [
            f"tensor at position {i}:\nsaved metadata: {frame.saved_facts[i]}\n"
            f"recomputed metadata: {new}\n"
            for i, new in self.facts.items()
            if new != frame.saved_facts[i]
        ]
        if differing:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors "
                f"have different metadata than during the forward pass.\n{''.join(differing)}.\n{_TIP}"
            )


def _current_group() -> Any:
    """What shares one second computation: a backward, or a group of them."""
    if options.group is not None:
        return options.group
    return modes.walks[-1].number if modes.walks else object()


class GraphExecGroup:
    """Backward calls inside share one second computation.

    Raises:
        RuntimeError: there is one already.
    """

    def __enter__(self) -> GraphExecGroup:
        if options.group is not None:
            raise RuntimeError(
                f"GraphExecGroup contexts cannot be nested. Already inside group {options.group}"
            )
        options.group = self
        return self

    def __exit__(self, *args: object) -> None:
        options.group = None

    @classmethod
    def _get_current_group(cls) -> GraphExecGroup | None:
        return options.group


class Log:
    """The calls of both computations, for the error that says they differ."""

    def __init__(self) -> None:
        self.first = _Calls()
        self.second = _Calls()

    def contexts(self) -> tuple[Any, Any]:
        return self.first, self.second

    def explaining(self, unpack: Callable[[Any], Tensor]) -> Callable[[Any], Tensor]:
        def explained(holder: Any) -> Tensor:
            try:
                return unpack(holder)
            except CheckpointError as error:
                self._raise(error)

        return explained

    def _raise(self, error: CheckpointError) -> NoReturn:
        first, second = "\n".join(self.first.lines), "\n".join(self.second.lines)
        raise CheckpointError(
            "An error happened while unpacking tensors; dumping logs of latest computation\n"
            "because you passed `debug=True` to `torch.utils.checkpoint.checkpoint()`.\n\n"
            f"Operations executed during the original forward:\n\n{first}\n\n"
            f"Operations executed during recomputation:\n\n{second}\n\n"
            "ERROR: Detected non-determinism while running activation checkpointing"
        ) from error


class _Calls(TorchFunctionMode):
    """Notes every call with the line that made it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        shapes = ", ".join(f"{x.dtype}{list(x.shape)}" for x in tensors_in(args))
        self.lines.append(f"{getattr(func, '__name__', func)}({shapes})   at {user_line()}")
        return result
