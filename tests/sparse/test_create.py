"""Constructors: what they make, what they refuse, how it prints."""

from __future__ import annotations

import pytest
import torch

import torchlike

from ..compare import Raised, outcome
from .alike import assert_source, lines

COO = """
C(i, v, (2, 3))
C(i, v)
C([[0, 1, 1], [2, 0, 2]], [3, 4, 5.], (2, 4))
C([[0, 1, 1], [2, 0, 2]], [3, 4, 5], (2, 4))
C((2, 3))
C([2, 3])
C(t.Size([2, 3]))
C(size=(2, 3), dtype=t.float64)
C(indices=i, values=v, size=(2, 3))
C(i, v, t.Size((2, 3)))
C(i, v, [2, 3])
C(i.numpy(), v.numpy(), (2, 3))
C(i, v, (2, 3), device="cpu")
C(2, 3)
C()
C(i)
C(i, v, t.tensor([2, 3]))
C("a", v)
C(t.empty(2, 0, dtype=t.long), t.empty(0), (2, 3))
C(t.empty(2, 0, dtype=t.long), t.empty(0))
C(t.zeros(2, 0).long(), t.zeros(0, 5))
C(t.empty(0, 1, dtype=t.long), t.tensor([1.]))
C(t.tensor([[0]]), 3.0, (2,))
C(i, t.arange(6.).reshape(3, 2), (2, 3, 2))
C(i, t.arange(6.).reshape(3, 2))
C(i, v, (2, 3), requires_grad=True)
C(i, v.clone().requires_grad_(), (2, 3)).grad_fn.name()
C(i, v.clone().requires_grad_(), (2, 3), requires_grad=True).is_leaf
C(i, v, (2, 3), dtype=t.float64)
C(i.int(), v, (2, 3))
C(i.float(), v, (2, 3))
C(i, t.tensor([True, False, True]), (2, 3))
C(i, v + 1j, (2, 3))
C(i, v, (2, 3), is_coalesced=True)
C(i[:, :1], v[:1], (2, 3), is_coalesced=False)
C(i, v, (2, 3), is_coalesced=False)
C(t.tensor([0, 1]), t.tensor([1., 2.]))
C(t.zeros(2, 1, 1, dtype=t.long), v[:1], (2, 3))
C(i, v[:2], (2, 3))
C(i, v[:2])
C(i, t.tensor(1.), (2, 3))
C(i, t.ones(3, 2), (2, 3, 5))
C(i, v.to_sparse(), (2, 3))
C(i, v.int(), (2, 3), requires_grad=True)
C(i, v, (2, 3, 4))
C(i, v, (2,))
C(i, v, (2, -3))
C(-i, v)
C(-i, v, (2, 3), check_invariants=True)
C(i, v, (2, 2), check_invariants=True)
C(t.tensor([[0], [-2]]), v[:1], (2, 3), check_invariants=True)
C(t.tensor([[0], [0]]), v[:1], (0, 3), check_invariants=True)
C(t.tensor([[1, 0], [0, 0]]), v[:2], (2, 3), is_coalesced=True, check_invariants=True)
t.sparse.FloatTensor(t.tensor([[0], [1]]), t.tensor([1.]), t.Size([2, 3]))
t.sparse.FloatTensor(t.tensor([[0], [1]]), t.tensor([1.]))
t.sparse.FloatTensor(2, 3)
t.sparse.FloatTensor()
[isinstance(A, t.sparse.FloatTensor), isinstance(A, t.sparse.DoubleTensor), isinstance(d, t.sparse.FloatTensor)]
"""

COMPRESSED = """
R_(crow, col, v, (2, 3))
R_(crow, col, v)
R_([0, 1, 3], [1, 0, 2], [1, 2, 3])
R_([0, 1, 3], [1, 0, 2], [1., 2, 3], dtype=t.float64)
R_(crow.int(), col.int(), v).crow_indices().dtype
R_(crow.int(), col, v).col_indices().dtype
R_(crow, col, v, requires_grad=True)
R_(crow_indices=crow, col_indices=col, values=v, size=(2, 3))
R_(crow, col, v, layout=t.sparse_csc)
R_(t.stack([crow, crow]), t.stack([col, col]), t.stack([v, v]), (2, 2, 3))
R_(crow, col, t.stack([v, v], 1), (2, 3, 2))
t.sparse_csc_tensor(t.tensor([0, 1, 2, 3]), t.tensor([1, 0, 1]), v, (2, 3))
t.sparse_csc_tensor(t.tensor([0, 1, 2, 3]), t.tensor([1, 0, 1]), v)
t.sparse_bsr_tensor(t.tensor([0, 1, 2]), t.tensor([0, 1]), t.arange(8.).reshape(2, 2, 2))
t.sparse_bsc_tensor(t.tensor([0, 1, 2]), t.tensor([0, 1]), t.arange(8.).reshape(2, 2, 2), (4, 4))
K(crow, col, v, (2, 3), layout=t.sparse_csr)
K(crow, col, v, (2, 3))
K(crow, col, v, (2, 3), layout=t.sparse_coo)
K(crow, col, v, layout=t.strided)
K(t.stack([crow, crow]), t.stack([col, col]), t.stack([v, v]), layout=t.sparse_csr)
K(crow, col, t.ones(3, 2, 3), layout=t.sparse_bsr).shape
K(crow, col, t.ones(3, 2, 3), layout=t.sparse_bsc).shape
K(crow, col, t.ones(3, 2), layout=t.sparse_csr).shape
K(t.tensor([0, 0]), t.tensor([], dtype=t.long), t.tensor([]), layout=t.sparse_csr)
K(t.tensor(0), col, v, layout=t.sparse_csr)
K(crow, col, t.tensor(1.), layout=t.sparse_csr)
K(crow, col, v[:, None, None].clone().requires_grad_(), (2, 3), layout=t.sparse_bsr).grad_fn.name()
t.sparse_bsr_tensor(t.tensor([0, 1, 2]), t.tensor([0, 1]), t.arange(8.).reshape(2, 2, 2), (3, 4), check_invariants=True)
"""

# (compressed indices, plain indices, values, size), checked for each compressed layout
BAD = {
    "fine": "crow, col, v",
    "length": "t.tensor([0, 3]), col, v, (3, 3)",
    "first": "t.tensor([1, 1, 2, 3]), col, v, (3, 3)",
    "last": "t.tensor([0, 1, 2, 2]), col, v, (3, 3)",
    "falling": "t.tensor([0, 3, 2, 3]), col, v, (3, 3)",
    "steps": "t.tensor([0, 4, 3, 3]), col, v, (3, 3)",
    "outside": "t.tensor([0, 1, 2, 3]), col + 1, v, (3, 3)",
    "negative": "t.tensor([0, 1, 2, 3]), col - 1, v, (3, 3)",
    "unsorted": "t.tensor([0, 2, 2, 3]), t.tensor([1, 0, 2]), v, (3, 3)",
    "nnz": "crow, col, v[:2], (2, 2)",
    "batch": "t.stack([crow, crow]), t.stack([col, col]), t.stack([v, v, v]), (2, 2, 3)",
    "batches": "t.stack([crow, crow]), t.stack([col, col]), t.stack([v, v]), (3, 2, 3)",
    "float": "crow.float(), col, v, (2, 2)",
    "short": "crow.short(), col.short(), v, (2, 2)",
    "dims": "crow, col[None], v, (2, 3)",
    "0-d": "t.tensor(0), col, v, (2, 3)",
    "0-d values": "crow, col, t.tensor(1.), (2, 3)",
    "few dims": "crow, col, v, (2,)",
    "many dims": "crow, col, v, (2, 3, 4)",
    "blocks": "crow, col, t.ones(3, 2, 2), (3, 6)",
}


@pytest.mark.parametrize("source", lines(COO) + lines(COMPRESSED))
def test_constructor(source: str):
    assert_source(source)


@pytest.mark.parametrize("layout", ["csr", "csc", "bsr", "bsc"])
@pytest.mark.parametrize("case", BAD)
def test_compressed_invariants(layout: str, case: str):
    args = BAD[case]
    if layout.startswith("b") and case not in ("0-d values", "blocks"):
        args = args.replace(" v", " v[..., None, None]").replace("t.stack([v, v", "t.stack([v[..., None, None], v[..., None, None]")  # fmt: skip
        args = args.replace("v[..., None, None][:2]", "v[:2, None, None]")
        args = args.replace(", v, v]", ", v[..., None, None]]").replace(", v]", "]")
    assert_source(f"K({args}, layout=t.sparse_{layout}, check_invariants=True)")


@pytest.mark.parametrize(
    "source",
    lines("""
    C(i, v, (2, 3))
    C(i, v, (2, 3)).double()
    C(i, v, (2, 3), requires_grad=True)
    C(i, v, (2, 3), requires_grad=True) * 2
    C((2, 3))
    C(i, v.bool(), (2, 3))
    C(i, v + 1j, (2, 3))
    C(t.zeros(2, 40, dtype=t.long), t.arange(40.) / 7, (2, 3))
    t.arange(2000.).reshape(40, 50).to_sparse()
    H
    A.half()
    R
    R.double()
    R.detach().requires_grad_()
    t.zeros(2, 3, layout=t.sparse_csr)
    CC
    BR
    BC
    batch.to_sparse_csr()
    batch.to_sparse_bsr((1, 3))
    t.stack([d, e * 0 + d], -1).to_sparse_csr(dense_dim=1)
    t.nn.Parameter(A)
    [A, R]
    """),
)
def test_text(source: str):
    assert_source(f"repr({source})")
    assert_source(f"str({source})")


def test_values_and_indices_are_shared_with_what_they_were_made_of():
    shared = "C(i, v, (2, 3))._values().data_ptr() == v.data_ptr()"
    assert_source(shared)
    assert_source("[x := C(i, v, (2, 3)), x._values().mul_(2), v]")
    assert_source("[x := R_(crow, col, v), v.mul_(2), x]")


def test_the_switch_for_checks():
    bad = [[0], [1]], [1.0], (1, 1)
    for t in (torch, torchlike):
        switch = t.sparse.check_sparse_tensor_invariants
        assert not switch.is_enabled()
        with switch():
            assert switch.is_enabled()
            with pytest.raises(RuntimeError, match="size is inconsistent with indices"):
                t.sparse_coo_tensor(*bad)
            assert t.sparse_coo_tensor(*bad, check_invariants=False)._nnz() == 1
            with switch(enable=False):
                assert not switch.is_enabled()
            assert switch.is_enabled()
        assert not switch.is_enabled()
        assert switch()(switch.is_enabled)()
        switch.enable()
        assert switch.is_enabled()
        switch.disable()
        assert not switch.is_enabled()
    ours, theirs = [
        outcome(lambda t=t: _twice(t.sparse.check_sparse_tensor_invariants()))
        for t in (torchlike, torch)
    ]
    assert isinstance(theirs, Raised)
    assert str(ours) == str(theirs)
    torch.sparse.check_sparse_tensor_invariants.disable()
    torchlike.sparse.check_sparse_tensor_invariants.disable()


def _twice(switch):
    with switch, switch:
        pass
