"""IDX files: a magic number, big-endian dims, then the numbers."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from ...core.build import from_host
from ...core.device import cpu
from ...core.shapes import shape_text
from ...core.tensor import Tensor

_TYPES = {8: np.uint8, 9: np.int8, 11: np.int16, 12: np.int32, 13: np.float32, 14: np.float64}


def read_sn3_pascalvincent_tensor(path: str, strict: bool = True) -> Tensor:
    """The tensor in an IDX file.

    Raises:
        AssertionError: no IDX file. RuntimeError: it ends early or has too much.
    """
    with open(path, "rb") as file:
        data = file.read()
    magic = int.from_bytes(data[:4], "big")
    ndim, kind = magic % 256, magic // 256
    if not 1 <= ndim <= 3 or kind not in _TYPES or len(data) < 4 * (ndim + 1):
        raise AssertionError(f"not an IDX file: {path}")
    shape = struct.unpack_from(f">{ndim}I", data, 4)
    of = np.dtype(_TYPES[kind]).newbyteorder(">")
    start = 4 * (ndim + 1)
    count = (len(data) - start) // of.itemsize
    if count != math.prod(shape):
        raise RuntimeError(
            f"shape '{shape_text(shape)}' is invalid for input of size {count}\n"
            f"hint: {path} is damaged; delete it and download it again"
        )
    numbers = np.frombuffer(data, of, count, start).reshape(shape)
    return from_host(numbers.astype(of.newbyteorder("=")), device=cpu)


def _checked(path: str, ndim: int) -> Any:
    x: Any = read_sn3_pascalvincent_tensor(path, strict=False)
    if x.dtype.np != np.uint8:
        raise TypeError(f"x should be of dtype torch.uint8 instead of {x.dtype}")
    if x.ndim != ndim:
        raise ValueError(f"x should have {ndim} dimension instead of {x.ndim}")
    return x


def read_label_file(path: str) -> Tensor:
    """``-> (N,)`` int64"""
    return from_host(_checked(path, 1)._v.array.astype(np.int64), device=cpu)


def read_image_file(path: str) -> Tensor:
    """``-> (N, H, W)`` uint8"""
    return _checked(path, 3)
