"""``torch.version``: the PyTorch that is reproduced, and torchlike's own version."""

from __future__ import annotations

__version__ = "2.13.0"
torchvision = "0.28.0"
torchlike = "0.1.0"
debug = False
git_version = "torchlike"
cuda: str | None = None
hip: str | None = None
rocm: str | None = None
xpu: str | None = None
