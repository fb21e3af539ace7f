"""Reductions, scans and sorting where PyTorch has conventions of its own: NaN, ties, zeros, texts."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

import torchlike
from tests.compare import assert_alike, numpy_of

SIZES = (10, 5000)  # XLA:CPU loses NaN in max and min from 4,096 elements up


def _numbers(size: int, nan_at: int | None) -> np.ndarray:
    x = np.random.default_rng(0).standard_normal(size).astype(np.float32)
    if nan_at is not None:
        x[nan_at] = np.nan
    return np.stack([x, -np.abs(x[::-1])])


WHOLE = (
    "max",
    "min",
    "amax",
    "amin",
    "aminmax",
    "argmax",
    "argmin",
    "median",
    "nanmedian",
    "nansum",
)
ALONG = (
    "max",
    "min",
    "argmax",
    "argmin",
    "cummax",
    "cummin",
    "median",
    "amax",
    "logsumexp",
)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("nan_at", [None, 3])
@pytest.mark.parametrize("name", WHOLE)
def test_nan_in_all(name: str, size: int, nan_at: int | None):
    x = _numbers(size, nan_at)
    assert_alike(lambda T: getattr(T, name)(T.tensor(x)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("nan_at", [None, 3])
@pytest.mark.parametrize("name", ALONG)
def test_nan_along_a_dim(name: str, size: int, nan_at: int | None):
    x = _numbers(size, nan_at)
    assert_alike(lambda T: getattr(T, name)(T.tensor(x), 1))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("descending", [True, False])
def test_sort_has_nan_as_largest(descending: bool, size: int):
    x = _numbers(size, 3)
    assert_alike(lambda T: T.sort(T.tensor(x), dim=1, descending=descending, stable=True))


@pytest.mark.parametrize("largest", [True, False])
def test_topk_has_nan_as_largest(largest: bool):
    x = np.array([1.0, np.nan, np.inf, -np.inf, 3.0], np.float32)
    assert_alike(lambda T: T.topk(T.tensor(x), 4, largest=largest))


def _gradient(T: Any, fn: Any, x: np.ndarray) -> Any:
    leaf = T.tensor(x, requires_grad=True)
    fn(T, leaf).backward()
    return leaf.grad


TIES = np.array([[1.0, 3.0, 3.0], [0.0, 0.0, 2.0]], np.float32)
CONSTANT = np.zeros((2, 3), np.float32)
GRADIENTS: dict[str, Any] = {
    "max shares": lambda T, x: T.max(x),
    "amax shares": lambda T, x: T.amax(x, 1).sum(),
    "aminmax shares": lambda T, x: sum(T.aminmax(x)),
    "max along takes the first": lambda T, x: T.max(x, 1).values.sum(),
    "median shares": lambda T, x: T.median(x),
    "sort": lambda T, x: (
        T.sort(x, dim=1, descending=True, stable=True).values * T.arange(3.0)
    ).sum(),
    "prod with a zero": lambda T, x: T.prod(x, 1).sum(),
    "prod with two zeros": lambda T, x: T.prod(x),
    "cumprod with zeros": lambda T, x: T.cumprod(x, 1).sum(),
    "norm of zeros": lambda T, x: T.norm(x * 0),
    "p norm": lambda T, x: T.norm(x, 3, dim=1).sum(),
    "inf norm shares": lambda T, x: T.norm(x, float("inf")),
    "cdist at 0": lambda T, x: T.cdist(x, x).sum(),
    "std of a constant": lambda T, x: T.std(x * 0, 1).sum(),
    "logsumexp of -inf": lambda T, x: T.logsumexp(T.where(x > 2.5, x, -float("inf")), 1)[0],
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradient_conventions(name: str):
    assert_alike(lambda T: _gradient(T, GRADIENTS[name], TIES))


@pytest.mark.parametrize("name", ["std", "var", "std_mean", "var_mean"])
def test_no_degrees_of_freedom_warns(name: str):
    with pytest.warns(UserWarning, match=rf"{name}\(\): degrees of freedom is <= 0"):
        found = getattr(torchlike, name)(torchlike.ones(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = getattr(torch, name)(torch.ones(1))
    pairs = zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
    for mine, theirs in pairs:
        np.testing.assert_array_equal(numpy_of(mine), numpy_of(theirs))


ERRORS: dict[str, Any] = {
    "no such dim": lambda T: T.ones(2).sum(3),
    "dim twice": lambda T: T.ones(2, 2).sum((0, 0)),
    "integer mean": lambda T: T.arange(3).mean(),
    "integer std": lambda T: T.arange(3).std(),
    "empty max": lambda T: T.ones(0).max(),
    "empty max along": lambda T: T.ones(0, 2).max(0),
    "empty argmax": lambda T: T.ones(0).argmax(),
    "empty amax": lambda T: T.ones(0, 2).amax(0),
    "complex max": lambda T: T.ones(2, dtype=T.complex64).max(),
    "complex sort": lambda T: T.ones(2, dtype=T.complex64).sort(),
    "topk beyond": lambda T: T.ones(2).topk(3),
    "kthvalue beyond": lambda T: T.ones(2).kthvalue(3),
    "quantile beyond 1": lambda T: T.ones(2).quantile(1.5),
    "quantile of integers": lambda T: T.arange(3).quantile(0.5),
    "negative bincount": lambda T: T.bincount(-T.arange(3)),
    "histc of NaN": lambda T: T.histc(T.ones(2), 5, float("nan"), 2),
    "searchsorted side": lambda T: T.searchsorted(T.ones(2), T.ones(2), side="up"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str):
    assert_alike(ERRORS[name])
