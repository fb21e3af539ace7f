"""One table of distributions: how each is made, in either library, from parameters that are leaves."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import torchlike

LIBRARIES = (torch, torchlike)


class Maker:
    """Builds a distribution with one library; ``self(x)`` makes a parameter, ``parameters`` has all."""

    def __init__(self, library: Any, dtype: str = "float32", grad: bool = True) -> None:
        self.grad = grad
        self.T = library
        self.D = importlib.import_module(f"{library.__name__}.distributions")
        self.dtype = getattr(library, dtype)
        self.parameters: list[Any] = []

    def __call__(self, numbers: Any) -> Any:
        found = self.T.tensor(np.asarray(numbers, np.float64)).to(self.dtype)
        found.requires_grad_(self.grad)
        self.parameters.append(found)
        return found

    def constant(self, numbers: Any) -> Any:
        return self.T.tensor(np.asarray(numbers, np.float64)).to(self.dtype)


def made(name: str, library: Any, dtype: str = "float32") -> tuple[Any, list[Any]]:
    """The example's distribution and its parameters."""
    maker = Maker(library, dtype)
    return EXAMPLES[name](maker), maker.parameters


def gradients(results: Any, leaves: list[Any]) -> list[Any]:
    """Of a weighted sum of the result; None for a leaf that it does not depend on."""
    if not results.requires_grad:
        return [None] * len(leaves)
    library = torch if isinstance(results, torch.Tensor) else torchlike
    weights = np.random.default_rng(0).uniform(0.5, 1.5, tuple(results.shape))
    total = (results * library.tensor(weights).to(results.dtype)).sum()
    return list(library.autograd.grad(total, leaves, allow_unused=True, retain_graph=True))


COV = [[2.0, 0.3], [0.3, 1.0]]
TRIL = [[1.2, 0.0], [0.4, 0.8]]
COVS = [COV, [[1.0, -0.5], [-0.5, 1.5]], [[0.5, 0.1], [0.1, 0.4]]]
ROWS = [[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]]
LOGITS = [[0.3, -0.4, 1.0], [0.0, 2.0, -1.0]]
UNIT = [0.7, 0.2, 0.45]
REAL = [0.3, -1.2, 2.0]
SMALL, LARGE = [0.5, 1.3, 2.4], [4.5, 3.2, 7.0]

EXAMPLES: dict[str, Callable[[Maker], Any]] = {
    "Bernoulli": lambda p: p.D.Bernoulli(p(UNIT)),
    "Bernoulli.logits": lambda p: p.D.Bernoulli(logits=p(REAL)),
    "Bernoulli.edges": lambda p: p.D.Bernoulli(p([0.0, 0.5, 1.0])),
    "Bernoulli.number": lambda p: p.D.Bernoulli(0.3),
    "Beta": lambda p: p.D.Beta(p(SMALL), p(LARGE)),
    "Beta.numbers": lambda p: p.D.Beta(2.5, 0.7),
    "Beta.large": lambda p: p.D.Beta(p([20.0, 9.0]), p([14.0, 55.0])),
    "Binomial": lambda p: p.D.Binomial(5, p(UNIT)),
    "Binomial.logits": lambda p: p.D.Binomial(p.constant(8.0), logits=p([[0.3], [-1.0]])),
    "Binomial.counts": lambda p: p.D.Binomial(p.constant([3.0, 30.0, 400.0]), p(UNIT)),
    "Categorical": lambda p: p.D.Categorical(p(ROWS)),
    "Categorical.logits": lambda p: p.D.Categorical(logits=p(LOGITS)),
    "Categorical.one": lambda p: p.D.Categorical(p([0.0, 3.0, 1.0, 0.5])),
    "Cauchy": lambda p: p.D.Cauchy(p(REAL), p(SMALL)),
    "Cauchy.numbers": lambda p: p.D.Cauchy(0.5, 2.0),
    "Chi2": lambda p: p.D.Chi2(p(LARGE)),
    "ContinuousBernoulli": lambda p: p.D.ContinuousBernoulli(p([0.7, 0.2, 0.4995])),
    "ContinuousBernoulli.logits": lambda p: p.D.ContinuousBernoulli(logits=p(REAL)),
    "Dirichlet": lambda p: p.D.Dirichlet(p([[0.5, 1.5, 3.0], [0.2, 0.7, 0.9]])),
    "Dirichlet.one": lambda p: p.D.Dirichlet(p([2.0, 4.0])),
    "Exponential": lambda p: p.D.Exponential(p(SMALL)),
    "Exponential.number": lambda p: p.D.Exponential(2.0),
    "FisherSnedecor": lambda p: p.D.FisherSnedecor(p(LARGE), p([1.5, 3.0, 9.0])),
    "Gamma": lambda p: p.D.Gamma(p(SMALL), p(LARGE)),
    "Gamma.large": lambda p: p.D.Gamma(p([[9.0], [40.0]]), p([1.0, 2.0])),
    "GeneralizedPareto": lambda p: p.D.GeneralizedPareto(p(REAL), p(SMALL), p([0.3, 0.0, -0.4])),
    "GeneralizedPareto.heavy": lambda p: p.D.GeneralizedPareto(0.0, p([1.0, 2.0]), p([0.7, 1.5])),
    "Geometric": lambda p: p.D.Geometric(p(UNIT)),
    "Geometric.logits": lambda p: p.D.Geometric(logits=p(REAL)),
    "Gumbel": lambda p: p.D.Gumbel(p(REAL), p(SMALL)),
    "Gumbel.numbers": lambda p: p.D.Gumbel(0.5, 2.0),
    "HalfCauchy": lambda p: p.D.HalfCauchy(p(SMALL)),
    "HalfNormal": lambda p: p.D.HalfNormal(p(SMALL)),
    "HalfNormal.number": lambda p: p.D.HalfNormal(1.5),
    "Independent": lambda p: p.D.Independent(p.D.Normal(p([REAL, SMALL]), p(SMALL)), 1),
    "Independent.all": lambda p: p.D.Independent(p.D.Bernoulli(p([UNIT, UNIT])), 2),
    "Independent.none": lambda p: p.D.Independent(p.D.Bernoulli(p(UNIT)), 0),
    "Independent.vectors": lambda p: p.D.Independent(p.D.Dirichlet(p(LOGITS_POSITIVE)), 1),
    "InverseGamma": lambda p: p.D.InverseGamma(p(LARGE), p(SMALL)),
    "Kumaraswamy": lambda p: p.D.Kumaraswamy(p([0.6, 1.3, 2.4]), p([4.5, 0.8, 7.0])),
    "LKJCholesky": lambda p: p.D.LKJCholesky(3, p([0.5, 1.0, 2.5])),
    "LKJCholesky.number": lambda p: p.D.LKJCholesky(2),
    "Laplace": lambda p: p.D.Laplace(p(REAL), p(SMALL)),
    "LogNormal": lambda p: p.D.LogNormal(p(REAL), p([0.5, 0.3, 1.1])),
    "LogisticNormal": lambda p: p.D.LogisticNormal(p([REAL, SMALL]), p(SMALL)),
    "LogisticNormal.number": lambda p: p.D.LogisticNormal(0.5, 1.0),
    "LogitRelaxedBernoulli": lambda p: p.D.relaxed_bernoulli.LogitRelaxedBernoulli(p(0.7), p(UNIT)),
    "LowRankMultivariateNormal": lambda p: p.D.LowRankMultivariateNormal(
        p(REAL), p([[0.5], [1.0], [-0.4]]), p(SMALL)
    ),
    "LowRankMultivariateNormal.batch": lambda p: p.D.LowRankMultivariateNormal(
        p([REAL, SMALL]), p([[0.5, 0.1], [1.0, -0.2], [-0.4, 0.6]]), p(SMALL)
    ),
    "MixtureSameFamily": lambda p: p.D.MixtureSameFamily(
        p.D.Categorical(p([0.2, 0.3, 0.5])), p.D.Normal(p(REAL), p(SMALL))
    ),
    "MixtureSameFamily.vectors": lambda p: p.D.MixtureSameFamily(
        p.D.Categorical(logits=p(LOGITS)),
        p.D.Independent(p.D.Normal(p(np.arange(12.0).reshape(2, 3, 2)), p([0.5, 1.5])), 1),
    ),
    "Multinomial": lambda p: p.D.Multinomial(6, p(ROWS)),
    "Multinomial.logits": lambda p: p.D.Multinomial(3, logits=p(LOGITS[0])),
    "MultivariateNormal": lambda p: p.D.MultivariateNormal(p([0.5, -1.0]), p(COV)),
    "MultivariateNormal.batch": lambda p: p.D.MultivariateNormal(p([0.5, -1.0]), p(COVS)),
    "MultivariateNormal.precision": lambda p: p.D.MultivariateNormal(
        p([[0.5, -1.0], [0.0, 2.0]]), precision_matrix=p(COV)
    ),
    "MultivariateNormal.tril": lambda p: p.D.MultivariateNormal(p([0.5, -1.0]), scale_tril=p(TRIL)),
    "NegativeBinomial": lambda p: p.D.NegativeBinomial(p(LARGE), p(UNIT)),
    "NegativeBinomial.logits": lambda p: p.D.NegativeBinomial(3, logits=p(REAL)),
    "Normal": lambda p: p.D.Normal(p(REAL), p(SMALL)),
    "Normal.broadcast": lambda p: p.D.Normal(p([[0.0], [1.0]]), p(SMALL)),
    "Normal.numbers": lambda p: p.D.Normal(0.5, 2),
    "Normal.scalar": lambda p: p.D.Normal(p(0.5), 2.0),
    "OneHotCategorical": lambda p: p.D.OneHotCategorical(p(ROWS)),
    "OneHotCategorical.logits": lambda p: p.D.OneHotCategorical(logits=p(LOGITS[0])),
    "OneHotCategoricalStraightThrough": lambda p: p.D.OneHotCategoricalStraightThrough(p(ROWS)),
    "Pareto": lambda p: p.D.Pareto(p(SMALL), p([0.8, 1.7, 4.0])),
    "Poisson": lambda p: p.D.Poisson(p([0.5, 4.0, 30.0])),
    "Poisson.number": lambda p: p.D.Poisson(3),
    "RelaxedBernoulli": lambda p: p.D.RelaxedBernoulli(p(0.7), p(UNIT)),
    "RelaxedBernoulli.logits": lambda p: p.D.RelaxedBernoulli(p(2.0), logits=p(REAL)),
    "ExpRelaxedCategorical": lambda p: p.D.relaxed_categorical.ExpRelaxedCategorical(
        p(0.7), p(ROWS)
    ),
    "RelaxedOneHotCategorical": lambda p: p.D.RelaxedOneHotCategorical(p(0.7), p(ROWS)),
    "RelaxedOneHotCategorical.logits": lambda p: p.D.RelaxedOneHotCategorical(
        p(1.5), logits=p(LOGITS)
    ),
    "StudentT": lambda p: p.D.StudentT(p([0.9, 1.8, 5.0]), p(REAL), p(SMALL)),
    "StudentT.number": lambda p: p.D.StudentT(4.0),
    "TransformedDistribution": lambda p: p.D.TransformedDistribution(
        p.D.Normal(p(REAL), p(SMALL)),
        [p.D.SigmoidTransform(), p.D.AffineTransform(1.0, p(2.0))],
    ),
    "TransformedDistribution.decreasing": lambda p: p.D.TransformedDistribution(
        p.D.Exponential(p(SMALL)), p.D.AffineTransform(p(REAL), -3.0)
    ),
    "TransformedDistribution.vectors": lambda p: p.D.TransformedDistribution(
        p.D.Normal(p([REAL, SMALL]), 1.0), p.D.StickBreakingTransform()
    ),
    "TransformedDistribution.reshaped": lambda p: p.D.TransformedDistribution(
        p.D.Independent(p.D.Normal(p([*REAL, 0.5]), 1.0), 1),
        [p.D.ReshapeTransform((4,), (2, 2)), p.D.ExpTransform()],
    ),
    "TransformedDistribution.none": lambda p: p.D.TransformedDistribution(
        p.D.Uniform(p(REAL), p(LARGE)), []
    ),
    "Uniform": lambda p: p.D.Uniform(p(REAL), p(LARGE)),
    "Uniform.numbers": lambda p: p.D.Uniform(-1.0, 3.0),
    "VonMises": lambda p: p.D.VonMises(p(REAL), p([0.5, 3.0, 20.0])),
    "Weibull": lambda p: p.D.Weibull(p(SMALL), p([1.2, 2.0, 0.8])),
    "Wishart": lambda p: p.D.Wishart(p(4.5), p(COV)),
    "Wishart.batch": lambda p: p.D.Wishart(p([3.0, 5.0, 4.0]), scale_tril=p(TRIL)),
    "Wishart.precision": lambda p: p.D.Wishart(p([4.0]), precision_matrix=p(COVS)),
}
LOGITS_POSITIVE = [[1.5, 0.6, 2.0], [3.0, 1.0, 0.9]]
