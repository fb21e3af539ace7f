"""``torch.nn.attention``: which kernels attention may use. XLA has one, so the choice is only
kept.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import Enum
from typing import Any

from ...core.errors import missing
from . import bias as bias

__all__ = [
    "SDPBackend", "WARN_FOR_UNFUSED_KERNELS", "activate_flash_attention_impl",
    "current_flash_attention_impl", "list_flash_attention_impls", "register_flash_attention_impl",
    "restore_flash_attention_impl", "sdpa_kernel",
]  # fmt: skip

WARN_FOR_UNFUSED_KERNELS = False


class SDPBackend(Enum):
    """PyTorch's kernels for scaled_dot_product_attention."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


class _Allowed:
    """The kernels allowed now."""

    def __init__(self) -> None:
        self.backends = [
            SDPBackend.CUDNN_ATTENTION,
            SDPBackend.FLASH_ATTENTION,
            SDPBackend.EFFICIENT_ATTENTION,
            SDPBackend.MATH,
            SDPBackend.OVERRIDEABLE,
        ]


_allowed = _Allowed()


def _cur_sdpa_kernel_backends(with_priority: bool = False) -> list[SDPBackend]:
    return list(_allowed.backends)


@contextlib.contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[dict[str, Any]]:
    """Allows only the given kernels inside.

    Differs: all of them are the same XLA program here, with the same numbers.
    Raises:
        AssertionError: not an SDPBackend or a list of them.
    """
    if not isinstance(backends, list | SDPBackend):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
            + type(backends).__name__
        )
    wanted = [backends] if isinstance(backends, SDPBackend) else list(dict.fromkeys(backends))
    before = _allowed.backends
    _allowed.backends = wanted
    try:
        yield {}
    finally:
        _allowed.backends = before


# --- implementations of flash attention --------------------------------------------------------------


def list_flash_attention_impls() -> list[str]:
    """None: XLA compiles attention by itself."""
    return []


def current_flash_attention_impl() -> str | None:
    return None


def activate_flash_attention_impl(impl: str) -> None:
    """Refused: there is none to choose.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"Unknown flash attention impl '{impl}'. Available implementations: []")


def register_flash_attention_impl(impl: str, *, register_fn: Any) -> None:
    """Refused: kernels of PyTorch's cannot be called.

    Raises:
        NotImplementedError: always.
    """
    raise missing(
        "nn.attention.register_flash_attention_impl",
        "write it in JAX, with jax.experimental.pallas",
    )


def restore_flash_attention_impl() -> None:
    """XLA's own is the only one."""
