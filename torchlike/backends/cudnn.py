"""``torch.backends.cudnn``: its switches are kept so that programs can read them back.

Differs: XLA chooses its algorithms itself (``benchmark``) and is deterministic on CPU and TPU.
"""

from __future__ import annotations

import contextlib

from ..core.device import accelerators
from .switches import Precision, change, during

enabled = True
benchmark = False
benchmark_limit: int | None = 10
deterministic = False
allow_tf32 = True
fp32_precision = "none"
depthwise_kernel = "auto"
conv, rnn = Precision("tf32"), Precision("tf32")


def is_available() -> bool:
    """JAX runs on an NVIDIA GPU."""
    return any(device.platform in ("gpu", "cuda") for device in accelerators())


def version() -> int | None:
    return None


def is_acceptable(tensor: object) -> bool:
    return is_available()


def set_flags(
    _enabled: bool | None = None, _benchmark: bool | None = None, _benchmark_limit: int | None = None,
    _deterministic: bool | None = None, _allow_tf32: bool | None = None, _fp32_precision: str = "none",
    _depthwise_kernel: str | None = None,
) -> tuple[object, ...]:  # fmt: skip
    """Sets those that are not None; the former values of all."""
    return change(
        globals(), enabled=_enabled, benchmark=_benchmark, benchmark_limit=_benchmark_limit,
        deterministic=_deterministic, allow_tf32=_allow_tf32, fp32_precision=_fp32_precision,
        depthwise_kernel=_depthwise_kernel,
    )  # fmt: skip


def flags(
    enabled: bool = False, benchmark: bool = False, benchmark_limit: int | None = 10,
    deterministic: bool = False, allow_tf32: bool = True, fp32_precision: str = "none",
    depthwise_kernel: str = "auto",
) -> contextlib.AbstractContextManager[None]:  # fmt: skip
    """The switches inside the block."""
    return during(
        globals(), enabled=enabled, benchmark=benchmark, benchmark_limit=benchmark_limit,
        deterministic=deterministic, allow_tf32=allow_tf32, fp32_precision=fp32_precision,
        depthwise_kernel=depthwise_kernel,
    )  # fmt: skip
