"""From dense to every layout, between the layouts, and back."""

from __future__ import annotations

import itertools

import pytest
import torch

import torchlike

from ..compare import assert_same, to_own
from .alike import assert_source, lines

CASES = """
d.to_sparse()
d.to_sparse(1)
d.to_sparse(0)
d.to_sparse(3)
d.to_sparse(-1)
d.to_sparse(sparse_dim=1)
d.to_sparse(2, layout=t.sparse_coo)
d.to_sparse(t.sparse_csr)
d.to_sparse(layout=t.sparse_csr)
d.to_sparse(layout=t.strided)
d.to_sparse(layout=t.sparse_coo, dense_dim=1)
d.to_sparse(layout=t.sparse_coo, dense_dim=3)
d.to_sparse(layout=t.sparse_coo, blocksize=(1, 1))
d.to_sparse(layout=t.sparse_bsr, blocksize=(1, 3))
d.to_sparse(layout=t.sparse_bsr)
d.to_sparse(layout=t.sparse_csr, blocksize=(1, 1))
d.to_sparse_coo()
d.to_sparse_bsr((2, 2))
d.to_sparse_bsr((0, 3))
d.to_sparse_bsr((-1, 3))
d.to_sparse_bsr((1, 3, 1))
d.to_sparse_bsr(1)
d.to_sparse_csr(dense_dim=1)
d.to_sparse_csr(dense_dim=-1)
d[0].to_sparse_csr()
d[0, 0].to_sparse_csr()
d[0].to_sparse_csc()
d[0].to_sparse_bsr((1, 1))
v.to_sparse(layout=t.sparse_csr)
t.tensor(3.).to_sparse()
t.tensor(1.).to_sparse(0)
t.tensor(1.).to_sparse(1)
t.tensor([0., float("nan"), -0.]).to_sparse()
t.zeros(2, 0).to_sparse()
t.zeros(2, 0).to_sparse_csr()
t.zeros(0, 2).to_sparse_csr()
batch.to_sparse(layout=t.sparse_csr)
batch.to_sparse_csr(dense_dim=0)
t.stack([d, d * 0]).to_sparse(layout=t.sparse_csr)
t.stack([d, d], -1).to_sparse(layout=t.sparse_csr, dense_dim=1)
t.stack([batch, batch], -1).to_sparse_csr(dense_dim=1)
batch.to_sparse_bsr((1, 3))
batch.to_sparse_csr().to_sparse()
batch.to_sparse_csr().to_sparse_csc()
A.to_sparse()
A.to_sparse(1)
R.to_sparse(1)
R.to_sparse(2)
BR.to_sparse(2)
R.to_sparse()
BR.to_sparse_csr()
A.to_sparse(layout=t.sparse_csr, dense_dim=0)
R.to_sparse(layout=t.sparse_csc, dense_dim=0)
A.to_sparse(layout=t.sparse_coo, dense_dim=0)
A.to_sparse(layout=t.strided)
R.to_sparse(layout=t.strided)
A.to_sparse(layout=t.sparse_bsr)
R.to_sparse(layout=t.sparse_bsr)
A.to_sparse(layout=t.sparse_csr, blocksize=(1, 1))
R.to_sparse(layout=t.sparse_csr, blocksize=(1, 1))
A.to_sparse_bsr((2, 2))
R.to_sparse_bsr((2, 2))
R.to_sparse_bsr((0, 3))
BR.to_sparse_bsr((2, 1))
w.to_sparse().to_sparse_csr()
batch.to_sparse(3).to_sparse_csr()
batch.to_sparse(3).to_sparse_bsr((1, 1))
w.to_sparse().to_sparse_csc()
w.to_sparse().to_sparse_bsc((1, 1))
u.to_sparse_csr()
t.stack([d, d], -1).to_sparse(2).to_sparse_csr()
t.stack([d, d], -1).to_sparse_csr(dense_dim=1).to_sparse()
t.stack([d, d], -1).to_sparse_csr(dense_dim=1).to_sparse_csc()
H.to_sparse_bsr((1, 3))
[R.to_sparse_csr() is R, A.to_sparse() is A, BR.to_sparse_bsr((1, 3)) is BR, d.to_dense() is d]
d.to_dense(t.float64)
A.to_dense(t.float64)
R.to_dense(t.float64)
R.bool().to_dense()
u.to_dense()
C([[0, 0]], [True, True], (2,)).to_dense()
C([[0, 0]], [True, True], (2,)).coalesce()
R_([0, 2], [1, 1], [1., 2.], (1, 2)).to_dense()
C(t.zeros(2, 0).long(), t.zeros(0, 5), (2, 3, 5)).to_dense()
C(t.zeros(2, 0).long(), t.zeros(0, 0), (2, 3, 0)).to_dense()
"""

MASKS = """
e.sparse_mask(A)
e.sparse_mask(u)
t.stack([e, e], -1).sparse_mask(H)
e.sparse_mask(R)
e.sparse_mask(CC)
e.sparse_mask(BR)
e.sparse_mask(BC)
B.sparse_mask(A)
u.sparse_mask(A)
B.sparse_mask(u)
B.sparse_mask(R)
S.sparse_mask(R)
S.sparse_mask(A)
A.sparse_mask(d)
d.sparse_mask(d)
e.sparse_mask(MS)
e.double().sparse_mask(A)
e.sparse_mask(A.bool())
t.zeros(2, 3).to_sparse().sparse_mask(A)
e.sparse_mask(t.zeros(2, 3).to_sparse())
"""

PLAIN = ("sparse_coo", "sparse_csr", "sparse_csc")
BLOCKED = ("sparse_bsr", "sparse_bsc")


@pytest.mark.parametrize("source", lines(CASES) + lines(MASKS))
def test_conversion(source: str):
    assert_source(source)


# PyTorch has none from blocks to CSR and CSC; the cases above check that it is refused
PAIRS = [
    (first, second)
    for first, second in itertools.product((*PLAIN, *BLOCKED), (*PLAIN, *BLOCKED))
    if not (second in PLAIN[1:] and first in BLOCKED)
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "complex64"])
def test_between_layouts(first: str, second: str, dtype: str):
    """Random matrices with rows, columns and blocks that are empty."""
    torch.manual_seed(3)
    x = torch.randint(-4, 5, (6, 8)) * (torch.rand(6, 8) > 0.6)
    x[2], x[:, 3] = 0, 0
    x = x.to(getattr(torch, dtype))

    def converted(t, y):
        for name in (first, second):
            block = {"blocksize": (2, 4)} if name in BLOCKED else {}
            y = y.to_sparse(layout=getattr(t, name), **block)
        return y, y.to_dense()

    assert_same(converted(torch, x), converted(torchlike, to_own(x)))


@pytest.mark.parametrize("seed", range(4))
def test_coalescing(seed: int):
    """Random indices with repetitions, with and without dense dims."""
    generator = torch.Generator().manual_seed(seed)
    indices = torch.randint(0, 4, (3, 40), generator=generator)
    values = torch.randn((40, 2) if seed % 2 else (40,), generator=generator, dtype=torch.float64)
    theirs = torch.sparse_coo_tensor(indices, values, (4, 4, 4, *values.shape[1:]))
    ours = to_own(theirs)
    assert_same(theirs.coalesce(), ours.coalesce())
    assert_same(theirs.to_dense(), ours.to_dense())
    again = ours.coalesce()
    assert again.coalesce() is again
