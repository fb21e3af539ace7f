"""``state_dict`` and ``load_state_dict`` against PyTorch, and between the two libraries."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch as oracle

import torchlike

from .scenarios import assert_same


def net(nn: Any) -> Any:
    return nn.Sequential(
        OrderedDict(a=nn.Linear(2, 3), n=nn.BatchNorm1d(3), s=nn.Sequential(nn.Linear(3, 1)))
    )


def saving(torch, nn, say):
    m = net(nn)
    state = m.state_dict()
    say(type(state), list(state), dict(state._metadata))
    say([v.requires_grad for v in state.values()])
    say([v.requires_grad for v in m.state_dict(keep_vars=True).values()])
    say(list(m.state_dict(prefix="p.")), list(m.a.state_dict(prefix="x")))
    given = OrderedDict()
    say(m.state_dict(destination=given) is given, list(given))
    say(list(m.state_dict(OrderedDict(), "q.", True)))
    state["a.weight"].zero_()
    say(m.a.weight)
    m.register_buffer("hidden", torch.ones(1), persistent=False)
    m.register_buffer("none", None)
    say(list(m.state_dict()))


def loading(torch, nn, say):
    m, other = net(nn), net(nn)
    keys = m.load_state_dict(other.state_dict())
    say(keys, keys.missing_keys, tuple(keys), m.a.weight)
    state = other.state_dict()
    del state["a.bias"]
    state["extra"] = torch.ones(1)
    state["s.0.deep.x"] = torch.ones(1)
    state["a.weight"] = torch.ones(2, 3)
    state["s.0.bias"] = "text"
    say.error(lambda: m.load_state_dict(state))
    say.error(lambda: m.load_state_dict(state, strict=False))
    state["a.weight"] = torch.ones(3, 2)
    state["s.0.bias"] = torch.tensor(2.0)
    say.error(lambda: m.load_state_dict(state, strict=False))
    state["s.0.bias"] = torch.tensor([2.0])
    say(m.load_state_dict(state, strict=False))
    say(m.a.weight, m.s[0].bias)
    say.error(lambda: m.load_state_dict([1, 2]))
    say.error(lambda: m.load_state_dict({}))
    say(m.load_state_dict(dict(other.state_dict())))
    say(m.load_state_dict({k: v.double() for k, v in other.state_dict().items()}), m.a.weight)
    scalar = nn.Module()
    scalar.register_buffer("b", torch.tensor(1.0))
    say(scalar.load_state_dict({"b": torch.tensor([4.0])}), scalar.b)


def assigning(torch, nn, say):
    m, other = net(nn), net(nn)
    m.a.weight.requires_grad_(False)
    before = m.a.weight
    state = {k: v.double() for k, v in other.state_dict().items()}
    say(m.load_state_dict(state, assign=True))
    say(m.a.weight is before, m.a.weight.dtype, type(m.a.weight), m.a.weight.requires_grad)
    say(m.a.bias.requires_grad, type(m.n.running_mean))
    meta = nn.Linear(2, 3, device="meta")
    meta.load_state_dict(other.a.state_dict(), assign=True)
    say(meta.weight)


def state_hooks(torch, nn, say):
    m = net(nn)
    seen = []
    m.register_state_dict_pre_hook(lambda mod, prefix, keep: seen.append(("pre", prefix, keep)))
    m.register_state_dict_post_hook(lambda mod, state, prefix, meta: seen.append(("post", prefix)))
    m.s._register_state_dict_hook(lambda mod, state, prefix, meta: seen.append(("old", prefix)))
    m.s.register_load_state_dict_pre_hook(
        lambda mod, state, prefix, meta, strict, missing, unexpected, errors: seen.append(
            ("load", type(mod), list(state), prefix, strict)
        )
    )
    m._register_load_state_dict_pre_hook(lambda state, prefix, *rest: seen.append(("bare", prefix)))
    m.register_load_state_dict_post_hook(lambda mod, keys: seen.append(("after", keys)))
    m.load_state_dict(m.state_dict())
    say(seen)
    m.register_state_dict_post_hook(lambda *a: 3)
    say.error(lambda: m.state_dict())
    n = net(nn)
    n.register_load_state_dict_post_hook(lambda mod, keys: keys.missing_keys.clear())
    say(n.load_state_dict({}, strict=False).missing_keys)
    n.register_load_state_dict_post_hook(lambda mod, keys: 3)
    say.error(lambda: n.load_state_dict(n.state_dict()))

    def shared(*args):
        return None

    n.register_state_dict_post_hook(shared)
    say.error(lambda: n._register_state_dict_hook(shared))


def extra_state(torch, nn, say):
    class Counted(nn.Module):
        def __init__(self):
            super().__init__()
            self.count = 3

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    m = nn.Sequential(Counted(), nn.Linear(1, 1))
    state = m.state_dict()
    say(list(state), state["0._extra_state"])
    state["0._extra_state"] = {"count": 8}
    m.load_state_dict(state)
    say(m[0].count)
    del state["0._extra_state"]
    say.error(lambda: m.load_state_dict(state))
    plain = nn.Linear(1, 1)
    say.error(lambda: plain.load_state_dict({**plain.state_dict(), "_extra_state": 1}))


def versions(torch, nn, say):
    m = nn.BatchNorm1d(2)
    old = {k: v for k, v in m.state_dict().items() if k != "num_batches_tracked"}
    say(m.load_state_dict(old))
    state = m.state_dict()
    del state["num_batches_tracked"]
    say.error(lambda: m.load_state_dict(state))
    n = nn.InstanceNorm1d(2)
    say.error(lambda: n.load_state_dict({"running_mean": torch.ones(2)}))
    tools = nn.modules.utils
    state = net(nn).state_dict(prefix="module.")
    tools.consume_prefix_in_state_dict_if_present(state, "module.")
    say(list(state), dict(state._metadata))


SCENARIOS = [saving, loading, assigning, state_hooks, extra_state, versions]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_scenario(scenario: Any):
    assert_same(scenario)


def test_a_state_dict_travels_between_the_libraries():
    theirs, ours = net(oracle.nn), net(torchlike.nn)
    given = {k: torchlike.from_numpy(v.numpy().copy()) for k, v in theirs.state_dict().items()}
    ours.load_state_dict(given)
    x = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    expected = theirs(oracle.from_numpy(x))
    found = ours(torchlike.from_numpy(x))
    np.testing.assert_allclose(
        found.detach().numpy(), expected.detach().numpy(), rtol=1e-5, atol=1e-6
    )
