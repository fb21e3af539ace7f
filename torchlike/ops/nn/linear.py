"""Linear and bilinear maps."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ...core.errors import shape_text
from ...core.registry import Array, op
from .precision import c_name, type_name


def _linear_name(args: dict[str, Any]) -> str:
    ndim, has_bias = args["input"].ndim, args["bias"] is not None
    if args["weight"].ndim == 1 or ndim == 1:
        return "SqueezeBackward4"
    if ndim == 2:
        return "AddmmBackward0" if has_bias else "MmBackward0"
    return "ViewBackward0" if has_bias else "UnsafeViewBackward0"


@op(namespaces=("functional",), method=False, out=True, grad_name=_linear_name)
def linear(input: Array, weight: Array, bias: Array | None = None) -> Array:
    """``input @ weight.T + bias``.  ``(*, I), (O, I), (O) -> (*, O)``"""
    if input.ndim == 0 or weight.ndim not in (1, 2):
        raise RuntimeError(
            "both arguments to linear need to be at least 1D, but they are "
            f"{input.ndim}D and {weight.ndim}D"
        )
    if input.shape[-1] != weight.shape[-1]:
        rows = 1
        for n in input.shape[:-1]:
            rows *= n
        other = weight.shape[::-1]
        if weight.ndim == 1:
            raise RuntimeError(
                f"size mismatch, got input ({rows}), mat ({rows}x{input.shape[-1]}), vec ({other[0]})"
            )
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows}x{input.shape[-1]} and "
            f"{other[0]}x{other[1]})"
        )
    if input.dtype != weight.dtype:
        if bias is not None and input.ndim == 2:
            names = type_name(input), type_name(weight)
            raise RuntimeError(
                f"{'self' if bias.dtype == input.dtype else 'mat1'} and mat2 must have the same dtype, but "
                f"got {names[0]} and {names[1]}"
            )
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {c_name(input)} != {c_name(weight)}"
        )
    out = jnp.matmul(input, weight.T, precision="highest")
    if bias is None:
        return out
    if bias.dtype != out.dtype:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {type_name(bias)} and {type_name(weight)}"
        )
    if bias.ndim and bias.shape[-1] not in (1, out.shape[-1] if weight.ndim == 2 else 1):
        raise RuntimeError(
            f"The expanded size of the tensor ({out.shape[-1]}) must match the existing size "
            f"({bias.shape[-1]}) at non-singleton dimension 1.  Target sizes: {shape_text(out.shape)}.  "
            f"Tensor sizes: {shape_text(bias.shape)}"
        )
    return out + bias


@op(namespaces=("torch", "functional"), method=False, grad_name=lambda args: (
    "ViewBackward0" if args["bias"] is None else "AddBackward0"
))  # fmt: skip
def bilinear(input1: Array, input2: Array, weight: Array, bias: Array | None = None) -> Array:
    """``x1.T @ W[o] @ x2 + b[o]`` for each output o.  ``(*, I), (*, J), (O, I, J), (O) -> (*, O)``"""
    if input1.ndim != input2.ndim:
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {input1.ndim} and {input2.ndim}"
        )
    for i, (m, n) in enumerate(zip(input1.shape[:-1], input2.shape[:-1], strict=True)):
        if m != n:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {i}: got {m} and {n}"
            )
    for i, x in ((1, input1), (2, input2)):
        if x.shape[-1] != weight.shape[i]:
            raise RuntimeError(
                f"bilinear(): input{i} size does not match weight size: got {x.shape[-1]} but expected "
                f"{weight.shape[i]}"
            )
    if bias is not None and bias.shape[0] != weight.shape[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected "
            f"{weight.shape[0]}"
        )
    out = jnp.einsum("...i,oij,...j->...o", input1, weight, input2, precision="highest")
    return out if bias is None else out + bias
