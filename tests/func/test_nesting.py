"""Transforms of transforms, in every order, and with the tape around them."""

from __future__ import annotations

import itertools

import pytest

from ..compare import Tolerance
from .oracle import Programs, agree, name_of

CLOSE = Tolerance(factor=20.0, scaled=True)


def base(torch):
    def f(x):
        y = x.sin() * x.sum()
        z = y.clone()
        z[0] = y[1] * x[1]
        z[1:].mul_(1.5)
        return z + x.flip(0)

    return f


# Each makes a function of a vector from a function of a vector
TRANSFORMS = {
    "grad": lambda t, f: t.func.grad(lambda x: f(x).sum()),
    "jacrev": lambda t, f: lambda x: t.func.jacrev(f)(x).sum(0) / 3,
    "jacfwd": lambda t, f: lambda x: t.func.jacfwd(f)(x).sum(1) / 3,
    "jvp": lambda t, f: lambda x: t.func.jvp(f, (x,), (x.cos(),))[1],
    "vjp": lambda t, f: lambda x: t.func.vjp(f, x)[1](x.sin())[0],
    "vmap": lambda t, f: lambda x: t.vmap(f)(t.stack([x, x * 0.5])).prod(0),
    "vmap_dim": lambda t, f: lambda x: t.vmap(f, in_dims=1, out_dims=1)(
        t.stack([x, x * 0.5], 1)
    ).sum(1),
}  # fmt: skip


def nest(names):
    def program(torch):
        f = base(torch)
        for name in reversed(names):
            f = TRANSFORMS[name](torch, f)
        x = torch.linspace(0.3, 0.9, 3).requires_grad_()
        y = f(x)
        return y, torch.autograd.grad(y.sum(), x)

    return program


@pytest.mark.parametrize("names", [*itertools.product(TRANSFORMS, repeat=2)], ids="-".join)
def test_two(names):
    agree(nest(names), CLOSE)


@pytest.mark.parity
@pytest.mark.parametrize("names", [*itertools.product(TRANSFORMS, repeat=3)], ids="-".join)
def test_three(names):
    agree(nest(names), CLOSE)


PROGRAMS = Programs()


@PROGRAMS
def second_order_through_an_ended_vmap(torch):
    x = torch.linspace(0.2, 1.7, 6).reshape(2, 3)
    f = lambda a: torch.vmap(lambda b: b.prod() * a.sum())(a).sum()  # noqa: E731
    return torch.func.hessian(f)(x), torch.func.jacrev(torch.func.jacrev(f))(x)


@PROGRAMS
def captured_at_every_level(torch):
    x = torch.linspace(0.2, 1.7, 6).reshape(2, 3)
    w = torch.ones(3).requires_grad_()

    def inner(a):
        return torch.func.grad(lambda b: (a * b * w).sin().sum())(a * 2)

    y = torch.vmap(inner)(x)
    return y, torch.autograd.grad(y.pow(2).sum(), w)


@PROGRAMS
def inference_mode_around(torch):
    with torch.inference_mode():
        x = torch.linspace(0.2, 1.7, 3)
        return (
            torch.func.grad(lambda a: (a**2).sum())(x),
            torch.vmap(torch.sin)(x),
            torch.func.hessian(lambda a: (a**3).sum())(x),
        )


@PROGRAMS
def hooks_inside(torch):
    seen = []

    def f(a):
        a.register_hook(lambda g: seen.append(g * 1) or g * 2)
        (a * 1).register_hook(lambda g: seen.append(g * 1))
        return (a**2).sum()

    return torch.func.grad(f)(torch.linspace(0.2, 1.7, 3)), seen


@PROGRAMS
def modules_in_loops(torch):
    torch.manual_seed(0)
    cell = torch.nn.LSTMCell(3, 4)
    params = {k: v.detach() for k, v in cell.named_parameters()}
    x = torch.randn(5, 2, 3)

    def loss(params, x):
        h = torch.zeros(2, 4), torch.zeros(2, 4)
        for step in x:
            h = torch.func.functional_call(cell, params, (step, h))
        return h[0].sum()

    return torch.func.grad(loss)(params, x)


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_same_as_pytorch(program):
    agree(program, CLOSE)
