"""Reductions and scans of the elements that a mask lets in.

A masked-out element is replaced by the operation's identity, then the plain function runs. The mask
is broadcast to the input; its False elements are out. Shapes are the plain function's.
"""

from __future__ import annotations

from ..api import linalg as L, torch as T
from ..core import dtypes
from ..core.dtypes import dtype as DType
from ..core.tensor import Tensor
from .masks import canonical_dims, dense, filled, input_mask

_SMALL = (dtypes.uint8, dtypes.bool_, dtypes.int8, dtypes.int16, dtypes.int32)
Dims = int | tuple[int, ...] | list[int] | None


def _summed(of: DType) -> DType:
    return dtypes.int64 if of in _SMALL else of


def sum(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Sum of what the mask lets in; 0 where that is nothing."""
    of = _summed(input.dtype) if dtype is None else dtype
    dims = canonical_dims(dim, input.ndim)
    return T.sum(dense("sum", filled("sum", input, mask)), dims, bool(keepdim), dtype=of)


def prod(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Product of what the mask lets in; 1 where that is nothing."""
    of = _summed(input.dtype) if dtype is None else dtype
    dims = canonical_dims(dim, input.ndim)
    found = dense("prod", filled("prod", input, mask)).to(dtype=of)
    for d in reversed(dims):
        found = found.prod(dim=d, keepdim=bool(keepdim))
    return found


def cumsum(
    input: Tensor, dim: int, *, dtype: DType | None = None, mask: Tensor | None = None
) -> Tensor:
    """Running sum that masked-out elements leave as it is.  ``(*) -> (*)``"""
    of = input.dtype if dtype is None else dtype
    at = canonical_dims(dim, input.ndim)[0]
    return T.cumsum(dense("cumsum", filled("sum", input, mask)), at, dtype=of).to(dtype=of)


def cumprod(
    input: Tensor, dim: int, *, dtype: DType | None = None, mask: Tensor | None = None
) -> Tensor:
    """Running product that masked-out elements leave as it is.  ``(*) -> (*)``"""
    of = input.dtype if dtype is None else dtype
    at = canonical_dims(dim, input.ndim)[0]
    return T.cumprod(dense("cumprod", filled("prod", input, mask)), at, dtype=of).to(dtype=of)


def amax(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Maximum of what the mask lets in; the dtype's least value where that is nothing."""
    of = input.dtype if dtype is None else dtype
    chosen = dense("amax", filled("amax", input, mask))
    return T.amax(chosen, canonical_dims(dim, input.ndim), bool(keepdim)).to(dtype=of)


def amin(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Minimum of what the mask lets in; the dtype's largest value where that is nothing."""
    of = input.dtype if dtype is None else dtype
    chosen = dense("amin", filled("amin", input, mask))
    return T.amin(chosen, canonical_dims(dim, input.ndim), bool(keepdim)).to(dtype=of)


def argmax(
    input: Tensor, dim: int | None = None, *, keepdim: bool | None = False,
    dtype: DType | None = None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Where the maximum of what the mask lets in is, as a number of ``dtype`` (the input's)."""
    of = input.dtype if dtype is None else dtype
    chosen = dense("argmax", filled("argmax", input, mask))
    return T.argmax(chosen, dim, bool(keepdim)).to(dtype=of)


def argmin(
    input: Tensor, dim: int | None = None, *, keepdim: bool | None = False,
    dtype: DType | None = None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Where the minimum of what the mask lets in is, as a number of ``dtype`` (the input's)."""
    of = input.dtype if dtype is None else dtype
    chosen = dense("argmin", filled("argmin", input, mask))
    return T.argmin(chosen, dim, bool(keepdim)).to(dtype=of)


def _count(input: Tensor, dim: Dims, keepdim: bool, mask: Tensor | None) -> Tensor:
    """How many elements each sum has."""
    if mask is None:
        ones = T.ones(input.shape, dtype=dtypes.int64, device=input.device)
        return sum(ones, dim, keepdim=keepdim)
    return mask.sum(dim=dim, keepdim=keepdim)


def mean(
    input: Tensor, dim: Dims = None, *, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Mean of what the mask lets in; NaN where that is nothing.

    Raises:
        ValueError: the dtype has no fractions.
    """
    source = "Input" if dtype is None else "Optional"
    of = input.dtype if dtype is None else dtype
    if of.category < dtypes.FLOATING:
        raise ValueError(
            f"mean(): Could not infer output dtype. {source} dtype must be either a floating point or "
            f"complex dtype. Got: {of}"
        )
    chosen = None if mask is None else input_mask(dense("mean", input), mask=mask)
    count = _count(dense("mean", input), dim, bool(keepdim), chosen)
    return sum(input, dim, keepdim=keepdim, dtype=of, mask=chosen) / count


def median(
    input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Lower median of what the mask lets in; NaN where that is nothing.

    Raises:
        ValueError: nothing is let in and the dtype has no NaN.
    """
    of = input.dtype if dtype is None else dtype
    at = canonical_dims(dim, input.ndim)[0]
    is_float = input.is_floating_point()
    given = input if is_float else input.to(dtype=dtypes.float32)
    found = T.nanmedian(dense("median", filled("median", given, mask)), at, keepdim).values
    if is_float:
        return found
    if T.isnan(found).any():
        raise ValueError(
            "masked median expects no fully masked out rows if dtype is not floating point"
        )
    return found.to(dtype=of)


def logsumexp(
    input: Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``log(sum(exp(input)))`` over what the mask lets in; -inf where that is nothing."""
    of = input.dtype if dtype is None else dtype
    dims = canonical_dims(dim, input.ndim)
    chosen = dense("logsumexp", filled("logsumexp", input, mask))
    return T.logsumexp(chosen, dims, keepdim=keepdim).to(dtype=of)


def logaddexp(
    input: Tensor, other: Tensor, *, dtype: DType | None = None, input_mask: Tensor | None = None,
    other_mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``log(exp(input) + exp(other))``, a masked-out element counting as -inf.  ``(*), (*) -> (*)``"""
    of = input.dtype if dtype is None else dtype
    one = dense("logaddexp", filled("logaddexp", input, input_mask))
    two = dense("logaddexp", filled("logaddexp", other, other_mask))
    return T.logaddexp(one, two).to(dtype=of)


def norm(
    input: Tensor, ord: float | None = 2.0, dim: Dims = None, *, keepdim: bool | None = False,
    dtype: DType | None = None, mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``torch.linalg.vector_norm`` of what the mask lets in."""
    of = input.dtype if dtype is None else dtype
    chosen = dense("norm", filled("norm", input, mask, ord))
    dims = canonical_dims(dim, input.ndim)
    return L.vector_norm(chosen, ord, dims, bool(keepdim), dtype=of)


def _spread(
    input: Tensor, dim: Dims, unbiased: bool | None, correction: float | None,
    keepdim: bool | None, dtype: DType | None, mask: Tensor | None,
) -> Tensor:  # fmt: skip
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    less = 1.0 if correction is None else float(correction)
    if unbiased is not None:
        less = float(bool(unbiased))
    of = dtype
    if of is None:
        of = dtypes.float32 if input.dtype.category < dtypes.FLOATING else input.dtype
    inside = dtypes.float32 if of.category < dtypes.FLOATING else of
    chosen = None if mask is None else input_mask(dense("std/var", input), mask=mask)
    count = _count(dense("std/var", input), dim, True, chosen)
    x = input - sum(input, dim, keepdim=True, dtype=of, mask=chosen) / count
    total = sum(x * x.conj(), dim, keepdim=keepdim, dtype=inside, mask=chosen)
    if not keepdim:
        count = count.reshape(total.shape)
    if less != 0:
        count = count.to(inside.to_real()) - less
        count = T.maximum(count, count.new_zeros([]))
    return (total / count).to(dtype=of)


def var(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, *,
    correction: float | None = None, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``sum |x - mean|² / max(0, count - correction)`` over what the mask lets in."""
    return _spread(input, dim, unbiased, correction, keepdim, dtype, mask)


def std(
    input: Tensor, dim: Dims = None, unbiased: bool | None = None, *,
    correction: int | None = None, keepdim: bool | None = False, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Square root of ``var``."""
    return T.sqrt(_spread(input, dim, unbiased, correction, keepdim, dtype, mask))
