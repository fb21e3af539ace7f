"""``torch.compiler``: what steers ``torch.compile``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.modes import modes
from .function import BACKENDS, compile as compile
from .state import disable as disable, reset as reset


def is_compiling() -> bool:
    """Whether a function is being captured."""
    return modes.capture is not None


is_dynamo_compiling = is_compiling


def is_exporting() -> bool:
    return False


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    return sorted(BACKENDS)


def allow_in_graph(fn: Callable[..., Any]) -> Callable[..., Any]:
    return fn


def assume_constant_result(fn: Callable[..., Any]) -> Callable[..., Any]:
    return fn


def cudagraph_mark_step_begin() -> None:
    """Accepted: XLA needs no such mark."""


def set_stance(stance: str = "default", **kwargs: Any) -> Any:
    """Accepts ``default``, and ``force_eager`` as a switch for what follows."""
    from .state import _switch

    class Stance:
        def __enter__(self) -> None:
            pass

        def __exit__(self, *exc: object) -> None:
            _switch.disabled = before

    before = _switch.disabled
    _switch.disabled = 1 if stance == "force_eager" else 0
    return Stance()
