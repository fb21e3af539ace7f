"""Sums, softmax, norms: over all elements, or along dims with and without indices."""

from __future__ import annotations

import pytest

from .alike import assert_source, lines

CASES = """
t.sparse.sum(A, dtype=t.float64)
t.sparse.sum(A, dim=0, dtype=t.float64)
t.sparse.sum(A.int())
t.sparse.sum(A.int(), 0)
t.sparse.sum(u, 1)
t.sparse.sum(H, (0, 2))
t.sparse.sum(H, 2)
t.sparse.sum(d)
t.sparse.sum(d.to_sparse(1), 0)
t.sparse.softmax(u, 1)
t.sparse.softmax(H, 0)
t.sparse.softmax(H, 2)
t.sparse.softmax(A.int(), 1)
t.sparse.softmax(R, 1)
t.sparse.softmax(d, 1)
t.sparse.softmax(d.to_sparse(1), 1)
t.softmax(A, 1)
t.any(A)
t.all(A)
t.any(A, 0)
t.mean(A)
t.norm(A)
t.norm(u)
t.norm(A, p=1)
t.norm(A, p=float("inf"))
t.norm(A, p=3)
t.norm(A, p=0)
A.norm()
t.native_norm(A)
t.norm(A, dim=1)
t.linalg.norm(A)
A.prod()
A.mean()
A.std()
A.max()
A.argmax()
A.nansum()
A.cumsum(0)
A.trace()
A.topk(1)
A.sort()
"""


@pytest.mark.parametrize(
    "dim", ["", ", 0", ", 1", ", -1", ", (0,)", ", (0, 1)", ", (0, -1)", ", 2"]
)
def test_sum(dim: str):
    for x in ("A", "u", "R"):
        assert_source(f"t.sum({x}{dim})")
        assert_source(f"t.sparse.sum({x}{dim})")
        if dim:
            assert_source(f"t.sum({x}{dim}, keepdim=True)")


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name: str):
    for dim in (0, 1, -1, 2):
        assert_source(f"t.sparse.{name}(A, {dim})")


@pytest.mark.parametrize("source", lines(CASES))
def test_call(source: str):
    assert_source(source)
