"""What a sparse tensor says about itself; copies, files, and what it refuses to be."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch

import torchlike

from ..compare import assert_same
from .alike import assert_source, lines, operands

CASES = """
[A.is_sparse, A.is_sparse_csr, A.layout, A.sparse_dim(), A.dense_dim(), A._nnz(), A.is_coalesced()]
[u.is_sparse, u.is_coalesced(), u._indices(), u._values(), u._nnz()]
[H.sparse_dim(), H.dense_dim(), H.values()]
[R.is_sparse, R.is_sparse_csr, R.layout, R.sparse_dim(), R.dense_dim(), R._nnz()]
[CC.is_sparse_csr, CC.layout, BR.layout, BR._nnz(), BC.layout]
u.indices()
u.values()
A.crow_indices()
R.indices()
R._indices()
R.row_indices()
CC.col_indices()
R.is_coalesced()
R.coalesce()
d.indices()
d.is_coalesced()
d._nnz()
[d.sparse_dim(), d.dense_dim()]
A.double()
A.to(t.int64)
R.half()
A.to("cpu")
A.to("cpu", copy=True) is A
A.to(t.float32) is A
A.bool()
A.type(t.float64)
A.type("torch.sparse.DoubleTensor")
A.type()
u.double()
R.to(t.float64)
A.to(memory_format=t.contiguous_format)
t.tensor([3.]).to_sparse().item()
bool(t.tensor([3.]).to_sparse())
float(t.sparse_coo_tensor([[0, 0]], [1., 2], (1, )))
t.tensor([[3.]]).to_sparse_csr().item()
len(t.tensor(3.).to_sparse())
len(A)
hash(A) == id(A)
A.numel()
A.is_floating_point()
A.size()
A.size(1)
A.dim()
A.stride(0)
A.stride()
A.numpy()
A.numpy(force=True)
np.asarray(A)
A.tolist()
A.data_ptr()
A.storage_offset()
R.is_contiguous()
A.is_shared()
A.__dlpack__()
A.backward()
A.fill_(0.)
list(A)
A[0]
A[0, 1]
A[0:1]
A[t.tensor([True, False])]
A[t.tensor([1, 0])]
R[0]
R[0, 1]
R[:]
A.__setitem__(0, 1.)
R.__setitem__(0, 1.)
[x.requires_grad for x in (A.requires_grad_(), A.detach())]
[copy.deepcopy(A), copy.deepcopy(u), copy.deepcopy(H)]
[x := copy.deepcopy(u), x.is_coalesced()]
copy.copy(A)
[pickle.loads(pickle.dumps(x)) for x in (A, u, H, R, CC, BR, BC)]
t.nn.Parameter(A).requires_grad
t.nn.Parameter(A).is_sparse
repr(A)
repr(u)
repr(H)
repr(R)
repr(CC)
repr(BR)
repr(BC)
repr(batch.to_sparse_csr())
repr(A.double())
repr(A.requires_grad_())
repr(A.requires_grad_() * 2).partition("grad_fn")[0]
f"{A}"
str(t.zeros(2, 3).to_sparse())
str(t.arange(2000.).to_sparse())
"""
NAMES = ("A", "u", "H", "R", "CC", "BR", "BC")


@pytest.mark.parametrize("source", lines(CASES))
def test_call(source: str):
    assert_source(source)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("writer", "reader"), [(torch, torchlike), (torchlike, torch)])
def test_files(writer: Any, reader: Any, name: str):
    """What one library saves, the other loads."""
    file = io.BytesIO()
    writer.save({"x": operands(writer)[name]}, file)
    for weights_only in (True, False):
        file.seek(0)
        found = reader.load(file, weights_only=weights_only)["x"]
        if reader is torch:
            assert_same(found, operands(torchlike)[name])
        else:
            assert_same(operands(torch)[name], found)


def test_state_dict():
    """Buffers and parameters that are sparse are saved, loaded and converted."""
    for t in (torch, torchlike):
        module = t.nn.Module()
        module.register_buffer("a", operands(t)["A"])
        state = module.state_dict()
        other = t.nn.Module()
        other.register_buffer("a", t.zeros(2, 3).to_sparse())
        other.load_state_dict(state)
        assert other.a.to_dense().tolist() == operands(t)["d"].tolist()
        assert other.double().a.dtype is t.float64
