"""The state of every public name of PyTorch's: ``python -m torchlike.compatibility`` writes the page.

The names are data, ``public_names.txt``. ``--names`` writes them anew, in a process where ``torch``
is PyTorch: for whoever moves torchlike to the next release.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import pkgutil
import sys
import types
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .core.unsupported import REFUSALS, Refusal, refusal
from .porting.locate import resolve
from .version import __version__ as torch_version

NAMES = Path(__file__).with_name("public_names.txt")
PAGE = Path(__file__).with_name("COMPATIBILITY.md")
# Classes whose attributes count as names, too
CLASSES = (
    "torch.Tensor", "torch.nn.Module", "torch.nn.Parameter", "torch.optim.Optimizer", "torch.Generator",
    "torch.Size", "torch.dtype", "torch.device", "torch.finfo", "torch.iinfo", "torch.autograd.Function",
    "torch.utils.data.DataLoader", "torch.utils.data.Dataset", "torch.distributions.Distribution",
    "torch.nn.utils.rnn.PackedSequence",
)  # fmt: skip
# Not public although nothing in the path begins with an underscore
_INSIDE = ("torch.testing._internal", "torch.utils.benchmark.examples", "torch.contrib")
_NO_NAMES = {
    "__annotations__", "__dict__", "__module__", "__weakref__", "__slots__", "__doc__", "__long__",
    "__nonzero__", "__static_attributes__", "__firstlineno__", "__dlpack_c_exchange_api__",
    "__cuda_array_interface__", "__dataclass_fields__",
}  # fmt: skip


# --- the names ----------------------------------------------------------------------------------


@functools.cache
def names() -> dict[str, tuple[str, ...]]:
    """Every public module (and some classes) of PyTorch, with the names in it."""
    lines = NAMES.read_text().splitlines()
    split = (line.partition(": ") for line in lines if not line.startswith("#"))
    return {space: tuple(rest.split()) for space, _, rest in split}


def public_names(root: types.ModuleType) -> dict[str, list[str]]:
    """The same, read off PyTorch itself."""
    spaces: dict[str, Any] = {root.__name__: root, **dict(_modules(root))}
    for dotted in CLASSES:
        owner, _, name = dotted.rpartition(".")
        spaces[dotted] = getattr(spaces[owner], name)
    found = {space: sorted(_public(space, value)) for space, value in spaces.items()}
    return {space: listed for space, listed in sorted(found.items()) if listed}


def _modules(package: types.ModuleType) -> Iterator[tuple[str, types.ModuleType]]:
    for info in pkgutil.iter_modules(getattr(package, "__path__", []), package.__name__ + "."):
        if info.name.rpartition(".")[2].startswith("_") or info.name.startswith(_INSIDE):
            continue
        # What needs a package that is not there, or prints as it comes, is no part of the interface
        with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
            module = importlib.import_module(info.name)
            yield info.name, module
            yield from _modules(module)


def _public(space: str, value: Any) -> Iterable[str]:
    if isinstance(value, type):
        own = [
            n
            for n in dir(value)
            if n.startswith("__") and n.endswith("__") and n not in dir(object)
        ]
        return {n for n in (*dir(value), *own) if not n.startswith("_") or n in own} - _NO_NAMES
    declared = getattr(value, "__all__", None)
    if declared is not None:
        found = {n for n in declared if not n.startswith("_") and hasattr(value, n)}
        kinds = (
            getattr(value, "dtype", ()),
            getattr(value, "layout", ()),
            getattr(value, "memory_format", ()),
        )
        if "." not in space:  # constants that the root's list leaves out
            found |= {n for n in dir(value) if isinstance(getattr(value, n), kinds) and n[0] != "_"}
        return found
    return {
        n for n in dir(value) if not n.startswith("_") and _belongs(space, getattr(value, n, None))
    }


def _belongs(space: str, value: Any) -> bool:
    """Whether an object of a module without ``__all__`` was made there."""
    if isinstance(value, types.ModuleType) or not callable(value):
        return False
    module = getattr(value, "__module__", None)
    if isinstance(value, types.BuiltinFunctionType):
        return module is None or module.partition(".")[0] == space.partition(".")[0]
    return isinstance(module, str) and (module == space or module.startswith(f"{space}."))


def write_names() -> None:
    """``public_names.txt`` from PyTorch.

    Raises:
        RuntimeError: ``torch`` is torchlike here, or another release.
    """
    real = importlib.import_module("torch")
    if real.__name__ != "torch" or "torchlike" in (real.__file__ or ""):
        raise RuntimeError("torch is torchlike in this process")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = public_names(real)
    head = f"# PyTorch {real.__version__.partition('+')[0]}, by python -m torchlike.compatibility --names\n"
    NAMES.write_text(head + "".join(f"{space}: {' '.join(own)}\n" for space, own in found.items()))


# --- their state ----------------------------------------------------------------------------------


@functools.cache
def state(name: str) -> Refusal | bool:
    """True for a name that is there, its refusal, or False for a gap."""
    try:
        resolve(name)
    except AttributeError:
        return refusal(name.partition(".")[2]) or False
    return True


@dataclass
class _Space:
    """The names of a module or class, by state."""

    there: list[str] = field(default_factory=list)
    refused: dict[Refusal, list[str]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)

    def counts(self) -> list[int]:
        return [len(self.there), sum(map(len, self.refused.values())), len(self.gaps)]

    def only_reason(self) -> Refusal | None:
        """Why all of it is refused, if it is, and for one reason."""
        return (
            next(iter(self.refused))
            if len(self.refused) == 1 and not (self.there or self.gaps)
            else None
        )


def _spaces() -> dict[str, _Space]:
    spaces: dict[str, _Space] = {}
    for name, own in names().items():
        space = spaces[name] = _Space()
        for leaf in own:
            found = state(f"{name}.{leaf}")
            if isinstance(found, Refusal):
                space.refused.setdefault(found, []).append(leaf)
            else:
                (space.there if found else space.gaps).append(leaf)
    return spaces


def page() -> str:
    """``COMPATIBILITY.md``."""
    spaces = _spaces()
    there, refused, gaps = map(
        sum, zip(*(space.counts() for space in spaces.values()), strict=True)
    )
    return f"""# What torchlike has of PyTorch {torch_version}

Written by `python -m torchlike.compatibility`; the names are those of `public_names.txt`.
`python -m torchlike.where NAME` answers for one of them: where it is implemented, or why it is not.

{there} names are *there*: they can be used, and what an argument lacks is refused at the call.
{refused} are *refused*: not offered, for the reason given with the way out.
{gaps} are *gaps*: PyTorch has them, torchlike does not yet.
What is neither under Refused nor under Gaps is there.

## Counts

| where | there | refused | gaps |
|---|---:|---:|---:|
{_table(spaces)}

## Refused
{_refusals(spaces)}

## Gaps

{_gaps(spaces)}
"""


def _table(spaces: dict[str, _Space]) -> str:
    """One row for each ``torch.x`` with what is in it; ``torch`` itself first."""
    rows: dict[str, list[int]] = {}
    for name, space in spaces.items():
        top = ".".join(name.split(".")[:2])
        rows[top] = [a + b for a, b in zip(rows.get(top, [0, 0, 0]), space.counts(), strict=True)]
    return "\n".join(
        f"| {top} | {' | '.join(str(n or '') for n in row)} |" for top, row in rows.items()
    )


def _refusals(spaces: dict[str, _Space]) -> str:
    lines: list[str] = []
    for why in REFUSALS:
        whole = [name for name, space in spaces.items() if space.only_reason() == why]
        parts = [
            (n, space.refused[why])
            for n, space in spaces.items()
            if why in space.refused and n not in whole
        ]
        if not whole and not parts:
            continue
        lines += [
            "",
            f"### {why.reason[0].upper()}{why.reason[1:]}",
            "",
            f"Way out: {why.instead}.",
            "",
        ]
        if whole:
            lines.append(f"* modules: {_listed(_shortened(whole, spaces))}")
        lines += [f"* {name}: {_listed(own)}" for name, own in parts]
    return "\n".join(lines)


def _shortened(whole: list[str], all_spaces: Iterable[str]) -> list[str]:
    """``torch.fx`` and what is in it as ``torch.fx.*``, if nothing in it has another state."""
    found: list[str] = []
    for name in whole:
        if any(name.startswith(top.removesuffix("*")) for top in found if top.endswith("*")):
            continue
        inner = [space for space in all_spaces if space.startswith(f"{name}.")]
        found.append(f"{name}.*" if inner and set(inner) <= set(whole) else name)
    return found


def _gaps(spaces: dict[str, _Space]) -> str:
    return "\n".join(
        f"* {name}: {_listed(space.gaps)}" for name, space in spaces.items() if space.gaps
    )


def _listed(listed: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in listed)


def main(arguments: list[str]) -> int:
    """Writes the page, or with ``--names`` the list of names."""
    if arguments == ["--names"]:
        write_names()
        return 0
    if arguments:
        sys.stderr.write("usage: python -m torchlike.compatibility [--names]\n")
        return 2
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
