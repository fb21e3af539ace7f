"""The seed documents' MLP and CNN, trained by PyTorch and by torchlike from one seed: every loss agrees."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.utils.data
from sklearn.datasets import load_digits

import torchlike
import torchlike.nn
import torchlike.optim
import torchlike.utils.data

STEPS = 100


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 real handwritten digits as (N, 1, 28, 28) in [0, 1], and their labels."""
    found = load_digits()
    images = np.kron(found.images, np.ones((3, 3)))[:, None] / 16
    return np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2))).astype(np.float32), found.target.astype(
        np.int64
    )


def mlp(lib: Any) -> Any:
    """The classic model of seed 000, dropout included."""
    nn = lib.nn
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 128), nn.ReLU(),
        nn.Linear(128, 10),
    )  # fmt: skip


def cnn(lib: Any) -> Any:
    """The convolutional model of the seeds' Lightning program."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, 1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 5 * 5, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def normalised(lib: Any) -> Any:
    """Batch norm, group norm and channel dropout, in double precision: nothing may drift."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, groups=2),
        nn.GroupNorm(4, 16), nn.GELU(), nn.AvgPool2d(2), nn.Dropout2d(0.25), nn.Flatten(), nn.LayerNorm(144),
        nn.Linear(144, 10),
    ).double()  # fmt: skip


def cnn_in_double(lib: Any) -> Any:
    """For Adam, which divides by the gradient's size: in single precision PyTorch's own losses differ from
    the exact ones by 1.5e-3 after 100 steps of this model, so there is nothing to agree with at 1e-4."""
    return cnn(lib).double()


def losses(lib: Any, data: Any, build: Any, optimizer: Any) -> list[float]:
    """100 steps of the classic loop, over a shuffled DataLoader."""
    lib.manual_seed(0)
    images, labels = digits()
    model = build(lib)
    loader = data.DataLoader(
        data.TensorDataset(lib.tensor(images), lib.tensor(labels)), batch_size=32, shuffle=True
    )
    step = optimizer(lib.optim, model.parameters())
    criterion = lib.nn.CrossEntropyLoss()
    found: list[float] = []
    while len(found) < STEPS:
        for x, y in loader:
            x = x.to(next(model.parameters()).dtype)
            step.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            step.step()
            found.append(loss.item())
            if len(found) == STEPS:
                break
    return found


OPTIMIZERS = {
    "sgd": lambda optim, params: optim.SGD(params, lr=0.05, momentum=0.9, weight_decay=1e-4),
    "adam": lambda optim, params: optim.Adam(params, lr=1e-3),
}
MODELS = SimpleNamespace(mlp=mlp, cnn=cnn, normalised=normalised, cnn_in_double=cnn_in_double)


@pytest.mark.parametrize(
    ("model", "optimizer"),
    [
        ("mlp", "adam"),
        ("mlp", "sgd"),
        ("cnn", "sgd"),
        ("cnn_in_double", "adam"),
        ("normalised", "sgd"),
    ],
)
def test_hundred_steps_agree_with_pytorch(model, optimizer, execution):
    build = getattr(MODELS, model)
    expected = losses(torch, torch.utils.data, build, OPTIMIZERS[optimizer])
    found = losses(torchlike, torchlike.utils.data, build, OPTIMIZERS[optimizer])
    worst = np.max(np.abs(np.array(found) - expected) / np.abs(expected))
    print(f"{model} with {optimizer}: worst relative difference of {STEPS} losses {worst:.1e}")
    np.testing.assert_allclose(found, expected, rtol=1e-4)
