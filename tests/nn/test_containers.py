"""Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict against PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

from .scenarios import assert_same


def sequential(torch, nn, say):
    s = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    say(s[:1], s[-1], len(s), [type(m) for m in s])
    s.append(nn.Tanh()).insert(0, nn.Tanh())
    say(s.pop(1), s)
    s += nn.Sequential(nn.ReLU())
    say(s, s * 2, 2 * s, s + s)
    s *= 2
    say(s, list(s.state_dict()))
    s[1] = nn.Sigmoid()
    del s[0]
    del s[1:3]
    say(s, s.extend([nn.ELU()]))
    say.error(lambda: s[20])
    say.error(lambda: s * 2.0)
    say.error(lambda: s * 0)
    say.error(lambda: s + 3)
    say.error(lambda: s.insert(50, nn.ReLU()))
    say.error(lambda: s.insert(0, 3))
    say.error(lambda: s.append(4))
    say.error(lambda: nn.Sequential(3))
    say.error(lambda: nn.Sequential()[0])


def module_list(torch, nn, say):
    m = nn.ModuleList([nn.Linear(1, 1) for _ in range(3)])
    m.insert(1, nn.ReLU())
    m.extend([nn.Tanh()])
    del m[0]
    say(m, m[1:3], m + [nn.ReLU()], [k for k, _ in m.named_parameters()])
    m[0] = nn.Sigmoid()
    m += [nn.ELU()]
    say(m.pop(-1), m, len(m))
    del m[:2]
    say(m)
    say.error(lambda: nn.ModuleList(3))
    say.error(lambda: nn.ModuleList([3]))
    say.error(lambda: m["x"])


def module_dict(torch, nn, say):
    m = nn.ModuleDict([["a", nn.Linear(1, 1)], ["b", nn.ReLU()]])
    m.update({"c": nn.Tanh()})
    say(m, list(m.keys()), "a" in m, len(m), [k for k, _ in m.items()], list(m))
    del m["a"]
    say(m.pop("b"), m, [type(v) for v in m.values()])
    m.clear()
    say(len(m))
    say.error(lambda: nn.ModuleDict([1]))
    say.error(lambda: nn.ModuleDict([(1, 2, 3)]))
    say.error(lambda: nn.ModuleDict(3))
    say.error(lambda: nn.ModuleDict({"a": 3}))
    say.error(lambda: m["nope"])


def parameter_list(torch, nn, say):
    p = nn.ParameterList([torch.ones(2), nn.Parameter(torch.zeros(1)), "text"])
    p.append(torch.ones(3))
    p[0] = torch.zeros(2, 2)
    say(p, len(p), [k for k, _ in p.named_parameters()], p[1:], p[-1], list(p.state_dict()))
    p += [torch.ones(1)]
    say(list(p), p[2])
    say.error(lambda: p + 3)
    say.error(lambda: p.extend(3))
    say.error(lambda: p.extend(torch.ones(2)))
    say.error(lambda: p())
    say.error(lambda: p["a"])
    say.error(lambda: p.__setitem__(9, torch.ones(1)))


def parameter_dict(torch, nn, say):
    d = nn.ParameterDict({"x": torch.ones(2), "y": 3})
    d["z"] = nn.Parameter(torch.ones(1))
    say(d, list(d), d | {"q": torch.ones(1)}, list(reversed(d)), d["x"], d.get("no"), "x" in d)
    say(d.pop("y"), d.popitem()[0], d.setdefault("n", torch.ones(1)), d.copy(), list(d.items()))
    say(d.fromkeys(["a", "b"], torch.ones(1)), list(d.keys()), list(d.values()), len(d))
    d |= {"last": torch.ones(1)}
    say(list(d.state_dict()))
    d.clear()
    say(len(d))
    pairs = [("b", torch.ones(1)), ("a", torch.ones(1))]
    say(nn.ParameterDict(pairs), list(nn.ParameterDict(dict(pairs))))
    say.error(lambda: nn.ParameterDict(3))
    say.error(lambda: d["q"])
    say.error(lambda: d.update([1]))
    say.error(lambda: d.update([(1, 2, 3)]))
    say.error(lambda: d.__setitem__(2, 3))
    say.error(lambda: d(3))


def buffers_assigned_again(torch, nn, say):
    m = nn.Module()
    m.register_buffer("b", torch.ones(1))
    m.b = nn.Buffer(torch.zeros(1), persistent=False)
    say(m._non_persistent_buffers_set, list(m.state_dict()))
    m.b = torch.ones(2)
    say(m._non_persistent_buffers_set)
    m.b = nn.Buffer(torch.zeros(1))
    say(m._non_persistent_buffers_set, list(m.state_dict()))
    linear = nn.Linear(2, 2)
    linear.register_parameter("bias", None)
    say(linear.bias, list(linear.state_dict()), linear)


SCENARIOS = [
    sequential, module_list, module_dict, parameter_list, parameter_dict, buffers_assigned_again,
]  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_scenario(scenario: Any):
    assert_same(scenario)
