"""Average pooling: plain, adaptive, and by the p-norm."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ...core.errors import dim_out_of_range, not_implemented_for, shape_text
from ...core.registry import Array, op
from . import formulation
from .adaptive_pool import sizes_of
from .pool import max_pool1d, max_pool2d, max_pool3d, named
from .precision import type_name, wide
from .windows import adaptive_bounds, block_sum, padded_to_fit, per_dim, pooled_size, taps

_Ints = int | tuple[int, ...]


def _gathered_sum(x: Array, where: np.ndarray, inside: np.ndarray) -> Array:
    """Sum over the elements of each window along the last dim; what is not inside counts 0."""

    @jax.custom_jvp
    def total(x: Array) -> Array:
        return jnp.where(inside, x[..., where], 0).sum(-1, dtype=x.dtype)

    @total.defjvp
    def _(primals: Any, tangents: Any) -> tuple[Array, Array]:
        # as a matrix: its adjoint is a product, a gather's would be a scatter
        dense = np.zeros((len(where), x.shape[-1]))
        np.add.at(dense, (np.arange(len(where))[:, None], where), inside)
        t = tangents[0]
        return total(*primals), jnp.matmul(t, jnp.asarray(dense.T, t.dtype), precision="highest")

    return total(x)


def _axis_sum(x: Array, k: int, s: int, p: int, count: int) -> Array:
    """Sums of windows along the last dim."""
    size = x.shape[-1]
    if k <= formulation.AXIS_SLICES:
        return _sliced_sum(x, (k,), (s,), (p,), (count,))
    if k == s and p == 0 and count * k <= size:
        return x[..., : count * k].reshape(*x.shape[:-1], count, k).sum(-1, dtype=x.dtype)
    where = np.arange(count)[:, None] * s - p + np.arange(k)[None]
    return _gathered_sum(x, where.clip(0, size - 1), (where >= 0) & (where < size))


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3, 4))
def _sliced_sum(x: Array, kernel: Any, stride: Any, pad: Any, counts: Any) -> Array:
    ones = (1,) * len(kernel)
    parts = taps(
        padded_to_fit(x, 0, kernel, stride, pad, ones, counts), kernel, stride, ones, counts
    )
    return functools.reduce(jnp.add, parts)


@_sliced_sum.defjvp
def _sliced_sum_jvp(kernel: Any, stride: Any, pad: Any, counts: Any, primals: Any,
                    tangents: Any) -> tuple[Array, Array]:  # fmt: skip
    (x,), (t,) = primals, tangents
    out = _sliced_sum(x, kernel, stride, pad, counts)
    if kernel != stride:
        return out, _sliced_sum(t, kernel, stride, pad, counts)
    # the same sum; slower forward, but its adjoint is a broadcast
    ones = (1,) * len(kernel)
    t = padded_to_fit(t, 0, kernel, stride, pad, ones, counts)
    return out, block_sum(t, kernel)


def window_sum(x: Array, kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int],
               counts: Sequence[int]) -> Array:  # fmt: skip
    """Sums of sliding windows over the last dims."""
    n = len(kernel)
    if math.prod(kernel) <= formulation.WINDOW_SLICES:
        return _sliced_sum(x, tuple(kernel), tuple(stride), tuple(pad), tuple(counts))
    for d in reversed(range(n)):
        axis = x.ndim - n + d
        moved = jnp.moveaxis(x, axis, -1)
        x = jnp.moveaxis(_axis_sum(moved, kernel[d], stride[d], pad[d], counts[d]), -1, axis)
    return x


def _divisors(size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int],
              counts: Sequence[int], include_pad: bool) -> np.ndarray:  # fmt: skip
    """Elements that each window averages over; windows never reach past the right padding."""
    total = np.ones((1,) * len(kernel), np.int64)
    for d, (m, k, s, p, n) in enumerate(zip(size, kernel, stride, pad, counts, strict=True)):
        start = np.arange(n) * s - p
        end = np.minimum(start + k, m + p)
        each = end - start
        if not include_pad:
            each = np.minimum(end, m) - np.maximum(start, 0)
        shape = [1] * len(kernel)
        shape[d] = n
        total = total * each.reshape(shape)
    return total


def _divided(total: Array, by: Any) -> Array:
    by = jnp.asarray(by, total.dtype)
    if jnp.issubdtype(total.dtype, jnp.integer):
        return lax.div(total, jnp.broadcast_to(by, total.shape))
    return total / by


def _avg_pool(n: int, input: Array, kernel_size: Any, stride: Any, padding: Any, ceil: bool,
              include_pad: bool, divisor: int | None) -> Array:  # fmt: skip
    name = f"avg_pool{n}d"
    if n == 1:
        _check_1d(kernel_size, stride, padding)
    ints = {1: "one int", 2: "two ints", 3: "three ints"}[n]
    kernel = per_dim(
        kernel_size, n, f"{name}: kernel_size must either be a single int, or a tuple of {ints}"
    )
    absent = stride is None or (isinstance(stride, (tuple, list)) and len(stride) == 0)
    step = kernel if absent else per_dim(
        stride, n, f"{name}: stride must either be omitted, a single int, or a tuple of {ints}"
    )  # fmt: skip
    pad = per_dim(padding, n, f"{name}: padding must either be a single int, or a tuple of {ints}")
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    if n == 2 and input.ndim < 3:
        raise dim_out_of_range(-3, input.ndim)
    spatial = input.shape[-n:] if input.ndim >= n else ()
    counts = [
        pooled_size(m, k, s, p, 1, ceil)
        for m, k, s, p in zip(spatial, kernel, step, pad, strict=False)
    ]
    if min(kernel) <= 0 or min(step) <= 0:
        bad = min(kernel) <= 0
        what, word, values = ("kernel size", "k", kernel) if bad else ("stride", "d", step)
        raise RuntimeError(f"{what} should be greater than zero, but got {named(word, values)}")
    if input.ndim not in (n + 1, n + 2) or 0 in input.shape[-n - 1 :]:
        raise RuntimeError(_wrong_input(n, input))
    if min(counts) < 1:
        before, after = (
            "x".join(str(v) for v in (input.shape[-n - 1], *((1,) if n == 1 else ()), *sizes))
            for sizes in (spatial, counts)
        )
        raise RuntimeError(
            f"Given input size: ({before}). Calculated output size: ({after}). Output size is too small"
        )
    is_float = jnp.issubdtype(input.dtype, jnp.floating)
    if not is_float and input.dtype != jnp.int64:
        raise not_implemented_for(f"avg_pool{max(n, 2)}d", type_name(input))
    total = window_sum(wide(input), kernel, step, pad, counts)
    by = divisor or _divisors(spatial, kernel, step, pad, counts, include_pad)
    return _divided(total, by).astype(input.dtype)


def _wrong_input(n: int, input: Array) -> str:
    if n == 3:
        return "non-empty 4D or 5D (batch mode) tensor expected for input"
    if n == 1 and input.ndim not in (2, 3):
        return (
            f"Expected 2 to 3 dimensions, but got {input.ndim}-dimensional tensor for argument #1 'self' "
            "(while checking arguments for avg_pool1d)"
        )
    return (
        f"Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size for input, but "
        f"got: {shape_text(input.shape)}"
    )


def _check_1d(kernel_size: Any, stride: Any, padding: Any) -> None:
    for word, value in (("kernel_size", kernel_size), ("stride", stride), ("padding", padding)):
        count = len(value) if isinstance(value, (tuple, list)) else 1
        if count > 1 or (count == 0 and word != "stride"):
            raise RuntimeError(
                f"avg_pool1d() argument '{word}' should contain one int (got {count})"
            )


@op(namespaces=("torch", "functional"), method=False, grad_name="SqueezeBackward1", keeps=("input",))
def avg_pool1d(
    input: Array,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Mean of each window.  ``(N, C, L) -> (N, C, L')``; N may be absent"""
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@op(namespaces=("functional",), method=False, out=True, grad_name="AvgPool2D", keeps=("input",))
def avg_pool2d(
    input: Array,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """Mean of each window.  ``(N, C, H, W) -> (N, C, H', W')``; N may be absent"""
    return _avg_pool(
        2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


@op(namespaces=("functional",), method=False, out=True, grad_name="AvgPool3D", keeps=("input",))
def avg_pool3d(
    input: Array,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """Mean of each window.  ``(N, C, D, H, W) -> (N, C, D', H', W')``; N may be absent"""
    return _avg_pool(
        3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def adaptive_avg(n: int, input: Array, output_size: Any) -> Array:
    """Means of windows that cover the last n dims."""
    sizes = sizes_of(f"adaptive_avg_pool{n}d", n, input, output_size)
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"adaptive_avg_pool{n}d(): Expected {n + 1}D or {n + 2}D tensor, but got "
            f"{shape_text(input.shape)}"
        )
    if 0 in input.shape[-n:]:
        raise RuntimeError(
            f"adaptive_avg_pool{n}d(): Expected input to have non-zero size for non-batch dimensions, but "
            f"input has sizes {shape_text(input.shape)} with dimension {input.shape.index(0)} being empty"
        )
    if not jnp.issubdtype(input.dtype, jnp.floating):
        raise not_implemented_for(f"adaptive_avg_pool{max(n, 2)}d", type_name(input))
    if 0 in sizes:
        return jnp.zeros((*input.shape[:-n], *sizes), input.dtype)
    x = wide(input)
    for d in reversed(range(n)):
        axis, size, out = x.ndim - n + d, input.shape[d - n], sizes[d]
        if size == out:
            continue
        x = jnp.moveaxis(x, axis, -1)
        start, end = adaptive_bounds(size, out)
        if size % out == 0:
            x = x.reshape(*x.shape[:-1], out, size // out).sum(-1)
        else:
            where = start[:, None] + np.arange(int((end - start).max()))[None]
            x = _gathered_sum(x, where.clip(0, size - 1), where < end[:, None])
        x = jnp.moveaxis(x / jnp.asarray(end - start, x.dtype), -1, axis)
    return x.astype(input.dtype)


def _is_mean(args: dict[str, Any]) -> bool:
    """PyTorch turns the mean over everything into mean()."""
    sizes = args["output_size"]
    return set((sizes,) if isinstance(sizes, int) else tuple(sizes)) == {1}


def _adaptive_keeps(args: dict[str, Any]) -> tuple[str, ...] | None:
    return None if _is_mean(args) else ("input",)


@op(namespaces=("torch", "functional"), method=False, grad_name="SqueezeBackward1", keeps=_adaptive_keeps)
def adaptive_avg_pool1d(input: Array, output_size: _Ints) -> Array:
    """Mean of each of output_size windows that cover the input.  ``(N, C, L) -> (N, C, output_size)``"""
    return adaptive_avg(1, input, output_size)


def _adaptive_name(n: int) -> Any:
    return lambda args: "MeanBackward1" if _is_mean(args) else f"AdaptiveAvgPool{n}DBackward0"


@op(namespaces=("functional",), method=False, grad_name=_adaptive_name(2), keeps=_adaptive_keeps)
def adaptive_avg_pool2d(input: Array, output_size: Any) -> Array:
    """Mean of each of output_size windows that cover the input.  ``(N, C, H, W) -> (N, C, *output_size)``"""
    return adaptive_avg(2, input, output_size)


@op(namespaces=("functional",), method=False, grad_name=_adaptive_name(3), keeps=_adaptive_keeps)
def adaptive_avg_pool3d(input: Array, output_size: Any) -> Array:
    """Mean of each of output_size windows that cover the input.  ``(N, C, D, H, W) -> (N, C, *output_size)``"""
    return adaptive_avg(3, input, output_size)


def _lp_pool(
    n: int, input: Array, norm_type: float, kernel_size: Any, stride: Any, ceil: bool
) -> Array:
    largest = (max_pool1d, max_pool2d, max_pool3d)[n - 1]
    if norm_type == math.inf:
        return largest(jnp.abs(input), kernel_size, stride, 0, 1, ceil)
    if norm_type == -math.inf:
        return -largest(-jnp.abs(input), kernel_size, stride, 0, 1, ceil)
    power = input ** int(norm_type) if float(norm_type).is_integer() else input**norm_type
    mean = _avg_pool(n, power, kernel_size, stride, 0, ceil, True, None)
    count = math.prod(per_dim(kernel_size, n, ""))
    positive = jnp.where(jnp.abs(mean) <= 0, 0, jnp.abs(mean))
    return (jnp.sign(mean) * positive * count) ** (1.0 / norm_type)


@op(namespaces=("functional",), method=False, grad_name="Pow")
def lp_pool1d(
    input: Array,
    norm_type: float,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    ceil_mode: bool = False,
) -> Array:
    """``(sum x^p)^(1/p)`` of each window.  ``(N, C, L) -> (N, C, L')``"""
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


@op(namespaces=("functional",), method=False, grad_name="Pow")
def lp_pool2d(
    input: Array,
    norm_type: float,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    ceil_mode: bool = False,
) -> Array:
    """``(sum x^p)^(1/p)`` of each window.  ``(N, C, H, W) -> (N, C, H', W')``"""
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


@op(namespaces=("functional",), method=False, grad_name="Pow")
def lp_pool3d(
    input: Array,
    norm_type: float,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    ceil_mode: bool = False,
) -> Array:
    """``(sum x^p)^(1/p)`` of each window.  ``(N, C, D, H, W) -> (N, C, D', H', W')``"""
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)
