"""``torch.backends.openmp``: torchlike does not use OpenMP."""

from __future__ import annotations


def is_available() -> bool:
    return False
