"""``torch.backends.mkl``: torchlike does not use Intel's MKL."""

from __future__ import annotations


def is_available() -> bool:
    return False
