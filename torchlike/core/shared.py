"""Memory shared with NumPy, as ``t.numpy()`` and ``torch.from_numpy(a)`` promise, both ways.

While an ndarray and a tensor share contents, the tensor's storage is a ``SharedStorage``: the ndarray
holds the truth, a read compares it with the last snapshot, a write goes into it. When nobody else
holds the ndarray any more, the storage turns back into an ordinary one, so sharing costs nothing later.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any

import numpy as np

from .tensor import Storage
from .value import Value, on_host

_plain: Any = Storage.__dict__["value"]  # the slot that ``SharedStorage.value`` hides


class SharedStorage(Storage):
    """A storage whose truth is an ndarray; ``host`` is the array, or a weak reference to it."""

    __slots__ = ()

    @property
    def value(self) -> Value:  # type: ignore[override]
        """The current contents, from the ndarray if it was changed."""
        snapshot: Value = _plain.__get__(self)
        array = _living(self.host)
        if array is None:
            self.__class__ = Storage
            return snapshot
        if not _same(array, on_host(snapshot)):
            snapshot = Value(snapshot.aval, array.copy())
            _plain.__set__(self, snapshot)
            self.epoch += 1
        if isinstance(self.host, np.ndarray) and sys.getrefcount(self.host) <= 3:
            self.__class__ = Storage  # only the slot, the local name and the call hold it
            self.host = None
        return snapshot

    @value.setter
    def value(self, new: Value) -> None:
        array = _living(self.host)
        _plain.__set__(self, new)
        if array is None or new.aval.shape != array.shape:
            self.__class__ = Storage
        else:
            np.copyto(array, on_host(new))


def _living(host: Any) -> np.ndarray | None:
    return host() if isinstance(host, weakref.ref) else host


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal bit for bit, so that NaN equals itself."""
    if a.dtype.kind in "biu":
        return bool(np.array_equal(a, b))
    kind = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64, 16: np.complex128}[
        a.dtype.itemsize
    ]
    if kind is np.complex128:
        return bool(np.array_equal(a, b, equal_nan=True))
    return bool(
        np.array_equal(np.ascontiguousarray(a).view(kind), np.ascontiguousarray(b).view(kind))
    )


def share_out(storage: Storage) -> np.ndarray:
    """A writable ndarray of the whole storage, which stays in step with it while it lives."""
    if type(storage) is SharedStorage:
        array = _living(storage.host)
        if array is not None:
            return array
    array = np.array(on_host(storage.value))
    storage.host = weakref.ref(array)
    storage.__class__ = SharedStorage
    return array


def share_in(storage: Storage, array: np.ndarray) -> None:
    """Makes ``array``, which the user made, the truth of a new storage."""
    storage.host = array
    storage.__class__ = SharedStorage
