"""Normalisations over the elements that a mask lets in; shapes stay as they are.

Masked-out elements of the result are what the plain function makes of the operation's identity:
0 after ``softmax``, NaN where everything is masked out.
"""

from __future__ import annotations

from ..api import functional as F, torch as T
from ..core.dtypes import dtype as DType
from ..core.tensor import Tensor
from .masks import canonical_dims, dense, filled
from .reductions import norm


def softmax(
    input: Tensor, dim: int, *, dtype: DType | None = None, mask: Tensor | None = None
) -> Tensor:
    """``exp(x) / sum(exp(x))`` over what the mask lets in.  ``(*) -> (*)``"""
    of = input.dtype if dtype is None else dtype
    at = canonical_dims(dim, input.ndim)[0]
    return F.softmax(dense("softmax", filled("amax", input, mask)), at, dtype=of)


def log_softmax(
    input: Tensor, dim: int, *, dtype: DType | None = None, mask: Tensor | None = None
) -> Tensor:
    """``x - log(sum(exp(x)))`` over what the mask lets in.  ``(*) -> (*)``"""
    of = input.dtype if dtype is None else dtype
    at = canonical_dims(dim, input.ndim)[0]
    return F.log_softmax(dense("log_softmax", filled("amax", input, mask)), at, dtype=of)


def softmin(
    input: Tensor, dim: int, *, dtype: DType | None = None, mask: Tensor | None = None
) -> Tensor:
    """``softmax(-x)`` over what the mask lets in.  ``(*) -> (*)``"""
    of = input.dtype if dtype is None else dtype
    at = canonical_dims(dim, input.ndim)[0]
    return F.softmin(dense("softmin", filled("amin", input, mask)), at, dtype=of)


def normalize(
    input: Tensor, ord: float, dim: int, *, eps: float = 1e-12, dtype: DType | None = None,
    mask: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``x / max(norm(x), eps)``, masked-out elements being 0.  ``(*) -> (*)``"""
    of = input.dtype if dtype is None else dtype
    length = norm(input, ord, dim, keepdim=True, dtype=of, mask=mask)
    chosen = dense("normalize", filled("sum", input, mask))
    return T.divide(chosen, T.maximum(length, length.new_full([], eps)))
