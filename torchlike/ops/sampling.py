"""Samples whose number of draws depends on the draws: multinomial, poisson."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import dtypes as d
from ..core.dtypes import TYPE_NAMES
from ..core.errors import not_implemented_for
from ..core.registry import Array, Operand, op
from .draws import FLOATS, Generator


def _check_multinomial(input: Operand, num_samples: Any, replacement: bool) -> None:
    if isinstance(num_samples, bool) or not isinstance(num_samples, int):
        raise TypeError(
            "multinomial(): argument 'num_samples' (position 2) must be int, not "
            f"{type(num_samples).__name__}"
        )
    if input.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if input.dtype not in FLOATS:
        raise RuntimeError(
            "multinomial only supports floating-point dtypes for input, got: "
            f"{TYPE_NAMES[input.dtype.name]}"
        )
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > input.shape[-1]:
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
        )
    if input.shape[-1] > 1 << 24:
        raise RuntimeError("number of categories cannot exceed 2^24")


@op(host=True, nondiff=True, out=True)
def multinomial(
    input: Array, num_samples: int, replacement: bool = False, *, generator: Generator = None
) -> np.ndarray:
    """Indices drawn with the given weights.  ``(*, n) -> (*, num_samples)``, at most 2-d.

    Raises:
        RuntimeError: weights that are negative, infinite or all zero; too many samples.
    """
    _check_multinomial(input, num_samples, replacement)
    weights = input.numpy()
    shape = (*weights.shape[:-1], num_samples)
    if math.prod(shape) == 0:
        return np.zeros(shape, np.int64)
    if input.dtype in (d.float16, d.bfloat16):
        weights = weights.astype(np.float32)
    if replacement and num_samples > 1:
        return _with_replacement(weights, num_samples, generator).reshape(shape)
    return _without_replacement(weights, num_samples, input.dtype.np, generator)


def _with_replacement(weights: np.ndarray, count: int, generator: Generator) -> np.ndarray:
    """Each uniform number's place in the cumulative distribution."""
    rows = weights.reshape(-1, weights.shape[-1])
    if not (rows >= 0).all():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry < 0)")
    if not np.isfinite(rows).all():
        raise RuntimeError(
            "invalid multinomial distribution (encountering probability entry = infinity or NaN)"
        )
    sums = np.cumsum(rows, axis=1, dtype=rows.dtype)
    if not (sums[:, -1] > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    sums /= sums[:, -1:]
    sums[:, -1] = 1
    picks = generator.uniform64(len(rows) * count).reshape(len(rows), count)
    found = [np.searchsorted(s, u) for s, u in zip(sums.astype(np.float64), picks, strict=True)]
    return np.stack(found).astype(np.int64)


def _without_replacement(
    weights: np.ndarray, count: int, of: np.dtype, generator: Generator
) -> np.ndarray:
    """The largest of ``weight / exponential``."""
    if not ((weights >= 0) & (weights < np.inf)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if (weights.sum(-1) == 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    waits = generator.exponential(weights.shape, of).astype(weights.dtype)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scores = (weights / waits).astype(of).astype(weights.dtype)
    order = np.argsort(-scores, axis=-1, kind="stable")
    return order[..., :count].astype(np.int64)


def _draw_poisson(args: dict[str, Any]) -> dict[str, Any]:
    rates: Operand = args["input"]
    if rates.dtype not in FLOATS:
        raise not_implemented_for("poisson_cpu", TYPE_NAMES[rates.dtype.name])
    values = rates.numpy().astype(np.float64)
    flat = values.reshape(-1).tolist()
    with args["generator"].doubles(2 * len(flat)) as uniform:
        drawn = [_poisson(rate, uniform) for rate in flat]
    counts = np.array(drawn, np.float64).astype(rates.dtype.np).reshape(values.shape)
    return {"_drawn": counts, "generator": None}


def _poisson(rate: float, uniform: Callable[[], float]) -> int:
    """One count: a product of uniforms below 10, transformed rejection (Hörmann) from 10 on."""
    if not rate >= 0:
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    if rate == 0:
        return 0
    if rate < 10:
        least, product, count = math.exp(-rate), uniform(), 0
        while product > least:
            product *= uniform()
            count += 1
        return count
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inv_alpha = 1.1239 + 1.1328 / (b - 3.4)
    accepted = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = uniform() - 0.5
        v = uniform()
        room = 0.5 - abs(u)
        count = math.floor((2 * a / room + b) * u + rate + 0.43)
        if room >= 0.07 and v <= accepted:
            return count
        if count < 0 or (room < 0.013 and v > room):
            continue
        left = math.log(v) + math.log(inv_alpha) - math.log(a / (room * room) + b)
        if left <= -rate + count * log_rate - math.lgamma(count + 1):
            return count


@op(method=False, prepare=_draw_poisson)
def poisson(input: Array, generator: Generator = None, *, _drawn: Array) -> Array:
    """Counts with the given rates; their gradient is 0.  ``(*) -> (*)``"""
    return _drawn
