"""What PyTorch says to a sparse tensor where it has no kernel: which one it looked for."""

from __future__ import annotations

from typing import Any

from ..core.registry import OpDef
from .layouts import COMPRESSED, layout_name, no_kernel
from .tensor import SparseTensor

# Kernel -> the ops that end there, if it is not called like the op
_KERNELS = {
    kernel: names.split()
    for kernel, names in {
        "as_strided": "block_diag chunk unsafe_chunk diff diagonal gradient narrow split split_with_sizes "
        "unsafe_split unsafe_split_with_sizes slice tensor_split hsplit vsplit dsplit squeeze trapz trapezoid "
        "cumulative_trapezoid linalg_diagonal",
        "view": "combinations cartesian_prod corrcoef cov stft view_as unflatten embedding",
        "eq.Tensor": "allclose isclose",
        "linalg_cross": "cross", "_cdist_forward": "cdist", "_cholesky_solve_helper": "cholesky_solve",
        "_cummax_helper": "cummax", "_cummin_helper": "cummin", "diagonal_copy": "diag",
        "flip": "fliplr flipud rot90", "roll": "fftshift ifftshift",
        "sort.stable": "quantile nanquantile sort msort argsort",
        "linalg_lu_factor_ex": "lu lu_factor lu_factor_ex", "linalg_lu_solve": "lu_solve",
        "linalg_matrix_exp": "matrix_exp", "max.dim": "max_dim", "min.dim": "min_dim",
        "maximum": "max_other", "minimum": "min_other", "median.dim_values": "median_dim",
        "nanmedian.dim_values": "nanmedian_dim", "std.correction": "std", "var.correction": "var",
        "std_mean.correction": "std_mean", "var_mean.correction": "var_mean",
        "logical_and.out": "logical_and", "logical_or.out": "logical_or",
        "logical_xor.out": "logical_xor", "logical_not.out": "logical_not",
        "logsumexp.out": "logsumexp", "complex.out": "complex", "polar.out": "polar",
        "_softmax": "softmax softmin", "_log_softmax": "log_softmax cross_entropy",
        "linalg_vector_norm": "linalg_norm matrix_norm vector_norm linalg_vector_norm linalg_matrix_norm "
        "cosine_similarity",
        "_adaptive_avg_pool2d": "adaptive_avg_pool1d adaptive_avg_pool2d",
        "log_sigmoid_forward": "logsigmoid binary_cross_entropy_with_logits",
        "mean.dim": "mean rms_norm", "ne.Tensor": "nanmean", "ne.Scalar": "isfinite",
        "elu": "celu selu", "hardtanh": "relu6", "_linalg_svd": "svd svdvals linalg_cond",
        "_linalg_det": "det", "_linalg_slogdet": "slogdet logdet", "linalg_qr": "qr",
        "linalg_inv_ex": "inv inv_ex inverse", "_linalg_eigh": "eigh eigvalsh",
        "linalg_eig": "eig eigvals", "linalg_cholesky_ex": "linalg_cholesky cholesky_ex",
        "_linalg_solve_ex": "solve solve_ex", "pow.Tensor_Tensor": "float_power",
        "index.Tensor": "index", "_unique2": "unique", "nonzero": "argwhere",
        "_logcumsumexp": "logcumsumexp", "where.self": "where", "bernoulli_.float": "dropout",
        "im2col": "unfold", "nan_to_num.out": "nan_to_num", "masked_fill_.Scalar": "masked_fill",
        "_fft_r2c": "fft rfft rfft2 rfftn ifft ihfft", "_fft_c2c": "fft2 fftn ifft2 ifftn",
        "_fft_c2r": "hfft hfftn irfft irfft2 irfftn",
    }.items()
}  # fmt: skip
_KERNEL_OF = {name: kernel for kernel, names in _KERNELS.items() for name in names}
# Those with two overloads, for a tensor and for a number; those that end in reshape, in expand; …
_OVERLOADED, _RESHAPES, _EXPANDS, _STRUCTURED = (
    frozenset(names.split())
    for names in (
        "eq ne lt le gt ge fmod remainder copysign bitwise_and bitwise_or bitwise_xor "
        "bitwise_left_shift bitwise_right_shift rsub xlogy lerp",
        "reshape reshape_as flatten outer ger kron tensordot einsum inner ravel",
        "expand expand_as broadcast_to broadcast_tensors repeat tile",
        # no elementwise kernels and no views, whatever they are here
        "rsub as_strided view view_dtype view_as view_as_real view_as_complex unflatten squeeze cross "
        "linalg_cross floor_divide cosine_similarity binary_cross_entropy_with_logits nan_to_num "
        "bucketize searchsorted where huber_loss",
    )
)
_IN_PLACE = {
    "pow": "pow_.Scalar",
    "square": "pow_.Scalar",
    "unsqueeze": "as_strided_",
    "nan_to_num": "nan_to_num.out",
    "squeeze": "as_strided_",
}


def refused(op: OpDef, given: dict[str, Any], s: SparseTensor, in_place: bool = False) -> Exception:
    """The error of an op that has no entry in the table."""
    key, name = op.fn.__name__, op.name
    if not s.is_sparse and key not in _STRUCTURED and (op.promote != "none" or key in _OVERLOADED):
        return RuntimeError(f"unsupported tensor layout: {layout_name(s)}")
    if name in _EXPANDS:
        return RuntimeError(f"expand is unsupported for {layout_name(s)} tensors")
    if name in _RESHAPES:
        if s.is_sparse:
            return RuntimeError("reshape is not implemented for sparse tensors")
        return _lacking(s, "is_contiguous")
    if not s.is_sparse and op.layout is not None and key not in _STRUCTURED:
        return _lacking(s, "strides")
    if key == "copy":
        source = given.get("source")
        return RuntimeError(
            "copy_() between dense and sparse Tensors is not implemented! Found self type = "
            f"{given['input'].type()} and src type = {source.type()}"  # type: ignore[union-attr]
        )
    return no_kernel(_kernel(op, given, in_place), s)


def _lacking(s: SparseTensor, what: str) -> RuntimeError:
    return RuntimeError(f"Sparse {COMPRESSED[s.layout].name} tensors do not have {what}")


def _kernel(op: OpDef, given: dict[str, Any], in_place: bool) -> str:
    key, name = op.fn.__name__, op.name
    if in_place:
        return _IN_PLACE.get(name, f"{name}_")
    for known in (key, op.name):
        if known in _KERNEL_OF:
            return _KERNEL_OF[known]
    if name in _OVERLOADED:
        other = given.get("other", given.get("end"))
        return f"{name}.{'Tensor' if hasattr(other, 'dtype') else 'Scalar'}"
    for space in ("special", "linalg"):
        if op.namespaces == (space,) and not name.startswith(f"{space}_"):
            return f"{space}_{name}"
    return name
