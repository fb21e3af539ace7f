"""Switches and small functions of ``torch.serialization``."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator
from typing import Any

from ..core import storages, typed


class _Options(threading.local):
    crc32 = True
    skip = False


_options = _Options()


def get_crc32_options() -> bool:
    return _options.crc32


def set_crc32_options(compute_crc32: bool) -> None:
    """Kept for reading back: a zip archive has its checksums always."""
    _options.crc32 = compute_crc32


def skipping() -> bool:
    return _options.skip


class skip_data:
    """``with skip_data():`` saves zeros in the place of the numbers, and loads zeros."""

    def __init__(self, materialize_fake_tensors: bool = False) -> None:
        self.materialize_fake_tensors = materialize_fake_tensors
        self._before = False

    def __enter__(self) -> None:
        self._before, _options.skip = _options.skip, True

    def __exit__(self, *exc: object) -> None:
        _options.skip = self._before


@contextlib.contextmanager
def mkdtemp() -> Iterator[str]:
    """A folder that is gone afterwards."""
    path = tempfile.mkdtemp()
    try:
        yield path
    finally:
        shutil.rmtree(path)


def normalize_storage_type(storage_type: type) -> Any:
    """``torch.FloatStorage`` for any class of that name."""
    return storages.TYPED[storage_type.__name__]


def storage_to_tensor_type(storage: Any) -> Any:
    """``torch.FloatTensor`` for a float storage."""
    name = storages.STORAGE_NAMES[storage.dtype].replace("Storage", "Tensor")
    return getattr(typed, name)


def check_module_version_greater_or_equal(
    module: Any, req_version_tuple: tuple[Any, ...], error_if_malformed: bool = True
) -> bool:
    """Whether ``module.__version__`` is that new.

    Raises:
        RuntimeError: it can't be read as a version.
    """
    try:
        parts = module.__version__.split(".")
        found = tuple(type(want)(part) for want, part in zip(req_version_tuple, parts, strict=False))
        return found >= req_version_tuple
    except Exception as error:
        text = (
            f"'{module.__name__}' module version string is malformed '{module.__version__}' and cannot be "
            f"compared with tuple {req_version_tuple!s}"
        )
        if error_if_malformed:
            raise RuntimeError(text) from error
        warnings.warn(f"{text}, but continuing assuming that requirement is met", stacklevel=2)
        return True


def validate_hpu_device(location: Any) -> int:
    """Raises RuntimeError: there is no such device."""
    if str(location).startswith("hpu"):
        raise RuntimeError(
            "The HPU device module is not registered. If you are running on a CPU-only machine, please "
            "use torch.load with map_location=torch.device('cpu') to map your storages to the CPU."
        )
    return -1
