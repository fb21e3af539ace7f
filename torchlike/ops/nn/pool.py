"""Max pooling, with indices.

A window's maximum is found by ``where(v > best, v, best)`` over its elements, so that NaN survives; the
cotangent goes to the first maximum, as PyTorch has it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ...core.errors import not_implemented_for, shape_text
from ...core.registry import Array, op
from . import formulation
from .precision import type_name
from .windows import (
    block_sum,
    offsets,
    padded_to_fit,
    per_dim,
    pooled_size,
    product,
    taps,
)

_Ints = int | tuple[int, ...]


def _lowest(x: Array) -> Any:
    if jnp.issubdtype(x.dtype, jnp.floating):
        return -np.inf
    return np.iinfo(np.dtype(x.dtype)).min


def _wins(v: Array, best: Array) -> Array:
    """PyTorch's update rule: strictly greater, or NaN."""
    better = v > best
    return better | jnp.isnan(v) if jnp.issubdtype(v.dtype, jnp.floating) else better


def _validity(size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int],
              dilation: Sequence[int], counts: Sequence[int]) -> list[np.ndarray | None]:  # fmt: skip
    """Per window position: which windows have it inside the input (None: all)."""
    found: list[np.ndarray | None] = []
    for at in offsets(kernel):
        inside = np.ones(tuple(counts), bool)
        for dim, (m, s, p, d, n, a) in enumerate(
            zip(size, stride, pad, dilation, counts, at, strict=True)
        ):
            place = np.arange(n) * s - p + a * d
            shape = [1] * len(kernel)
            shape[dim] = n
            inside &= ((place >= 0) & (place < m)).reshape(shape)
        found.append(None if inside.all() else inside)
    return found


def _slices(
    x: Array, kernel: Any, stride: Any, pad: Any, dilation: Any, counts: Any
) -> list[Array]:
    rest = (kernel, stride, pad, dilation, counts)
    return taps(padded_to_fit(x, _lowest(x), *rest), kernel, stride, dilation, counts)


def _largest(values: list[Array]) -> Array:
    best = values[0]
    for v in values[1:]:
        best = jnp.where(_wins(v, best), v, best)
    return best


def _winner(values: list[Array], best: Array, valid: list[np.ndarray | None]) -> Array:
    """Which slice each maximum is: the first that equals it, or the first NaN."""
    winner = jnp.full(best.shape, len(values) - 1, jnp.int32)
    for i in reversed(range(len(values))):
        mask = valid[i]
        same = values[i] == best
        if jnp.issubdtype(best.dtype, jnp.floating):
            same = same | jnp.isnan(values[i])
        winner = jnp.where(same if mask is None else same & mask, i, winner)
    return winner


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3, 4, 5))
def _sliced(x: Array, kernel: Any, stride: Any, pad: Any, dilation: Any, counts: Any) -> Array:
    """Maximum of strided slices over the last dims."""
    return _largest(_slices(x, kernel, stride, pad, dilation, counts))


@_sliced.defjvp
def _sliced_jvp(kernel: Any, stride: Any, pad: Any, dilation: Any, counts: Any, primals: Any,
                tangents: Any) -> tuple[Array, Array]:  # fmt: skip
    (x,), (t,) = primals, tangents
    best, winner = _placed_max(x, kernel, stride, pad, dilation, counts)
    return best, _of_winner(t, winner, kernel, stride, pad, dilation, counts)


def _placed_max(x: Array, kernel: Any, stride: Any, pad: Any, dilation: Any,
                counts: Any) -> tuple[Array, Array]:  # fmt: skip
    rest = (kernel, stride, pad, dilation, counts)
    values = _slices(x, *rest)
    # without the barriers XLA finds the maximum anew for every comparison with it
    best = lax.optimization_barrier(_largest(values))
    winner = _winner(values, best, _validity(x.shape[-len(kernel) :], *rest))
    return best, lax.optimization_barrier(winner)


def _repeated(x: Array, kernel: Sequence[int]) -> Array:
    for d, k in enumerate(kernel):
        x = jnp.repeat(x, k, x.ndim - len(kernel) + d)
    return x


def _of_winner(t: Array, winner: Array, kernel: Any, stride: Any, pad: Any, dilation: Any,
               counts: Any) -> Array:  # fmt: skip
    """t's elements at the winners' places."""
    t = padded_to_fit(t, 0, kernel, stride, pad, dilation, counts)
    if tuple(kernel) == tuple(stride) and all(d == 1 for d in dilation):
        place = np.arange(product(kernel)).reshape(kernel)
        for d, n in enumerate(counts):
            place = np.concatenate([place] * n, d)
        kept = jnp.where(_repeated(winner, kernel) == place, t, 0)
        return block_sum(kept, kernel)
    total: Any = None
    for i, v in enumerate(taps(t, kernel, stride, dilation, counts)):
        part = jnp.where(winner == i, v, 0)
        total = part if total is None else total + part
    return total


def _sliced_index(x: Array, index: Array, kernel: Any, stride: Any, pad: Any, dilation: Any,
                  counts: Any) -> Array:  # fmt: skip
    """The index that goes with each maximum."""
    rest = (kernel, stride, pad, dilation, counts)
    x = lax.stop_gradient(x)
    _, winner = _placed_max(x, *rest)
    if jnp.issubdtype(x.dtype, jnp.floating):
        for i, v in enumerate(_slices(x, *rest)):  # PyTorch reports the last NaN
            winner = jnp.where(jnp.isnan(v), i, winner)
    found: Any = 0
    for i, v in enumerate(taps(padded_to_fit(index, 0, *rest), kernel, stride, dilation, counts)):
        found = jnp.where(winner == i, v, found)
    return found


def gathered_max(
    x: Array, index: Array | None, axis: int, where: np.ndarray
) -> tuple[Array, Array | None]:
    """Maximum over windows given as positions (windows, elements) along axis; repeats do no harm."""
    v = jnp.moveaxis(x, axis, -1)[..., where]  # (*, windows, elements)
    if jnp.issubdtype(v.dtype, jnp.floating):
        nan = jnp.isnan(v)
        last_nan = v.shape[-1] - 1 - jnp.argmax(jnp.flip(nan, -1), -1, keepdims=True)
        pick = jnp.where(nan.any(-1, keepdims=True), last_nan, jnp.argmax(v, -1, keepdims=True))
    else:
        pick = jnp.argmax(v, -1, keepdims=True)
    best = jnp.moveaxis(jnp.take_along_axis(v, pick, -1)[..., 0], -1, axis)
    if index is None:
        return best, None
    places = jnp.moveaxis(jnp.broadcast_to(index, x.shape), axis, -1)[..., where]
    return best, jnp.moveaxis(jnp.take_along_axis(places, pick, -1)[..., 0], -1, axis)


def plane_index(x: Array, n: int) -> Array:
    """Each element's position in its plane, shaped like the last n dims."""
    return jnp.arange(product(x.shape[-n:]), dtype=jnp.int64).reshape(
        (1,) * (x.ndim - n) + x.shape[-n:]
    )


def window_max(x: Array, kernel: Sequence[int], stride: Sequence[int], pad: Sequence[int],
               dilation: Sequence[int], counts: Sequence[int],
               with_index: bool) -> tuple[Array, Array | None]:  # fmt: skip
    """Maxima of sliding windows over the last dims, and optionally their positions in the plane."""
    n = len(kernel)
    index = plane_index(x, n) if with_index else None
    if product(kernel) <= formulation.WINDOW_SLICES:
        rest = tuple(tuple(v) for v in (kernel, stride, pad, dilation, counts))
        return _sliced(x, *rest), None if index is None else _sliced_index(x, index, *rest)
    # last dim first: the leftmost maximum of each row, then the topmost row: PyTorch's order
    if index is not None:
        index = jnp.broadcast_to(index, x.shape)
    for d in reversed(range(n)):
        axis = x.ndim - n + d
        k, s, p, step, count = kernel[d], stride[d], pad[d], dilation[d], counts[d]
        if k <= formulation.AXIS_SLICES:
            rest = ((k,), (s,), (p,), (step,), (count,))
            x = jnp.moveaxis(x, axis, -1)
            if index is not None:
                index = _sliced_index(x, jnp.moveaxis(index, axis, -1), *rest)
                index = jnp.moveaxis(index, -1, axis)
            x = jnp.moveaxis(_sliced(x, *rest), -1, axis)
        else:
            where = np.arange(count)[:, None] * s - p + np.arange(k)[None] * step
            size = x.shape[axis]
            inside = (where >= 0) & (where < size)
            some = where[np.arange(count), inside.argmax(1)][:, None]
            x, index = gathered_max(x, index, axis, np.where(inside, where, some))
    return x, index


_SPELLED = {1: "one int", 2: "two ints", 3: "three ints"}


def _knobs(
    name: str, n: int, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[tuple[int, ...], ...]:
    ints = "a tuple of " + _SPELLED[n]
    if n == 1:
        for word, value, wanted in (
            ("kernel_size", kernel, "an int, list of ints or tuple of ints"),
            ("stride", stride, "None, an int, list of ints, or tuple of ints"),
            ("padding", padding, "an int, list of ints, or tuple of ints"),
            ("dilation", dilation, "an int, list of ints or tuple of ints"),
        ):
            if isinstance(value, (tuple, list)) and len(value) > 1:
                raise RuntimeError(
                    f"max_pool1d() {word} must be {wanted} of size 1 but got size {len(value)}"
                )
    k = per_dim(kernel, n, f"{name}: kernel_size must either be a single int, or {ints}")
    absent = stride is None or (isinstance(stride, (tuple, list)) and len(stride) == 0)
    s = k if absent else per_dim(
        stride, n, f"{name}: stride must either be omitted, a single int, or {ints}"
    )  # fmt: skip
    p = per_dim(padding, n, f"{name}: padding must either be a single int, or {ints}")
    d = per_dim(dilation, n, f"{name}: dilation must be either a single int, or {ints}")
    return k, s, p, d


def _check_positive(kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> None:
    n = len(kernel)
    for title, word, values in (
        ("kernel size", "k", kernel), ("stride", "d", stride), ("dilation", "dilation", dilation)
    ):  # fmt: skip
        if any(v <= 0 for v in values):
            if n == 1:
                name = title.replace(" ", "_")
                raise RuntimeError(
                    f"max_pool1d() {name} must be greater than zero, but got {values[0]}"
                )
            raise RuntimeError(
                f"{title} should be greater than zero, but got {named(word, values)}"
            )


def _too_much_padding(kernel: Sequence[int], pad: Sequence[int]) -> str:
    if len(kernel) == 1:
        return (
            f"max_pool1d() padding should be at most half of kernel size, but got padding={pad[0]} and "
            f"kernel_size={kernel[0]}"
        )
    start = "pad should be smaller than or equal to half of kernel size, but got "
    if len(kernel) == 2:
        return start + f"padW = {pad[1]}, padH = {pad[0]}, kW = {kernel[1]}, kH = {kernel[0]}"
    return start + (
        f"kT: {kernel[0]} kW: {kernel[2]} kH: {kernel[1]} padT: {pad[0]} padW: {pad[2]} padH: {pad[1]}"
    )


def named(word: str, values: Sequence[int]) -> str:
    """``kH: 0 kW: 0``"""
    letters = "THW"[-len(values) :]
    return " ".join(f"{word}{c}: {v}" for c, v in zip(letters, values, strict=True))


def _check_input(n: int, x: Array) -> None:
    is_fine = x.ndim in (n + 1, n + 2) and 0 not in x.shape[-n - 1 :]
    if n == 1:
        is_fine = x.ndim in (2, 3) and (0 not in x.shape[-2:] and (x.ndim == 3 or 0 not in x.shape))
    if n > 1 and x.ndim not in (n + 1, n + 2):
        raise RuntimeError(f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input")
    if not is_fine and n < 3:
        start = "max_pool1d: " if n == 1 else ""
        raise RuntimeError(
            f"{start}Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size for "
            f"input, but got:{shape_text(x.shape)}"
        )
    if not is_fine:
        zero = next(i for i, m in enumerate(x.shape[-4:], -1) if m == 0)
        raise RuntimeError(
            "max_pool3d_with_indices_out_cpu_template(): Expected input's non-batch dimensions to have "
            f"positive length, but input has a shape of {shape_text(x.shape)} and non-batch dimension "
            f"{zero} has length zero!"
        )


def _max_pool(n: int, input: Array, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool,
              with_index: bool) -> Any:  # fmt: skip
    name = f"max_pool{n}d"
    k, s, p, d = _knobs(name, n, kernel, stride, padding, dilation)
    if n == 1:
        _check_positive(k, s, d)
    spatial = input.shape[-n:] if input.ndim >= n else ()
    counts = [pooled_size(m, k[i], s[i], p[i], d[i], ceil) for i, m in enumerate(spatial)]
    if n > 1:
        _check_positive(k, s, d)
    if any(pad > size // 2 for pad, size in zip(p, k, strict=True)):
        raise RuntimeError(_too_much_padding(k, p))
    _check_input(n, input)
    if min(counts) < 1:
        if n == 1:
            raise RuntimeError(f"max_pool1d() Invalid computed output size: {counts[0]}")
        before, after = (
            "x".join(str(v) for v in (input.shape[-n - 1], *sizes)) for sizes in (spatial, counts)
        )
        raise RuntimeError(
            f"Given input size: ({before}). Calculated output size: ({after}). Output size is too small"
        )
    if input.dtype == jnp.bool_ or jnp.iscomplexobj(input):
        raise not_implemented_for(f"max_pool{n}d", type_name(input))
    out, index = window_max(input, k, s, p, d, counts, with_index)
    return (out, jnp.broadcast_to(index, out.shape)) if index is not None else out


@op(namespaces=("torch", "functional"), method=False, grad_name="SqueezeBackward1")
def max_pool1d(
    input: Array,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    dilation: _Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Array | tuple[Array, Array]:
    """Maximum of each window.  ``(N, C, L) -> (N, C, L')``; N may be absent"""
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@op(namespaces=("torch", "functional"), method=False, grad_name="MaxPool2DWithIndices")
def max_pool2d(
    input: Array,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    dilation: _Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Array | tuple[Array, Array]:
    """Maximum of each window.  ``(N, C, H, W) -> (N, C, H', W')``; N may be absent"""
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@op(namespaces=("torch", "functional"), method=False, grad_name="MaxPool3DWithIndices")
def max_pool3d(
    input: Array,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    dilation: _Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Array | tuple[Array, Array]:
    """Maximum of each window.  ``(N, C, D, H, W) -> (N, C, D', H', W')``; N may be absent"""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@op(namespaces=("torch", "functional"), method=False, grad_name="SqueezeBackward1")
def max_pool1d_with_indices(
    input: Array,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    dilation: _Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Array, Array]:
    """``max_pool1d`` with each maximum's position.  ``(N, C, L) -> (N, C, L'), (N, C, L')``"""
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, True)


@op(namespaces=("functional",), method=False, grad_name="MaxPool2DWithIndices")
def max_pool2d_with_indices(
    input: Array,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    dilation: _Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Array, Array]:
    """``max_pool2d`` with each maximum's position in its plane.  ``(N, C, H, W) -> 2 x (N, C, H', W')``"""
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, True)


@op(namespaces=("functional",), method=False, grad_name="MaxPool3DWithIndices")
def max_pool3d_with_indices(
    input: Array,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    dilation: _Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = True,
) -> tuple[Array, Array]:
    """``max_pool3d`` with each maximum's position in its volume.  ``(N, C, D, H, W) -> 2 x (N, C, D', H', W')``"""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, True)
