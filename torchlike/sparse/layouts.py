"""The layouts: what sets each apart, and what PyTorch's messages call it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..core.constants import (
    layout,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)


@dataclass(frozen=True)
class Compressed:
    """A layout that keeps, for each row (or column), where its elements begin."""

    name: str  # CSR
    by_rows: bool
    blocked: bool

    @property
    def ends(self) -> str:
        """The name of the compressed indices."""
        return "crow_indices" if self.by_rows else "ccol_indices"

    @property
    def others(self) -> str:
        """The name of the plain indices."""
        return "col_indices" if self.by_rows else "row_indices"

    @property
    def along(self) -> str:
        """What the compressed indices count."""
        return "row" if self.by_rows else "column"

    @property
    def across(self) -> str:
        return "column" if self.by_rows else "row"


COMPRESSED = {
    sparse_csr: Compressed("CSR", True, False),
    sparse_csc: Compressed("CSC", False, False),
    sparse_bsr: Compressed("BSR", True, True),
    sparse_bsc: Compressed("BSC", False, True),
}
_NAMES = {
    strided: "Strided", sparse_coo: "Sparse", sparse_csr: "SparseCsr", sparse_csc: "SparseCsc",
    sparse_bsr: "SparseBsr", sparse_bsc: "SparseBsc",
}  # fmt: skip
_BY_ROWS = {(True, False): sparse_csr, (False, False): sparse_csc,
            (True, True): sparse_bsr, (False, True): sparse_bsc}  # fmt: skip


def layout_name(x: Any) -> str:
    """``SparseCsr`` for a layout, or for a tensor of it."""
    return _NAMES[x if isinstance(x, layout) else x.layout]


def turned(of: layout) -> layout:
    """The compressed layout that a transposed matrix has."""
    kind = COMPRESSED[of]
    return _BY_ROWS[not kind.by_rows, kind.blocked]


def backend(t: Any) -> str:
    """``SparseCsrCPU``: where PyTorch would look for a kernel."""
    kind = {strided: "", sparse_coo: "Sparse"}.get(t.layout, "SparseCsr")
    return kind + t.device.type.upper()


def no_kernel(name: str, t: Any) -> NotImplementedError:
    """PyTorch's refusal of an operator on a tensor of this layout."""
    hint = "x.to_dense() is accepted" if t.layout is not strided else "x.to_sparse() is accepted"
    return NotImplementedError(
        f"Could not run 'aten::{name}' with arguments from the '{backend(t)}' backend.\nhint: {hint}"
    )
