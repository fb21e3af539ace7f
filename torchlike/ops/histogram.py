"""Counts per bin; and the covariance of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.dtypes import TYPE_NAMES
from ..core.errors import check, not_implemented_for, shape_text
from ..core.promote import promote_types
from ..core.registry import Array, Operand, Scalar, op
from .accumulate import floated, is_complex, kind, type_name


def _check_histc(args: dict[str, Any]) -> None:
    low, high = args.get("min", 0), args.get("max", 0)
    input = args["input"]
    if args.get("bins", 100) <= 0 or not input.dtype.is_floating_point:
        return
    if low == high and 0 not in input.shape:
        values = input.numpy().astype(np.float64)
        low, high = values.min(), values.max()
    check(
        bool(np.isfinite(low) and np.isfinite(high)),
        f"torch.histc: range of [{low:g}, {high:g}] is not finite",
    )
    check(low <= high, "torch.histc: max must be larger than min")


@op(out=True, nondiff=True, check=_check_histc)
def histc(input: Array, bins: int = 100, min: Scalar = 0, max: Scalar = 0) -> Array:
    """Elements per equal bin of ``[min, max]``, of the data's range if they are equal.

    ``(*) -> (bins)``
    """
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if is_complex(input):
        raise not_implemented_for("aminmax_cpu", type_name(input))
    if kind(input).name not in ("float32", "float64", "bfloat16", "float16"):
        kernel = "linspace_cpu" if input.dtype == np.bool_ else "histogram_cpu"
        raise not_implemented_for(kernel, type_name(input))
    x = input.reshape(-1).astype(np.float64 if input.dtype == np.float64 else np.float32)
    low, high = min.astype(x.dtype), max.astype(x.dtype)
    if x.size:
        same = low == high
        low, high = jnp.where(same, jnp.min(x), low), jnp.where(same, jnp.max(x), high)
    same, one = low == high, jnp.ones((), x.dtype)
    low, high = jnp.where(same, low - one, low), jnp.where(same, high + one, high)
    info = jnp.finfo(input.dtype)

    def rounded(y: Array) -> Array:
        # PyTorch counts halves in halves: which bin an element is in depends on the rounding
        return jax.lax.reduce_precision(y, info.nexp, info.nmant)

    off, width = rounded(x - low), rounded(high - low)
    place = rounded(rounded(off * jnp.asarray(bins, x.dtype)) / width)
    place = jnp.minimum(place.astype(np.int64), bins - 1)
    place = jnp.where((x >= low) & (x <= high), place, bins)
    counts = jnp.zeros(bins, x.dtype).at[place].add(one, mode="drop")
    return counts.astype(input.dtype)


@op(host=True, nondiff=True)
def bincount(input: Array, weights: Array | None = None, minlength: int = 0) -> np.ndarray:
    """How often, or with which sum of ``weights``, each integer occurs.  ``(N) -> (max + 1)``"""
    name = input.dtype.name
    if input.dtype.is_floating_point or input.dtype.is_complex or name == "bool":
        raise not_implemented_for("bincount_cpu", TYPE_NAMES[name])
    check(minlength >= 0, "minlength should be >= 0")
    if input.shape == (0,):
        return np.zeros(minlength, np.int64)
    values = input.numpy()
    check(
        values.ndim == 1 and bool((values >= 0).all()),
        "bincount only supports 1-d non-negative integral inputs.",
    )
    if weights is None:
        return np.bincount(values.astype(np.int64), minlength=minlength)
    check(weights.shape == input.shape, "weights should be 1-d and have the same length as input")
    to = np.float32 if weights.dtype.name == "float32" else np.float64
    sums = np.bincount(values.astype(np.int64), weights.numpy().astype(np.float64), minlength)
    return sums.astype(to)


# ---------------------------------------------------------------- histogram

_EDGES = ("hist", "bin_edges")


def _linspace(low: float, high: float, count: int, to: np.dtype) -> np.ndarray:
    """``torch.linspace``: the second half is counted from the end."""
    step = (to.type(high) - to.type(low)) / to.type(count - 1)
    place = np.arange(count)
    up = to.type(low) + step * place.astype(to)
    down = to.type(high) - step * (count - 1 - place).astype(to)
    return np.where(place < count // 2, up, down).astype(to)


def _range(values: np.ndarray, range: Any, i: int) -> tuple[float, float]:
    if range is not None:
        low, high = float(range[2 * i]), float(range[2 * i + 1])
    elif values.size:
        low, high = float(values.min()), float(values.max())
    else:
        low, high = 0.0, 1.0
    check(
        bool(np.isfinite(low) and np.isfinite(high)),
        f"torch.histogramdd: dimension {i}'s range [{low:g}, {high:g}] is not finite",
    )
    check(
        low <= high,
        f"torch.histogramdd: min should not exceed max, but got min {low:g} max {high:g} for "
        f"dimension {i}",
    )
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def _edges(input: Any, columns: np.ndarray, bins: Any, range: Any) -> list[np.ndarray]:
    to = input.dtype.np
    found = []
    for i, b in enumerate(bins):
        if isinstance(b, int):
            check(b > 0, f"torch.histogram(): bins must be > 0, but got {b} for dimension {i}")
            low, high = _range(columns[:, i], range, i)
            found.append(_linspace(low, high, b + 1, to))
            continue
        check(
            b.ndim == 1,
            f"torch.histogramdd: bins tensor should have one dimension, but got {b.ndim} "
            "dimensions in "
            f"the bins tensor for dimension {i}",
        )
        check(
            b.dtype is input.dtype,
            "torch.histogramdd: input tensor and bins tensors should have the same dtype, but "
            "got input "
            f"with dtype {_cpp(input)} and bins for dimension {i} with dtype {_cpp(b)}",
        )
        found.append(b.numpy())
    return found


def _cpp(x: Operand) -> str:
    return {"float32": "float", "float64": "double"}.get(x.dtype.name, x.dtype.name)


def _check_weight(input: Any, weight: Any, shape: tuple[int, ...]) -> None:
    if weight is None:
        return
    check(
        weight.dtype is input.dtype,
        "torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should "
        "have "
        f"the same dtype, but got input({_cpp(input)}), and weight({_cpp(weight)})",
    )
    check(
        tuple(weight.shape) == shape[:-1] or weight.shape == input.shape,
        "torch.histogramdd: if weight tensor is provided it should have the same shape as the "
        "input "
        f"tensor excluding its innermost dimension, but got input with shape {shape_text(shape)} "
        "and "
        f"weight with shape {shape_text(weight.shape)}",
    )


def _counts(
    columns: np.ndarray,
    edges: list[np.ndarray],
    weight: Any,
    density: bool,
    to: np.dtype,
) -> np.ndarray:
    shape = tuple(len(e) - 1 for e in edges)
    inside = np.ones(len(columns), np.bool_)
    places = []
    for column, edge in zip(columns.T, edges, strict=True):
        place = np.searchsorted(edge, column, side="right") - 1
        inside &= (column >= edge[0]) & (column <= edge[-1])
        places.append(np.minimum(place, len(edge) - 2))
    flat = np.ravel_multi_index([p[inside] for p in places], shape) if inside.any() else []
    by = None if weight is None else weight.numpy().reshape(-1)[inside].astype(np.float64)
    hist = np.bincount(np.asarray(flat, np.int64), by, int(np.prod(shape)))
    hist = hist.reshape(shape).astype(to)
    if density:
        with np.errstate(all="ignore"):  # of no elements it is NaN
            hist = hist / hist.sum()
            for i, edge in enumerate(edges):
                wide = [-1 if i == j else 1 for j in np.arange(len(edges))]
                hist = hist / np.diff(edge).reshape(wide)
    return hist.astype(to)


def _bins_overload(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    bins = args[1] if len(args) > 1 else kwargs.get("bins")
    return ("histogram_count" if isinstance(bins, int) else "histogram"), args, kwargs


def _histogram(input: Any, bins: Any, range: Any, weight: Any, density: bool) -> Any:
    if input.dtype.name not in ("float32", "float64"):
        raise not_implemented_for("histogramdd", TYPE_NAMES[input.dtype.name])
    columns = input.numpy().reshape(-1, 1)
    _check_weight(input, weight, columns.shape)
    edges = _edges(input, columns, [bins], range)
    return _counts(columns, edges, weight, density, input.dtype.np), edges[0]


@op(host=True, nondiff=True, out=True, returns=_EDGES, resolve=_bins_overload)
def histogram(
    input: Array, bins: Array, *, weight: Array | None = None, density: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Elements, or their weights, between given edges (or in ``bins`` equal parts).

    ``(*) -> (B), (B + 1)``
    """
    return _histogram(input, bins, None, weight, density)


@op(
    host=True, nondiff=True, out=True, returns=_EDGES, name="histogram", namespaces=(), method=False
)
def histogram_count(
    input: Array,
    bins: int,
    *,
    range: tuple[float, ...] | None = None,
    weight: Array | None = None,
    density: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Elements, or their weights, in ``bins`` equal parts of the range.  ``(*) -> (B), (B + 1)``"""
    return _histogram(input, bins, range, weight, density)


def _dd_overload(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    bins = args[1] if len(args) > 1 else kwargs.get("bins")
    counts = isinstance(bins, int) or (
        isinstance(bins, (list, tuple)) and len(bins) > 0 and isinstance(bins[0], int)
    )
    return ("histogramdd_count" if counts else "histogramdd"), args, kwargs


def _histogramdd(input: Any, bins: Any, range: Any, weight: Any, density: bool) -> Any:
    check(input.ndim >= 2, "torch.histogramdd: input tensor should have at least 2 dimensions, "
    "but got "
          f"{input.ndim}")  # fmt: skip
    if input.dtype.name not in ("float32", "float64"):
        raise not_implemented_for("histogramdd", TYPE_NAMES[input.dtype.name])
    dims = input.shape[-1]
    if isinstance(bins, (list, tuple)) and bins and isinstance(bins[0], int):
        check(
            len(bins) == dims,
            "histogramdd: The size of bins must be equal to the innermost dimension of the input.",
        )
    bins = [bins] * dims if isinstance(bins, int) else list(bins)
    check(
        len(bins) == dims,
        f"torch.histogramdd: expected {dims} sequences of bin edges for a {dims}-dimensional "
        "histogram "
        f"but got {len(bins)}",
    )
    _check_weight(input, weight, input.shape)
    columns = input.numpy().reshape(-1, dims)
    edges = _edges(input, columns, bins, range)
    counts = _counts(columns, edges, weight, density, input.dtype.np)
    given = [e if isinstance(b, int) else b for b, e in zip(bins, edges, strict=True)]
    return counts, tuple(given)


@op(host=True, nondiff=True, method=False, returns=_EDGES, resolve=_dd_overload)
def histogramdd(
    input: Array,
    bins: Sequence[Array],
    *,
    weight: Array | None = None,
    density: bool = False,
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Points per cell of a grid given by its edges.  ``(*, D) -> (B1, …, BD), D × (B + 1)``"""
    return _histogramdd(input, bins, None, weight, density)


@op(host=True, nondiff=True, namespaces=(), method=False, returns=_EDGES, name="histogramdd")
def histogramdd_count(
    input: Array,
    bins: int | tuple[int, ...],
    range: tuple[float, ...] | None = None,
    weight: Array | None = None,
    density: bool = False,
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Points per cell of a grid of equal parts.  ``(*, D) -> (B1, …, BD), D × (B + 1)``"""
    return _histogramdd(input, bins, range, weight, density)


# ---------------------------------------------------------------- covariance


def _check_cov(args: dict[str, Any]) -> None:
    for name in ("fweights", "aweights"):
        weights = args.get(name)
        if weights is not None and weights.ndim <= 1:
            check(bool((weights.numpy() >= 0).all()), f"cov(): {name} cannot be negative")


def _cov_weight(x: Array, weights: Array | None, name: str) -> None:
    if weights is None:
        return
    count = x.shape[1]
    check(
        weights.ndim <= 1,
        f"cov(): expected {name} to have one or fewer dimensions but got {name} with "
        f"{weights.ndim} dimensions",
    )
    integral = np.issubdtype(weights.dtype, np.integer)
    if name == "fweights":
        check(integral, f"cov(): expected fweights to have integral dtype but got fweights with "
              f"{type_name(weights)} dtype")  # fmt: skip
    else:
        check(not integral and not is_complex(weights), "cov(): expected aweights to have "
        "floating point "
              f"dtype but got aweights with {type_name(weights)} dtype")  # fmt: skip
    check(
        weights.size == count,
        f"cov(): expected {name} to have the same numel as there are observations in the input "
        f"but got {weights.size} != {count}",
    )


@op(check=_check_cov, grad_name="SqueezeBackward0")
def cov(
    input: Array,
    *,
    correction: int = 1,
    fweights: Array | None = None,
    aweights: Array | None = None,
) -> Array:
    """Covariance of variables in rows, samples in columns.  ``(V, N) -> (V, V)``"""
    check(
        input.ndim <= 2,
        "cov(): expected input to have two or fewer dimensions but got an input with "
        f"{input.ndim} dimensions",
    )
    check(input.dtype != np.bool_, "cov(): bool dtype is not supported for input")
    x = input if input.ndim == 2 else input.reshape(1, -1)
    count = x.shape[1]
    _cov_weight(x, fweights, "fweights")
    _cov_weight(x, aweights, "aweights")
    x = floated(x)
    if aweights is not None:
        x = x.astype(promote_types(kind(x), kind(aweights)).np)
    real = jnp.real(x).dtype
    weights = None
    for w in (fweights, aweights):
        if w is not None:
            w = w.reshape(-1).astype(real)
            weights = w if weights is None else weights * w
    if weights is None:
        total = jnp.asarray(count, real)
        average = jnp.sum(x, axis=1) / total.astype(x.dtype)
    else:
        total = jnp.sum(weights)
        average = jnp.sum(x * weights.astype(x.dtype), axis=1) / total.astype(x.dtype)
    if weights is not None and aweights is not None and correction != 0:
        part = jnp.sum(weights * aweights.reshape(-1).astype(real)) / total
        factor = total - jnp.asarray(correction, real) * part
    else:
        factor = total - jnp.asarray(correction, real)
    factor = jnp.maximum(factor, jnp.zeros((), real))
    off = x - average[:, None]
    scaled = off if weights is None else off * weights.astype(x.dtype)
    found = jnp.matmul(off, jnp.conj(scaled).T) / factor.astype(x.dtype)
    return jnp.squeeze(found) if 1 in found.shape else found


@op(grad_name="ClampBackward1")
def corrcoef(input: Array) -> Array:
    """Covariance scaled by the standard deviations, clipped to [-1, 1].  ``(V, N) -> (V, V)``"""
    check(
        input.ndim <= 2,
        "corrcoef(): expected input to have two or fewer dimensions but got an input with "
        f"{input.ndim} dimensions",
    )
    found = cov(input)
    if found.ndim == 0:
        return found / found
    deviation = jnp.sqrt(jnp.diagonal(found))
    found = found / deviation[:, None] / deviation[None, :]
    if is_complex(found):
        return jax.lax.complex(jnp.clip(jnp.real(found), -1, 1), jnp.clip(jnp.imag(found), -1, 1))
    return jnp.clip(found, -1, 1)
