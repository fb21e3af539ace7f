"""Copies of a module, one per device, whose gradients add up in the original."""

from __future__ import annotations

import copy
from typing import Any

from ..module import Module
from .scatter_gather import device_of

__all__ = ["replicate"]


def replicate(network: Module, devices: Any, detach: bool = False) -> list[Module]:
    """Copies whose parameters are the original's, moved; they are no leaves."""
    return [_copied(network, device_of(d), detach, {}) for d in devices]


def _copied(module: Module, on: Any, detach: bool, known: dict[int, Any]) -> Module:
    if id(module) in known:
        return known[id(module)]
    made = known[id(module)] = copy.copy(module)
    made.__dict__ = module.__dict__.copy()
    made._is_replica = True
    made._former_parameters = {}
    made._modules = {
        name: None if m is None else _copied(m, on, detach, known)
        for name, m in module._modules.items()
    }
    made._buffers = {
        name: None if b is None else _moved(b, on, True, known)
        for name, b in module._buffers.items()
    }
    # Moved parameters are results, which a module keeps as plain attributes
    made._parameters = dict.fromkeys(module._parameters)
    for name, p in module._parameters.items():
        if p is not None:
            made.__dict__[name] = made._former_parameters[name] = _moved(p, on, detach, known)
            del made._parameters[name]
    return made


def _moved(t: Any, on: Any, detach: bool, known: dict[int, Any]) -> Any:
    found = known.get(id(t))
    if found is None:
        # What is on that device already is the same tensor, so that buffers are written in place
        found = known[id(t)] = (t.detach() if detach else t).to(on)
    return found
