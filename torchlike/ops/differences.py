"""Differences of neighbours, derivatives and areas of sampled functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.errors import check
from ..core.registry import Array, Scalar, op
from ..core.shapes import broadcast_two, normal_dim, normal_dims
from .accumulate import floated, kind


def _check_padding(input: Array, pad: Array, d: int) -> None:
    if pad.ndim != input.ndim:
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    for i, (n, m) in enumerate(zip(input.shape, pad.shape, strict=True)):
        if i != d and n != m:
            raise RuntimeError(
                "diff expects the shape of tensor to prepend or append to match that of input "
                "except "
                f"along the differencing dimension; input.size({i}) = {n}, but got "
                f"tensor.size({i}) = {m}"
            )


@op(out=True, promote="default", grad_name="SubBackward0")
def diff(
    input: Array,
    n: int = 1,
    dim: int = -1,
    prepend: Array | None = None,
    append: Array | None = None,
) -> Array:
    """The ``n``-th difference of neighbours; of bools: xor.  ``(*, L) -> (*, L - n)``"""
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    d = normal_dim(dim, input.ndim)
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    if n == 0:  # PyTorch returns the input here, without what was to be prepended
        return input
    parts = [x for x in (prepend, input, append) if x is not None]
    for x in (prepend, append):
        if x is not None:
            _check_padding(input, x, d)
    x = jnp.concatenate(parts, axis=d) if len(parts) > 1 else input
    for _ in range(min(n, x.shape[d])):
        size = x.shape[d]
        later = jax.lax.slice_in_dim(x, 1, size, axis=d)
        earlier = jax.lax.slice_in_dim(x, 0, size - 1, axis=d)
        x = later ^ earlier if x.dtype == np.bool_ else later - earlier
    return x


def _neighbours(x: Array, d: int) -> tuple[Array, Array]:
    size = x.shape[d]
    right = jax.lax.slice_in_dim(x, min(1, size), size, axis=d)
    return jax.lax.slice_in_dim(x, 0, max(size - 1, 0), axis=d), right


def _areas(name: str, y: Array, x: Array | None, dx: Array | None, dim: int) -> tuple[Array, int]:
    """Twice the area under each piece; and the dim."""
    if y.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    d = normal_dim(dim, y.ndim)
    if kind(y).name == "bool":
        raise RuntimeError(f"{name}: received a bool input for `y`, but bool is not supported")
    if x is None:
        left, right = _neighbours(floated(y), d)
        return (left + right) * (jnp.ones(()) if dx is None else dx).astype(left.dtype), d
    if kind(x).name == "bool":
        raise RuntimeError(f"{name}: received a bool input for `x`, but bool is not supported")
    if x.ndim == 1 and y.ndim > 1:
        if x.shape[0] != y.shape[d]:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = x.reshape([-1 if i == d else 1 for i in range(y.ndim)])
    elif x.ndim < y.ndim:
        x = x.reshape((1,) * (y.ndim - x.ndim) + x.shape)
    if x.ndim == 0:
        raise RuntimeError(
            f"The size of tensor a ({y.shape[d]}) must match the size of tensor b (0)"
        )
    start, stop = _neighbours(x, normal_dim(dim, x.ndim))
    left, right = _neighbours(y, d)
    broadcast_two(left.shape, stop.shape)
    return floated((stop - start) * (left + right)), d


def _rule(name: str) -> Callable[..., Any]:
    def resolve(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
        if "dx" in kwargs and (len(args) > 1 or kwargs.get("x") is not None):
            raise TypeError(
                f"{name}() received an invalid combination of arguments - got both x and dx"
            )
        return name, args, kwargs

    return resolve


def _trapezoid_node(args: dict[str, Any]) -> str:
    return "MulBackward1" if args.get("x") is None else "DivBackward1"


@op(
    promote="default",
    method=False,
    resolve=_rule("trapezoid"),
    aliases=("trapz",),
    grad_name=_trapezoid_node,
)
def trapezoid(y: Array, x: Array | None = None, *, dx: Scalar = 1, dim: int = -1) -> Array:
    """Area under the samples ``y`` at ``x``, or ``dx`` apart.  ``(*, N) -> (*)``"""
    area, d = _areas("trapezoid", y, x, dx, dim)
    return jnp.sum(area, axis=d) / jnp.asarray(2, area.dtype)


@op(promote="default", method=False, resolve=_rule("cumulative_trapezoid"), grad_name="Cumsum")
def cumulative_trapezoid(
    y: Array, x: Array | None = None, *, dx: Scalar = 1, dim: int = -1
) -> Array:
    """Running area under the samples.  ``(*, N) -> (*, N - 1)``"""
    area, d = _areas("cumulative_trapezoid", y, x, dx, dim)
    return jnp.cumsum(area / jnp.asarray(2, area.dtype), axis=d)


# ---------------------------------------------------------------- derivative

Numbers = tuple[float, ...]


def _spacing(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    """``spacing``: a distance, one per dim, or the coordinates along each dim."""
    kwargs = dict(kwargs)
    spacing = kwargs.pop("spacing", None)
    if hasattr(spacing, "ndim"):
        spacing = spacing.item()
    if isinstance(spacing, (list, tuple)) and any(hasattr(s, "ndim") for s in spacing):
        if all(s.ndim == 0 for s in spacing):
            spacing = [s.item() for s in spacing]
        else:
            return "gradient_at", args, {**kwargs, "coordinates": list(spacing)}
    if isinstance(spacing, (list, tuple)):
        spacing = tuple(float(s) for s in spacing)
    return "gradient", args, {**kwargs, "spacing": spacing}


def _gradient_dims(x: Array, count: int | None, dim: Any, edge_order: int) -> tuple[int, ...]:
    check(kind(x).name != "uint8", "torch.gradient does not support uint8 input.")
    dims = normal_dims(dim, x.ndim)
    if count is not None:
        wanted = (
            f", or a list of length equal to 'self.dim() = {x.ndim}', since dim argument was not given, "
            f"but got a list of length {count}"
            if dim is None
            else " or it's spacing and dim arguments to have the same length, but got a spacing argument "
            f"of length {count} and a dim argument of length {len(dims)}."
        )
        check(
            count == len(dims),
            f"torch.gradient expected spacing to be unspecified, a scalar{wanted}",
        )
    check(edge_order in (1, 2), "torch.gradient only supports edge_order=1 and edge_order=2.")
    for d in dims:
        check(
            x.shape[d] >= edge_order + 1,
            "torch.gradient expected each dimension size to be at least edge_order+1",
        )
    if x.dtype == np.bool_:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
            "`logical_xor()` operator instead."
        )
    return dims


def _slope(x: Array, d: int, steps: Array, edge_order: int) -> Array:
    """By Lagrange's parabola through three neighbours, ``steps`` apart; lines at first order "
    "edges."""
    size = x.shape[d]

    def at(start: int, stop: int) -> Array:
        return jax.lax.slice_in_dim(x, start, stop, axis=d)

    def along(w: Array) -> Array:
        return w.reshape([-1 if i == d else 1 for i in range(x.ndim)])

    left, right = steps[:-1], steps[1:]
    both = left + right
    a, b, c = -right / (left * both), (right - left) / (left * right), left / (right * both)
    middle = along(a) * at(0, size - 2) + along(b) * at(1, size - 1) + along(c) * at(2, size)
    if edge_order == 1:
        first = (at(1, 2) - at(0, 1)) / steps[0]
        last = (at(size - 1, size) - at(size - 2, size - 1)) / steps[-1]
    else:
        h, k = steps[0], steps[1]
        first = -(2 * h + k) / (h * (h + k)) * at(0, 1) + (h + k) / (h * k) * at(1, 2)
        first = first - h / (k * (h + k)) * at(2, 3)
        h, k = steps[-2], steps[-1]
        last = k / (h * (h + k)) * at(size - 3, size - 2)
        last = last - (h + k) / (h * k) * at(size - 2, size - 1)
        last = last + (2 * k + h) / (k * (h + k)) * at(size - 1, size)
    return jnp.concatenate([first, middle, last], axis=d)


@op(method=False, resolve=_spacing, grad_name="CatBackward0")
def gradient(
    input: Array,
    *,
    spacing: float | Numbers | None = None,
    dim: int | tuple[int, ...] | None = None,
    edge_order: int = 1,
) -> tuple[Array, ...]:
    """Derivative along each ``dim`` of samples ``spacing`` apart.  ``(*) -> (*), …``"""
    several = isinstance(spacing, tuple)
    dims = _gradient_dims(input, len(spacing) if several else None, dim, edge_order)  # type: ignore[arg-type]
    x = floated(input)
    widths = spacing if several else (1.0 if spacing is None else spacing,) * len(dims)
    return tuple(
        _slope(x, d, jnp.full(x.shape[d] - 1, h, jnp.real(x).dtype).astype(x.dtype), edge_order)
        for d, h in zip(dims, widths, strict=True)  # type: ignore[arg-type]
    )


@op(name="gradient", namespaces=(), method=False, grad_name="CatBackward0")
def gradient_at(
    input: Array,
    *,
    coordinates: Sequence[Array],
    dim: int | tuple[int, ...] | None = None,
    edge_order: int = 1,
) -> tuple[Array, ...]:
    """Derivative along each ``dim`` of samples at given coordinates.  ``(*) -> (*), …``"""
    dims = _gradient_dims(input, len(coordinates), dim, edge_order)
    for c in coordinates:
        check(
            c.ndim == 1,
            "torch.gradient expected each element of spacing to have one dimension, but got an "
            "element "
            f"with {c.ndim} dimensions!",
        )
    x = floated(input)
    found = []
    for d, c in zip(dims, coordinates, strict=True):
        check(
            c.shape[0] == x.shape[d],
            f"torch.gradient expected {x.shape[d]} coordinates along dim {d}, but got {c.shape[0]}",
        )
        steps = (c[1:] - c[:-1]).astype(x.dtype)
        found.append(_slope(x, d, steps, edge_order))
    return tuple(found)
