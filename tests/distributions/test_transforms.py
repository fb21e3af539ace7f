"""Every transform: values, inverses, volumes, gradients, shapes, caches, equality, errors."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import torchlike

from ..compare import (
    GRADIENT,
    Raised,
    assert_alike,
    assert_same,
    assert_same_error,
    outcome,
    own_tensor,
)
from .examples import LIBRARIES, gradients


def _numbers(*shape: int) -> Any:
    return np.random.default_rng(3).normal(size=shape)


REAL, ROWS, SQUARES = _numbers(4), _numbers(2, 3), _numbers(2, 3, 3)
POSITIVE = np.exp(_numbers(4))

# name: (how it is made, what it is applied to)
TRANSFORMS: dict[str, tuple[Any, Any]] = {
    "AbsTransform": (lambda D, T: D.AbsTransform(), REAL),
    "AffineTransform": (lambda D, T: D.AffineTransform(1.0, -2.5), REAL),
    "AffineTransform.tensors": (
        lambda D, T: D.AffineTransform(T([[0.0], [1.0]]), T([2.0, -1.0, 0.5])), ROWS,
    ),
    "AffineTransform.events": (lambda D, T: D.AffineTransform(0.5, 3, event_dim=1), ROWS),
    "AffineTransform.event tensors": (
        lambda D, T: D.AffineTransform(0.5, T([[2.0, -1.0, 0.5], [1.0, 1.0, 3.0]]), event_dim=1),
        ROWS,
    ),
    "CatTransform": (
        lambda D, T: D.CatTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], -1, [1, 2]),
        ROWS,
    ),
    "CatTransform.events": (
        lambda D, T: D.CatTransform(
            [D.AffineTransform(0.0, 2.0, event_dim=1), D.ExpTransform()], 0, [1, 1]
        ),
        ROWS,
    ),
    "CatTransform.event dim": (
        lambda D, T: D.CatTransform(
            [
                D.AffineTransform(0.0, 2.0, event_dim=1),
                D.IndependentTransform(D.ExpTransform(), 1),
            ],
            -1,
            [1, 2],
        ),
        ROWS,
    ),
    "ComposeTransform": (
        lambda D, T: D.ComposeTransform([D.SigmoidTransform(), D.AffineTransform(-1.0, 2.0)]), REAL,
    ),
    "ComposeTransform.events": (
        lambda D, T: D.ComposeTransform(
            [D.AffineTransform(1.0, T([2.0, 3.0, -1.0])), D.StickBreakingTransform(),
             D.ExpTransform()]
        ),
        ROWS,
    ),
    "ComposeTransform.none": (lambda D, T: D.ComposeTransform([]), REAL),
    "CorrCholeskyTransform": (lambda D, T: D.CorrCholeskyTransform(), ROWS),
    "CorrCholeskyTransform.2": (lambda D, T: D.CorrCholeskyTransform(), _numbers(6)),
    "CumulativeDistributionTransform": (
        lambda D, T: D.CumulativeDistributionTransform(D.Normal(0.5, T([1.0]))), REAL,
    ),
    "ExpTransform": (lambda D, T: D.ExpTransform(), REAL),
    "ExpTransform.inv": (lambda D, T: D.ExpTransform().inv, POSITIVE),
    "IndependentTransform": (lambda D, T: D.IndependentTransform(D.TanhTransform(), 1), ROWS),
    "LowerCholeskyTransform": (lambda D, T: D.LowerCholeskyTransform(), SQUARES),
    "PositiveDefiniteTransform": (lambda D, T: D.PositiveDefiniteTransform(), SQUARES),
    "PowerTransform": (lambda D, T: D.PowerTransform(T([2.0])), POSITIVE),
    "PowerTransform.tensor": (lambda D, T: D.PowerTransform(T([-0.5, 3.0, 1.0, 0.2])), POSITIVE),
    "ReshapeTransform": (lambda D, T: D.ReshapeTransform((3,), (3, 1)), ROWS),
    "SigmoidTransform": (lambda D, T: D.SigmoidTransform(), [*REAL, 800.0, -800.0]),
    "SoftmaxTransform": (lambda D, T: D.SoftmaxTransform(), ROWS),
    "SoftplusTransform": (lambda D, T: D.SoftplusTransform(), [*REAL, 30.0, -30.0]),
    "StackTransform": (
        lambda D, T: D.StackTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], 0), ROWS,
    ),
    "StackTransform.last": (
        lambda D, T: D.StackTransform([D.ExpTransform(), D.SigmoidTransform(), D.TanhTransform()], -1),
        ROWS,
    ),
    "StickBreakingTransform": (lambda D, T: D.StickBreakingTransform(), ROWS),
    "TanhTransform": (lambda D, T: D.TanhTransform(), [*REAL, 5.0]),
}  # fmt: skip


def _made(name: str, library: Any) -> Any:
    return TRANSFORMS[name][0](
        library.distributions, lambda x: library.tensor(x, dtype=library.float64)
    )


def _both(name: str) -> tuple[Any, Any]:
    theirs, ours = (_made(name, library) for library in LIBRARIES)
    return theirs, ours


def _assert_alike(expected: Any, found: Any, x: torch.Tensor, y: Any, where: str) -> None:
    if isinstance(expected, Raised):
        assert_same_error(expected, found, where)
        return
    assert not isinstance(found, Raised), f"{where}: {found}"
    assert_same(expected, found, where=where)
    assert_same(gradients(expected, [x]), gradients(found, [y]), GRADIENT, where=f"grad of {where}")


@pytest.mark.parametrize("name", TRANSFORMS)
def test_values(name: str):
    """Forward, back, and log volume, with gradients; at float32, too."""
    for dtype in (torch.float64, torch.float32):
        theirs, ours = _both(name)
        x = torch.tensor(np.asarray(TRANSFORMS[name][1])).to(dtype).requires_grad_()
        own = own_tensor(x)
        if dtype is torch.float32 and name.split(".")[-1] in ("tensors", "event tensors", "tensor"):
            continue  # their parameters are float64
        image, own_image = theirs(x), ours(own)
        _assert_alike(image, own_image, x, own, "forward")
        back, own_back = outcome(theirs.inv, image.detach()), outcome(ours.inv, own_image.detach())
        _assert_alike(back, own_back, x, own, "inverse")
        volume = outcome(theirs.log_abs_det_jacobian, x, image)
        own_volume = outcome(ours.log_abs_det_jacobian, own, own_image)
        _assert_alike(volume, own_volume, x, own, "log volume")
        if not isinstance(volume, Raised):
            start, own_start = image.detach(), own_image.detach()
            _assert_alike(
                theirs.inv.log_abs_det_jacobian(start, x),
                ours.inv.log_abs_det_jacobian(own_start, own),
                x, own, "log volume of the inverse",
            )  # fmt: skip


@pytest.mark.parametrize("name", TRANSFORMS)
def test_description(name: str):
    theirs, ours = _both(name)
    for each in ("", ".inv"):
        a, b = (t.inv if each else t for t in (theirs, ours))
        assert repr(a) == repr(b)
        for what in ("domain", "codomain", "bijective", "event_dim", "sign"):
            expected, found = outcome(getattr, a, what), outcome(getattr, b, what)
            assert str(expected) == str(found), what
        for shape in ((), (2,), (3,), (2, 3), (4, 3, 3)):
            for what in ("forward_shape", "inverse_shape"):
                sizes = [library.Size(shape) for library in LIBRARIES]
                expected = outcome(getattr(a, what), sizes[0])
                assert str(expected) == str(outcome(getattr(b, what), sizes[1])), what
        assert b.inv.inv is b


def test_equality():
    """Every pair is equal where PyTorch's are."""
    theirs, ours = ({name: _made(name, library) for name in TRANSFORMS} for library in LIBRARIES)
    again = [{name: _made(name, library) for name in TRANSFORMS} for library in LIBRARIES]
    for a in TRANSFORMS:
        for b in TRANSFORMS:
            pairs = (theirs[a], again[0][b]), (ours[a], again[1][b])
            expected, found = (outcome(lambda p: (p[0] == p[1], p[0] != p[1]), p) for p in pairs)
            assert str(expected) == str(found), (a, b)


def test_no_transform_is_hashable():
    for name in TRANSFORMS:
        for library in LIBRARIES:
            with pytest.raises(TypeError, match="unhashable"):
                hash(_made(name, library))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_cache(name: str):
    """With a cache the inverse of a fresh result is the very argument."""
    theirs, ours = (outcome(lambda t: t.with_cache(1), t) for t in _both(name))
    if isinstance(theirs, Raised):
        assert_same_error(theirs, ours)
        return
    assert repr(theirs) == repr(ours)
    x = torchlike.tensor(np.asarray(TRANSFORMS[name][1]))
    y = ours(x)
    x_of_torch = torch.tensor(np.asarray(TRANSFORMS[name][1]))
    is_cached = theirs.inv(theirs(x_of_torch)) is x_of_torch
    assert (ours.inv(y) is x) == is_cached
    assert (ours(x) is y) == (theirs(x_of_torch) is theirs(x_of_torch))
    assert ours.with_cache(1) is ours
    assert ours.with_cache(0) is not ours or not is_cached


@pytest.mark.parametrize("name", TRANSFORMS)
def test_copies(name: str):
    ours = _made(name, torchlike)
    x = torchlike.tensor(np.asarray(TRANSFORMS[name][1]))
    expected = ours(x)
    for again in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours)):
        assert repr(again) == repr(ours)
        assert torchlike.allclose(again(x), expected)


def _custom(T: Any) -> Any:
    class Shift(T.distributions.Transform):
        bijective = True
        domain = codomain = T.distributions.constraints.real

        def __init__(self, by: float) -> None:
            super().__init__()
            self.by = by

        def _call(self, x: Any) -> Any:
            return x + self.by

    return Shift(1.0)


ERRORS = {
    "cache size": lambda T: T.distributions.ExpTransform(cache_size=2),
    "custom without cache": lambda T: _custom(T).with_cache(1),
    "custom without inverse": lambda T: _custom(T).inv(T.ones(2)),
    "custom without volume": lambda T: _custom(T).log_abs_det_jacobian(T.ones(2), T.ones(2)),
    "custom without sign": lambda T: _custom(T).sign,
    "event dim": lambda T: T.distributions.CorrCholeskyTransform().event_dim,
    "reshape": lambda T: T.distributions.ReshapeTransform((2,), (3,)),
    "reshape to few": lambda T: T.distributions.ReshapeTransform((2, 1), (2,)).forward_shape(
        T.Size((2,))
    ),
    "reshape of others": lambda T: T.distributions.ReshapeTransform((2, 1), (2,)).inverse_shape(
        T.Size((3,))
    ),
    "independent": lambda T: T.distributions.IndependentTransform(
        T.distributions.ExpTransform(), 2
    )(T.ones(3)),
    "corr size": lambda T: T.distributions.CorrCholeskyTransform()(T.ones(4)),
    "cat of numbers": lambda T: T.distributions.CatTransform([1]),
    "cat lengths": lambda T: T.distributions.CatTransform(
        [T.distributions.ExpTransform()], lengths=[1, 2]
    ),
    "cat size": lambda T: T.distributions.CatTransform([T.distributions.ExpTransform()])(T.ones(2)),
    "cat back": lambda T: T.distributions.CatTransform([T.distributions.ExpTransform()]).inv(
        T.ones(2)
    ),
    "cat dim": lambda T: T.distributions.CatTransform([T.distributions.ExpTransform()], 1)(
        T.ones(1)
    ),
    "cat volume": lambda T: T.distributions.CatTransform(
        [T.distributions.ExpTransform()], 1
    ).log_abs_det_jacobian(T.ones(1), T.ones(1)),
    "stack size": lambda T: T.distributions.StackTransform([T.distributions.ExpTransform()])(
        T.ones(2)
    ),
    "stack volume": lambda T: T.distributions.StackTransform(
        [T.distributions.ExpTransform()]
    ).log_abs_det_jacobian(T.ones(1), T.ones(2)),
    "softmax of a number": lambda T: T.distributions.SoftmaxTransform().forward_shape(T.Size(())),
    "triangle": lambda T: T.distributions.utils.tril_matrix_to_vec(T.ones(2, 2), 2),
    "no triangle": lambda T: T.distributions.utils.vec_to_tril_matrix(T.ones(4)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str):
    assert isinstance(assert_alike(ERRORS[name]), Raised)


@pytest.mark.parametrize("diag", [-2, -1, 0, 1])
def test_triangles(diag: int):
    def call(T: Any) -> Any:
        utils = T.distributions.utils
        square = T.arange(18.0).reshape(2, 3, 3)
        vector = utils.tril_matrix_to_vec(square, diag)
        return vector, utils.vec_to_tril_matrix(vector, diag)

    assert not isinstance(assert_alike(call), Raised)


def test_names():
    for name in torch.distributions.transforms.__all__:
        assert hasattr(torchlike.distributions.transforms, name), name
        assert hasattr(torchlike.distributions, name), name
