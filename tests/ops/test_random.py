"""Random ops and fills through the public functions: numbers, dtypes, errors, gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

import torchlike

EXPRESSIONS = (
    "T.rand(5)", "T.rand(2, 3)", "T.rand(())", "T.rand(0)", "T.rand(-1)", "T.rand(2.0)",
    "T.rand(3, dtype=T.float64)", "T.rand(3, dtype=T.int64)", "T.rand(3, dtype=T.complex64)",
    "T.rand(3, dtype=T.bool)", "T.rand(40, generator=T.Generator())",
    "T.rand(3, requires_grad=True)",
    "T.randn(5)", "T.randn(100)", "T.randn(3, 7, dtype=T.complex128)", "T.randn(3, dtype=T.int64)",
    "T.randn(-1)", "T.randn(33, dtype=T.bfloat16)",
    "T.randint(5, (3,))", "T.randint(2, 5, (3,))", "T.randint(0, 5, (3,), dtype=T.float32)",
    "T.randint(5, 2, (3,))", "T.randint(low=1, high=5, size=(2,))", "T.randint(high=5, size=(2,))",
    "T.randint(0, 300, (3,), dtype=T.uint8)", "T.randint(-1, 3, (3,), dtype=T.uint8)",
    "T.randint(0, 3, (3,), dtype=T.bool)", "T.randint(5.0, (3,))", "T.randint(5, 3)",
    "T.randint(5)",
    "T.randint(0, 2**63, (3,))", "T.randint(-(2**63), 2**63 - 1, (3,))",
    "T.randint(0, 10, (3,), dtype=T.complex64)", "T.randint(T.tensor(5), (3,))",
    "T.randint(0, 2**25, (3,), dtype=T.float32)", "T.randint(0, 70000, (3,), dtype=T.half)",
    "T.randint(0, 5000, (30,), dtype=T.half)", "T.randint(5, (-2,))",
    "T.randint(0, 10, (3,), dtype=T.uint64)", "T.randint_like(T.zeros(3), 5)",
    "T.randint_like(T.zeros(3), 2, 5)", "T.randint_like(T.zeros(3), high=5)",
    "T.randperm(5)", "T.randperm(-1)", "T.randperm(0)", "T.randperm(5, dtype=T.float32)",
    "T.randperm(300, dtype=T.uint8)", "T.randperm(5, dtype=T.bool)",
    "T.randperm(3000, dtype=T.half)",
    "T.randperm(5.0)", "T.rand_like(T.zeros(3), dtype=T.float64)", "T.randn_like(T.zeros(3, 9))",
    "T.randn_like(T.zeros(3, dtype=T.int64))",
    "T.normal(0.0, 1.0, (3,))", "T.normal(0.0, 1.0)", "T.normal(T.zeros(3), 2.0)",
    "T.normal(0.5, T.arange(3.0))", "T.normal(T.zeros(3), T.ones(2, 3))",
    "T.normal(T.zeros(3), -1.0)",
    "T.normal(T.zeros(3), -T.ones(3))", "T.normal(0.0, -1.0, (2,))",
    "T.normal(T.zeros(3), T.ones(2))",
    "T.normal(T.zeros(3))", "T.normal(T.zeros(3, dtype=T.int64), 1.0)",
    "T.normal(T.zeros(3), T.ones(3, dtype=T.float64) * 0.1)",
    "T.normal(mean=0.0, std=1.0, size=(2,))",
    "T.normal(T.zeros(3), T.ones(3, dtype=T.complex64))", "T.normal(0, 1, (2,), dtype=T.float64)",
    "T.bernoulli(T.full((9,), 0.5))", "T.bernoulli(T.zeros(9), 0.5)", "T.bernoulli(T.zeros(3) + 2)",
    "T.bernoulli(T.zeros(3), p=2.0)", "T.bernoulli(T.zeros(3, dtype=T.int64))",
    "T.bernoulli(T.zeros(9, dtype=T.int64), 0.5)", "T.full((9,), 0.5).bernoulli(0.2)",
    "T.zeros(9).bernoulli_()", "T.zeros(9).bernoulli_(0.3)",
    "T.zeros(3).bernoulli_(T.ones(3) * 0.5)",
    "T.zeros(3).bernoulli_(T.ones(2))", "T.zeros(3).bernoulli_(1.5)",
    "T.bernoulli(T.zeros(3) * np.nan)",
    "T.zeros(3, dtype=T.complex64).bernoulli_(0.5)", "T.zeros(9, dtype=T.bool).bernoulli_(0.5)",
    "T.zeros(3).bernoulli_(T.zeros(3, dtype=T.int64))",
    "T.multinomial(T.ones(3), 2)", "T.multinomial(T.ones(3), 4)", "T.multinomial(T.ones(3), 0)",
    "T.multinomial(T.zeros(3), 2)", "T.multinomial(T.zeros(3), 2, True)",
    "T.multinomial(-T.ones(3), 2)", "T.multinomial(-T.ones(3), 2, True)",
    "T.multinomial(T.ones(2, 3, 4), 2)", "T.multinomial(T.ones(3, dtype=T.int64), 2)",
    "T.multinomial(T.arange(40.0).reshape(4, 10), 6)", "T.multinomial(T.ones(2, 3), 50, True)",
    "T.multinomial(T.arange(40.0).reshape(4, 10), 1)", "T.multinomial(T.ones(3) * np.inf, 2)",
    "T.multinomial(T.arange(40.0).reshape(4, 10), 1, True)", "T.multinomial(T.ones(3), 2.0)",
    "T.multinomial(T.ones(3, dtype=T.half), 9, True)", "T.multinomial(T.tensor([0.0, 0, 1]), 2)",
    "T.multinomial(T.ones(0, 3), 2)", "T.arange(9.0).multinomial(3)",
    "T.poisson(T.full((50,), 3.0))", "T.poisson(T.full((50,), 30.0))", "T.poisson(-T.ones(3))",
    "T.poisson(T.ones(3, dtype=T.int64))", "T.poisson(T.arange(20.0).bfloat16())",
    "T.zeros(9).uniform_(-2, 3)", "T.zeros(9).uniform_(to=2)",
    "T.zeros(9).uniform_(**{'from': -1})",
    "T.zeros(3).uniform_(1, 0)", "T.zeros(3).uniform_(0, 1e39)", "T.zeros(3).uniform_(-3e38, 3e38)",
    "T.zeros(3).half().uniform_(0, 1e5)", "T.zeros(3, dtype=T.int64).uniform_()",
    "T.zeros(3).uniform_(np.nan, 1)", "T.zeros(9, dtype=T.complex64).uniform_()",
    "T.zeros(9).normal_(1, 2)", "T.zeros(3).normal_(0, -1)", "T.zeros(3, dtype=T.int64).normal_()",
    "T.zeros(0).normal_(0, -1)", "T.zeros(9, dtype=T.complex64).normal_()",
    "T.zeros(9).exponential_(2)", "T.zeros(3).exponential_(0)", "T.zeros(3).exponential_(np.inf)",
    "T.zeros(3, dtype=T.int64).exponential_()", "T.zeros(9).cauchy_(1, 2)",
    "T.zeros(3).cauchy_(0, 0)",
    "T.zeros(3, dtype=T.int64).cauchy_()", "T.zeros(9).log_normal_()",
    "T.zeros(3).log_normal_(0, 0)",
    "T.zeros(3, dtype=T.int64).log_normal_()", "T.zeros(9).geometric_(0.5)",
    "T.zeros(3).geometric_(0)",
    "T.zeros(9, dtype=T.int64).geometric_(0.3)", "T.zeros(3, dtype=T.bool).geometric_(0.5)",
    "T.zeros(9).random_()", "T.zeros(9).random_(5)", "T.zeros(9).random_(2, 5)",
    "T.zeros(9).random_(to=5)", "T.zeros(9).random_(**{'from': 2, 'to': 5})",
    "T.zeros(3).random_(5, 2)",
    "T.zeros(3, dtype=T.uint8).random_(300)", "T.zeros(9, dtype=T.int64).random_(5, None)",
    "T.zeros(9, dtype=T.bool).random_()", "T.zeros(3, dtype=T.complex64).random_()",
    "T.zeros(9, dtype=T.uint16).random_(0, 10)", "T.zeros(3, dtype=T.uint16).random_()",
    "T.zeros(3).random_(2.5)", "T.zeros(9).random_(-(2**63), None)", "T.zeros(9).random_(3, None)",
    "T.zeros(9, dtype=T.int32).random_(3, None)", "T.zeros(9, dtype=T.float64).random_(3, None)",
    "T.zeros(3, requires_grad=True).normal_()", "T.zeros(3).normal_(generator=3)",
)  # fmt: skip


def outcome(expression: str, T: Any) -> tuple[Any, ...]:
    """What the call gives, or its error's first line; and the next number of the generator."""
    T.manual_seed(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = eval(expression, {"T": T, "np": np})
            result: Any = (
                str(found.dtype),
                found.requires_grad,
                found.detach().to(T.complex128 if found.dtype.is_complex else T.float64).tolist()
                if found.dtype.is_floating_point or found.dtype.is_complex
                else found.tolist(),
            )
            after = T.rand(1).item()
        except (RuntimeError, TypeError, ValueError) as error:
            result, after = (type(error), str(error).splitlines()[0]), None
    return result, after, [str(w.message).split(" (Triggered")[0] for w in caught]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression(expression: str, execution: str):
    assert outcome(expression, torchlike) == outcome(expression, torch)


@pytest.mark.parametrize(
    ("expression", "node"),
    [
        ("T.bernoulli(x)", "BernoulliBackward0"),
        ("T.poisson(x)", "PoissonBackward0"),
        ("T.normal(x, 1.0)", "NormalBackward1"),
        ("T.normal(1.0, x)", "NormalBackward2"),
        ("T.normal(x, x)", "NormalBackward3"),
    ],
)
def test_samples_have_no_gradient(expression: str, node: str):
    grads = []
    for T in (torchlike, torch):
        x = T.full((4,), 0.5, requires_grad=True)
        y = eval(expression, {"T": T, "x": x})
        assert type(y.grad_fn).__name__ == node
        (y * 3).sum().backward()
        grads.append(x.grad.tolist())
    assert grads[0] == grads[1] == [0.0] * 4


def test_a_sequence_of_calls_stays_in_step():
    """Public calls of every kind, one after the other, from one seed."""
    for T in (torchlike, torch):
        T.manual_seed(7)
    for T in (torchlike, torch):
        x = T.randn(5)
        y = T.rand(3, 3) + T.randint(9, (3, 3))
        z = T.nn.functional.dropout(T.ones(64), 0.3)
        order = T.randperm(20)
        fill = T.zeros(7).exponential_()
        picks = T.multinomial(T.ones(8), 5)
        tail = T.randn(3)
        found = [t.tolist() for t in (x, y, z, order, fill, picks, tail)]
        if T is torchlike:
            ours = found
    assert ours == found
