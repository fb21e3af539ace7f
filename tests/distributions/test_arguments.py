"""What is refused, in PyTorch's words; validation; subclasses; names."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
import warnings
from typing import Any

import pytest
import torch
import torch.distributions

import torchlike

from ..compare import Raised, assert_alike, assert_same_error, outcome
from .examples import LIBRARIES

NAN = float("nan")

ERRORS: dict[str, Any] = {
    "both": lambda D, T: D.Bernoulli(T.ones(2), T.ones(2)),
    "neither": lambda D, T: D.Geometric(),
    "neither of n": lambda D, T: D.Categorical(),
    "neither, binomial": lambda D, T: D.Binomial(3),
    "neither, continuous": lambda D, T: D.ContinuousBernoulli(),
    "neither, negative": lambda D, T: D.NegativeBinomial(3),
    "neither, relaxed": lambda D, T: D.RelaxedBernoulli(T.ones(1)),
    "type": lambda D, T: D.Normal("a", 1.0),
    "type, list": lambda D, T: D.Normal([0.0], 1.0),
    "shapes": lambda D, T: D.Normal(T.zeros(2), T.ones(3)),
    "shapes of the batch": lambda D, T: D.MultivariateNormal(T.zeros(3, 2), T.ones(2, 2, 2)),
    "scale": lambda D, T: D.Normal(0.0, -1.0),
    "scales": lambda D, T: D.Normal(T.zeros(2), T.tensor([1.0, -1.0])),
    "both bad": lambda D, T: D.Normal(NAN, -1.0),
    "nan": lambda D, T: D.Laplace(T.tensor([NAN, 0.0]), 1.0),
    "probs": lambda D, T: D.Bernoulli(1.5),
    "probs, continuous": lambda D, T: D.ContinuousBernoulli(1.5, validate_args=True),
    "probs, geometric": lambda D, T: D.Geometric(T.tensor([0.0, 0.5])),
    "simplex": lambda D, T: D.Categorical(T.tensor([-1.0, 2.0])),
    "logits": lambda D, T: D.Categorical(logits=T.tensor([NAN, 2.0])),
    "counts": lambda D, T: D.Binomial(-1, T.tensor(0.5)),
    "counts, half": lambda D, T: D.Binomial(T.tensor(1.5), T.tensor(0.5)),
    "order": lambda D, T: D.Uniform(T.tensor(2.0), T.tensor(1.0)),
    "covariance": lambda D, T: D.MultivariateNormal(T.zeros(2), T.tensor([[1.0, 2.0], [2.0, 1.0]])),
    "covariance, unchecked": lambda D, T: D.MultivariateNormal(
        T.zeros(2), T.tensor([[1.0, 2.0], [2.0, 1.0]]), validate_args=False
    ),
    "tril": lambda D, T: D.MultivariateNormal(T.zeros(2), scale_tril=T.ones(2, 2)),
    "0-d probs": lambda D, T: D.Categorical(T.tensor(1.0)),
    "0-d logits": lambda D, T: D.Categorical(logits=T.tensor(1.0)),
    "0-d concentration": lambda D, T: D.Dirichlet(T.tensor(1.0)),
    "0-d loc": lambda D, T: D.MultivariateNormal(T.tensor(1.0), T.eye(1)),
    "1-d covariance": lambda D, T: D.MultivariateNormal(T.ones(1), T.ones(1)),
    "1-d precision": lambda D, T: D.MultivariateNormal(T.ones(1), precision_matrix=T.ones(1)),
    "1-d tril": lambda D, T: D.MultivariateNormal(T.ones(1), scale_tril=T.ones(1)),
    "no covariance": lambda D, T: D.MultivariateNormal(T.ones(1)),
    "two covariances": lambda D, T: D.MultivariateNormal(T.ones(1), T.eye(1), T.eye(1)),
    "low rank, 0-d": lambda D, T: D.LowRankMultivariateNormal(
        T.tensor(0.0), T.ones(1, 1), T.ones(1)
    ),
    "low rank, factor": lambda D, T: D.LowRankMultivariateNormal(T.ones(2), T.ones(2), T.ones(2)),
    "low rank, shape": lambda D, T: D.LowRankMultivariateNormal(T.ones(2), T.ones(3, 1), T.ones(2)),
    "low rank, diagonal": lambda D, T: D.LowRankMultivariateNormal(
        T.ones(2), T.ones(2, 1), T.ones(3)
    ),
    "low rank, batches": lambda D, T: D.LowRankMultivariateNormal(
        T.ones(3, 2), T.ones(2, 2, 1), T.ones(2)
    ),
    "wishart, none": lambda D, T: D.Wishart(3.0),
    "wishart, 1-d": lambda D, T: D.Wishart(3.0, T.ones(2)),
    "wishart, df": lambda D, T: D.Wishart(0.5, T.eye(2)),
    "multinomial counts": lambda D, T: D.Multinomial(T.tensor(3), T.ones(2)),
    "lkj": lambda D, T: D.LKJCholesky(1),
    "independent": lambda D, T: D.Independent(D.Normal(T.zeros(2), 1.0), 2),
    "transforms": lambda D, T: D.TransformedDistribution(D.Normal(0.0, 1.0), "exp"),
    "transforms, some": lambda D, T: D.TransformedDistribution(
        D.Normal(0.0, 1.0), [D.ExpTransform(), 1]
    ),
    "transforms, dims": lambda D, T: D.TransformedDistribution(
        D.Normal(0.0, 1.0), D.StickBreakingTransform()
    ),
    "mixture": lambda D, T: D.MixtureSameFamily(D.Normal(0.0, 1.0), D.Normal(T.zeros(2), 1.0)),
    "mixture, of": lambda D, T: D.MixtureSameFamily(D.Categorical(T.ones(2)), 3),
    "mixture, batches": lambda D, T: D.MixtureSameFamily(
        D.Categorical(T.ones(3, 2)), D.Normal(T.zeros(4, 2), 1.0)
    ),
    "mixture, counts": lambda D, T: D.MixtureSameFamily(
        D.Categorical(T.ones(3)), D.Normal(T.zeros(2), 1.0)
    ),
    "value type": lambda D, T: D.Normal(0.0, 1.0).log_prob(1.0),
    "value, nan": lambda D, T: D.Normal(0.0, 1.0).log_prob(T.tensor(NAN)),
    "value, support": lambda D, T: D.Exponential(1.0).log_prob(T.tensor([-1.0, 1.0])),
    "value, gamma": lambda D, T: D.Gamma(1.0, 1.0).log_prob(-1.0),
    "value, half": lambda D, T: D.Poisson(1.0).log_prob(T.tensor(0.5)),
    "value, shape": lambda D, T: D.Normal(T.zeros(2), 1.0).log_prob(T.zeros(3)),
    "value, event": lambda D, T: D.Dirichlet(T.ones(2)).log_prob(T.ones(3) / 3),
    "value, simplex": lambda D, T: D.Dirichlet(T.ones(2)).log_prob(T.ones(2)),
    "value, cdf": lambda D, T: D.Uniform(0.0, 1.0).cdf(T.tensor(2.0)),
    "value, index": lambda D, T: D.Categorical(T.ones(2)).log_prob(T.tensor(2)),
    "value, mixture": lambda D, T: D.MixtureSameFamily(
        D.Categorical(T.ones(2)), D.Exponential(T.ones(2))
    ).log_prob(T.tensor(-1.0)),
    "value, transformed": lambda D, T: D.LogNormal(0.0, 1.0).log_prob(T.tensor(-1.0)),
    "entropy, counts": lambda D, T: D.Binomial(T.tensor([1.0, 2.0]), T.tensor(0.5)).entropy(),
    "support, counts": lambda D, T: D.Binomial(
        T.tensor([1.0, 2.0]), T.tensor(0.5)
    ).enumerate_support(),
    "support, product": lambda D, T: D.Independent(D.Bernoulli(T.ones(2)), 1).enumerate_support(),
    "default": lambda D, T: D.Distribution.set_default_validate_args("yes"),
    "expand": lambda D, T: D.Normal(T.zeros(2), 1.0).expand([3]),
    "base expand": lambda D, T: D.Distribution().expand([3]),
    "base mode": lambda D, T: D.Distribution(validate_args=False).mode,
    "base sample": lambda D, T: D.Distribution(validate_args=False).sample(),
    "abs": lambda D, T: D.HalfNormal(1.0).base_dist.mode.foo,
}


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.filterwarnings("ignore:.*does not define `arg_constraints`")
def test_errors(name: str):
    """The type and the whole text, up to the numbers' own printing."""
    found = []
    for library in LIBRARIES:
        try:
            ERRORS[name](library.distributions, library)
            found.append(None)
        except Exception as error:
            found.append(error)
    theirs, ours = found
    assert theirs is not None, "PyTorch takes it"
    assert_same_error(outcome(_raise, theirs), outcome(_raise, ours))
    if "Expected" in str(theirs):
        assert str(theirs) == str(ours)


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error


def test_validation_can_be_switched_off():
    for library in LIBRARIES:
        D = library.distributions
        D.Normal(0.0, -1.0, validate_args=False).log_prob(library.tensor(NAN))
        D.Distribution.set_default_validate_args(False)
        try:
            assert D.Normal(0.0, -1.0)._validate_args is False
            with pytest.raises(ValueError, match="Expected parameter scale"):
                D.Normal(0.0, -1.0, validate_args=True)
        finally:
            D.Distribution.set_default_validate_args(True)
        assert (
            D.Normal(library.zeros(2), 1.0, validate_args=False).expand([3, 2])._validate_args
            is False
        )


def _subclass_with_init(T: Any) -> Any:
    class Mine(T.distributions.Normal):
        def __init__(self) -> None:
            super().__init__(T.zeros(2), T.ones(2))

    return Mine().expand([3, 2])


def _subclass(T: Any) -> Any:
    class Mine(T.distributions.Normal):
        pass

    found = Mine(T.zeros(2), T.ones(2)).expand([3, 2])
    assert type(found) is Mine
    return found.log_prob(T.zeros(2))


def _subclass_with_expand(T: Any) -> Any:
    class Mine(T.distributions.Normal):
        def __init__(self, loc: Any, tag: Any, validate_args: Any = None) -> None:
            self.tag = tag
            super().__init__(loc, 1.0, validate_args=validate_args)

        def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
            new = self._get_checked_instance(Mine, _instance)
            new.tag = self.tag
            return super().expand(batch_shape, _instance=new)

    found = Mine(T.zeros(2), T.arange(2.0)).expand([3, 2])
    return found.tag, found.loc, found.scale


def _own_distribution(T: Any) -> Any:
    """A program's own distribution, written against the base class."""
    c = T.distributions.constraints

    class Triangle(T.distributions.Distribution):
        arg_constraints = {"width": c.positive}
        has_rsample = True

        def __init__(self, width: Any, validate_args: Any = None) -> None:
            (self.width,) = T.distributions.utils.broadcast_all(width)
            super().__init__(self.width.size(), validate_args=validate_args)

        @c.dependent_property(is_discrete=False, event_dim=0)
        def support(self) -> Any:
            return c.interval(-self.width, self.width)

        def rsample(self, sample_shape: Any = ()) -> Any:
            shape = self._extended_shape(sample_shape)
            return self.width * (T.rand(shape) - T.rand(shape))

        def log_prob(self, value: Any) -> Any:
            if self._validate_args:
                self._validate_sample(value)
            return T.log(1 - value.abs() / self.width) - T.log(self.width)

        @property
        def variance(self) -> Any:
            return self.width**2 / 6

    made = Triangle(T.tensor([1.0, 2.0]))
    T.manual_seed(0)
    sample = made.sample((3,))
    return (
        sample, made.log_prob(sample), made.stddev, repr(made), repr(made.support),
        made.expand([4, 2]),
    )  # fmt: skip


def _own_family(T: Any) -> Any:
    """A program's own exponential family: entropy and divergence come from the log normalizer."""

    class Waits(T.distributions.ExponentialFamily):
        arg_constraints = {"rate": T.distributions.constraints.positive}
        _mean_carrier_measure = 0

        def __init__(self, rate: Any) -> None:
            self.rate = rate
            super().__init__(rate.size())

        @property
        def _natural_params(self) -> Any:
            return (-self.rate,)

        def _log_normalizer(self, x: Any) -> Any:
            return -T.log(-x)

    p, q = Waits(T.tensor([1.0, 2.0])), Waits(T.tensor([3.0, 0.5]))
    return p.entropy(), T.distributions.kl_divergence(p, q)


def _warnings(T: Any) -> Any:
    class Bare(T.distributions.Distribution):
        pass

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bare = Bare()
        bare._validate_sample(T.zeros(()))
        T.distributions.Normal(0.0, 1.0).sample_n(2)
        T.distributions.Wishart(1.5, T.eye(2))
    told = [(w.category, str(w.message).partition("'>")[2] or str(w.message)) for w in caught]
    return [text for _, text in told], [kind.__name__ for kind, _ in told]


PROGRAMS = (
    _subclass, _subclass_with_init, _subclass_with_expand, _own_distribution, _own_family, _warnings,
)  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_programs(program: Any):
    assert_alike(program)


def test_every_module_and_name():
    """PyTorch's modules, with everything public, and its signatures."""
    for found in pkgutil.iter_modules(torch.distributions.__path__):
        theirs = importlib.import_module(f"torch.distributions.{found.name}")
        ours = importlib.import_module(f"torchlike.distributions.{found.name}")
        for name in getattr(theirs, "__all__", []):
            one, other = getattr(theirs, name), getattr(ours, name)
            if not inspect.isclass(one) or not issubclass(one, torch.distributions.Distribution):
                continue
            assert _parameters(one.__init__) == _parameters(other.__init__), name
            for member in dir(one):
                if member.startswith("_"):
                    continue
                assert hasattr(other, member), f"{name}.{member}"
                method = inspect.getattr_static(one, member)
                if inspect.isfunction(method):
                    assert _parameters(method) == _parameters(getattr(other, member)), (
                        f"{name}.{member}"
                    )


def _parameters(fn: Any) -> list[tuple[str, Any]]:
    found = inspect.signature(fn).parameters.values()
    return [(p.name, "-" if p.default is p.empty else str(p.default)) for p in found]


def test_is_served_as_torch():
    program = (
        "import torchlike; torchlike.install()\n"
        "import torch, torch.distributions as D\n"
        "from torch.distributions import Normal, constraints\n"
        "from torch.distributions.normal import Normal as Same\n"
        "from torch.distributions.kl import kl_divergence\n"
        "from torch.distributions.transforms import ExpTransform\n"
        "assert torch.distributions.normal.Normal is Normal is Same is D.Normal\n"
        "assert kl_divergence is D.kl_divergence and ExpTransform is D.ExpTransform\n"
        "assert constraints is torch.distributions.constraints\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_compiled():
    """Inside ``torch.compile`` nothing is checked, so that nothing breaks the graph."""

    def loss(x: Any, loc: Any) -> Any:
        return -torchlike.distributions.Normal(loc, 1.0).log_prob(x).mean()

    x, loc = torchlike.randn(5), torchlike.zeros(5)
    compiled = torchlike.compile(loss, fullgraph=True)
    for _ in range(3):
        assert torchlike.allclose(compiled(x, loc), loss(x, loc))


def _mapped(T: Any) -> Any:
    D = T.distributions

    def each(scale: Any) -> Any:
        return D.Gamma(scale, 2.0).log_prob(T.tensor(0.5)), D.kl_divergence(
            D.Normal(0.0, scale), D.Normal(1.0, 1.0)
        )

    scales = T.tensor([0.5, 1.0, 3.0])
    gradient = T.func.vmap(T.func.grad(lambda s: each(s)[0]))(scales)
    return T.func.vmap(each)(scales), gradient


def _mapped_over_an_error(T: Any) -> Any:
    return T.func.vmap(lambda s: T.distributions.Normal(0.0, s).mean)(T.tensor([1.0, -1.0]))


def test_inside_vmap():
    assert not isinstance(assert_alike(_mapped), Raised)
    # the text of the error would need the numbers, which a vmap does not show
    kinds = [outcome(_mapped_over_an_error, library).kind for library in LIBRARIES]
    assert kinds[0] is kinds[1] is RuntimeError


def test_inside_jax():
    import jax

    def log_prob(scale: Any) -> Any:
        return torchlike.distributions.Normal(0.0, scale).log_prob(torchlike.ones(3)).sum()

    scale = torchlike.tensor(2.0)
    assert torchlike.allclose(jax.jit(log_prob)(scale), log_prob(scale))
