"""Dtypes that can be named but have no tensors here, against PyTorch's."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

import torchlike
from torchlike.core.shells import SHELLS

FACTS = ["itemsize", "is_floating_point", "is_complex", "is_signed"]


def outcome(ask):
    try:
        return repr(ask())
    except (RuntimeError, TypeError) as error:
        return type(error), str(error).split("\n")[0]


@pytest.mark.parametrize("name", SHELLS)
def test_has_pytorchs_facts(name):
    mine, theirs = getattr(torchlike, name), getattr(torch, name)
    assert repr(mine) == repr(theirs)
    for fact in FACTS:
        ours, wanted = (outcome(lambda d=d, fact=fact: getattr(d, fact)) for d in (mine, theirs))
        assert ours == wanted, fact
    assert outcome(mine.to_real) == outcome(theirs.to_real)
    assert isinstance(mine, torchlike.dtype)
    assert copy.deepcopy(mine) is mine
    assert pickle.loads(pickle.dumps(mine)) is mine


@pytest.mark.parametrize("name", SHELLS)
def test_tensors_of_it_are_refused(name):
    of = getattr(torchlike, name)
    x = torchlike.ones(2)
    for make in (
        lambda: torchlike.zeros(2, dtype=of),
        lambda: torchlike.tensor([1], dtype=of),
        lambda: x.to(of),
    ):
        with pytest.raises(NotImplementedError, match=rf"no tensors of torch\.{name}\n.*hint"):
            make()
    assert x.dtype is not of


def test_aliases():
    assert torchlike.bit is torchlike.uint1
    assert torchlike.chalf is torchlike.complex32
    assert (repr(torchlike.bit), repr(torchlike.chalf)) == (repr(torch.bit), repr(torch.chalf))


@pytest.mark.parametrize("other", ["uint8", "int64", "float16", "bfloat16", "float32", "float64", "complex64"])
def test_promotion_of_half_complex(other):
    found = [repr(t.promote_types(t.chalf, getattr(t, other))) for t in (torchlike, torch)]
    assert found[0] == found[1]
    assert repr(torchlike.finfo(torchlike.chalf)) == repr(torch.finfo(torch.chalf))


def test_schemes():
    for name in ("per_tensor_affine", "per_channel_symmetric"):
        assert repr(getattr(torchlike, name)) == repr(getattr(torch, name))
        assert isinstance(getattr(torchlike, name), torchlike.qscheme)
    with pytest.raises(TypeError, match=r"cannot create 'torch\.qscheme' instances"):
        torchlike.qscheme()
