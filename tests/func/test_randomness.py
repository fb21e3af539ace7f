"""Random numbers inside of ``vmap``: PyTorch's own, bit by bit."""

from __future__ import annotations

import pytest

from .oracle import Programs, agree, name_of

PROGRAMS = Programs()


def both(f, size=(3, 4)):
    """``f`` under the two kinds of randomness, and under the one that refuses."""

    def program(torch):
        x = torch.linspace(0.1, 0.9, size[0] * size[1]).reshape(size)
        found = []
        for kind in ("different", "same"):
            torch.manual_seed(3)
            found.append(torch.vmap(lambda a: f(torch, a), randomness=kind)(x))
            found.append(torch.rand(2))
        return found

    def refused(torch):
        x = torch.linspace(0.1, 0.9, size[0] * size[1]).reshape(size)
        return torch.vmap(lambda a: f(torch, a))(x)

    return program, refused


def one(f, kind):
    def program(torch):
        x = torch.linspace(0.1, 0.9, 12).reshape(3, 4)
        torch.manual_seed(3)
        return torch.vmap(lambda a: f(torch, a), randomness=kind)(x), torch.rand(2)

    return program


for label, drawn in {
    "rand": lambda torch, a: a + torch.rand(4),
    "randn": lambda torch, a: a + torch.randn(4, 5).sum(1),
    "randint": lambda torch, a: torch.randint(0, 9, (4,)),
    "randperm": lambda torch, a: torch.randperm(5),
    "rand_like": lambda torch, a: torch.rand_like(a),
    "randn_like": lambda torch, a: torch.randn_like(a),
    "randint_like": lambda torch, a: torch.randint_like(a, 7),
    "dropout": lambda torch, a: torch.nn.functional.dropout(a, 0.3),
    "normal_": lambda torch, a: a.clone().normal_(),
    "uniform_": lambda torch, a: a.clone().uniform_(2, 3),
    "bernoulli_": lambda torch, a: a.clone().bernoulli_(0.4),
    "exponential_": lambda torch, a: a.clone().exponential_(),
    "random_": lambda torch, a: a.clone().random_(10),
}.items():
    for made, suffix in zip(both(drawn), ("", "_refused"), strict=True):
        made.__name__ = label + suffix
        PROGRAMS(made)

for label, drawn in {
    "bernoulli": lambda torch, a: torch.bernoulli(a),
    "multinomial": lambda torch, a: torch.multinomial(a, 2),
    "normal_of_mean": lambda torch, a: torch.normal(a, 1.0),
    "poisson": lambda torch, a: torch.poisson(a * 5),
}.items():
    for kind in ("different", "same"):
        made = one(drawn, kind)
        made.__name__ = f"{label}_{kind}"
        PROGRAMS(made)


@PROGRAMS
def in_place_on_an_unmapped_tensor(torch):
    return torch.vmap(lambda a: torch.zeros(3).normal_(), randomness="different")(torch.ones(2))


@PROGRAMS
def nested(torch):
    x = torch.ones(2, 3)
    found = []
    for outer in ("different", "same"):
        for inner in ("different", "same"):
            torch.manual_seed(5)
            found.append(torch.vmap(
                lambda a, inner=inner: torch.vmap(
                    lambda b: b * 0 + torch.rand(2), randomness=inner
                )(a),
                randomness=outer,
            )(x))  # fmt: skip
    return found


@PROGRAMS
def nested_refused(torch):
    inner = torch.vmap(lambda b: torch.rand(2), randomness="different")
    return torch.vmap(inner)(torch.ones(2, 3))


@PROGRAMS
def chunks_of_the_same(torch):
    torch.manual_seed(1)
    f = torch.vmap(lambda a: a + torch.rand(3), randomness="same", chunk_size=2)
    return f(torch.zeros(5, 3))


@PROGRAMS
def feature_dropout(torch):
    torch.manual_seed(1)
    f = torch.vmap(lambda a: torch.nn.functional.dropout2d(a, 0.5), randomness="different")
    return f(torch.ones(3, 2, 4, 2, 2))


@PROGRAMS
def jacfwd_of_dropout(torch):
    torch.manual_seed(2)
    f = torch.func.jacfwd(lambda a: torch.nn.functional.dropout(a), randomness="same")
    return f(torch.ones(5))


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_same_as_pytorch(program):
    agree(program)
