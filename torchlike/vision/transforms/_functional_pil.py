"""Transforms of Pillow images; Pillow does the arithmetic, as for torchvision."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from ..pillow import image_of, is_pil_image, pil

PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


def _check(img: Any) -> None:
    if not is_pil_image(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")


def get_dimensions(img: Any) -> list[int]:
    if not is_pil_image(img):
        raise TypeError(f"Unexpected type {type(img)}")
    width, height = img.size
    return [len(img.getbands()), height, width]


def hflip(img: Any) -> Any:
    _check(img)
    return img.transpose(pil().Transpose.FLIP_LEFT_RIGHT)


def vflip(img: Any) -> Any:
    _check(img)
    return img.transpose(pil().Transpose.FLIP_TOP_BOTTOM)


def enhance(img: Any, what: str, factor: float) -> Any:
    """One of ImageEnhance's: Brightness, Contrast, Color, Sharpness."""
    _check(img)
    return getattr(pil("ImageEnhance"), what)(img).enhance(factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    _check(img)
    if img.mode in {"L", "1", "I", "F"}:
        return img
    hue, saturation, value = img.convert("HSV").split()
    turned = np.array(hue, dtype=np.uint8)
    turned += np.int32(hue_factor * 255).astype(np.uint8)  # wraps around, as an angle should
    return pil().merge("HSV", (image_of(turned, "L"), saturation, value)).convert(img.mode)


def adjust_gamma(img: Any, gamma: float, gain: float = 1.0) -> Any:
    _check(img)
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    table = [int((255 + 1 - 1e-3) * gain * pow(level / 255.0, gamma)) for level in range(256)]
    return img.convert("RGB").point(table * 3).convert(img.mode)


def check_pad_arguments(padding: Any, fill: Any, padding_mode: Any, fills: tuple[Any, ...]) -> None:
    if not isinstance(padding, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    if fill is not None and not isinstance(fill, fills):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    if isinstance(padding, (tuple, list)) and len(padding) not in (1, 2, 4):
        raise ValueError(
            f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple"
        )
    if padding_mode not in PADDING_MODES:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")


def four_sides(padding: Any) -> tuple[int, int, int, int]:
    """(left, top, right, bottom)"""
    sides: tuple[Any, ...] = (
        (padding,) if isinstance(padding, numbers.Number) else tuple(padding)
    )
    if len(sides) == 1:
        sides *= 2
    left, top, right, bottom = sides * 2 if len(sides) == 2 else sides
    return left, top, right, bottom


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    _check(img)
    check_pad_arguments(padding, fill, padding_mode, (numbers.Number, tuple, list))
    left, top, right, bottom = four_sides(padding)
    palette = img.getpalette() if img.mode == "P" else None
    if padding_mode == "constant":
        options = parse_fill(fill, img, "fill")
        out = pil("ImageOps").expand(img, border=(left, top, right, bottom), **options)
    else:
        if min(left, top, right, bottom) < 0:
            cut = [-min(side, 0) for side in (left, top, right, bottom)]
            img = img.crop((cut[0], cut[1], img.width - cut[2], img.height - cut[3]))
            left, top, right, bottom = (max(side, 0) for side in (left, top, right, bottom))
        array = np.asarray(img)
        widths = [(top, bottom), (left, right), (0, 0)][: array.ndim]
        how: Any = padding_mode
        out = pil().fromarray(np.pad(array, widths, mode=how))
    if palette is not None:
        out.putpalette(palette)
    return out


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    _check(img)
    return img.crop((left, top, left + width, top + height))


def resize(img: Any, size: list[int], interpolation: int = 2) -> Any:
    _check(img)
    return img.resize((size[1], size[0]), interpolation)


def parse_fill(fill: Any, img: Any, name: str = "fillcolor") -> dict[str, Any]:
    """The fill as Pillow wants it: a number, or one for each channel.

    Raises:
        ValueError: as many numbers as neither one nor the channels.
    """
    channels = get_dimensions(img)[0]
    if fill is None:
        fill = 0
    if isinstance(fill, (int, float)) and channels > 1:
        fill = (fill,) * channels
    if isinstance(fill, (list, tuple)):
        fill = tuple(fill) * channels if len(fill) == 1 else tuple(fill)
        if len(fill) != channels:
            raise ValueError(
                "The number of elements in 'fill' does not match the number of channels of the "
                f"image ({len(fill)} != {channels})"
            )
    if img.mode != "F":
        fill = tuple(int(x) for x in fill) if isinstance(fill, tuple) else int(fill)
    return {name: fill}


def affine(img: Any, matrix: list[float], interpolation: int = 0, fill: Any = None) -> Any:
    _check(img)
    options = parse_fill(fill, img)
    return img.transform(img.size, pil().Transform.AFFINE, matrix, interpolation, **options)


def rotate(
    img: Any, angle: float, interpolation: int = 0, expand: bool = False, center: Any = None,
    fill: Any = None,
) -> Any:  # fmt: skip
    _check(img)
    return img.rotate(angle, interpolation, expand, center, **parse_fill(fill, img))


def perspective(img: Any, coeffs: list[float], interpolation: int = 3, fill: Any = None) -> Any:
    _check(img)
    options = parse_fill(fill, img)
    return img.transform(img.size, pil().Transform.PERSPECTIVE, coeffs, interpolation, **options)


def to_grayscale(img: Any, num_output_channels: int) -> Any:
    _check(img)
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    gray = img.convert("L")
    return gray if num_output_channels == 1 else pil().merge("RGB", (gray, gray, gray))


def operate(img: Any, what: str, *args: Any) -> Any:
    """One of ImageOps': invert, posterize, solarize, autocontrast, equalize."""
    _check(img)
    return getattr(pil("ImageOps"), what)(img, *args)
