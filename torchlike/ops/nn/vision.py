"""Pixels rearranged between channels and space, and images sampled along a grid."""

from __future__ import annotations

import math
import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...core.errors import missing, shape_text
from ...core.registry import Array, op
from .precision import type_name, wide


@op(namespaces=("torch", "functional"), method=False, saves="none")
def pixel_shuffle(input: Array, upscale_factor: int) -> Array:
    """Channels become pixels.  ``(*, C r^2, H, W) -> (*, C, H r, W r)``"""
    r = upscale_factor
    if input.ndim < 3:
        raise RuntimeError(
            "pixel_shuffle expects input to have at least 3 dimensions, but got input with "
            f"{input.ndim} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *lead, channels, h, w = input.shape
    if channels % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
            f"upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}"
        )
    n = len(lead)
    x = input.reshape(*lead, channels // (r * r), r, r, h, w)
    x = x.transpose(*range(n + 1), n + 3, n + 1, n + 4, n + 2)
    return x.reshape(*lead, channels // (r * r), h * r, w * r)


@op(namespaces=("torch", "functional"), method=False, saves="none")
def pixel_unshuffle(input: Array, downscale_factor: int) -> Array:
    """Pixels become channels.  ``(*, C, H r, W r) -> (*, C r^2, H, W)``"""
    r = downscale_factor
    if input.ndim < 3:
        raise RuntimeError(
            "pixel_unshuffle expects input to have at least 3 dimensions, but got input with "
            f"{input.ndim} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *lead, channels, h, w = input.shape
    for name, size, at in (("height", h, -2), ("width", w, -1)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but input.size({at})="
                f"{size} is not divisible by {r}"
            )
    n = len(lead)
    x = input.reshape(*lead, channels, h // r, r, w // r, r)
    x = x.transpose(*range(n + 1), n + 2, n + 4, n + 1, n + 3)
    return x.reshape(*lead, channels * r * r, h // r, w // r)


@op(
    namespaces=("torch", "functional"),
    method=False,
    saves="none",
    aliases=("native_channel_shuffle",),
)
def channel_shuffle(input: Array, groups: int) -> Array:
    """Channels of the groups interleaved.  ``(N, C, *) -> (N, C, *)``"""
    if input.ndim <= 2:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes {shape_text(input.shape)}"
        )
    channels = input.shape[1]
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    if channels % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {channels} channels and {groups} groups."
        )
    x = input.reshape(input.shape[0], groups, channels // groups, *input.shape[2:])
    return x.swapaxes(1, 2).reshape(input.shape)


def _unnormalised(at: Array, size: int, align: bool) -> Array:
    """From [-1, 1] to element positions."""
    return (at + 1) / 2 * (size - 1) if align else ((at + 1) * size - 1) / 2


def _clipped(at: Array, size: int) -> Array:
    """Inside the image; derivative 0 at and beyond its ends."""
    return jnp.where(at <= 0, 0, jnp.where(at >= size - 1, size - 1, at))


def _reflected(at: Array, size: int, align: bool) -> Array:
    low, span = (0.0, size - 1.0) if align else (-0.5, float(size))
    if span == 0:
        return jnp.zeros_like(at)
    at = jnp.where(at < low, low - at, at - low)
    turns = jnp.floor(at / span)
    extra = at - turns * span
    return jnp.where(turns % 2 == 0, extra + low, span - extra + low)


def _settled(at: Array, size: int, padding: str, align: bool) -> Array:
    if padding == "border":
        return _clipped(at, size)
    if padding == "reflection":
        return _clipped(_reflected(at, size, align), size)
    return at


def _fetched(x: Array, places: list[Array], sizes: tuple[int, ...]) -> Array:
    """Elements at whole positions, 0 outside.  ``(N, C, *S), n x (N, *O) -> (N, C, *O)``"""
    inside: Any = True
    flat: Any = 0
    for at, size in zip(places, sizes, strict=True):
        inside = inside & (at >= 0) & (at <= size - 1)
        safe = jnp.where((at >= 0) & (at <= size - 1), at, 0).astype(jnp.int64)
        flat = flat * size + safe
    rows = x.reshape(*x.shape[:2], -1)
    found = jnp.take_along_axis(rows, flat.reshape(flat.shape[0], 1, -1), 2)
    found = found.reshape(*x.shape[:2], *flat.shape[1:])
    return jnp.where(inside[:, None], found, 0)


def _multilinear(x: Array, places: list[Array], sizes: tuple[int, ...]) -> Array:
    first = [jnp.floor(at) for at in places]
    total: Any = 0
    for corner in np.ndindex(*(2,) * len(places)):
        weight: Any = 1
        for at, low, side in zip(places, first, corner, strict=True):
            share = at - low
            weight = weight * (share if side else 1 - share)
        at_corner = [low + side for low, side in zip(first, corner, strict=True)]
        total = total + _fetched(x, at_corner, sizes) * weight[:, None]
    return total


def _cubic_weights(t: Array) -> list[Array]:
    a = -0.75

    def far(u: Array) -> Array:
        return ((a * u - 5 * a) * u + 8 * a) * u - 4 * a

    def near(u: Array) -> Array:
        return ((a + 2) * u - (a + 3)) * u * u + 1

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _bicubic(
    x: Array, places: list[Array], sizes: tuple[int, ...], padding: str, align: bool
) -> Array:
    first = [jnp.floor(at) for at in places]
    weights = [_cubic_weights(at - low) for at, low in zip(places, first, strict=True)]
    total: Any = 0
    for i in range(4):
        for j in range(4):
            at = [
                _settled(low + (k - 1), size, padding, align)
                for low, k, size in zip(first, (i, j), sizes, strict=True)
            ]
            total = total + _fetched(x, at, sizes) * (weights[0][i] * weights[1][j])[:, None]
    return total


def _check_grid(input: Array, grid: Array, mode: str, padding: str) -> None:
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: "
            f"'{mode}'"
        )
    if padding not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', "
            f"but got: '{padding}'"
        )
    sizes = f"sizes {shape_text(input.shape)} and grid with sizes {shape_text(grid.shape)}"
    if input.ndim not in (4, 5) or input.ndim != grid.ndim:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got "
            f"input with {sizes}"
        )
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with "
            f"{sizes}"
        )
    if grid.shape[-1] != input.ndim - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {input.ndim - 2} in last dimension, but got grid "
            f"with sizes {shape_text(grid.shape)}"
        )
    if 0 in input.shape[2:]:
        empty = 2 + input.shape[2:].index(0)
        raise RuntimeError(
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
            f"{shape_text(input.shape)} with dimension {empty} being empty"
        )
    if mode == "bicubic" and input.ndim != 4:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if input.dtype != grid.dtype:
        raise RuntimeError(f"expected scalar type {type_name(input)} but found {type_name(grid)}")


def _warn_align(args: dict[str, Any]) -> None:
    if args["align_corners"] is None:
        warnings.warn(
            "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. "
            "Please specify align_corners=True if the old behavior is desired. See the documentation of "
            "grid_sample for details.",
            UserWarning, stacklevel=5,
        )  # fmt: skip


@op(
    namespaces=("functional",), method=False, check=_warn_align,
    grad_name=lambda args: f"GridSampler{args['input'].ndim - 2}D",
)  # fmt: skip
def grid_sample(
    input: Array,
    grid: Array,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Array:
    """The image at the grid's places, x first, in [-1, 1].  ``(N, C, H, W), (N, H', W', 2) -> (N, C, H', W')``"""
    _check_grid(input, grid, mode, padding_mode)
    align = bool(align_corners)
    x, g = wide(input), wide(grid)
    sizes = input.shape[2:]
    places = [_unnormalised(g[..., -1 - d], size, align) for d, size in enumerate(sizes)]
    if mode == "bicubic":
        return _bicubic(x, places, sizes, padding_mode, align).astype(input.dtype)
    places = [
        _settled(at, size, padding_mode, align) for at, size in zip(places, sizes, strict=True)
    ]
    if mode == "nearest":
        return _fetched(x, [jnp.round(at) for at in places], sizes).astype(input.dtype)
    return _multilinear(x, places, sizes).astype(input.dtype)


def _check_theta(args: dict[str, Any]) -> None:
    _warn_align(args)
    theta, size = args["theta"], tuple(args["size"])
    if not theta.dtype.is_floating_point:
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if len(size) not in (4, 5):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got "
            f"size {args['size']}."
        )
    n = len(size) - 2
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (n, n + 1):
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {args['size']}. Got "
            f"torch.Size({list(theta.shape)})."
        )
    if args["align_corners"] and min(size[2:]) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when "
            "align_corners=True. This is not an intended use case of affine_grid. See the documentation of "
            "affine_grid for details.",
            UserWarning, stacklevel=5,
        )  # fmt: skip
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {args['size']}")


@op(namespaces=("functional",), method=False, check=_check_theta, grad_name="AffineGridGenerator")
def affine_grid(theta: Array, size: Any, align_corners: bool | None = None) -> Array:
    """Where each output pixel of an affine map comes from.  ``(N, 2, 3) -> (N, H, W, 2)``"""
    if len(size) not in (4, 5):
        raise missing(f"affine_grid(size={size})")
    spatial = tuple(size[2:])
    axes = []
    for n in spatial:
        line = np.linspace(-1, 1, n) if n > 1 else np.zeros(1)
        axes.append(line if align_corners else line * (n - 1) / n)
    places = np.meshgrid(*axes, indexing="ij")
    base = np.stack([*places[::-1], np.ones(spatial)], -1).reshape(math.prod(spatial), -1)
    points = jnp.asarray(base, wide(theta).dtype)
    grid = jnp.einsum("pk,nck->npc", points, wide(theta), precision="highest")
    return grid.reshape(theta.shape[0], *spatial, len(spatial)).astype(theta.dtype)
