"""Children that ``multiprocessing`` starts with ``spawn`` or ``forkserver`` get the finder too."""

from __future__ import annotations

import multiprocessing.spawn as mp_spawn
from typing import Any

_original = mp_spawn.get_preparation_data


class _Installation:
    """Unpickling it in a child installs the finder there, before the child imports anything."""

    def __reduce__(self) -> tuple[Any, ...]:
        from .finder import install

        return install, ()


def _get_preparation_data(name: str) -> dict[str, Any]:
    return {"torchlike": _Installation(), **_original(name)}


def install() -> None:
    mp_spawn.get_preparation_data = _get_preparation_data


def uninstall() -> None:
    mp_spawn.get_preparation_data = _original
