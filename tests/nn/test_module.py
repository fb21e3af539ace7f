"""``nn.Module`` against PyTorch: registration, attributes, traversal, conversion, printing."""

from __future__ import annotations

import copy
import gc
import pickle
from collections import OrderedDict
from typing import Any

import pytest

from .scenarios import assert_same


def net(torch: Any, nn: Any) -> Any:
    return nn.Sequential(
        OrderedDict(
            first=nn.Linear(3, 4), norm=nn.BatchNorm1d(4), act=nn.ReLU(), last=nn.Linear(4, 2)
        )
    )


def registration_errors(torch, nn, say):
    m = nn.Module()
    p = nn.Parameter(torch.ones(2))
    say.error(lambda: m.register_parameter(3, p))
    say.error(lambda: m.register_parameter("a.b", p))
    say.error(lambda: m.register_parameter("", p))
    say.error(lambda: m.register_parameter("training", p))
    say.error(lambda: m.register_parameter("x", torch.ones(2)))
    say.error(lambda: m.register_parameter("x", 3))
    say.error(lambda: m.register_parameter("x", p * 2))
    say.error(lambda: m.register_buffer(3, p))
    say.error(lambda: m.register_buffer("a.b", torch.ones(2)))
    say.error(lambda: m.register_buffer("", torch.ones(2)))
    say.error(lambda: m.register_buffer("training", torch.ones(2)))
    say.error(lambda: m.register_buffer("x", 3))
    say.error(lambda: m.register_buffer("x", "text"))
    say.error(lambda: m.add_module("a.b", nn.ReLU()))
    say.error(lambda: m.add_module("", nn.ReLU()))
    say.error(lambda: m.add_module("training", nn.ReLU()))
    say.error(lambda: m.add_module(3, nn.ReLU()))
    say.error(lambda: m.add_module("x", 3))
    say.error(lambda: m.register_module("forward", nn.ReLU()))
    m.register_parameter("none", None)
    m.register_buffer("nothing", None)
    m.add_module("empty", None)
    say(m.none, m.nothing, m.empty, list(m.state_dict()), repr(m))


def before_init(torch, nn, say):
    class Bad(nn.Module):
        def __init__(self, what):
            if what == "parameter":
                self.w = nn.Parameter(torch.ones(1))
            if what == "module":
                self.m = nn.ReLU()
            if what == "buffer":
                self.register_buffer("b", torch.ones(1))
            if what == "buffer class":
                self.b = nn.Buffer(torch.ones(1))
            self.plain = 3

    for what in ("parameter", "module", "buffer", "buffer class"):
        say.error(lambda what=what: Bad(what))
    say(Bad("nothing").plain)


def attributes(torch, nn, say):
    m = net(torch, nn)
    say.error(lambda: m.missing)
    say.error(lambda: setattr(m.first, "weight", torch.ones(4, 3)))
    say.error(lambda: setattr(m.first, "weight", "x"))
    say.error(lambda: setattr(m, "first", torch.ones(2)))
    say.error(lambda: setattr(m, "first", 3))
    say.error(lambda: setattr(m.norm, "running_mean", 3))
    m.first.weight = None
    say(m.first.weight, list(m.first._parameters))
    m.norm.running_mean = torch.ones(4) * 2
    say(m.norm.running_mean)
    m.norm.running_mean = None
    say(list(m.state_dict()))
    m.first = None
    say(list(m._modules), m.first)
    del m.last
    say(list(m._modules))
    say.error(lambda: delattr(m, "last"))
    say.error(lambda: delattr(m, "nothing"))
    del m.norm.running_var
    say(list(m.norm._buffers), m.norm._non_persistent_buffers_set)


def kinds_replace_each_other(torch, nn, say):
    m = nn.Module()
    m.x = 3
    m.x = nn.Parameter(torch.ones(1))
    say("x" in m.__dict__, list(m._parameters))
    m.x = nn.Parameter(torch.zeros(1))
    say(m.x)
    m.y = torch.ones(1)
    say("y" in m.__dict__, list(m._buffers))
    say.error(lambda: setattr(m, "y", nn.Buffer(torch.ones(2))))
    del m.y
    m.y = nn.Buffer(torch.ones(2), persistent=False)
    say("y" in m.__dict__, list(m._buffers), m._non_persistent_buffers_set, list(m.state_dict()))
    m.y = nn.Parameter(torch.ones(3))
    say(list(m._buffers), list(m._parameters), m._non_persistent_buffers_set)
    m.z = nn.ReLU()
    say.error(lambda: setattr(m, "z", nn.Buffer(torch.ones(2))))
    m.p = nn.Parameter(torch.ones(1))
    say.error(lambda: setattr(m, "p", nn.Buffer(torch.ones(2))))
    m.b = nn.Buffer(torch.ones(2))
    m.b = nn.Tanh()
    say(list(m._modules), list(m._buffers))
    m.n = None
    m.n = nn.Linear(1, 1)
    say("n" in m.__dict__, list(m._modules))


def init_arguments(torch, nn, say):
    class Child(nn.Module):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)

    say.error(lambda: Child(1))
    say.error(lambda: Child(1, 2, a=3))
    say.error(lambda: Child(a=3))
    say.error(lambda: nn.Linear(2, 2, bogus=True))

    class Mixin:
        def __init__(self, tag="none", **kwargs):
            self.tag = tag

    class Both(nn.Module, Mixin):
        call_super_init = True

        def __init__(self, **kwargs):
            super().__init__(**kwargs)

    say(Both(tag="here").tag)


def forward_errors(torch, nn, say):
    say.error(lambda: nn.Module()(torch.ones(1)))
    say.error(lambda: nn.Module().forward())
    say.error(lambda: nn.Linear(3, 2)(torch.ones(2, 4)))
    say.error(lambda: nn.ReLU()(torch.ones(1), 2))
    say.error(lambda: nn.ModuleList()(torch.ones(1)))
    say.error(lambda: nn.ModuleDict()(torch.ones(1)))
    say.error(lambda: nn.ParameterList()())


def traversal(torch, nn, say):
    m = nn.Module()
    m.a = nn.Linear(2, 2)
    m.b = nn.Sequential(m.a, nn.Linear(2, 2, bias=False))
    m.b[1].weight = m.a.weight
    m.register_buffer("buf", torch.zeros(1))
    m.c = m
    say([n for n, _ in m.named_modules()])
    say([n for n, _ in m.named_parameters()])
    say([n for n, _ in m.named_parameters(prefix="p", recurse=False)])
    say([n for n, _ in m.b.named_parameters(prefix="p")])
    say([n for n, _ in m.b.named_parameters(remove_duplicate=False)])
    say([n for n, _ in m.b.named_modules(remove_duplicate=False)])
    say([n for n, _ in m.named_buffers()])
    say([n for n, _ in m.named_children()], len(list(m.children())))
    say(len(list(m.parameters())), len(list(m.buffers())), len(list(m.modules())))
    say(m.b.get_submodule("1") is m.b[1], m.get_submodule("") is m)
    say(m.get_parameter("b.1.weight") is m.a.weight)
    say.error(lambda: m.get_submodule("b.7"))
    say.error(lambda: m.get_submodule("buf"))
    say.error(lambda: m.get_parameter("a.nope"))
    say.error(lambda: m.get_parameter("buf"))
    say.error(lambda: m.get_buffer("a.weight"))
    say.error(lambda: m.get_buffer("nope"))
    say(m.get_buffer("buf"))


def set_submodule(torch, nn, say):
    m = net(torch, nn)
    m.set_submodule("act", nn.Tanh())
    say(m)
    m.set_submodule("new", nn.Tanh())
    say(list(m._modules))
    say.error(lambda: m.set_submodule("", nn.Tanh()))
    say.error(lambda: m.set_submodule("act", 3))
    say.error(lambda: m.set_submodule("first.nope.x", nn.Tanh()))
    say.error(lambda: m.set_submodule("nope", nn.Tanh(), strict=True))
    say.error(lambda: m.set_submodule("first.weight", nn.Tanh()))
    say.error(lambda: m.set_submodule("first.in_features.x", nn.Tanh()))


def apply_and_modes(torch, nn, say):
    m = net(torch, nn)
    order = []
    say(m.apply(lambda x: order.append(type(x).__name__)) is m, order)
    m.eval()
    say([x.training for x in m.modules()])
    m.train()
    say([x.training for x in m.modules()])
    say.error(lambda: m.train("yes"))
    m.requires_grad_(False)
    say([p.requires_grad for p in m.parameters()])
    m.requires_grad_()
    m(torch.ones(2, 3)).sum().backward()
    m.zero_grad(set_to_none=False)
    say([p.grad for p in m.parameters()])
    m.zero_grad()
    say([p.grad for p in m.parameters()])


def conversion(torch, nn, say):
    def types(m):
        return [str(t.dtype) for t in (*m.parameters(), *m.buffers())]

    m = net(torch, nn)
    weight = m.first.weight
    say(types(m.double()), types(m.half()), types(m.bfloat16()), types(m.float()))
    say(m.first.weight is weight, type(m.first.weight), weight.requires_grad)
    say(types(m.to(torch.float64)), types(m.to("cpu", torch.float32)), types(m.to("cpu")))
    say(types(m.to(torch.ones(1, dtype=torch.float64))), types(m.to(dtype=torch.float32)))
    say(types(m.to(torch.device("cpu"), non_blocking=True)), types(m.type(torch.float64)))
    say.error(lambda: m.to(torch.int64))
    say.error(lambda: m.to(bogus=3))
    m.float()
    m(torch.ones(2, 3)).sum().backward()
    m.double()
    say([str(p.grad.dtype) for p in m.parameters()])
    say(types(nn.Linear(2, 2).to(torch.complex64)))
    say(m.cpu() is m)


def printing(torch, nn, say):
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU()])
            self.other = nn.ModuleDict({"k": nn.Sequential()})

        def extra_repr(self):
            return "one line\nand another"

        def _get_name(self):
            return "Renamed"

    say(Named(), nn.Sequential(Named(), Named()), nn.Module())
    hidden = ("_", "T_destination")
    say([k for k in dir(net(torch, nn)) if not k.startswith(hidden)])
    say(nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2), requires_grad=False))


def parameters(torch, nn, say):
    p = nn.Parameter(torch.arange(3.0))
    say(p, p.is_leaf, isinstance(p, torch.Tensor), isinstance(p, nn.Parameter))
    say(isinstance(torch.ones(1), nn.Parameter), type(p + 1), type(p.data), type(p.detach()))
    source = torch.zeros(2)
    shared = nn.Parameter(source)
    source[0] = 5
    say(shared, nn.Parameter().shape, nn.Parameter(p).requires_grad)
    say.error(lambda: nn.Parameter(torch.ones(2, dtype=torch.int64)))
    say(nn.Parameter(torch.ones(2, dtype=torch.int64), requires_grad=False))
    twin = copy.deepcopy(p)
    with torch.no_grad():
        twin[0] = 9
    say(type(twin), twin, p)
    again = pickle.loads(pickle.dumps(p))
    say(type(again), again)
    say(hash(p) == id(p), p in {p})
    b = nn.Buffer(torch.ones(2), persistent=False)
    say(isinstance(b, nn.Buffer), b.persistent, type(b), isinstance(torch.ones(1), nn.Buffer))


def copies(torch, nn, say):
    m = net(torch, nn)
    twin = copy.deepcopy(m)
    with torch.no_grad():
        twin.first.weight.zero_()
    say(m.first.weight.abs().sum().item() > 0, type(twin.first.weight), twin)
    shallow = copy.copy(m)
    say(shallow.first is m.first, shallow._modules is m._modules)
    again = pickle.loads(pickle.dumps(m))
    x = torch.ones(2, 3)
    say(again(x), m(x))
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    twin = copy.deepcopy(tied)
    say(twin[0].weight is twin[1].weight, twin[0].weight is tied[0].weight)
    del twin, m
    gc.collect()


def global_registration_hooks(torch, nn, say):
    module = nn.modules.module
    seen = []
    handles = [
        module.register_module_parameter_registration_hook(lambda m, n, p: seen.append(("p", n))),
        module.register_module_buffer_registration_hook(lambda m, n, b: seen.append(("b", n))),
        module.register_module_module_registration_hook(lambda m, n, s: seen.append(("m", n))),
    ]
    net(torch, nn)
    for handle in handles:
        handle.remove()
    net(torch, nn)
    say(seen)
    handle = module.register_module_buffer_registration_hook(lambda m, n, b: b * 0 + 7)
    m = nn.Module()
    m.register_buffer("b", torch.ones(2))
    handle.remove()
    say(m.b)


def lazy(torch, nn, say):
    m = nn.LazyLinear(3)
    say(m, m.weight, m.has_uninitialized_params(), type(m))
    say.error(lambda: m.weight.shape)
    say.error(lambda: m.weight.share_memory_())
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
        m.weight + 1
    say(list(m.state_dict()))
    m.double()
    y = m(torch.ones(2, 5, dtype=torch.float64))
    say(type(m), m, m.weight.shape, y.dtype, type(m.weight))
    other = nn.LazyLinear(3)
    other.load_state_dict(m.state_dict())
    say(other.weight.shape, type(other), other(torch.ones(2, 5)).shape, type(other))
    say.error(lambda: nn.Linear(2, 3).load_state_dict(nn.LazyLinear(3).state_dict()))
    c = nn.LazyConv2d(2, 3)
    say.error(lambda: c(torch.ones(2, 3)))
    say(c(torch.ones(1, 3, 5, 5)).shape, c)
    twin = copy.deepcopy(nn.LazyLinear(2))
    say(twin(torch.ones(1, 4)).shape)


def to_empty_and_meta(torch, nn, say):
    m = nn.Linear(3, 2, device="meta")
    say(str(m.weight.device), m.weight.shape)
    m.to_empty(device="cpu")
    say(str(m.weight.device), m.weight.shape, m.weight.requires_grad)


SCENARIOS = [
    registration_errors, before_init, attributes, kinds_replace_each_other, init_arguments,
    forward_errors, traversal, set_submodule, apply_and_modes, conversion, printing, parameters,
    copies, global_registration_hooks, lazy, to_empty_and_meta,
]  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_scenario(scenario: Any):
    assert_same(scenario)
