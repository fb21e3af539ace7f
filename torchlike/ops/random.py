"""Random tensors: uniform, normal, integers, permutations, coin flips.

The numbers are PyTorch's CPU numbers on every device: they come from the host's generator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jax import lax

from ..core import dtypes as d
from ..core.dtypes import TYPE_NAMES, default_dtype, dtype
from ..core.errors import not_implemented_for
from ..core.registry import Array, Operand, op, random
from ..core.scalars import sizes
from ..core.shapes import broadcast_two
from . import draws
from .draws import DIGITS, FLOATS, Generator, Shape


@random(varargs="size")
def rand(size: Shape, *, generator: Generator = None, dtype: dtype | None = None) -> np.ndarray:
    """Uniform in [0, 1).  ``-> size``"""
    return draws.uniform_numbers(generator, sizes(size, "rand"), dtype or default_dtype(), 0.0, 1.0)


@random(varargs="size")
def randn(size: Shape, *, generator: Generator = None, dtype: dtype | None = None) -> np.ndarray:
    """Standard normal.  ``-> size``"""
    return draws.normal_numbers(generator, sizes(size, "randn"), dtype or default_dtype(), 0.0, 1.0)


@random(out=False)
def rand_like(
    input: Array, *, generator: Generator = None, dtype: dtype | None = None
) -> np.ndarray:
    """Uniform in [0, 1).  ``(*) -> (*)``"""
    return draws.uniform_numbers(generator, tuple(input.shape), dtype or input.dtype, 0.0, 1.0)


@random(out=False)
def randn_like(
    input: Array, *, generator: Generator = None, dtype: dtype | None = None
) -> np.ndarray:
    """Standard normal.  ``(*) -> (*)``"""
    return draws.normal_numbers(generator, tuple(input.shape), dtype or input.dtype, 0.0, 1.0)


def _bounds(function: str, low: Any, high: Any) -> tuple[int, int]:
    low, high = (0, low) if high is None else (0 if low is None else low, high)
    for name, bound in (("low", low), ("high", high)):
        if isinstance(bound, bool) or not hasattr(type(bound), "__index__"):
            at = 1 if name == "low" or low == 0 else 2
            kind = type(bound).__name__
            raise TypeError(
                f"{function}(): argument '{name}' (position {at}) must be int, not {kind}"
            )
    return int(low), int(high)


@random()
def randint(
    low: int | None = None,
    high: int | None = None,
    size: Shape | None = None,
    *,
    generator: Generator = None,
    dtype: dtype | None = None,
) -> np.ndarray:
    """Whole numbers in [low, high); ``randint(high, size)`` starts at 0.  ``-> size``"""
    if size is None:
        low, high, size = None, low, high  # type: ignore[assignment]
        if not isinstance(size, (tuple, list)):
            if size is None:
                raise TypeError(
                    "randint() received an invalid combination of arguments - got (int), but "
                    "expected one of:"
                )
            kind = type(size).__name__
            raise TypeError(
                f"randint(): argument 'size' (position 2) must be tuple of ints, not {kind}"
            )
    first, end = _bounds("randint", low, high)
    return draws.whole_numbers(generator, sizes(size, "randint"), dtype or d.int64, first, end)


@random(out=False)
def randint_like(
    input: Array,
    low: int | None = None,
    high: int | None = None,
    *,
    generator: Generator = None,
    dtype: dtype | None = None,
) -> np.ndarray:
    """Whole numbers in [low, high); ``randint_like(x, high)`` starts at 0.  ``(*) -> (*)``"""
    first, end = _bounds("randint_like", low, high)
    return draws.whole_numbers(generator, tuple(input.shape), dtype or input.dtype, first, end)


@random()
def randperm(n: int, *, generator: Generator = None, dtype: dtype | None = None) -> np.ndarray:
    """0 … n-1 in random order.  ``-> (n,)``"""
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(
            f"randperm(): argument 'n' (position 1) must be int, not {type(n).__name__}"
        )
    of = dtype or d.int64
    sizes((n,), "randperm")
    if of.is_complex or of in (d.bool_, d.uint16, d.uint32, d.uint64):
        raise not_implemented_for("randperm", TYPE_NAMES[of.name])
    if of in FLOATS and n > (1 << DIGITS[of.name]) + 1:
        raise RuntimeError(
            f"n cannot be greater than {(1 << DIGITS[of.name]) + 1} for {TYPE_NAMES[of.name]} type."
        )
    if of.category == d.INTEGRAL and n > np.iinfo(of.np).max:
        kind = {"int32": "int"}.get(of.name, f"{of.name}_t")
        raise RuntimeError(f"value cannot be converted to type {kind} without overflow")
    return generator.permutation(n).astype(of.np)


# ---------------------------------------------------------------- drawn for a tensor's parameters


def _normal_overload(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    given = dict(zip(("mean", "std"), args, strict=False)) | kwargs
    tensors = [name for name in ("mean", "std") if hasattr(given.get(name), "dtype")]
    if tensors == ["mean", "std"]:
        return "normal_of_both", args, kwargs
    if tensors == ["mean"]:
        return "normal_of_mean", args, kwargs
    if tensors == ["std"]:
        return "normal_of_std", args, kwargs
    return "normal", args, kwargs


@random(resolve=_normal_overload)
def normal(
    mean: float,
    std: float = 1.0,
    size: Shape | None = None,
    *,
    generator: Generator = None,
    dtype: dtype | None = None,
) -> np.ndarray:
    """``mean + std z``, z standard normal; ``mean`` and ``std`` may be tensors.  ``-> size``"""
    if size is None:
        raise TypeError(
            "normal() received an invalid combination of arguments - got "
            f"({type(mean).__name__}, {type(std).__name__}), but expected one of:"
        )
    return draws.normal_numbers(
        generator, sizes(size, "normal"), dtype or default_dtype(), mean, std
    )


def _check_stds(args: dict[str, Any]) -> None:
    std: Operand = args["std"]
    if std.dtype.is_complex:
        raise RuntimeError("normal expects standard deviation to be non-complex")
    values = std.numpy()
    if values.size and not (values >= 0).all():
        raise RuntimeError("normal expects all elements of std >= 0.0")


def _draw_for_mean(args: dict[str, Any]) -> dict[str, Any]:
    mean, std = args["mean"], args["std"]
    drawn = draws.normal_numbers(
        args["generator"], tuple(mean.shape), mean.dtype, 0.0, 1.0 if std is None else std
    )
    return {"_drawn": drawn, "generator": None, "std": 1.0}


@op(namespaces=(), method=False, name="normal", prepare=_draw_for_mean, grad_name="NormalBackward1")
def normal_of_mean(
    mean: Array, std: float = 1.0, *, generator: Generator = None, _drawn: Array
) -> Array:
    """``mean + std z``.  ``(*) -> (*)``"""
    return _drawn + lax.stop_gradient(mean)


def _draw_for_std(args: dict[str, Any]) -> dict[str, Any]:
    std = args["std"]
    drawn = draws.normal_numbers(args["generator"], tuple(std.shape), std.dtype, 0.0, 1.0)
    return {
        "_drawn": drawn,
        "_offset": np.float64(args["mean"]).reshape(()),
        "generator": None,
        "mean": 0.0,
    }


@op(
    namespaces=(), method=False, name="normal", prepare=_draw_for_std, check=_check_stds,
    grad_name="NormalBackward2",
)  # fmt: skip
def normal_of_std(
    mean: float, std: Array, *, generator: Generator = None, _drawn: Array, _offset: Array
) -> Array:
    """``mean + std z``.  ``(*) -> (*)``"""
    return _drawn * lax.stop_gradient(std) + _offset.astype(std.dtype)


def _draw_for_both(args: dict[str, Any]) -> dict[str, Any]:
    mean, std = args["mean"], args["std"]
    shape = broadcast_two(tuple(mean.shape), tuple(std.shape))
    return {
        "_drawn": draws.normal_numbers(args["generator"], shape, mean.dtype, 0.0, 1.0),
        "generator": None,
    }


@op(
    namespaces=(), method=False, name="normal", prepare=_draw_for_both, check=_check_stds,
    grad_name="NormalBackward3",
)  # fmt: skip
def normal_of_both(mean: Array, std: Array, *, generator: Generator = None, _drawn: Array) -> Array:
    """``mean + std z``, broadcast.  ``(*), (*) -> (*)``"""
    wider = std.ndim > 0 and std.dtype.itemsize > mean.dtype.itemsize
    of = std.dtype if wider else mean.dtype
    spread = _drawn.astype(of) * lax.stop_gradient(std).astype(of)
    return spread.astype(mean.dtype) + lax.stop_gradient(mean)


def _draw_flips(args: dict[str, Any]) -> dict[str, Any]:
    x, p = args["input"], args["p"]
    odds = x if p is None else p
    drawn = draws.flips(args["generator"], tuple(x.shape), x.dtype, odds)
    return {"_drawn": drawn, "generator": None, "p": None}


@op(out=True, prepare=_draw_flips)
def bernoulli(
    input: Array, p: float | None = None, *, generator: Generator = None, _drawn: Array
) -> Array:
    """1 with probability ``input`` (or ``p``), else 0; its gradient is 0.  ``(*) -> (*)``"""
    return _drawn.astype(input.dtype)
