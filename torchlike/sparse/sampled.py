"""Products that are no plain matrix product: at chosen elements, with another reduction, sparse sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.dispatch import invoke
from ..core.dtypes import TYPE_NAMES
from ..core.modes import no_grad
from ..core.tensor import Tensor
from .kernels import host, joined, take
from .layouts import layout_name, no_kernel
from .masking import sparse_mask
from .pattern import numbers
from .products import conj, dot_at, mm as plain_mm, times_dense
from .tape import renamed, taped, underived, values_of
from .tensor import SparseTensor, coo, like

_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def sampled_addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1.0, alpha: Any = 1.0, out: Any = None
) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``, at ``input``'s elements only.

    ``(*, M, N) CSR, (*, M, K), (*, K, N) -> (*, M, N) CSR``

    Raises:
        RuntimeError: other layouts, dtypes or shapes.
    """
    if not isinstance(input, SparseTensor) or input.is_sparse:
        raise no_kernel("sparse_sampled_addmm", input)
    _check_sampled(input, mat1, mat2)
    with no_grad():
        made = invoke("mul", dot_at(input, mat1, mat2)._numbers, alpha)
        if beta != 0:
            made = invoke("add", made, invoke("mul", input._numbers, beta))
        result = like(input, made)

    def of_mat1(g: Tensor) -> Tensor:
        found = times_dense(_masked(g, input), _adjoint(mat2))
        return invoke("mul", found, alpha.conjugate())

    def of_mat2(g: Tensor) -> Tensor:
        found = times_dense(_masked(g, input), conj(mat1), transposed=True)
        return invoke("mul", found.transpose(-1, -2), alpha.conjugate())  # type: ignore[attr-defined]

    result = taped(
        "SparseSampledAddmmBackward0", result, (input, lambda g: invoke("mul", g, beta.conjugate())),
        (mat1, of_mat1), (mat2, of_mat2),
    )  # fmt: skip
    if out is None:
        return result
    if not isinstance(out, SparseTensor) or not out.is_sparse_csr:
        raise RuntimeError(
            f"sampled_addmm: Expected result to have sparse csr layout, but got {layout_name(out)}"
        )
    return out._take(result)


def _masked(g: Tensor, input: SparseTensor) -> SparseTensor:
    found = sparse_mask(g, input)
    assert isinstance(found, SparseTensor)
    return found


def _adjoint(t: Tensor) -> Tensor:
    return conj(t).transpose(-1, -2)


def _check_sampled(input: SparseTensor, mat1: Tensor, mat2: Tensor) -> None:
    for name, x in (("mat1", mat1), ("mat2", mat2)):
        if isinstance(x, SparseTensor):
            raise RuntimeError(
                f"sampled_addmm: Expected {name} to have strided layout, but got {layout_name(x)}"
            )
    if input.is_sparse_csr is False:
        raise RuntimeError(
            f"sampled_addmm: Expected self to have sparse csr layout, but got {layout_name(input)}"
        )
    for name, x in (("mat1", mat1), ("mat2", mat2)):
        if x.dtype is not input.dtype:
            a, b = TYPE_NAMES[x.dtype.name], TYPE_NAMES[input.dtype.name]
            raise RuntimeError(
                f"sampled_addmm: Expected {name} and self to have the same dtype, but got {a} and {b}"
            )
    if mat1.dim() < 2 or mat2.dim() < 2:
        name, x = ("mat1", mat1) if mat1.dim() < 2 else ("mat2", mat2)
        raise RuntimeError(
            f"sampled_addmm: Expected {name} to be a matrix or a batch of matrices, but got {x.dim()}D tensor"
        )
    if mat1.shape[:-2] != mat2.shape[:-2]:
        raise RuntimeError(
            "sampled_addmm: Expected mat1 and mat2 to have the same batch size, but got "
            f"{list(mat1.shape[:-2])} and {list(mat2.shape[:-2])}"
        )
    if mat1.shape[:-2] != input.shape[:-2]:
        raise RuntimeError(
            "sampled_addmm: Expected self and mat1 to have the same batch size, but got "
            f"{list(input.shape[:-2])} and {list(mat1.shape[:-2])}"
        )
    if mat1.shape[-1] != mat2.shape[-2]:
        raise RuntimeError(
            f"sampled_addmm: mat1 and mat2 shapes cannot be multiplied ({mat1.shape[-2]}x{mat1.shape[-1]} and "
            f"{mat2.shape[-2]}x{mat2.shape[-1]})"
        )
    for at, name, x in ((-2, "mat1", mat1), (-1, "mat2", mat2)):
        if input.shape[at] != x.shape[at]:
            raise RuntimeError(f"sampled_addmm: self.shape[{at}] must match {name}.shape[{at}]")


def mm_reduced(mat1: Tensor, mat2: Tensor, reduce: str) -> Tensor:
    """``mat1 @ mat2`` with another reduction than the sum; a row without elements gives 0.

    ``(M, K) CSR, (K, N) -> (M, N)``

    Raises:
        RuntimeError: no such reduction, or ``prod``.
    """
    if not isinstance(mat1, SparseTensor) or mat1.is_sparse or not mat1.is_sparse_csr:
        raise no_kernel("_sparse_mm_reduce_impl", mat1)
    if reduce not in _REDUCTIONS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    if reduce == "prod":
        raise RuntimeError("sparse_mm_reduce: reduce type of prod has not been enabled.")
    node = "SparseMmReduceImplBackward0"
    lines = mat1._pattern.by_rows()
    if reduce in ("amax", "amin") and mat1._nnz():
        operands = (lines.ends, lines.rows, lines.columns, values_of(mat1), mat2)
        return renamed(node, invoke("sparse_mm_extremes", *operands, reduce == "amax"))
    made = times_dense(mat1, mat2, masked=True)
    if reduce == "mean":
        counts = np.maximum(np.diff(numbers(lines.ends)), 1)
        made = invoke("div", made, host(counts.astype(np.float64), made).to(made.dtype)[:, None])  # type: ignore[attr-defined]
    return renamed(node, made)


# --- sparse + sparse @ dense, sparse ------------------------------------------------------------------


def sspaddmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Any = None
) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)`` as COO, not coalesced.  ``COO, COO, dense -> COO``"""
    for x in (input, mat1, mat2):
        if isinstance(x, SparseTensor) and not x.is_sparse:
            if x is input:
                raise RuntimeError(
                    "torch.empty: Only batched sparse compressed (non-block) tensors are supported, but got size [0]"
                )
            raise no_kernel("sspaddmm.out", x)
    if not isinstance(mat1, SparseTensor):
        raise RuntimeError(
            "sspaddmm: expected 'mat1' to have sparse layout, got 'mat1' with layout Strided"
        )
    if isinstance(mat2, SparseTensor):
        raise RuntimeError(
            "sspaddmm: expected 'mat2' to have strided layout, got 'mat2' with layout Sparse"
        )
    if not isinstance(input, SparseTensor):
        raise RuntimeError("sspaddmm: expected 'self' to have sparse layout")
    with no_grad():
        made = _sspaddmm(input, mat1, mat2, beta, alpha)
    formula = underived("sspaddmm")
    made = taped("NotImplemented", made, (input, formula), (mat1, formula), (mat2, formula))
    return made if out is None else out._take(made)


def _sspaddmm(
    input: SparseTensor, mat1: SparseTensor, mat2: Tensor, beta: Any, alpha: Any
) -> SparseTensor:
    rows, block = _rows_of_product(mat1, mat2)
    width = mat2.shape[1]
    indices = np.stack([np.repeat(rows, width), np.tile(np.arange(width), rows.size)])
    mine = numbers(input._pattern.parts[0])
    values = joined([input._numbers * beta, block.reshape(-1) * alpha])  # type: ignore[attr-defined, operator]
    every = host(np.concatenate([mine, indices], 1), values)
    return coo(every, values, (mat1.shape[0], width))


def _rows_of_product(mat1: SparseTensor, mat2: Tensor) -> tuple[np.ndarray, Tensor]:
    """The rows of a product that can differ from 0, and their numbers."""
    rows = np.unique(mat1._pattern.coordinates()[0])
    return rows, take(plain_mm(mat1, mat2), rows)


def smm(input: Tensor, mat: Tensor) -> Tensor:
    """``input @ mat`` as COO.  ``(M, K) COO, (K, N) -> (M, N) COO``"""
    if isinstance(input, SparseTensor) and not input.is_sparse:
        raise RuntimeError(
            "torch.empty: Only batched sparse compressed (non-block) tensors are supported, but got size [0]"
        )
    from .create import empty_coo

    width = mat.shape[1] if mat.dim() == 2 else 0
    size = (input.shape[0], width)
    return sspaddmm(empty_coo(size, 2, input.dtype, input.device), input, mat, beta=0)


def hspmm(mat1: Tensor, mat2: Tensor, *, out: Any = None) -> Tensor:
    """``mat1 @ mat2`` with rows as elements.  ``(M, K) COO, (K, N) -> (M, N) COO of rows``"""
    for x in (mat1, mat2):
        if isinstance(x, SparseTensor) and not x.is_sparse:
            raise no_kernel("hspmm", x)
    if isinstance(mat2, SparseTensor) and isinstance(mat1, SparseTensor):
        raise RuntimeError(
            "addmm_sparse_dense: expected strided result tensor, got tensor with layout Sparse"
        )
    if not isinstance(mat1, SparseTensor):
        raise RuntimeError("hspmm: Argument #2: matrices expected, got 0D tensor")
    with no_grad():
        rows, values = _rows_of_product(mat1, mat2)
        made = coo(host(rows[None], values), values, (mat1.shape[0], mat2.shape[1]))
    made = taped("NotImplemented", made, (mat1, underived("hspmm")), (mat2, underived("hspmm")))
    return made if out is None else out._take(made)
