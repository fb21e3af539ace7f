"""``torch.mps``: there is no Metal device in torchlike."""

from __future__ import annotations


def is_available() -> bool:
    return False


def device_count() -> int:
    return 0


def manual_seed(seed: int) -> None:
    """There is no device to seed."""


def empty_cache() -> None:
    """There is no device with a cache."""


def synchronize() -> None:
    """There is no device to wait for."""
