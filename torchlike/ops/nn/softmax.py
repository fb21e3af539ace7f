"""Softmax, its logarithm, and sampling through it."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...core.dtypes import TYPE_NAMES, dtype as Dtype
from ...core.errors import not_implemented_for
from ...core.registry import Array, Scalar, op
from ...core.shapes import normal_dim
from .precision import type_name, wide


def _prepared(input: Array, dim: int, dtype: Dtype | None, kernel: str) -> tuple[Array, Array, int]:
    """Input in the result's type, in the computing type, and the axis."""
    if dtype is not None:
        input = _cast(input, dtype)
    if not jnp.issubdtype(input.dtype, jnp.floating):
        last = "lastdim_" if dim in (-1, input.ndim - 1) else ""
        raise not_implemented_for(f"{kernel}_{last}kernel_impl", type_name(input))
    return input, wide(input), normal_dim(dim, input.ndim)


def _cast(x: Array, dtype: Dtype) -> Array:
    if jnp.issubdtype(x.dtype, jnp.complexfloating) and not dtype.is_complex:
        x = jnp.real(x)
    return x.astype(dtype.np)


def softmax_of(x: Array, axis: int) -> Array:
    """exp(x) / sum exp(x); a row of -inf gives NaN, as in PyTorch."""
    if x.ndim == 0:
        return softmax_of(x[None], 0)[0]
    if x.shape[axis] == 0:
        return x
    e = jnp.exp(x - jax.lax.stop_gradient(jnp.max(x, axis, keepdims=True)))
    return e / jnp.sum(e, axis, keepdims=True)


def log_softmax_of(x: Array, axis: int) -> Array:
    """x - log sum exp(x)."""
    if x.ndim == 0:
        return log_softmax_of(x[None], 0)[0]
    if x.shape[axis] == 0:
        return x
    shifted = x - jax.lax.stop_gradient(jnp.max(x, axis, keepdims=True))
    return shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis, keepdims=True))


@op(aliases=("special.softmax",), saves="result", out=True)
def softmax(input: Array, dim: int, dtype: Dtype | None = None) -> Array:
    """``exp(x) / sum(exp(x), dim)``.  ``(*) -> (*)``"""
    input, x, axis = _prepared(input, dim, dtype, "softmax")
    return softmax_of(x, axis).astype(input.dtype)


@op(aliases=("special.log_softmax",), saves="result", out=True)
def log_softmax(input: Array, dim: int, dtype: Dtype | None = None) -> Array:
    """``x - log(sum(exp(x), dim))``.  ``(*) -> (*)``"""
    input, x, axis = _prepared(input, dim, dtype, "log_softmax")
    return log_softmax_of(x, axis).astype(input.dtype)


def _no_stacklevel(key: str) -> Any:
    """``_stacklevel``, the third positional argument, says where to warn; accepted and dropped."""

    def resolve(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
        kwargs.pop("_stacklevel", None)
        return key, args[:2] + args[3:], kwargs

    return resolve


def _implicit_dim(args: dict[str, Any]) -> dict[str, Any]:
    """PyTorch's old choice where no dim is given, with its warning."""
    if args["dim"] is not None:
        return {}
    warnings.warn(
        "Implicit dimension choice for softmax has been deprecated. "
        "Change the call to include dim=X as an argument.",
        UserWarning, stacklevel=5,
    )  # fmt: skip
    return {"dim": 0 if args["input"].ndim in (0, 1, 3) else 1}


@op(
    name="softmax", namespaces=("functional",), method=False, prepare=_implicit_dim, saves="result",
    resolve=_no_stacklevel("functional_softmax"),
)  # fmt: skip
def functional_softmax(input: Array, dim: int | None = None, dtype: Dtype | None = None) -> Array:
    """``torch.softmax`` whose dim may be left out.  ``(*) -> (*)``"""
    assert dim is not None
    return softmax(input, dim, dtype)


@op(
    name="log_softmax", namespaces=("functional",), method=False, prepare=_implicit_dim, saves="result",
    resolve=_no_stacklevel("functional_log_softmax"),
)  # fmt: skip
def functional_log_softmax(
    input: Array, dim: int | None = None, dtype: Dtype | None = None
) -> Array:
    """``torch.log_softmax`` whose dim may be left out.  ``(*) -> (*)``"""
    assert dim is not None
    return log_softmax(input, dim, dtype)


@op(
    namespaces=("functional",), method=False, prepare=_implicit_dim, saves="result", grad_name="Softmax",
    resolve=_no_stacklevel("softmin"),
)  # fmt: skip
def softmin(input: Array, dim: int | None = None, dtype: Dtype | None = None) -> Array:
    """``softmax(-x)``.  ``(*) -> (*)``"""
    assert dim is not None
    if input.dtype == jnp.bool_:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert "
            "a mask, use the `~` or `logical_not()` operator instead."
        )
    return softmax(-input, dim, dtype)


def _gumbels(args: dict[str, Any]) -> dict[str, Any]:
    logits = args["logits"]
    if not logits.dtype.is_floating_point:
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. "
            f"dtype must be a floating point but you specified {TYPE_NAMES[logits.dtype.name]}"
        )
    drawn = args["generator"].exponential(logits.shape, logits.dtype.np)
    with np.errstate(divide="ignore"):
        return {"_gumbel": -np.log(np.asarray(drawn, np.float64))}


@op(namespaces=("functional",), method=False, prepare=_gumbels, grad_name=lambda args: (
    "Add" if args["hard"] else "Softmax"
))  # fmt: skip
def gumbel_softmax(
    logits: Array,
    tau: Scalar = 1,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
    *,
    _gumbel: Array | None = None,
) -> Array:
    """``softmax((logits + Gumbel noise) / tau)``; hard: one-hot forward, soft gradient.  ``(*) -> (*)``"""
    assert _gumbel is not None
    x = wide(logits)
    soft = softmax_of(
        (x + _gumbel.astype(x.dtype)) / tau.astype(x.dtype), normal_dim(dim, logits.ndim)
    ).astype(logits.dtype)
    if not hard:
        return soft
    axis = normal_dim(dim, logits.ndim)
    first = jnp.argmax(soft, axis, keepdims=True)
    place = jax.lax.broadcasted_iota(first.dtype, soft.shape, axis)
    one_hot = (place == first).astype(soft.dtype)
    return one_hot - jax.lax.stop_gradient(soft) + soft
