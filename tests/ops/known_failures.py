"""Ops of ``op_db`` that are not whole, with the reason. Strict: one that has become whole fails its test."""

from __future__ import annotations

# Not there, or as a name that refuses every call
MISSING = {
    "chalf": "torchlike has no complex32",
}

# Some checks of the full sweep (`pytest -m parity`) fail
FAILING = {
    "matrix_exp": "in float16 the coefficients of PyTorch's series overflow: inf or nan where the result is finite",
    "nn.functional.linear": "PyTorch refuses an out= of three and more dims that is not contiguous, and restrides one of a vector",
    "as_strided.partial_views": "a leaf that is a view itself cannot reach the storage before its first element",
    "linalg.norm.subgradients_at_zero": "PyTorch's second derivative at zero is NaN, from 0 / 0 in its formula",
    "ormqr": "with no reflections, PyTorch's gradient requires grad of what it has no gradient for",
}
