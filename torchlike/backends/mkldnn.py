"""``torch.backends.mkldnn``: torchlike does not use oneDNN; its switches can be read back."""

from __future__ import annotations

import contextlib

from .switches import Precision, change, during

VERBOSE_OFF, VERBOSE_ON, VERBOSE_ON_CREATION = 0, 1, 2
enabled = False
deterministic = False
allow_tf32: bool | None = None
fp32_precision = "none"
matmul, conv, rnn = Precision(), Precision(), Precision()


def is_available() -> bool:
    return False


def is_acl_available() -> bool:
    return False


def set_flags(
    _enabled: bool | None = None, _deterministic: bool | None = None, _allow_tf32: bool | None = None,
    _fp32_precision: str = "none",
) -> tuple[object, ...]:  # fmt: skip
    """Sets those that are not None; the former values of all."""
    return change(
        globals(), enabled=_enabled, deterministic=_deterministic, allow_tf32=_allow_tf32,
        fp32_precision=_fp32_precision,
    )  # fmt: skip


def flags(
    enabled: bool = False, deterministic: bool = False, allow_tf32: bool = True,
    fp32_precision: str = "none",
) -> contextlib.AbstractContextManager[None]:  # fmt: skip
    """The switches inside the block."""
    return during(
        globals(), enabled=enabled, deterministic=deterministic, allow_tf32=allow_tf32,
        fp32_precision=fp32_precision,
    )  # fmt: skip


class verbose:
    """``with verbose(level):`` accepted; there is no oneDNN that could speak."""

    def __init__(self, level: int) -> None:
        self.level = level

    def __enter__(self) -> verbose:
        return self

    def __exit__(self, *exc: object) -> None:
        return None
