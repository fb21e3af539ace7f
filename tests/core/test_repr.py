"""``repr`` of a tensor, letter for letter PyTorch's, over random tensors and print options."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import _tensor_str

import torchlike
from torchlike.core import dtypes, repr as printing

DTYPES = (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "int8", "int16",
    "bool", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2", "uint16", "uint32",
)  # fmt: skip
OPTIONS: dict[str, list[Any]] = {
    "precision": [0, 1, 2, 6, 10],
    "threshold": [0, 5, 50, 1000],
    "edgeitems": [0, 1, 2, 5],
    "linewidth": [1, 20, 40, 80, 120],
    "profile": ["default", "short", "full", "unknown"],
    "sci_mode": [True, False],
}


def as_array(x: torch.Tensor, name: str) -> np.ndarray:
    if name == "bfloat16" or name.startswith("float8"):
        return x.detach().float().numpy().astype(dtypes.by_name(name).np)
    return x.detach().numpy()


def random_tensor(choose: random.Random, name: str) -> torch.Tensor:
    ndim = choose.choice([0, 1, 1, 2, 2, 3, 4])
    shape = [choose.choice([0, 1, 2, 3, 5, 7, 8, 20, 120]) for _ in range(ndim)]
    if int(np.prod(shape)) > 20_000:
        shape = [3, 7]
    x = torch.randn(shape, dtype=torch.float64) * 10.0 ** choose.randrange(-9, 10)
    kind = choose.choice(["plain", "whole", "spread", "special"])
    if kind == "whole":
        x = x.round()
    elif kind == "spread":
        x = x * torch.randn(shape, dtype=torch.float64).exp() ** 3
    elif kind == "special" and x.numel():
        flat = x.reshape(-1)
        for value in (float("nan"), float("inf"), -float("inf"), 0.0, -0.0):
            if choose.random() < 0.4:
                flat[choose.randrange(len(flat))] = value
    return narrowed(x, name, choose)


def narrowed(x: torch.Tensor, name: str, choose: random.Random) -> torch.Tensor:
    of = getattr(torch, name)
    if of.is_complex:
        return torch.complex(x, (x.flip(0) if x.ndim else -x) * choose.choice([1, 1e-4, 100])).to(
            of
        )
    if of.is_floating_point:
        return (x.clamp(-400, 400) if name.startswith("float8") else x).to(of)
    x = torch.nan_to_num(x, 0, 5, -5).clamp(-(2**31), 2**31).to(torch.int64)
    return (x.abs() if name.startswith("u") else x).to(of)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("name", DTYPES)
def test_random_tensors(name: str):
    choose = random.Random(name)
    of = dtypes.by_name(name)
    for _ in range(120):
        x = random_tensor(choose, name)
        needs_grad = of.category >= dtypes.FLOATING and of.itemsize > 1 and choose.random() < 0.3
        node = None
        if needs_grad:
            x.requires_grad_()
            if choose.random() < 0.5:
                x, node = x * 1, "MulBackward0"
        options = {k: choose.choice(v) for k, v in OPTIONS.items() if choose.random() < 0.25}
        with _tensor_str.printoptions(**options), printing.printoptions(**options):
            assert printing.get_printoptions() == _tensor_str.get_printoptions()
            text = printing.tensor_text(
                as_array(x, name), of, requires_grad=needs_grad, grad_fn=node
            )
            assert text == repr(x), options


@pytest.mark.parametrize("name", ["float64", "float32", "complex128"])
def test_the_default_dtype_is_not_named(name: str):
    x = torch.ones(2, 3, dtype=getattr(torch, name))
    torch.set_default_dtype(torch.float64)
    dtypes.set_default_dtype(dtypes.float64)
    try:
        assert printing.tensor_text(x.numpy(), dtypes.by_name(name)) == repr(x)
    finally:
        torch.set_default_dtype(torch.float32)
        dtypes.set_default_dtype(dtypes.float32)


@pytest.mark.parametrize("shape", [(3,), (2, 0), ()])
@pytest.mark.parametrize("name", ["float32", "float16", "int64"])
def test_meta(shape: tuple[int, ...], name: str):
    x = torch.empty(shape, dtype=getattr(torch, name), device="meta")
    text = printing.tensor_text(None, dtypes.by_name(name), shape=shape, device="meta")
    assert text == repr(x)


EXPRESSIONS = (
    "T.ones(2, 3)",
    "T.arange(2000).reshape(2, 1000)",
    "T.zeros(2, 0, dtype=T.int32)",
    "T.ones(3, requires_grad=True)",
    "T.ones(3, requires_grad=True) * 2",
    "T.ones(3, requires_grad=True).sum()",
    "T.tensor(1.5)",
    "T.tensor([1e10, 1e-10])",
    "T.tensor([True, False])",
    "T.tensor([1 + 2j, -0.0j])",
    "T.tensor([[1.0, float('nan')], [float('inf'), -2]])",
    "str(T.tensor([1, 2]))",
    "f'{T.tensor(2.5):.3f} {T.tensor([1, 2])}'",
    "T.ones(2).half()",
    "[T.tensor(1), T.tensor(2.0)]",
    "T.tensor(float('nan'))",
    "T.empty(3, device='meta')",
)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_tensors_of_programs(expression: str, execution: str):
    assert repr(eval(expression, {"T": torchlike})) == repr(eval(expression, {"T": torch}))


def test_set_printoptions_changes_what_prints():
    x = torchlike.tensor([1.123456789, 2.0])
    before = printing.get_printoptions()
    try:
        torchlike.set_printoptions(precision=2, sci_mode=True)
        assert repr(x) == "tensor([1.12e+00, 2.00e+00])"
    finally:
        printing.set_printoptions(**before)
    assert repr(x) == "tensor([1.1235, 2.0000])"
