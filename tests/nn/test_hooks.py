"""Hooks around a module's call, against PyTorch."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from .scenarios import assert_same


def forward_hooks(torch, nn, say):
    m = nn.Linear(2, 2)
    order = []
    x = torch.ones(1, 2)
    h1 = m.register_forward_pre_hook(lambda mod, args: order.append(("pre1", args)))
    h2 = m.register_forward_pre_hook(lambda mod, args: (args[0] * 2,), prepend=True)
    h3 = m.register_forward_hook(lambda mod, args, out: order.append(("post1", args, out)))
    h4 = m.register_forward_hook(lambda mod, args, out: out + 1, prepend=True)
    say(m(x), order)
    for h in (h1, h2, h3, h4):
        h.remove()
    say(m(x), len(m._forward_hooks), len(m._forward_pre_hooks))
    m.register_forward_pre_hook(lambda mod, args: args[0] * 3)
    say(m(x))
    with m.register_forward_hook(lambda mod, args, out: out * 0):
        say(m(x))
    say(m(x))


def kwargs_hooks(torch, nn, say):
    class Scale(nn.Module):
        def forward(self, x, *, by=1.0):
            return x * by

    m = Scale()
    x = torch.ones(2)
    m.register_forward_pre_hook(
        lambda mod, args, kwargs: (args, {"by": kwargs.get("by", 1) + 1}), with_kwargs=True
    )
    m.register_forward_hook(lambda mod, args, kwargs, out: out + kwargs["by"], with_kwargs=True)
    say(m(x), m(x, by=3.0))
    bad = Scale()
    bad.register_forward_pre_hook(lambda mod, args, kwargs: 3, with_kwargs=True)
    say.error(lambda: bad(x))


def always_call(torch, nn, say):
    class Fails(nn.Module):
        def forward(self, x):
            raise ValueError("inside")

    seen = []
    m = Fails()
    m.register_forward_hook(lambda mod, args, out: seen.append(("always", out)), always_call=True)
    m.register_forward_hook(lambda mod, args, out: seen.append("never"))
    say.error(lambda: m(torch.ones(1)))
    say(seen)

    def raises(mod, args, out):
        raise RuntimeError("hook")

    other = Fails()
    other.register_forward_hook(raises, always_call=True)
    say.error(lambda: other(torch.ones(1)))
    fine = nn.ReLU()
    fine.register_forward_hook(lambda mod, args, out: seen.append("once"), always_call=True)
    fine(torch.ones(1))
    say(seen)


def full_backward(torch, nn, say):
    m = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    seen = []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append(("full", gi, go)))
    m.register_full_backward_pre_hook(lambda mod, go: seen.append(("pre", go)))
    m[1].register_full_backward_hook(lambda mod, gi, go: (gi[0] * 2,))
    m[1].register_full_backward_pre_hook(lambda mod, go: (go[0] + 1,))
    x = torch.ones(2, 3, requires_grad=True)
    m(x).sum().backward()
    say(seen, x.grad, m[0].weight.grad)
    seen.clear()
    m(x.detach()).sum().backward()
    say(seen)
    seen.clear()
    with torch.no_grad():
        m(x)
    say(seen)


def full_backward_several(torch, nn, say):
    class Two(nn.Module):
        def forward(self, a, b, c=3, d=None):
            return a * b, b + c, "text", None

    m = Two()
    seen = []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go)))
    a = torch.ones(2, requires_grad=True)
    b = torch.ones(2) * 2
    out = m(a, b, 5)
    out[0].sum().backward()
    say(seen, a.grad, type(out), len(out))
    m.register_full_backward_hook(lambda mod, gi, go: (gi[0],))
    out = m(a, b, 5)
    say.error(lambda: out[0].sum().backward())
    n = nn.Tanh()
    n.register_full_backward_pre_hook(lambda mod, go: (go[0], go[0]))
    y = n(a)
    say.error(lambda: y.sum().backward())
    w = nn.Linear(2, 1)
    w.register_full_backward_hook(lambda mod, gi, go: (torch.ones(2),))
    z = w(b)
    say.error(lambda: z.sum().backward())


def not_a_tensor_output(torch, nn, say):
    class Dict(nn.Module):
        def forward(self, x):
            return {"out": x * 2}

    m = Dict()
    m.register_full_backward_hook(lambda mod, gi, go: None)
    x = torch.ones(2, requires_grad=True)
    m(x)["out"].sum().backward()
    say(x.grad)


def old_backward(torch, nn, say):
    m = nn.Tanh()
    seen = []
    m.register_backward_hook(lambda mod, gi, go: seen.append((gi, go)))
    x = torch.ones(2, requires_grad=True)
    m(x).sum().backward()
    say(seen)
    m(x * 2).sum().backward()

    class Two(nn.Module):
        def forward(self, a, b):
            return (a * 2, b * 3) if isinstance(b, torch.Tensor) else [a * 2]

    two = Two()
    two.register_backward_hook(lambda *args: None)
    two(x * 2, x)
    two(x, 3)
    say.error(lambda: m.register_full_backward_hook(lambda *a: None))
    n = nn.Tanh()
    n.register_full_backward_hook(lambda *a: None)
    say.error(lambda: n.register_backward_hook(lambda *a: None))


def global_hooks(torch, nn, say):
    module = nn.modules.module
    seen = []
    handles = [
        module.register_module_forward_pre_hook(lambda m, a: seen.append(("gpre", type(m)))),
        module.register_module_forward_hook(lambda m, a, o: seen.append(("gpost", type(m)))),
        module.register_module_forward_hook(
            lambda m, a, k, o: seen.append(("kw", list(k))), with_kwargs=True
        ),
        module.register_module_full_backward_hook(lambda m, gi, go: seen.append(("gb", type(m)))),
        module.register_module_full_backward_pre_hook(lambda m, go: seen.append(("gbp", type(m)))),
    ]
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    net.register_forward_hook(lambda m, a, o: seen.append("own"))
    net(torch.ones(1, 2)).sum().backward()
    for h in handles:
        h.remove()
    net(torch.ones(1, 2))
    say(seen)


def hooks_survive(torch, nn, say):
    m = nn.Linear(2, 2)
    m.register_forward_hook(double)
    twin = copy.deepcopy(m)
    x = torch.ones(1, 2)
    say(m(x), twin(x), len(twin._forward_hooks))
    again = pickle.loads(pickle.dumps(m))
    say(again(x))
    handle = m.register_forward_hook(double)
    handle.remove()
    handle.remove()
    say(len(m._forward_hooks))


def double(module: Any, args: Any, out: Any) -> Any:
    return out * 2


SCENARIOS = [
    forward_hooks, kwargs_hooks, always_call, full_backward, full_backward_several,
    not_a_tensor_output, old_backward, global_hooks, hooks_survive,
]  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_scenario(scenario: Any):
    assert_same(scenario)
