"""Whole training runs, stopped by one library in the middle and continued by the other.

The checkpoint has model, optimizer, scheduler and scaler; the next twenty losses agree to 1e-4.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import torchlike

BEFORE, AFTER, BATCH = 5, 20, 8


def residual(torch: Any) -> Any:
    """Convolutions, batch norms, additions, pooling."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, cin: int, cout: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(cout)
            self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(cout)
            self.down = nn.Sequential(nn.Conv2d(cin, cout, 1, stride), nn.BatchNorm2d(cout))

        def forward(self, x: Any) -> Any:
            y = torch.relu(self.bn1(self.conv1(x)))
            return torch.relu(self.bn2(self.conv2(y)) + self.down(x))

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 1, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), Block(8, 8, 1),
        Block(8, 16, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5),
    )  # fmt: skip


def recurrent(torch: Any) -> Any:
    nn = torch.nn

    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(20, 8)
            self.lstm = nn.LSTM(8, 12, num_layers=2, bidirectional=True, batch_first=True)
            self.head = nn.Linear(24, 5)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(self.embed(x))[0].mean(1))

    return Tagger()


def transformer(torch: Any) -> Any:
    nn = torch.nn

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(20, 16)
            layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 2)
            self.head = nn.Linear(16, 5)

        def forward(self, x: Any) -> Any:
            return self.head(self.encoder(self.embed(x)).mean(1))

    return Classifier()


def images(random: Any) -> np.ndarray:
    return random.normal(size=(BATCH, 3, 12, 12)).astype("float32")


def tokens(random: Any) -> np.ndarray:
    return random.integers(0, 20, (BATCH, 7))


MODELS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "residual": (residual, images), "recurrent": (recurrent, tokens), "transformer": (transformer, tokens),
}  # fmt: skip
RECIPES: dict[str, Callable[..., Any]] = {
    "residual": lambda torch, params: torch.optim.SGD(
        params, lr=0.01, momentum=0.9, weight_decay=1e-4
    ),
    "recurrent": lambda torch, params: torch.optim.Adam(params, lr=2e-3),
    "transformer": lambda torch, params: torch.optim.AdamW(params, lr=1e-3),
}


class Run:
    """One library's training."""

    def __init__(self, library: Any, name: str, seed: int) -> None:
        self.torch = library
        library.manual_seed(seed)
        make, self.inputs = MODELS[name]
        self.model = make(library)
        self.optimizer = RECIPES[name](library, self.model.parameters())
        self.scheduler = library.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 40)
        self.scaler = library.amp.GradScaler("cpu", init_scale=256.0, growth_interval=4)

    @property
    def parts(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "scheduler": self.scheduler,
            "scaler": self.scaler,
        }

    def step(self, t: int) -> float:
        random = np.random.default_rng(t)
        x = self.torch.from_numpy(self.inputs(random))
        y = self.torch.from_numpy(random.integers(0, 5, BATCH))
        self.optimizer.zero_grad()
        loss = self.torch.nn.functional.cross_entropy(self.model(x), y)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        self.torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.scheduler.step()
        return loss.item()

    def save(self, path: Path) -> None:
        self.torch.save({k: part.state_dict() for k, part in self.parts.items()}, path)

    def load(self, path: Path) -> None:
        checkpoint = self.torch.load(path)
        for k, part in self.parts.items():
            part.load_state_dict(checkpoint[k])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("writer", "reader"), [(torch, torchlike), (torchlike, torch)], ids=["to torchlike", "back"]
)
def test_continues(name: str, writer: Any, reader: Any, tmp_path: Path):
    first = Run(writer, name, seed=0)
    for t in range(BEFORE):
        first.step(t)
    first.save(tmp_path / "checkpoint.pt")
    second = Run(reader, name, seed=1)
    second.load(tmp_path / "checkpoint.pt")
    assert second.scaler.state_dict() == first.scaler.state_dict()
    expected = [first.step(t) for t in range(BEFORE, BEFORE + AFTER)]
    found = [second.step(t) for t in range(BEFORE, BEFORE + AFTER)]
    assert np.allclose(expected, found, rtol=0, atol=1e-4), np.abs(
        np.subtract(expected, found)
    ).max()
    assert second.scheduler.get_last_lr() == pytest.approx(first.scheduler.get_last_lr())
    # and there and back again
    second.save(tmp_path / "again.pt")
    first.load(tmp_path / "again.pt")
    assert abs(first.step(99) - second.step(99)) < 1e-4
