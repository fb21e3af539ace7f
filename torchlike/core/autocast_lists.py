"""Which ops autocast runs in which precision: PyTorch's own lists, by ATen name.

A function that PyTorch composes of listed ops, but that is one op here, stands where its parts do.
"""

from __future__ import annotations

from typing import Any

LOWER = "lower"  # every operand in the lower precision
FLOAT32 = "float32"  # every operand in float32
RESULT32 = "result in float32"  # dtype=float32, unless the call says another one
WIDEST = "widest"  # every operand in the widest of their precisions
PRODUCTS = "products in lower"  # the same but for the state of a recurrence, which stays as it is
LOWER_RESULT = "result in lower"  # in float32 up to a product that comes last
BY_MODE = "by mode"  # by what the call asks for
BANNED = "banned"

_LISTS: dict[str, dict[str, str]] = {
    "cpu": {
        LOWER: """
            conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d _convolution
            mm bmm addmm addbmm baddbmm _addmm_activation matmul linear linalg_vecdot prelu
            scaled_dot_product_attention _native_multi_head_attention mkldnn_rnn_layer
        """,
        FLOAT32: """
            avg_pool3d adaptive_avg_pool3d adaptive_max_pool3d max_pool3d max_unpool2d max_unpool3d
            fractional_max_pool2d fractional_max_pool3d
            reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d replication_pad3d
            grid_sampler grid_sampler_2d grid_sampler_3d _grid_sampler_2d_cpu_fallback
            binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss
            cross_entropy_loss ctc_loss hinge_embedding_loss huber_loss kl_div l1_loss
            margin_ranking_loss mse_loss multi_margin_loss multilabel_margin_loss
            multilabel_margin_loss_forward nll_loss nll_loss2d poisson_nll_loss smooth_l1_loss
            soft_margin_loss triplet_margin_loss
            cdist prod quantile nanquantile stft trace polar view_as_complex
            fake_quantize_per_tensor_affine
            cholesky cholesky_inverse cholesky_solve geqrf inverse lu_solve orgqr ormqr pinverse qr svd
            triangular_solve _lu_with_info
            fft_fft fft_ifft fft_fft2 fft_ifft2 fft_fftn fft_ifftn fft_rfft fft_irfft fft_rfft2
            fft_irfft2 fft_rfftn fft_irfftn fft_hfft fft_ihfft
            linalg_cholesky linalg_cholesky_ex linalg_cond linalg_eig linalg_eigh linalg_eigvals
            linalg_eigvalsh linalg_householder_product linalg_inv linalg_inv_ex linalg_lstsq
            linalg_matrix_rank linalg_qr linalg_solve linalg_svd linalg_svdvals linalg_tensorinv
            linalg_tensorsolve
        """,
        WIDEST: "cat stack index_copy",
    },
    "cuda": {
        LOWER: """
            conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d convolution
            _convolution cudnn_convolution cudnn_convolution_transpose
            mm mv bmm addmm addmv addr addbmm baddbmm matmul linear einsum chain_matmul
            linalg_multi_dot linalg_vecdot prelu
            lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell _thnn_fused_lstm_cell _thnn_fused_gru_cell
            scaled_dot_product_attention _scaled_dot_product_flash_attention
        """,
        FLOAT32: """
            acos asin cosh erfinv exp expm1 log log10 log1p log2 pow reciprocal rsqrt sinh softplus tan
            layer_norm native_layer_norm rms_norm group_norm frobenius_norm nuclear_norm
            binary_cross_entropy_with_logits cosine_embedding_loss cosine_similarity
            hinge_embedding_loss huber_loss kl_div l1_loss margin_ranking_loss mse_loss
            multi_margin_loss multilabel_margin_loss nll_loss nll_loss2d poisson_nll_loss
            smooth_l1_loss soft_margin_loss triplet_margin_loss
            cdist dist logsumexp pdist renorm
            upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d
            _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d
            _upsample_bilinear2d_aa upsample_trilinear3d upsample_bicubic2d _upsample_bicubic2d_aa
        """,
        RESULT32: """
            cumprod cumsum log_softmax prod softmax sum linalg_matrix_norm linalg_vector_norm norm
        """,
        WIDEST: "addcdiv addcmul atan2 bilinear cross dot grid_sampler index_put scatter_add tensordot vdot",
        BANNED: "binary_cross_entropy",
    },
}  # fmt: skip

# What PyTorch composes of listed ops, and what it calls by another name inside
_COMPOSED: dict[str, dict[str, str]] = {
    "cpu": {
        LOWER: "chain_matmul linalg_multi_dot lstm rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell",
        PRODUCTS: "gru gru_cell lstm_cell",
        LOWER_RESULT: "corrcoef cov linalg_pinv",
        FLOAT32: "cross_entropy grid_sample max_unpool1d pca_lowrank svd_lowrank",
        BY_MODE: "einsum interpolate matrix_power linalg_matrix_power max_pool3d pad tensordot",
    },
    "cuda": {LOWER: "lstm gru rnn_tanh rnn_relu", WIDEST: "grid_sample", BY_MODE: "interpolate"},
}

_PREFIXES = {"linalg": "linalg_", "fft": "fft_", "special": "special_"}


def _by_name() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for lists in (_LISTS, _COMPOSED):
        for device, policies in lists.items():
            for policy, names in policies.items():
                for name in names.split():
                    found.setdefault(name, {})[device] = policy
    return found


_POLICIES = _by_name()


def policies_of(namespaces: tuple[str, ...], name: str) -> dict[str, str] | None:
    """The policy of an op by device type; None if autocast leaves it alone."""
    prefix = _PREFIXES.get(namespaces[0], "") if namespaces else ""
    return _POLICIES.get(prefix + name)


def listed(device: str) -> dict[str, Any]:
    """PyTorch's list for a device type: {ATen name: policy}."""
    return {n: policy for policy, names in _LISTS[device].items() for n in names.split()}
