"""Tensors that come from and go to others: DLPack, files in memory, what pickles of results."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
import torch.utils.dlpack

import torchlike

from ..compare import Cases, assert_alike, name_of

case = Cases()


@case
def a_capsule_there_and_back(t):
    x = t.arange(6.0).reshape(2, 3)
    return t.utils.dlpack.from_dlpack(t.utils.dlpack.to_dlpack(x)), t.from_dlpack(x)


@case
def an_array_of_numpys(t):
    return t.from_dlpack(np.arange(6).reshape(2, 3)), t.from_dlpack(np.arange(3.0), copy=True)


@case
def a_transposed_tensor(t):
    x = t.arange(6.0).reshape(2, 3).t()
    return t.from_dlpack(x), [int(part) for part in x.__dlpack_device__()]


@case
def a_leaf_goes_as_a_capsule_only(t):
    x = t.ones(2, requires_grad=True)
    capsule = t.utils.dlpack.to_dlpack(x)
    return type(capsule).__name__, x.__dlpack__()


@case
def a_capsule_goes_once(t):
    capsule = t.utils.dlpack.to_dlpack(t.ones(2))
    t.utils.dlpack.from_dlpack(capsule)
    return t.utils.dlpack.from_dlpack(capsule)


@case
def no_capsule(t):
    return t.from_dlpack(3)


@pytest.mark.parametrize("fn", case, ids=name_of)
def test_cases(fn):
    assert_alike(fn)


@pytest.fixture
def numbers(tmp_path):
    path = tmp_path / "numbers"
    np.arange(6, dtype=np.float32).tofile(path)
    return path


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_as_memory(numbers, shared):
    def read(t):
        x = t.from_file(str(numbers), shared=shared, size=5)
        return x, x.shape, x.dtype, t.from_file(str(numbers), size=3, dtype=t.int32)

    assert_alike(read)


def test_writes_reach_a_shared_file(tmp_path):
    def run(t):
        path = str(tmp_path / t.__name__)
        x = t.from_file(path, shared=True, size=4)
        x.fill_(3)
        x.sum().item()
        del x
        return np.fromfile(path, np.float32).tolist()

    assert run(torchlike) == run(torch)


def test_no_such_file():
    assert_alike(lambda t: t.from_file("/nonexistent", size=3))


def values(t):
    x = t.tensor([[3.0, 1.0], [2.0, 5.0]])
    return {
        "max": t.max(x, 0), "sort": x.sort(), "topk": x.topk(1), "qr": t.linalg.qr(x),
        "slogdet": t.linalg.slogdet(x), "median": x.median(1), "frexp": t.frexp(x),
        "aminmax": t.aminmax(x), "histogram": t.histogram(x, 2), "lu_factor": t.linalg.lu_factor(x),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(values(torch)))
def test_return_types(name):
    def look(t):
        found = values(t)[name]
        copied = copy.deepcopy(found)
        return [
            type(found).__name__, type(found).__module__.rpartition(".")[2], found.n_fields,
            found.n_sequence_fields, type(copied).__name__, isinstance(found, tuple), tuple(found),
            found.__class__ is getattr(t.return_types, type(found).__name__),
        ]  # fmt: skip

    assert_alike(look)


def test_return_types_pickle():
    found = values(torchlike)["max"]
    again = pickle.loads(pickle.dumps(found))
    assert type(again) is type(found)
    assert again.values.tolist() == found.values.tolist()


def test_every_return_type_is_there():
    names = [n for n in dir(torch.return_types) if isinstance(getattr(torch.return_types, n), type)]
    missing = [
        n
        for n in names
        if n[0] != "_" and n != "SequenceKey" and not hasattr(torchlike.return_types, n)
    ]
    assert not missing
