"""Real torchvision beside the CPU build of PyTorch."""

from __future__ import annotations

import torch

# The PyPI wheel's compiled operators are built for PyTorch with CUDA. Beside a CPU build they do not
# load; with these two declared, its Python does. Beside a CUDA build they load, and a second
# declaration would abort the process.
if torch.version.cuda is None:
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
