"""Colours of tensors ``(..., C, H, W)``, C = 1 or 3; formulas and dtypes are torchvision's."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...api import functional as F, torch as T
from ...core import dtypes
from ...core.build import as_tensor, from_host
from ...core.tensor import Tensor
from ._functional_tensor import (
    _batched,
    _check_channels,
    _check_ndim,
    check_image,
    convert_image_dtype,
    max_value,
)


def _floating(img: Tensor) -> dtypes.dtype:
    return img.dtype if img.dtype.is_floating_point else dtypes.float32


def rgb_to_grayscale(img: Tensor, num_output_channels: int = 1) -> Tensor:
    if img.ndim < 3:
        raise TypeError(
            f"Input image tensor should have at least 3 dimensions, but found {img.ndim}"
        )
    channels = _check_channels(img, [1, 3])
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if channels == 3:
        r, g, b = img.unbind(dim=-3)
        gray = (0.2989 * r + 0.587 * g + 0.114 * b).to(img.dtype).unsqueeze(dim=-3)
    else:
        gray = img.clone()
    return gray.expand(img.shape) if num_output_channels == 3 else gray


def _blend(img1: Tensor, img2: Tensor, ratio: float) -> Tensor:
    mixed = float(ratio) * img1 + (1.0 - float(ratio)) * img2
    return mixed.clamp(0, max_value(img1.dtype)).to(img1.dtype)


def _check_factor(factor: float, name: str) -> None:
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")


def adjust_brightness(img: Tensor, brightness_factor: float) -> Tensor:
    _check_factor(brightness_factor, "brightness_factor")
    _check_channels(img, [1, 3])
    return _blend(img, T.zeros_like(img), brightness_factor)


def adjust_contrast(img: Tensor, contrast_factor: float) -> Tensor:
    _check_factor(contrast_factor, "contrast_factor")
    gray = rgb_to_grayscale(img) if _check_channels(img, [3, 1]) == 3 else img
    mean = T.mean(gray.to(_floating(img)), dim=(-3, -2, -1), keepdim=True)
    return _blend(img, mean, contrast_factor)


def adjust_saturation(img: Tensor, saturation_factor: float) -> Tensor:
    _check_factor(saturation_factor, "saturation_factor")
    if _check_channels(img, [1, 3]) == 1:
        return img
    return _blend(img, rgb_to_grayscale(img), saturation_factor)


def adjust_hue(img: Tensor, hue_factor: float) -> Tensor:
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if _check_channels(img, [1, 3]) == 1:
        return img
    h, s, v = _rgb2hsv(convert_image_dtype(img, dtypes.float32))
    return convert_image_dtype(_hsv2rgb((h + hue_factor) % 1.0, s, v), img.dtype)


def _rgb2hsv(img: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    r, g, b = img.unbind(dim=-3)
    high, low = T.amax(img, dim=-3), T.amin(img, dim=-3)
    is_gray = high == low
    one = T.ones_like(high)
    spread = high - low
    saturation = spread / T.where(is_gray, one, high)
    divisor = T.where(is_gray, one, spread)  # a gray has no hue; any finite one will do
    rc, gc, bc = (high - r) / divisor, (high - g) / divisor, (high - b) / divisor
    is_red, is_green = high == r, (high == g) & (high != r)
    is_blue = (high != g) & (high != r)
    hue = is_red * (bc - gc) + is_green * (2.0 + rc - bc) + is_blue * (4.0 + gc - rc)
    return T.fmod(hue / 6.0 + 1.0, 1.0), saturation, high


def _hsv2rgb(h: Tensor, s: Tensor, v: Tensor) -> Tensor:
    sector = T.floor(h * 6.0)
    f = h * 6.0 - sector
    p = T.clamp(v * (1.0 - s), 0.0, 1.0)
    q = T.clamp(v * (1.0 - s * f), 0.0, 1.0)
    t = T.clamp(v * (1.0 - s * (1.0 - f)), 0.0, 1.0)
    sector = sector.to(dtypes.int32) % 6
    channels = []
    for choices in ((v, q, p, p, t, v), (t, v, v, q, p, p), (p, p, t, v, v, q)):
        out = T.zeros_like(v)
        for i, choice in enumerate(choices):
            out = T.where(sector == i, choice, out)
        channels.append(out)
    return T.stack(channels, dim=-3)


def adjust_gamma(img: Tensor, gamma: float, gain: float = 1) -> Tensor:
    _check_channels(img, [1, 3])
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    floats = img if img.dtype.is_floating_point else convert_image_dtype(img, dtypes.float32)
    return convert_image_dtype((gain * floats.pow(gamma)).clamp(0, 1), img.dtype)


def invert(img: Tensor) -> Tensor:
    _check_ndim(img)
    _check_channels(img, [1, 3])
    return max_value(img.dtype) - img


def _check_bytes(img: Tensor) -> None:
    if img.dtype is not dtypes.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")


def posterize(img: Tensor, bits: int) -> Tensor:
    _check_ndim(img)
    _check_bytes(img)
    _check_channels(img, [1, 3])
    return img & (256 - 2 ** (8 - bits))


def solarize(img: Tensor, threshold: float) -> Tensor:
    _check_ndim(img)
    _check_channels(img, [1, 3])
    if threshold > max_value(img.dtype):
        raise TypeError("Threshold should be less than bound of img.")
    return T.where(img >= threshold, invert(img), img)


def autocontrast(img: Tensor) -> Tensor:
    _check_ndim(img)
    _check_channels(img, [1, 3])
    bound, of = max_value(img.dtype), _floating(img)
    low = img.amin(dim=(-2, -1), keepdim=True).to(of)
    high = img.amax(dim=(-2, -1), keepdim=True).to(of)
    scale = bound / (high - low)
    is_flat = T.isfinite(scale).logical_not()
    low, scale = T.where(is_flat, T.zeros_like(low), low), T.where(is_flat, T.ones_like(low), scale)
    return ((img - low) * scale).clamp(0, bound).to(img.dtype)


def equalize(img: Tensor) -> Tensor:
    check_image(img)
    if not 3 <= img.ndim <= 4:
        raise TypeError(f"Input image tensor should have 3 or 4 dimensions, but found {img.ndim}")
    _check_bytes(img)
    _check_channels(img, [1, 3])
    array = img.cpu().numpy()
    planes = [_equalized(plane) for plane in array.reshape(-1, *array.shape[-2:])]
    return from_host(np.stack(planes).reshape(array.shape), device=img.device)


def _equalized(plane: np.ndarray) -> np.ndarray:
    """Spread a histogram of bytes evenly; Pillow's rounding.  ``(H, W) -> (H, W)`` uint8"""
    counts = np.bincount(plane.reshape(-1), minlength=256)
    step = int(counts[counts != 0][:-1].sum()) // 255
    if step == 0:
        return plane
    table = (np.cumsum(counts) + step // 2) // step
    table = np.concatenate([[0], table[:-1]]).clip(0, 255).astype(np.uint8)
    return table[plane]


def _filtered(img: Tensor, kernel: np.ndarray, padding: list[int] | None) -> Tensor:
    """Each channel convolved with the kernel.  kernel ``(kh, kw)``"""
    work, restore = _batched(img)
    channels = work.shape[-3]
    weight = as_tensor(np.broadcast_to(kernel, (channels, 1, *kernel.shape)).copy())
    if padding is not None:
        work = F.pad(work, padding, mode="reflect")
    return restore(F.conv2d(work, weight.to(work.dtype), groups=channels))


def gaussian_blur(img: Tensor, kernel_size: list[int], sigma: list[float]) -> Tensor:
    check_image(img)
    of = _floating(img).np
    x, y = (_gaussian(size, s, of) for size, s in zip(kernel_size, sigma, strict=True))
    half = [size // 2 for size in kernel_size]
    return _filtered(img, y[:, None] * x, [half[0], half[0], half[1], half[1]])


def _gaussian(size: int, sigma: float, of: np.dtype) -> np.ndarray:
    half = (size - 1) * 0.5
    density = np.exp(-0.5 * np.square(np.linspace(-half, half, size).astype(of) / of.type(sigma)))
    return density / density.sum()


def adjust_sharpness(img: Tensor, sharpness_factor: float) -> Tensor:
    _check_factor(sharpness_factor, "sharpness_factor")
    _check_channels(img, [1, 3])
    if img.size(-1) <= 2 or img.size(-2) <= 2:
        return img
    kernel = np.ones((3, 3), _floating(img).np)
    kernel[1, 1] = 5.0
    blurred: Any = img.clone()
    blurred[..., 1:-1, 1:-1] = _filtered(img, kernel / kernel.sum(), None)
    return _blend(img, blurred, sharpness_factor)
