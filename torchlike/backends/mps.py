"""``torch.backends.mps``: torchlike does not use Apple's Metal."""

from __future__ import annotations


def is_available() -> bool:
    return False


def is_built() -> bool:
    return False


def _need(what: str) -> None:
    if not is_available():
        raise RuntimeError(f"Cannot execute {what}() without MPS backend.")


def is_macos_or_newer(major: int, minor: int) -> bool:
    return False


def is_macos13_or_newer(minor: int = 0) -> bool:
    """Whether the system is that new.

    Raises:
        RuntimeError: there is no Metal device.
    """
    _need("isOnMacOSorNewer")
    return False


def get_core_count() -> int:
    """Raises RuntimeError: there is no Metal device."""
    _need("getCoreCount")
    return 0


def get_name() -> str:
    """Raises RuntimeError: there is no Metal device."""
    _need("getName")
    return ""
