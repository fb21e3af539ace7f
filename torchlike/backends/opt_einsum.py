"""``torch.backends.opt_einsum``: who orders the contractions of ``einsum``: JAX, with that package's help."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from typing import Any

from .switches import change, during

enabled = True
strategy: str | None = "auto"


def is_available() -> bool:
    return importlib.util.find_spec("opt_einsum") is not None


def get_opt_einsum() -> Any:
    """The package, or None."""
    return importlib.import_module("opt_einsum") if is_available() else None


def set_flags(_enabled: bool | None = None, _strategy: str | None = None) -> tuple[Any, ...]:
    """Sets those that are not None; the former values."""
    return change(globals(), enabled=_enabled, strategy=_strategy)


def flags(
    enabled: bool | None = None, strategy: str | None = None
) -> contextlib.AbstractContextManager[None]:
    """The switches inside the block."""
    return during(globals(), enabled=enabled, strategy=strategy)
