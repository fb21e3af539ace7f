"""``torch.autograd.forward_ad``."""

from __future__ import annotations

import pytest

import torchlike

from ..func.oracle import Programs, agree, name_of

PROGRAMS = Programs()


def dual(torch, n=3):
    x = torch.linspace(0.3, 1.5, n)
    return torch.autograd.forward_ad.make_dual(x, x - 1)


def tangent(torch, x):
    return torch.autograd.forward_ad.unpack_dual(x).tangent


def inside(f):
    """``f`` run at a dual level."""

    def program(torch):
        with torch.autograd.forward_ad.dual_level():
            return f(torch, torch.autograd.forward_ad)

    program.__name__ = f.__name__
    return PROGRAMS(program)


@inside
def ops(torch, fw):
    x = dual(torch)
    return [tuple(fw.unpack_dual(y)) for y in (x.sin() * x, x @ x, x.sum(), x.max(), x.cumsum(0))]


@inside
def several_results(torch, fw):
    values, places = (dual(torch) * -1).sort()
    return tuple(fw.unpack_dual(values)), tuple(fw.unpack_dual(places))


@inside
def what_keeps_the_tangent(torch, fw):
    x = dual(torch)
    with torch.no_grad():
        quiet = x * 2
    made = [
        x.detach(),
        x.clone(),
        x.data,
        quiet,
        x.double(),
        x.view(3, 1),
        x[1:],
        x > 0,
        x.to("cpu"),
    ]
    return [tangent(torch, y) for y in made]


@inside
def views_and_writes(torch, fw):
    x = dual(torch, 4).clone()
    y = x.view(2, 2)
    y[0].mul_(3)
    x[1:] *= x[:-1].clone()
    z = torch.zeros(4)
    z[2] = x[1]
    z.view(2, 2)[1].add_(x[0])
    x[0] = 5.0
    return [tuple(fw.unpack_dual(t)) for t in (x, y, z)]


@inside
def writes_to_a_plain_tensor(torch, fw):
    z = torch.ones(3)
    z.mul_(dual(torch))
    before = tuple(fw.unpack_dual(z))
    z.copy_(torch.ones(3))
    z.zero_()
    return before, tuple(fw.unpack_dual(z))


@inside
def the_primal_is_shared(torch, fw):
    x = torch.ones(3)
    y = fw.make_dual(x, torch.ones(3))
    y.mul_(2)
    return x, tuple(fw.unpack_dual(y))


@inside
def backward_carries_tangents(torch, fw):
    x = torch.linspace(0.3, 1.5, 3).requires_grad_()
    y = fw.make_dual(x, torch.ones(3))
    (g,) = torch.autograd.grad((y.sin() * y.exp()).sum(), x, create_graph=True)
    return tuple(fw.unpack_dual(g)), torch.autograd.grad(tangent(torch, g).sum(), x)


@inside
def tangents_have_gradients(torch, fw):
    x = torch.linspace(0.3, 1.5, 3).requires_grad_()
    t = torch.ones(3, requires_grad=True)
    y = (fw.make_dual(x, t).sin() * 2).sum()
    return torch.autograd.grad(tangent(torch, y), (x, t))


@inside
def modules(torch, fw):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    params = {k: fw.make_dual(p, torch.ones_like(p)) for k, p in net.named_parameters()}
    return tuple(fw.unpack_dual(torch.func.functional_call(net, params, (torch.ones(3),))))


@inside
def shown(torch, fw):
    x = dual(torch, 2)
    return repr(x), repr(x * 2), repr(fw.unpack_dual(x))


@inside
def dual_twice(torch, fw):
    return fw.make_dual(dual(torch), torch.ones(3))


@inside
def another_shape(torch, fw):
    return fw.make_dual(torch.ones(2, 3), torch.ones(2, 2))


@inside
def another_dtype(torch, fw):
    return fw.unpack_dual(fw.make_dual(torch.ones(3), torch.ones(3).double())).tangent.dtype


@inside
def integers(torch, fw):
    return fw.make_dual(torch.ones(3).long(), torch.ones(3))


@inside
def unknown_level(torch, fw):
    return fw.make_dual(torch.ones(3), torch.ones(3), level=3)


@inside
def level_in_a_level(torch, fw):
    with fw.dual_level():
        return 1


@PROGRAMS
def no_level(torch):
    return torch.autograd.forward_ad.make_dual(torch.ones(3), torch.ones(3))


@PROGRAMS
def leave_without_entering(torch):
    torch.autograd.forward_ad.exit_dual_level()


@PROGRAMS
def enter_and_leave(torch):
    fw = torch.autograd.forward_ad
    level = fw.enter_dual_level()
    y = dual(torch) * 2
    before = tangent(torch, y)
    fw.exit_dual_level(level=level)
    return level, before, tuple(fw.unpack_dual(y)), y + 1


@PROGRAMS
def decorated(torch):
    fw = torch.autograd.forward_ad

    @fw.dual_level()
    def f(x):
        return fw.unpack_dual(fw.make_dual(x, x).exp()).tangent

    return f(torch.ones(2)), f(torch.zeros(2))


@PROGRAMS
def tangents_switched_off(torch):
    fw = torch.autograd.forward_ad
    with fw.dual_level():
        x = dual(torch)
        with fw._set_fwd_grad_enabled(False):
            y = x * 2
        return tangent(torch, y), tangent(torch, x * 2)


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_same_as_pytorch(program):
    agree(program)


def test_plain_calls_are_left_alone():
    """A dual tensor does not change what calls on plain tensors find."""
    fw = torchlike.autograd.forward_ad
    x = torchlike.ones(3)
    with fw.dual_level():
        y = fw.make_dual(x, x)
        assert fw.unpack_dual(y + x).tangent is not None
        assert fw.unpack_dual(x + x).tangent is None
    assert not (y + x)._v.aval.dual
