"""2:4 semi-structured sparsity, which only NVIDIA's libraries compute with: refused."""

from __future__ import annotations

from typing import Any

from ..core.errors import missing
from ..core.tensor import Tensor

_HINT = "XLA has no 2:4 sparse products; a dense matrix with zeros gives the same numbers"


class SparseSemiStructuredTensor(Tensor):
    """Refused: see the module's docstring."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        raise missing(f"torch.sparse.{cls.__name__}", _HINT)


class SparseSemiStructuredTensorCUTLASS(SparseSemiStructuredTensor):
    """Refused: needs CUTLASS."""


class SparseSemiStructuredTensorCUSPARSELT(SparseSemiStructuredTensor):
    """Refused: needs cuSPARSELt."""


def to_sparse_semi_structured(original_tensor: Tensor, transposed: bool = False) -> Any:
    """Refused: see the module's docstring."""
    raise missing("torch.sparse.to_sparse_semi_structured", _HINT)
