"""Sliding blocks as columns, and back."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from ...core.errors import dim_out_of_range, shape_text
from ...core.registry import Array, op
from .windows import padded_to_fit, taps

_Ints = int | tuple[int, ...]


def _pair(value: Any) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _patches(x: Array, kernel: tuple[int, ...], dilation: tuple[int, ...], padding: tuple[int, ...],
             stride: tuple[int, ...]) -> Array:  # fmt: skip
    """``(N, C, H, W) -> (N, C * taps, blocks)``"""
    counts = _block_counts(x.shape[2:], kernel, dilation, padding, stride)
    x = padded_to_fit(x, 0, kernel, stride, padding, dilation, counts)
    stacked = jnp.stack(taps(x, kernel, stride, dilation, counts), 2)  # (N, C, taps, H', W')
    return stacked.reshape(x.shape[0], x.shape[1] * math.prod(kernel), math.prod(counts))


def _block_counts(size: tuple[int, ...], kernel: tuple[int, ...], dilation: tuple[int, ...],
                  padding: tuple[int, ...], stride: tuple[int, ...]) -> list[int]:  # fmt: skip
    return [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, d, p, s in zip(size, kernel, dilation, padding, stride, strict=True)
    ]


def _check_blocks(kernel: tuple[int, ...], dilation: tuple[int, ...], padding: tuple[int, ...],
                  stride: tuple[int, ...]) -> None:  # fmt: skip
    named = (("kernel", "size", kernel), ("dilation", "", dilation), ("stride", "", stride))
    for name, more, (h, w) in named:
        if h <= 0 or w <= 0:
            text = f"{name}_{more}" if more else name
            first = f"{name} {more}".strip()
            raise RuntimeError(
                f"{first} should be greater than zero, but got {text}_height: {h} {text}_width: {w}"
                if name != "kernel"
                else f"{first} should be greater than zero, but got kernel_height: {h} kernel_width: {w}"
            )
    if min(padding) < 0:
        raise RuntimeError(
            f"padding should be non-negative, but got pad_height: {padding[0]} pad_width: {padding[1]}"
        )


@op(name="unfold", namespaces=("functional",), method=False, grad_name="Im2Col")
def im2col(
    input: Array, kernel_size: _Ints, dilation: _Ints = 1, padding: _Ints = 0, stride: _Ints = 1
) -> Array:
    """Sliding blocks as columns.  ``(N, C, H, W) -> (N, C * prod(kernel_size), blocks)``; N may be absent"""
    kernel, dilation, padding, stride = map(_pair, (kernel_size, dilation, padding, stride))
    _check_blocks(kernel, dilation, padding, stride)
    if input.ndim < 3:
        raise dim_out_of_range(input.ndim, input.ndim)
    if input.ndim not in (3, 4) or 0 in input.shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {shape_text(input.shape)}"
        )
    counts = _block_counts(input.shape[-2:], kernel, dilation, padding, stride)
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input with spatial size ({input.shape[-2]}, {input.shape[-1]}), kernel_size="
            f"({kernel[0]}, {kernel[1]}), dilation=({dilation[0]}, {dilation[1]}), padding="
            f"({padding[0]}, {padding[1]}), calculated shape of the array of sliding blocks as "
            f"({counts[0]}, {counts[1]}), but its components must be at least one."
        )
    x = input if input.ndim == 4 else input[None]
    out = _patches(x, kernel, dilation, padding, stride)
    return out if input.ndim == 4 else out[0]


@op(name="fold", namespaces=("functional",), method=False, grad_name="Col2Im")
def col2im(
    input: Array,
    output_size: _Ints,
    kernel_size: _Ints,
    dilation: _Ints = 1,
    padding: _Ints = 0,
    stride: _Ints = 1,
) -> Array:
    """Adds columns back as blocks, the adjoint of ``unfold``.

    ``(N, C * prod(kernel_size), blocks) -> (N, C, H, W)``
    """
    size, kernel, dilation, padding, stride = map(
        _pair, (output_size, kernel_size, dilation, padding, stride)
    )
    _check_blocks(kernel, dilation, padding, stride)
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
            f"dimensions for input, but got: {shape_text(input.shape)}"
        )
    rows, count = input.shape[-2], math.prod(kernel)
    if rows % count:
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={rows} and kernel_size=({kernel[0]}, {kernel[1]})."
        )
    counts = _block_counts(size, kernel, dilation, padding, stride)
    if input.shape[-1] != math.prod(counts) or min(counts) < 1:
        raise RuntimeError(
            f"Given output_size=({size[0]}, {size[1]}), kernel_size=({kernel[0]}, {kernel[1]}), "
            f"dilation=({dilation[0]}, {dilation[1]}), padding=({padding[0]}, {padding[1]}), stride="
            f"({stride[0]}, {stride[1]}), expected size of input's dimension 2 to match the calculated "
            f"number of sliding blocks {counts[0]} * {counts[1]} = {math.prod(counts)}, but got "
            f"input.size(2)={input.shape[-1]}."
        )
    x = input if input.ndim == 3 else input[None]
    image = jax.ShapeDtypeStruct((x.shape[0], rows // count, *size), x.dtype)
    spread = jax.linear_transpose(lambda y: _patches(y, kernel, dilation, padding, stride), image)
    (out,) = spread(x)
    return out if input.ndim == 3 else out[0]
