"""The format before PyTorch 1.6: a row of pickles, then the storages."""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.device import cpu
from ..core.errors import missing
from . import weights_only
from .pickling import StorageTable, TorchPickler, unpickler
from .storage import StorageType, TypedStorage, UntypedStorage

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001


def save(obj: object, file: Any, protocol: int) -> None:
    """Writes the old format."""
    sizes = {"short": 2, "int": 4, "long": 4}
    info = {
        "protocol_version": PROTOCOL_VERSION, "little_endian": sys.byteorder == "little",
        "type_sizes": sizes,
    }  # fmt: skip
    for part in (MAGIC_NUMBER, PROTOCOL_VERSION, info):
        pickle.dump(part, file, protocol=protocol)
    table = StorageTable(legacy=True)
    TorchPickler(file, table, protocol).dump(obj)
    keys = sorted(table.storages)
    pickle.dump(keys, file, protocol=protocol)
    for key in keys:
        storage = table.storages[key]
        numel = storage.nbytes() // table.dtypes[key].itemsize
        file.write(struct.pack("<q", numel))
        file.write(storage.numpy().tobytes())


def load(file: Any, restore: Callable[[Any, str], Any], module: Any, **options: Any) -> Any:
    """Reads the old format; ``module`` is pickle or the like, or ``weights_only``.

    Raises:
        RuntimeError: it is no checkpoint, or it ends too early.
    """
    start = file.tell()
    if _is_tar(file):
        raise missing("torch.load of the .tar format of PyTorch 0.1", "save it anew with PyTorch")
    file.seek(start)
    if module.load(file, **options) != MAGIC_NUMBER:
        raise RuntimeError("Invalid magic number; corrupt file?")
    version = module.load(file, **options)
    if version != PROTOCOL_VERSION:
        raise RuntimeError(f"Invalid protocol version: {version}")
    module.load(file, **options)  # the writer's type sizes
    room = _bytes_left(file)
    loaded: dict[Any, TypedStorage] = {}
    arrays: dict[Any, np.ndarray] = {}

    def persistent_load(pid: Any) -> Any:
        kind, key, location, numel, view = _parts(pid)
        if key not in loaded:
            # Storages stand after the objects that use them: filled below, in place.
            arrays[key] = np.empty(_claimed(numel * kind.dtype.itemsize, room), np.uint8)
            storage = restore(UntypedStorage.of_array(arrays[key], cpu), location)
            loaded[key] = TypedStorage(wrap_storage=_untyped(storage), dtype=kind.dtype)
        found = loaded[key]
        if view is None:
            return found
        view_key, offset, size = view
        if view_key not in loaded:
            width = kind.dtype.itemsize
            part = found._untyped_storage[offset * width : (offset + size) * width]
            loaded[view_key] = TypedStorage(wrap_storage=part, dtype=kind.dtype)
        return loaded[view_key]

    result = _unpickler(file, module, persistent_load, options).load()
    for key in module.load(file, **options):
        if key not in arrays:
            raise AssertionError(f"storage key {key!r} not found in deserialized_objects")
        _fill(file, arrays[key], loaded[key].dtype.itemsize)
    for storage in loaded.values():
        storage._untyped_storage.refresh()
    return result


def _bytes_left(file: Any) -> int:
    at = file.tell()
    end = file.seek(0, 2)
    file.seek(at)
    return end - at


def _claimed(nbytes: int, room: int) -> int:
    """The size of a storage, unless the file cannot hold so many bytes."""
    if not 0 <= nbytes <= room:
        raise RuntimeError(
            f"unexpected EOF, expected {nbytes - room} more bytes. The file might be corrupted."
        )
    return nbytes


def _fill(file: Any, array: np.ndarray, width: int) -> None:
    numel = struct.unpack("<q", _exactly(file, 8))[0]
    if numel * width != array.nbytes:
        raise RuntimeError(
            f"storage has wrong byte size: expected {array.nbytes} got {numel * width}"
        )
    array[:] = np.frombuffer(_exactly(file, array.nbytes), np.uint8)


def _unpickler(file: Any, module: Any, persistent_load: Any, options: dict[str, Any]) -> Any:
    if module is weights_only:
        made: Any = weights_only.Unpickler(file, **options)
        made.persistent_load = persistent_load
        return made
    return unpickler(module, file, persistent_load, **options)


def _untyped(storage: Any) -> UntypedStorage:
    return storage._untyped_storage if isinstance(storage, TypedStorage) else storage


def _parts(pid: Any) -> tuple[Any, ...]:
    if not isinstance(pid, tuple):
        raise AssertionError(f"saved_id must be a tuple, got {type(pid).__name__}")
    name = pid[0].decode("ascii") if isinstance(pid[0], bytes) else pid[0]
    if name != "storage":
        raise RuntimeError(f"Unknown saved id type: {name}")
    kind, key, location, numel, view = pid[1:]
    if not isinstance(kind, StorageType):
        raise RuntimeError(f"Unknown storage type: {kind}")
    if isinstance(location, bytes):
        location = location.decode("ascii")
    return kind, key, location, numel, view


def _exactly(file: Any, n: int) -> bytes:
    data = file.read(n) if n >= 0 else b""
    if len(data) != n:
        raise RuntimeError(
            f"unexpected EOF, expected {n - len(data)} more bytes. The file might be corrupted."
        )
    return data


def _is_tar(file: Any) -> bool:
    head = file.read(512)
    return len(head) == 512 and head[257:262] == b"ustar"
