"""Order statistics: median, mode, quantiles, the k-th value."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.errors import check, not_implemented_for
from ..core.registry import Array, Scalar, reduction
from ..core.shapes import normal_dim
from .accumulate import is_complex, is_floating, kind, type_name, widened
from .extrema import at_index, even_share, refuse_empty

_PAIR = ("values", "indices")


def sorted_order(x: Array, dim: int, *, descending: bool = False) -> Array:
    """Stable order along ``dim`` as int64, NaN as the largest."""
    key = widened(jax.lax.stop_gradient(x))
    key = key.astype(np.uint8) if key.dtype == np.bool_ else key
    return jnp.argsort(key, axis=dim, stable=True, descending=descending).astype(np.int64)


def _refuse_unordered(kernel: str, x: Array) -> None:
    if is_complex(x) or x.dtype == np.bool_:
        raise not_implemented_for(kernel, type_name(x))


def _median_index(x: Array, dim: int, skip_nan: bool) -> Array:
    """Where the lower median of each line is, or the first NaN; ``dim`` stays as 1."""
    order = sorted_order(x, dim)
    size = x.shape[dim]
    half = (size - 1) // 2
    if not is_floating(x):
        return jax.lax.slice_in_dim(order, half, half + 1, axis=dim)
    bad = jnp.sum(jnp.isnan(x), axis=dim, keepdims=True, dtype=np.int64)
    if skip_nan:
        place = jnp.maximum((size - bad - 1) // 2, 0)
    else:
        place = jnp.where(bad > 0, size - bad, half)
    return jnp.take_along_axis(order, place, axis=dim)


def _median_of_all(x: Array, skip_nan: bool) -> Array:
    _refuse_unordered("median_cpu", x)
    if x.size == 0:
        # PyTorch: NaN, and for integers what NaN casts to
        lowest = -1 if not is_floating(x) and x.dtype != np.int64 else np.iinfo(np.int64).min
        empty = np.nan if is_floating(x) else (0 if x.dtype.itemsize < 4 else lowest)
        return jnp.asarray(empty, x.dtype)
    return _even_median(x.reshape(-1), skip_nan)


@jax.custom_jvp
def _median(x: Array) -> Array:
    return at_index(x, _median_index(x, 0, False), 0)


@jax.custom_jvp
def _nanmedian(x: Array) -> Array:
    return at_index(x, _median_index(x, 0, True), 0)


@_median.defjvp
def _median_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    y = _median(x)
    return y, even_share(x, y, t, (0,))


@_nanmedian.defjvp
def _nanmedian_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    y = _nanmedian(x)
    return y, even_share(x, y, t, (0,))


def _even_median(x: Array, skip_nan: bool) -> Array:
    return (_nanmedian if skip_nan else _median)(x)[0]


def _with_dim(name: str) -> Any:
    """``median(x)`` or ``median(x, dim)``."""

    def resolve(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
        along = len(args) > 1 or "dim" in kwargs or "keepdim" in kwargs
        return (f"{name}_dim" if along else name), args, kwargs

    return resolve


def _lines(name: str, x: Array, dim: int, keepdim: bool, index: Any) -> tuple[Array, Array]:
    """Values and indices along ``dim`` at ``index(x, dim)``."""
    d = normal_dim(dim, x.ndim)
    refuse_empty(f"{name}()", x, d, "")
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    if x.size == 0:
        where = jnp.zeros((*x.shape[:d], 1, *x.shape[d + 1 :]), np.int64)
    else:
        where = index(x, d)
    values = at_index(x, where, d)
    return (values, where) if keepdim else (jnp.squeeze(values, d), jnp.squeeze(where, d))


@reduction(resolve=_with_dim("median"), out=False, grad_name="MedianBackward0", keeps=())
def median(input: Array) -> Array:
    """Lower median of all (or ``median_dim``); NaN if there is one.  ``(*) -> ()``"""
    return _median_of_all(input, False)


@reduction(resolve=_with_dim("nanmedian"), out=False, grad_name="NanmedianBackward0", keeps=())
def nanmedian(input: Array) -> Array:
    """Lower median of what is not NaN (or ``nanmedian_dim``).  ``(*) -> ()``"""
    return _median_of_all(input, True)


@reduction(
    name="median",
    namespaces=(),
    method=False,
    returns=_PAIR,
    grad_name="MedianBackward1",
    saves="none", keeps=(),
)
def median_dim(input: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """Lower median along ``dim`` and where it is.  ``(*) -> reduced, reduced``

    Differs: of equal elements the first counts; PyTorch leaves open which.
    """
    _refuse_unordered("median_out", input)
    return _lines("median", input, dim, keepdim, lambda x, d: _median_index(x, d, False))


@reduction(
    name="nanmedian", namespaces=(), method=False, returns=_PAIR, grad_name="NanmedianBackward1",
    saves="none", keeps=(),
)  # fmt: skip
def nanmedian_dim(input: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """Lower median of what is not NaN along ``dim``, and where it is.

    ``(*) -> reduced, reduced``
    """
    _refuse_unordered("median_out", input)
    return _lines("nanmedian", input, dim, keepdim, lambda x, d: _median_index(x, d, True))


@reduction(returns=_PAIR, saves="none", keeps=())
def mode(input: Array, dim: int = -1, keepdim: bool = False) -> tuple[Array, Array]:
    """Most frequent value along ``dim``, the smallest of such, and its last index.

    ``(*) -> reduced, reduced``
    """
    if is_complex(input):
        raise not_implemented_for("mode_cpu", type_name(input))
    return _lines("mode", input, dim, keepdim, _mode_index)


def _mode_index(x: Array, d: int) -> Array:
    order = sorted_order(x, d)
    ranked = jnp.take_along_axis(jax.lax.stop_gradient(x), order, axis=d)
    place = jax.lax.broadcasted_iota(np.int64, x.shape, d)
    size = x.shape[d]
    later = jax.lax.slice_in_dim(ranked, 1, size, axis=d)
    fresh = later != jax.lax.slice_in_dim(ranked, 0, size - 1, axis=d)
    pad = [(1, 0) if i == d else (0, 0) for i in range(x.ndim)]
    start = jnp.where(jnp.pad(fresh, pad, constant_values=True), place, jnp.zeros((), np.int64))
    run = place - jax.lax.cummax(start, axis=d)
    end = jnp.expand_dims(jax.lax.argmax(run, d, np.int64), d)
    return jnp.take_along_axis(order, end, axis=d)


@reduction(returns=_PAIR, saves="none", keeps=())
def kthvalue(input: Array, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Array, Array]:
    """The ``k``-th smallest along ``dim``, counted from 1, and its index.

    ``(*) -> reduced, reduced``
    """
    d = normal_dim(dim, input.ndim)
    refuse_empty("kthvalue()", input, d, "")
    size = input.shape[d] if input.ndim else 1
    if not 1 <= k <= size:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {d}")
    _refuse_unordered("kthvalue_cpu", input)

    def kth(x: Array, d: int) -> Array:
        return jax.lax.slice_in_dim(sorted_order(x, d), k - 1, k, axis=d)

    return _lines("kthvalue", input, dim, keepdim, kth)


# ---------------------------------------------------------------- quantile

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _number_q(name: str) -> Any:
    """A Python number ``q`` has the input's precision: an overload of its own."""

    def resolve(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
        q = args[1] if len(args) > 1 else kwargs.get("q")
        if isinstance(q, (int, float, np.number)):
            return f"{name}_number", args, kwargs
        if kwargs.get("interpolation") == "midpoint" and q is not None and hasattr(q, "detach"):
            # the value between two ranks is the same wherever q is between them
            fixed = q.detach()
            args = (args[0], fixed, *args[2:]) if len(args) > 1 else args
            kwargs = {**kwargs, "q": fixed} if "q" in kwargs else kwargs
        return name, args, kwargs

    return resolve


def _check_q(name: str) -> Any:
    def check_range(args: dict[str, Any]) -> None:
        q = args["q"]
        if isinstance(q, (int, float, np.number)):
            check(0 <= q <= 1, f"{name}() q must be in the range [0, 1] but got {q:g}")
            return
        values = q.numpy()
        inside = bool(((values >= 0) & (values <= 1)).all())
        check(inside, f"{name}() q values must be in the range [0, 1]")

    return check_range


def _quantile(
    name: str, x: Array, q: Array, dim: int | None, keepdim: bool, how: str, skip_nan: bool
) -> Array:
    if x.size == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if q.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if kind(x).name not in ("float32", "float64"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if q.dtype != x.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if how not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, "
            f"but got {how}"
        )
    d = 0 if dim is None else normal_dim(dim, x.ndim)
    ndim = x.ndim
    lines = x.reshape(-1) if dim is None or x.ndim == 0 else jnp.moveaxis(x, d, -1)
    found = _ranked_values(lines, jnp.atleast_1d(q), how, skip_nan)  # (*, Q)
    found = jnp.moveaxis(found, -1, 0)  # (Q, *)
    if keepdim and ndim:
        found = found.reshape(-1, *(1,) * ndim) if dim is None else jnp.expand_dims(found, d + 1)
    return found[0] if q.ndim == 0 else found


def _ranked_values(x: Array, q: Array, how: str, skip_nan: bool) -> Array:
    """``(*, N), (Q,) -> (*, Q)``: the value at rank ``q (n - 1)`` of each line."""
    ranked = jnp.take_along_axis(x, sorted_order(x, -1), axis=-1)
    one = jnp.ones((), x.dtype)
    if skip_nan:
        count = jnp.sum(~jnp.isnan(x), axis=-1, keepdims=True).astype(x.dtype)
        ranks = jnp.maximum(q * (count - one), jnp.zeros((), x.dtype))
    else:
        last = jnp.asarray(x.shape[-1] - 1, x.dtype)
        ranks = jnp.where(jnp.any(jnp.isnan(x), axis=-1, keepdims=True), last, q * last)
    if how in ("lower", "higher", "nearest"):
        ranks = {"lower": jnp.floor, "higher": jnp.ceil, "nearest": jnp.round}[how](ranks)
    below = jnp.floor(ranks)
    low = jnp.take_along_axis(ranked, below.astype(np.int64), axis=-1)
    if how not in ("linear", "midpoint"):
        return low
    high = jnp.take_along_axis(ranked, jnp.ceil(ranks).astype(np.int64), axis=-1)
    weight = ranks - jax.lax.stop_gradient(below) if how == "linear" else jnp.full_like(ranks, 0.5)
    step = high - low
    return jnp.where(weight < 0.5, low + weight * step, high - step * (one - weight))


@reduction(resolve=_number_q("quantile"), check=_check_q("quantile"), grad_name="SqueezeBackward4")
def quantile(
    input: Array,
    q: Array,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Array:
    """The ``q``-quantiles along ``dim``; NaN where there is one.  ``(*), (Q) -> (Q, reduced)``"""
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@reduction(
    resolve=_number_q("nanquantile"), check=_check_q("nanquantile"), grad_name="SqueezeBackward4"
)
def nanquantile(
    input: Array,
    q: Array,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Array:
    """The ``q``-quantiles of what is not NaN.  ``(*), (Q) -> (Q, reduced)``"""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)


@reduction(
    name="quantile",
    namespaces=(),
    method=False,
    check=_check_q("quantile"),
    grad_name="SqueezeBackward4",
)
def quantile_number(
    input: Array,
    q: Scalar,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Array:
    """``quantile`` at one Python number.  ``(*) -> reduced``"""
    return _quantile("quantile", input, q.astype(input.dtype), dim, keepdim, interpolation, False)


@reduction(
    name="nanquantile", namespaces=(), method=False, check=_check_q("nanquantile"),
    grad_name="SqueezeBackward4",
)  # fmt: skip
def nanquantile_number(
    input: Array,
    q: Scalar,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Array:
    """``nanquantile`` at one Python number.  ``(*) -> reduced``"""
    return _quantile("nanquantile", input, q.astype(input.dtype), dim, keepdim, interpolation, True)
