"""What has to be the same for a captured call to be replayed."""

from __future__ import annotations

import sysconfig
import types
from collections.abc import Iterator
from typing import Any

from ..core import dtypes
from ..core.device import default_device, device
from ..core.modes import modes
from ..core.tensor import Tensor

_SIMPLE = frozenset((bool, int, float, complex, str, bytes, type(None), dtypes.dtype, device))
_LIBRARIES = (
    __file__.rpartition("compiler")[0],
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("purelib"),
)
_DEEPEST = 6
# What a module holds beside its own attributes; of hooks only their number matters
_MODULE_TABLES = ("_parameters", "_buffers", "_modules")


def environment() -> tuple[Any, ...]:
    """The modes that change what a call records."""
    cast = None if modes.autocast is None else tuple(modes.autocast.items())
    return modes.grad, modes.inference, dtypes.default_dtype(), default_device(), cast


def argument_key(leaves: list[Any]) -> tuple[Any, ...]:
    """Shapes, dtypes and sharing of tensors, values of everything else.

    Raises:
        TypeError: an argument that can't be compared.
    """
    found: list[Any] = []
    first: dict[int, int] = {}
    for i, x in enumerate(leaves):
        if isinstance(x, Tensor):
            layout = None if x._chain is None else x.__dict__["_layout"][1]
            same = first.setdefault(id(x._v), i), first.setdefault(id(x._storage), i)
            found.append((x._v.aval, x.requires_grad, layout, same))
        else:
            hash(x)
            found.append((type(x), x))
    return tuple(found)


def reached_by(fn: Any) -> list[Any]:
    """Everything that a function finds by itself: its owner, closure, defaults and globals."""
    return list(_reached(fn))


def _reached(fn: Any) -> Iterator[Any]:
    owner = getattr(fn, "__self__", None)
    if owner is not None:
        yield owner
    function = getattr(fn, "__func__", fn)
    code = getattr(function, "__code__", None)
    if code is None:
        yield fn
        return
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:
            yield None
    if function.__defaults__:
        yield function.__defaults__
    if function.__kwdefaults__:
        yield function.__kwdefaults__
    known = function.__globals__
    for name in _names(code):
        if name in known:
            yield known[name]


_NAMES: dict[types.CodeType, tuple[str, ...]] = {}


def _names(code: types.CodeType) -> tuple[str, ...]:
    """The names that a function and the functions inside it look up."""
    found = _NAMES.get(code)
    if found is None:
        names = dict.fromkeys(code.co_names)
        for x in code.co_consts:
            if isinstance(x, types.CodeType):
                names.update(dict.fromkeys(_names(x)))
        found = _NAMES[code] = tuple(names)
    return found


def fingerprint(fn: Any) -> tuple[Any, ...]:
    """The Python state that ``fn`` reaches: numbers, which tensors, training flags, options."""
    walk = _Walk()
    for x in reached_by(fn):
        walk.visit(x, 0)
    return tuple(walk.found)


def optimizers_of(fn: Any) -> list[Any]:
    """The optimizers that ``fn`` reaches; their ``lr`` is no part of the fingerprint."""
    walk = _Walk()
    for x in reached_by(fn):
        walk.visit(x, 0)
    return walk.optimizers


class _Walk:
    """One pass over what a function reaches."""

    def __init__(self) -> None:
        self.found: list[Any] = []
        self.seen: set[int] = set()
        self.optimizers: list[Any] = []

    def visit(self, x: Any, depth: int) -> None:
        add = self.found.append
        kind = type(x)
        if kind in _SIMPLE:
            add((kind, x))
            return
        add(id(x))
        if isinstance(x, Tensor):
            add(x._rg)
            return
        if (
            depth > _DEEPEST
            or id(x) in self.seen
            or isinstance(x, (type, types.ModuleType, types.BuiltinFunctionType))
        ):
            return
        self.seen.add(id(x))
        if isinstance(x, (list, tuple, dict, set, frozenset)):
            self._container(x, depth)
        elif hasattr(x, "_modules") and hasattr(x, "_parameters"):
            self._module(x, depth)
        elif hasattr(x, "param_groups") and hasattr(x, "state"):
            self._optimizer(x, depth)
        elif isinstance(x, (types.FunctionType, types.MethodType)):
            if not _is_library(getattr(x, "__func__", x).__code__.co_filename):
                for y in _reached(getattr(x, "_torchdynamo_orig_callable", x)):
                    self.visit(y, depth + 1)
        elif not _is_library_class(kind):
            for y in getattr(x, "__dict__", {}).values():
                self.visit(y, depth + 1)

    def _container(self, x: Any, depth: int) -> None:
        self.found.append(len(x))
        if isinstance(x, (set, frozenset)):
            return
        for k, y in x.items() if isinstance(x, dict) else enumerate(x):
            if isinstance(x, dict):
                self.found.append(k if type(k) in _SIMPLE else id(k))
            self.visit(y, depth + 1)

    def _module(self, root: Any, depth: int) -> None:
        add = self.found.append
        for m in root.modules():
            add(id(m))
            self.seen.add(id(m))
            self.visit(type(m).forward, depth + 1)
            for table in (m._parameters, m._buffers):
                for t in table.values():
                    add(None if t is None else (id(t), t._rg))
            for name, x in m.__dict__.items():
                if type(x) in _SIMPLE:
                    add((name, type(x), x))
                elif isinstance(x, dict) and name.startswith("_"):
                    if name not in _MODULE_TABLES:
                        add(len(x))
                else:
                    self.visit(x, depth + 1)

    def _optimizer(self, x: Any, depth: int) -> None:
        self.optimizers.append(x)
        for group in x.param_groups:
            for name, value in group.items():
                if name != "lr" or type(value) is not float:
                    self.visit(value, depth + 1)
        self.found.append(len(x.state))
        for state in x.state.values():
            self.visit(state, depth + 1)


_IS_LIBRARY: dict[Any, bool] = {}


def _is_library(filename: str) -> bool:
    found = _IS_LIBRARY.get(filename)
    if found is None:
        found = _IS_LIBRARY[filename] = filename.startswith(_LIBRARIES) or filename.startswith(
            "<frozen"
        )
    return found


def _is_library_class(kind: type) -> bool:
    """Whether a class comes from torchlike or Python, whose objects keep no knobs of the user's."""
    found = _IS_LIBRARY.get(kind)
    if found is None:
        import sys

        source = getattr(sys.modules.get(kind.__module__), "__file__", None)
        in_main = kind.__module__ == "__main__"
        found = _IS_LIBRARY[kind] = not in_main and (source is None or _is_library(source))
    return found
