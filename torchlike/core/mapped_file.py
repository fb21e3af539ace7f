"""``torch.from_file``: a tensor whose memory is a file."""

from __future__ import annotations

import os
import weakref
from typing import Any

import numpy as np

from . import dtypes
from .build import from_host, from_numpy
from .dtypes import dtype as DType
from .errors import missing
from .tensor import Tensor

__all__ = ["from_file"]


def from_file(
    filename: str, shared: bool | None = None, size: int | None = 0, *, dtype: DType | None = None,
    layout: Any = None, device: Any = None, pin_memory: bool | None = False,
) -> Tensor:  # fmt: skip
    """The first ``size`` numbers of a file; ``shared`` writes what is written to the tensor.  ``-> (size)``

    Raises:
        RuntimeError: the file is not there, or too short.
    """
    of = dtypes.default_dtype() if dtype is None else dtype
    if device is not None and str(device) != "cpu":
        raise missing("from_file(device=...)", "call .to(device) on the result")
    count = size or 0
    if not count:
        return from_host(np.zeros(0, of.np), dtype=of)
    wanted = count * of.itemsize
    if not shared:
        try:
            have = os.stat(filename).st_size
        except OSError as error:
            raise RuntimeError(
                f"unable to open file <{filename}> in read-only mode: {error.strerror} ({error.errno})"
            ) from None
        if have < wanted:
            raise RuntimeError(
                f"file <{filename}> size <{have}> is smaller than the required mapping size <{wanted}>"
            )
        return from_numpy(np.array(np.memmap(filename, of.np, "r", shape=(count,))))
    mode = "r+" if os.path.exists(filename) and os.path.getsize(filename) >= wanted else "w+"
    if mode == "w+" and os.path.exists(filename):
        with open(filename, "r+b") as file:
            file.truncate(wanted)
        mode = "r+"
    memory = np.memmap(filename, of.np, mode, shape=(count,))
    array = memory.view(np.ndarray)
    made = from_numpy(array)
    # An array that nobody else holds would be let go; this one is held as long as the storage lives
    weakref.finalize(made._storage, _close, memory, array)
    return made


def _close(memory: np.memmap, array: np.ndarray) -> None:
    memory.flush()
