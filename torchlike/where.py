"""``python -m torchlike.where torch.cumsum`` prints the file and line that implement a name."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from types import ModuleType
from typing import Any

from .core.registry import OPS, OpDef
from .porting.finder import gap_hint, our_name

_NAMESPACES = {
    "torch": "torch",
    "torch.nn.functional": "functional",
    "torch.linalg": "linalg",
    "torch.fft": "fft",
    "torch.special": "special",
}


def find(name: str) -> tuple[str, bool]:
    """``file:line`` of a PyTorch name and True; else why it can't be given and False."""
    full = name if name.partition(".")[0] in ("torch", "torchvision") else f"torch.{name}"
    try:
        value = _resolve(full)
    except AttributeError as error:
        return f"{str(error).partition(chr(10))[0]}\n{gap_hint(full)}", False
    declared = _declaration(full)
    if declared is not None:
        return f"{_place(declared.fn)} (op {declared.fn.__name__})", True
    place = _place(value)
    return (place, True) if place else (f"a value of type {type(value).__name__}", True)


def _resolve(name: str) -> Any:
    """The object of a dotted name: its longest part that is a module, then attributes."""
    words = name.split(".")
    for end in range(len(words), 0, -1):
        ours = str(our_name(".".join(words[:end])))
        try:
            value: Any = importlib.import_module(ours)
        except ModuleNotFoundError as error:
            if error.name is None or not ours.startswith(error.name):
                raise
            continue
        for word in words[end:]:
            value = getattr(value, word)
        return value
    raise AttributeError(f"no module {words[0]!r}")


def _declaration(name: str) -> OpDef | None:
    """The op behind a function or a Tensor method, in-place twins included."""
    owner, _, leaf = name.rpartition(".")
    is_method = owner == "torch.Tensor"
    spellings = (leaf, leaf[:-1]) if leaf.endswith("_") and not leaf.endswith("__") else (leaf,)
    namespace = _NAMESPACES.get(owner)
    for spelling in spellings:
        for found in OPS.values():
            names = {found.name, *(alias.rpartition(".")[2] for alias in found.aliases)}
            if spelling not in names:
                continue
            if found.method if is_method else namespace in found.namespaces:
                return found
            if f"{namespace}.{spelling}" in found.aliases:
                return found
    return None


def _place(value: Any) -> str:
    """``file:line`` where an object is defined; a module's first line; "" for plain values."""
    value = inspect.unwrap(value) if callable(value) else value
    value = getattr(value, "fget", None) or getattr(value, "func", None) or value
    try:
        file = inspect.getsourcefile(value)
        line = 1 if isinstance(value, ModuleType) else inspect.getsourcelines(value)[1]
    except (TypeError, OSError):
        return ""
    if not file:
        return ""
    near = os.path.relpath(file)
    return f"{file if near.startswith(os.pardir) else near}:{line}"


if __name__ == "__main__":
    from .cli import main

    sys.exit(main(["where", *sys.argv[1:]]))
