"""``torchvision.utils``: grids of images, and saving them."""

from __future__ import annotations

import math
from typing import Any

from ..api import torch as T
from ..core import dtypes
from ..core.modes import no_grad
from ..core.tensor import Tensor
from .transforms.functional import to_pil_image


@no_grad()
def make_grid(
    tensor: Any,
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[int, int] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Images side by side, ``nrow`` in a row.  ``(N, C, H, W) -> (3, rows, columns)``

    Raises:
        TypeError: neither a tensor nor a list of tensors, or a range that is no tuple.
    """
    images = _stacked(tensor)
    if normalize:
        images = _normalized(images.clone(), value_range, scale_each)
    if images.size(0) == 1:
        return images.squeeze(0)
    count, channels = images.size(0), images.size(1)
    columns = min(nrow, count)
    rows = math.ceil(count / columns)
    height, width = images.size(2) + padding, images.size(3) + padding
    shape = (channels, height * rows + padding, width * columns + padding)
    grid = T.full(shape, pad_value, dtype=images.dtype, device=images.device)
    for k in range(count):
        top, left = (k // columns) * height + padding, (k % columns) * width + padding
        grid[:, top : top + height - padding, left : left + width - padding] = images[k]
    return grid


def _stacked(tensor: Any) -> Any:
    is_list = isinstance(tensor, (list, tuple))
    if is_list:
        wrong = next((item for item in tensor if not isinstance(item, Tensor)), None)
        if wrong is not None:
            raise TypeError(
                f"tensor or list of tensors expected, got a list containing {type(wrong)}"
            )
        tensor = T.stack(list(tensor), dim=0)
    elif not isinstance(tensor, Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    if tensor.dim() == 2:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 3:
        if tensor.size(0) == 1:
            tensor = T.cat((tensor, tensor, tensor), 0)
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 4 and tensor.size(1) == 1:
        tensor = T.cat((tensor, tensor, tensor), 1)
    return tensor


def _normalized(images: Any, value_range: Any, scale_each: bool) -> Any:
    if value_range is not None and not isinstance(value_range, tuple):
        raise TypeError(
            "value_range has to be a tuple (min, max) if specified. min and max are numbers"
        )

    def scaled(image: Any) -> Any:
        low, high = value_range or (float(image.min()), float(image.max()))
        return (image.clamp(min=low, max=high) - low) / max(high - low, 1e-5)

    return T.stack([scaled(image) for image in images]) if scale_each else scaled(images)


@no_grad()
def save_image(tensor: Any, fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """``make_grid`` of floats in [0, 1], written as an image file."""
    grid: Any = make_grid(tensor, **kwargs)
    pixels = grid.mul(255).add(0.5).clamp(0, 255).to(dtypes.uint8).cpu()
    to_pil_image(pixels).save(fp, format=format)
