"""``torch.sparse``: sparse tensors as dense tensors of indices and values, and what PyTorch computes with them.

``table`` says which op is done by which function; ``tensor`` is what a sparse tensor is.
"""

from __future__ import annotations

from typing import Any

from ..core.dispatch import BOUND, invoke
from ..core.tensor import SPARSE, Tensor
from . import gradients, inplace, members, table
from .gradcheck import as_sparse_gradcheck as as_sparse_gradcheck
from .invariants import check_sparse_tensor_invariants as check_sparse_tensor_invariants
from .products import addmm as _addmm, product
from .reduce import log_softmax as log_softmax, softmax as softmax, sparse_sum
from .sampled import mm_reduced, sampled_addmm as sampled_addmm
from .semi_structured import (
    SparseSemiStructuredTensor as SparseSemiStructuredTensor,
    SparseSemiStructuredTensorCUSPARSELT as SparseSemiStructuredTensorCUSPARSELT,
    SparseSemiStructuredTensorCUTLASS as SparseSemiStructuredTensorCUTLASS,
    to_sparse_semi_structured as to_sparse_semi_structured,
)
from .spdiags import spdiags as spdiags
from .typed import (
    BFloat16Tensor as BFloat16Tensor,
    ByteTensor as ByteTensor,
    CharTensor as CharTensor,
    DoubleTensor as DoubleTensor,
    FloatTensor as FloatTensor,
    HalfTensor as HalfTensor,
    IntTensor as IntTensor,
    LongTensor as LongTensor,
    ShortTensor as ShortTensor,
)

__all__ = [
    "SparseSemiStructuredTensor", "SparseSemiStructuredTensorCUSPARSELT",
    "SparseSemiStructuredTensorCUTLASS", "addmm", "as_sparse_gradcheck",
    "check_sparse_tensor_invariants", "log_softmax", "mm", "sampled_addmm", "softmax", "spdiags",
    "spsolve", "sum", "to_sparse_semi_structured",
]  # fmt: skip


def mm(mat1: Tensor, mat2: Tensor, reduce: str | None = None, *, out: Any = None) -> Tensor:
    """``mat1 @ mat2``; the gradient of a sparse matrix is sparse, at the elements that it specifies.

    ``reduce`` (of a CSR matrix and a dense one): ``mean``, ``amax``, ``amin`` instead of ``sum``.

    Raises:
        RuntimeError: PyTorch has no such product.
    """
    if reduce is not None:
        return mm_reduced(mat1, mat2, reduce)
    if mat1._is_dense and mat2._is_dense:
        return invoke("mm", mat1, mat2, out=out)
    made = product(mat1, mat2, True, "SparseAddmmBackward0")
    return made if out is None else table.into(out, made, "mm")


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1.0, alpha: Any = 1.0) -> Tensor:
    """``beta * mat + alpha * (mat1 @ mat2)``, with the gradient of ``mm``."""
    return _addmm(mat, mat1, mat2, beta=beta, alpha=alpha, masked=True)


def sum(input: Tensor, dim: Any = None, dtype: Any = None) -> Tensor:
    """Sum of the specified elements; its gradient is sparse."""
    return sparse_sum(input, dim, dtype)


def spsolve(input: Tensor, other: Tensor, *, left: bool = True) -> Tensor:
    """``A x = b`` for a CSR matrix.

    Raises:
        NotImplementedError: always on the CPU, as PyTorch does without cuDSS.
    """
    from .layouts import no_kernel

    raise no_kernel("_spsolve", input)


BOUND.update(
    embedding_rows=gradients.embedding_rows, torch_embedding_rows=gradients.torch_embedding_rows,
    embedding_bag_rows=gradients.embedding_bag_rows, gather_elements=gradients.gather_elements,
)  # fmt: skip
SPARSE.update(
    call=table.call, inplace=inplace.call, accumulate=gradients.accumulate, owned=gradients.owned
)
members.install()
