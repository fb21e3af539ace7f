"""Sizes, names and forbidden calls: rules on the source, each with the reason in its test's name."""

from __future__ import annotations

import ast
import collections
import re

import pytest

import torchlike  # noqa: F401 - declares every op
from torchlike.core.registry import OPS

from .source import PACKAGE, ROOT, modules, nodes, relative_imports

MODULES = modules()
FILE_LINES, FUNCTION_LINES, LINE_LENGTH = 500, 60, 120
# A demo's program is a user's program: it imports torch and prints.
PROGRAMS = re.compile(r"^demo\.program")
MAY_PRINT = ("cli", "demo")


def _checked(message: str, wrong: list[str]) -> None:
    assert not wrong, f"{message}:\n" + "\n".join(wrong)


def test_no_file_is_too_long():
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    lengths = {path: path.read_text().count("\n") for path in files}
    wrong = [f"{p.relative_to(ROOT)}: {n}" for p, n in lengths.items() if n > FILE_LINES]
    _checked(f"files over {FILE_LINES} lines", wrong)


def _body_lines(node: ast.FunctionDef) -> int:
    first = node.body[0]
    end = node.end_lineno or node.lineno
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return end - (first.end_lineno or first.lineno)
    return end - node.lineno + 1


def test_no_function_is_too_long():
    wrong = []
    for module in MODULES.values():
        for node in ast.walk(module.tree):
            # A constructor with PyTorch's many parameters is long before it begins
            if isinstance(node, ast.FunctionDef) and _body_lines(node) > FUNCTION_LINES:
                start = node.body[0].lineno
                if node.name != "__init__" or (node.end_lineno or 0) - start > FUNCTION_LINES:
                    wrong.append(f"{module.where}:{node.lineno}: {node.name} {_body_lines(node)}")
    _checked(f"functions over {FUNCTION_LINES} lines", wrong)


def test_an_op_is_defined_once():
    places = collections.defaultdict(list)
    for module in MODULES.values():
        if module.name.startswith("ops"):
            for node in module.tree.body:
                if isinstance(node, ast.FunctionDef):
                    places[node.name].append(f"{module.where}:{node.lineno}")
    wrong = [f"{name}: {', '.join(places[name])}" for name in OPS if len(places[name]) > 1]
    _checked("the same name as an op has, so that grep finds two", wrong)


@pytest.mark.parametrize("banned", ["torch", "torchvision", "jax._src"])
def test_is_never_imported(banned: str):
    wrong = []
    for module in MODULES.values():
        if PROGRAMS.match(module.name):
            continue
        for node in ast.walk(module.tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            if any(name == banned or name.startswith(f"{banned}.") for name in names):
                wrong.append(f"{module.where}:{node.lineno}")
    _checked(f"imports of {banned}", wrong)


def test_the_package_root_is_not_imported_by_its_own_modules():
    wrong = [
        f"{module.where}:{node.lineno}"
        for module in MODULES.values()
        for target, node in relative_imports(module)
        if target == ""
    ]
    for module in MODULES.values():
        for node in ast.walk(module.tree):
            absolute = isinstance(node, ast.ImportFrom) and not node.level
            if absolute and str(node.module).split(".")[0] == "torchlike":
                wrong.append(f"{module.where}:{node.lineno}")
    _checked("imports of the package root", wrong)


def test_only_the_command_prints():
    wrong = [
        f"{module.where}:{node.lineno}"
        for module in MODULES.values()
        if module.name.split(".")[0] not in MAY_PRINT
        for node in nodes(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    _checked("print()", wrong)


def test_only_config_reads_the_environment():
    wrong = [
        f"{module.where}:{node.lineno}"
        for module in MODULES.values()
        if module.name != "core.config"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
    ]
    _checked("uses of the environment", wrong)


def test_every_module_says_what_it_is():
    wrong = [m.where for m in MODULES.values() if m.lines and not ast.get_docstring(m.tree)]
    _checked("modules without a docstring", wrong)


def test_no_vague_file_names():
    vague = {"helpers", "misc", "common", "base"}
    pytorchs = {"cuda.amp.common"}
    wrong = [
        m.where
        for m in MODULES.values()
        if m.name.rpartition(".")[2] in vague and m.name not in pytorchs
    ]
    _checked("file names that say nothing", wrong)
