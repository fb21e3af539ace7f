"""Comparisons, tests of single values, the larger and the smaller of two."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..core import dtypes, errors
from ..core.registry import Array, binary, op
from .elementwise import (
    REAL,
    derivatives,
    elementwise,
    is_bool,
    is_complex,
    is_inexact,
    only_tensors,
)


def _comparison(dunder: str, aliases: tuple[str, ...] = ()) -> Any:
    types = only_tensors(dunder, "input")
    return binary(promote="bool", dunder=dunder, aliases=aliases, nondiff=True, types=types)


@_comparison(dunder="eq")
@elementwise()
def eq(input: Array, other: Array) -> Array:
    """Whether equal; NaN equals nothing.  ``(*), (*) -> (*)``"""
    return input == other


@binary(
    promote="bool",
    dunder="ne",
    aliases=("not_equal",),
    nondiff=True,
    types=only_tensors("ne", "input"),
)
@elementwise()
def ne(input: Array, other: Array) -> Array:
    """Whether different.  ``(*), (*) -> (*)``"""
    return input != other


@binary(
    promote="bool", dunder="lt", aliases=("less",), nondiff=True, types=only_tensors("lt", "input")
)
@elementwise("lt_cpu", REAL)
def lt(input: Array, other: Array) -> Array:
    """``input < other``.  ``(*), (*) -> (*)``"""
    return input < other


@binary(
    promote="bool",
    dunder="le",
    aliases=("less_equal",),
    nondiff=True,
    types=only_tensors("le", "input"),
)
@elementwise("le_cpu", REAL)
def le(input: Array, other: Array) -> Array:
    """``input <= other``.  ``(*), (*) -> (*)``"""
    return input <= other


@binary(
    promote="bool",
    dunder="gt",
    aliases=("greater",),
    nondiff=True,
    types=only_tensors("gt", "input"),
)
@elementwise("gt_cpu", REAL)
def gt(input: Array, other: Array) -> Array:
    """``input > other``.  ``(*), (*) -> (*)``"""
    return input > other


@binary(
    promote="bool",
    dunder="ge",
    aliases=("greater_equal",),
    nondiff=True,
    types=only_tensors("ge", "input"),
)
@elementwise("ge_cpu", REAL)
def ge(input: Array, other: Array) -> Array:
    """``input >= other``.  ``(*), (*) -> (*)``"""
    return input >= other


@op(host=True, nondiff=True)
def equal(input: Array, other: Array) -> bool:
    """Whether shapes and all elements are the same.  ``(*), (*) -> bool``"""
    if not hasattr(other, "dtype"):
        raise TypeError(
            f"equal(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}"
        )
    return bool(input.shape == other.shape and np.array_equal(input.numpy(), other.numpy()))


@op(nondiff=True, types=only_tensors("isclose", "input", "other"))
@elementwise()
def isclose(
    input: Array, other: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """``|input - other| <= atol + rtol * |other|``.  ``(*), (*) -> (*)``

    Raises:
        RuntimeError: the dtypes differ, or a tolerance is negative.
    """
    for name, value in (("rtol", rtol), ("atol", atol)):
        errors.check(value >= 0, f"{name} must be greater than or equal to zero, but got {value}")
    of, to = dtypes.from_np(input.dtype), dtypes.from_np(other.dtype)
    errors.check(
        of is to, f"{dtypes.TYPE_NAMES[of.name]} did not match {dtypes.TYPE_NAMES[to.name]}"
    )
    close = input == other
    if equal_nan and is_inexact(input):
        close = close | (jnp.isnan(input) & jnp.isnan(other))
    if rtol == 0 and atol == 0:
        return close
    if not is_inexact(input):
        input, other = (x.astype(dtypes.default_dtype().np) for x in (input, other))
    apart = jnp.abs(input - other)
    return close | (jnp.isfinite(apart) & (apart <= atol + jnp.abs(rtol * other)))


@op(host=True, nondiff=True)
def allclose(
    input: Array, other: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether ``isclose`` holds everywhere.  ``(*), (*) -> bool``"""
    pair = (jnp.asarray(x.numpy()) for x in (input, other))
    return bool(isclose(*pair, rtol=rtol, atol=atol, equal_nan=equal_nan).all())


def _comparable(slots: dict[str, Any]) -> None:
    for name in ("elements", "test_elements"):
        of = getattr(slots[name], "dtype", dtypes.int64)
        errors.check(
            of is not dtypes.bool_ and not of.is_complex,
            f"Unsupported input type encountered for isin(): {dtypes.TYPE_NAMES[of.name]}",
        )


@op(promote="bool", out=True, method=False, nondiff=True, types=_comparable)
def isin(
    elements: Array, test_elements: Array, *, assume_unique: bool = False, invert: bool = False
) -> Array:
    """Whether each element is one of the test elements; ``invert``: is none.

    ``(*), (*) -> (*)``
    """
    tests = jnp.sort(test_elements.reshape(-1))
    if tests.size == 0:
        return jnp.full(elements.shape, invert)
    place = jnp.searchsorted(tests, elements)  # no table of elements x tests
    found = tests[jnp.minimum(place, tests.size - 1)] == elements
    return ~found if invert else found


@op(nondiff=True)
def isnan(input: Array) -> Array:
    """Whether not a number.  ``(*) -> (*)``"""
    return jnp.isnan(input) if is_inexact(input) else jnp.zeros(input.shape, bool)


@op(nondiff=True)
def isinf(input: Array) -> Array:
    """Whether infinite (either part, if complex).  ``(*) -> (*)``"""
    return jnp.isinf(input) if is_inexact(input) else jnp.zeros(input.shape, bool)


@op(nondiff=True)
def isfinite(input: Array) -> Array:
    """Whether neither infinite nor NaN (both parts, if complex).  ``(*) -> (*)``"""
    return jnp.isfinite(input) if is_inexact(input) else jnp.ones(input.shape, bool)


@op(out=True, nondiff=True)
def isposinf(input: Array) -> Array:
    """Whether +inf.  ``(*) -> (*)``"""
    errors.check(not is_complex(input), "isposinf does not support complex inputs.")
    return input == jnp.inf if is_inexact(input) else jnp.zeros(input.shape, bool)


@op(out=True, nondiff=True)
def isneginf(input: Array) -> Array:
    """Whether -inf.  ``(*) -> (*)``"""
    errors.check(not is_complex(input), "isneginf does not support complex inputs.")
    return input == -jnp.inf if is_inexact(input) else jnp.zeros(input.shape, bool)


@op(nondiff=True)
def isreal(input: Array) -> Array:
    """Whether the imaginary part is 0.  ``(*) -> (*)``"""
    return input.imag == 0 if is_complex(input) else jnp.ones(input.shape, bool)


def _shares(wins: Any) -> tuple[Any, Any]:
    """Derivatives of a choice of two: equal ones share the gradient, NaN gets all of it."""

    def share(a: Array, b: Array) -> Array:
        return jnp.where(a == b, 0.5, jnp.where(wins(b, a), 0.0, 1.0)).astype(a.dtype)

    return (lambda y, a, b: share(a, b)), (lambda y, a, b: share(b, a))


@derivatives(*_shares(jnp.greater))
def _larger(a: Array, b: Array) -> Array:
    return jnp.maximum(a, b)


@derivatives(*_shares(jnp.less))
def _smaller(a: Array, b: Array) -> Array:
    return jnp.minimum(a, b)


def _real(function: str, input: Array) -> None:
    errors.check(not is_complex(input), f"{function} not implemented for complex tensors.")


@op(promote="default", out=True, types=only_tensors("maximum", "input", "other"), keeps=())
@elementwise()
def maximum(input: Array, other: Array) -> Array:
    """The larger; NaN wins; equal ones share the gradient.  ``(*), (*) -> (*)``"""
    _real("maximum", input)
    return _larger(*jnp.broadcast_arrays(input, other))


@op(promote="default", out=True, types=only_tensors("minimum", "input", "other"), keeps=())
@elementwise()
def minimum(input: Array, other: Array) -> Array:
    """The smaller; NaN wins; equal ones share the gradient.  ``(*), (*) -> (*)``"""
    _real("minimum", input)
    return _smaller(*jnp.broadcast_arrays(input, other))


def _not_nan(other: Array, wins: Array) -> Array:
    return wins | jnp.isnan(other) if is_inexact(other) else wins


@op(promote="default", out=True, types=only_tensors("fmax", "input", "other"), keeps=())
@elementwise()
def fmax(input: Array, other: Array) -> Array:
    """The larger; a number wins over NaN; of equal ones the first gets the gradient.

    ``(*), (*) -> (*)``
    """
    _real("fmax", input)
    wins = (input | ~other) if is_bool(input) else input >= other
    return jnp.where(_not_nan(other, wins), input, other)


@op(promote="default", out=True, types=only_tensors("fmin", "input", "other"), keeps=())
@elementwise()
def fmin(input: Array, other: Array) -> Array:
    """The smaller; a number wins over NaN; of equal ones the first gets the gradient.

    ``(*), (*) -> (*)``
    """
    _real("fmin", input)
    wins = (~input | other) if is_bool(input) else input <= other
    return jnp.where(_not_nan(other, wins), input, other)
