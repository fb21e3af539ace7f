"""``torch.multiprocessing``: Python's ``multiprocessing``, with ``spawn`` as PyTorch has it.

Differs: tensors are sent by value, not through shared memory. Do not ``fork``: a forked child that
touches JAX hangs.
"""

from __future__ import annotations

from multiprocessing import *
from multiprocessing import (
    get_all_start_methods as get_all_start_methods,
    get_context as get_context,
)

from .spawn import (
    ProcessContext as ProcessContext,
    ProcessExitedException as ProcessExitedException,
    ProcessRaisedException as ProcessRaisedException,
    SpawnContext as SpawnContext,
    spawn as spawn,
    start_processes as start_processes,
)


def get_all_sharing_strategies() -> set[str]:
    return {"file_system"}


def get_sharing_strategy() -> str:
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepts ``file_system``; tensors travel by value anyway.

    Raises:
        ValueError: another name.
    """
    if new_strategy not in ("file_system", "file_descriptor"):
        raise ValueError(f"unknown sharing strategy: {new_strategy}")
