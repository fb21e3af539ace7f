"""``torch.save`` and ``torch.load``: PyTorch's own checkpoint files, both ways."""

from __future__ import annotations

import io
import os
import pickle
import re
import sys
import threading
import warnings
from enum import Enum
from typing import Any

import numpy as np

from ..core import constants
from ..core.config import flag
from ..core.device import cpu
from ..core.errors import missing
from . import legacy, weights_only as weights_only_unpickler
from .archive import Reader, Writer, corrupt, is_zipfile, replacing
from .locations import (
    default_restore_location,
    location_tag,
    register_package,
    restorer,
    validate_cuda_device,
)  # fmt: skip
from .options import (
    check_module_version_greater_or_equal as check_module_version_greater_or_equal,
    get_crc32_options as get_crc32_options,
    mkdtemp as mkdtemp,
    normalize_storage_type as normalize_storage_type,
    set_crc32_options as set_crc32_options,
    skip_data as skip_data,
    skipping,
    storage_to_tensor_type as storage_to_tensor_type,
    validate_hpu_device as validate_hpu_device,
)
from .pickling import StorageTable, TorchPickler, foreign_pickler, unpickler
from .storage import StorageType, TypedStorage, UntypedStorage
from .weights_only import (
    add_safe_globals,
    allowed_by_default,
    allowed_by_user,
    clear_safe_globals,
    get_safe_globals,
    globals_of,
    safe_globals,
)  # fmt: skip

__all__ = [
    "DEFAULT_PROTOCOL", "LoadEndianness", "SourceChangeWarning", "StorageType", "add_safe_globals",
    "clear_safe_globals", "default_restore_location", "get_default_load_endianness",
    "get_default_mmap_options", "get_safe_globals", "get_unsafe_globals_in_checkpoint", "load",
    "location_tag", "register_package", "safe_globals", "save", "set_default_load_endianness",
    "set_default_mmap_options", "validate_cuda_device",
]  # fmt: skip
DEFAULT_PROTOCOL = 2
UNSAFE_MESSAGE = (
    "In PyTorch 2.6, we changed the default value of the `weights_only` argument in "
    "`torch.load` from "
    "`False` to `True`. Re-running `torch.load` with `weights_only` set to `False` will likely "
    "succeed, "
    "but it can result in arbitrary code execution. Do it only if you got the file from a "
    "trusted source."
)
_DOCS = (
    "\n\nCheck the documentation of torch.load to learn more about types accepted by default with "
    "weights_only https://pytorch.org/docs/stable/generated/torch.load.html."
)
MAP_SHARED, MAP_PRIVATE = 1, 2


class SourceChangeWarning(Warning):
    """The source of a saved class changed."""


class LoadEndianness(Enum):
    """The byte order of checkpoints that do not say theirs."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class _Options(threading.local):
    endianness: LoadEndianness | None = None
    mmap_flags = MAP_PRIVATE


_options = _Options()


def get_default_load_endianness() -> LoadEndianness | None:
    return _options.endianness


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """The byte order assumed of files without a mark."""
    if not isinstance(endianness, LoadEndianness) and endianness is not None:
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    _options.endianness = endianness


def get_default_mmap_options() -> int:
    return _options.mmap_flags


class set_default_mmap_options:
    """How ``mmap=True`` maps files; ours are copy-on-write, whatever is asked.

    Differs: with MAP_SHARED, writes to a tensor do not reach the file.
    """

    def __init__(self, flags: int) -> None:
        if flags not in (MAP_SHARED, MAP_PRIVATE):
            raise ValueError(
                "Invalid argument in function set_default_mmap_options, expected "
                "mmap.MAP_PRIVATE or "
                f"mmap.MAP_SHARED, but got {flags}"
            )
        self._before = _options.mmap_flags
        _options.mmap_flags = flags

    def __enter__(self) -> None:
        """Set already."""

    def __exit__(self, *exc: object) -> None:
        _options.mmap_flags = self._before


def _get_layout(name: str) -> Any:
    """``torch.strided`` and the like, by name."""
    found = getattr(constants, name.removeprefix("torch."), None)
    if not isinstance(found, constants.layout):
        raise KeyError(name)
    return found


# ---- save


def save(
    obj: object,
    f: Any,
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Writes an object to a path or file; a path is replaced only when all is written.

    Raises:
        RuntimeError: the folder is not there. AttributeError: ``f`` cannot be written to.
    """
    if isinstance(f, (str, os.PathLike)):
        path = os.fspath(f)
        with replacing(path) as file:
            if _use_new_zipfile_serialization:
                folder = os.path.splitext(os.path.basename(path))[0] or "archive"
                _save_zip(
                    obj, file, folder, pickle_module, pickle_protocol, _disable_byteorder_record
                )
            else:
                legacy.save(obj, file, pickle_protocol)
        return
    _check_writable(f)
    if _use_new_zipfile_serialization:
        _save_zip(obj, f, "archive", pickle_module, pickle_protocol, _disable_byteorder_record)
    else:
        legacy.save(obj, f, pickle_protocol)
    if hasattr(f, "flush"):
        f.flush()


def _check_writable(f: Any) -> None:
    if not hasattr(f, "write"):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )
    if not callable(f.write):
        kind = str(type(f)).strip("<>")
        raise TypeError(f"Buffer of {kind} has no callable attribute 'write'")


def _save_zip(
    obj: object, file: Any, folder: str, module: Any, protocol: int, without_byteorder: bool
) -> None:
    table = StorageTable()
    buffer = io.BytesIO()
    if module is pickle:
        TorchPickler(buffer, table, protocol).dump(obj)
    else:
        foreign_pickler(module, buffer, table, protocol).dump(obj)
    archive = Writer(file, folder)
    archive.write_record("data.pkl", buffer.getvalue())
    if not without_byteorder:
        archive.write_record("byteorder", sys.byteorder.encode())
    for key, storage in table.storages.items():
        content = storage.numpy()
        archive.write_record(f"data/{key}", np.zeros_like(content) if skipping() else content)
    archive.write_record("version", b"3\n")
    archive.close()


# ---- load


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Reads what ``torch.save`` wrote; by default tensors and plain containers only.

    Raises:
        pickle.UnpicklingError: ``weights_only`` met something that is not on its list.
        RuntimeError: a damaged file, or a device that is not there.
    """
    weights_only = _choose_weights_only(weights_only, pickle_module)
    if weights_only:
        if pickle_module is not None:
            raise RuntimeError(
                "Can not safely load weights when explicit pickle_module is specified"
            )
        if pickle_load_args:
            warnings.warn("pickle_load_args only works if `weights_only=False`.", stacklevel=2)
    pickle_load_args.setdefault("encoding", "utf-8")
    module = weights_only_unpickler if weights_only else pickle_module or pickle
    if isinstance(f, (str, os.PathLike)):
        path = os.fspath(f)
        if str(path).endswith(".safetensors"):
            return _load_safetensors(path, map_location)
        with open(path, "rb") as file:
            return _load_file(file, path, map_location, module, bool(mmap), pickle_load_args)
    _check_seekable(f)
    return _load_file(f, None, map_location, module, bool(mmap), pickle_load_args)


def _choose_weights_only(asked: bool | None, pickle_module: Any) -> bool:
    forced = flag("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    forbidden = flag("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    if forced and forbidden:
        raise RuntimeError(
            "Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` "
            "should be set, but both were set."
        )
    if forced:
        return True
    if forbidden and asked is None:
        warnings.warn(
            "Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected, since the"
            "`weights_only` argument was not explicitly passed to `torch.load`, forcing "
            "weights_only=False.",
            UserWarning,
            stacklevel=3,
        )
        return False
    return pickle_module is None if asked is None else bool(asked)


def _check_seekable(f: Any) -> None:
    try:
        f.seek(f.tell())
    except (io.UnsupportedOperation, AttributeError) as error:
        if "seek" in str(error) or "tell" in str(error):
            raise type(error)(
                f"{error}. You can only torch.load from a file that is seekable. Please pre-load "
                "the data into a buffer like io.BytesIO and try to load from it instead."
            ) from None
        raise


def _load_file(
    file: Any, path: Any, map_location: Any, module: Any, mmap: bool, options: dict[str, Any]
) -> Any:
    restore = restorer(map_location)
    try:
        if is_zipfile(file):
            return _load_zip(file, path, restore, module, mmap, options)
        if mmap:
            name = f"{path}, " if isinstance(path, str) else ""
            raise RuntimeError(
                f"mmap can only be used with files saved with `torch.save({name}"
                "_use_new_zipfile_serialization=True), please torch.save your checkpoint with this "
                "option in order to use mmap."
            )
        return legacy.load(file, restore, module, **options)
    except pickle.UnpicklingError as error:
        if module is not weights_only_unpickler:
            raise
        raise pickle.UnpicklingError(_weights_only_message(str(error))) from None


def _weights_only_message(text: str) -> str:
    if re.search(r"GLOBAL (\S+) was not an allowed global by default.", text):
        return (
            "Weights only load failed. This file can still be loaded, to do so you have two "
            "options, "
            "\033[1mdo those steps only if you trust the source of the checkpoint\033[0m. "
            f"\n\t(1) {UNSAFE_MESSAGE}\n\t(2) Alternatively, to load with `weights_only=True` "
            f"please "
            "check the recommended steps in the following error message.\n\tWeightsUnpickler "
            "error: "
            + text
            + _DOCS
        )
    if re.search(r"(\S+) must be (\S+) to load", text):
        return f"Weights only load failed. {text}\n {UNSAFE_MESSAGE}\n"
    found = f"Weights only load failed. {UNSAFE_MESSAGE}\n"
    if not re.search(r"whose module (\S+) is blocked", text):
        found += (
            "Please file an issue with the following so that we can make `weights_only=True` "
            "compatible with your use case: WeightsUnpickler error: "
        )
    return found + "\n\n" + text + _DOCS


def _load_zip(
    file: Any, path: Any, restore: Any, module: Any, mmap: bool, options: dict[str, Any]
) -> Any:
    archive = Reader(file)
    if archive.has_record("constants.pkl"):
        raise missing("torch.load of a TorchScript archive", "save the state_dict instead")
    if mmap and path is None:
        raise ValueError("f must be a file path in order to use the mmap argument")
    storages = _Storages(archive, path if mmap else None, restore)
    data = io.BytesIO(archive.get_record("data.pkl"))
    if module is weights_only_unpickler:
        reader: Any = weights_only_unpickler.Unpickler(data, **options)
        reader.persistent_load = storages.persistent_load
    else:
        reader = unpickler(module, data, storages.persistent_load, **options)
    return reader.load()


class _Storages:
    """The storages of an archive, each read once."""

    def __init__(self, archive: Reader, mapped_from: Any, restore: Any) -> None:
        self._archive = archive
        self._path = mapped_from
        self._restore = restore
        self._loaded: dict[Any, TypedStorage] = {}
        self._is_swapped = _byteorder(archive) != sys.byteorder

    def persistent_load(self, pid: Any) -> TypedStorage:
        """The storage that a persistent id names.

        Raises:
            RuntimeError: its record is missing, or of another size.
        """
        if not isinstance(pid, tuple):
            raise AssertionError(f"saved_id must be a tuple, got {type(pid).__name__}")
        name, *rest = pid
        name = name.decode("ascii") if isinstance(name, bytes) else name
        if name != "storage":
            raise AssertionError(
                f"Unknown typename for persistent_load, expected 'storage' but got '{name}'"
            )
        if len(rest) != 4 or not isinstance(rest[0], StorageType):
            raise RuntimeError(f"malformed storage reference {rest}; corrupt file?")
        kind, key, location, numel = rest
        found = self._loaded.get(key)
        if found is None:
            of = kind.dtype
            storage = UntypedStorage.of_array(self._bytes(key, numel * of.itemsize), cpu)
            if self._is_swapped:
                storage.byteswap(of)
            location = location.decode("ascii") if isinstance(location, bytes) else location
            placed = self._restore(storage, location)
            placed = placed._untyped_storage if isinstance(placed, TypedStorage) else placed
            found = self._loaded[key] = TypedStorage(wrap_storage=placed, dtype=of)
        return found

    def _bytes(self, key: Any, nbytes: int) -> np.ndarray:
        name = f"data/{key}"
        size = self._archive.size(name)
        if size != nbytes:
            raise RuntimeError(
                f"record size ({size} bytes) does not match expected size ({nbytes} bytes = "
                f"{nbytes} elements * 1 bytes/element) for dtype Byte"
            )
        if skipping():
            return np.zeros(nbytes, np.uint8)
        if self._path is not None:
            return self._archive.mapped(name, self._path)
        return np.frombuffer(self._archive.get_record(name), np.uint8)


def _byteorder(archive: Reader) -> str:
    if archive.has_record("byteorder"):
        found = archive.get_record("byteorder").decode(errors="replace")
        if found not in ("little", "big"):
            raise ValueError(f"Unknown endianness type: {found}")
        return found
    chosen = _options.endianness
    if chosen is LoadEndianness.NATIVE:
        return sys.byteorder
    return "big" if chosen is LoadEndianness.BIG else "little"


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The names in a checkpoint that ``weights_only`` would refuse.

    Raises:
        ValueError: it is no checkpoint of the zip format.
    """
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return get_unsafe_globals_in_checkpoint(file)
    if not is_zipfile(f):
        raise ValueError("Expected input to be a checkpoint returned by torch.save")
    archive = Reader(f)
    if archive.has_record("constants.pkl"):
        raise ValueError(
            "Expected input to be a checkpoint returned by torch.save but got a torchscript "
            "checkpoint"
        )
    try:
        names = globals_of(io.BytesIO(archive.get_record("data.pkl")))
    except ValueError:
        raise corrupt("reading file data.pkl: file read failed") from None
    return list(names - set(allowed_by_default()) - set(allowed_by_user()))


def _load_safetensors(path: str, map_location: Any) -> Any:
    from .safetensors_torch import load_file

    if isinstance(map_location, dict) or callable(map_location):
        form = "dict" if isinstance(map_location, dict) else "callable"
        raise RuntimeError(
            f"Loading safetensors file with {form} map_location is not supported. "
            "Use a device string or torch.device instead."
        )
    device = "cpu" if map_location is None else str(map_location)
    try:
        return load_file(path, device)
    except ModuleNotFoundError as error:
        raise RuntimeError(
            "Attempting to load a safetensors file but safetensors is not installed. "
            "Please install safetensors with: pip install safetensors"
        ) from error
