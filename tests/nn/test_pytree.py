"""A Module and a Parameter as JAX pytrees."""

from __future__ import annotations

import copy

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import torchlike as torch
from torchlike import nn


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


def test_leaves_are_the_tensors_in_order():
    m = net()
    leaves = jax.tree.leaves(m, is_leaf=lambda x: isinstance(x, torch.Tensor))
    assert [id(t) for t in leaves] == [id(t) for t in (*m.parameters(), *m.buffers())]
    paths = jax.tree_util.tree_flatten_with_path(m, is_leaf=lambda x: isinstance(x, torch.Tensor))[
        0
    ]
    assert jax.tree_util.keystr(paths[0][0]) == ".0.weight"


def test_round_trip_is_a_working_copy():
    m = net()
    leaves, structure = jax.tree.flatten(m)
    again = jax.tree.unflatten(structure, leaves)
    x = torch.randn(5, 3)
    m.eval(), again.eval()
    np.testing.assert_array_equal(again(x).detach().numpy(), m(x).detach().numpy())
    assert type(again[0].weight) is nn.Parameter
    assert again[0].weight.requires_grad
    assert list(again.state_dict()) == list(m.state_dict())
    again[0].register_forward_hook(lambda *a: None)
    assert not m[0]._forward_hooks


def test_structures_are_equal_only_for_equal_modules():
    def structure(m):
        return jax.tree.structure(m)

    m = net()
    assert structure(m) == structure(net())
    assert hash(structure(m)) == hash(structure(net()))
    assert structure(copy.deepcopy(m).eval()) != structure(m)
    assert structure(nn.Linear(3, 4)) != structure(nn.Linear(3, 4, bias=False))
    assert structure(nn.Dropout(0.1)) != structure(nn.Dropout(0.2))


def test_tied_weights_stay_tied():
    m = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    m[1].weight = m[0].weight
    leaves, structure = jax.tree.flatten(m)
    assert len(leaves) == 3
    again = jax.tree.unflatten(structure, leaves)
    assert again[0].weight is again[1].weight


def test_tree_map_keeps_classes():
    doubled = jax.tree.map(lambda a: a * 2, net())
    assert type(doubled[0].weight) is nn.Parameter
    shapes = jax.tree.map(jnp.shape, net())
    assert jax.tree.leaves(shapes)[:2] == [4, 3]


@pytest.mark.parametrize("training", [True, False])
def test_jit_and_grad(training: bool):
    m = net().train(training)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(5, 3)), jnp.float32)

    def loss(m, x):
        return m(torch.from_jax(x)).square().sum()._v.array

    value, grads = jax.jit(jax.value_and_grad(loss, allow_int=True))(m, x)
    expected = m(torch.from_jax(x)).square().sum()
    expected.backward()
    np.testing.assert_allclose(value, expected.item(), rtol=1e-5)
    np.testing.assert_allclose(
        np.asarray(jax.tree.leaves(grads)[0]), m[0].weight.grad.numpy(), rtol=1e-4, atol=1e-5
    )
