"""Bits and truth values: and, or, xor, shifts."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ..core.registry import Array, binary, op
from .elementwise import DISCRETE, INTEGERS, elementwise, is_bool, only_tensors


@binary(dunder="and", nondiff=True)
@elementwise("bitwise_and_cpu", DISCRETE)
def bitwise_and(input: Array, other: Array) -> Array:
    """Bits set in both.  ``(*), (*) -> (*)``"""
    return input & other


@binary(dunder="or", nondiff=True)
@elementwise("bitwise_or_cpu", DISCRETE)
def bitwise_or(input: Array, other: Array) -> Array:
    """Bits set in either.  ``(*), (*) -> (*)``"""
    return input | other


@binary(dunder="xor", nondiff=True)
@elementwise("bitwise_xor_cpu", DISCRETE)
def bitwise_xor(input: Array, other: Array) -> Array:
    """Bits that differ.  ``(*), (*) -> (*)``"""
    return input ^ other


@binary(dunder="lshift", nondiff=True)
@elementwise("lshift_cpu", INTEGERS)
def bitwise_left_shift(input: Array, other: Array) -> Array:
    """``input * 2**other``, wrapping; 0 if other is negative or the width at least.

    ``(*), (*) -> (*)``
    """
    return jax.lax.shift_left(*jnp.broadcast_arrays(input, other))


@binary(dunder="rshift", nondiff=True)
@elementwise("rshift_cpu", INTEGERS)
def bitwise_right_shift(input: Array, other: Array) -> Array:
    """``input // 2**other``; only the sign is left if other is negative or the width at least.

    ``(*), (*) -> (*)``
    """
    shift = jax.lax.shift_right_arithmetic
    if jnp.issubdtype(input.dtype, jnp.unsignedinteger):
        shift = jax.lax.shift_right_logical
    return shift(*jnp.broadcast_arrays(input, other))


def _truth(input: Array) -> Array:
    return input if is_bool(input) else input != 0


@op(inplace=True, out=True, types=only_tensors("logical_and", "input", "other"), nondiff=True)
@elementwise()
def logical_and(input: Array, other: Array) -> Array:
    """Whether both are not zero.  ``(*), (*) -> (*)``"""
    return _truth(input) & _truth(other)


@op(inplace=True, out=True, types=only_tensors("logical_or", "input", "other"), nondiff=True)
@elementwise()
def logical_or(input: Array, other: Array) -> Array:
    """Whether either is not zero.  ``(*), (*) -> (*)``"""
    return _truth(input) | _truth(other)


@op(inplace=True, out=True, types=only_tensors("logical_xor", "input", "other"), nondiff=True)
@elementwise()
def logical_xor(input: Array, other: Array) -> Array:
    """Whether exactly one is not zero.  ``(*), (*) -> (*)``"""
    return _truth(input) ^ _truth(other)
