"""``torch.backends``: what the libraries below PyTorch are asked; below torchlike there is XLA."""

from __future__ import annotations

import contextlib

from . import (
    cpu as cpu,
    cuda as cuda,
    cudnn as cudnn,
    mha as mha,
    mkl as mkl,
    mkldnn as mkldnn,
    mps as mps,
    nnpack as nnpack,
    openmp as openmp,
    opt_einsum as opt_einsum,
    quantized as quantized,
)
from .switches import change, during

fp32_precision = "none"
_frozen = [False]


def set_flags(_fp32_precision: str = "none") -> tuple[str, ...]:
    """Sets the switch; its former value."""
    return change(globals(), fp32_precision=_fp32_precision)


def flags(fp32_precision: str = "none") -> contextlib.AbstractContextManager[None]:
    """The switch inside the block."""
    return during(globals(), fp32_precision=fp32_precision)


def disable_global_flags() -> None:
    """Programs that set switches outside of ``flags`` are refused by PyTorch from now on."""
    _frozen[0] = True


def flags_frozen() -> bool:
    return _frozen[0]
