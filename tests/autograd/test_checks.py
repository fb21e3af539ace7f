"""``gradcheck``, anomaly detection and the functional derivatives, against PyTorch's."""

from __future__ import annotations

import re
import warnings

import pytest
import torch

import torchlike

from ..compare import Cases, assert_alike, error_of, name_of

case = Cases()


def leaf(t, *values):
    return t.tensor(list(values), dtype=t.float64, requires_grad=True)


def wrong_function(t):
    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 3

    return Wrong


@case
def gradcheck_passes(t):
    x, y = leaf(t, 0.5, -1.5), leaf(t, 2.0, 3.0)
    z = t.tensor([1 + 2j, 0.5j], dtype=t.complex128, requires_grad=True)
    check = t.autograd.gradcheck
    return (
        check(lambda x, y: (x * y).sin(), (x, y)), check(lambda z: z * z.conj() * z, z),
        check(lambda x: (x.exp(), x.sum()), x), t.autograd.gradgradcheck(lambda x: x**3, x),
    )  # fmt: skip


@case
def gradcheck_fails(t):
    x = leaf(t, 0.5, -1.5)
    f = wrong_function(t).apply
    kind, line = error_of(t.autograd.gradcheck, f, x)
    return kind, line, t.autograd.gradcheck(f, x, raise_exception=False)


@case
def gradcheck_needs_grad(t):
    return error_of(t.autograd.gradcheck, lambda x: x * 2, t.ones(2, dtype=t.float64))


@case
def jacobian_and_hessian(t):
    x = leaf(t, 0.5, -1.5)
    f = t.autograd.functional
    return (
        f.jacobian(lambda x: x * x.sum(), x), f.hessian(lambda x: (x**3).sum(), x),
        f.vjp(lambda x: x.exp(), x, t.ones(2, dtype=t.float64)),
        f.jvp(lambda x: x.exp(), x, t.ones(2, dtype=t.float64)),
        f.hvp(lambda x: (x**3).sum(), x, t.ones(2, dtype=t.float64)),
    )  # fmt: skip


@case
def anomaly_raises_at_nan(t):
    x = leaf(t, 0.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with t.autograd.detect_anomaly():
            y = (x.sqrt() * 0).sum()
            return error_of(y.backward)


@case
def anomaly_without_nan_check(t):
    x = leaf(t, 0.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with t.autograd.set_detect_anomaly(True, check_nan=False):
            (x.sqrt() * 0).sum().backward()
    return x.grad


@case
def anomaly_is_a_mode(t):
    before = t.is_anomaly_enabled(), t.is_anomaly_check_nan_enabled()
    with t.autograd.set_detect_anomaly(True, check_nan=False):
        inside = t.is_anomaly_enabled(), t.is_anomaly_check_nan_enabled()
    return before, inside, t.is_anomaly_enabled()


@pytest.mark.parametrize("fn", case, ids=name_of)
def test_like_pytorch(fn, execution):
    assert_alike(fn)


@pytest.mark.parametrize("library", [torch, torchlike], ids=["torch", "torchlike"])
def test_anomaly_names_the_forward_line(library, execution):
    x = library.zeros(2, requires_grad=True)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with library.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="nan values"):
            y = x.sqrt() * 0  # the guilty line
            y.sum().backward()
    text = "\n".join(str(w.message) for w in seen)
    assert "Error detected in SqrtBackward0" in text
    assert "the guilty line" in text
    assert re.search(r"test_checks\.py", text)
