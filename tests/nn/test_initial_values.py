"""Under one seed a layer starts with PyTorch's own bits, and drops the same elements."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import torchlike

from .scenarios import assert_same

LAYERS: dict[str, Callable[[Any], Any]] = {
    "Linear": lambda nn: nn.Linear(20, 30),
    "Bilinear": lambda nn: nn.Bilinear(3, 4, 5),
    "Conv1d": lambda nn: nn.Conv1d(4, 6, 3, groups=2),
    "Conv2d": lambda nn: nn.Conv2d(3, 16, 3),
    "Conv3d": lambda nn: nn.Conv3d(2, 3, 2, bias=False),
    "ConvTranspose2d": lambda nn: nn.ConvTranspose2d(4, 6, 3, groups=2),
    "Embedding": lambda nn: nn.Embedding(11, 7, padding_idx=2),
    "EmbeddingBag": lambda nn: nn.EmbeddingBag(11, 7),
    "MultiheadAttention": lambda nn: nn.MultiheadAttention(8, 2, add_bias_kv=True),
    "MultiheadAttention kdim": lambda nn: nn.MultiheadAttention(8, 2, kdim=5, vdim=6),
    "TransformerEncoderLayer": lambda nn: nn.TransformerEncoderLayer(8, 2, 16),
    "Transformer": lambda nn: nn.Transformer(8, 2, 2, 2, 16),
    "RNN": lambda nn: nn.RNN(3, 5, 2, bidirectional=True),
    "LSTM": lambda nn: nn.LSTM(3, 5, 2, proj_size=2),
    "GRU": lambda nn: nn.GRU(3, 5, bias=False),
    "GRUCell": lambda nn: nn.GRUCell(3, 5),
    "PReLU": lambda nn: nn.PReLU(3),
    "BatchNorm2d": lambda nn: nn.BatchNorm2d(3),
    "AdaptiveLogSoftmaxWithLoss": lambda nn: nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10]),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS.keys())
@pytest.mark.filterwarnings("ignore")
def test_equal_bits(make: Callable[[Any], Any]):
    torch.manual_seed(7)
    torchlike.manual_seed(7)
    theirs, ours = make(torch.nn), make(torchlike.nn)
    expected, found = theirs.state_dict(), ours.state_dict()
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name].numpy(), value.numpy(), err_msg=name)
    assert torchlike.rand(1).item() == torch.rand(1).item()
    assert repr(ours).replace("torchlike", "torch") == repr(theirs)


def dropping(torch, nn, say):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = torch.randn(5, 4, 8)
        for p in (0.3, 0.5):
            say(nn.Dropout(p)(x), nn.AlphaDropout(p)(x), nn.FeatureAlphaDropout(p)(x))
        say(nn.Dropout1d()(x), nn.Dropout2d()(x[None]), nn.Dropout3d()(x[None, None]))
        say(nn.RReLU()(x))


def dropping_inside(torch, nn, say):
    x = torch.randn(5, 4, 8)
    for kind in ("RNN", "GRU", "LSTM"):
        say(getattr(nn, kind)(8, 6, 3, dropout=0.4, bidirectional=True)(x)[0])
    packed = nn.utils.rnn.pack_padded_sequence(x, [5, 3, 3, 1])
    say(nn.LSTM(8, 6, 2, dropout=0.5)(packed)[0].data)
    say(nn.MultiheadAttention(8, 2, dropout=0.3)(x, x, x))
    say(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2)(x))
    say(nn.TransformerDecoderLayer(8, 2, 16, dropout=0.2, norm_first=True)(x, x))


@pytest.mark.parametrize("scenario", [dropping, dropping_inside], ids=lambda s: s.__name__)
def test_scenario(scenario: Any):
    assert_same(scenario)
