"""Every op of PyTorch's database with a sparse operand: the same result, or a refusal of the same kind.

Nothing may be made dense in silence: where PyTorch has no kernel, torchlike raises what PyTorch raises.
"""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

import torchlike

from ..compare import NoSuchTensor, Raised, assert_same, outcome, own_tensor, same_kind, to_own
from ..ops.op_database import SEED, Row, Sample, rows

LAYOUTS = ("sparse_coo", "sparse_csr")
_COMPOSITE = "PyTorch composes it of functions of which some take sparse tensors; here it is one op"
_UNBOUND = "the sample calls torch.Tensor.item unbound, which is the dense tensors' function"
_SIGNS = "signs of singular vectors are free"
_RANDOM = "the database does not seed it"
_REFLECTED = "called by its reflected name with a tensor, which no operator does"
DIFFERENT = {
    "item": _UNBOUND,
    "addr": _COMPOSITE,
    "cartesian_prod": _COMPOSITE,
    "diff": _COMPOSITE,
    "flatten": _COMPOSITE,
    "inner": _COMPOSITE,
    "kron": _COMPOSITE,
    "tensordot": _COMPOSITE,
    "linalg.vecdot": _COMPOSITE,
    "nn.functional.embedding": _COMPOSITE,
    "nn.functional.kl_div": _COMPOSITE,
    "nn.functional.linear_cross_entropy": _COMPOSITE,
    "chalf": "torchlike has no complex32",
    "new_ones": "PyTorch leaves a CSR tensor of that size uninitialised",
    "new_full": "PyTorch leaves a CSR tensor of that size uninitialised",
    "new_empty_strided": "PyTorch makes it on CSR's values only",
    "round.decimals_0": "decimals=0 is no other overload here",
    "imag": "compressed layouts have it too",
    "__radd__": _REFLECTED,
    "__rsub__": _REFLECTED,
    "__rdiv__": _REFLECTED,
    "mul": "PyTorch does not repeat the elements of a COO tensor along a dim of length 1",
    "__rmul__": "PyTorch does not repeat the elements of a COO tensor along a dim of length 1",
    "ldexp": "PyTorch does not repeat the elements of a COO tensor along a dim of length 1",
    "permute": "PyTorch calls a tensor coalesced whose indices are not sorted",
    "sum_to_size": "the sum of a 0-d sparse tensor is dense in PyTorch",
    "svd_lowrank": _SIGNS,
    "pca_lowrank": _SIGNS,
    "randn_like": _RANDOM,
    "normal.in_place": _RANDOM,
    "nn.functional.dropout": "PyTorch's product with an empty scalar at p=1 is uninitialised",
    "nn.functional.alpha_dropout": "PyTorch's product with an empty scalar at p=1 is uninitialised",
}


def _sparse(t: torch.Tensor, layout: str) -> torch.Tensor:
    """Half of the elements are left out."""
    t = t.detach()
    keep = (torch.arange(t.numel()) % 2 == 0).reshape(t.shape)
    return torch.where(keep, t, torch.zeros((), dtype=t.dtype)).to_sparse(
        layout=getattr(torch, layout)
    )


def _cases() -> list[Any]:
    found = []
    for name, row in rows().items():
        if name.startswith(("masked.", "sparse.", "to_sparse")):
            continue  # torch.masked has its own tests, the others theirs in this folder
        if any(name == known or name.startswith(f"{known}.") for known in DIFFERENT):
            continue
        # The plain run takes every third
        found.append(pytest.param(row, id=name, marks=[pytest.mark.parity] if len(found) % 3 else []))
    return found


@pytest.mark.parametrize("row", _cases())
def test_with_a_sparse_operand(row: Row):
    dtypes = row.dtypes(("float32",))
    sample = row.quick_sample(dtypes[0]) if dtypes else None
    if sample is None or not isinstance(sample.input, torch.Tensor) or sample.input.numel() > 300:
        return  # no operand that could be sparse
    for layout in LAYOUTS:
        _compare(row, sample, layout)


def _compare(row: Row, sample: Sample, layout: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = _sparse(sample.input, layout)
            ours, (_, args, kwargs) = own_tensor(theirs), to_own(sample.fresh())
        except (RuntimeError, IndexError, NoSuchTensor):
            return  # PyTorch has no such sparse tensor
        _, their_args, their_kwargs = sample.fresh()
        torch.manual_seed(SEED)
        torchlike.manual_seed(SEED)
        expected = outcome(lambda: row.on(torch)(theirs, *their_args, **their_kwargs))
        found = outcome(lambda: row.on(torchlike)(ours, *args, **kwargs))
    if isinstance(expected, Raised):
        assert isinstance(found, Raised), f"expected {expected}, got {found!r}"
        assert same_kind(expected.kind, found.kind), f"expected {expected}, got {found}"
        assert found.kind.__name__ != "SparseOperand", "nobody put it in PyTorch's words"
        return
    assert not isinstance(found, Raised), f"expected {expected!r}, got {found}"
    empty = row.name in ("empty_like", "new_empty", "resize_")
    assert_same(expected, found, row.tolerance, values=not empty)
