"""``nn.utils`` against PyTorch: clipping, parametrizations, norms, pruning, packing, functional
calls.
"""

from __future__ import annotations

from typing import Any

import pytest

from .scenarios import assert_same


def clipping(torch, nn, say):
    utils = nn.utils
    lin = nn.Linear(3, 2)
    lin(torch.ones(1, 3)).sum().backward()
    say(utils.clip_grad_norm_(lin.parameters(), 0.5), lin.weight.grad, lin.bias.grad)
    say(utils.clip_grad_norm_(lin.weight, 100.0), lin.weight.grad)
    for kind in (1.0, 3.0, float("inf"), float("-inf"), 0.0):
        say(utils.get_total_norm([lin.weight.grad, lin.bias.grad], kind))
    say(utils.clip_grad_value_(lin.parameters(), 0.1), lin.weight.grad)
    say(utils.clip_grad_norm_([], 0.5))
    say(utils.clip_grad_norm_(iter(()), 0.5), utils.clip_grad_norm_((p for p in ()), 0.5))
    lin.weight.grad[0, 0] = float("nan")
    say.error(lambda: utils.clip_grad_norm_(lin.parameters(), 0.5, error_if_nonfinite=True))
    say(utils.clip_grad_norm_(lin.parameters(), 0.5), lin.bias.grad)
    say(utils.clip_grad_norm(nn.Linear(1, 1).parameters(), 1.0))
    h = nn.Linear(3, 2).half()
    h.weight.grad = torch.ones(2, 3).half()
    say(utils.clip_grad_norm_(h.parameters(), 0.5), h.weight.grad)


def vectors(torch, nn, say):
    m = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    v = nn.utils.parameters_to_vector(m.parameters())
    say(v)
    nn.utils.vector_to_parameters(torch.arange(13.0), m.parameters())
    say(list(m.parameters()))
    say.error(lambda: nn.utils.vector_to_parameters([1, 2], m.parameters()))
    say.error(lambda: nn.utils.vector_to_parameters(torch.ones(3), m.parameters()))


def parametrized(torch, nn, say):
    parametrize = nn.utils.parametrize

    class Symmetric(nn.Module):
        def forward(self, X):
            return X.triu() + X.triu(1).T

        def right_inverse(self, A):
            return A.triu()

    class Double(nn.Module):
        def forward(self, X):
            return X * 2

    class Returns(nn.Module):
        def __init__(self, what):
            super().__init__()
            self.what = what

        def forward(self, X):
            return self.what(X)

    lin = nn.Linear(3, 3)
    before = lin.weight
    register = parametrize.register_parametrization
    say(register(lin, "weight", Symmetric()) is lin, lin, type(lin), list(lin.state_dict()))
    say(lin.parametrizations.weight.original is before, lin.weight, isinstance(lin, nn.Linear))
    register(lin, "weight", Double())
    say(lin.weight, parametrize.is_parametrized(lin), parametrize.is_parametrized(lin, "bias"))
    say(parametrize.type_before_parametrizations(lin))
    say.error(lambda: setattr(lin, "weight", torch.ones(3, 3)))
    y = lin(torch.ones(1, 3))
    y.sum().backward()
    say(y, lin.parametrizations.weight.original.grad)
    with parametrize.cached():
        say(lin.weight is lin.weight)
    say(lin.weight is lin.weight)
    say.error(lambda: register(lin, "foo", Double()))
    say.error(lambda: parametrize.remove_parametrizations(lin, "bias"))
    say.error(lambda: register(nn.Linear(2, 3), "weight", Returns(lambda X: X.double())))
    say.error(lambda: register(nn.Linear(2, 3), "weight", Returns(lambda X: X[:1])))
    say.error(lambda: register(nn.Linear(2, 3), "weight", Returns(lambda X: 3)))
    value = lin.weight
    parametrize.remove_parametrizations(lin, "weight")
    say(
        lin,
        type(lin),
        type(lin.weight),
        lin.weight.requires_grad,
        list(lin.state_dict()),
        lin.weight - value,
    )
    other = nn.Linear(3, 3)
    register(other, "weight", Symmetric())
    other.weight = torch.ones(3, 3) * 4
    say(other.weight, other.parametrizations.weight.original)
    parametrize.remove_parametrizations(other, "weight", leave_parametrized=False)
    say(other.weight)


def weight_norms(torch, nn, say):
    m = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    say(m, list(m.state_dict()), m.weight, m.parametrizations.weight.original0)
    m(torch.ones(1, 3)).sum().backward()
    say(m.parametrizations.weight.original0.grad, m.parametrizations.weight.original1.grad)
    old = nn.utils.weight_norm(nn.Conv2d(2, 3, 2), dim=1)
    say(old, list(old.state_dict()), old.weight, old.weight_g)
    say(old(torch.ones(1, 2, 3, 3)))
    say.error(lambda: nn.utils.weight_norm(old))
    say(nn.utils.remove_weight_norm(old), list(old.state_dict()))
    say.error(lambda: nn.utils.remove_weight_norm(old))
    whole = nn.utils.weight_norm(nn.Linear(3, 2), dim=None)
    say(whole.weight_g, whole.weight)
    target = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    source = nn.utils.weight_norm(nn.Linear(3, 2))
    say(target.load_state_dict(source.state_dict()), target.weight)


def spectral_norms(torch, nn, say):
    m = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2))
    say(m, list(m.state_dict()), m.weight, torch.linalg.matrix_norm(m.weight, 2))
    m(torch.ones(1, 3)).sum().backward()
    say(m.parametrizations.weight.original.grad)
    m.eval()
    say(m.weight, m.weight)
    old = nn.utils.spectral_norm(nn.Linear(3, 2), n_power_iterations=3)
    say(old, list(old.state_dict()), old.state_dict()._metadata)
    say(old(torch.ones(1, 3)), old.weight_u)
    old.load_state_dict(old.state_dict())
    say.error(lambda: nn.utils.spectral_norm(old))
    say(nn.utils.remove_spectral_norm(old), list(old.state_dict()))
    say.error(lambda: nn.utils.remove_spectral_norm(old))
    make = nn.utils.parametrizations.spectral_norm
    say.error(lambda: make(nn.Linear(3, 3), n_power_iterations=0))
    say.error(lambda: make(nn.Linear(3, 3), name="x"))


def orthogonal(torch, nn, say):
    make = nn.utils.parametrizations.orthogonal
    for shape in ((3, 3), (4, 2), (2, 4)):
        for kind in (None, "cayley", "matrix_exp"):
            m = make(nn.Linear(*shape), orthogonal_map=kind)
            q = m.weight
            small = q @ q.T if shape[0] >= shape[1] else q.T @ q
            say(list(m.state_dict()), small - torch.eye(small.shape[0]))
    m = make(nn.Linear(3, 3), use_trivialization=False)
    say(list(m.state_dict()), m.weight)
    say.error(lambda: make(nn.Linear(3, 3), orthogonal_map="x"))
    say.error(lambda: make(nn.Linear(3, 3), name="q"))
    say.error(lambda: make(nn.Linear(3, 3), name="bias"))


def pruning(torch, nn, say):
    import importlib

    prune = importlib.import_module(nn.utils.__name__ + ".prune")
    m = nn.Linear(4, 3)
    say(prune.l1_unstructured(m, "weight", 0.5) is m, list(m.state_dict()), m.weight)
    say(prune.ln_structured(m, "weight", 1, 2, 0).weight_mask, prune.is_pruned(m))
    y = m(torch.ones(1, 4))
    y.sum().backward()
    say(y, m.weight_orig.grad)
    prune.remove(m, "weight")
    say(list(m.state_dict()), m.weight, prune.is_pruned(m))
    say.error(lambda: prune.remove(m, "weight"))
    for amount in (1.5, 100, "a", -1):
        say.error(lambda amount=amount: prune.l1_unstructured(m, "weight", amount))
    say.error(lambda: prune.ln_structured(m, "bias", 0.5, 2, 0))
    n = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    pairs = [(n[0], "weight"), (n[1], "weight")]
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=0.5)
    say(n[0].weight_mask, n[1].weight_mask)
    prune.custom_from_mask(m, "bias", torch.tensor([1.0, 0.0, 1.0]))
    say(m.bias, prune.identity(nn.Linear(2, 2), "weight").weight_mask)


def packing(torch, nn, say):
    rnn = nn.utils.rnn
    a, b, c = torch.arange(3.0), torch.arange(5.0) + 10, torch.arange(1.0) + 20
    padded = rnn.pad_sequence([a, b, c], batch_first=True, padding_value=-1.0)
    say(padded, rnn.pad_sequence([a, b]), rnn.pad_sequence([a, b], padding_side="left"))
    packed = rnn.pack_sequence([a, b, c], enforce_sorted=False)
    say(packed, list(packed), rnn.pad_packed_sequence(packed))
    say(rnn.pad_packed_sequence(packed, batch_first=True, padding_value=7.0, total_length=6))
    say(rnn.unpack_sequence(packed), rnn.unpad_sequence(padded, torch.tensor([3, 5, 1]), True))
    x = torch.arange(24.0).reshape(4, 3, 2)
    packed = rnn.pack_padded_sequence(x, [4, 2, 1])
    say(packed.data, packed.batch_sizes, packed.sorted_indices, packed.to(torch.float64).data)
    say.error(lambda: rnn.pack_padded_sequence(x, [1, 2, 3]))
    say.error(lambda: rnn.pack_padded_sequence(x, [4, 2, 0]))
    say.error(lambda: rnn.pack_padded_sequence(x, [4, 2]))
    say.error(lambda: rnn.pad_packed_sequence(packed, total_length=2))
    say.error(lambda: rnn.pad_sequence([]))
    say.error(lambda: rnn.pad_sequence([a], padding_side="middle"))
    grad = torch.ones(4, 3, 2, requires_grad=True)
    rnn.pack_padded_sequence(grad, [4, 2, 1]).data.sum().backward()
    say(grad.grad)


def packed_networks(torch, nn, say):
    x = torch.randn(4, 3, 2)
    lengths = torch.tensor([2, 4, 1])
    for kind in ("RNN", "GRU", "LSTM"):
        m = getattr(nn, kind)(2, 3, num_layers=2, bidirectional=True)
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        out, hidden = m(packed)
        say(out.data, hidden, nn.utils.rnn.pad_packed_sequence(out))
        out.data.sum().backward()
        say([p.grad for p in m.parameters()])
    m = nn.LSTM(2, 4, proj_size=2, batch_first=True)
    say(m(x), m(x[0]))


def functional_calls(torch, nn, say):
    call = nn.utils.stateless._functional_call
    m = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    given = {"0.weight": torch.ones(2, 2, requires_grad=True)}
    y = call(m, given, torch.randn(3, 2))
    y.square().sum().backward()
    say(y, given["0.weight"].grad is not None, m[0].weight.grad, m[1].num_batches_tracked)
    buffers = {k: v.clone() for k, v in m.state_dict().items()}
    call(m, buffers, (torch.randn(3, 2),))
    say(buffers["1.num_batches_tracked"], m[1].num_batches_tracked)
    lin = nn.Linear(2, 2)
    ones = {"weight": torch.ones(2, 2)}
    say(call(lin, {"nope": torch.ones(1), **ones}, torch.ones(1, 2)))
    say.error(lambda: call(lin, ones, torch.ones(1, 2), strict=True))
    say.error(lambda: call(lin, {**ones, "x": torch.ones(1)}, torch.ones(1, 2), strict=True))
    tied = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    tied[1].weight = tied[0].weight
    say(call(tied, {"0.weight": torch.eye(2)}, torch.ones(1, 2)))
    say(nn.utils.stateless.functional_call(lin, {**ones, "bias": torch.ones(2)}, torch.ones(1, 2)))


def fusing(torch, nn, say):
    conv, bn = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)
    x = torch.randn(2, 1, 5, 5)
    bn(conv(x))
    conv.eval(), bn.eval()
    fused = nn.utils.fuse_conv_bn_eval(conv, bn)
    say(fused, fused(x) - bn(conv(x)), fused.weight)
    say.error(lambda: nn.utils.fuse_conv_bn_eval(conv.train(), bn))
    say(nn.utils.skip_init(nn.Linear, 2, 3))
    say.error(lambda: nn.utils.skip_init(nn.ReLU))


def conv_gradients(torch, nn, say):
    import importlib

    grad = importlib.import_module(nn.__name__ + ".grad")
    x, w = torch.randn(2, 3, 6, 6), torch.randn(4, 3, 3, 3)
    g = torch.randn(2, 4, 2, 2)
    say(grad.conv2d_input(x.shape, w, g, stride=2), grad.conv2d_weight(x, w.shape, g, stride=2))


SCENARIOS = [
    clipping, vectors, parametrized, weight_norms, spectral_norms, orthogonal, pruning, packing,
    packed_networks, functional_calls, fusing, conv_gradients,
]  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_scenario(scenario: Any):
    assert_same(scenario)
