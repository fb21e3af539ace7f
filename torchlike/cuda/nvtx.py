"""``torch.cuda.nvtx``: named ranges, which JAX's profiler shows."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

__all__ = ["mark", "range", "range_end", "range_pop", "range_push", "range_start"]


class _Open(threading.local):
    def __init__(self) -> None:
        self.nested: list[Any] = []


_open = _Open()
_started: dict[int, Any] = {}


def _annotation(msg: str) -> Any:
    import jax

    made = jax.profiler.TraceAnnotation(msg)
    made.__enter__()
    return made


def range_push(msg: str) -> int:
    """Opens a range inside the open ones; its depth."""
    _open.nested.append(_annotation(msg))
    return len(_open.nested) - 1


def range_pop() -> int:
    """Closes the innermost range; its depth, -2 if there is none."""
    if not _open.nested:
        return -2
    _open.nested.pop().__exit__(None, None, None)
    return len(_open.nested)


def range_start(msg: str) -> int:
    """Opens a range that ends where the caller says."""
    made = _annotation(msg)
    _started[id(made)] = made
    return id(made)


def range_end(range_id: int) -> None:
    made = _started.pop(range_id, None)
    if made is not None:
        made.__exit__(None, None, None)


def mark(msg: str) -> None:
    """A moment."""
    _annotation(msg).__exit__(None, None, None)


@contextlib.contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """``with range("step {}", 3):``"""
    range_push(msg.format(*args, **kwargs))
    try:
        yield
    finally:
        range_pop()
