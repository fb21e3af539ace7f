"""Pointwise functions of one tensor: signs, rounding, bounds, parts of a float."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..core import dtypes, errors
from ..core.registry import Array, Scalar, binary, op, unary
from .elementwise import (
    ALL,
    DISCRETE,
    FLOATS,
    NUMERIC,
    REAL,
    derivatives,
    elementwise,
    is_bool,
    is_complex,
    is_inexact,
    only_tensors,
    type_name,
)


@unary(aliases=("absolute",), dunder="abs")
@elementwise("abs_cpu", NUMERIC)
def abs(input: Array) -> Array:
    """Magnitude; a complex tensor gives a real one.  ``(*) -> (*)``"""
    return jnp.abs(input) if is_complex(input) else _real_abs(input)


@derivatives(lambda result, x: jnp.sign(x))  # 0 at 0, where JAX has 1
def _real_abs(x: Array) -> Array:
    return jnp.abs(x)


@unary(aliases=("negative",), dunder="neg", saves="none")
@elementwise()
def neg(input: Array) -> Array:
    """Minus the input; unsigned integers wrap.  ``(*) -> (*)``"""
    errors.check(
        not is_bool(input),
        "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
        "invert a mask, use the `~` or `logical_not()` operator instead.",
    )
    return -input


def _positive(invoke: Any, args: dict[str, Any]) -> Any:
    return NotImplemented if args["input"].dtype is dtypes.bool_ else args["input"]


@op(dunder="pos", saves="none", composed=_positive)
def positive(input: Array) -> Array:
    """The input itself.  ``(*) -> (*)``"""
    errors.check(not is_bool(input), "The `+` operator, on a bool tensor is not supported.")
    return input


def _sign(input: Array) -> Array:
    # unlike jnp.sign, NaN has sign 0
    return (input > 0).astype(input.dtype) - (input < 0).astype(input.dtype)


@unary(saves="none")
@elementwise()
def sign(input: Array) -> Array:
    """-1, 0 or 1; 0 for NaN.  ``(*) -> (*)``"""
    if is_complex(input):
        raise NotImplementedError(
            "Unlike NumPy, torch.sign is not intended to support complex numbers. "
            "Please use torch.sgn instead."
        )
    return input if is_bool(input) else _sign(input)


@unary()
@elementwise()
def sgn(input: Array) -> Array:
    """``sign``, and ``z / |z|`` (0 at 0) for complex numbers.  ``(*) -> (*)``"""
    if not is_complex(input):
        return sign(input)
    zero = input == 0
    safe = jnp.where(zero, 1, input)
    return jnp.where(zero, 0, safe / jnp.abs(safe))


@op(out=True, nondiff=True)
@elementwise()
def signbit(input: Array) -> Array:
    """Whether the sign bit is set, so also for -0.0 and -NaN.  ``(*) -> (*)``"""
    if is_complex(input):
        raise NotImplementedError("signbit is not implemented for complex tensors.")
    return jnp.signbit(input) if is_inexact(input) else input < 0


def _whole(input: Array, function: str) -> bool:
    """Whether rounding leaves the dtype as it is.

    Raises:
        NotImplementedError: complex numbers can't be rounded.
    """
    if is_complex(input):
        raise NotImplementedError(f"{function} is not supported for complex inputs")
    return not is_inexact(input)


@unary(saves="none")
@elementwise("ceil_vml_cpu", NUMERIC)
def ceil(input: Array) -> Array:
    """The smallest integer not below.  ``(*) -> (*)``"""
    return input if _whole(input, "ceil") else jnp.ceil(input)


@unary(saves="none")
@elementwise("floor_vml_cpu", NUMERIC)
def floor(input: Array) -> Array:
    """The largest integer not above.  ``(*) -> (*)``"""
    return input if _whole(input, "floor") else jnp.floor(input)


@unary(aliases=("fix",), saves="none")
@elementwise("trunc_vml_cpu", NUMERIC)
def trunc(input: Array) -> Array:
    """The integer part, towards zero.  ``(*) -> (*)``"""
    return input if _whole(input, "trunc") else jnp.trunc(input)


def _round_grad_name(args: dict[str, Any]) -> str:
    return "RoundBackward1" if args.get("decimals") else "RoundBackward0"


@unary(aliases=("special.round",), saves="none", grad_name=_round_grad_name)
@elementwise()
def round(input: Array, *, decimals: int = 0) -> Array:
    """To the nearest multiple of ``10**-decimals``, halves to even.  ``(*) -> (*)``"""
    if decimals == 0:
        if is_bool(input) or is_complex(input):
            raise errors.not_implemented_for("round_vml_cpu", type_name(input))
        return jnp.round(input) if is_inexact(input) else input
    if is_complex(input) or not is_inexact(input):
        raise errors.not_implemented_for("round_cpu", type_name(input))
    power = jnp.asarray(10.0 ** (decimals if decimals > 0 else -decimals), input.dtype)
    if decimals > 0:
        return jnp.round(_stepwise(input * power)) / power
    return jnp.round(_stepwise(input / power)) * power


def _stepwise(input: Array) -> Array:
    """Keeps XLA from carrying a half precision value on in float32, where rounding would differ."""
    info = jnp.finfo(input.dtype)
    return jax.lax.reduce_precision(input, exponent_bits=info.nexp, mantissa_bits=info.nmant)


@unary(saves="none")
@elementwise("frac_cpu", FLOATS)
def frac(input: Array) -> Array:
    """What ``trunc`` cuts off, with the input's sign.  ``(*) -> (*)``"""
    return input - jnp.trunc(input)


@unary(grad_name="PowBackward0")
@elementwise("pow")
def square(input: Array) -> Array:
    """``input * input``.  ``(*) -> (*)``"""
    if is_bool(input):
        input = input.astype(jnp.int64)
    return input * input


@unary(promote="float", saves="result")
@elementwise("reciprocal_cpu", wide=True)
def reciprocal(input: Array) -> Array:
    """``1 / input``.  ``(*) -> (*)``"""
    return 1 / input


_RADIANS = 0.017453292519943295


@unary(promote="float", saves="none")
@elementwise()
def deg2rad(input: Array) -> Array:
    """Degrees to radians.  ``(*) -> (*)``"""
    errors.check(not is_complex(input), "deg2rad is not supported for complex tensors.")
    return input * _RADIANS


@unary(promote="float", saves="none")
@elementwise()
def rad2deg(input: Array) -> Array:
    """Radians to degrees.  ``(*) -> (*)``"""
    errors.check(not is_complex(input), "rad2deg is not supported for complex tensors.")
    return input * (1 / _RADIANS)


@unary(nondiff=True)
@elementwise("bitwise_not_cpu", DISCRETE)
def bitwise_not(input: Array) -> Array:
    """Every bit flipped.  ``(*) -> (*)``"""
    return ~input


@op(namespaces=(), method=False, dunder="invert", nondiff=True)
def invert(input: Array) -> Array:
    """The operator ``~``.  ``(*) -> (*)``"""
    errors.check(
        dtypes.from_np(input.dtype).category in DISCRETE,
        "~ (operator.invert) is only implemented on integer and Boolean-type tensors",
        TypeError,
    )
    return ~input


@unary(nondiff=True)
def logical_not(input: Array) -> Array:
    """Whether the input is zero.  ``(*) -> (*)``

    Differs: in place, the dtype of ``self`` stays, as PyTorch's.
    """
    return ~input if is_bool(input) else input == 0


def _bounded_by_numbers(args: dict[str, Any]) -> bool:
    return not any(hasattr(args.get(name), "dtype") for name in ("min", "max"))


def _clamp_grad_name(args: dict[str, Any]) -> str:
    return "ClampBackward1" if _bounded_by_numbers(args) else "ClampBackward0"


def _larger(input: Array, bound: Array) -> Array:
    below = input < bound
    return jnp.where(below | jnp.isnan(bound) if is_inexact(bound) else below, bound, input)


def _smaller(input: Array, bound: Array) -> Array:
    above = input > bound
    return jnp.where(above | jnp.isnan(bound) if is_inexact(bound) else above, bound, input)


def _mask(condition: Array, like: Array) -> Array:
    return condition.astype(like.dtype)


# At a bound the gradient is the input's; NaN has none; a lower bound above the upper one has none.
_at_least = derivatives(
    lambda y, x, low: _mask(x >= low, x),
    lambda y, x, low: _mask(x < low, x),
)(_larger)
_at_most = derivatives(
    lambda y, x, high: _mask(x <= high, x),
    lambda y, x, high: _mask(x > high, x),
)(_smaller)
_within = derivatives(
    lambda y, x, low, high: _mask((x >= low) & (x <= high), x),
    lambda y, x, low, high: _mask((x < low) & (low < high), x),
    lambda y, x, low, high: _mask((x > high) | (high < low), x),
)(lambda x, low, high: _smaller(_larger(x, low), high))


@unary(aliases=("clip",), grad_name=_clamp_grad_name)
@elementwise()
def clamp(input: Array, min: Array | None = None, max: Array | None = None) -> Array:
    """``minimum(maximum(input, min), max)``, so ``max`` where the bounds cross.  ``(*) -> (*)``"""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if is_complex(input):
        raise NotImplementedError("clamp is not supported for complex types")
    if is_bool(input):
        raise errors.not_implemented_for("clamp_cpu", type_name(input))
    if max is None:
        return _at_least(*jnp.broadcast_arrays(input, min))
    if min is None:
        return _at_most(*jnp.broadcast_arrays(input, max))
    return _within(*jnp.broadcast_arrays(input, min, max))


def _clamp_one_name(name: str, bound: str) -> Any:
    def grad_name(args: dict[str, Any]) -> str:
        return f"{name}Backward{int(hasattr(args.get(bound), 'dtype'))}"

    return grad_name


@binary(types=only_tensors("clamp_min", "input"), grad_name=_clamp_one_name("ClampMin", "min"), keeps=())
@elementwise("maximum_cpu", REAL)
def clamp_min(input: Array, min: Array) -> Array:
    """The larger of input and bound; NaN wins.  ``(*), (*) -> (*)``"""
    return _at_least(*jnp.broadcast_arrays(input, min))


@binary(types=only_tensors("clamp_max", "input"), grad_name=_clamp_one_name("ClampMax", "max"), keeps=())
@elementwise("minimum_cpu", REAL)
def clamp_max(input: Array, max: Array) -> Array:
    """The smaller of input and bound; NaN wins.  ``(*), (*) -> (*)``"""
    return _at_most(*jnp.broadcast_arrays(input, max))


@unary(keeps=())
@elementwise("nan_to_num", ALL)
def nan_to_num(
    input: Array,
    nan: Scalar | None = 0.0,
    posinf: Scalar | None = None,
    neginf: Scalar | None = None,
) -> Array:
    """NaN and the infinities replaced, by 0 and the dtype's limits unless given.  ``(*) -> (*)``"""
    if not is_inexact(input):
        return input
    if is_complex(input):
        return jax.lax.complex(
            nan_to_num(input.real, nan, posinf, neginf), nan_to_num(input.imag, nan, posinf, neginf)
        )
    limits = jnp.finfo(input.dtype)

    def number(given: Array | None, otherwise: Any) -> Array:
        return jnp.asarray(otherwise, input.dtype) if given is None else given.astype(input.dtype)

    found = jnp.where(jnp.isnan(input), number(nan, 0), input)
    found = jnp.where(input == jnp.inf, number(posinf, limits.max), found)
    return jnp.where(input == -jnp.inf, number(neginf, limits.min), found)


class _Bits:
    """A float's bits: no arithmetic on subnormals, XLA may flush them to zero."""

    def __init__(self, input: Array) -> None:
        double = input.dtype == jnp.float64
        self.mantissa, self.width = (52, 11) if double else (23, 8)
        self.top = (1 << self.width) - 1
        self.raw = jax.lax.bitcast_convert_type(input, jnp.uint64 if double else jnp.uint32)
        self.biased = ((self.raw >> self.mantissa) & self.top).astype(jnp.int32)
        self.fraction = self.raw & ((1 << self.mantissa) - 1)
        self.special = (self.biased == self.top) | ((self.biased == 0) & (self.fraction == 0))
        self.leading = jax.lax.clz(self.fraction)


def _exponent(bits: _Bits) -> Array:
    """The power of two that brings the magnitude into [0.5, 1); 0 for 0, inf and NaN."""
    bias = bits.top // 2
    highest = bits.mantissa + bits.width - bits.leading.astype(jnp.int32)
    subnormal = highest + (2 - bias - bits.mantissa)
    found = jnp.where(bits.biased == 0, subnormal, bits.biased - (bias - 1))
    return jnp.where(bits.special, 0, found)


@derivatives(lambda y, x, exponent: jnp.exp2(-exponent.astype(x.dtype)), None)
def _mantissa(input: Array, exponent: Array) -> Array:
    bits = _Bits(input)
    shifted = bits.fraction << jnp.where(bits.biased == 0, bits.leading - bits.width, 0)
    fraction = shifted & ((1 << bits.mantissa) - 1)
    sign = (bits.raw >> (bits.mantissa + bits.width)) << (bits.mantissa + bits.width)
    raw = sign | fraction | ((bits.top // 2 - 1) << bits.mantissa)
    return jnp.where(bits.special, input, jax.lax.bitcast_convert_type(raw, input.dtype))


@op(out=True, returns=("mantissa", "exponent"), saves="none", keeps=())
@elementwise(wide=True)
def frexp(input: Array) -> tuple[Array, Array]:
    """Mantissa in [0.5, 1) and int32 exponent: ``input = mantissa * 2**exponent``.

    ``(*) -> (*), (*)``
    """
    errors.check(
        is_inexact(input) and not is_complex(input),
        "torch.frexp() only supports floating-point dtypes",
    )
    exponent = _exponent(_Bits(input))
    return _mantissa(input, exponent), exponent
