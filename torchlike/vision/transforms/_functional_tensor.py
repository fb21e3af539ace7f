"""Transforms of tensors ``(..., C, H, W)``.

What runs once per sample (normalise, flip, crop, constant pad) is done in NumPy for a tensor on the
host that records no gradient; everything else is made of torch functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...api import functional as F, torch as T
from ...core import dtypes
from ...core.build import as_tensor, from_host, tensor
from ...core.device import cpu
from ...core.tensor import Tensor
from ...utils.data._utils.collate import host_contents, is_plain_on_host
from ._functional_pil import check_pad_arguments, four_sides

_WHOLE = (dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64)


def check_image(img: Any) -> None:
    if not isinstance(img, Tensor) or img.ndim < 2:
        raise TypeError("Tensor is not a torch image.")


def get_dimensions(img: Tensor) -> list[int]:
    check_image(img)
    return [1 if img.ndim == 2 else img.shape[-3], *img.shape[-2:]]


def _check_channels(img: Tensor, permitted: list[int]) -> int:
    channels = get_dimensions(img)[0]
    if channels not in permitted:
        raise TypeError(
            f"Input image tensor permitted channel values are {permitted}, but found {channels}"
        )
    return channels


def _check_ndim(img: Tensor) -> None:
    check_image(img)
    if img.ndim < 3:
        raise TypeError(
            f"Input image tensor should have at least 3 dimensions, but found {img.ndim}"
        )


def max_value(dtype: dtypes.dtype) -> int:
    """White: the largest whole number, or 1."""
    if dtype.category != dtypes.INTEGRAL:
        return 1
    return int(np.iinfo(dtype.np).max)


def on_host_or(
    img: Tensor, host: Callable[[np.ndarray], np.ndarray], general: Callable[[Tensor], Tensor]
) -> Tensor:
    """``host(array)`` as a tensor if the image's numbers are at hand, else ``general(img)``."""
    if type(img) is Tensor and is_plain_on_host(img):
        return from_host(np.ascontiguousarray(host(host_contents(img))), device=cpu)
    return general(img)


# --- geometry --------------------------------------------------------------------------------


def hflip(img: Tensor) -> Tensor:
    check_image(img)
    return on_host_or(img, lambda a: a[..., ::-1], lambda t: t.flip(-1))


def vflip(img: Tensor) -> Tensor:
    check_image(img)
    return on_host_or(img, lambda a: a[..., ::-1, :], lambda t: t.flip(-2))


def crop(img: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    _, h, w = get_dimensions(img)
    right, bottom = left + width, top + height
    rows, columns = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
    part = on_host_or(img, lambda a: a[..., rows, columns].copy(), lambda t: t[..., rows, columns])
    if left >= 0 and top >= 0 and right <= w and bottom <= h:
        return part
    sides = [
        max(-left + min(0, right), 0),
        max(-top + min(0, bottom), 0),
        max(right - max(w, left), 0),
        max(bottom - max(h, top), 0),
    ]
    return pad(part, sides, fill=0)


def pad(img: Tensor, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Tensor:
    check_image(img)
    check_pad_arguments(padding, fill, padding_mode, (int, float))
    left, top, right, bottom = four_sides(padding)
    value = float(fill or 0)
    if padding_mode == "constant" and min(left, top, right, bottom) >= 0:
        widths = [(0, 0)] * (img.ndim - 2) + [(top, bottom), (left, right)]
        return on_host_or(
            img,
            lambda a: np.pad(a, widths, constant_values=np.asarray(value).astype(a.dtype)),
            lambda t: F.pad(t, [left, right, top, bottom], value=value),
        )
    if padding_mode == "symmetric":
        return _pad_symmetric(img, left, right, top, bottom)
    mode = "replicate" if padding_mode == "edge" else padding_mode
    work, restore = _batched(img, any_dtype=mode == "constant")
    extra = {"value": value} if mode == "constant" else {}
    return restore(F.pad(work, [left, right, top, bottom], mode=mode, **extra))


def _pad_symmetric(img: Tensor, left: int, right: int, top: int, bottom: int) -> Tensor:
    if img.ndim not in (3, 4):
        raise RuntimeError("Symmetric padding of N-D tensors are not supported yet")
    height, width = img.shape[-2:]
    img = img[..., max(-top, 0) : height - max(-bottom, 0), max(-left, 0) : width - max(-right, 0)]
    rows = np.pad(np.arange(img.shape[-2]), (max(top, 0), max(bottom, 0)), mode="symmetric")
    columns = np.pad(np.arange(img.shape[-1]), (max(left, 0), max(right, 0)), mode="symmetric")
    return img[..., as_tensor(rows)[:, None], as_tensor(columns)[None, :]]


def _batched(img: Tensor, *, any_dtype: bool = False) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The image as ``(N, C, H, W)`` in a floating dtype, and the way back."""
    of, ndim = img.dtype, img.ndim
    work = img[None] if ndim < 4 else img
    if not any_dtype and of not in (dtypes.float32, dtypes.float64):
        work = work.to(dtypes.float32)

    def restore(out: Tensor) -> Tensor:
        out = out[0] if ndim < 4 else out
        if out.dtype is of:
            return out
        return (out.round() if of in _WHOLE else out).to(of)

    return work, restore


def resize(
    img: Tensor, size: Sequence[int], interpolation: str = "bilinear", antialias: bool | None = True
) -> Tensor:
    check_image(img)
    smooth = interpolation in ("bilinear", "bicubic")
    work, restore = _batched(img)
    out = F.interpolate(
        work,
        size=list(size),
        mode=interpolation,
        align_corners=False if smooth else None,
        antialias=bool(antialias) and smooth,
    )
    if interpolation == "bicubic" and img.dtype is dtypes.uint8:
        out = out.clamp(min=0, max=255)
    return restore(out)


def _check_grid_arguments(img: Tensor, fill: Any, interpolation: str) -> None:
    channels = get_dimensions(img)[0]
    if isinstance(fill, (tuple, list)) and len(fill) > 1 and len(fill) != channels:
        raise ValueError(
            "The number of elements in 'fill' cannot broadcast to match the number of "
            f"channels of the image ({len(fill)} != {channels})"
        )
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"Interpolation mode '{interpolation}' is unsupported with Tensor input")


def _sampled(img: Tensor, grid: np.ndarray, mode: str, fill: Any) -> Tensor:
    """The image at the grid's places, ``fill`` outside.  grid ``(1, oh, ow, 2)``"""
    work, restore = _batched(img)
    points = as_tensor(grid).to(work.dtype).expand(work.shape[0], *grid.shape[1:])
    if fill is not None:
        # One more channel says how much of a pixel comes from inside the image
        work = T.cat((work, T.ones_like(work[:, :1])), dim=1)
    out = F.grid_sample(work, points, mode=mode, padding_mode="zeros", align_corners=False)
    if fill is not None:
        mask, out = out[:, -1:].expand_as(out[:, :-1]), out[:, :-1]
        numbers = list(fill) if isinstance(fill, (tuple, list)) else [float(fill)]
        color = tensor(numbers, dtype=out.dtype).view(1, -1, 1, 1).expand_as(out)
        out = T.where(mask < 0.5, color, out) if mode == "nearest" else (
            out * mask + (1.0 - mask) * color
        )  # fmt: skip
    return restore(out)


def _base_grid(oh: int, ow: int, x0: float, y0: float, of: np.dtype) -> np.ndarray:
    """``(x, y, 1)`` of each output pixel.  ``-> (oh * ow, 3)``"""
    x = np.arange(ow, dtype=np.float64) + x0
    y = np.arange(oh, dtype=np.float64) + y0
    columns, rows = np.meshgrid(x, y)
    return np.stack([columns, rows, np.ones_like(rows)], -1).reshape(-1, 3).astype(of)


def _affine_grid(matrix: list[float], img: Tensor, ow: int, oh: int) -> np.ndarray:
    of = img.dtype.np if img.dtype.is_floating_point else np.dtype(np.float32)
    h, w = img.shape[-2:]
    theta = np.array(matrix, of).reshape(2, 3).T / np.array([0.5 * w, 0.5 * h], of)
    base = _base_grid(oh, ow, -ow * 0.5 + 0.5, -oh * 0.5 + 0.5, of)
    return (base @ theta).reshape(1, oh, ow, 2)


def affine(
    img: Tensor, matrix: list[float], interpolation: str = "nearest", fill: Any = None
) -> Tensor:
    _check_grid_arguments(img, fill, interpolation)
    h, w = img.shape[-2:]
    return _sampled(img, _affine_grid(matrix, img, w, h), interpolation, fill)


def rotate(
    img: Tensor,
    matrix: list[float],
    interpolation: str = "nearest",
    expand: bool = False,
    fill: Any = None,
) -> Tensor:
    _check_grid_arguments(img, fill, interpolation)
    h, w = img.shape[-2:]
    ow, oh = _rotated_size(matrix, w, h) if expand else (w, h)
    return _sampled(img, _affine_grid(matrix, img, ow, oh), interpolation, fill)


def _rotated_size(matrix: list[float], w: int, h: int) -> tuple[int, int]:
    """(width, height) that holds all corners; computed in float32, as torchvision does."""
    corners = np.array([[-w, -h], [-w, h], [w, h], [w, -h]], np.float32) * np.float32(0.5)
    points = np.concatenate([corners, np.ones((4, 1), np.float32)], 1)
    moved = points @ np.array(matrix, np.float32).reshape(2, 3).T
    half = np.array([w * 0.5, h * 0.5], np.float32)
    tol = np.float32(1e-4)
    most = np.ceil(np.trunc((moved.max(0) + half) / tol) * tol)
    least = np.floor(np.trunc((moved.min(0) + half) / tol) * tol)
    return int(most[0] - least[0]), int(most[1] - least[1])


def perspective(
    img: Tensor, coeffs: list[float], interpolation: str = "bilinear", fill: Any = None
) -> Tensor:
    _check_grid_arguments(img, fill, interpolation)
    of = img.dtype.np if img.dtype.is_floating_point else np.dtype(np.float32)
    oh, ow = img.shape[-2:]
    base = _base_grid(oh, ow, 0.5, 0.5, of)
    scale = np.array([0.5 * ow, 0.5 * oh], of)
    above = base @ (np.array([coeffs[:3], coeffs[3:6]], of).T / scale)
    below = base @ np.array([[*coeffs[6:8], 1.0]] * 2, of).T
    return _sampled(img, (above / below - 1.0).reshape(1, oh, ow, 2), interpolation, fill)


# --- values ------------------------------------------------------------------------------------


def convert_image_dtype(image: Tensor, dtype: dtypes.dtype = dtypes.float32) -> Tensor:
    of = image.dtype
    if of is dtype:
        return image
    if of.is_floating_point:
        if dtype.is_floating_point:
            return image.to(dtype)
        if (of is dtypes.float32 and dtype in (dtypes.int32, dtypes.int64)) or (
            of is dtypes.float64 and dtype is dtypes.int64
        ):
            raise RuntimeError(f"The cast from {of} to {dtype} cannot be performed safely.")
        # Whites between max and max + 1 are as likely as every other level
        return image.mul(float(max_value(dtype)) + 1.0 - 1e-3).to(dtype)
    if dtype.is_floating_point:
        white = max_value(of)
        return on_host_or(
            image,
            lambda a: a.astype(dtype.np) / dtype.np.type(white),
            lambda t: t.to(dtype) / float(white),
        )
    if max_value(of) > max_value(dtype):
        factor = (max_value(of) + 1) // (max_value(dtype) + 1)
        return T.div(image, factor, rounding_mode="floor").to(dtype)
    return image.to(dtype) * ((max_value(dtype) + 1) // (max_value(of) + 1))


def normalize(
    tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    check_image(tensor)
    of = tensor.dtype
    if not of.is_floating_point:
        raise TypeError(f"Input tensor should be a float tensor. Got {of}.")
    if tensor.ndim < 3:
        raise ValueError(
            "Expected tensor to be a tensor image of size (..., C, H, W). "
            f"Got tensor.size() = {tensor.size()}"
        )
    center, spread = (_channel_numbers(numbers, of) for numbers in (mean, std))
    if (spread == 0).any():
        raise ValueError(
            f"std evaluated to zero after conversion to {of}, leading to division by zero."
        )

    def in_torch(t: Tensor) -> Tensor:
        out = t if inplace else t.clone()
        low, scale = (from_host(a, device=t.device) for a in (center, spread))
        return out.sub_(low).div_(scale)

    if inplace:
        return in_torch(tensor)
    return on_host_or(tensor, lambda a: (a - center) / spread, in_torch)


def _channel_numbers(numbers: Any, of: dtypes.dtype) -> np.ndarray:
    if isinstance(numbers, Tensor):
        numbers = host_contents(numbers)
    array = np.asarray(numbers).astype(of.np)
    return array.reshape(-1, 1, 1) if array.ndim == 1 else array


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Tensor:
    check_image(img)
    out = img if inplace else img.clone()
    out[..., i : i + h, j : j + w] = v
    return out
