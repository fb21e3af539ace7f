"""The package's source as parsed modules, for the rules that are checked on it."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "torchlike"


@dataclass(frozen=True)
class Module:
    """One file; ``name`` is its dotted name inside the package ("" is the package itself)."""

    name: str
    path: Path
    tree: ast.Module
    is_package: bool

    @property
    def where(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def lines(self) -> int:
        return self.path.read_text().count("\n")


@functools.cache
def modules() -> dict[str, Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        found[name] = Module(name, path, ast.parse(path.read_text(), str(path)), is_package)
    return found


def nodes(tree: ast.AST, *, inside_functions: bool = True) -> Iterator[ast.AST]:
    """All nodes but those under ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        if inside_functions or not isinstance(child, (ast.FunctionDef, ast.Lambda)):
            yield from nodes(child, inside_functions=inside_functions)


def relative_imports(
    module: Module, *, inside_functions: bool = True
) -> Iterator[tuple[str, ast.ImportFrom]]:
    """The package's modules that a module imports, each with the statement."""
    for node in nodes(module.tree, inside_functions=inside_functions):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        parts = module.name.split(".") if module.name else []
        if not module.is_package:
            parts = parts[:-1]
        parts = parts[: len(parts) - (node.level - 1)]
        base = ".".join([*parts, *(node.module.split(".") if node.module else [])])
        for alias in node.names:
            deeper = f"{base}.{alias.name}" if base else alias.name
            yield (deeper if deeper in modules() else base), node
