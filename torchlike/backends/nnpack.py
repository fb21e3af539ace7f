"""``torch.backends.nnpack``: torchlike does not use NNPACK; its switch can be read back."""

from __future__ import annotations

import contextlib

from .switches import change, during

_enabled = False


def is_available() -> bool:
    return False


def set_flags(_enabled: bool) -> tuple[bool, ...]:
    """Sets the switch; its former value."""
    return change(globals(), _enabled=_enabled)


def flags(enabled: bool = False) -> contextlib.AbstractContextManager[None]:
    """The switch inside the block."""
    return during(globals(), _enabled=enabled)
