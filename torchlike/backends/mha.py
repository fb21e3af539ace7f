"""``torch.backends.mha``: the fast path of attention modules, which XLA makes by itself."""

from __future__ import annotations

_fastpath = [True]


def get_fastpath_enabled() -> bool:
    return _fastpath[0]


def set_fastpath_enabled(value: bool) -> None:
    """Kept for reading back."""
    _fastpath[0] = value
