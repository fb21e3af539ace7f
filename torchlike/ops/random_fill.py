"""Fills: a tensor's contents replaced by random numbers, in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtypes as d
from ..core.dtypes import TYPE_NAMES, dtype
from ..core.errors import not_implemented_for
from ..core.registry import Array, fill
from . import draws
from .draws import C_NAMES, DIGITS, FLOATS, Generator


def _uniform_names(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    if "from" in kwargs:
        kwargs = {("from_" if name == "from" else name): x for name, x in kwargs.items()}
    return "uniform_", args, kwargs


@fill(resolve=_uniform_names)
def uniform_(
    input: Array, from_: float = 0.0, to: float = 1.0, *, generator: Generator = None
) -> np.ndarray:
    """Uniform in [from, to)."""
    return draws.uniform_numbers(generator, tuple(input.shape), input.dtype, from_, to)


@fill()
def normal_(
    input: Array, mean: float = 0.0, std: float = 1.0, *, generator: Generator = None
) -> np.ndarray:
    """``mean + std z``, z standard normal."""
    return draws.normal_numbers(generator, tuple(input.shape), input.dtype, mean, std)


@fill()
def bernoulli_(input: Array, p: Array = 0.5, *, generator: Generator = None) -> np.ndarray:
    """1 with probability ``p`` (a number or a tensor), else 0."""
    return draws.flips(generator, tuple(input.shape), input.dtype, p).astype(input.dtype.np)


def _continuous(name: str, of: dtype, as_c: bool) -> None:
    if of not in FLOATS:
        text = C_NAMES.get(of.name, TYPE_NAMES[of.name]) if as_c else TYPE_NAMES[of.name]
        raise RuntimeError(
            f"{name} distribution is a continuous probability distribution. dtype must be a "
            f"floating point but you specified {text}"
        )


@fill()
def exponential_(input: Array, lambd: float = 1.0, *, generator: Generator = None) -> np.ndarray:
    """Exponential with rate ``lambd``."""
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    _continuous("Exponential", input.dtype, as_c=False)
    return generator.exponential(tuple(input.shape), input.dtype.np, float(lambd))


@fill()
def cauchy_(
    input: Array, median: float = 0.0, sigma: float = 1.0, *, generator: Generator = None
) -> np.ndarray:
    """Cauchy around ``median``."""
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    _continuous("Cauchy", input.dtype, as_c=True)
    return generator.cauchy(tuple(input.shape), input.dtype.np, float(median), float(sigma))


@fill()
def log_normal_(
    input: Array, mean: float = 1.0, std: float = 2.0, *, generator: Generator = None
) -> np.ndarray:
    """``exp(mean + std z)``."""
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    if input.dtype not in FLOATS:
        raise not_implemented_for("log_normal_cpu", TYPE_NAMES[input.dtype.name])
    return generator.log_normal(tuple(input.shape), input.dtype.np, float(mean), float(std))


@fill()
def geometric_(input: Array, p: float, *, generator: Generator = None) -> np.ndarray:
    """Number of trials until the first success."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    of = input.dtype
    if of.is_complex or of in (d.bool_, d.uint16, d.uint32, d.uint64):
        raise not_implemented_for("geometric_cpu", TYPE_NAMES[of.name])
    return generator.geometric(tuple(input.shape), of.np, float(p))


def _random_bounds(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    """``random_()``, ``random_(to)``, ``random_(from, to)``, where ``to=None`` is no bound."""
    kwargs = dict(kwargs)
    rest = list(args[1:])
    if "from" in kwargs:
        rest.insert(0, kwargs.pop("from"))
    if "to" in kwargs:
        rest.append(kwargs.pop("to"))
    if len(rest) == 1:
        rest.insert(0, 0)
    if any(isinstance(x, float) for x in rest) or len(rest) > 2:
        kinds = ", ".join(type(x).__name__ for x in rest[-1:])
        raise TypeError(
            f"random_() received an invalid combination of arguments - got ({kinds}), but expected "
            "one of:"
        )
    names = ("low", "high")
    return (
        "random_",
        args[:1],
        {**kwargs, **dict(zip(names, rest, strict=False)), "bounded": bool(rest)},
    )


@fill(resolve=_random_bounds)
def random_(
    input: Array,
    low: int = 0,
    high: int | None = None,
    bounded: bool = False,
    *,
    generator: Generator = None,
) -> np.ndarray:
    """Whole numbers in [from, to), or all that the dtype holds exactly."""
    shape, of = tuple(input.shape), input.dtype
    if high is not None:
        return draws.whole_numbers(generator, shape, of, low, high)
    if not bounded:
        if of.is_complex or of in (d.uint16, d.uint32, d.uint64):
            raise not_implemented_for("random_kernel_cpu", TYPE_NAMES[of.name])
        return generator.full_range(shape, of.np)
    if low == -(1 << 63):
        return generator.integers(shape, of.np, low, -low)
    if of in FLOATS:
        low, last = draws.from_inside(low, of), 1 << DIGITS[of.name]
    else:
        last = 1 if of is d.bool_ else int(np.iinfo(of.np).max)
    draws.check_holds(of, low, last)
    return generator.integers(shape, of.np, low, last + 1)
