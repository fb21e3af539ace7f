"""Adaptive max pooling: as many windows as asked for, that cover the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...core.errors import not_implemented_for, shape_text
from ...core.registry import Array, op
from .pool import gathered_max, plane_index, window_max
from .precision import type_name
from .windows import adaptive_bounds

_Ints = int | tuple[int, ...]


def adaptive_max(x: Array, sizes: Sequence[int], with_index: bool) -> tuple[Array, Array | None]:
    """Maxima of ``sizes`` windows that cover the last dims."""
    n = len(sizes)
    shape = x.shape[-n:]
    if all(out and size % out == 0 for size, out in zip(shape, sizes, strict=True)):
        kernel = [size // out for size, out in zip(shape, sizes, strict=True)]
        return window_max(x, kernel, kernel, (0,) * n, (1,) * n, sizes, with_index)
    index = jnp.broadcast_to(plane_index(x, n), x.shape) if with_index else None
    for d in reversed(range(n)):
        start, end = adaptive_bounds(shape[d], sizes[d])
        longest = int((end - start).max(initial=1))
        where = np.minimum(start[:, None] + np.arange(longest)[None], end[:, None] - 1)
        x, index = gathered_max(x, index, x.ndim - n + d, where)
    return x, index


def sizes_of(name: str, n: int, input: Array, output_size: Any) -> tuple[int, ...]:
    """The output's spatial sizes, None meaning the input's.

    Raises:
        ValueError: too few dims for the missing sizes.
        RuntimeError: wrong number of sizes, or a negative one.
    """
    given: tuple[Any, ...] | None = (
        tuple(output_size) if isinstance(output_size, (tuple, list)) else None
    )
    if n == 1:
        if given is not None and len(given) != 1:
            raise RuntimeError(
                f"{name}() argument 'output_size' should contain one int (got {len(given)})"
            )
    elif given is not None:
        if input.ndim <= len(given):
            raise ValueError(f"Input dimension should be at least {len(given) + 1}")
        if len(given) != n:
            text = "(): internal error: output_size.size()" if "max" in name else ": output_size"
            raise RuntimeError(f"{name}{text} must be {n}")
    sizes: tuple[Any, ...] = given if given is not None else (output_size,) * n
    filled = tuple(input.shape[d - n] if v is None else int(v) for d, v in enumerate(sizes))
    if min(filled) < 0:
        if "avg" in name:
            shown = filled if n > 1 else (1, *filled)
            text = (
                ", ".join(str(v) for v in shown) if n < 3 else f"{shown[0]}, {shown[1]},{shown[2]}"
            )
            raise RuntimeError(
                f"adaptive_avg_pool{max(n, 2)}d: elements of output_size must be greater than or equal to "
                f"0 but received {{{text}}}"
            )
        shape = (*input.shape[:-n], *((1,) if n == 1 else ()), *filled)
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {min(filled)}: {shape_text(shape)}"
        )
    return filled


def _adaptive_max_pool(n: int, input: Array, output_size: Any, with_index: bool) -> Any:
    name = f"adaptive_max_pool{n}d"
    sizes = sizes_of(name, n, input, output_size)
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got: {shape_text(input.shape)}"
        )
    if 0 in input.shape[-n - (1 if input.ndim == n + 2 else 0) :]:
        raise RuntimeError(
            f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
            f"{shape_text(input.shape)} with dimension {input.shape.index(0)} being empty"
        )
    if not jnp.issubdtype(input.dtype, jnp.floating):
        raise not_implemented_for(f"adaptive_max_pool{max(n, 2)}d", type_name(input))
    if 0 in sizes:
        out = jnp.zeros((*input.shape[:-n], *sizes), input.dtype)
        return (out, out.astype(jnp.int64)) if with_index else out
    out, index = adaptive_max(input, sizes, with_index)
    return (out, jnp.broadcast_to(index, out.shape)) if index is not None else out


@op(namespaces=("torch", "functional"), method=False, grad_name="SqueezeBackward1")
def adaptive_max_pool1d(
    input: Array, output_size: _Ints, return_indices: bool = False
) -> Array | tuple[Array, Array]:
    """Maximum of each of output_size windows that cover the input.  ``(N, C, L) -> (N, C, output_size)``"""
    return _adaptive_max_pool(1, input, output_size, return_indices)


@op(namespaces=("functional",), method=False, grad_name="AdaptiveMaxPool2D")
def adaptive_max_pool2d(
    input: Array, output_size: Any, return_indices: bool = False
) -> Array | tuple[Array, Array]:
    """Maximum of each of output_size windows that cover the input.  ``(N, C, H, W) -> (N, C, *output_size)``"""
    return _adaptive_max_pool(2, input, output_size, return_indices)


@op(namespaces=("functional",), method=False, grad_name="AdaptiveMaxPool3D")
def adaptive_max_pool3d(
    input: Array, output_size: Any, return_indices: bool = False
) -> Array | tuple[Array, Array]:
    """Maximum of each of output_size windows that cover the input.  ``(N, C, D, H, W) -> (N, C, *output_size)``"""
    return _adaptive_max_pool(3, input, output_size, return_indices)


@op(namespaces=("functional",), method=False, grad_name="SqueezeBackward1")
def adaptive_max_pool1d_with_indices(
    input: Array, output_size: Any, return_indices: bool = True
) -> tuple[Array, Array]:
    """``adaptive_max_pool1d`` with each maximum's position.  ``(N, C, L) -> 2 x (N, C, output_size)``"""
    return adaptive_max_pool1d(input, output_size, True)


@op(namespaces=("functional",), method=False, grad_name="AdaptiveMaxPool2D")
def adaptive_max_pool2d_with_indices(
    input: Array, output_size: Any, return_indices: bool = True
) -> tuple[Array, Array]:
    """``adaptive_max_pool2d`` with each maximum's position.  ``(N, C, H, W) -> 2 x (N, C, *output_size)``"""
    return adaptive_max_pool2d(input, output_size, True)


@op(namespaces=("functional",), method=False, grad_name="AdaptiveMaxPool3D")
def adaptive_max_pool3d_with_indices(
    input: Array, output_size: Any, return_indices: bool = True
) -> tuple[Array, Array]:
    """``adaptive_max_pool3d`` with each maximum's position.  ``(N, C, D, H, W) -> 2 x (N, C, *output_size)``"""
    return adaptive_max_pool3d(input, output_size, True)
