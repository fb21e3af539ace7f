"""Matrix products of every pair of layouts, and what is built on them."""

from __future__ import annotations

import pytest

from ..compare import Tolerance
from .alike import assert_source, lines

FIRST = ("A", "u", "R", "CC", "d")
SECOND = ("M", "MS", "MR", "MC")
# Sparse results of compressed operands: PyTorch's come unsorted from MKL
UNSORTED = {"R", "CC"}

CASES = """
t.tensor([1., 2.]) @ A
t.tensor([1., 2.]) @ R
A @ M
R @ M
t.addmm(t.ones(2), A, M)
t.addmm(t.ones(2), R, M)
t.addmv(t.ones(2), A, w)
t.addmv(t.ones(2), R, w, beta=2, alpha=3)
t.mm(A, d)
t.mm(R, d)
t.mm(A, A)
t.mm(R, R)
t.mv(A, t.ones(2))
t.mv(R, t.ones(2))
t.mm(A, M.double())
t.mm(R, M.double())
t.mm(A.long(), M.long())
t.mm(A.to(t.complex64), M.to(t.complex64) * 1j)
t.mm(R.to(t.complex64), M.to(t.complex64) * 1j)
t.bmm(batch.to_sparse(), t.stack([M, M]))
t.bmm(batch, t.stack([M, M]).to_sparse())
t.mm(d.to_sparse(1), M)
t.mm(t.zeros(2, 3).to_sparse(), M)
t.mm(t.zeros(2, 3).to_sparse_csr(), M)
t.mm(A, t.zeros(3, 0))
t.sparse.mm(A, t.zeros(3, 2).to_sparse())
t.addbmm(ones, batch.to_sparse(), t.stack([M, M]))
t.einsum("ij, jk->ik", A, M)
t.nn.functional.linear(M.t(), A)
t.nn.functional.linear(A, M.t())
t.nn.functional.linear(w[None], R)
t.tensordot(A, M, 1)
t.dot(w.to_sparse(), w)
t.inner(A, A)
t.outer(w.to_sparse(), w)
t.linalg.matrix_power((d @ d.T).to_sparse(), 2)
t.sparse.sampled_addmm(R, t.ones(2, 4), t.ones(4, 3), beta=2, alpha=3)
t.sparse.sampled_addmm(A, t.ones(2, 4), t.ones(4, 3))
t.sparse.sampled_addmm(R, t.ones(2, 4), t.ones(5, 3))
t.sparse.sampled_addmm(R, t.ones(3, 4), t.ones(4, 3))
t.sparse.sampled_addmm(R, t.ones(2, 4).to_sparse_csr(), t.ones(4, 3))
t.sparse.sampled_addmm(R, t.ones(2, 4).double(), t.ones(4, 3).double())
t.sparse.spdiags(t.arange(9).reshape(3, 3), t.tensor([0, -1, 2]), (4, 3))
t.sparse.spdiags(t.arange(9).reshape(3, 3), t.tensor([0, -1, 2]), (4, 3), layout=t.sparse_csr)
t.sparse.spdiags(t.arange(9).reshape(3, 3), t.tensor([0, -1, 2]), (4, 3), layout=t.sparse_csc)
t.sparse.spdiags(t.arange(9).reshape(3, 3), t.tensor([0, -1, 2]), (4, 3), layout=t.strided)
t.sparse.spdiags(t.arange(3), t.tensor(1), (3, 3))
t.sparse.spdiags(t.arange(6).reshape(2, 3), t.tensor([0, 0]), (3, 3))
t.sparse.spdiags(t.arange(6).reshape(2, 3), t.tensor([0]), (3, 3))
t.sparse.spdiags(t.arange(6).reshape(2, 3), t.tensor([0, 1.]), (3, 3))
t.sparse.spdiags(t.arange(6).reshape(1, 2, 3), t.tensor([0, 1]), (3, 3))
t.sparse.spdiags(t.arange(6).reshape(2, 3), t.tensor([0, 1]), (3, 3, 3))
t.sparse.spdiags(t.arange(6).reshape(2, 3), t.tensor([[0, 1]]), (3, 3))
t.sparse.spsolve(t.eye(2).to_sparse_csr(), t.ones(2))
"""


@pytest.mark.parametrize("b", SECOND)
@pytest.mark.parametrize("a", FIRST)
def test_of_matrices(a: str, b: str):
    names = ("mm", "matmul", "sparse.mm", "smm", "hspmm")
    if b == "MC" and a in UNSORTED:
        names = ("mm", "matmul")  # torch.sparse.mm of PyTorch loses the elements of CSC operands
    for name in names if (a, b) != ("d", "M") else ():
        call = f"t.{name}({a}, {b})"
        assert_source(f"dense({call})" if a in UNSORTED or b in {"MR", "MC"} else call)


@pytest.mark.parametrize("name", ["spmm", "dsmm", "hsmm"])
def test_other_name(name: str):
    assert_source(f"t.{name}(A, M)")


@pytest.mark.parametrize("name", ["mv", "matmul"])
@pytest.mark.parametrize("a", ["A", "u", "R", "CC", "d"])
def test_with_vector(a: str, name: str):
    for b in ("w", "w.to_sparse()"):
        if (a, b) != ("d", "w"):
            assert_source(f"t.{name}({a}, {b})")


@pytest.mark.parametrize("name", ["addmm", "sparse.addmm", "sspaddmm", "saddmm"])
@pytest.mark.parametrize("c", ["ones", "ones.to_sparse()", "ones.to_sparse_csr()"])
def test_added(c: str, name: str):
    for a in ("A", "u", "R", "CC", "d"):
        for b in ("M", "MS", "MR"):
            # PyTorch fails an assertion of its own if only the matrix to add to is dense
            if (c, a, b) != ("ones", "d", "M") and not (
                c == "ones" and a in "Au" and name[0] == "s"
            ):
                assert_source(f"dense(t.{name}({c}, {a}, {b}, beta=2, alpha=3))")


@pytest.mark.parametrize("reduce", ["sum", "mean", "amax", "amin", "prod"])
def test_reduced(reduce: str):
    for a in ("R", "A", "t.tensor([[0., -2, 0], [0, 0, 0], [-3, 0, -4]]).to_sparse_csr()"):
        assert_source(f"t.sparse.mm({a}, M - 2, '{reduce}')")


@pytest.mark.parametrize("source", lines(CASES))
def test_call(source: str):
    assert_source(source, Tolerance(factor=4))
