"""``pin_memory=True``: what a batch needs before its way to an accelerator.

Differs: JAX stages transfers itself, so a tensor stays as it is; a batch class of the program's own
still gets its ``pin_memory()`` called, as PyTorch does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.tensor import Tensor
from .collate import is_namedtuple, rebuilt


def pin_memory(data: Any, device: Any = None) -> Any:
    """The batch with every ``pin_memory()`` of the program's own classes called."""
    if isinstance(data, (Tensor, str, bytes)):
        return data
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, Mapping):
        return rebuilt(data, [(key, pin_memory(item, device)) for key, item in data.items()])
    if is_namedtuple(data):
        return type(data)(*(pin_memory(item, device) for item in data))
    if isinstance(data, tuple):
        return type(data)(pin_memory(item, device) for item in data)
    if isinstance(data, Sequence):
        return rebuilt(data, [(i, pin_memory(item, device)) for i, item in enumerate(data)])
    return data
