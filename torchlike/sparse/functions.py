"""The functions of ``torch`` that are about sparse tensors and are no ops."""

from __future__ import annotations

from typing import Any

from ..core.dispatch import invoke
from ..core.tensor import Tensor
from . import sampled
from .create import (
    sparse_bsc_tensor as sparse_bsc_tensor,
    sparse_bsr_tensor as sparse_bsr_tensor,
    sparse_compressed_tensor as sparse_compressed_tensor,
    sparse_coo_tensor as sparse_coo_tensor,
    sparse_csc_tensor as sparse_csc_tensor,
    sparse_csr_tensor as sparse_csr_tensor,
)
from .inplace import resize_as_sparse_ as resize_as_sparse_
from .layouts import no_kernel
from .members import ccol_indices, col_indices, crow_indices, row_indices, values
from .reduce import native_norm as native_norm
from .sampled import hspmm as hspmm, smm as smm, sspaddmm as sspaddmm
from .tensor import SparseTensor

__all__ = [
    "ccol_indices_copy", "col_indices_copy", "crow_indices_copy", "dsmm", "hsmm", "hspmm",
    "indices_copy", "native_norm", "resize_as_sparse_", "row_indices_copy", "saddmm", "smm",
    "sparse_bsc_tensor", "sparse_bsr_tensor", "sparse_compressed_tensor", "sparse_coo_tensor",
    "sparse_csc_tensor", "sparse_csr_tensor", "spmm", "sspaddmm", "values_copy",
]  # fmt: skip

saddmm, hsmm = sampled.sspaddmm, sampled.hspmm


def dsmm(input: Tensor, mat2: Tensor) -> Tensor:
    """An old name of ``mm``."""
    return invoke("mm", input, mat2)


spmm = dsmm


def _copied(name: str, part: Any) -> Any:
    def copy(input: Tensor) -> Tensor:
        if isinstance(input, SparseTensor) and input.is_sparse and part in (values, None):
            raise no_kernel(name, input)
        return part(input).clone()

    copy.__name__ = copy.__qualname__ = name
    copy.__doc__ = f"A copy of what ``Tensor.{name.removesuffix('_copy')}`` gives."
    return copy


crow_indices_copy = _copied("crow_indices_copy", crow_indices)
col_indices_copy = _copied("col_indices_copy", col_indices)
ccol_indices_copy = _copied("ccol_indices_copy", ccol_indices)
row_indices_copy = _copied("row_indices_copy", row_indices)
values_copy = _copied("values_copy", values)


def indices_copy(input: Tensor) -> Tensor:
    """Refused, as PyTorch has no kernel for it outside of its compiler."""
    raise no_kernel("indices_copy", input)
