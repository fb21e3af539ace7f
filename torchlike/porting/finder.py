"""The import finder that serves ``import torch`` and ``import torchvision`` with torchlike.

``torch.a.b`` *is* the module ``torchlike.a.b``: the same object under two names, imported when it
is asked for. A name that torchlike lacks fails where it is used, with PyTorch's exception type
and a ``hint:`` line that says whose gap it is.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import pathlib
import sys
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any

from ..core.unsupported import explain, refusal
from ..version import __version__ as torch_version, torchvision as torchvision_version

PACKAGE = __name__.partition(".")[0]
# Public name -> (torchlike's module, the version it claims)
ROOTS = {
    "torch": (PACKAGE, torch_version),
    "torchvision": (f"{PACKAGE}.vision", torchvision_version),
}
# Modules of other packages that hand PyTorch's tensors to compiled code, with torchlike's own
MODULES = {"safetensors.torch": f"{PACKAGE}.io.safetensors_torch"}


def served_name(module: str) -> str:
    """PyTorch's name of a torchlike module: ``torchlike.vision.ops`` is ``torchvision.ops``."""
    for public, ours in MODULES.items():
        if module == ours:
            return public
    for public, (ours, _) in reversed(ROOTS.items()):
        if module == ours or module.startswith(ours + "."):
            return public + module[len(ours) :]
    return module


def our_name(module: str) -> str | None:
    """torchlike's name of a PyTorch module, None for a module that is not served."""
    if module in MODULES:
        return MODULES[module]
    public, dot, rest = module.partition(".")
    return ROOTS[public][0] + dot + rest if public in ROOTS else None


def gap_hint(name: str) -> str:
    """The line that says a missing name is torchlike's gap and not the program's fault."""
    root, _, rest = name.partition(".")
    if root not in ROOTS:
        return f"hint: {name.rpartition('.')[0]} is torchlike's own, which does not have that name"
    if root == "torch" and refusal(rest) is not None:
        return explain(rest)
    return (
        f"hint: {root} is served by torchlike, which does not have {name}; "
        f"if {root} {ROOTS[root][1]} has it, this is torchlike's gap, not an error of your program"
    )


class Finder(importlib.abc.MetaPathFinder):
    """Answers for ``torch`` and ``torchvision``, their submodules and their metadata."""

    def __init__(self) -> None:
        # Modules served so far, with what uninstalling has to put back
        self.served: dict[str, ModuleType] = {}
        self.undo: dict[ModuleType, list[Callable[[], None]]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        asked_by = _asked_by()
        if asked_by == "from" and fullname.partition(".")[0] == PACKAGE:
            return self._find_name(fullname)
        ours = our_name(fullname)
        if ours is None:
            return None
        if _exists(ours):
            return importlib.machinery.ModuleSpec(fullname, _Loader(self, ours))
        if asked_by == "import":
            raise ModuleNotFoundError(
                f"No module named {fullname!r}\n{gap_hint(fullname)}", name=fullname
            )
        return None

    def _find_name(self, fullname: str) -> None:
        """``from torch.nn import Foo``: a submodule Foo may follow, else the name is missing."""
        parent, _, name = fullname.rpartition(".")
        module = sys.modules.get(parent)
        if module in self.undo and not _exists(fullname):
            public = served_name(parent)
            raise ImportError(
                f"cannot import name {name!r} from {public!r} "
                f"({getattr(module, '__file__', 'unknown location')})\n{gap_hint(f'{public}.{name}')}",
                name=public,
                path=getattr(module, "__file__", None),
            )

    def serve(self, fullname: str, module: ModuleType) -> None:
        """Note the module as ``fullname`` and make its missing names explain themselves."""
        self.served[fullname] = module
        if module in self.undo:
            return
        undo = self.undo[module] = []
        if not hasattr(module, "__path__"):
            # Only for a package does `from module import name` ask the finders about a missing
            # name, which is where PyTorch's message and the hint can be given.
            module.__path__ = []  # pyright: ignore[reportAttributeAccessIssue]
            undo.append(lambda: module.__dict__.pop("__path__", None))
        former = module.__dict__.get("__getattr__")
        module.__dict__["__getattr__"] = _explaining(module, former)
        undo.append(lambda: _put_back(module, former))

    def find_distributions(
        self,
        context: importlib.metadata.DistributionFinder.Context | None = None,
    ) -> Iterable[importlib.metadata.Distribution]:
        """``importlib.metadata.version("torch")`` is the version that is served."""
        name = None if context is None else context.name
        return [_Distribution(root) for root in ROOTS if name is None or name.lower() == root]


class _Loader(importlib.abc.Loader):
    """Yields torchlike's own module in place of a new one."""

    def __init__(self, finder: Finder, ours: str) -> None:
        self.finder = finder
        self.ours = ours
        self.spec: Any = None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = _imported(self.ours)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        module.__spec__ = self.spec  # the import system has just put the alias's spec there
        self.finder.serve(spec.name if spec else self.ours, module)


class _Distribution(importlib.metadata.Distribution):
    """The metadata of a package that torchlike stands in for."""

    def __init__(self, root: str) -> None:
        self.root = root

    def read_text(self, filename: str) -> str | None:
        if filename != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: {self.root}\nVersion: {ROOTS[self.root][1]}\n"

    def locate_file(self, path: Any) -> Any:
        return pathlib.Path(__file__).parent.parent / path


def _asked_by() -> str:
    """Why ``find_spec`` was called: ``import``, ``from`` (a name of a fromlist) or ``probe``."""
    names = []
    frame = sys._getframe(2)
    while frame is not None and len(names) < 5:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    if names[:2] != ["_find_spec", "_find_and_load_unlocked"]:
        return "probe"  # importlib.util.find_spec and the like
    return "from" if names[3:] == ["_call_with_frames_removed", "_handle_fromlist"] else "import"


def _exists(ours: str) -> bool:
    """There is such a module, or an attribute of its parent that is one (``torchlike.linalg``)."""
    if ours in sys.modules:
        return True
    parent, _, name = ours.rpartition(".")
    if not parent:
        return True
    if not _exists(parent):
        return False
    importlib.import_module(parent)
    if hasattr(sys.modules[parent], "__path__") and importlib.util.find_spec(ours) is not None:
        return True
    return isinstance(getattr(sys.modules[parent], name, None), ModuleType)


def _imported(ours: str) -> ModuleType:
    parent, _, name = ours.rpartition(".")
    try:
        return importlib.import_module(ours)
    except ModuleNotFoundError as error:
        found = getattr(sys.modules.get(parent), name, None)
        if error.name != ours or not isinstance(found, ModuleType):
            raise
        return found


def _explaining(module: ModuleType, former: Callable[[str], Any] | None) -> Callable[[str], Any]:
    public = served_name(module.__name__)

    def __getattr__(name: str) -> Any:
        if former is not None:
            try:
                return former(name)
            except AttributeError as error:
                if "hint:" in str(error):
                    raise
        text = f"module {public!r} has no attribute {name!r}"
        if not (name.startswith("__") and name.endswith("__")):
            text += f"\n{gap_hint(f'{public}.{name}')}"
        raise AttributeError(text, name=name, obj=module)

    return __getattr__


def _put_back(module: ModuleType, former: Callable[[str], Any] | None) -> None:
    if former is None:
        module.__dict__.pop("__getattr__", None)
    else:
        module.__dict__["__getattr__"] = former


def installed() -> Finder | None:
    """The active finder."""
    return next((finder for finder in sys.meta_path if isinstance(finder, Finder)), None)


def install() -> None:
    """Serve ``torch`` and ``torchvision`` with torchlike from now on; a second call does nothing.

    Raises:
        ImportError: the real package was imported before.
    """
    if installed() is not None:
        return
    for root, (ours, _) in ROOTS.items():
        if root in sys.modules and sys.modules[root] is not sys.modules.get(ours):
            raise ImportError(
                f"{root} is already imported from {getattr(sys.modules[root], '__file__', '?')}\n"
                f"hint: call torchlike.install() before the first `import {root}`",
                name=root,
            )
    finder = Finder()
    sys.meta_path.insert(0, finder)
    from . import spawn

    spawn.install()


def uninstall() -> None:
    """Stop serving; what was imported before stays usable."""
    finder = installed()
    if finder is None:
        return
    sys.meta_path.remove(finder)
    for name, module in finder.served.items():
        if sys.modules.get(name) is module:
            del sys.modules[name]
    for steps in finder.undo.values():
        for step in steps:
            step()
    from . import spawn

    spawn.uninstall()


def load_ipython_extension(ipython: Any) -> None:
    """``%load_ext torchlike`` in a notebook."""
    install()


def unload_ipython_extension(ipython: Any) -> None:
    uninstall()
