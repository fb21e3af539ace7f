"""The bound namespaces. Importing this package declares every op, once."""

from __future__ import annotations

import importlib
import pkgutil

from .. import ops
from ..core import (
    bind,
    index,
    members,
    overrides,
    pytree,
    removed,
    setup,
    strided,
    tensor_facts,
)


def _import_chapters() -> None:
    for package in (ops, importlib.import_module(f"{ops.__name__}.nn")):
        for found in pkgutil.iter_modules(package.__path__):
            if not found.ispkg:
                importlib.import_module(f"{package.__name__}.{found.name}")


setup.configure()
_import_chapters()
members.install()
tensor_facts.install()
removed.install()
index.install()
strided.install()
pytree.install()
bind.bind_all()
tensor_facts.replace_ops()
overrides.install()
