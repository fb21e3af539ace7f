"""``torch.testing``: comparing tensors, and making some to compare."""

from __future__ import annotations

from typing import Any

from .comparison import assert_allclose as assert_allclose, assert_close as assert_close
from .creation import make_tensor as make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]


def __getattr__(name: str) -> Any:
    from ..core.unsupported import explain

    raise AttributeError(
        f"module 'torch.testing' has no attribute '{name}'\n{explain(f'testing.{name}')}"
    )
