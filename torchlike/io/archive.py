"""PyTorch's checkpoint container: a zip file of uncompressed records, data aligned to 64 bytes."""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

ALIGNMENT = 64
_LOCAL_HEADER = 30
_CORRUPT = (
    "This is an internal miniz error. If you are seeing this error, there is a high likelihood "
    "that your "
    "checkpoint file is corrupted. This can happen if the checkpoint was not saved properly, was "
    "transferred incorrectly, or the file was modified after saving."
)


def corrupt(what: str) -> RuntimeError:
    return RuntimeError(f"PytorchStreamReader failed {what}. {_CORRUPT}")


class Writer:
    """Writes records into a folder of the archive."""

    def __init__(self, file: IO[bytes], folder: str) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._folder = folder

    def write_record(self, name: str, data: Any) -> None:
        """Adds a record of bytes, or of an ndarray's bytes."""
        view = memoryview(data).cast("B") if len(data) else b""
        info = zipfile.ZipInfo(f"{self._folder}/{name}")
        large = len(view) * 1.05 > zipfile.ZIP64_LIMIT  # zipfile adds its own 20 bytes then
        at = self._zip.fp.tell()  # type: ignore[union-attr]
        start = at + _LOCAL_HEADER + len(info.filename.encode()) + 4 + (20 if large else 0)
        padding = -start % ALIGNMENT
        info.extra = struct.pack("<2sH", b"FB", padding) + b"Z" * padding
        self._zip.writestr(info, view)

    def close(self) -> None:
        self._zip.close()


class Reader:
    """Reads the records of an archive; the bytes of uncompressed ones are not copied from a map."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        try:
            self._zip = zipfile.ZipFile(file, "r")
        except (zipfile.BadZipFile, struct.error, OverflowError, NotImplementedError, ValueError):
            raise corrupt("reading zip archive: failed finding central directory") from None
        self._size = file.seek(0, os.SEEK_END)
        entries = self._zip.infolist()
        if not entries:
            raise corrupt("reading zip archive: archive does not contain any files")
        folder, slash, _ = entries[0].filename.partition("/")
        if not slash:
            raise RuntimeError(f"file in archive is not in a subdirectory: {entries[0].filename}")
        self._records = {e.filename.removeprefix(folder + "/"): e for e in entries}

    def names(self) -> list[str]:
        return list(self._records)

    def has_record(self, name: str) -> bool:
        return name in self._records

    def size(self, name: str) -> int:
        return self._entry(name).file_size

    def get_record(self, name: str) -> bytes:
        """A record's bytes.

        Raises:
            RuntimeError: it is not there, or the file ends before it does.
        """
        entry = self._entry(name)
        if entry.compress_type == zipfile.ZIP_STORED and not entry.flag_bits & 1:
            self._file.seek(self.offset(name))
            found = self._file.read(entry.file_size)
            if len(found) != entry.file_size:
                raise corrupt(f"reading file {name}: file read failed")
            return found
        try:
            return self._zip.read(entry)
        except Exception:
            raise corrupt(f"reading file {name}: file read failed") from None

    def offset(self, name: str) -> int:
        """Where in the file a record's bytes begin."""
        entry = self._entry(name)
        self._file.seek(entry.header_offset)
        header = self._file.read(_LOCAL_HEADER)
        if len(header) < _LOCAL_HEADER or header[:4] != b"PK\x03\x04":
            raise corrupt(f"reading file {name}: invalid header or archive is corrupted")
        lengths = struct.unpack("<HH", header[26:30])
        start = entry.header_offset + _LOCAL_HEADER + sum(lengths)
        if start + entry.compress_size > self._size:
            raise corrupt(f"reading file {name}: file read failed")
        return start

    def mapped(self, name: str, path: str) -> np.ndarray:
        """A record as a copy-on-write map of the file."""
        entry = self._entry(name)
        if entry.compress_type != zipfile.ZIP_STORED:
            return np.frombuffer(self.get_record(name), np.uint8)
        if entry.file_size == 0:
            return np.empty(0, np.uint8)
        return np.memmap(path, np.uint8, "c", self.offset(name), (entry.file_size,))

    def _entry(self, name: str) -> zipfile.ZipInfo:
        found = self._records.get(name)
        if found is None:
            raise corrupt(f"locating file {name}: file not found")
        return found


def is_zipfile(file: IO[bytes]) -> bool:
    """Whether a zip archive starts at the file's position."""
    start = file.tell()
    magic = file.read(4)
    file.seek(start)
    return magic == b"PK\x03\x04"


@contextmanager
def replacing(path: str) -> Iterator[IO[bytes]]:
    """A file that takes ``path``'s place when all was written, and leaves it alone otherwise.

    Raises:
        RuntimeError: the folder is not there.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise RuntimeError(f"Parent directory {os.path.dirname(path) or '.'} does not exist.")
    if target.exists() and not target.is_file():
        if target.is_dir():
            raise RuntimeError(f"File {path} cannot be opened.")
        with open(target, "wb") as device:  # /dev/null, a pipe
            yield device
        return
    half = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(half, "wb") as file:
            yield file
        if target.exists():
            os.chmod(half, target.stat().st_mode & 0o7777)
        os.replace(half, target)
    finally:
        half.unlink(missing_ok=True)
