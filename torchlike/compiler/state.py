"""What ``torch.compiler`` and ``torch._dynamo`` switch and count."""

from __future__ import annotations

import functools
import threading
import warnings
import weakref
from typing import Any

from ..core.errors import Unsupported


class InvalidBackend(RuntimeError):
    """``torch._dynamo.exc.InvalidBackend``."""


class _Switch(threading.local):
    disabled = 0


COMPILED: weakref.WeakSet[Any] = weakref.WeakSet()
_switch = _Switch()
counters: dict[str, int] = {"captures": 0}


def is_disabled() -> bool:
    return _switch.disabled > 0


def count() -> None:
    counters["captures"] += 1


def reset() -> None:
    """Forgets every captured program."""
    for compiled in list(COMPILED):
        compiled.reset()


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Inside ``fn``, compiled functions run eagerly."""
    if fn is None:
        return functools.partial(disable, recursive=recursive, reason=reason)

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        from ..core.modes import modes

        if modes.capture is not None:
            modes.capture.give_up("a function marked torch.compiler.disable is called")
        _switch.disabled += 1
        try:
            return fn(*args, **kwargs)
        finally:
            _switch.disabled -= 1

    return wrapper


def graph_break(msg: str = "") -> None:
    """Ends the capture of the function that is being compiled, if one is."""
    from ..core.modes import modes

    if modes.capture is not None:
        modes.capture.give_up("torch._dynamo.graph_break() is called")


def warn_eager(name: str, why: str, fullgraph: bool) -> None:
    """Says once that a function stays eager.

    Raises:
        Unsupported: ``fullgraph=True``.
    """
    if fullgraph:
        raise Unsupported(f"graph break in {name}: {why}")
    warnings.warn(
        f"torch.compile: {name} stays eager for these inputs: {why}", UserWarning, stacklevel=4
    )


def warn_limit(name: str, limit: int) -> None:
    warnings.warn(
        f"torch.compile: {name} was compiled {limit} times (torch._dynamo hit config.recompile_limit "
        f"({limit})); further shapes or values run eagerly",
        UserWarning,
        stacklevel=4,
    )
