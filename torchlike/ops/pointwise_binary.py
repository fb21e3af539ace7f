"""Arithmetic of two tensors."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core import dtypes, errors, promote
from ..core.dtypes import FLOATING
from ..core.registry import Array, Scalar, binary, op
from .elementwise import (
    FLOATS,
    INEXACT,
    INTEGERS,
    ORDERED,
    REAL,
    derivatives,
    elementwise,
    is_complex,
    is_inexact,
    only_tensors,
)


def _scaled(other: Array, alpha: Array) -> Array:
    """``alpha * other``.

    Raises:
        RuntimeError: alpha is of a higher kind than the result.
    """
    if isinstance(alpha, np.ndarray) and alpha == 1:
        return other  # the default is a constant of the program
    of, to = dtypes.from_np(alpha.dtype), dtypes.from_np(other.dtype)
    errors.check(
        of is not dtypes.bool_ or to is dtypes.bool_,
        "Boolean alpha only supported for Boolean results.",
    )
    errors.check(
        of.category < FLOATING or to.category >= FLOATING,
        "For integral input tensors, argument alpha must not be a floating point number.",
    )
    errors.check(
        not of.is_complex or to.is_complex,
        "For non-complex input tensors, argument alpha must not be a complex number.",
    )
    return alpha.astype(other.dtype) * other


@binary(dunder="add", saves="none")
@elementwise(wide=True)
def add(input: Array, other: Array, *, alpha: Scalar = 1) -> Array:
    """``input + alpha * other``; "or" of bools.  ``(*), (*) -> (*)``"""
    return input + _scaled(other, alpha)


def _no_bools(slots: dict[str, Any]) -> None:
    """Looks at the operands as they were given: in the common dtype a bool can't be told."""
    given = [_given_bool(slots["input"]), _given_bool(slots["other"])]
    errors.check(
        not all(given),
        "Subtraction, the `-` operator, with two bool tensors is not supported. "
        "Use the `^` or `logical_xor()` operator instead.",
    )
    errors.check(
        not any(given),
        "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to "
        "invert a mask, use the `~` or `logical_not()` operator instead.",
    )


def _given_bool(slot: Any) -> bool:
    return slot is bool or getattr(slot, "dtype", None) is dtypes.bool_


@binary(dunder="sub", aliases=("subtract",), saves="none", types=_no_bools)
@elementwise(wide=True)
def sub(input: Array, other: Array, *, alpha: Scalar = 1) -> Array:
    """``input - alpha * other``.  ``(*), (*) -> (*)``"""
    return input - _scaled(other, alpha)


def _rsub_types(slots: dict[str, Any]) -> None:
    only_tensors("rsub", "input")(slots)
    _no_bools(slots)


@op(promote="default", method=False, saves="none", types=_rsub_types, grad_name="RsubBackward1")
@elementwise(wide=True)
def rsub(input: Array, other: Array, *, alpha: Scalar = 1) -> Array:
    """``other - alpha * input``.  ``(*), (*) -> (*)``"""
    return other - _scaled(input, alpha)


@binary(dunder="mul", aliases=("multiply",))
@elementwise()
def mul(input: Array, other: Array) -> Array:
    """Product; "and" of bools.  ``(*), (*) -> (*)``"""
    return jnp.multiply(input, other)


def _divides_by_zero(args: dict[str, Any]) -> None:
    """What PyTorch's integer kernels notice while they run.

    Raises:
        RuntimeError: an integer divisor is 0.
    """
    input, other = args["input"], args["other"]
    if _integral(input) and _integral(other):
        zero = not other.numpy().all() if hasattr(other, "dtype") else other == 0
        empty = any(hasattr(x, "shape") and 0 in x.shape for x in (input, other))
        errors.check(not zero or empty, "ZeroDivisionError")


def _integral(operand: Any) -> bool:
    found = getattr(operand, "dtype", None)
    return isinstance(operand, int) if found is None else found.category < FLOATING


def _rounded_if_asked(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    mode = kwargs.get("rounding_mode")
    if mode is None:
        return "div", args, kwargs
    errors.check(
        mode in ("trunc", "floor"),
        f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{mode}'",
    )
    return "div_rounded", args, kwargs


@binary(promote="float", dunder="truediv", aliases=("divide",), resolve=_rounded_if_asked)
@elementwise()
def div(input: Array, other: Array, *, rounding_mode: str | None = None) -> Array:
    """``input / other``, of integers too; ``rounding_mode`` is None, "trunc" or "floor".

    ``(*), (*) -> (*)``

    Raises:
        RuntimeError: ``ZeroDivisionError``, if integers are rounded.
    """
    return input / other


@binary(promote="float", grad_name="DivBackward0")
@elementwise()
def true_divide(input: Array, other: Array) -> Array:
    """``input / other``, of integers too.  ``(*), (*) -> (*)``"""
    return input / other


@op(
    promote="default", namespaces=(), method=False, check=_divides_by_zero, grad_name="DivBackward2"
)  # fmt: skip
def div_rounded(input: Array, other: Array, *, rounding_mode: str) -> Array:
    """The quotient rounded towards zero ("trunc") or down ("floor").  ``(*), (*) -> (*)``"""
    return _floor_div(input, other) if rounding_mode == "floor" else _trunc_div(input, other)


@binary(dunder="floordiv", check=_divides_by_zero, nondiff=True)
def floor_divide(input: Array, other: Array) -> Array:
    """The quotient rounded down.  ``(*), (*) -> (*)``

    Raises:
        RuntimeError: ``ZeroDivisionError`` for integers.
    """
    return _floor_div(input, other)


@elementwise("div_trunc_cpu", ORDERED)  # of half precision, the quotient is rounded first
def _trunc_div(input: Array, other: Array) -> Array:
    if is_inexact(input):
        return jnp.trunc(input / other)
    return jax.lax.div(*jnp.broadcast_arrays(input, other))


@elementwise("div_floor_cpu", ORDERED, wide=True)
def _floor_div(input: Array, other: Array) -> Array:
    return _floor_quotient(*jnp.broadcast_arrays(input, other))


@derivatives(None, None)
def _floor_quotient(input: Array, other: Array) -> Array:
    rest = jax.lax.rem(input, other)
    apart = (rest != 0) & ((rest < 0) != (other < 0))
    if not is_inexact(input):
        return jax.lax.div(input, other) - apart.astype(input.dtype)
    # the division of what is left is exact up to rounding, so that 1 // 0.1 is 9, as Python has it
    quotient = (input - rest) / other - apart.astype(input.dtype)
    whole = jnp.floor(quotient)
    whole = jnp.where(quotient - whole > 0.5, whole + 1, whole)
    whole = jnp.where(quotient == 0, jnp.copysign(jnp.zeros_like(input), input / other), whole)
    return jnp.where(other == 0, input / other, whole)


def _numbered(name: str, operand: str = "other") -> Any:
    """PyTorch numbers the node of a tensor operand 1, of a number 0."""

    def grad_name(args: dict[str, Any]) -> str:
        return f"{name}Backward{int(hasattr(args.get(operand), 'dtype'))}"

    return grad_name


@derivatives(lambda y, x, other: jnp.ones_like(x), lambda y, x, other: -_floor_quotient(x, other))
def _remainder(input: Array, other: Array) -> Array:
    rest = jax.lax.rem(input, other)
    apart = (rest != 0) & ((rest < 0) != (other < 0))
    return jnp.where(apart, rest + other, rest)


@binary(dunder="mod", check=_divides_by_zero, grad_name=_numbered("Remainder"))
@elementwise("remainder_cpu", ORDERED, wide=True)
def remainder(input: Array, other: Array) -> Array:
    """``input - other * floor(input / other)``: the divisor's sign.  ``(*), (*) -> (*)``

    Raises:
        RuntimeError: ``ZeroDivisionError`` for integers.
    """
    return _remainder(*jnp.broadcast_arrays(input, other))


@derivatives(lambda y, x, other: jnp.ones_like(x), lambda y, x, other: -jnp.trunc(x / other))
def _fmod(input: Array, other: Array) -> Array:
    return jax.lax.rem(input, other)


@binary(check=_divides_by_zero, types=only_tensors("fmod", "input"), grad_name=_numbered("Fmod"))
@elementwise("fmod_cpu", ORDERED, wide=True)
def fmod(input: Array, other: Array) -> Array:
    """``input - other * trunc(input / other)``: the dividend's sign.  ``(*), (*) -> (*)``

    Raises:
        RuntimeError: ``ZeroDivisionError`` for integers.
    """
    return _fmod(*jnp.broadcast_arrays(input, other))


def _inverse_square(a: Array, b: Array) -> Array:
    """``1 / (a**2 + b**2)``, 0 at the origin."""
    square = a * a + b * b
    return jnp.where(square == 0, 0, 1 / jnp.where(square == 0, 1, square))


@derivatives(
    lambda y, a, b: b * _inverse_square(a, b),
    lambda y, a, b: -a * _inverse_square(a, b),
)
def _atan2(a: Array, b: Array) -> Array:
    return jnp.arctan2(a, b)


@binary(promote="float", aliases=("arctan2",), types=only_tensors("atan2", "input", "other"))
@elementwise("atan2_cpu", REAL, wide=True)
def atan2(input: Array, other: Array) -> Array:
    """Angle of the point (other, input), in [-pi, pi] radians.  ``(*), (*) -> (*)``"""
    return _atan2(*jnp.broadcast_arrays(input, other))


@derivatives(lambda y, a, b: a / y, lambda y, a, b: b / y)
def _hypot(a: Array, b: Array) -> Array:
    return jnp.hypot(a, b)


@binary(types=only_tensors("hypot", "input", "other"))
@elementwise("hypot_cpu", FLOATS, wide=True)
def hypot(input: Array, other: Array) -> Array:
    """``sqrt(input**2 + other**2)`` without overflow.  ``(*), (*) -> (*)``"""
    return _hypot(*jnp.broadcast_arrays(input, other))


def _copysign_slope(y: Array, x: Array, other: Array) -> Array:
    return jnp.where(x == 0, 0, y / jnp.where(x == 0, 1, x))


@derivatives(_copysign_slope, None)
def _copysign(input: Array, other: Array) -> Array:
    return jnp.copysign(input, other)


@binary(promote="float", types=only_tensors("copysign", "input"))
@elementwise("copysign_cpu", REAL, wide=True)
def copysign(input: Array, other: Array) -> Array:
    """The magnitude of one with the sign of the other, -0.0's too.  ``(*), (*) -> (*)``"""
    return _copysign(*jnp.broadcast_arrays(input, other))


@derivatives(lambda y, x, other: (x != other).astype(x.dtype), None)
def _nextafter(input: Array, other: Array) -> Array:
    return jnp.nextafter(input, other)


@binary(types=only_tensors("nextafter", "input", "other"))
@elementwise("nextafter_cpu", FLOATS)
def nextafter(input: Array, other: Array) -> Array:
    """The next number after input towards other.  ``(*), (*) -> (*)``"""
    return _nextafter(*jnp.broadcast_arrays(input, other))


@op(inplace=True, out=True, types=only_tensors("heaviside", "input", "values"), nondiff=True)
@elementwise()
def heaviside(input: Array, values: Array) -> Array:
    """0 below 0 (and for NaN), 1 above, ``values`` at 0.  ``(*), (*) -> (*)``"""
    errors.check(
        not is_complex(input) and not is_complex(values),
        "heaviside is not yet implemented for complex tensors.",
    )
    errors.check(
        input.dtype == values.dtype,
        "heaviside is not yet implemented for tensors with different dtypes.",
    )
    return jnp.where(input == 0, values, (input > 0).astype(input.dtype))


@binary(types=only_tensors("gcd", "input", "other"), nondiff=True)
@elementwise("gcd_cpu", INTEGERS)
def gcd(input: Array, other: Array) -> Array:
    """Greatest common divisor, not negative.  ``(*), (*) -> (*)``"""
    return jnp.gcd(input, other)


@binary(types=only_tensors("lcm", "input", "other"), nondiff=True)
@elementwise("lcm_cpu", INTEGERS)
def lcm(input: Array, other: Array) -> Array:
    """Least common multiple, not negative.  ``(*), (*) -> (*)``"""
    return jnp.lcm(input, other)


@op(inplace=True, out=True, types=only_tensors("ldexp", "input", "other"))
@elementwise()
def ldexp(input: Array, other: Array) -> Array:
    """``input * 2**other``.  ``(*), (*) -> (*)``"""
    if not is_inexact(other):
        other = other.astype(dtypes.default_dtype().np)
    operands = [(dtypes.from_np(x.dtype), x.ndim) for x in (input, other)]
    common = promote.float_dtype(promote.result_type(operands)).np
    return input.astype(common) * _power_of_two(other).astype(common)


@elementwise(wide=True)
def _power_of_two(x: Array) -> Array:
    return jnp.exp2(x)


def _share(apart: Any, y: Array, *inputs: Array) -> Array:
    """``1 / (1 + exp(other - self))``."""
    return 1 / (1 + apart(inputs[1] - inputs[0]))


@derivatives(lambda y, a, b: _share(jnp.exp, y, a, b), lambda y, a, b: _share(jnp.exp, y, b, a))
def _logaddexp(a: Array, b: Array) -> Array:
    if not is_complex(a):
        return jnp.logaddexp(a, b)
    # PyTorch's branch: the imaginary part of the larger one, not brought into (-pi, pi]
    swapped = a.real < b.real
    large, small = jnp.where(swapped, b, a), jnp.where(swapped, a, b)
    same = jnp.isinf(small.real) & (small.real == large.real)
    found = large + jnp.log1p(jnp.exp(jnp.where(same, 0, small - large)))
    found = jnp.where(same & (small.real < 0), small, found)
    return jnp.where(jnp.isnan(a) | jnp.isnan(b), jnp.nan, found)


@op(promote="default", out=True, types=only_tensors("logaddexp", "input", "other"))
@elementwise("logaddexp_cpu", INEXACT, wide=True)
def logaddexp(input: Array, other: Array) -> Array:
    """``log(exp(input) + exp(other))`` without overflow.  ``(*), (*) -> (*)``"""
    return _logaddexp(*jnp.broadcast_arrays(input, other))


@derivatives(lambda y, a, b: _share(jnp.exp2, y, a, b), lambda y, a, b: _share(jnp.exp2, y, b, a))
def _logaddexp2(a: Array, b: Array) -> Array:
    return jnp.logaddexp2(a, b)


@op(promote="default", out=True, types=only_tensors("logaddexp2", "input", "other"))
@elementwise("logaddexp2_cpu", FLOATS, wide=True)
def logaddexp2(input: Array, other: Array) -> Array:
    """``log2(2**input + 2**other)`` without overflow.  ``(*), (*) -> (*)``"""
    return _logaddexp2(*jnp.broadcast_arrays(input, other))


def _xlogy_slope(y: Array, x: Array, other: Array) -> Array:
    return jnp.where((x == 0) & (other <= 0), 0, jnp.log(other))


@derivatives(_xlogy_slope, lambda y, x, other: x / other)
def _xlogy(input: Array, other: Array) -> Array:
    product = jnp.where(input == 0, 0, input * jnp.log(other))
    return jnp.where(jnp.isnan(other), jnp.nan, product)


def _xlogy_grad_name(args: dict[str, Any]) -> str:
    if not hasattr(args["input"], "dtype"):
        return "XlogyBackward1"
    return "XlogyBackward0" if hasattr(args["other"], "dtype") else "XlogyBackward2"


@binary(promote="float", aliases=("special.xlogy",), grad_name=_xlogy_grad_name)
@elementwise("xlogy_cpu", REAL, wide=True)
def xlogy(input: Array, other: Array) -> Array:
    """``input * log(other)``, 0 where input is 0 (unless other is NaN).  ``(*), (*) -> (*)``"""
    return _xlogy(*jnp.broadcast_arrays(input, other))
