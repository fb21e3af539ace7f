"""Pointwise functions of three tensors."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..core import dtypes, errors
from ..core.dtypes import FLOATING
from ..core.registry import Array, Scalar, op
from .elementwise import INEXACT, NUMERIC, derivatives, elementwise, is_bool, type_name


@op(promote="default", inplace=True, out=True)
@elementwise("addcmul_cpu_out", NUMERIC, wide=True)
def addcmul(input: Array, tensor1: Array, tensor2: Array, *, value: Scalar = 1) -> Array:
    """``input + value * tensor1 * tensor2``.  ``(*), (*), (*) -> (*)``"""
    return input + value.astype(input.dtype) * tensor1 * tensor2


def _no_integer_division(slots: dict[str, Any]) -> None:
    if all(slots[k].dtype.category < FLOATING for k in ("tensor1", "tensor2")):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release "
            "addcdiv will perform a true division of tensor1 and tensor2. The historic addcdiv "
            "behavior can be implemented as (input + value * torch.trunc(tensor1 / tensor2))"
            ".to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for "
            "float inputs. The future addcdiv behavior is just the latter implementation: "
            "(input + value * tensor1 / tensor2), for all dtypes."
        )


@op(promote="default", inplace=True, out=True, types=_no_integer_division)
@elementwise("addcdiv_cpu_out", INEXACT, wide=True)
def addcdiv(input: Array, tensor1: Array, tensor2: Array, *, value: Scalar = 1) -> Array:
    """``input + value * tensor1 / tensor2``.  ``(*), (*), (*) -> (*)``

    Raises:
        RuntimeError: tensor1 and tensor2 are both integers.
    """
    return input + value.astype(input.dtype) * tensor1 / tensor2


def _by_number(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    weight = args[2] if len(args) > 2 else kwargs.get("weight")
    return ("lerp" if hasattr(weight, "dtype") else "lerp_number"), args, kwargs


def _same_dtype(input: Array, **others: Array) -> None:
    for name, other in others.items():
        errors.check(
            other.dtype == input.dtype,
            f"expected dtype {_type_text(input)} for `{name}` but got dtype {_type_text(other)}",
        )


_TYPE_TEXTS = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
    "int8": "signed char", "uint8": "unsigned char", "int16": "short int", "int32": "int",
    "int64": "long int", "bool": "bool", "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
}  # fmt: skip


def _type_text(array: Array) -> str:
    """The dtype as a C++ type, which is what these messages of PyTorch's show."""
    name = dtypes.from_np(array.dtype).name
    return _TYPE_TEXTS.get(name, name)


@derivatives(
    lambda y, start, end, weight: 1 - weight,
    lambda y, start, end, weight: weight,
    lambda y, start, end, weight: end - start,
)
def _from_nearer(input: Array, end: Array, weight: Array) -> Array:
    """Weights 0 and 1 give the ends exactly."""
    near = jnp.abs(weight) < 0.5
    return jnp.where(near, input + weight * (end - input), end - (end - input) * (1 - weight))


@op(inplace=True, out=True, resolve=_by_number, grad_name="LerpBackward1")
def lerp(input: Array, end: Array, weight: Array) -> Array:
    """``input + weight * (end - input)``.  ``(*), (*), (*) -> (*)``"""
    if weight.ndim == 0:
        weight = weight.astype(input.dtype)
    _same_dtype(input, end=end, weight=weight)
    return _lerp(input, end, weight)


def _between(input: Array, end: Array, weight: Array) -> Array:
    return _from_nearer(*jnp.broadcast_arrays(input, end, weight))


_lerp = elementwise("lerp_kernel_tensor", INEXACT, wide=True)(_between)
_lerp_number = elementwise("lerp_kernel_scalar", INEXACT, wide=True)(_between)


@op(namespaces=(), method=False, out=True, grad_name="LerpBackward0")
def lerp_number(input: Array, end: Array, weight: Scalar) -> Array:
    """``lerp`` by a number.  ``(*), (*) -> (*)``"""
    _same_dtype(input, end=end)
    return _lerp_number(input, end, weight.astype(input.dtype))


def _positions_if_alone(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    if len(args) == 1 and not kwargs or not args and set(kwargs) == {"condition"}:
        return "nonzero", args or (kwargs["condition"],), {"as_tuple": True}
    return "where", args, kwargs


@op(
    promote="default", promoted=("input", "other"), method=False, out=True, saves="none",
    resolve=_positions_if_alone,
)  # fmt: skip
@elementwise()
def where(condition: Array, input: Array, other: Array) -> Array:
    """``input`` where the condition holds, else ``other``; alone, the positions where it does.

    ``(*), (*), (*) -> (*)``
    """
    errors.check(
        is_bool(condition) or condition.dtype == jnp.uint8,
        "where expected condition to be a boolean tensor, but got a tensor with dtype "
        f"{type_name(condition)}",
    )
    return jnp.where(condition if is_bool(condition) else condition != 0, input, other)


@op(
    name="where", promote="default", promoted=("input", "other"), namespaces=(), saves="none",
    grad_name="WhereBackward0",
)  # fmt: skip
def where_method(input: Array, condition: Array, other: Array) -> Array:
    """``Tensor.where``: the condition comes second.  ``(*), (*), (*) -> (*)``"""
    return where(condition, input, other)
