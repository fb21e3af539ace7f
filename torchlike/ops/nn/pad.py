"""Padding: constant, reflected, replicated, circular."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from ...core.errors import shape_text
from ...core.registry import Array, Scalar, op

_NAMES = {"reflect": "ReflectionPad{}DBackward0", "replicate": "ReplicationPad{}DBackward0"}


def _pad_name(args: dict[str, Any]) -> str:
    if args["mode"] == "circular":
        return "CopySlices"
    return _NAMES.get(args["mode"], "ConstantPadNdBackward0").format(len(args["pad"]) // 2)


def _per_dim(input: Array, pad: tuple[int, ...]) -> list[tuple[int, int]]:
    """(before, after) of each dim; PyTorch's list starts from the last dim."""
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    return [(0, 0)] * (input.ndim - len(pairs)) + pairs[::-1]


def constant_pad(input: Array, pad: tuple[int, ...], value: Any) -> Array:
    """Adds elements that hold value; a negative number crops."""
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * input.ndim:
        raise RuntimeError(
            "Length of pad should be no more than twice the number of dimensions of the input. Pad length "
            f"is {len(pad)} while the input has {input.ndim} dimensions."
        )
    pairs = _per_dim(input, pad)
    for n, (a, b) in zip(input.shape, pairs, strict=True):
        if n + a + b < 0:
            raise RuntimeError("narrow(): length must be non-negative.")
    fill = jnp.zeros((), input.dtype) if value is None else jnp.asarray(value).astype(input.dtype)
    # crop first: XLA wants what a negative pad takes away to be there
    starts = [min(max(-a, 0), n) for n, (a, _) in zip(input.shape, pairs, strict=True)]
    stops = [
        max(n - max(-b, 0), s) for n, s, (_, b) in zip(input.shape, starts, pairs, strict=True)
    ]
    cropped = lax.slice(input, starts, stops)
    return lax.pad(cropped, fill, [(max(a, 0), max(b, 0), 0) for a, b in pairs])


def _reflected(n: int, before: int, after: int) -> np.ndarray:
    at = np.abs(np.arange(-before, n + after))
    return np.where(at >= n, 2 * (n - 1) - at, at)


def _check_edges(input: Array, mode: str, pairs: list[tuple[int, int]], first: int) -> None:
    for d in range(input.ndim - 1, first - 1, -1):
        n, (a, b) = input.shape[d], pairs[d]
        dims = input.ndim - d
        if mode == "reflect" and (a >= n or b >= n):
            raise RuntimeError(
                f"Argument #{2 * dims + 2}: Padding size should be less than the corresponding input "
                f"dimension, but got: padding ({a}, {b}) at dimension {d} of input {shape_text(input.shape)}"
            )
        if mode == "circular" and (a > n or b > n):
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if mode == "circular" and n + a + b < 0:
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
        if mode == "replicate" and n == 0:
            raise RuntimeError(
                "Expected 2D or 3D (batch mode) tensor with possibly 0 batch size and other non-zero "
                f"dimensions for input, but got: {shape_text(input.shape)}"
            )
        if (
            n + a + b < (1 if first == input.ndim - 1 or mode == "reflect" else 0)
            and mode != "circular"
        ):
            raise RuntimeError(f"input (W: {n}) is too small. Calculated output W: {n + a + b}")


def _edged(x: Array, axis: int, mode: str, before: int, after: int) -> Array:
    """One dim padded by elements of x; slices and flips, whose gradient is cheaper than a gather's."""
    n = x.shape[axis]
    if mode == "circular":
        x = lax.slice_in_dim(x, max(-before, 0), n - max(-after, 0), axis=axis)
        m = x.shape[axis]
        parts = [lax.slice_in_dim(x, m - max(before, 0), m, axis=axis), x,
                 lax.slice_in_dim(x, 0, max(after, 0), axis=axis)]  # fmt: skip
        return jnp.concatenate(parts, axis)
    if before < 0 or after < 0:
        at = _reflected(n, before, after) if mode == "reflect" else np.arange(-before, n + after)
        return jnp.take(x, at.clip(0, n - 1), axis)
    if mode == "reflect":
        first = jnp.flip(lax.slice_in_dim(x, 1, 1 + before, axis=axis), axis)
        last = jnp.flip(lax.slice_in_dim(x, n - 1 - after, n - 1, axis=axis), axis)
    else:
        first = jnp.repeat(lax.slice_in_dim(x, 0, 1, axis=axis), before, axis)
        last = jnp.repeat(lax.slice_in_dim(x, n - 1, n, axis=axis), after, axis)
    return jnp.concatenate([first, x, last], axis)


def _pad_keeps(args: dict[str, Any]) -> tuple[str, ...] | None:
    return ("input",) if args["mode"] in ("reflect", "replicate") else None


@op(namespaces=("functional",), method=False, grad_name=_pad_name, keeps=_pad_keeps)
def pad(
    input: Array, pad: tuple[int, ...], mode: str = "constant", value: Scalar | None = None
) -> Array:
    """Adds elements at the ends of the last dims, given from the last dim on.  ``(*, L) -> (*, L')``"""
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding "
            f"length {len(pad)} and input of dimension {input.ndim}"
        )
    if mode == "constant":
        return constant_pad(input, pad, value)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value is not None:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    dims = len(pad) // 2
    if dims not in (1, 2, 3) or input.ndim not in (dims + 1, dims + 2):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor."
        )
    pairs = _per_dim(input, pad)
    first = input.ndim - dims
    _check_edges(input, mode, pairs, first)
    x = input
    for axis in range(first, input.ndim):
        if pairs[axis] != (0, 0):
            x = _edged(x, axis, mode, *pairs[axis])
    return x


@op(method=False, saves="none")
def constant_pad_nd(input: Array, pad: tuple[int, ...], value: Scalar = 0) -> Array:
    """``functional.pad`` by a constant.  ``(*, L) -> (*, L')``"""
    return constant_pad(input, pad, value)
