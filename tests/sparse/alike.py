"""Calls with sparse operands that must give, or fail, the same with both libraries.

A case is a line of Python: ``t`` is the library, the other names are the ``operands``.
"""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from typing import Any

import numpy as np
import torch

import torchlike

from ..compare import PLAIN, Raised, Tolerance, assert_same, outcome, same_kind, tidy, tree_map

FIRST = [[0.0, 2.0, 0.0], [3.0, 0.0, 4.0]]
SECOND = [[1.0, 5.0, 0.0], [0.0, 0.0, -4.0]]


def operands(t: Any) -> dict[str, Any]:
    """Small tensors of every layout; ``d`` and ``e`` are dense, ``A`` to ``S`` are made of them."""
    d, e = t.tensor(FIRST), t.tensor(SECOND)
    m, w = t.arange(6.0).reshape(3, 2), t.tensor([1.0, 2.0, 3.0])
    return {
        "t": t, "copy": copy, "io": io, "np": np, "pickle": pickle, "dense": dense,
        "d": d, "e": e, "M": m, "w": w, "ones": t.ones(2, 2), "batch": t.stack([d, d]),
        "C": t.sparse_coo_tensor, "K": t.sparse_compressed_tensor, "R_": t.sparse_csr_tensor,
        "i": t.tensor([[0, 1, 1], [2, 0, 2]]), "v": t.tensor([3.0, 4.0, 5.0]),
        "crow": t.tensor([0, 1, 3]), "col": t.tensor([1, 0, 2]),
        "A": d.to_sparse(), "B": e.to_sparse(), "H": t.stack([d, e], -1).to_sparse(2),
        "u": t.sparse_coo_tensor([[0, 0, 1], [1, 1, 2]], [3.0, 4.0, 5.0], (2, 3)),
        "R": d.to_sparse_csr(), "S": e.to_sparse_csr(), "CC": d.to_sparse_csc(),
        "BR": d.to_sparse_bsr((1, 3)), "BC": d.to_sparse_bsc((1, 3)),
        "MS": m.to_sparse(), "MR": m.to_sparse_csr(), "MC": m.to_sparse_csc(),
    }  # fmt: skip


def dense(x: Any) -> Any:
    """For results whose elements may be in another order, or zeros that the other leaves out."""
    return tree_map(lambda a: a.to_dense() if hasattr(a, "to_dense") else a, x)


def result(source: str, library: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's notes that some layouts are new
        return outcome(lambda: eval(source, operands(library)))


def first_line(error: Raised) -> str:
    """Without what depends on how PyTorch was built."""
    return tidy(error.line).partition(" This could be because")[0]


def assert_source(source: str, tolerance: Tolerance = PLAIN) -> None:
    """The same tensors of the same layouts with the same elements, or the same error."""
    expected, found = result(source, torch), result(source, torchlike)
    if isinstance(expected, Raised):
        assert isinstance(found, Raised), f"expected {expected}, got {found!r}"
        assert same_kind(expected.kind, found.kind), f"expected {expected}, got {found}"
        assert first_line(expected) == first_line(found)
        return
    assert not isinstance(found, Raised), f"expected {expected!r}, got {found}"
    assert_same(named(expected), named(found), tolerance)


def named(tree: Any) -> Any:
    """The libraries' own layouts, dtypes and devices by their names."""
    kinds = ("layout", "dtype", "device")
    return tree_map(lambda x: str(x) if type(x).__name__ in kinds else x, tree)


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines() if line.strip()]
