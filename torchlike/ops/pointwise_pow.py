"""Powers: exact for integers, fast for the usual constant exponents."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..core import dtypes, errors
from ..core.dtypes import FLOATING, INTEGRAL
from ..core.registry import Array, Scalar, binary, op
from .elementwise import NUMERIC, derivatives, elementwise, is_complex, is_inexact

# exponents with a formula of their own; any other is an operand, so that it never recompiles
_FORMULAS = {
    0: jnp.ones_like,
    1: lambda x: x,
    2: lambda x: x * x,
    3: lambda x: x * x * x,
    0.5: jnp.sqrt,
    -0.5: jax.lax.rsqrt,
    -1: lambda x: 1 / x,
    -2: lambda x: 1 / (x * x),
}

_C_TYPES = {"int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "int32": "int"}


def _constant_exponent(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    """``pow_constant`` where that is the same.

    Raises:
        RuntimeError: integers to a negative integer, or to one beyond their dtype.
    """
    exponent = args[1] if len(args) > 1 else kwargs.get("exponent")
    if type(exponent) not in (int, float):
        return "pow", args, kwargs
    base = args[0] if args else kwargs.get("input", kwargs.get("self"))
    found = getattr(base, "dtype", None)
    if found is None:
        return "pow", args, kwargs
    whole = type(exponent) is int
    if whole and exponent < 0 and found.category < FLOATING:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    if whole and found.name in _C_TYPES and exponent >> (8 * found.itemsize - found.is_signed):
        raise RuntimeError(
            f"value cannot be converted to type {_C_TYPES[found.name]} without overflow"
        )
    small = whole and exponent in (2, 3)
    if exponent not in _FORMULAS or found.category < (INTEGRAL if small else FLOATING):
        return "pow", args, kwargs
    rest = {k: v for k, v in kwargs.items() if k not in ("input", "self", "exponent")}
    return "pow_constant", (base,), rest | {"exponent": exponent}


def _pow_grad_name(args: dict[str, Any]) -> str:
    if not hasattr(args.get("exponent"), "dtype"):
        return "PowBackward0"
    return "PowBackward1" if hasattr(args.get("input"), "dtype") else "PowBackward2"


@jax.custom_jvp
def _power(base: Array, exponent: Array) -> Array:
    return jnp.power(base, exponent)


@_power.defjvp
def _power_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    """PyTorch's edges: exponent 0 is flat in the base, base 0 flat in an exponent not below 0."""
    base, exponent = primals
    result = _power(base, exponent)
    flat = exponent == 0
    by_base = jnp.where(flat, 0, exponent * _power(base, jnp.where(flat, 1, exponent - 1)))
    real = exponent.real >= 0
    flat = (base == 0) & (real & (exponent.imag == 0) if is_complex(exponent) else real)
    by_exponent = jnp.where(flat, 0, result * jnp.log(jnp.where(flat, 1, base)))
    return result, tangents[0] * by_base + tangents[1] * by_exponent


def _integer_power(base: Array, exponent: Array) -> Array:
    """Wraps on overflow; a negative exponent gives what is left of the fraction: 0, 1 or -1."""

    def unfinished(state: tuple[Array, Array, Array]) -> Array:
        return jnp.any(state[2] > 0)

    def square(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        found, factor, left = state
        return jnp.where(left % 2 == 1, found * factor, found), factor * factor, left >> 1

    # jnp.power squares six times only: enough where nothing wraps
    start = (jnp.ones_like(base), base, exponent)
    power = jax.lax.while_loop(unfinished, square, start)[0]
    if not dtypes.from_np(base.dtype).is_signed:
        return power
    alternating = jnp.where(exponent % 2 == 0, 1, -1).astype(base.dtype)
    zero = jnp.zeros_like(base)
    fraction = jnp.where(base == 1, base, jnp.where(base == -1, alternating, zero))
    return jnp.where(exponent < 0, fraction, power)


@binary(dunder="pow", resolve=_constant_exponent, grad_name=_pow_grad_name)
@elementwise("pow", NUMERIC, wide=True)
def pow(input: Array, exponent: Array) -> Array:
    """``input ** exponent``; 0 ** 0 is 1.  ``(*), (*) -> (*)``

    Raises:
        RuntimeError: integers to a negative integer.
    """
    base, exponent = jnp.broadcast_arrays(input, exponent)
    return _power(base, exponent) if is_inexact(base) else _integer_power(base, exponent)


@binary(namespaces=(), method=False, inplace=False, grad_name="PowBackward0")
@elementwise("pow", NUMERIC, wide=True)
def pow_constant(input: Array, *, exponent: float) -> Array:
    """``pow`` with an exponent that needs no logarithm.  ``(*) -> (*)``"""
    return _constant_power(exponent, input)


def _constant_power(exponent: float, base: Array) -> Array:
    """Derivatives are powers too, so that 0 and the infinities come out as PyTorch's."""

    @derivatives(lambda y, x: exponent * _constant_power(exponent - 1, x) if exponent else 0 * y)
    def power(x: Array) -> Array:
        found = _FORMULAS.get(exponent)
        return jnp.power(x, exponent) if found is None else found(x)

    return power(base)


def _which_float_power(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    given = dict(zip(("input", "exponent"), args, strict=False)) | kwargs
    base, exponent = given.pop("input", given.pop("self", None)), given.pop("exponent", None)
    if not hasattr(exponent, "dtype") and not hasattr(base, "dtype"):
        raise errors.no_overload("float_power", [type(base).__name__, type(exponent).__name__])
    if not hasattr(exponent, "dtype"):
        return "float_power_number", (base, exponent), given
    if not hasattr(base, "dtype"):
        return "float_power_of_number", (base, exponent), given
    return "float_power", (base, exponent), given


def _double(*operands: Array) -> list[Array]:
    complex_ = any(is_complex(x) for x in operands)
    return [x.astype(jnp.complex128 if complex_ else jnp.float64) for x in operands]


@op(inplace=True, out=True, resolve=_which_float_power, grad_name="PowBackward1")
@elementwise()
def float_power(input: Array, exponent: Array) -> Array:
    """``input ** exponent`` in float64 or complex128.  ``(*), (*) -> (*)``"""
    return _power(*jnp.broadcast_arrays(*_double(input, exponent)))


@op(namespaces=(), method=False, out=True, grad_name="PowBackward0")
def float_power_number(input: Array, exponent: Scalar) -> Array:
    """``float_power`` to a number.  ``(*) -> (*)``"""
    return _power(*jnp.broadcast_arrays(*_double(input, exponent)))


@op(namespaces=(), method=False, out=True, grad_name="PowBackward2")
def float_power_of_number(self: Scalar, exponent: Array) -> Array:
    """``float_power`` of a number.  ``(*) -> (*)``"""
    return _power(*jnp.broadcast_arrays(*_double(self, exponent)))
