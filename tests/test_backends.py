"""The switches of `torch.backends`, on a machine without an accelerator, against PyTorch's."""

from __future__ import annotations

import pytest

from .expressions import assert_same_line, lines

LINES = lines(r"""
torch.backends.fp32_precision
torch.backends.cudnn.fp32_precision
torch.backends.cudnn.conv.fp32_precision
torch.backends.cudnn.rnn.fp32_precision
torch.backends.cudnn.depthwise_kernel
torch.backends.cuda.matmul.allow_tf32, torch.backends.cuda.matmul.fp32_precision, torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction, torch.backends.cuda.matmul.allow_fp16_accumulation, torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction
torch.backends.cuda.is_built()
torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed(), torch.backends.cuda.is_flash_attention_available(), torch.backends.cuda.is_ck_sdpa_available()
torch.backends.cuda.preferred_linalg_library(), torch.backends.cuda.preferred_blas_library(), torch.backends.cuda.preferred_rocm_fa_library()
torch.backends.cuda.preferred_linalg_library('foo')
torch.backends.cuda.sdp_kernel
torch.backends.cuda.can_use_flash_attention
torch.backends.mkldnn.VERBOSE_ON, torch.backends.mkldnn.VERBOSE_OFF
torch.backends.opt_einsum.enabled, torch.backends.opt_einsum.strategy, torch.backends.opt_einsum.is_available(), torch.backends.opt_einsum.get_opt_einsum()
torch.backends.mha.get_fastpath_enabled()
torch.backends.mps.is_macos13_or_newer(0)
torch.backends.mkl.VERBOSE_OFF, torch.backends.mkl.verbose
torch.backends.cuda.matmul.foo
torch.backends.cuda.matmul.allow_tf32.__class__
""")


def setting(t):
    return {}


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)
