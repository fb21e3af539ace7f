"""``torch.backends.cudnn``: its switches are kept so that programs can read them back.

Differs: XLA chooses its algorithms itself (``benchmark``) and is deterministic on CPU and TPU.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..core.device import accelerators

enabled = True
benchmark = False
benchmark_limit: int | None = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """JAX runs on an NVIDIA GPU."""
    return any(device.platform in ("gpu", "cuda") for device in accelerators())


def version() -> int | None:
    return None


def is_acceptable(tensor: object) -> bool:
    return is_available()


@contextlib.contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int | None = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str = "none",
) -> Iterator[None]:
    """The switches inside the block."""
    wanted = {
        "enabled": enabled,
        "benchmark": benchmark,
        "benchmark_limit": benchmark_limit,
        "deterministic": deterministic,
        "allow_tf32": allow_tf32,
    }
    before = {name: globals()[name] for name in wanted}
    globals().update(wanted)
    try:
        yield
    finally:
        globals().update(before)
