"""Gradients of the recurrent layers, first and second order and forward mode, against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import torchlike

KINDS = ["LSTM", "GRU", "RNN"]
BOTH_WAYS, LENGTHS = {"num_layers": 2, "bidirectional": True}, [5, 2, 1]
CASES = [
    ("LSTM", {}, None), ("LSTM", {"bias": False}, LENGTHS), ("LSTM", BOTH_WAYS, LENGTHS),
    ("GRU", {}, LENGTHS), ("GRU", BOTH_WAYS, None), ("RNN", {"bias": False}, LENGTHS),
]  # fmt: skip


def _layer(lib, kind, options):
    lib.manual_seed(0)
    return getattr(lib.nn, kind)(3, 4, dtype=lib.float64, **options)


def _loss(lib, layer, x, lengths):
    """Uses the outputs and the final states."""
    if lengths is not None:
        x = lib.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    out, final = layer(x)
    out = out if lengths is None else out.data
    final = final if isinstance(final, tuple) else (final,)
    return out.sin().sum() + sum(((k + 2) * s * s).sum() for k, s in enumerate(final))


@pytest.mark.parametrize(("kind", "options", "lengths"), CASES)
def test_first_and_second_gradients(kind, options, lengths):
    found = []
    for lib in (torchlike, torch):
        layer = _layer(lib, kind, options)
        x = lib.randn(5, 3, 3, dtype=lib.float64, requires_grad=True)
        inputs = [x, *layer.parameters()]
        first = lib.autograd.grad(_loss(lib, layer, x, lengths), inputs, create_graph=True)
        second = lib.autograd.grad(sum((g * g).sum() for g in first), inputs)
        found.append([g.detach().numpy() for g in (*first, *second)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # in PyTorch itself
@pytest.mark.parametrize("kind", KINDS)
def test_forward_mode(kind):
    found = []
    for lib in (torchlike, torch):
        layer = _layer(lib, kind, {})
        state = {k: v.detach() for k, v in layer.named_parameters()}
        x = lib.randn(5, 2, 3, dtype=lib.float64)
        direction = {k: lib.randn(v.shape, dtype=lib.float64) for k, v in state.items()}

        def run(x, state, lib=lib, layer=layer):
            return lib.func.functional_call(layer, state, (x,))[0]

        out, tangent = lib.func.jvp(run, (x, state), (lib.ones_like(x), direction))
        found.append((out.numpy(), tangent.numpy()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_of_no_steps_is_refused(kind):
    errors = []
    for lib in (torchlike, torch):
        with pytest.raises(RuntimeError) as caught:
            _layer(lib, kind, {})(lib.zeros(0, 2, 3, dtype=lib.float64))
        errors.append(str(caught.value).split("\n")[0])
    assert errors[0] == errors[1]
