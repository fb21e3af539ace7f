"""Constraints: which values of a grid are in, texts, attributes; the registries of transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import torchlike

from ..compare import Raised, assert_alike, assert_same, assert_same_error, outcome, own_tensor
from .examples import LIBRARIES

INF, NAN = float("inf"), float("nan")
NUMBERS = [-INF, -2.0, -1.0, -0.5, 0.0, 1e-30, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 7.0, INF, NAN]
VECTORS = [
    [0.0, 1.0, 0.0], [0.2, 0.3, 0.5], [1.0, 1.0, 0.0], [-0.5, 1.0, 0.5], [2.0, 3.0, 0.0],
    [0.0, 0.0, 0.0], [NAN, 0.0, 1.0], [0.5, 0.5, 1e-7], [3.0, 2.0, 1.0],
]  # fmt: skip
MATRICES = [
    [[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.2], [0.2, 2.0]], [[1.0, 2.0], [2.0, 1.0]],
    [[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]], [[-1.0, 0.0], [0.5, 1.0]],
    [[1.0, 0.3], [0.1, 1.0]], [[2.0, 0.0], [0.0, 3.0]], [[1.0, 0.0], [0.0, 1.0]],
]  # fmt: skip
GRIDS = {
    "numbers": NUMBERS, "vectors": VECTORS, "matrices": MATRICES, "matrix": MATRICES[0],
    "rows": [[[1.0, 2.0, 3.0]]], "symmetric": [m for m in MATRICES if m[0][1] == m[1][0]],
}  # fmt: skip

CONSTRAINTS = {
    **{
        name: lambda c, name=name: getattr(c, name)
        for name in (
            "boolean", "corr_cholesky", "dependent", "lower_cholesky", "lower_triangular",
            "nonnegative", "nonnegative_integer", "one_hot", "positive", "positive_semidefinite",
            "positive_definite", "positive_integer", "real", "real_vector", "simplex", "square",
            "symmetric", "unit_interval",
        )
    },  # fmt: skip
    "greater_than": lambda c: c.greater_than(0.5),
    "greater_than_eq": lambda c: c.greater_than_eq(0.5),
    "less_than": lambda c: c.less_than(0.5),
    "interval": lambda c: c.interval(-1.0, 2),
    "half_open_interval": lambda c: c.half_open_interval(-1.0, 2),
    "integer_interval": lambda c: c.integer_interval(-1, 2),
    "integer_less_than": lambda c: c._IntegerLessThan(1),
    "multinomial": lambda c: c.multinomial(5),
    "independent": lambda c: c.independent(c.positive, 1),
    "independent.2": lambda c: c.independent(c.interval(-1.0, 2.0), 2),
    "independent.vector": lambda c: c.independent(c.simplex, 1),
    "independent.0": lambda c: c.independent(c.integer_interval(0, 3), 0),
    "mixture": lambda c: c.MixtureSameFamilyConstraint(c.positive),
    "mixture.vector": lambda c: c.MixtureSameFamilyConstraint(c.simplex),
    "cat": lambda c: c.cat([c.positive, c.unit_interval], -1, [2, 1]),
    "cat.default": lambda c: c.cat([c.positive, c.boolean], 0),
    "stack": lambda c: c.stack([c.positive, c.unit_interval, c.real], -1),
    "stack.vectors": lambda c: c.stack([c.real_vector, c.simplex], -2),
    "dependent.called": lambda c: c.dependent(is_discrete=True, event_dim=1),
}  # fmt: skip


def _named(library: Any) -> Any:
    return library.distributions.constraints


def _text(constraint: Any) -> Any:
    """PyTorch's default text of the classes that have none of their own holds no address."""
    return repr(constraint)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_check(name: str):
    theirs, ours = (CONSTRAINTS[name](_named(library)) for library in LIBRARIES)
    for grid, values in GRIDS.items():
        for dtype in (torch.float32, torch.float64):
            x = torch.tensor(values, dtype=dtype)
            expected, found = outcome(theirs.check, x), outcome(ours.check, own_tensor(x))
            if isinstance(expected, Raised):
                assert isinstance(found, Raised), f"{name} of {grid}: {found}"
                if expected.kind in (ValueError, AssertionError):
                    assert_same_error(expected, found, f"{name} of {grid}")
            else:
                assert_same(expected, found, where=f"{name} of {grid}")


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_description(name: str):
    theirs, ours = (CONSTRAINTS[name](_named(library)) for library in LIBRARIES)
    assert repr(theirs) == repr(ours)
    for what in ("is_discrete", "event_dim"):
        expected, found = (outcome(getattr, c, what) for c in (theirs, ours))
        assert str(expected) == str(found), what
    assert _named(torch).is_dependent(theirs) == _named(torchlike).is_dependent(ours)


@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_transforms_onto_a_constraint(registry: str, name: str):
    """The same transform, and what it gives is in."""
    theirs, ours = (
        outcome(
            lambda D: getattr(D, registry)(CONSTRAINTS[name](D.constraints)), library.distributions
        )
        for library in LIBRARIES
    )
    if isinstance(theirs, Raised):
        assert_same_error(theirs, ours)
        return
    if "cat" in name or "stack" in name:  # their text is that of an object without parameters
        assert [repr(t) for t in theirs.transforms] == [repr(t) for t in ours.transforms]
    assert repr(theirs) == repr(ours)
    shape = {"cat": (2, 3), "cat.default": (2, 3), "stack": (2, 3), "stack.vectors": (2, 3)}
    x = torch.tensor(np.random.default_rng(1).normal(size=shape.get(name, (4, 3, 3))))
    expected, found = outcome(theirs, x), outcome(ours, own_tensor(x))
    if isinstance(expected, Raised):
        assert_same_error(expected, found)
        return
    assert_same(expected, found)
    checks = [
        outcome(CONSTRAINTS[name](_named(library)).check, y)
        for library, y in zip(LIBRARIES, (expected, found), strict=True)
    ]
    if isinstance(checks[0], Raised):
        assert isinstance(checks[1], Raised)
    else:
        assert bool(checks[0].all())
        assert bool(checks[1].all())


def test_registering():
    for library in LIBRARIES:
        D = library.distributions
        registry = D.constraint_registry.ConstraintRegistry()

        class Mine(D.constraints.Constraint):
            pass

        @registry.register(Mine)
        def factory(constraint: Any) -> str:
            return "mine"

        assert registry(Mine()) == "mine"
        registry.register(D.constraints.real, lambda c: "real")
        assert registry(D.constraints.real) == "real"


def _dependent_property(library: Any) -> Any:
    c = library.distributions.constraints

    class Box:
        @c.dependent_property(is_discrete=False, event_dim=0)
        def support(self) -> Any:
            return c.interval(0, 2)

        @c.dependent_property
        def other(self) -> int:
            return 3

    assert c.is_dependent(Box.support)
    assert Box.support.event_dim == 0
    assert repr(Box().support) == "Interval(lower_bound=0, upper_bound=2)"
    assert Box().other == 3
    return Box.other.is_discrete


ERRORS = {
    "dependent property": _dependent_property,
    "independent of nothing": lambda T: _named(T).independent(3, 1),
    "independent of a float": lambda T: _named(T).independent(_named(T).real, 1.5),
    "independent of less": lambda T: _named(T).independent(_named(T).real, -1),
    "independent of few dims": lambda T: _named(T).real_vector.check(T.tensor(1.0)),
    "mixture of nothing": lambda T: _named(T).MixtureSameFamilyConstraint("x"),
    "cat of nothing": lambda T: _named(T).cat([1]),
    "cat of lengths": lambda T: _named(T).cat([_named(T).real], 0, [1, 2]),
    "cat of few dims": lambda T: _named(T).cat([_named(T).real], 1).check(T.ones(2)),
    "stack of few dims": lambda T: _named(T).stack([_named(T).real], -2).check(T.ones(2)),
    "check of the base class": lambda T: _named(T).Constraint().check(T.ones(2)),
    "register of a number": lambda T: T.distributions.biject_to.register(3, lambda c: c),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str):
    assert isinstance(assert_alike(ERRORS[name]), Raised)


def test_names():
    for name in torch.distributions.constraints.__all__:
        assert hasattr(torchlike.distributions.constraints, name), name
