"""Matrix products with sparse operands."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.constants import sparse_coo, sparse_csc, sparse_csr, strided
from ..core.dispatch import invoke
from ..core.dtypes import TYPE_NAMES
from ..core.errors import shape_text
from ..core.modes import no_grad
from ..core.tensor import Tensor
from .coalesce import coalesced
from .convert import compress, to_coo
from .kernels import combine, host, sum_at, take
from .layouts import layout_name, no_kernel
from .masking import sparse_mask
from .pattern import numbers, unflat
from .tape import dense, fitted, renamed, taped, with_values
from .tensor import SparseTensor, coo

_PLAIN = (sparse_csr, sparse_csc)


# --- one sparse operand ------------------------------------------------------------------------------


def times_dense(
    a: SparseTensor, b: Tensor, transposed: bool = False, masked: bool = False,
    node: str = "MmBackward0",
) -> Tensor:  # fmt: skip
    """``a @ b``, or ``a.T @ b``; matrices of a batch each with its own.  ``(*, M, K), (*, K, N) -> (*, M, N)``

    ``masked``: the gradient of ``a`` is sparse, at its own elements; otherwise it is dense.
    """
    with no_grad():
        made = _times_dense(a, b, transposed)

    def of_a(g: Tensor) -> Tensor:
        left, right = (conj(b), g) if transposed else (g, conj(b))
        if masked:
            return fitted(dot_at(coalesced(a) if a.is_sparse else a, left, _swapped(right)), a)
        return fitted(invoke("matmul", left, _swapped(right)), a)

    return taped(
        node, made, (a, of_a), (b, lambda g: fitted(times_dense(conj(a), g, not transposed), b))
    )


def _times_dense(a: SparseTensor, b: Tensor, transposed: bool) -> Tensor:
    lines = a._pattern.by_rows(transposed)
    values = take(a._rows, lines.order)
    rows = b.flatten(0, -2)  # type: ignore[attr-defined]
    made = invoke("sparse_mm", lines.ends, lines.rows, lines.columns, values, rows)
    if b.dim() == 2:
        return made
    tall = a.shape[-1] if transposed else a.shape[-2]
    return made.reshape(*b.shape[:-2], tall, b.shape[-1])


def dot_at(pattern_of: SparseTensor, mat1: Tensor, mat2: Tensor) -> SparseTensor:
    """``mat1 @ mat2`` at the elements that ``pattern_of`` specifies.  ``(*, M, K), (*, K, N) -> (*, M, N)``"""
    pattern = pattern_of._pattern
    lines = pattern.by_rows()
    left = mat1.flatten(0, -2)  # type: ignore[attr-defined]
    right = _swapped(mat2).flatten(0, -2)
    found = invoke("sparse_dot", lines.rows, lines.columns, left, right.t())
    if lines.order is not None:
        found = take(found, np.argsort(lines.order))
    return with_values(pattern_of, found.reshape(pattern_of._numbers.shape))


def _swapped(t: Tensor) -> Tensor:
    return invoke("transpose", t, -2, -1)


def conj(t: Any) -> Any:
    """The conjugate; a real tensor is its own."""
    return invoke("conj", t) if t.dtype.is_complex else t


# --- two sparse operands -----------------------------------------------------------------------------


def times_sparse(a: SparseTensor, b: SparseTensor, masked: bool) -> SparseTensor:
    """The product of two sparse matrices: COO of two COO, otherwise CSR."""
    with no_grad():
        made = _times_sparse(coalesced(to_coo(a)), coalesced(to_coo(b)))
        if not (a.is_sparse and b.is_sparse):
            pattern = made._pattern
            made = compress(pattern.places, made._numbers, sparse_csr, pattern.size, (1, 1))

    def of_a(g: Tensor) -> Tensor:
        found = invoke("mm", g, conj(b).t())
        return fitted(sparse_mask(found, coalesced(a)) if masked else found, a)

    def of_b(g: Tensor) -> Tensor:
        found = invoke("mm", conj(a).t(), g)
        return fitted(sparse_mask(found, coalesced(b)) if masked else found, b)

    node = "SparseSparseMatmulBackward0" if masked else "MmBackward0"
    return taped(node, made, (a, of_a), (b, of_b))


def _times_sparse(a: SparseTensor, b: SparseTensor) -> SparseTensor:
    """Each element of ``a`` meets the row of ``b`` that its column names."""
    shape = (a.shape[0], b.shape[1])
    rows, inner = a._pattern.coordinates()
    lines = b._pattern.by_rows()
    ends, columns = numbers(lines.ends), numbers(lines.columns)
    counts = ends[inner + 1] - ends[inner]
    of_a = np.repeat(np.arange(inner.size), counts)
    skipped = np.cumsum(counts) - counts
    of_b = np.arange(of_a.size) + np.repeat(ends[inner] - skipped, counts)
    products = combine(
        lambda x, y: x * y, take(a._numbers, of_a), take(take(b._numbers, lines.order), of_b)
    )
    places, at = np.unique(rows[of_a] * shape[1] + columns[of_b], return_inverse=True)
    values = sum_at(products, at, places.size)
    return coo(host(unflat(places, shape), values), values, shape, True)


# --- torch.mm and its kin ----------------------------------------------------------------------------


def product(mat1: Tensor, mat2: Tensor, masked: bool, node: str) -> Tensor:
    """Any two matrices of which one is sparse.

    Raises:
        RuntimeError: PyTorch has no such product, or the shapes do not fit.
    """
    layouts = (mat1.layout, mat2.layout)
    result = mat2 if masked else mat1
    if layouts not in _PRODUCTS and strided not in layouts:
        raise _no_product(result, mat1, mat2)
    _check_matrices(mat1, mat2)
    if isinstance(mat1, SparseTensor) and isinstance(mat2, SparseTensor):
        return times_sparse(mat1, mat2, masked and sparse_coo in layouts)
    if isinstance(mat1, SparseTensor):
        return times_dense(mat1, mat2, masked=masked, node=node)
    assert isinstance(mat2, SparseTensor)
    return renamed(node, _swapped(times_dense(mat2, _swapped(mat1), True, masked)))


_PRODUCTS = {(sparse_coo, sparse_coo), *[(a, b) for a in _PLAIN for b in _PLAIN]}


def _no_product(result: Tensor, mat1: Tensor, mat2: Tensor) -> RuntimeError:
    if isinstance(result, SparseTensor) and result._pattern.blocked:
        return RuntimeError(
            "zeros_sparse_compressed expected sparse compressed (non-block) tensor layout but got "
            + layout_name(result)
        )
    names = [layout_name(x) for x in (result, mat1, mat2)]
    return RuntimeError(
        f"addmm: computation on CPU is not implemented for {names[0]} + {names[1]} @ {names[2]}"
    )


def _check_matrices(mat1: Tensor, mat2: Tensor) -> None:
    for x in (mat1, mat2):
        if isinstance(x, SparseTensor) and x.dense_dim():
            raise RuntimeError(f"addmm: matrices expected, got {x.sparse_dim()}D tensor")
        if x.dim() != 2:
            raise RuntimeError(f"addmm: matrices expected, got {x.dim()}D tensor")
    if mat1.shape[1] != mat2.shape[0]:
        if mat1.layout is sparse_coo and mat2.layout is strided:
            raise RuntimeError(
                f"addmm: Argument #3 (dense): Expected dim 0 size {mat1.shape[1]}, got {mat2.shape[0]}"
            )
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({mat1.shape[0]}x{mat1.shape[1]} and "
            f"{mat2.shape[0]}x{mat2.shape[1]})"
        )
    _check_dtypes(mat1, mat2)


def _check_dtypes(a: Tensor, b: Tensor) -> None:
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"expected scalar type {TYPE_NAMES[a.dtype.name]} but found {TYPE_NAMES[b.dtype.name]}"
        )


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """``(M, K), (K, N) -> (M, N)``: sparse if both are."""
    return product(input, mat2, False, "MmBackward0")


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """``(M, K), (K) -> (M)``, dense"""
    if isinstance(vec, SparseTensor):
        vec = dense(vec) if not isinstance(input, SparseTensor) else vec
    if isinstance(vec, SparseTensor):
        if input.is_sparse:
            raise no_kernel("as_strided", vec)
        raise RuntimeError("unsupported memory format option Contiguous")
    if not isinstance(input, SparseTensor):
        return invoke("mv", input, vec)
    if input.shape[-1] != vec.shape[-1]:
        if input.is_sparse:
            raise RuntimeError("mv: expected self.size(-1) == vec.size(-1)")
        raise RuntimeError(
            f"size mismatch, got input ({input.shape[0]}), mat ({input.shape[0]}x{input.shape[1]}), vec "
            f"({vec.shape[0]})"
        )
    _check_dtypes(input, vec)
    made = times_dense(input, vec.reshape(-1, 1))  # type: ignore[attr-defined]
    return renamed("MvBackward0", made.reshape(-1))  # type: ignore[attr-defined]


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """``(B, M, K) COO, (B, K, N) dense -> (B, M, N)``"""
    if isinstance(mat2, SparseTensor) or not isinstance(input, SparseTensor):
        raise RuntimeError("bmm_sparse: Tensor 'mat2' must be dense")
    if input.sparse_dim() != 3 or input.dim() != 3 or mat2.dim() != 3:
        raise RuntimeError("bmm_sparse: Tensor 'self' must be 3D sparse and 'mat2' 3D dense")
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        raise RuntimeError(
            f"bmm_sparse: shapes {shape_text(input.shape)} and {shape_text(mat2.shape)} cannot be multiplied"
        )
    _check_dtypes(input, mat2)
    return times_dense(input, mat2, node="BmmBackward0")


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """``mm``, ``mv`` or ``bmm``, by the number of dims."""
    dims = (input.dim(), other.dim())
    if dims == (1, 1):
        raise no_kernel("dot", input if isinstance(input, SparseTensor) else other)
    if dims == (2, 2):
        return mm(input, other)
    if dims == (2, 1):
        return mv(input, other)
    if dims == (1, 2):
        return mv(_swapped(other), input)
    if dims == (3, 3) and input.layout is sparse_coo:
        return bmm(input, other)
    if input.layout is strided and input.dim() > 2 and other.dim() == 2:
        flat = input.flatten(0, -2)  # type: ignore[attr-defined]
        return mm(flat, other).reshape(*input.shape[:-1], other.shape[-1])  # type: ignore[attr-defined]
    s = input if isinstance(input, SparseTensor) else other
    if dims == (3, 3):
        raise RuntimeError(f"expand is unsupported for {layout_name(s)} tensors")
    raise RuntimeError("reshape is not implemented for sparse tensors")


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input @ weight.T + bias``; either may be sparse."""
    made = matmul(input, _swapped(weight) if weight.dim() == 2 else weight)
    return made if bias is None else renamed("AddmmBackward0", invoke("add", made, bias))


def matrix_power(input: SparseTensor, n: int) -> Tensor:
    """``input @ input @ …``, ``n`` > 0 factors."""
    if n < 1:
        raise no_kernel("linalg_inv_ex" if n < 0 else "fill_.Scalar", input)
    made: Tensor = input
    for _ in range(n - 1):
        made = mm(made, input)
    return made


# --- with something added ----------------------------------------------------------------------------


def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1,
    masked: bool = False,
) -> Tensor:  # fmt: skip
    """``beta * input + alpha * (mat1 @ mat2)``; ``masked`` as in ``times_dense``."""
    _check_layouts(input, mat1, mat2)
    node = "SparseAddmmBackward0" if masked else "AddmmBackward0"
    made = product(mat1, mat2, masked, node)
    if alpha != 1:
        made = invoke("mul", made, alpha)
    if beta == 0:
        return made
    if input.shape != made.shape and not isinstance(input, SparseTensor):
        input = input.expand(made.shape)  # type: ignore[attr-defined]
    if beta != 1:
        input = invoke("mul", input, beta)
    return renamed(node, invoke("add", input, made))


def _check_layouts(input: Tensor, mat1: Tensor, mat2: Tensor) -> None:
    layouts = [x.layout for x in (input, mat1, mat2)]
    if all(x in (strided, sparse_coo) for x in layouts):
        if layouts[0] is sparse_coo:
            raise RuntimeError(
                "addmm_sparse_dense: expected strided result tensor, got tensor with layout Sparse"
            )
        if layouts[1:] != [sparse_coo, strided]:
            names = [layout_name(x) for x in (mat1, mat2)]
            raise RuntimeError(
                "addmm_sparse_dense: expected either 'mat1' to have sparse layout and 'mat2' to have strided layout, "
                f"got 'mat1' with layout {names[0]} and 'mat2' with layout {names[1]}"
            )
        return
    first, second, third = layouts
    if first is strided:
        fits = strided in layouts[1:] or (second is sparse_csr and third is sparse_csr)
    else:
        fits = first is sparse_csr and second in _PLAIN and third is sparse_csr
    if not fits:
        raise _no_product(input, mat1, mat2)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """``beta * input + alpha * (mat @ vec)``, ``mat`` compressed"""
    if not isinstance(mat, SparseTensor):
        raise no_kernel("addmv", vec if isinstance(vec, SparseTensor) else input)
    if isinstance(input, SparseTensor) or mat.is_sparse:
        raise no_kernel("addmv", mat if mat.is_sparse else input)
    made = invoke("add", invoke("mul", input, beta), invoke("mul", mv(mat, vec), alpha))
    return renamed("AddmvBackward0", made)
