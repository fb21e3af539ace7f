"""``torch.autograd.functional``: every function, strategy and refusal."""

from __future__ import annotations

import itertools

import pytest

from ..func.oracle import Programs, agree, name_of

PROGRAMS = Programs()


def points(torch):
    return torch.linspace(0.3, 1.4, 3), torch.linspace(-1, 1, 4).reshape(2, 2)


def one(x):
    return x.sin() * x.sum()


def two(x, y):
    return x.sum() * y, (x * x).outer(y.reshape(-1)).sum(1)


def scalar(x, y):
    return (x.sin().sum() * y.exp()).sum()


def add(name, program):
    program.__name__ = name
    PROGRAMS(program)


def jacobian_of(options):
    def program(torch):
        x, y = points(torch)
        jacobian = torch.autograd.functional.jacobian
        return jacobian(one, x, **options), jacobian(two, (x, y), **options)

    return program


def hessian_of(options):
    def program(torch):
        x, y = points(torch)
        hessian = torch.autograd.functional.hessian
        return hessian(scalar, (x, y), **options), hessian(lambda a: a.pow(3).sum(), x, **options)

    return program


for vectorize, create_graph in itertools.product((False, True), (False, True)):
    options = {"vectorize": vectorize, "create_graph": create_graph}
    shown = "_".join(f"{k}_{v}" for k, v in options.items())
    add(f"jacobian_{shown}", jacobian_of(options))
    add(f"hessian_{shown}", hessian_of(options))
for label, options in {
    "forward": {"strategy": "forward-mode", "vectorize": True},
    "forward_loop": {"strategy": "forward-mode"},
    "forward_strict": {"strategy": "forward-mode", "strict": True},
    "forward_create_graph": {"strategy": "forward-mode", "create_graph": True},
    "strict": {"strict": True},
    "strict_vectorized": {"strict": True, "vectorize": True},
    "unknown": {"strategy": "sideways"},
}.items():
    add(f"jacobian_{label}", jacobian_of(options))
for label, options in {
    "forward": {"outer_jacobian_strategy": "forward-mode", "vectorize": True},
    "forward_loop": {"outer_jacobian_strategy": "forward-mode"},
    "strict": {"strict": True},
    "unknown": {"outer_jacobian_strategy": "sideways"},
}.items():
    add(f"hessian_{label}", hessian_of(options))


@PROGRAMS
def products(torch):
    x, y = points(torch)
    f = torch.autograd.functional
    return (
        f.vjp(one, x, x + 1),
        f.vjp(two, (x, y), (y, x)),
        f.jvp(one, x, x + 1),
        f.jvp(two, (x, y), (x, y)),
        f.vhp(scalar, (x, y), (x, y)),
        f.hvp(scalar, (x, y), (x, y)),
    )


@PROGRAMS
def products_differentiated(torch):
    x, _ = points(torch)
    x = x.requires_grad_()
    f, found = torch.autograd.functional, []
    for product in (f.vjp, f.jvp):
        y, p = product(one, x, torch.ones(3), create_graph=True)
        found.append(torch.autograd.grad(y.sum() + p.pow(2).sum(), x))
    for product in (f.vhp, f.hvp):
        _, p = product(lambda a: a.sin().sum() * a.sum(), x, torch.ones(3), create_graph=True)
        found.append(torch.autograd.grad(p.pow(2).sum(), x))
    return found


@PROGRAMS
def results_have_no_history(torch):
    x = points(torch)[0].requires_grad_()
    y, p = torch.autograd.functional.jvp(one, x, torch.ones(3))
    return y.requires_grad, p.requires_grad


@PROGRAMS
def constant_functions(torch):
    x, _ = points(torch)
    f = torch.autograd.functional
    return (
        f.vjp(lambda a: torch.ones(2), x, torch.ones(2)),
        f.jvp(lambda a: torch.ones(2), x, x),
        f.jacobian(lambda a: torch.ones(2), x),
        f.hessian(lambda a: a.sum(), x),
    )


def refusal(name, run):
    def program(torch):
        return run(torch.autograd.functional, torch, *points(torch))

    add(f"refuses_{name}", program)


refusal("no_v_of_many", lambda f, t, x, y: f.vjp(one, x))
refusal("no_v_of_many_inputs", lambda f, t, x, y: f.jvp(one, x))
refusal("v_of_another_size", lambda f, t, x, y: f.vjp(one, x, t.ones(2)))
refusal("v_of_another_length", lambda f, t, x, y: f.vjp(two, (x, y), (y,)))
refusal("v_entry_of_another_size", lambda f, t, x, y: f.jvp(two, (x, y), (x, x)))
refusal("v_twice", lambda f, t, x, y: f.jvp(one, x, (x, x)))
refusal("numbers", lambda f, t, x, y: f.vjp(one, 3.0))
refusal("numbers_among_tensors", lambda f, t, x, y: f.vjp(two, (x, 3.0)))
refusal("result_no_tensor", lambda f, t, x, y: f.jacobian(lambda a: 3.0, x))
refusal("hessian_of_many", lambda f, t, x, y: f.hessian(one, x))
refusal("hessian_of_tuple", lambda f, t, x, y: f.hessian(lambda a: (a.sum(),), x))
refusal("vhp_of_many", lambda f, t, x, y: f.vhp(one, x, x))
refusal("hvp_of_tuple", lambda f, t, x, y: f.hvp(lambda a: (a.sum(), a.sum()), x, x))
for name in ("vjp", "jvp"):
    refusal(
        f"independent_{name}",
        lambda f, t, x, y, name=name: getattr(f, name)(
            lambda a, b: a * 2, (x, y), x if name == "vjp" else (x, y), strict=True
        ),
    )
for name in ("vhp", "hvp"):
    refusal(
        f"linear_{name}",
        lambda f, t, x, y, name=name: getattr(f, name)(lambda a: a.sum(), x, x, strict=True),
    )
refusal("constant_strictly", lambda f, t, x, y: f.jacobian(lambda a: t.ones(2), x, strict=True))
refusal("linear_hessian_strictly", lambda f, t, x, y: f.hessian(lambda a: a.sum(), x, strict=True))


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_same_as_pytorch(program):
    agree(program)
