"""Between Pillow images, ndarrays and tensors."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ...core import dtypes
from ...core.build import from_host
from ...core.device import cpu
from ...core.tensor import Tensor
from ..pillow import image_of, is_pil_image
from . import _functional_tensor as F_t


def to_tensor(pic: Any) -> Tensor:
    """Bytes to floats in [0, 1], other types as they are.  ``(H, W[, C]) -> (C, H, W)``

    Raises:
        TypeError: neither a Pillow image nor an ndarray.
        ValueError: not 2 or 3 dims.
    """
    if isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        array = pic[:, :, None] if pic.ndim == 2 else pic
    elif is_pil_image(pic):
        array = _pil_array(pic)
        if pic.mode == "1":
            array = 255 * array.astype(np.uint8)
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    array = array.transpose((2, 0, 1))
    if array.dtype == np.uint8:
        of = dtypes.default_dtype().np
        return from_host(np.divide(array, of.type(255), dtype=of, order="C"), device=cpu)
    return from_host(array.copy(order="C"), device=cpu)


def _pil_array(pic: Any) -> np.ndarray:
    """``(H, W, C)``"""
    wide = "I;16" if sys.byteorder == "little" else "I;16B"
    kind = {"I": np.int32, wide: np.int16, "F": np.float32}.get(pic.mode, np.uint8)
    return np.asarray(pic).astype(kind, copy=False).reshape(pic.size[1], pic.size[0], -1)


def pil_to_tensor(pic: Any) -> Tensor:
    """The image's numbers, unscaled.  ``(H, W) image -> (C, H, W)``"""
    if not is_pil_image(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    array = np.array(pic)
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("="))
    array = array.reshape(pic.size[1], pic.size[0], -1).transpose((2, 0, 1))
    return from_host(np.ascontiguousarray(array), device=cpu)


def convert_image_dtype(image: Tensor, dtype: dtypes.dtype = dtypes.float32) -> Tensor:
    """Casts and scales so that white stays white.

    Raises:
        RuntimeError: float32 to int32 or int64, float64 to int64.
    """
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    return F_t.convert_image_dtype(image, dtype)


_MODES: dict[int, tuple[list[str], str, str]] = {
    2: (["LA"], "LA", "2D"),
    3: (["RGB", "YCbCr", "HSV"], "RGB", "3D"),
    4: (["RGBA", "CMYK", "RGBX"], "RGBA", "4D"),
}


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """``(C, H, W)`` tensor or ``(H, W, C)`` ndarray as an image; floats are taken times 255.

    Raises:
        TypeError, ValueError: no image, in torchvision's words.
    """
    if isinstance(pic, Tensor):
        array = F_t.host_contents(pic.detach().cpu())
        array = array.transpose((1, 2, 0)) if array.ndim == 3 else array
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3:
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    channels = array.shape[-1]
    if channels > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {channels} channels.")
    if np.issubdtype(array.dtype, np.floating) and mode != "F":
        array = (array * 255).astype(np.uint8)
    if channels == 1:
        mode = _single_channel_mode(array.dtype, mode)
        array = array[:, :, 0]
    else:
        permitted, usual, name = _MODES[channels]
        if mode is not None and mode not in permitted:
            raise ValueError(f"Only modes {permitted} are supported for {name} inputs")
        if mode is None and array.dtype == np.uint8:
            mode = usual
    if mode is None:
        raise TypeError(f"Input type {array.dtype} is not supported")
    return image_of(array, mode)


def _single_channel_mode(of: np.dtype, mode: str | None) -> str | None:
    wide = "I;16" if sys.byteorder == "little" else "I;16B"
    expected = {"uint8": "L", "int16": wide, "int32": "I", "float32": "F"}.get(of.name)
    if mode is not None and mode != expected:
        raise ValueError(
            f"Incorrect mode ({mode}) supplied for input type {np.dtype}. Should be {expected}"
        )
    return expected
