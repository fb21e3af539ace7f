"""Pillow, imported when an image is first needed."""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np


@functools.cache
def pil(name: str = "Image") -> Any:
    """The module ``PIL.<name>``.

    Raises:
        ImportError: Pillow is not installed.
    """
    import importlib

    try:
        return importlib.import_module(f"PIL.{name}")
    except ModuleNotFoundError as error:
        raise ImportError(
            "images need Pillow\nhint: pip install 'torchlike[vision]'", name="PIL"
        ) from error


def is_pil_image(img: Any) -> bool:
    module = sys.modules.get("PIL.Image")  # without it nobody can have made an image
    return module is not None and isinstance(img, module.Image)


def image_of(array: np.ndarray, mode: str) -> Any:
    """An image of the array's bytes, read as ``mode``.  ``(H, W[, C])``"""
    height, width = array.shape[:2]
    return pil().frombytes(mode, (width, height), np.ascontiguousarray(array).tobytes())
