"""``torch.typename``: how PyTorch's messages name an object's type."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor

_OURS = __name__.partition(".")[0]


def typename(obj: Any) -> str:
    """The type's dotted name under ``torch``; a tensor's is ``torch.FloatTensor`` and the like."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    owner = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(obj, "__module__", None) or getattr(owner, "__module__", None) or ""
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None) or owner.__name__
    if module in ("", "builtins"):
        return str(name)
    first, dot, rest = module.partition(".")
    if first == _OURS:
        module = "torch" + dot + rest
    return f"{module}.{name}"
