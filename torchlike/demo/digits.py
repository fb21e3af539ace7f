"""The UCI digits as MNIST files: 8×8 pixels enlarged to 28×28; see DIGITS.md for their authors."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

COPIES = 4  # of each digit, every one shifted by up to two pixels


def load() -> tuple[np.ndarray, np.ndarray]:
    """Images ``(1797, 8, 8)`` in 0..16 and labels ``(1797,)``."""
    with np.load(Path(__file__).with_name("digits.npz")) as file:
        return file["images"], file["labels"]


def enlarge(images: np.ndarray) -> np.ndarray:
    """Bilinear to 24×24, a border of 2.  ``(N, 8, 8) -> (N, 28, 28)`` uint8"""
    grid = (np.arange(24) + 0.5) / 3 - 0.5
    low = np.clip(np.floor(grid).astype(int), 0, 7)
    high = np.minimum(low + 1, 7)
    part = np.clip(grid - low, 0, 1)
    rows = images[:, low] * (1 - part)[:, None] + images[:, high] * part[:, None]
    both = rows[:, :, low] * (1 - part) + rows[:, :, high] * part
    return np.pad((both * (255 / 16)).round().astype(np.uint8), ((0, 0), (2, 2), (2, 2)))


def write_idx(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(head + array.tobytes())


def write_mnist(folder: str | Path) -> None:
    """A folder for ``datasets.MNIST``: no digit of the test set is in the training set."""
    images, labels = load()
    images = enlarge(images)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(images))
    cut = len(images) * 5 // 6
    raw = Path(folder) / "MNIST" / "raw"
    for name, part in (("train", order[:cut]), ("t10k", order[cut:])):
        pick = np.tile(part, COPIES)
        shifts = rng.integers(-2, 3, size=(len(pick), 2))
        moved = [np.roll(images[i], shift, (0, 1)) for i, shift in zip(pick, shifts, strict=True)]
        write_idx(raw / f"{name}-images-idx3-ubyte", np.stack(moved))
        write_idx(raw / f"{name}-labels-idx1-ubyte", labels[pick])
