"""Which ``out=`` PyTorch's functions refuse: dtypes they do not cast into, memory shared with an operand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .dtypes import TYPE_NAMES, dtype
from .errors import not_implemented_for
from .promote import can_cast

_C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>", "int64": "long int",
    "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char", "bool": "bool",
}  # fmt: skip

# Refused unless the dtype is the result's. want, got: names of types; c_want, c_got: C++'s
_EXACT: dict[str, str] = {}
# Refused where PyTorch's usual rule, a category not lower than the result's, does not hold
_CAST: dict[str, str] = {}


def _all(table: dict[str, str], text: str, names: str) -> None:
    table.update(dict.fromkeys(names.split(), text))


_all(_EXACT, "Expected out tensor to have dtype {c_want}, but got {c_got} instead", """
    addmm addmv baddbmm bmm cross expand_copy diagonal_copy alias_copy lu_solve softmax as_strided_copy
    avg_pool3d avg_pool2d linear mm view_copy permute_copy slice_scatter gather index_copy index_add
    index_reduce scatter scatter_add unfold_copy msort renorm squeeze_copy take_along_dim unsqueeze_copy
    transpose_copy tril triu log_softmax t_copy scatter_reduce det eigvalsh ldl_solve vector_norm inv solve
    svdvals argmax argmin isin aminmax norm linalg_cholesky linalg_cross linalg_det linalg_lu_solve
    sort topk max_dim min_dim linalg_svd linalg_qr linalg_eigh linalg_slogdet unbind_copy split_copy
    split_with_sizes_copy""")
_all(_EXACT, "linalg.norm expected out tensor dtype {want} but got: {got}", "linalg_norm")
_all(_EXACT, "{name} only supports bool tensor for result, got: {got}", "all any all_dim any_dim")
_all(_EXACT, "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) "
     "depending on whether out_int32 flag is True, but we got output tensor's dtype {got} and out_int32 flag is "
     "False", "searchsorted bucketize")  # fmt: skip
_all(_EXACT, "Found dtype {got} but expected {want}", """
    abs bitwise_not ceil conj_physical frac floor softshrink hardshrink gelu neg round sign sgn trunc softplus""")
_all(_EXACT, "result dtype {got} does not match input dtype {want}", "dot vdot matmul")
_all(_EXACT, "Expected object of scalar type {want} but got scalar type {got} for argument 'out'",
     "complex polar")  # fmt: skip
_all(_EXACT, "expected scalar_type {want} but found {got}", "diff logcumsumexp cummax cummin")
_all(_EXACT, "expected scalar type {want} but found {got}", "logsigmoid solve_triangular native_batch_norm")
_all(
    _EXACT, "quantile() out tensor must be same dtype as the input tensor",
    "quantile nanquantile quantile_number nanquantile_number",
)  # fmt: skip
_all(_EXACT, "tensordot: Expected the output tensor to have dtype {want}, but got an output tensor with "
     "dtype {got}", "inner tensordot")  # fmt: skip
_all(_EXACT, "linalg.matrix_norm expected out tensor dtype {want} but got: {got}", "matrix_norm")
_all(_EXACT, "Expected the dtype for input and out to match, but got {want} for input's dtype and {got} for "
     "out's dtype.", "amax amin")  # fmt: skip
_all(_EXACT, "{name}(): self and result must have the same scalar type", "masked_select index_select")
_all(_EXACT, "{name} does not support non-boolean outputs.", "signbit isposinf isneginf")
_all(_EXACT, "the output given to float_power has dtype {got} but the operation's result requires dtype "
     "{want}", "float_power")  # fmt: skip
_all(_EXACT, "take(): self and out expected to have the same dtype, but got self.dtype = {want} and "
     "out.dtype = {got}", "take")  # fmt: skip
_all(_EXACT, "multinomial expects {want} tensor out, got: {got}", "multinomial")
_all(_EXACT, "torch.histogram: input tensor and hist tensor should have the same dtype, but got input "
     "{c_want} and hist {c_got}", "histc")  # fmt: skip
_all(_EXACT, "Expected out type to be {want} but got {got}", "where")
_all(_EXACT, "nonzero: Expected out tensor to have scalar type {want} but got scalar type{got}", "nonzero")
_all(_EXACT, "nan_to_num: dtype of out: {got} should be same as input: {want}", "nan_to_num")
_all(_EXACT, "Expected result to be of dtype uint64, but got {got}", "hash_tensor")
_all(_EXACT, "linalg.vecdot: Expected out of dtype{want} but found {got}", "vecdot")
_all(_EXACT, "torch.ormqr: Expected input and result to have the same dtype, but input has dtype{want} and "
     "result has dtype {got}", "ormqr")  # fmt: skip
_all(_EXACT, "addmv input tensors must have the same dtype, but got {got}, {want}, and {want}", "mv")
_all(_EXACT, "self and mat2 must have the same dtype, but got {got} and {want}", "addbmm")
_all(_EXACT, "output values must be of same type as input", "kthvalue")
_all(_EXACT, "expected scalar type '{want}' but got '{got}' for values output", "mode")
_all(_EXACT, "torch.frexp() expects mantissa to have dtype {c_want} but got {c_got}", "frexp")
_all(_EXACT, "Expected self.dtype() == output.dtype() to be true, but got false.  (Could this error "
     "message be improved?  If so, please report an enhancement request to PyTorch.)", "narrow_copy")  # fmt: skip

_all(_CAST, "{name}: Expected result to be safely castable from {want} dtype, but got result with dtype {got}",
     "cholesky cholesky_inverse cholesky_solve matrix_power tensorinv tensorsolve")  # fmt: skip
_all(_CAST, "linalg.{name}: Expected result to be safely castable from {want} dtype, but got result with dtype "
     "{got}", "pinv cond")  # fmt: skip
_all(_CAST, "torch.linalg.{name}: Expected result to be safely castable from {want} dtype, but got result with "
     "dtype {got}", "householder_product matrix_rank")  # fmt: skip
_all(_CAST, "torch.linalg.eigvals: Expected eigenvalues to be safely castable from {want} dtype, but got "
     "eigenvalues with dtype {got}", "eigvals")  # fmt: skip
_all(_CAST, "{name} expects a complex output tensor, but got {got}", "fft ifft rfft ihfft")
_all(_CAST, "fftn expects a complex output tensor, but got {got}", "fft2 fftn ifft2 ifftn")
_all(_CAST, "rfftn expects a complex output tensor, but got {got}", "rfft2 rfftn")
_all(_CAST, "ihfftn expects a complex output tensor, but got {got}", "ihfft2 ihfftn")
_all(_CAST, "{name} expects a floating point output tensor, but got {got}", "hfft irfft")
_all(_CAST, "hfftn expects a floating point output tensor, but got {got}", "hfft2 hfftn")
_all(_CAST, "irfftn expects a floating point output tensor, but got {got}", "irfft2 irfftn")
_all(_CAST, "ldexp can't be cast to the desired output type {got}", "ldexp")
_all(_CAST, "logsumexp(): Expected floating point type for result tensor, but got: {got}", "logsumexp")
_all(_CAST, "mean.dtype_out(): input types can't be cast to the desired output type {got}", "mean")
_all(_CAST, "torch.cat(): input types can't be cast to the desired output type {got}",
     "cat stack hstack vstack dstack column_stack")  # fmt: skip
# Real results, which are not cast to complex ones
_REAL = frozenset("hfft hfft2 hfftn irfft irfft2 irfftn".split())
# Computed in the dtype of ``out``, whatever it is
SUMS = frozenset("sum nansum nanmean prod cumsum cumprod".split())
_ANY = SUMS | frozenset("bernoulli lu".split())
# Refused unless the dtype is the result's if the bounds are numbers
_CLAMPS = frozenset("clamp clamp_min clamp_max".split())
_USUAL = "result type {want} can't be cast to the desired output type {got}"

# Results of these are never written over an operand, not even over one of the same place
APART = frozenset("cross linalg_cross index_select take_along_dim gather take masked_select cat kthvalue".split())
# These do not look whether out and operand overlap
_BLIND = frozenset(
    """cholesky linalg_cholesky linalg_lu_solve cholesky_inverse cholesky_solve alias_copy lu_solve matmul quantile
    nanquantile softmax
    avg_pool2d linear logsigmoid mvlgamma view_copy ormqr slice_scatter squeeze_copy transpose_copy tril triu
    log_softmax t_copy amax amin mean nanmean nansum householder_product ldl_solve matrix_power inv
    solve_triangular pinv ndtr hfft hfft2 hfftn irfft irfft2 irfftn fft fft2 fftn ifft ifft2 ifftn
    """.split()
)


def check_dtype(name: str, key: str, want: dtype, got: dtype, operands: Iterable[Any]) -> None:
    """Whether a function writes a result of dtype ``want`` into an ``out`` of dtype ``got``.

    Raises:
        RuntimeError, TypeError: in the function's own words.
    """
    text = _EXACT.get(key)
    if key in _CLAMPS and not any(hasattr(bound, "dtype") for bound in [*operands][1:]):
        text = _EXACT["abs"]
    if text is None:
        if key in _ANY or can_cast(want, got) and not (key in _REAL and got.is_complex):
            return
        text = _CAST.get(key, _USUAL)
    raise _refused(text, name, want, got)


def _refused(text: str, name: str, want: dtype, got: dtype) -> Exception:
    kind = TypeError if text.startswith("torch.cat()") else RuntimeError
    return kind(
        text.format(
            name=name, want=TYPE_NAMES[want.name], got=TYPE_NAMES[got.name],
            c_want=_C_NAMES.get(want.name, want.name), c_got=_C_NAMES.get(got.name, got.name),
        )  # fmt: skip
    )


def created_dtype(asked: dtype | None, out: dtype) -> dtype:
    """The dtype of what is made into ``out``: its own.

    Raises:
        RuntimeError: another one is asked for.
    """
    if asked is not None and asked is not out:
        raise RuntimeError(
            f"dtype {TYPE_NAMES[asked.name]} does not match dtype of out parameter ({TYPE_NAMES[out.name]})"
        )
    return out


def summed_dtype(key: str, asked: dtype | None, out: dtype, of: dtype) -> dtype:
    """The dtype in which numbers are added up into ``out``: its own.

    Raises:
        RuntimeError: another one is asked for.
        NotImplementedError: they are not added up in it.
    """
    if asked is not None and asked is not out:
        text = "Expected out tensor to have dtype {c_want}, but got {c_got} instead"
        if key in ("nansum", "nanmean"):
            text = "nansum: provided dtype must match dtype of result. Got {got} and {want}."
        raise _refused(text, key, asked, out)
    if key in ("nansum", "nanmean") and of.is_floating_point and not out.is_floating_point:
        raise not_implemented_for("nansum_cpu", TYPE_NAMES[out.name])
    if key in ("cumsum", "cumprod") and out.name == "bool":
        raise not_implemented_for(f"{key}_out_cpu", "Bool")
    return out


# Of these the call with ``out`` returns nothing, and a list of another length is told of so
COPIES = {
    "unbind_copy": "unbind_copy_int_out", "split_copy": "split_copy_Tensor_out()",
    "split_with_sizes_copy": "split_with_sizes_copy_out",
}  # fmt: skip


def check_form(name: str, key: str, out: Any, count: int | None) -> None:
    """Whether ``out`` is one tensor (``count`` None) or a tuple of as many as there are results.

    Raises:
        TypeError, RuntimeError: it is not.
    """
    is_several = isinstance(out, (tuple, list))
    if count is None or key == "nonzero_tuple":
        if is_several:
            raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
        if key == "nonzero_tuple":
            raise RuntimeError("nonzero does not support the out kwarg when as_tuple is True")
    elif not is_several:
        raise TypeError(f"{name}(): argument 'out' must be tuple of Tensors, not {type(out).__name__}")
    elif len(out) != count:
        if key in COPIES:
            raise RuntimeError(f"{COPIES[key]} expected an out= argument of size {count}, got size {len(out)}")
        raise TypeError(f"expected tuple of {count} elements but got {len(out)}")


def looks(key: str) -> bool:
    """Whether a function refuses an ``out`` that overlaps an operand."""
    return key not in _BLIND
