"""Complex numbers: conjugates, angles, and building them from two real tensors."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..core import errors
from ..core.registry import Array, op, unary
from .elementwise import derivatives, elementwise, is_complex, only_tensors, type_name


def _itself(invoke: Any, args: dict[str, Any]) -> Any:
    return args["input"]


def real_itself(invoke: Any, args: dict[str, Any]) -> Any:
    """A real tensor is its own conjugate and its own real part."""
    return NotImplemented if args["input"].dtype.is_complex else args["input"]


@op(saves="none", composed=real_itself)
def conj(input: Array) -> Array:
    """The conjugate; a real tensor is its own.  ``(*) -> (*)``

    Differs: a new tensor, not a view with a conjugate bit.
    """
    return jnp.conj(input) if is_complex(input) else input


@unary(saves="none", composed=real_itself)
def conj_physical(input: Array) -> Array:
    """The conjugate, as new numbers; a real tensor is its own.  ``(*) -> (*)``"""
    return jnp.conj(input) if is_complex(input) else input


@op(saves="none", composed=_itself)
def resolve_conj(input: Array) -> Array:
    """The input itself: no conjugation is ever pending.  ``(*) -> (*)``"""
    return input


@op(saves="none", composed=_itself)
def resolve_neg(input: Array) -> Array:
    """The input itself: no negation is ever pending.  ``(*) -> (*)``"""
    return input


@op(host=True, nondiff=True)
def is_conj(input: Array) -> bool:
    """Whether a conjugation is pending: never.  ``(*) -> bool``"""
    return False


@op(host=True, nondiff=True)
def is_neg(input: Array) -> bool:
    """Whether a negation is pending: never.  ``(*) -> bool``"""
    return False


@derivatives(None)
def _real_angle(input: Array) -> Array:
    turned = jnp.where(input < 0, jnp.asarray(jnp.pi, input.dtype), 0)
    return jnp.where(jnp.isnan(input), input, turned)


@op(promote="float", out=True)
@elementwise(wide=True)
def angle(input: Array) -> Array:
    """Phase in radians; 0 or pi of a real number. The gradient at 0 is 0.  ``(*) -> (*)``"""
    if not is_complex(input):
        return _real_angle(input)
    real = jnp.where(input == 0, 1, input.real)
    return jnp.arctan2(jnp.where(input == 0, 0, input.imag), real)


def _parts(first: Array, second: Array) -> None:
    pair = (type_name(first), type_name(second))
    errors.check(
        all(name in ("Half", "Float", "Double") for name in pair),
        f"Expected both inputs to be Half, Float or Double tensors but got {pair[0]} and {pair[1]}",
    )
    errors.check(
        pair[0] == pair[1],
        f"Expected object of scalar type {pair[0]} but got scalar type {pair[1]} "
        "for second argument",
    )
    if pair[0] == "Half":
        raise errors.missing("complex32", "use float32 parts")


@op(out=True, method=False, saves="none", types=only_tensors("complex", "real", "imag"))
@elementwise()
def complex(real: Array, imag: Array) -> Array:
    """``real + 1j * imag``.  ``(*), (*) -> (*)``

    Raises:
        RuntimeError: the parts are not two float32 or two float64 tensors.
    """
    _parts(real, imag)
    return jax.lax.complex(*jnp.broadcast_arrays(real, imag))


@op(out=True, method=False, saves="result", types=only_tensors("polar", "abs", "angle"))
@elementwise()
def polar(abs: Array, angle: Array) -> Array:
    """``abs * (cos(angle) + 1j * sin(angle))``, angle in radians.  ``(*), (*) -> (*)``

    Raises:
        RuntimeError: as ``complex``.
    """
    _parts(abs, angle)
    return jax.lax.complex(abs * jnp.cos(angle), abs * jnp.sin(angle))
