"""Fractional max pooling, and the inverse of max pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ...core.dtypes import TYPE_NAMES
from ...core.errors import shape_text
from ...core.registry import Array, op
from .windows import product

_Ints = int | tuple[int, ...]


@jax.custom_jvp
def _placed(flat: Array, index: Array, zeros: Array) -> Array:
    rows = jnp.arange(flat.shape[0])[:, None]
    return zeros.at[rows, index].set(flat)


@_placed.defjvp
def _placed_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    # as PyTorch's backward: every element, also one that was overwritten, reads its place's cotangent
    flat, index, zeros = primals
    rows = jnp.arange(flat.shape[0])[:, None]
    return _placed(flat, index, zeros), jnp.zeros_like(zeros).at[rows, index].add(tangents[0])


def unpool_sizes(shape: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int],
                 output_size: Sequence[int] | None) -> tuple[int, ...]:  # fmt: skip
    """The spatial sizes of the unpooled result.

    Raises:
        ValueError: output_size is not one that pooling could have shrunk to this shape.
    """
    n = len(kernel)
    default = [
        (m - 1) * s + k - 2 * p
        for m, k, s, p in zip(shape[-n:], kernel, stride, padding, strict=True)
    ]
    if output_size is None:
        return tuple(default)
    sizes = tuple(output_size)[2:] if len(output_size) == n + 2 else tuple(output_size)
    if len(sizes) != n:
        raise ValueError(
            f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a length of "
            f"'{len(sizes)}'"
        )
    for d in range(n):
        low, high = default[d] - stride[d], default[d] + stride[d]
        if not low < sizes[d] < high:
            raise ValueError(
                f'invalid output_size "{output_size}" (dim {d} must be between {low} and {high})'
            )
    return sizes


def _all(value: Any, n: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * n
    return values * n if len(values) == 1 else values


def _unpool_args(args: dict[str, Any], n: int) -> tuple[int, ...]:
    kernel = _all(args["kernel_size"], n)
    stride = kernel if args["stride"] in (None, ()) else _all(args["stride"], n)
    return unpool_sizes(
        args["input"].shape, kernel, stride, _all(args["padding"], n), args["output_size"]
    )


def _check_range(n: int) -> Any:
    def check(args: dict[str, Any]) -> None:
        if args["indices"].dtype.name != "int64":
            raise RuntimeError(
                "elements in indices should be type int64 but got: "
                f"{TYPE_NAMES[args['indices'].dtype.name]}"
            )
        if args["indices"].shape != args["input"].shape:
            return
        index, sizes = args["indices"].numpy(), _unpool_args(args, n)
        bad = index[(index < 0) | (index >= product(sizes))]
        if bad.size:
            volume = "x".join(str(s) for s in (*sizes, *((1,) if n == 1 else ())))
            raise RuntimeError(
                f"Found an invalid max index: {bad.flat[0]} (output volumes are of size {volume})"
            )

    return check


def _unpool(n: int, input: Array, indices: Array, args: dict[str, Any]) -> Array:
    sizes = _unpool_args({"input": input, **args}, n)
    if indices.shape != input.shape:
        more = (1,) if n == 1 else ()
        raise RuntimeError(
            "Expected shape of indices to be same as that of the input tensor "
            f"({shape_text((*input.shape, *more))}) but got indices tensor with shape: "
            f"{shape_text((*indices.shape, *more))}"
        )
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Input to max_unpooling{max(n, 2)}d should be a {n + 1}d or {n + 2}d Tensor, but got a tensor "
            f"with {input.ndim} dims."
        )
    lead = input.shape[:-n]
    count = product(input.shape[-n:])
    zeros = jnp.zeros((product(lead), product(sizes)), input.dtype)
    rows = product(lead)
    flat = _placed(input.reshape(rows, count), indices.reshape(rows, count), zeros)
    return flat.reshape(*lead, *sizes)


@op(namespaces=("functional",), method=False, check=_check_range(1), grad_name="SqueezeBackward1")
def max_unpool1d(
    input: Array,
    indices: Array,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    output_size: Any = None,
) -> Array:
    """Puts each value back at its index, zeros elsewhere.  ``(N, C, L) -> (N, C, L')``"""
    return _unpool(1, input, indices, {
        "kernel_size": kernel_size, "stride": stride, "padding": padding, "output_size": output_size,
    })  # fmt: skip


@op(namespaces=("functional",), method=False, check=_check_range(2), grad_name="MaxUnpool2D")
def max_unpool2d(
    input: Array,
    indices: Array,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    output_size: Any = None,
) -> Array:
    """Puts each value back at its index, zeros elsewhere.  ``(N, C, H, W) -> (N, C, H', W')``"""
    return _unpool(2, input, indices, {
        "kernel_size": kernel_size, "stride": stride, "padding": padding, "output_size": output_size,
    })  # fmt: skip


@op(namespaces=("functional",), method=False, check=_check_range(3), grad_name="MaxUnpool3D")
def max_unpool3d(
    input: Array,
    indices: Array,
    kernel_size: _Ints,
    stride: _Ints | None = None,
    padding: _Ints = 0,
    output_size: Any = None,
) -> Array:
    """Puts each value back at its index, zeros elsewhere.  ``(N, C, D, H, W) -> (N, C, D', H', W')``"""
    return _unpool(3, input, indices, {
        "kernel_size": kernel_size, "stride": stride, "padding": padding, "output_size": output_size,
    })  # fmt: skip


def _fractional_sizes(
    n: int, shape: Sequence[int], output_size: Any, ratio: Any
) -> tuple[int, ...]:
    if output_size is None and ratio is None:
        raise ValueError(
            f"fractional_max_pool{n}d requires specifying either an output_size or an output_ratio"
        )
    if output_size is not None:
        return _all(output_size, n)
    if isinstance(ratio, (tuple, list)) and len(ratio) > n:
        raise ValueError(
            f"fractional_max_pool{n}d requires output_ratio to either be a single Int or tuple of Ints."
        )
    return tuple(int(m * r) for m, r in zip(shape[-n:], _all(ratio, n), strict=True))


def _samples(n: int) -> Any:
    def draw(args: dict[str, Any]) -> dict[str, Any]:
        if args["random_samples"] is not None:
            return {}
        input = args["input"]
        if input.ndim not in (n + 1, n + 2):
            return {}
        batch = 1 if input.ndim == n + 1 else input.shape[0]
        shape = (batch, input.shape[-n - 1], n)
        return {"random_samples": args["generator"].uniform(shape, input.dtype.np)}

    return draw


def _public_name(key: str) -> Any:
    """PyTorch calls the samples ``_random_samples``, a name that hides a parameter here."""

    def resolve(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
        if "_random_samples" in kwargs:
            kwargs["random_samples"] = kwargs.pop("_random_samples")
        return key, args, kwargs

    return resolve


def _starts(sample: Array, size: int, out: int, pool: int) -> Array:
    """First element of each window, per plane.  ``(P) -> (P, out)``"""
    if out == 1:
        return jnp.full((*sample.shape, 1), size - pool)
    alpha = jnp.asarray((size - pool) / (out - 1), sample.dtype)
    at = jnp.arange(out - 1, dtype=sample.dtype)
    # truncated, as C++ casts do
    inner = jnp.trunc((at + sample[..., None]) * alpha) - jnp.trunc(sample * alpha)[..., None]
    last = jnp.full((*sample.shape, 1), size - pool)
    return jnp.concatenate([inner.astype(last.dtype), last], -1)


def _fractional(n: int, input: Array, kernel: Any, output_size: Any, ratio: Any,
                samples: Array | None) -> tuple[Array, Array]:  # fmt: skip
    name = f"fractional_max_pool{n}d"
    if input.ndim not in (n + 1, n + 2) or 0 in input.shape[-n - 1 :]:
        raise RuntimeError(
            f"{name}(): Expected input to be a {n + 1}D or {n + 2}D tensor with non-zero size for non-batch "
            f"dimensions, but got: {shape_text(input.shape)}"
        )
    pool, sizes = _all(kernel, n), _fractional_sizes(n, input.shape, output_size, ratio)
    for d, (m, k, out) in enumerate(zip(input.shape[-n:], pool, sizes, strict=True)):
        if out + k - 1 > m:
            title = ("time", "height", "width")[d - n]
            raise RuntimeError(
                f"{name}(): pool {title} {k} too large relative to input {title} {m}"
            )
    assert samples is not None
    if samples.dtype != input.dtype:
        raise RuntimeError("Expect _random_samples to have the same dtype as input")
    if input.ndim == n + 1:
        samples = samples[:1]  # an input without batch takes the first row, whatever there is
    planes = input.reshape(product(input.shape[:-n]), *input.shape[-n:])
    # PyTorch's 2-D kernel takes the first sample for the width, its 3-D kernel for the depth
    order = (1, 0) if n == 2 else (0, 1, 2)
    flat_samples = samples.reshape(planes.shape[0], n).astype(input.dtype)
    flat: Any = jnp.zeros((planes.shape[0],) + (1,) * (2 * n), jnp.int64)
    for d in range(n):
        first = _starts(flat_samples[:, order[d]], input.shape[d - n], sizes[d], pool[d])
        where = first[:, :, None].astype(jnp.int64) + jnp.arange(pool[d])
        shape = [planes.shape[0]] + [1] * (2 * n)
        shape[1 + d], shape[1 + n + d] = sizes[d], pool[d]
        flat = flat * input.shape[d - n] + where.reshape(shape)
    flat = flat.reshape(planes.shape[0], product(sizes), product(pool))
    rows = planes.reshape(planes.shape[0], product(input.shape[-n:]))
    values = jnp.take_along_axis(rows[:, None], flat, 2)
    nan = jnp.isnan(values)
    last_nan = values.shape[-1] - 1 - jnp.argmax(jnp.flip(nan, -1), -1, keepdims=True)
    pick = jnp.where(nan.any(-1, keepdims=True), last_nan, jnp.argmax(values, -1, keepdims=True))
    shape = (*input.shape[:-n], *sizes)
    return (
        jnp.take_along_axis(values, pick, -1).reshape(shape),
        jnp.take_along_axis(flat, pick, -1).reshape(shape),
    )


@op(
    namespaces=("functional",), method=False, prepare=_samples(2), grad_name="FractionalMaxPool2D",
    resolve=_public_name("fractional_max_pool2d"),
)  # fmt: skip
def fractional_max_pool2d(
    input: Array,
    kernel_size: _Ints,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    random_samples: Array | None = None,
) -> Array | tuple[Array, Array]:
    """Maximum of windows at random, increasing places.  ``(N, C, H, W) -> (N, C, H', W')``"""
    found = _fractional(2, input, kernel_size, output_size, output_ratio, random_samples)
    return found if return_indices else found[0]


@op(
    namespaces=("functional",), method=False, prepare=_samples(3), grad_name="FractionalMaxPool3D",
    resolve=_public_name("fractional_max_pool3d"),
)  # fmt: skip
def fractional_max_pool3d(
    input: Array,
    kernel_size: _Ints,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    random_samples: Array | None = None,
) -> Array | tuple[Array, Array]:
    """Maximum of windows at random, increasing places.  ``(N, C, D, H, W) -> (N, C, D', H', W')``"""
    found = _fractional(3, input, kernel_size, output_size, output_ratio, random_samples)
    return found if return_indices else found[0]
