"""``torch.return_types``: the named tuples that functions with several results return."""

from __future__ import annotations

from typing import Any

from .core.return_types import return_type

_VALUES = ("values", "indices")
_FIELDS = {
    **dict.fromkeys(
        "cummax cummin kthvalue max median min mode nanmedian sort topk".split(), _VALUES
    ),
    "aminmax": ("min", "max"), "frexp": ("mantissa", "exponent"), "geqrf": ("a", "tau"),
    "histogram": ("hist", "bin_edges"), "histogramdd": ("hist", "bin_edges"),
    "linalg_cholesky_ex": ("L", "info"), "linalg_eig": ("eigenvalues", "eigenvectors"),
    "linalg_eigh": ("eigenvalues", "eigenvectors"), "linalg_inv_ex": ("inverse", "info"),
    "linalg_ldl_factor": ("LD", "pivots"), "linalg_ldl_factor_ex": ("LD", "pivots", "info"),
    "linalg_lstsq": ("solution", "residuals", "rank", "singular_values"), "linalg_lu": ("P", "L", "U"),
    "linalg_lu_factor": ("LU", "pivots"), "linalg_lu_factor_ex": ("LU", "pivots", "info"),
    "linalg_qr": ("Q", "R"), "linalg_slogdet": ("sign", "logabsdet"), "linalg_solve_ex": ("result", "info"),
    "linalg_svd": ("U", "S", "Vh"), "lu_unpack": ("P", "L", "U"), "qr": ("Q", "R"),
    "slogdet": ("sign", "logabsdet"), "svd": ("U", "S", "V"), "triangular_solve": ("solution", "cloned_coefficient"),
}  # fmt: skip
_FIELDS |= {f"{name}_out": fields for name, fields in _FIELDS.items() if name != "histogramdd"}
all_return_types = [return_type(name, fields) for name, fields in sorted(_FIELDS.items())]
globals().update({kind.__name__: kind for kind in all_return_types})

__all__ = ["all_return_types", "pytree_register_structseq", *_FIELDS]


def pytree_register_structseq(cls: Any) -> None:
    """Trees go into every named tuple already; see ``torch.utils._pytree``."""
    if not issubclass(cls, tuple):
        raise TypeError(f"{cls} is no named tuple")
