"""``torch.backends.cuda``: which of NVIDIA's libraries PyTorch would use; XLA chooses its own.

The switches of scaled dot product attention are kept so that programs can read them back.
"""

from __future__ import annotations

import contextlib
import enum
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..core.device import accelerators
from .switches import Precision

matmul = Precision(
    allow_tf32=False,
    allow_fp16_reduced_precision_reduction=True,
    allow_bf16_reduced_precision_reduction=True,
    allow_fp16_accumulation=False,
)
_sdp = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True, "math_reduction": False}


class _LinalgBackend(enum.Enum):
    Default = 0
    Cusolver = 1
    Magma = 2


class _BlasBackend(enum.Enum):
    Default = 0
    Cublas = 1
    Cublaslt = 2
    Ck = 3


class _ROCmFABackend(enum.Enum):
    Default = 0
    AOTriton = 1
    Ck = 2


_preferred: dict[str, enum.Enum] = {
    "linalg": _LinalgBackend.Default, "blas": _BlasBackend.Cublas, "fa": _ROCmFABackend.Default,
}  # fmt: skip


def is_built() -> bool:
    """Accelerators are there; which kind is JAX's business."""
    return len(accelerators()) > 0


def _prefer(which: str, kind: Any, backend: Any, names: str) -> Any:
    """Notes a preference, which XLA does not ask for."""
    if isinstance(backend, kind):
        _preferred[which] = backend
    elif backend is not None:
        found = {member.name.lower(): member for member in kind}.get(backend)
        if found is None:
            raise RuntimeError(f"Unknown input value. Choose from: {names}.")
        _preferred[which] = found
    return _preferred[which]


def preferred_linalg_library(backend: Any = None) -> Any:
    return _prefer("linalg", _LinalgBackend, backend, "default, cusolver, magma")


def preferred_blas_library(backend: Any = None) -> Any:
    return _prefer("blas", _BlasBackend, backend, "default, cublas, hipblas, cublaslt, hipblaslt, ck")


def preferred_rocm_fa_library(backend: Any = None) -> Any:
    return _prefer("fa", _ROCmFABackend, backend, "default, aotriton, ck")


# --- scaled dot product attention ------------------------------------------------------------


def flash_sdp_enabled() -> bool:
    return _sdp["flash"]


def mem_efficient_sdp_enabled() -> bool:
    return _sdp["mem_efficient"]


def math_sdp_enabled() -> bool:
    return _sdp["math"]


def cudnn_sdp_enabled() -> bool:
    return _sdp["cudnn"]


def fp16_bf16_reduction_math_sdp_allowed() -> bool:
    return _sdp["math_reduction"]


def enable_flash_sdp(enabled: bool) -> None:
    _sdp["flash"] = enabled


def enable_mem_efficient_sdp(enabled: bool) -> None:
    _sdp["mem_efficient"] = enabled


def enable_math_sdp(enabled: bool) -> None:
    _sdp["math"] = enabled


def enable_cudnn_sdp(enabled: bool) -> None:
    _sdp["cudnn"] = enabled


def allow_fp16_bf16_reduction_math_sdp(enabled: bool) -> None:
    _sdp["math_reduction"] = enabled


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:  # fmt: skip
    """The switches inside the block, as older programs set them."""
    warnings.warn(
        "`torch.backends.cuda.sdp_kernel()` is deprecated. In the future, this context manager will be "
        "removed. Please see `torch.nn.attention.sdpa_kernel()` for the new context manager, with updated "
        "signature.",
        FutureWarning,
        stacklevel=3,
    )
    before = dict(_sdp)
    _sdp.update(
        flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn
    )
    try:
        yield
    finally:
        _sdp.update(before)


@dataclass
class SDPAParams:
    """A call of ``scaled_dot_product_attention``, to ask which kernel can take it."""

    query: Any
    key: Any
    value: Any
    attn_mask: Any
    dropout: float
    is_causal: bool
    enable_gqa: bool


def is_flash_attention_available() -> bool:
    return False


def is_ck_sdpa_available() -> bool:
    return False


def can_use_flash_attention(params: SDPAParams, debug: bool = False) -> bool:
    """XLA fuses attention by itself; PyTorch's kernels are not there."""
    return False


def can_use_efficient_attention(params: SDPAParams, debug: bool = False) -> bool:
    """XLA fuses attention by itself; PyTorch's kernels are not there."""
    return False


def can_use_cudnn_attention(params: SDPAParams, debug: bool = False) -> bool:
    """XLA fuses attention by itself; PyTorch's kernels are not there."""
    return False
