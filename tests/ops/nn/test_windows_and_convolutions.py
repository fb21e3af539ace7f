"""Pooling and convolution in random configurations, with ties, NaN and -inf, against PyTorch."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as theirs

import torchlike
import torchlike.nn.functional as ours

SEEDS = range(8)


def _ints(rng: random.Random, n: int, low: int, high: int) -> list[int]:
    return [rng.randint(low, high) for _ in range(n)]


def _crossed(x: torch.Tensor) -> torchlike.Tensor:
    return torchlike.tensor(x.detach().numpy()).requires_grad_(x.requires_grad)


def _same(a: Any, b: Any, info: Any) -> None:
    np.testing.assert_allclose(
        b.detach().numpy(), a.detach().numpy(), rtol=1e-6, atol=1e-6, err_msg=str(info)
    )


def _backward(out: torch.Tensor, mine: torchlike.Tensor, pairs: Any, info: Any) -> None:
    cotangent = torch.randn_like(out)
    out.backward(cotangent)
    mine.backward(torchlike.tensor(cotangent.numpy()))
    for x, y in pairs:
        _same(x.grad, y.grad, info)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("kind", ["ties", "nan", "inf", "blocks"])
def test_max_pool(dims, kind):
    rng = random.Random(dims * 10 + len(kind))
    size, kernel = _ints(rng, dims, 5, 9), _ints(rng, dims, 2, 4)
    stride = kernel if kind == "blocks" else _ints(rng, dims, 1, 3)
    pad = [0] * dims if kind == "blocks" else [k // 2 for k in kernel]
    ceil = kind in ("ties", "nan")
    x = torch.randint(-2, 3, (2, 2, *size)).double()
    if kind == "nan":
        x[torch.rand_like(x) < 0.1] = float("nan")
    if kind == "inf":
        x[torch.rand_like(x) < 0.7] = -float("inf")
    info = (size, kernel, stride, pad, ceil)
    x.requires_grad_(kind != "nan")
    y = _crossed(x)
    name = f"max_pool{dims}d"
    out, index = getattr(theirs, name)(x, kernel, stride, pad, 1, ceil, True)
    mine, place = getattr(ours, name)(y, kernel, stride, pad, 1, ceil, True)
    _same(out, mine, info)
    _same(index, place, info)
    if kind != "nan":
        _backward(out, mine, [(x, y)], info)


def test_max_pool_of_a_large_window():
    x = torch.randn(1, 2, 50, 40, dtype=torch.float64, requires_grad=True)
    y = _crossed(x)
    out, index = theirs.max_pool2d(x, (45, 7), 3, (20, 2), return_indices=True)
    mine, place = ours.max_pool2d(y, (45, 7), 3, (20, 2), return_indices=True)
    _same(index, place, "large")
    _backward(out, mine, [(x, y)], "large")


@pytest.mark.parametrize("size", [64, 4096])
def test_max_pool_keeps_nan(size):
    x = torchlike.zeros(1, 1, size)
    x[0, 0, 5] = float("nan")
    assert torchlike.isnan(ours.max_pool1d(x, 2)).sum().item() == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_average_and_adaptive_pool(seed):
    rng = random.Random(seed)
    dims = rng.choice([1, 2, 3])
    size, kernel = _ints(rng, dims, 5, 9), _ints(rng, dims, 2, 5)
    knobs = (kernel, _ints(rng, dims, 1, 3), [k // 2 for k in kernel], seed % 2 == 0, seed % 3 == 0)
    x = torch.randn(2, 2, *size, dtype=torch.float64, requires_grad=True)
    y = _crossed(x)
    name = f"avg_pool{dims}d"
    out, mine = getattr(theirs, name)(x, *knobs), getattr(ours, name)(y, *knobs)
    _same(out, mine, knobs)
    _backward(out, mine, [(x, y)], knobs)
    target = _ints(rng, dims, 1, 7)
    for kind in ("avg", "max"):
        x.grad = y.grad = None
        name = f"adaptive_{kind}_pool{dims}d"
        out, mine = getattr(theirs, name)(x, target), getattr(ours, name)(y, target)
        _same(out, mine, (name, size, target))
        _backward(out, mine, [(x, y)], (name, size, target))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_convolution(seed, transposed):
    rng = random.Random(seed)
    dims, groups = rng.choice([1, 2, 3]), rng.choice([1, 2, 4])
    channels, out_channels = groups * rng.randint(1, 2), groups * rng.randint(1, 2)
    kernel, stride = _ints(rng, dims, 1, 3), _ints(rng, dims, 1, 3)
    dilation, pad = _ints(rng, dims, 1, 2), _ints(rng, dims, 0, 1)
    size = _ints(rng, dims, 6, 9)
    x = torch.randn(2, channels, *size, dtype=torch.float64, requires_grad=True)
    shape = (channels, out_channels // groups) if transposed else (out_channels, channels // groups)
    w = torch.randn(*shape, *kernel, dtype=torch.float64, requires_grad=True)
    b = torch.randn(out_channels, dtype=torch.float64, requires_grad=True)
    knobs: dict[str, Any] = {
        "stride": stride,
        "padding": pad,
        "dilation": dilation,
        "groups": groups,
    }
    if transposed:
        knobs["output_padding"] = [max(s, d) - 1 for s, d in zip(stride, dilation, strict=True)]
    name = f"conv_transpose{dims}d" if transposed else f"conv{dims}d"
    crossed = [_crossed(t) for t in (x, w, b)]
    out, mine = getattr(theirs, name)(x, w, b, **knobs), getattr(ours, name)(*crossed, **knobs)
    _same(out, mine, knobs)
    _backward(out, mine, zip((x, w, b), crossed, strict=True), knobs)
