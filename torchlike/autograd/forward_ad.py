"""``torch.autograd.forward_ad``: tensors that carry a tangent through everything computed from them."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..core import forward
from ..core.modes import ContextDecorator, modes
from ..core.tensor import Tensor


def enter_dual_level() -> int:
    """Opens the level at which tangents live.

    Raises:
        RuntimeError: one is open already.
    """
    if modes.dual_level is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    modes.dual_level = forward.enter()
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Closes the level: tangents are gone.

    Raises:
        RuntimeError: none is open, or it is another one.
    """
    current = -1 if modes.dual_level is None else 0
    if level is not None and level != current:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not "
            "supported."
        )
    if modes.dual_level is None:
        raise RuntimeError("Dual level must be a positive number.")
    forward.leave(modes.dual_level)
    modes.dual_level = None


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A view of ``tensor`` that carries ``tangent``.

    Raises:
        ValueError: an integer tensor.
        RuntimeError: no level is open, another shape, or a tensor that has a tangent already.
    """
    current = modes.dual_level
    if level is not None and level > 0:
        raise RuntimeError("Invalid level given to _make_dual")
    if current is None or (level is not None and level < 0):
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    return forward.checked_dual(tensor, tangent, current)


class UnpackedDualTensor(NamedTuple):
    """What ``unpack_dual`` returns."""

    primal: Tensor
    tangent: Tensor | None


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The tensor without its tangent, and the tangent (None if it has none)."""
    current = modes.dual_level
    if current is None or (level is not None and level != 0):
        return UnpackedDualTensor(tensor, None)
    return UnpackedDualTensor(*forward.unpack_dual(tensor, current))


class dual_level(ContextDecorator):
    """``with dual_level():`` opens a level and closes it."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exc: object) -> None:
        exit_dual_level()


def _is_fwd_grad_enabled() -> bool:
    return modes.forward_enabled


class _set_fwd_grad_enabled(ContextDecorator):
    """Inside, tangents are carried on, or not."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._before = modes.forward_enabled
        modes.forward_enabled = mode

    def __enter__(self) -> None:
        modes.forward_enabled = self.mode

    def __exit__(self, *exc: object) -> None:
        modes.forward_enabled = self._before

    def clone(self) -> Any:
        return self.__class__(self.mode)
