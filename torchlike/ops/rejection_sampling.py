"""Samples by rejection: gamma, Dirichlet and binomial numbers, with PyTorch's draws.

The numbers come one by one from the host's generator, because how many uniforms a sample takes
depends on the uniforms.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core import dtypes as d
from ..core.dtypes import TYPE_NAMES
from ..core.errors import NoGradient, not_implemented_for
from ..core.registry import Array, Operand, op
from ..core.shapes import broadcast_two
from .draws import FLOATS, Generator
from .implicit_gradients import dirichlet_gradient, gamma_gradient

Uniform = Callable[[], float]

# PyTorch writes these two as float32 constants in float64 arithmetic
_THIRD = np.float32(1) / np.float32(3)
_SQUEEZE = float(np.float32(0.0331))
_STIRLING = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509,
    0.0166446911898211, 0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
    0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def _checked(args: dict[str, Any], function: str, kernel: str) -> Operand:
    input = args["input"]
    if not hasattr(input, "numpy"):
        kind = type(input).__name__
        raise TypeError(f"{function}(): argument 'input' (position 1) must be Tensor, not {kind}")
    if input.dtype not in (d.float32, d.float64):
        raise not_implemented_for(kernel, TYPE_NAMES[input.dtype.name])
    return input


def _gammas(concentration: np.ndarray, generator: Generator) -> np.ndarray:
    """One float64 gamma number for each concentration.  ``(*) -> (*)``"""
    alpha = concentration.reshape(-1)
    below = alpha < 1
    with np.errstate(all="ignore"):
        # In the concentration's own precision, as PyTorch has them
        boosts = np.where(below, 1 / alpha, 0).tolist()
        d = np.where(below, alpha + 1, alpha) - _THIRD.astype(alpha.dtype)
    found = []
    with generator.doubles(3 * alpha.size) as uniform:
        for boost, center in zip(boosts, d.tolist(), strict=True):
            if math.isinf(boost):  # of concentration 0
                found.append(0.0)
                continue
            scale = _power(1.0 - uniform(), boost) if boost else 1.0
            found.append(_gamma(center, scale, uniform, generator.next_normal))
    return np.array(found, np.float64).reshape(concentration.shape)


def _power(base: float, exponent: float) -> float:
    return base**exponent if exponent > 0 else math.nan


def _gamma(d: float, scale: float, uniform: Uniform, normal: Callable[[Uniform], float]) -> float:
    """A number of concentration ``d + 1/3``, at least 1, by Marsaglia and Tsang's method (2000)."""
    scale *= d
    c = 1.0 / math.sqrt(9.0 * d) if d > 0 else math.nan
    while True:
        x = normal(uniform)
        y = 1.0 + c * x
        while y <= 0:
            x = normal(uniform)
            y = 1.0 + c * x
        v = y * y * y
        u = 1.0 - uniform()
        xx = x * x
        if u < 1.0 - _SQUEEZE * xx * xx:
            return scale * v
        if math.log(u) < 0.5 * xx + d * (1.0 - v + math.log(v)):
            return scale * v


def _at_least(least: float, numbers: np.ndarray) -> np.ndarray:
    """NaN becomes ``least`` too, as in C++'s ``max(least, x)``."""
    return np.where(least < numbers, numbers, np.asarray(least, numbers.dtype))


def _total(x: Any) -> Any:
    return x.sum(-1, keepdims=True) if x.ndim else x


def _draw_gamma(args: dict[str, Any]) -> dict[str, Any]:
    input = _checked(args, "_standard_gamma", "gamma_cpu")
    of = input.dtype.np
    with np.errstate(over="ignore"):
        numbers = _gammas(input.numpy(), args["generator"]).astype(of)
    return {"_drawn": _at_least(np.finfo(of).tiny, numbers), "generator": None}


def _draw_dirichlet(args: dict[str, Any]) -> dict[str, Any]:
    input = _checked(args, "_sample_dirichlet", "dirichlet")
    of = input.dtype.np
    numbers = _gammas(input.numpy().astype(np.float64), args["generator"])
    numbers = _at_least(np.finfo(np.float64).tiny, numbers)
    share = (numbers / _total(numbers)).astype(of)
    most = np.nextafter(np.asarray(1, of), np.asarray(0, of))
    return {"_drawn": np.minimum(most, _at_least(np.finfo(of).tiny, share)), "generator": None}


@jax.custom_jvp
def _gamma_of(input: Array, drawn: Array) -> Array:
    return drawn


@_gamma_of.defjvp
def _gamma_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    alpha, x = primals
    return x, tangents[0] * gamma_gradient(alpha, x)


@jax.custom_jvp
def _dirichlet_of(input: Array, drawn: Array) -> Array:
    return drawn


@_dirichlet_of.defjvp
def _dirichlet_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    alpha, x = primals
    moved = tangents[0] * dirichlet_gradient(x, alpha, jnp.broadcast_to(_total(alpha), x.shape))
    return x, moved - x * _total(moved)


@op(method=False, prepare=_draw_gamma, grad_name="StandardGammaBackward0", saves="result")
def _standard_gamma(input: Array, generator: Generator = None, *, _drawn: Array) -> Array:
    """Gamma numbers of rate 1; the gradient is the implicit one.  ``(*) -> (*)``"""
    return _gamma_of(input, _drawn)


@op(method=False, prepare=_draw_dirichlet, grad_name="_DirichletBackward", saves="result")
def _sample_dirichlet(input: Array, generator: Generator = None, *, _drawn: Array) -> Array:
    """Points of the simplex with the given concentrations.  ``(*, n) -> (*, n)``

    Differs: has a gradient, the implicit one; PyTorch's has it in ``Dirichlet.rsample`` only.
    """
    return _dirichlet_of(input, _drawn)


# ---------------------------------------------------------------- binomial


def _draw_binomial(args: dict[str, Any]) -> dict[str, Any]:
    for i, name in enumerate(("count", "prob"), 1):
        given = args[name]
        if not hasattr(given, "numpy"):
            kind = type(given).__name__
            raise TypeError(
                f"binomial(): argument '{name}' (position {i}) must be Tensor, not {kind}"
            )
        if given.dtype not in FLOATS:
            raise ValueError(
                f"binomial only supports floating-point dtypes for {name}, got: "
                f"{TYPE_NAMES[given.dtype.name]}"
            )
    count, prob = args["count"], args["prob"]
    if prob.dtype is not count.dtype:
        found, expected = (TYPE_NAMES[x.dtype.name] for x in (prob, count))
        raise RuntimeError(f"Found dtype {found} but expected {expected}")
    if count.dtype not in (d.float32, d.float64):
        raise not_implemented_for("binomial_cpu", TYPE_NAMES[count.dtype.name])
    shape = broadcast_two(count.shape, prob.shape)
    counts, probs = (np.broadcast_to(x.numpy(), shape).reshape(-1).tolist() for x in (count, prob))
    with args["generator"].doubles(2 * len(counts)) as uniform:
        drawn = [_binomial(n, p, uniform) for n, p in zip(counts, probs, strict=True)]
    return {"_drawn": np.array(drawn, count.dtype.np).reshape(shape), "generator": None}


def _binomial(count: float, prob: float, uniform: Uniform) -> float:
    if count <= 0 or prob <= 0:
        return 0.0
    if prob >= 1:
        return count
    if math.isnan(prob) or math.isnan(count):
        return math.nan
    rare = prob if prob <= 0.5 else 1.0 - prob
    draw = _transformed_rejection if count * rare >= 10 else _sum_of_waits
    successes = draw(count, rare, uniform)
    return successes if prob <= 0.5 else count - successes


def _sum_of_waits(count: float, prob: float, uniform: Uniform) -> float:
    """How many geometric waiting times fit into ``count``."""
    log_failure = math.log1p(-prob)
    waited, fitted = 0.0, 0.0
    while True:
        u = uniform()
        waited += math.ceil(math.log(u) / log_failure) if u else math.inf
        if waited > count:
            return fitted
        fitted += 1


def _stirling_tail(k: float) -> float:
    """``log k!`` without Stirling's first terms."""
    if k < len(_STIRLING):
        return _STIRLING[int(k)]
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)


def _transformed_rejection(count: float, prob: float, uniform: Uniform) -> float:
    """Hörmann's BTRS (1993), for ``count * prob >= 10``."""
    spread = math.sqrt(count * prob * (1 - prob))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    center = count * prob + 0.5
    tight = 0.92 - 4.2 / b
    odds = prob / (1 - prob)
    alpha = (2.83 + 5.1 / b) * spread
    m = float(math.floor((count + 1) * prob))
    while True:
        u = uniform() - 0.5
        v = uniform()
        room = 0.5 - abs(u)
        if room == 0:
            continue
        k = float(math.floor((2 * a / room + b) * u + center))
        if k < 0 or k > count:
            continue
        if room >= 0.07 and v <= tight:
            return k
        v = v * alpha / (a / (room * room) + b)
        bound = (
            (m + 0.5) * math.log((m + 1) / (odds * (count - m + 1)))
            + (count + 1) * math.log((count - m + 1) / (count - k + 1))
            + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1))
            + _stirling_tail(m)
            + _stirling_tail(count - m)
            - _stirling_tail(k)
            - _stirling_tail(count - k)
        )
        if v == 0 or math.log(v) <= bound:
            return k


@jax.custom_jvp
def _binomial_of(count: Array, prob: Array, drawn: Array) -> Array:
    return drawn


@_binomial_of.defjvp
def _binomial_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    raise NoGradient("derivative for aten::binomial is not implemented")


@op(method=False, prepare=_draw_binomial, grad_name="NotImplemented", saves="none")
def binomial(count: Array, prob: Array, generator: Generator = None, *, _drawn: Array) -> Array:
    """Successes among ``count`` trials.  ``(*), (*) -> (*)``

    Raises:
        ValueError: integers.
        RuntimeError: two dtypes, shapes that don't broadcast; a backward through the result.
    """
    return _binomial_of(count, prob, _drawn)
