"""Whether there is an accelerator to run in mixed precision on."""

from __future__ import annotations

from ...core.device import accelerators

__all__ = ["amp_definitely_not_available"]


def amp_definitely_not_available() -> bool:
    return not accelerators()
