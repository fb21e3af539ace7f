"""``torch.backends.cuda``."""

from __future__ import annotations

from types import SimpleNamespace

from ..core.device import accelerators

matmul = SimpleNamespace(
    allow_tf32=False,
    allow_fp16_reduced_precision_reduction=True,
    allow_bf16_reduced_precision_reduction=True,
)


def is_built() -> bool:
    """Accelerators are there; which kind is JAX's business."""
    return len(accelerators()) > 0


def flash_sdp_enabled() -> bool:
    return True


def mem_efficient_sdp_enabled() -> bool:
    return True


def math_sdp_enabled() -> bool:
    return True


def cudnn_sdp_enabled() -> bool:
    return True
