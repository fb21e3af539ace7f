"""``torchvision.transforms.functional``: each function for Pillow images and for tensors."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.tensor import Tensor
from ..pillow import is_pil_image
from . import _functional_color as F_c, _functional_pil as F_pil, _functional_tensor as F_t
from .conversion import (
    convert_image_dtype as convert_image_dtype,
    pil_to_tensor as pil_to_tensor,
    to_pil_image as to_pil_image,
    to_tensor as to_tensor,
)
from .interpolation import InterpolationMode, interpolation_mode, pil_modes_mapping

BILINEAR, NEAREST = InterpolationMode.BILINEAR, InterpolationMode.NEAREST


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width]"""
    return (F_t if isinstance(img, Tensor) else F_pil).get_dimensions(img)


def get_image_size(img: Any) -> list[int]:
    """[width, height]"""
    _, height, width = get_dimensions(img)
    return [width, height]


def get_image_num_channels(img: Any) -> int:
    return get_dimensions(img)[0]


# --- geometry --------------------------------------------------------------------------------


def normalize(
    tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    """``(x - mean) / std`` for each channel.  ``(..., C, H, W)``

    Raises:
        TypeError: no float tensor. ValueError: fewer than 3 dims, or a std of 0.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    return F_t.normalize(tensor, mean=mean, std=std, inplace=inplace)


def _compute_resized_output_size(
    image_size: tuple[int, int], size: Sequence[int], max_size: int | None = None
) -> list[int]:
    """[height, width]; one number is the shorter side's."""
    h, w = image_size
    if len(size) == 2:
        return [size[0], size[1]]
    short, long = (w, h) if w <= h else (h, w)
    new_short, new_long = size[0], int(size[0] * long / short)
    if max_size is not None:
        if max_size <= size[0]:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested "
                f"size for the smaller edge size = {size}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return [new_long, new_short] if w <= h else [new_short, new_long]


def resize(
    img: Any,
    size: Any,
    interpolation: Any = BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """To (h, w), or to a shorter side of the one number given."""
    mode = interpolation_mode(interpolation)
    if isinstance(size, (list, tuple)):
        if len(size) not in (1, 2):
            raise ValueError(
                f"Size must be an int or a 1 or 2 element tuple/list, not a {len(size)} element tuple/list"
            )
        if max_size is not None and len(size) != 1:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge, "
                "i.e. size should be an int or a sequence of length 1 in torchscript mode."
            )
    _, height, width = get_dimensions(img)
    wanted = [size] if isinstance(size, int) else list(size)
    output_size = _compute_resized_output_size((height, width), wanted, max_size)
    if [height, width] == output_size:
        return img
    if isinstance(img, Tensor):
        return F_t.resize(img, output_size, mode.value, antialias)
    if antialias is False:
        warnings.warn(
            "Anti-alias option is always applied for PIL Image input. Argument antialias is ignored.",
            stacklevel=2,
        )
    return F_pil.resize(img, output_size, pil_modes_mapping[mode])


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    return (F_t if isinstance(img, Tensor) else F_pil).pad(img, padding, fill, padding_mode)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """Zeros where the rectangle leaves the image."""
    return (F_t if isinstance(img, Tensor) else F_pil).crop(img, top, left, height, width)


def _two(size: Any) -> tuple[int, int]:
    if isinstance(size, numbers.Number):
        return int(size), int(size)  # type: ignore[call-overload]
    return (size[0], size[0]) if len(size) == 1 else (size[0], size[1])


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle; an image that is too small is padded with zeros first."""
    crop_height, crop_width = _two(output_size)
    _, height, width = get_dimensions(img)
    if crop_width > width or crop_height > height:
        more_w, more_h = max(crop_width - width, 0), max(crop_height - height, 0)
        img = pad(img, [more_w // 2, more_h // 2, (more_w + 1) // 2, (more_h + 1) // 2], fill=0)
        _, height, width = get_dimensions(img)
        if (crop_height, crop_width) == (height, width):
            return img
    top, left = round((height - crop_height) / 2.0), round((width - crop_width) / 2.0)
    return crop(img, top, left, crop_height, crop_width)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: Any = BILINEAR,
    antialias: bool | None = True,
) -> Any:
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img: Any) -> Any:
    return (F_t if isinstance(img, Tensor) else F_pil).hflip(img)


def vflip(img: Any) -> Any:
    return (F_t if isinstance(img, Tensor) else F_pil).vflip(img)


def five_crop(img: Any, size: Any) -> tuple[Any, ...]:
    """The four corners and the middle.

    Raises:
        ValueError: larger than the image.
    """
    if isinstance(size, (tuple, list)) and len(size) not in (1, 2):
        raise ValueError("Please provide only two dimensions (h, w) for size.")
    h, w = _two(size)
    _, height, width = get_dimensions(img)
    if w > width or h > height:
        raise ValueError(
            f"Requested crop size {(h, w)} is bigger than input size {(height, width)}"
        )
    corners = [crop(img, top, left, h, w) for top in (0, height - h) for left in (0, width - w)]
    return (*corners, center_crop(img, [h, w]))


def ten_crop(img: Any, size: Any, vertical_flip: bool = False) -> tuple[Any, ...]:
    """Five crops, and five of the flipped image."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def _get_perspective_coeffs(startpoints: Any, endpoints: Any) -> list[float]:
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError(
            f"Please provide exactly four corners, got {len(startpoints)} startpoints and "
            f"{len(endpoints)} endpoints."
        )
    rows = []
    for (x, y), (u, v) in zip(endpoints, startpoints, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    target = np.array(startpoints, np.float64).reshape(8)
    solution = np.linalg.lstsq(np.array(rows, np.float64), target, rcond=None)[0]
    return solution.astype(np.float32).tolist()


def perspective(
    img: Any, startpoints: Any, endpoints: Any, interpolation: Any = BILINEAR, fill: Any = None
) -> Any:
    """Moves four corners from ``startpoints`` to ``endpoints``, each [x, y]."""
    coeffs = _get_perspective_coeffs(startpoints, endpoints)
    mode = interpolation_mode(interpolation)
    if isinstance(img, Tensor):
        return F_t.perspective(img, coeffs, mode.value, fill)
    return F_pil.perspective(img, coeffs, pil_modes_mapping[mode], fill)


def _get_inverse_affine_matrix(
    center: Sequence[float],
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Sequence[float],
) -> list[float]:
    """From output to input: the inverse of move · rotate · shear · scale about the center."""
    rot, sx, sy = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    (cx, cy), (tx, ty) = center, translate
    a = math.cos(rot - sy) / math.cos(sy)
    b = -math.cos(rot - sy) * math.tan(sx) / math.cos(sy) - math.sin(rot)
    c = math.sin(rot - sy) / math.cos(sy)
    d = -math.sin(rot - sy) * math.tan(sx) / math.cos(sy) + math.cos(rot)
    matrix = [x / scale for x in (d, -b, 0.0, -c, a, 0.0)]
    matrix[2] += matrix[0] * (-cx - tx) + matrix[1] * (-cy - ty)
    matrix[5] += matrix[3] * (-cx - tx) + matrix[4] * (-cy - ty)
    matrix[2] += cx
    matrix[5] += cy
    return matrix


def _from_middle(img: Any, center: Any) -> list[float]:
    if center is None:
        return [0.0, 0.0]
    _, height, width = get_dimensions(img)
    return [c - s * 0.5 for c, s in zip(center, [width, height], strict=True)]


def _check_angle(angle: Any, center: Any) -> None:
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")


def rotate(
    img: Any,
    angle: float,
    interpolation: Any = NEAREST,
    expand: bool = False,
    center: Any = None,
    fill: Any = None,
) -> Any:
    """Counter-clockwise by ``angle`` degrees."""
    mode = interpolation_mode(interpolation)
    _check_angle(angle, center)
    if not isinstance(img, Tensor):
        return F_pil.rotate(img, angle, pil_modes_mapping[mode], expand, center, fill)
    middle = _from_middle(img, center)
    matrix = _get_inverse_affine_matrix(middle, -angle, [0.0, 0.0], 1.0, [0.0, 0.0])
    return F_t.rotate(img, matrix, mode.value, expand, fill)


def affine(
    img: Any,
    angle: float,
    translate: Any,
    scale: float,
    shear: Any,
    interpolation: Any = NEAREST,
    fill: Any = None,
    center: Any = None,
) -> Any:
    """Rotated (degrees, clockwise), moved (pixels), scaled, sheared (degrees) about the center."""
    mode = interpolation_mode(interpolation)
    _check_angle(angle, center)
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    if not isinstance(shear, (numbers.Number, list, tuple)):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    slants: Any = [shear, 0.0] if isinstance(shear, numbers.Number) else list(shear)  # type: ignore[arg-type]
    slants = slants * 2 if len(slants) == 1 else slants
    if len(slants) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {slants}")
    _, height, width = get_dimensions(img)
    if isinstance(img, Tensor):
        matrix = _get_inverse_affine_matrix(
            _from_middle(img, center), angle, translate, scale, slants
        )
        return F_t.affine(img, matrix, mode.value, fill)
    middle = [width * 0.5, height * 0.5] if center is None else center
    matrix = _get_inverse_affine_matrix(middle, angle, translate, scale, slants)
    return F_pil.affine(img, matrix, pil_modes_mapping[mode], fill)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Tensor:
    """``img[..., i:i+h, j:j+w] = v``"""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    return F_t.erase(img, i, j, h, w, v, inplace)


# --- colours ---------------------------------------------------------------------------------


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    if isinstance(img, Tensor):
        return F_c.adjust_brightness(img, brightness_factor)
    return F_pil.enhance(img, "Brightness", brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    if isinstance(img, Tensor):
        return F_c.adjust_contrast(img, contrast_factor)
    return F_pil.enhance(img, "Contrast", contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    if isinstance(img, Tensor):
        return F_c.adjust_saturation(img, saturation_factor)
    return F_pil.enhance(img, "Color", saturation_factor)


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    if isinstance(img, Tensor):
        return F_c.adjust_sharpness(img, sharpness_factor)
    return F_pil.enhance(img, "Sharpness", sharpness_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    return (F_c if isinstance(img, Tensor) else F_pil).adjust_hue(img, hue_factor)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    return (F_c if isinstance(img, Tensor) else F_pil).adjust_gamma(img, gamma, gain)


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    if is_pil_image(img):
        return F_pil.to_grayscale(img, num_output_channels)
    raise TypeError("Input should be PIL Image")


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    if isinstance(img, Tensor):
        return F_c.rgb_to_grayscale(img, num_output_channels)
    return F_pil.to_grayscale(img, num_output_channels)


def gaussian_blur(img: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """Odd kernel sizes [kx, ky]; sigma None is ``0.15 k + 0.35``.

    Raises:
        TypeError, ValueError: sizes or sigmas of the wrong kind.
    """
    if not isinstance(kernel_size, (int, list, tuple)):
        raise TypeError(
            f"kernel_size should be int or a sequence of integers. Got {type(kernel_size)}"
        )
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if len(sizes) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(sizes)}")
    for size in sizes:
        if size % 2 == 0 or size < 0:
            raise ValueError(f"kernel_size should have odd and positive integers. Got {sizes}")
    if sigma is None:
        sigma = [size * 0.15 + 0.35 for size in sizes]
    if not isinstance(sigma, (int, float, list, tuple)):
        raise TypeError(f"sigma should be either float or sequence of floats. Got {type(sigma)}")
    sigmas = [float(sigma)] * 2 if isinstance(sigma, (int, float)) else list(sigma)
    sigmas = sigmas * 2 if len(sigmas) == 1 else sigmas
    if len(sigmas) != 2:
        raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(sigmas)}")
    for s in sigmas:
        if s <= 0.0:
            raise ValueError(f"sigma should have positive values. Got {sigmas}")
    if isinstance(img, Tensor):
        return F_c.gaussian_blur(img, sizes, sigmas)
    if not is_pil_image(img):
        raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
    return to_pil_image(F_c.gaussian_blur(pil_to_tensor(img), sizes, sigmas), mode=img.mode)


def invert(img: Any) -> Any:
    return F_c.invert(img) if isinstance(img, Tensor) else F_pil.operate(img, "invert")


def posterize(img: Any, bits: int) -> Any:
    """Keeps the upper ``bits`` of each byte."""
    if not 0 <= bits <= 8:
        raise ValueError(f"The number if bits should be between 0 and 8. Got {bits}")
    if isinstance(img, Tensor):
        return F_c.posterize(img, bits)
    return F_pil.operate(img, "posterize", bits)


def solarize(img: Any, threshold: float) -> Any:
    """Inverts what is at or above the threshold."""
    if isinstance(img, Tensor):
        return F_c.solarize(img, threshold)
    return F_pil.operate(img, "solarize", threshold)


def autocontrast(img: Any) -> Any:
    return F_c.autocontrast(img) if isinstance(img, Tensor) else F_pil.operate(img, "autocontrast")


def equalize(img: Any) -> Any:
    return F_c.equalize(img) if isinstance(img, Tensor) else F_pil.operate(img, "equalize")
