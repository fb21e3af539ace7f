"""``torch._dynamo``: the names programs use of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ..compiler import (
    allow_in_graph as allow_in_graph,
    is_compiling as is_compiling,
    list_backends as list_backends,
)
from ..compiler.function import compile as _compile
from ..compiler.state import (
    counters as _counters,
    disable as disable,
    graph_break as graph_break,
    reset as reset,
)
from . import exc as exc

config = SimpleNamespace(
    suppress_errors=False, verbose=False, recompile_limit=8, cache_size_limit=8, capture_scalar_outputs=False,
    automatic_dynamic_shapes=True, assume_static_by_default=True, dynamic_shapes=False, optimize_ddp=True,
)  # fmt: skip
utils = SimpleNamespace(counters=_counters)


def optimize(backend: Any = "inductor", *, nopython: bool = False, **kwargs: Any) -> Any:
    """The old spelling of ``torch.compile``."""
    return _compile(backend=backend, fullgraph=nopython)


def mark_dynamic(t: Any, index: Any, *, min: int | None = None, max: int | None = None) -> None:
    """Accepted: each shape gets a program of its own."""


def mark_static(t: Any, index: Any = None) -> None:
    """Accepted: shapes are static already."""


def is_dynamo_supported() -> bool:
    return True
