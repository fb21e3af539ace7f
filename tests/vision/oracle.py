"""Real torchvision beside the CPU build of PyTorch."""

from __future__ import annotations

import torch

# The PyPI wheel's compiled operators do not load there; with these two declared, its Python does.
_operators = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _operators.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import torchvision
from torchvision import (
    datasets as datasets,
    transforms as transforms,
    utils as utils,
)

__all__ = ["datasets", "torchvision", "transforms", "utils"]
