"""What has to be the same for a captured call to be replayed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core import dtypes
from ..core.device import default_device
from ..core.modes import modes
from ..core.tensor import Tensor

_SIMPLE = (bool, int, float, complex, str, type(None), dtypes.dtype)


def modules_of(fn: Any) -> list[Any]:
    """The modules a function reaches: itself, its owner, what it closes over or names globally."""
    found: list[Any] = []
    for x in _reached(fn):
        if hasattr(x, "_modules") and hasattr(x, "_parameters") and not isinstance(x, type):
            found.append(x)
    return found


def _reached(fn: Any) -> Iterator[Any]:
    yield fn
    yield getattr(fn, "__self__", None)
    function = getattr(fn, "__func__", fn)
    for cell in getattr(function, "__closure__", None) or ():
        try:
            yield cell.cell_contents
        except ValueError:
            continue
    code = getattr(function, "__code__", None)
    for name in code.co_names if code is not None else ():
        yield function.__globals__.get(name)


def environment() -> tuple[Any, ...]:
    """The modes that change what a call records."""
    return modes.grad, modes.inference, dtypes.default_dtype(), default_device()


def fingerprint(modules: list[Any]) -> tuple[Any, ...]:
    """Training flags, plain attributes, and which parameters and buffers the modules hold."""
    found: list[Any] = []
    for root in modules:
        for m in root.modules():
            found.append(id(m))
            for d in (m._parameters, m._buffers):
                for t in d.values():
                    found.append(None if t is None else (id(t), t.requires_grad))
            for name, x in m.__dict__.items():
                if isinstance(x, _SIMPLE):
                    found.append((name, type(x), x))
    return tuple(found)


def argument_key(leaves: list[Any]) -> tuple[Any, ...]:
    """Shapes and dtypes of tensors, values of everything else.

    Raises:
        TypeError: an argument that can't be compared.
    """
    found: list[Any] = []
    for x in leaves:
        if isinstance(x, Tensor):
            found.append((x._v.aval, x.requires_grad))
        else:
            hash(x)
            found.append((type(x), x))
    return tuple(found)
