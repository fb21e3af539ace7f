"""Sliding windows: how many there are, and the elements they meet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from ...core.registry import Array


def per_dim(value: Any, n: int, message: str) -> tuple[int, ...]:
    """One number per spatial dim.

    Raises:
        RuntimeError: a sequence of another length, with this message.
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(values) not in (1, n):
        raise RuntimeError(message)
    return values * n if len(values) == 1 else values


def pooled_size(size: int, kernel: int, stride: int, pad: int, dilation: int, ceil: bool) -> int:
    """The number of windows along one dim.

    Raises:
        RuntimeError: stride 0, or a bad padding.
    """
    if stride == 0:
        raise RuntimeError("stride should not be zero")
    if pad < 0:
        raise RuntimeError(f"pad must be non-negative, but got pad: {pad}")
    if pad > ((kernel - 1) * dilation + 1) // 2:
        raise RuntimeError(
            f"pad should be at most half of effective kernel size, but got pad={pad}, "
            f"kernel_size={kernel} and dilation={dilation}"
        )
    span = size + 2 * pad - dilation * (kernel - 1) - 1
    count = (span + (stride - 1 if ceil else 0)) // stride + 1
    if ceil and (count - 1) * stride >= size + pad:
        count -= 1  # the last window has to start inside the input or its left padding
    return count


def offsets(kernel: Sequence[int]) -> list[tuple[int, ...]]:
    """Positions in a window, row-major."""
    return [tuple(int(i) for i in at) for at in np.ndindex(*kernel)]


def taps(
    x: Array,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    counts: Sequence[int],
) -> list[Array]:
    """For each window position, row-major, the elements it meets; the last dims are spatial."""
    lead = x.ndim - len(kernel)
    found = []
    for at in offsets(kernel):
        starts = [a * d for a, d in zip(at, dilation, strict=True)]
        stops = [b + (n - 1) * s + 1 for b, n, s in zip(starts, counts, stride, strict=True)]
        found.append(
            lax.slice(
                x,
                (0,) * lead + tuple(starts),
                x.shape[:lead] + tuple(stops),
                (1,) * lead + tuple(stride),
            )
        )
    return found


def padded_to_fit(
    x: Array,
    value: Any,
    kernel: Sequence[int],
    stride: Sequence[int],
    pad: Sequence[int],
    dilation: Sequence[int],
    counts: Sequence[int],
) -> Array:
    """x with ``pad`` before, and what the last windows need after, each spatial dim."""
    config = [(0, 0, 0)] * (x.ndim - len(kernel))
    for size, k, s, p, d, n in zip(
        x.shape[-len(kernel) :], kernel, stride, pad, dilation, counts, strict=True
    ):
        need = (n - 1) * s + d * (k - 1) + 1 - size - p
        config.append((p, need, 0))  # a negative need crops
    if all(c == (0, 0, 0) for c in config):
        return x
    return lax.pad(x, jnp.asarray(value, x.dtype), config)


def adaptive_bounds(size: int, out: int) -> tuple[np.ndarray, np.ndarray]:
    """First element, and one past the last, of each of ``out`` windows that cover ``size``."""
    at = np.arange(out)
    return at * size // max(out, 1), -((-(at + 1) * size) // max(out, 1))


def block_sum(x: Array, kernel: Sequence[int]) -> Array:
    """Sums of blocks that tile the last dims; one dim at a time, so that the adjoint is a fast repeat."""
    for d in reversed(range(len(kernel))):
        axis = x.ndim - len(kernel) + d
        shape = (*x.shape[:axis], x.shape[axis] // kernel[d], kernel[d], *x.shape[axis + 1 :])
        x = x.reshape(shape).sum(axis + 1, dtype=x.dtype)
    return x


def product(values: Sequence[int]) -> int:
    return math.prod(values)
