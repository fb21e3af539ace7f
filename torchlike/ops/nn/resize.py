"""Interpolation: every mode is a weighted sum of neighbours, one dim after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...core.errors import not_implemented_for, shape_text
from ...core.registry import Array, op
from . import formulation
from .avg_pool import adaptive_avg
from .precision import type_name, wide

_LINEAR = {3: "linear", 4: "bilinear", 5: "trilinear"}
_GIVEN = "linear | bilinear | bicubic | trilinear"
Scales = Sequence[float | None]


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.clip(1 - np.abs(x), 0, None)


def _cubic(a: float) -> Callable[[np.ndarray], np.ndarray]:
    def filter(x: np.ndarray) -> np.ndarray:
        x = np.abs(x)
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = (((x - 5) * x + 8) * x - 4) * a
        return np.where(x <= 1, near, np.where(x < 2, far, 0))

    return filter


def _lanczos(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


def _step(size: int, out: int, scale: float | None, align: bool, real: Any) -> Any:
    """Input elements per output element."""
    if align:
        return real(size - 1) / real(out - 1) if out > 1 else real(0)
    if scale is not None and scale > 0:
        return real(1.0 / scale)
    return real(size) / real(out)


def _nearest(size: int, out: int, scale: float | None, exact: bool) -> np.ndarray:
    """Each output element's source; computed in float32, as PyTorch does."""
    at = np.arange(out, dtype=np.float32)
    if exact:
        at = at + np.float32(0.5)
    elif out == size:
        return np.arange(out)
    elif out == 2 * size:
        return np.arange(out) // 2
    step = _step(size, out, scale, False, np.float32)
    return np.minimum(np.floor(at * step).astype(np.int64), size - 1)


def _neighbours(mode: str, size: int, out: int, scale: float | None, align: bool,
                real: Any) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Sources and weights of each output element, both (out, taps); sources stay inside."""
    at = np.arange(out, dtype=real)
    step = _step(size, out, scale, align, real)
    place = at * step if align else (at + real(0.5)) * step - real(0.5)
    if mode == "cubic":
        first = np.floor(place)
        offset = np.arange(-1, 3)
        weight = _cubic(-0.75)((place - first)[:, None] - offset[None].astype(real))
    else:
        place = np.maximum(place, 0)
        first = np.minimum(np.floor(place), size - 1)
        offset = np.arange(2)
        share = np.clip(place - first, 0, 1)
        weight = np.stack([1 - share, share], 1)
    source = first.astype(np.int64)[:, None] + offset[None]
    return source.clip(0, size - 1), weight.astype(np.float64)


_FILTERS = {"linear": (_triangle, 2), "cubic": (_cubic(-0.5), 4), "lanczos": (_lanczos, 6)}


def _smoothed(mode: str, size: int, out: int, scale: float | None, align: bool,
              real: Any) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """As ``_neighbours``, the filter widened by the shrinkage (antialias)."""
    filter, width = _FILTERS[mode]
    step = float(_step(size, out, scale, align, real))
    support = width * 0.5 * max(step, 1.0)
    inverse = 1.0 / step if step >= 1.0 else 1.0
    center = step * (np.arange(out) + 0.5)
    first = np.maximum((center - support + 0.5).astype(np.int64), 0)
    end = np.minimum((center + support + 0.5).astype(np.int64), size)
    taps = np.arange(max(int((end - first).max(initial=1)), 1))
    source = first[:, None] + taps[None]
    weight = filter((source - center[:, None] + 0.5) * inverse)
    weight = np.where(source < end[:, None], weight, 0)
    total = weight.sum(1, keepdims=True)
    return source.clip(0, size - 1), weight / np.where(total == 0, 1, total)


def _matrix(source: np.ndarray, weight: np.ndarray, size: int) -> np.ndarray:
    """The same sum as a matrix (out, size)."""
    dense = np.zeros((len(source), size))
    np.add.at(dense, (np.arange(len(source))[:, None], source), weight)
    return dense


def _summed(x: Array, axis: int, source: np.ndarray, weight: np.ndarray) -> Array:
    """Weighted sum of neighbours along one dim."""
    if source.shape[1] > formulation.AXIS_SLICES:
        return _multiplied(x, axis, source, weight)
    if x.shape[axis] > formulation.MATRIX_SIZE:
        return _gathered(x, axis, source, weight)

    @jax.custom_jvp
    def total(x: Array) -> Array:
        return _gathered(x, axis, source, weight)

    @total.defjvp
    def _(primals: Any, tangents: Any) -> tuple[Array, Array]:
        # the adjoint of a product is a product, that of a gather a scatter
        return total(*primals), _multiplied(tangents[0], axis, source, weight)

    return total(x)


def _gathered(x: Array, axis: int, source: np.ndarray, weight: np.ndarray) -> Array:
    shape = [1] * x.ndim
    shape[axis] = len(source)
    total: Any = None
    for k in range(source.shape[1]):
        part = jnp.take(x, source[:, k], axis, mode="clip")
        part = part * jnp.asarray(weight[:, k], x.dtype).reshape(shape)
        total = part if total is None else total + part
    return total


def _multiplied(x: Array, axis: int, source: np.ndarray, weight: np.ndarray) -> Array:
    dense = jnp.asarray(_matrix(source, weight, x.shape[axis]), x.dtype)
    moved = jnp.moveaxis(x, axis, -1)
    return jnp.moveaxis(jnp.matmul(moved, dense.T, precision="highest"), -1, axis)


def _bytes_summed(x: Array, axis: int, source: np.ndarray, weight: np.ndarray) -> Array:
    """The sum for uint8 in 16-bit fixed point, rounded as PyTorch rounds."""
    dense = _matrix(source, weight, x.shape[axis])
    largest, digits = max(float(dense.max(initial=0)), 0.0), 0
    while digits < 22 and int(0.5 + largest * (1 << (digits + 1))) < 1 << 15:
        digits += 1
    fixed = np.trunc(dense * (1 << digits) + np.where(dense < 0, -0.5, 0.5)).astype(np.int32)
    moved = jnp.moveaxis(x, axis, -1).astype(jnp.int32)
    total = jnp.matmul(moved, jnp.asarray(fixed.T)) + (1 << (digits - 1))
    rounded = jnp.clip(total >> digits, 0, 255).astype(jnp.uint8)
    return jnp.moveaxis(rounded, -1, axis)


def _resized(input: Array, mode: str, sizes: Sequence[int], scales: Scales, align: bool,
             antialias: bool) -> Array:  # fmt: skip
    kind = {"bicubic": "cubic", "lanczos": "lanczos"}.get(mode, "linear")
    is_bytes = input.dtype == jnp.uint8
    real = np.float64 if input.dtype == jnp.float64 or is_bytes else np.float32
    x = input if is_bytes else wide(input)
    for d in reversed(range(len(sizes))):  # the last dim first, as PyTorch does for uint8
        size, out = input.shape[2 + d], sizes[d]
        if size == out and (scales[d] is None or align):
            continue
        find = _smoothed if antialias else _neighbours
        source, weight = find(kind, size, out, scales[d], align, real)
        x = (_bytes_summed if is_bytes else _summed)(x, 2 + d, source, weight)
    return x.astype(input.dtype)


def _picked(input: Array, sizes: Sequence[int], scales: Scales, exact: bool) -> Array:
    x = input
    for d, out in enumerate(sizes):
        axis, size = 2 + d, input.shape[2 + d]
        source = _nearest(size, out, scales[d], exact)
        times = out // size if size else 0
        if np.array_equal(source, np.arange(out)) and out == size:
            continue
        if times and out == size * times and np.array_equal(source, np.arange(out) // times):
            x = jnp.repeat(x, times, axis)  # its gradient is a sum, not a scatter
        else:
            x = jnp.take(x, source, axis)
    return x


def _target_sizes(
    input: Array, size: Any, scale_factor: Any
) -> tuple[list[int] | None, list[float] | None]:
    dims = input.ndim - 2
    given = list(input.shape[2:])
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        if not isinstance(size, (tuple, list)):
            return [size] * dims, None
        if len(size) != dims:
            raise ValueError(
                "Input and output must have the same number of spatial dimensions, but got input with "
                f"spatial dimensions of {given} and output size of {size}. Please provide input tensor in "
                "(N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
            )
        if not all(isinstance(s, int) for s in size):
            raise TypeError(
                "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], "
                f"but got size with types {[type(s) for s in size]}"
            )
        return list(size), None
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if not isinstance(scale_factor, (tuple, list)):
        return None, [float(scale_factor)] * dims
    if len(scale_factor) != dims:
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but got input with "
            f"spatial dimensions of {given} and scale_factor of shape {scale_factor}. Please provide input "
            "tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
        )
    return None, [float(s) for s in scale_factor]


def _check_mode(input: Array, mode: str, align: bool | None, antialias: bool) -> None:
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D "
            "tensor as input"
        )
    if mode == "lanczos" and input.ndim == 4:
        if align:
            raise ValueError("Lanczos mode does not support align_corners=True")
        if not antialias:
            raise ValueError("Lanczos mode requires antialias=True")
    is_any = mode in ("nearest", "nearest-exact", "area") and input.ndim in _LINEAR
    if (
        is_any
        or _LINEAR.get(input.ndim) == mode
        or (mode in ("bicubic", "lanczos") and input.ndim == 4)
    ):
        return
    wanted = {m: n for n, m in _LINEAR.items()}.get(mode)
    if wanted is not None and input.ndim in _LINEAR:
        raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs {wanted}D input")
    raise NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the modes: "
        "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got "
        f"{mode})"
    )


def _kernel_name(mode: str, ndim: int) -> str:
    dims = ndim - 2
    if mode in ("nearest", "nearest-exact"):
        return f"UpsampleNearest{'Exact' if 'exact' in mode else ''}{dims}D"
    if mode == "area":
        return "SqueezeBackward1" if dims == 1 else f"AdaptiveAvgPool{dims}D"
    return f"Upsample{mode.capitalize()}{dims}D"


def resize(input: Array, size: Any, scale_factor: Any, mode: str, align_corners: bool | None,
           recompute: bool | None, antialias: bool) -> Array:  # fmt: skip
    """What ``interpolate`` does."""
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(
            f"align_corners option can only be set with the interpolating modes: {_GIVEN}"
        )
    align = bool(align_corners)
    sizes, factors = _target_sizes(input, size, scale_factor)
    if recompute and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    scales: list[float | None] = [None] * (input.ndim - 2)
    if factors is not None:
        sizes = [int(math.floor(n * f)) for n, f in zip(input.shape[2:], factors, strict=True)]
        if not recompute and mode != "area":
            scales = list(factors)
    assert sizes is not None
    _check_mode(input, mode, align_corners, antialias)
    if min(sizes) <= 0 or 0 in input.shape[2:]:
        shapes = [
            ", ".join(f"{c}: {n}" for c, n in zip("DHW"[-len(sizes) :], values, strict=False))
            for values in (input.shape[2:], sizes)
        ]
        raise RuntimeError(
            "Input and output sizes should be greater than 0, but got input "
            f"({shapes[0]}) output ({shapes[1]})"
        )
    if 0 in input.shape[1:]:
        raise RuntimeError(
            f"Non-empty {input.ndim}D data tensor expected but got a tensor with sizes "
            f"{shape_text(input.shape)}"
        )
    is_byte = input.dtype == jnp.uint8 and mode not in ("area", "linear", "trilinear")
    if not (jnp.issubdtype(input.dtype, jnp.floating) or is_byte):
        raise not_implemented_for(_kernel_text(mode, input.ndim), type_name(input))
    if mode == "area":
        return adaptive_avg(input.ndim - 2, input, tuple(sizes))
    if mode in ("nearest", "nearest-exact"):
        return _picked(input, sizes, scales, mode == "nearest-exact")
    return _resized(input, mode, sizes, scales, align, antialias)


def _kernel_text(mode: str, ndim: int) -> str:
    if mode == "area":
        return "adaptive_avg_pool2d"
    if ndim == 4 and mode in ("nearest", "nearest-exact", "bilinear"):
        return f"upsample_{mode.removesuffix('-exact')}2d_channels_last"
    kind = "linear" if mode.endswith("linear") else mode.removesuffix("-exact").removeprefix("bi")
    return f"compute_indices_weights_{kind}"


@op(
    namespaces=("functional",), method=False,
    grad_name=lambda args: _kernel_name(args["mode"], args["input"].ndim),
    keeps=lambda args: ("input",) if args["mode"] == "area" else None,
)  # fmt: skip
def interpolate(
    input: Array,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Array:
    """Resampled to another spatial size.  ``(N, C, *S) -> (N, C, *size)``"""
    return resize(input, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
