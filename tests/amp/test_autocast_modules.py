"""Every class of PyTorch's ``module_db`` under CPU autocast: precisions, values, gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing._internal.common_modules import module_db

import torchlike

from ..compare import dtype_name, numpy_of
from ..nn.test_modules_db import backward, leaves, ours, samples, tensors, without_dropout

LOOSE = 4e-2  # of the largest magnitude: each product and sum is rounded to 8 bits, in its own order
# Gradients of the lower precision that PyTorch's kernels add up in it, one after the other
FORWARD_ONLY = ("Conv", "Bilinear", "Transformer", "Multihead", "RNN", "GRU", "LSTM")


def close(expected: Any, found: Any) -> bool:
    a, b = numpy_of(expected).astype(np.float64), numpy_of(found).astype(np.float64)
    size = max(float(np.abs(a[np.isfinite(a)]).max(initial=0.0)), 1e-3)
    return np.allclose(a, b, rtol=LOOSE, atol=LOOSE * size, equal_nan=True)


def check(expected: list[Any], found: list[Any], what: str) -> None:
    kinds = [(dtype_name(t.dtype), tuple(t.shape)) for t in expected]
    assert kinds == [(dtype_name(t.dtype), tuple(t.shape)) for t in found], what
    for i, (e, f) in enumerate(zip(expected, found, strict=True)):
        assert close(e, f), f"{what} {i}: {e} against {f}"


# The plain run takes every fourth
MODULES = [
    pytest.param(info, id=info.name, marks=[pytest.mark.parity] if k % 4 else [])
    for k, info in enumerate(module_db)
]


@pytest.mark.parametrize(
    "training", [True, pytest.param(False, marks=pytest.mark.parity)], ids=["train", "eval"]
)
@pytest.mark.parametrize("info", MODULES)
def test_runs_as_in_pytorch(info: Any, training: bool):
    cls = info.module_cls
    mine = getattr(torchlike.nn, cls.__name__)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in samples(info, training):
            given = sample.constructor_input
            args, kwargs = without_dropout(cls, given.args, given.kwargs)
            theirs, found = cls(*args, **kwargs), mine(*ours(args), **ours(kwargs))
            theirs.train(training)
            found.train(training)
            check_module(theirs, found, sample.forward_input)


def check_module(theirs: Any, found: Any, given: Any) -> None:
    there_args, there_kwargs = leaves(given.args), leaves(given.kwargs)
    if any(torch.nn.parameter.is_lazy(p) for p in theirs.parameters()):
        with torch.no_grad():
            theirs(*there_args, **there_kwargs)
    found.load_state_dict(ours(dict(theirs.state_dict())))
    args, kwargs = ours(given.args), ours(given.kwargs)
    try:
        with torch.autocast("cpu"):
            expected = theirs(*there_args, **there_kwargs)
    except Exception:
        return  # wrong for float32, or no such kernel on this processor
    with torchlike.autocast("cpu"):
        out = found(*args, **kwargs)
    check(tensors(expected), tensors(out), "output")
    backward(expected, torch)
    backward(out, torchlike)
    pairs = list(zip(theirs.parameters(), found.parameters(), strict=True))
    grads = [(a.grad, b.grad) for a, b in pairs if a.grad is not None]
    assert all(b is not None for _, b in grads)
    assert [dtype_name(a.dtype) for a, _ in grads] == [dtype_name(b.dtype) for _, b in grads]
    if not any(part in type(theirs).__name__ for part in FORWARD_ONLY):
        check([a for a, _ in grads], [b for _, b in grads], "gradient")
