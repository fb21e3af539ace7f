"""Objects between the loader and its workers: by value, arrays apart from the rest.

cloudpickle carries functions and classes of ``__main__`` and notebooks; arrays and tensors travel as
raw buffers: the dataset in an unlinked file that every worker maps copy-on-write, batches in shared
memory segments that live from the worker's write to the loader's read.
"""

from __future__ import annotations

import collections
import contextlib
import io
import mmap
import os
import pickle
import tempfile
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

from ....core import dtypes
from ....core.build import from_host
from ....core.device import cpu
from ....core.tensor import Tensor
from .collate import host_contents
from .exception import ExceptionWrapper

INLINE_BYTES = 1 << 15  # below this a message goes through the pipe itself
_ALIGN = 64  # XLA takes aligned host memory without a copy
_SHARED_FOLDER = "/dev/shm"


def dump(obj: Any) -> tuple[bytes, list[memoryview]]:
    """The pickle, and the raw buffers of its arrays.

    Raises:
        ImportError: cloudpickle is not installed.
    """
    file = io.BytesIO()
    buffers: list[pickle.PickleBuffer] = []
    _pickler(file, buffers.append).dump(obj)
    return file.getvalue(), [buffer.raw() for buffer in buffers]


def _pickler(file: io.BytesIO, take: Any) -> Any:
    try:
        import cloudpickle
    except ModuleNotFoundError as error:
        raise ImportError(
            "DataLoader(num_workers > 0) needs cloudpickle\nhint: pip install 'torchlike[data]'"
        ) from error

    class Pickler(cloudpickle.Pickler):
        """Tensors on the host as raw arrays."""

        def reducer_override(self, obj: Any) -> Any:
            if type(obj) is not Tensor:
                return super().reducer_override(obj)
            if obj.requires_grad and not obj.is_leaf:
                raise RuntimeError(
                    "Cowardly refusing to serialize non-leaf tensor which requires_grad, since "
                    "autograd does not support crossing process boundaries.  If you just want to "
                    "transfer the data, call detach() on the tensor before serializing (e.g., "
                    "putting it on the queue)."
                )
            array: Any = np.ascontiguousarray(host_contents(obj)).reshape(-1).view(np.uint8)
            head = (obj.dtype.name, tuple(obj.shape), obj.requires_grad)
            return _rebuilt_tensor, (pickle.PickleBuffer(array), *head)

    return Pickler(file, protocol=5, buffer_callback=take)


def _rebuilt_tensor(buffer: Any, dtype: str, shape: tuple[int, ...], requires_grad: bool) -> Tensor:
    array = np.frombuffer(buffer, dtypes.by_name(dtype).np).reshape(shape)
    return from_host(array, device=cpu, requires_grad=requires_grad)


def _aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN


def _offsets(sizes: list[int]) -> list[int]:
    offsets, at = [], 0
    for size in sizes:
        offsets.append(at)
        at += _aligned(size)
    return [*offsets, at]


# --- the dataset: one file for all workers ---------------------------------------------------


def dump_file(obj: Any) -> Any:
    """An open, nameless file with the object; pass its descriptor on and close it."""
    data, buffers = dump(obj)
    sizes = [buffer.nbytes for buffer in buffers]
    head = pickle.dumps((len(data), sizes))
    folder = _SHARED_FOLDER if os.path.isdir(_SHARED_FOLDER) else None
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - the caller closes it
    file.write(len(head).to_bytes(8, "little") + head + data)
    at = _aligned(8 + len(head) + len(data))
    for buffer, offset in zip(buffers, _offsets(sizes), strict=False):
        file.seek(at + offset)
        file.write(buffer)
    file.flush()
    return file


def load_file(descriptor: int) -> Any:
    """The object of a file that ``dump_file`` wrote, its arrays over private pages of that file."""
    pages = mmap.mmap(descriptor, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    os.close(descriptor)
    view = memoryview(pages)
    head_end = 8 + int.from_bytes(view[:8], "little")
    length, sizes = pickle.loads(view[8:head_end])
    at = _aligned(head_end + length)
    buffers = [
        view[at + offset : at + offset + size]
        for offset, size in zip(_offsets(sizes), sizes, strict=False)
    ]
    return pickle.loads(view[head_end : head_end + length], buffers=buffers)


# --- batches: a segment each -----------------------------------------------------------------


@contextlib.contextmanager
def _untracked() -> Iterator[None]:
    """No resource tracker process: segments are named so that the loader can clear them itself."""
    register, unregister = resource_tracker.register, resource_tracker.unregister
    resource_tracker.register = resource_tracker.unregister = lambda name, rtype: None
    try:
        yield
    finally:
        resource_tracker.register, resource_tracker.unregister = register, unregister


def discard(name: str) -> None:
    """Free a segment that nobody will read, if it is there."""
    with _untracked(), contextlib.suppress(FileNotFoundError):
        segment = SharedMemory(name)
        segment.close()
        segment.unlink()


class Outbox:
    """The worker's side: message ``n`` travels in the segment ``prefix + n``."""

    def __init__(self, connection: Connection, prefix: str, kept: int = 4096) -> None:
        self._connection = connection
        self._prefix = prefix
        self._sent = 0
        self._names: collections.deque[str] = collections.deque(maxlen=kept)

    def send(self, message: tuple[Any, Any]) -> None:
        """Send; what can't be pickled goes as the exception that says so."""
        try:
            data, buffers = dump(message)
        except Exception:
            data, buffers = dump(
                (message[0], ExceptionWrapper(where="in DataLoader worker process"))
            )
        sizes = [buffer.nbytes for buffer in buffers]
        name = f"{self._prefix}{self._sent}"
        self._sent += 1
        if len(data) + sum(sizes) < INLINE_BYTES:
            self._connection.send_bytes(pickle.dumps((None, data, [bytes(b) for b in buffers])))
            return
        parts = [memoryview(data), *buffers]
        offsets = _offsets([part.nbytes for part in parts])
        with _untracked():
            segment = SharedMemory(name, create=True, size=offsets[-1])
        self._names.append(name)
        room: Any = segment.buf
        for part, offset in zip(parts, offsets, strict=False):
            room[offset : offset + part.nbytes] = part
        del room
        segment.close()
        self._connection.send_bytes(pickle.dumps((name, [part.nbytes for part in parts], None)))

    def discard(self) -> None:
        """Free what was sent and perhaps not read."""
        for name in self._names:
            discard(name)


def receive(message: bytes) -> Any:
    """The object of a message; its segment is freed."""
    name, sizes, inline = pickle.loads(message)
    if name is None:
        return pickle.loads(sizes, buffers=[bytearray(buffer) for buffer in inline])
    with _untracked():
        segment = SharedMemory(name)
        room: Any = segment.buf
        try:
            # A copy for each array: a label that is kept must not keep the images of its batch
            parts = [
                _copied(room[offset : offset + size])
                for offset, size in zip(_offsets(sizes), sizes, strict=False)
            ]
        finally:
            del room
            segment.close()
            segment.unlink()
    return pickle.loads(parts[0], buffers=parts[1:])


def _copied(part: memoryview) -> memoryview:
    room: Any = np.empty(part.nbytes + _ALIGN, np.uint8)
    start = -room.ctypes.data % _ALIGN
    room[start : start + part.nbytes] = part
    return memoryview(room[start : start + part.nbytes])


def forget(message: bytes) -> None:
    """Free a message that nobody wants any more."""
    name = pickle.loads(message)[0]
    if name is not None:
        discard(name)
