"""``torch.nn``: modules, functions, initialisation, and tools around them."""

from __future__ import annotations

import importlib as _importlib
from typing import Any as _Any

from . import (
    functional as functional,
    init as init,
    modules as modules,
    parameter as parameter,
    utils as utils,
)
from .modules import *
from .parameter import (
    Buffer as Buffer,
    Parameter as Parameter,
    UninitializedBuffer as UninitializedBuffer,
    UninitializedParameter as UninitializedParameter,
)

_LAZY = ("attention", "grad", "parallel")


def __getattr__(name: str) -> _Any:
    if name in _LAZY:
        return _importlib.import_module(f".{name}", __name__)
    if name == "DataParallel":
        return _importlib.import_module(".parallel", __name__).DataParallel
    raise AttributeError(f"module 'torch.nn' has no attribute '{name}'")


def factory_kwargs(kwargs: dict[str, _Any] | None) -> dict[str, _Any]:
    """``device``, ``dtype`` and ``memory_format`` for a tensor, out of a module's arguments.

    Raises:
        TypeError: another name, or one given twice with different values.
    """
    if kwargs is None:
        return {}
    known = {"device", "dtype", "memory_format"}
    unknown = kwargs.keys() - (known | {"factory_kwargs"})
    if unknown:
        raise TypeError(f"unexpected kwargs {unknown}")
    found = dict(kwargs.get("factory_kwargs", {}))
    for key in known & kwargs.keys():
        if key in found:
            raise TypeError(f"{key} specified twice, in **kwargs and in factory_kwargs")
        found[key] = kwargs[key]
    return found
