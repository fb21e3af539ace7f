"""``kl_divergence``: every pair that PyTorch has a formula for, what it lacks, and the choice."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import pytest
import torch
import torch.distributions.kl as torch_kl

import torchlike
from torchlike.distributions import kl as own_kl

from ..compare import GRADIENT, Raised, assert_same, assert_same_error, outcome
from .examples import COVS, LIBRARIES, ROWS, TRIL, Maker, gradients

UNIT = ([0.7, 0.2, 0.45], [0.3, 0.9, 0.5])
POSITIVE = ([0.5, 1.3, 2.4], [1.5, 0.8, 3.0])
MORE = ([1.7, 3.0, 2.5], [2.2, 0.9, 4.0])
REAL = ([0.3, -1.2, 2.0], [0.0, 1.0, 1.5])

# Two of each kind, to stand on either side
PAIRS: dict[str, Any] = {
    "Bernoulli": lambda p, i: p.D.Bernoulli(p(UNIT[i])),
    "Beta": lambda p, i: p.D.Beta(p(POSITIVE[i]), p(MORE[i])),
    "Binomial": lambda p, i: p.D.Binomial(7 - i, p(UNIT[i])),
    "Categorical": lambda p, i: p.D.Categorical(p([ROWS, [[0.3, 0.3, 0.4], [0.1, 0.1, 0.8]]][i])),
    "Cauchy": lambda p, i: p.D.Cauchy(p(REAL[i]), p(POSITIVE[i])),
    "ContinuousBernoulli": lambda p, i: p.D.ContinuousBernoulli(p(UNIT[i])),
    "Dirichlet": lambda p, i: p.D.Dirichlet(p([POSITIVE, MORE][i])),
    "Exponential": lambda p, i: p.D.Exponential(p(POSITIVE[i])),
    "Gamma": lambda p, i: p.D.Gamma(p(POSITIVE[i]), p(MORE[i])),
    "Geometric": lambda p, i: p.D.Geometric(p(UNIT[i])),
    "Gumbel": lambda p, i: p.D.Gumbel(p(REAL[i]), p(POSITIVE[i])),
    "HalfNormal": lambda p, i: p.D.HalfNormal(p(POSITIVE[i])),
    "Independent": lambda p, i: p.D.Independent(p.D.Normal(p([REAL, REAL][i]), p(MORE[i])), 1),
    "Laplace": lambda p, i: p.D.Laplace(p(REAL[i]), p(POSITIVE[i])),
    "LowRankMultivariateNormal": lambda p, i: p.D.LowRankMultivariateNormal(
        p([REAL[0][:2], REAL[1][:2]][i]), p([[[0.5], [1.0]], [[-0.3], [0.4]]][i]), p([0.7, 1.9 + i])
    ),
    "MultivariateNormal": lambda p, i: (
        p.D.MultivariateNormal(p([0.5, -1.0]), p(COVS))
        if i
        else p.D.MultivariateNormal(p([0.2, 0.3]), scale_tril=p(TRIL))
    ),
    "Normal": lambda p, i: p.D.Normal(p(REAL[i]), p(POSITIVE[i])),
    "OneHotCategorical": lambda p, i: p.D.OneHotCategorical(p([ROWS[0], ROWS[1]][i])),
    "Pareto": lambda p, i: p.D.Pareto(p([POSITIVE[0], [0.4, 1.5, 0.3]][i]), p([0.8, 1.7, 4.0 - i])),
    "Poisson": lambda p, i: p.D.Poisson(p(MORE[i])),
    "TransformedDistribution": lambda p, i: p.D.LogNormal(p(REAL[i]), p(POSITIVE[i])),
    "Uniform": lambda p, i: p.D.Uniform(
        p([[0.1, -1.0, 0.2], [0.0, -2.0, 0.3]][i]), p([0.9, 0.5, 4])
    ),
    "ExponentialFamily": lambda p, i: p.D.Exponential(p(MORE[i])),
}
NAMES = sorted({(a.__name__, b.__name__) for a, b in torch_kl._KL_REGISTRY})


def _divergence(library: Any, name_p: str, name_q: str, order: tuple[int, int]) -> tuple[Any, list]:
    maker = Maker(library, "float64")
    p, q = PAIRS[name_p](maker, order[0]), PAIRS[name_q](maker, order[1])
    return maker.D.kl_divergence(p, q), maker.parameters


@pytest.mark.parity
@pytest.mark.parametrize(("p", "q"), NAMES)
def test_every_registered_pair(p: str, q: str):
    assert any((a.__name__, b.__name__) == (p, q) for a, b in own_kl._KL_REGISTRY)
    for order in itertools.product((0, 1), repeat=2):
        theirs, ours = (outcome(_divergence, library, p, q, order) for library in LIBRARIES)
        if isinstance(theirs, Raised):
            assert_same_error(theirs, ours)
            continue
        assert not isinstance(ours, Raised), ours
        assert_same(theirs[0], ours[0], where=f"KL{order}")
        wanted = gradients(*theirs)
        assert_same(
            [
                torch.zeros_like(x) if g is None else g
                for g, x in zip(wanted, theirs[1], strict=True)
            ],
            [
                g if g is not None else torchlike.zeros_like(x)
                for g, x in zip(gradients(*ours), ours[1], strict=True)
            ],
            GRADIENT,
            where=f"gradient of KL{order}",
        )


def test_registry_has_the_same_pairs():
    found = {(a.__name__, b.__name__) for a, b in own_kl._KL_REGISTRY}
    assert found == set(NAMES)


@pytest.mark.parametrize("library", LIBRARIES, ids=["torch", "torchlike"])
def test_edges(library: Any):
    """Zero probabilities and disjoint supports: infinite or zero, in both libraries."""
    D, T = library.distributions, library.tensor
    kl = D.kl_divergence
    inf = float("inf")
    edge = D.Bernoulli(T([0.0, 1.0, 0.0, 0.5]))
    assert kl(edge, D.Bernoulli(T([0.0, 1.0, 1.0, 1.0]))).tolist() == [0, 0, inf, inf]
    sure, unsure = D.Categorical(T([0.0, 1.0])), D.Categorical(T([0.5, 0.5]))
    assert kl(unsure, sure).item() == inf
    assert kl(sure, sure).item() == 0
    assert kl(D.Uniform(0.0, 2.0), D.Uniform(0.0, 1.0)).item() == inf
    assert kl(D.Pareto(1.0, 0.5), D.Exponential(1.0)).item() == inf
    assert kl(D.Pareto(T([1.0, 1.0]), T([1.5, 3.0])), D.Normal(1.0, 1.0)).isinf().tolist() == [
        True, False,
    ]  # fmt: skip
    assert kl(D.Uniform(0.0, 1.0), D.ContinuousBernoulli(T([0.3]))).item() == inf


def _kl(library: Any, build: Any) -> Any:
    return library.distributions.kl_divergence(*build(library.distributions, library.tensor))


REFUSALS = {
    "no formula": lambda D, T: (D.Normal(0.0, 1.0), D.Poisson(1.0)),
    "families": lambda D, T: (D.Bernoulli(0.3), D.Gamma(1.0, 1.0)),
    "counts": lambda D, T: (D.Binomial(3, T([0.5])), D.Binomial(4, T([0.5]))),
    "events": lambda D, T: (
        D.MultivariateNormal(T([0.0]), T([[1.0]])),
        D.MultivariateNormal(T([0.0, 0.0]), T([[1.0, 0.0], [0.0, 1.0]])),
    ),
    "low rank events": lambda D, T: (
        D.LowRankMultivariateNormal(T([0.0]), T([[1.0]]), T([1.0])),
        D.MultivariateNormal(T([0.0, 0.0]), T([[1.0, 0.0], [0.0, 1.0]])),
    ),
    "transforms": lambda D, T: (D.LogNormal(0.0, 1.0), D.HalfCauchy(1.0)),
    "independent": lambda D, T: (
        D.Independent(D.Normal(T([[0.0]]), 1.0), 1),
        D.Independent(D.Normal(T([[0.0]]), 1.0), 2),
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str):
    theirs, ours = (outcome(_kl, library, REFUSALS[name]) for library in LIBRARIES)
    assert_same_error(theirs, ours)
    assert isinstance(theirs, Raised)


def test_the_nearest_formula_is_chosen_and_ambiguity_is_told():
    for library in LIBRARIES:
        D = library.distributions
        registry, memo = D.kl._KL_REGISTRY, D.kl._KL_MEMOIZE
        before = dict(registry)

        class Left(D.Normal):
            pass

        class Right(D.Normal):
            pass

        try:
            assert D.kl_divergence(Left(0.0, 1.0), Right(0.0, 1.0)).item() == 0
            D.register_kl(Left, D.Normal)(lambda p, q: "left")
            assert D.kl_divergence(Left(0.0, 1.0), D.Normal(0.0, 1.0)) == "left"
            assert D.kl_divergence(Left(0.0, 1.0), Right(0.0, 1.0)) == "left"
            D.register_kl(D.Normal, Right)(lambda p, q: "right")
            with pytest.warns(RuntimeWarning, match="Ambiguous kl_divergence") as caught:
                assert D.kl_divergence(Left(0.0, 1.0), Right(0.0, 1.0)) == "left"
            assert str(caught[0].message) == (
                "Ambiguous kl_divergence(Left, Right). Please register_kl(Left, Right)"
            )
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                D.kl_divergence(Left(0.0, 1.0), D.Normal(0.0, 1.0))
        finally:
            registry.clear()
            registry.update(before)
            memo.clear()
