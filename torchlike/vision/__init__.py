"""``torchvision``."""

from __future__ import annotations

from typing import Any

from ..version import torchvision as __version__
from . import datasets as datasets, transforms as transforms, utils as utils

_backend = {"image": "PIL"}


def set_image_backend(backend: str) -> None:
    """Accepts ``PIL``.

    Raises:
        ValueError: another package.
    """
    if backend != "PIL":
        raise ValueError(f"Invalid backend '{backend}'. Options are 'PIL' and 'accimage'")
    _backend["image"] = backend


def get_image_backend() -> str:
    return _backend["image"]


def disable_beta_transforms_warning(*args: Any) -> None:
    """There is no such warning."""
