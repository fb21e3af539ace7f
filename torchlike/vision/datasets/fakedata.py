"""Random images, the same for the same index."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.build import from_host
from ...core.device import cpu
from ...core.rng import Generator
from ..transforms.functional import to_pil_image
from .vision import Transform, VisionDataset


class FakeData(VisionDataset):
    """Normal noise as images, drawn with the seed ``index + random_offset``; equal to torchvision's."""

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Transform = None,
        target_transform: Transform = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        self.size = size
        self.num_classes = num_classes
        self.image_size = image_size
        self.random_offset = random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        generator = Generator().manual_seed(index + self.random_offset)
        noise = generator.normal(tuple(self.image_size), np.dtype(np.float32))
        drawn = generator.integers((1,), np.dtype(np.int64), 0, self.num_classes)
        image = to_pil_image(from_host(noise, device=cpu))
        image, target = self._transformed(image, from_host(drawn.reshape(()), device=cpu))
        return image, target.item()

    def __len__(self) -> int:
        return self.size
