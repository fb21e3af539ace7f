"""``torch.cuda.amp.autocast``: ``torch.autocast("cuda")`` by its old name."""

from __future__ import annotations

import functools
import warnings
from typing import Any

from ...amp import autocast_mode as current
from ...core.dtypes import dtype, float16

__all__ = ["autocast", "custom_bwd", "custom_fwd"]


def _deprecated(old: str, new: str) -> None:
    warnings.warn(
        f"`torch.cuda.amp.{old}` is deprecated. Please use `torch.amp.{new}` instead.",
        FutureWarning,
        stacklevel=3,
    )


class autocast(current.autocast):
    """See ``torch.autocast``."""

    def __init__(
        self, enabled: bool = True, dtype: dtype = float16, cache_enabled: bool = True
    ) -> None:
        _deprecated("autocast(args...)", "autocast('cuda', args...)")
        super().__init__("cuda", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


def custom_fwd(fwd: Any = None, *, cast_inputs: Any = None) -> Any:
    """See ``torch.amp.custom_fwd``."""
    _deprecated("custom_fwd(args...)", "custom_fwd(args..., device_type='cuda')")
    return functools.partial(current.custom_fwd, device_type="cuda")(fwd, cast_inputs=cast_inputs)


def custom_bwd(bwd: Any) -> Any:
    """See ``torch.amp.custom_bwd``."""
    _deprecated("custom_bwd(args...)", "custom_bwd(args..., device_type='cuda')")
    return current.custom_bwd(bwd, device_type="cuda")


def _cast(value: Any, dtype: dtype) -> Any:
    _deprecated("autocast_mode._cast(value, dtype)", "autocast_mode._cast(value, 'cuda', dtype)")
    return current._cast(value, "cuda", dtype)
