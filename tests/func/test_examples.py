"""The examples of PyTorch's documentation: per-sample gradients, ensembles, Jacobians, MAML, kernels."""

from __future__ import annotations

import copy

import pytest

from ..compare import Tolerance
from .oracle import Programs, agree, name_of

PROGRAMS = Programs()
LOOSER = Tolerance(factor=10.0, scaled=True)


def small_net(torch):
    nn = torch.nn
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 8), nn.Tanh(),
        nn.Linear(8, 5),
    )  # fmt: skip


def data(torch, count=6):
    return torch.randn(count, 1, 8, 8), torch.randint(0, 5, (count,))


def detached(module):
    return {k: v.detach() for k, v in module.named_parameters()}


def per_sample_loss(torch, net):
    def loss(params, sample, target):
        out = torch.func.functional_call(net, params, (sample.unsqueeze(0),))
        return torch.nn.functional.cross_entropy(out, target.unsqueeze(0))

    return loss


@PROGRAMS
def per_sample_gradients(torch):
    net = small_net(torch)
    x, y = data(torch)
    loss, params = per_sample_loss(torch, net), detached(net)
    mapped = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(params, x, y)
    chunked = torch.vmap(torch.func.grad(loss), (None, 0, 0), chunk_size=4)(params, x, y)
    one_by_one = [torch.func.grad(loss)(params, a, b) for a, b in zip(x, y, strict=True)]
    return mapped, chunked, one_by_one


@PROGRAMS
def per_sample_gradients_equal_the_batch_gradient(torch):
    net = small_net(torch)
    x, y = data(torch)
    each = torch.vmap(torch.func.grad(per_sample_loss(torch, net)), (None, 0, 0))(
        detached(net), x, y
    )
    torch.nn.functional.cross_entropy(net(x), y).backward()
    return [(each[k].mean(0) - p.grad).abs().max() < 1e-5 for k, p in net.named_parameters()]


@PROGRAMS
def ensemble(torch):
    nets = [small_net(torch) for _ in range(3)]
    for i, net in enumerate(nets):
        for p in net.parameters():
            p.data.mul_(1 + i)
    params, buffers = torch.func.stack_module_state(nets)
    base = copy.deepcopy(nets[0]).to("meta")
    x, _ = data(torch)

    def call(params, buffers, x):
        return torch.func.functional_call(base, (params, buffers), (x,))

    shared = torch.vmap(call, in_dims=(0, 0, None))(params, buffers, x)
    own = torch.vmap(call)(params, buffers, x.reshape(3, 2, 1, 8, 8))
    shared.pow(2).sum().backward()
    return shared, own, [p.grad for p in params.values()], [net(x) for net in nets]


@PROGRAMS
def batch_norm_needs_no_statistics(torch):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    x = torch.randn(2, 5, 4)
    before = net[1].running_mean
    torch.func.replace_all_batch_norm_modules_(net)
    return before, net[1].running_mean, torch.vmap(net)(x)


@PROGRAMS
def batch_norm_with_statistics(torch):
    torch.manual_seed(0)
    net = torch.nn.BatchNorm1d(3)
    return torch.vmap(net)(torch.randn(2, 5, 3))


@PROGRAMS
def batch_norm_with_statistics_of_each(torch):
    torch.manual_seed(0)
    x = torch.randn(2, 5, 3)
    means, variances = torch.zeros(2, 3), torch.ones(2, 3)
    f = lambda a, m, v: torch.nn.functional.batch_norm(a, m, v, training=True)  # noqa: E731
    return torch.vmap(f)(x, means, variances), means, variances


@PROGRAMS
def jacobians_of_a_layer(torch):
    torch.manual_seed(0)
    weight, bias, x = torch.randn(4, 6), torch.randn(4), torch.randn(3, 6)

    def predict(w, b, x):
        return torch.nn.functional.linear(x, w, b).tanh()

    return [
        torch.func.jacrev(predict, argnums=(0, 1, 2))(weight, bias, x[0]),
        torch.func.jacfwd(predict, argnums=(0, 1, 2))(weight, bias, x[0]),
        torch.vmap(torch.func.hessian(predict, argnums=2), (None, None, 0))(weight, bias, x),
        torch.func.jacfwd(torch.func.jacrev(predict, argnums=0), argnums=1)(weight, bias, x[0]),
    ]


@PROGRAMS
def hessian_vector_products(torch):
    torch.manual_seed(0)
    x, v = torch.randn(7), torch.randn(7)
    f = lambda a: (a.sin() * a.cumsum(0)).sum()  # noqa: E731
    forward = torch.func.jvp(torch.func.grad(f), (x,), (v,))[1]
    _, pull = torch.func.vjp(torch.func.grad(f), x)
    return forward, pull(v)[0]


@PROGRAMS
def model_agnostic_meta_learning(torch):
    torch.manual_seed(0)
    w = torch.randn(4, 1)
    x, y = torch.randn(3, 7, 4), torch.randn(3, 7, 1)

    def loss(w, x, y):
        return ((x @ w).tanh() - y).pow(2).mean()

    def adapted(w, x, y):
        for _ in range(2):
            w = w - 0.1 * torch.func.grad(loss)(w, x, y)
        return loss(w, x, y)

    def meta(w):
        return torch.vmap(adapted, in_dims=(None, 0, 0))(w, x, y).mean()

    leaf = w.clone().requires_grad_()
    meta(leaf).backward()
    return torch.func.grad_and_value(meta)(w), leaf.grad, torch.func.jvp(meta, (w,), (w,))


@PROGRAMS
def neural_tangent_kernel(torch):
    net = small_net(torch)
    x, _ = data(torch, 3)
    params = detached(net)

    def f(params, x):
        return torch.func.functional_call(net, params, (x.unsqueeze(0),)).squeeze(0)

    jacobians = torch.vmap(torch.func.jacrev(f), (None, 0))(params, x)
    flat = [j.flatten(2) for j in jacobians.values()]
    contracted = sum(torch.einsum("Naf,Mbf->NMab", j, j) for j in flat)

    def kernel(a, b):
        out, pull = torch.func.vjp(lambda p: f(p, a), params)

        def row(ct):
            return torch.func.jvp(lambda p: f(p, b), (params,), pull(ct))[1]

        return torch.vmap(row)(torch.eye(out.numel()))

    products = torch.vmap(torch.vmap(kernel, (None, 0)), (0, None))(x, x)
    return contracted, products


@PROGRAMS
def optimiser_step_inside_of_vmap(torch):
    torch.manual_seed(0)
    nets = [torch.nn.Linear(3, 1) for _ in range(4)]
    params, _ = torch.func.stack_module_state(nets)
    params = {k: v.detach() for k, v in params.items()}
    x, y = torch.randn(8, 3), torch.randn(8, 1)

    def step(params):
        def loss(p):
            return (torch.func.functional_call(nets[0], p, (x,)) - y).pow(2).mean()

        grads, value = torch.func.grad_and_value(loss)(params)
        return {k: p - 0.1 * grads[k] for k, p in params.items()}, value

    losses = []
    for _ in range(3):
        params, value = torch.vmap(step)(params)
        losses.append(value)
    return params, losses


@PROGRAMS
def attention_of_each_sample(torch):
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    x, params = torch.randn(2, 5, 8), detached(layer)

    def loss(params, x):
        return torch.func.functional_call(layer, params, (x.unsqueeze(0),)).pow(2).sum()

    return torch.vmap(torch.func.grad_and_value(loss), (None, 0))(params, x)


@PROGRAMS
def states_that_differ(torch):
    nets = [torch.nn.Linear(2, 2), torch.nn.Linear(2, 2).requires_grad_(False)]
    return torch.func.stack_module_state(nets)


@PROGRAMS
def states_of_nothing(torch):
    return torch.func.stack_module_state([])


@PROGRAMS
def states_of_other_classes(torch):
    return torch.func.stack_module_state([torch.nn.Linear(2, 2), torch.nn.ReLU()])


@PROGRAMS
def states_in_other_modes(torch):
    return torch.func.stack_module_state([torch.nn.Linear(2, 2), torch.nn.Linear(2, 2).eval()])


@PROGRAMS
def parameters_twice(torch):
    net = torch.nn.Linear(2, 2)
    given = dict(net.named_parameters())
    return torch.func.functional_call(net, (given, given), (torch.ones(2),))


@PROGRAMS
def parameters_of_another_kind(torch):
    return torch.func.functional_call(torch.nn.Linear(2, 2), 3, (torch.ones(2),))


@PROGRAMS
def rearranged(torch):
    x, found = torch.arange(24.0).reshape(2, 3, 4), []
    rearrange = torch.func.rearrange
    for pattern, sizes in {
        "a b c -> c (a b)": {},
        "b (h w) c -> b w (h c)": {"h": 3},
        "... c -> c ...": {},
        "... -> (...)": {},
        "a b c -> a 1 b c": {},
        "a (b one) c -> (one c) b a": {"one": 1},
    }.items():
        found.append(rearrange(x, pattern, **sizes))
    return found, rearrange([torch.ones(2), torch.zeros(2)], "a b -> (b a)")


for pattern in (
    "a b",
    "a b c -> a",
    "a b c d -> a b c d",
    "a (b c -> a b c",
    "a a b -> a b",
    "a 2 b -> a b",
):

    def refused(torch, pattern=pattern):
        return torch.func.rearrange(torch.ones(2, 3, 4), pattern)

    refused.__name__ = f"rearrange {pattern}"
    PROGRAMS(refused)


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_same_as_pytorch(program):
    agree(program, LOOSER)
