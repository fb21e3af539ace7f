"""Sums, products, moments and counts over dims."""

from __future__ import annotations

import builtins
import functools
import math
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core import dtypes
from ..core.dtypes import dtype
from ..core.errors import check, not_implemented_for
from ..core.registry import Array, reduction
from ..core.shapes import normal_dims
from .accumulate import dead, floated, is_complex, is_floating, is_inexact, kind, type_name, widened

Dims = tuple[int, ...]


def by_dim(base: str) -> Any:
    """Names the node ``<base>Backward0`` for the whole-tensor overload, ``1`` for the other."""

    def named(args: dict[str, Any]) -> str:
        return f"{base}Backward{0 if args.get('dim') is None else 1}"

    return named


def _summed_dtype(x: Array, wanted: dtype | None) -> np.dtype:
    """Integers and bools are summed in int64."""
    if wanted is not None:
        return wanted.np
    return x.dtype if is_inexact(x) else np.dtype(np.int64)


@reduction(grad_name=by_dim("Sum"), saves="none")
def sum(
    input: Array,
    dim: int | Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Array:
    """Sum over ``dim``; integers give int64, halves add up in float32.  ``(*) -> reduced``"""
    dims = normal_dims(dim, input.ndim)
    to = _summed_dtype(input, dtype)
    return jnp.sum(widened(input.astype(to)), axis=dims, keepdims=keepdim).astype(to)


@reduction(grad_name=by_dim("Mean"), saves="none")
def mean(
    input: Array,
    dim: int | Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Array:
    """Average over ``dim``.  ``(*) -> reduced``

    Raises:
        RuntimeError: the result would be an integer.
    """
    asked = kind(input) if dtype is None else dtype
    if asked.category < dtypes.FLOATING:
        which = "Input" if dtype is None else "Optional"
        raise RuntimeError(
            f"mean(): could not infer output dtype. {which} dtype must be either a floating "
            "point or "
            f"complex dtype. Got: {dtypes.TYPE_NAMES[asked.name]}"
        )
    dims = normal_dims(dim, input.ndim)
    count = math.prod(input.shape[d] for d in dims)
    total = jnp.sum(widened(input.astype(asked.np)), axis=dims, keepdims=keepdim)
    return (total / jnp.asarray(count, total.dtype)).astype(asked.np)


@reduction(grad_name=by_dim("Prod"))
def prod(
    input: Array, dim: int | None = None, keepdim: bool = False, *, dtype: dtype | None = None
) -> Array:
    """Product over one ``dim``, or all; zeros have their exact gradient.  ``(*) -> reduced``"""
    dims = normal_dims(dim, input.ndim)
    to = _summed_dtype(input, dtype)
    return jnp.prod(widened(input.astype(to)), axis=dims, keepdims=keepdim).astype(to)


@reduction(grad_name="Nansum")
def nansum(
    input: Array,
    dim: int | Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Array:
    """Sum that counts NaN as zero.  ``(*) -> reduced``"""
    if is_complex(input):
        raise RuntimeError("nansum on CPU does not support complex inputs")
    return sum(
        dead(jnp.isnan(input), input) if is_floating(input) else input, dim, keepdim, dtype=dtype
    )


@reduction(grad_name="Div")
def nanmean(
    input: Array,
    dim: int | Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Array:
    """Average of what is not NaN.  ``(*) -> reduced``"""
    if not is_inexact(input):
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got "
            f"{type_name(input)}"
        )
    total = nansum(input, dim, keepdim, dtype=dtype)
    dims = normal_dims(dim, input.ndim)
    count = jnp.sum(~jnp.isnan(input), axis=dims, keepdims=keepdim)
    return total / count.astype(total.dtype)


@reduction(nondiff=True)
def all(input: Array, dim: int | Dims | None = None, keepdim: bool = False) -> Array:
    """Whether every element is true; uint8 answers in uint8.  ``(*) -> reduced``"""
    return _logical(jnp.all, input, dim, keepdim)


@reduction(nondiff=True)
def any(input: Array, dim: int | Dims | None = None, keepdim: bool = False) -> Array:
    """Whether some element is true; uint8 answers in uint8.  ``(*) -> reduced``"""
    return _logical(jnp.any, input, dim, keepdim)


def _logical(reduce: Any, x: Array, dim: int | Dims | None, keepdim: bool) -> Array:
    # dim=() reduces nothing here, unlike in the other reductions.
    dims = () if dim == () else normal_dims(dim, x.ndim)
    found = reduce(x != jnp.zeros((), x.dtype), axis=dims, keepdims=keepdim)
    return found.astype(x.dtype if x.dtype == np.uint8 else np.bool_)


@reduction(nondiff=True, out=False)
def count_nonzero(input: Array, dim: int | Dims | None = None) -> Array:
    """How many elements are not zero, as int64.  ``(*) -> reduced``"""
    dims = normal_dims(dim, input.ndim)
    return jnp.sum(input != jnp.zeros((), input.dtype), axis=dims, dtype=np.int64)


@reduction(aliases=("special.logsumexp",))
def logsumexp(input: Array, dim: int | Dims, keepdim: bool = False) -> Array:
    """``log(sum(exp(x)))`` without overflow; all -inf gives -inf.  ``(*) -> reduced``"""
    x = floated(input)
    return _logsumexp(widened(x), normal_dims(dim, x.ndim), keepdim).astype(x.dtype)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _logsumexp(x: Array, dims: Dims, keepdim: bool) -> Array:
    if x.size == 0:
        return jnp.log(jnp.sum(jnp.exp(x), axis=dims, keepdims=keepdim))
    # an infinite maximum must not be subtracted: inf - inf; NaN reaches the sum by itself
    top = jnp.max(jnp.real(x), axis=dims, keepdims=True)
    top = dead(~jnp.isfinite(top), top).astype(x.dtype)
    total = jnp.log(jnp.sum(jnp.exp(x - top), axis=dims, keepdims=True)) + top
    return total if keepdim else jnp.squeeze(total, dims)


@_logsumexp.defjvp
def _logsumexp_jvp(dims: Dims, keepdim: bool, primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    y = _logsumexp(x, dims, True)
    share = jnp.exp(x - dead(jnp.real(y) == -jnp.inf, y))
    moved = jnp.sum(share * t, axis=dims, keepdims=True)
    return (y, moved) if keepdim else (jnp.squeeze(y, dims), jnp.squeeze(moved, dims))


# ---------------------------------------------------------------- variance


def _unbiased_second(key: str) -> Any:
    """``std(x, True)``: a bool in ``dim``'s place is ``unbiased``."""

    def resolve(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
        if len(args) > 1 and isinstance(args[1], bool):
            return key, (args[0], None, args[1], *args[2:]), kwargs
        if "correction" in kwargs and ("unbiased" in kwargs or len(args) > 2):
            raise TypeError(
                f"{key}() received an invalid combination of arguments - got both unbiased and "
                "correction"
            )
        return key, args, kwargs

    return resolve


def _correction(unbiased: bool, correction: float | None) -> float:
    return (1.0 if unbiased else 0.0) if correction is None else correction


def _warn_degenerate(key: str) -> Any:
    def check(args: dict[str, Any]) -> None:
        shape = args["input"].shape
        dims = normal_dims(args.get("dim"), len(shape))
        count = math.prod(shape[d] for d in dims)
        if count <= _correction(args.get("unbiased", True), args.get("correction")):
            warnings.warn(
                f"{key}(): degrees of freedom is <= 0. Correction should be strictly less than the "
                "reduction factor (input numel divided by output numel).",
                stacklevel=2,
            )

    return check


def _mean_square(x: Array) -> Array:
    return jnp.real(x * jnp.conj(x)) if is_complex(x) else jnp.square(x)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _variance(x: Array, dims: Dims, correction: float) -> Array:
    """Reduced dims stay as 1."""
    count = math.prod(x.shape[d] for d in dims)
    off = x - jnp.mean(x, axis=dims, keepdims=True)
    total = jnp.sum(_mean_square(off), axis=dims, keepdims=True)
    return total / jnp.asarray(builtins.max(count - correction, 0), total.dtype)


@_variance.defjvp
def _variance_jvp(
    dims: Dims, correction: float, primals: Any, tangents: Any
) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    count = math.prod(x.shape[d] for d in dims)
    off = x - jnp.mean(x, axis=dims, keepdims=True)
    part = jnp.real(jnp.conj(off) * t) if is_complex(x) else off * t
    y = _variance(x, dims, correction)
    if count <= correction and len(dims) == x.ndim:
        # no degrees of freedom: PyTorch's slope is infinite, NaN at the mean
        slope = jnp.where(off == 0, jnp.nan, jnp.inf).astype(y.dtype)
        return y, jnp.sum(slope * jnp.real(t), axis=dims, keepdims=True)
    with np.errstate(divide="ignore"):
        scale = np.float64(2.0) / np.float64(count - correction)
    return y, jnp.asarray(scale, y.dtype) * jnp.sum(part, axis=dims, keepdims=True)


@jax.custom_jvp
def _root(v: Array) -> Array:
    return jnp.sqrt(v)


@_root.defjvp
def _root_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    (v,), (t,) = primals, tangents
    y = _root(v)
    # a constant input has a std of 0; PyTorch's gradient there is 0
    return y, dead(y == 0, t / (2 * jnp.where(y == 0, jnp.ones((), y.dtype), y)))


def _moment(
    x: Array, dim: int | Dims | None, correction: float, keepdim: bool, root: bool, text: str
) -> Array:
    if not is_inexact(x):
        raise RuntimeError(f"{text} only support floating point and complex dtypes")
    dims = normal_dims(dim, x.ndim)
    found = _variance(widened(x), dims, correction)
    found = (_root(found) if root else found).astype(jnp.real(x).dtype)
    return found if keepdim else jnp.squeeze(found, dims)


@reduction(resolve=_unbiased_second("var"), check=_warn_degenerate("var"))
def var(
    input: Array,
    dim: int | Dims | None = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Array:
    """``sum |x - mean|² / (n - correction)``.  ``(*) -> reduced``"""
    by = _correction(unbiased, correction)
    return _moment(input, dim, by, keepdim, False, "std and var")


@reduction(resolve=_unbiased_second("std"), check=_warn_degenerate("std"))
def std(
    input: Array,
    dim: int | Dims | None = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Array:
    """Root of ``var``; its gradient is 0 where it is 0.  ``(*) -> reduced``"""
    by = _correction(unbiased, correction)
    return _moment(input, dim, by, keepdim, True, "std and var")


@reduction(
    method=False,
    out=False,
    resolve=_unbiased_second("var_mean"),
    check=_warn_degenerate("var_mean"),
)
def var_mean(
    input: Array,
    dim: int | Dims | None = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Array, Array]:
    """``(var, mean)``.  ``(*) -> reduced, reduced``"""
    by = _correction(unbiased, correction)
    return _moment(input, dim, by, keepdim, False, "var_mean"), mean(input, dim, keepdim)


@reduction(
    method=False,
    out=False,
    resolve=_unbiased_second("std_mean"),
    check=_warn_degenerate("std_mean"),
)
def std_mean(
    input: Array,
    dim: int | Dims | None = None,
    unbiased: bool = True,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Array, Array]:
    """``(std, mean)``.  ``(*) -> reduced, reduced``"""
    by = _correction(unbiased, correction)
    return _moment(input, dim, by, keepdim, True, "std_mean"), mean(input, dim, keepdim)


@reduction(out=False, saves="none")
def trace(input: Array) -> Array:
    """Sum of the main diagonal; integers give int64.  ``(N, M) -> ()``"""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    if input.dtype == np.bool_:
        raise not_implemented_for("trace", "Bool")
    return sum(jnp.diagonal(input))


@reduction(nondiff=True)
def hash_tensor(
    input: Array, dim: int | Dims = (), *, keepdim: bool = False, mode: int = 0
) -> Array:
    """Exclusive or of the bits of all elements, as 64-bit numbers, in uint64.

    ``(*) -> reduced``
    """
    check(mode == 0, f"Unknown hash_tensor mode: {mode}")
    if is_complex(input):
        raise not_implemented_for("xor_sum_cpu", type_name(input))
    dims = normal_dims(dim, input.ndim)
    check(
        input.size > 0 or dim != (),
        "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the "
        "reduction dim with the 'dim' argument.",
    )
    wide = input.astype(np.float64 if is_floating(input) else np.int64)
    bits = jax.lax.bitcast_convert_type(wide, np.uint64)
    found = jax.lax.reduce(bits, np.uint64(0), jax.lax.bitwise_xor, dims)
    return jnp.expand_dims(found, dims) if keepdim else found
