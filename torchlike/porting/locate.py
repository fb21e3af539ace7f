"""Finds the file and line that implement a name of PyTorch's, or says why there are none."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
from types import ModuleType
from typing import Any

from ..core.registry import OPS, OpDef
from ..core.unsupported import refusal
from .finder import gap_hint, our_name

_NAMESPACES = {
    "torch": "torch",
    "torch.functional": "torch",
    "torch.nn.functional": "functional",
    "torch.linalg": "linalg",
    "torch.fft": "fft",
    "torch.special": "special",
}


def find(name: str) -> tuple[str, bool]:
    """``file:line`` of a PyTorch name and True; else ``refused: why`` or ``gap: ...`` and False."""
    full = name if name.partition(".")[0] in ("torch", "torchvision") else f"torch.{name}"
    try:
        value = resolve(full)
    except AttributeError as error:
        why = refusal(full.partition(".")[2]) if full.startswith("torch.") else None
        if why is not None:
            return f"refused: {why.reason}; {why.instead}", False
        return f"gap: {str(error).partition(chr(10))[0]}\n{gap_hint(full)}", False
    declared = _declaration(full)
    if declared is not None:
        return f"{_place(declared.fn)} (op {declared.fn.__name__})", True
    place = _place(value)
    if place:
        return place, True
    owner, _, leaf = full.rpartition(".")
    home = resolve(owner) if owner else None
    place = _assignment(home, leaf) if isinstance(home, ModuleType) else _place(home)
    return f"{place or _place(type(value)) or _place(home)} ({type(value).__name__})", True


def resolve(name: str) -> Any:
    """The object of a dotted name: attributes, and modules that nobody has imported yet.

    Attributes first: importing ``torchlike.where`` would put the module in the function's place.
    Raises:
        AttributeError: there is none.
    """
    root, *words = name.split(".")
    ours = our_name(root)
    if ours is None:
        raise AttributeError(f"no module {root!r}")
    value: Any = importlib.import_module(ours)
    for word in words:
        if hasattr(value, word) or not isinstance(value, ModuleType):
            value = getattr(value, word)
            continue
        inner = f"{value.__name__}.{word}"
        try:
            value = importlib.import_module(inner)
        except ModuleNotFoundError as error:
            if error.name is None or not inner.startswith(error.name):
                raise
            value = getattr(value, word)
    return value


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


def _assignment(module: ModuleType, name: str) -> str:
    """``file:line`` where a module, or one that it imports the name from, assigns it."""
    try:
        body = ast.parse(inspect.getsource(module)).body
    except (OSError, TypeError):
        return ""
    spec = module.__spec__
    package = spec.parent if spec is not None else None
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names = [part for target in targets if target is not None for part in ast.walk(target)]
        if any(isinstance(part, ast.Name) and part.id == name for part in names):
            return f"{_near(inspect.getsourcefile(module) or '')}:{node.lineno}"
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        for alias in node.names:
            if name in (alias.asname, alias.name) or alias.name == "*":
                source = importlib.import_module("." * node.level + (node.module or ""), package)
                inner = alias.name if alias.name != "*" else name
                found = _assignment(source, inner) if hasattr(source, inner) else ""
                if found:
                    return found
    return ""


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
    return f"{_near(file)}:{line}"


def _near(file: str) -> str:
    near = os.path.relpath(file)
    return file if near.startswith(os.pardir) else near
