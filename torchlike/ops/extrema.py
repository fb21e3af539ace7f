"""Largest and smallest elements, over dims, and where they are."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core import errors
from ..core.errors import not_implemented_for
from ..core.registry import Array, reduction
from ..core.shapes import normal_dim, normal_dims
from .accumulate import dead, is_complex, is_floating, type_name, widened

Dims = tuple[int, ...]
# XLA:CPU's vectorised max and min lose NaN from 4,096 elements up; a reducer of our own does not,
# at half the cost of looking for NaN separately.
_SAFE = 1024


def extreme(x: Array, dims: Dims, largest: bool) -> Array:
    """Max or min over ``dims``, which stay as 1; NaN wins, at every size. Has no gradient."""
    if not is_floating(x) or x.size < _SAFE:
        return (jnp.max if largest else jnp.min)(x, axis=dims, keepdims=True)

    def stronger(a: Array, b: Array) -> Array:
        return jnp.where(((a >= b) if largest else (a <= b)) | (a != a), a, b)

    worst = np.asarray(-np.inf if largest else np.inf, x.dtype)
    return jnp.expand_dims(jax.lax.reduce(x, worst, stronger, dims), dims)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _shared(x: Array, dims: Dims, largest: bool) -> Array:
    """``extreme`` whose gradient is shared evenly by all that are equal to the result."""
    return extreme(x, dims, largest)


@_shared.defjvp
def _shared_jvp(dims: Dims, largest: bool, primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    y = _shared(x, dims, largest)
    return y, even_share(x, y, t, dims)


def even_share(x: Array, y: Array, t: Array, dims: Dims) -> Array:
    """The tangent of a result ``y`` that every equal element of ``x`` has an even part in."""
    mask = (x == y) | (jnp.isnan(x) & jnp.isnan(y))
    count = jnp.sum(mask, axis=dims, keepdims=True).astype(x.dtype)
    return jnp.sum(dead(~mask, t), axis=dims, keepdims=True) / count


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def at_index(x: Array, index: Array, dim: int) -> Array:
    """``x`` at one ``index`` per line along ``dim``, which stays as 1."""
    return jnp.take_along_axis(x, index, axis=dim)


@at_index.defjvp
def _at_index_jvp(dim: int, primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x, index), (t, _) = primals, tangents
    # a comparison instead of a gather: its transpose is a select, not a scatter
    here = jax.lax.broadcasted_iota(index.dtype, x.shape, dim) == index
    return at_index(x, index, dim), jnp.sum(dead(~here, t), axis=dim, keepdims=True)


def refuse_empty(name: str, x: Array, dim: int | Dims | None, full: str) -> None:
    """Raises PyTorch's error for the maximum of nothing.

    Raises:
        RuntimeError: nothing at all to reduce (IndexError for argmax).
        IndexError: a reduced dim has size 0.
    """
    if x.size:
        return
    if dim is None or dim == ():
        raise RuntimeError(full)
    for d in normal_dims(dim, x.ndim):
        if x.ndim and x.shape[d] == 0:
            raise IndexError(f"{name}: Expected reduction dim {d} to have non-zero size.")


def _amount(name: str, x: Array, dim: int | Dims | None, keepdim: bool, largest: bool) -> Array:
    if is_complex(x):
        kernel = "max_values_cpu" if largest else "min_values_cpu"
        raise not_implemented_for(kernel, type_name(x))
    dims = normal_dims(dim, x.ndim)
    refuse_empty(f"{name}()", x, dim, _unspecified(name))
    found = _shared(x, dims, largest)
    return found if keepdim else jnp.squeeze(found, dims)


def _unspecified(name: str) -> str:
    return (
        f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
        "Specify the reduction dim with the 'dim' argument."
    )


@reduction()
def amax(input: Array, dim: int | Dims = (), keepdim: bool = False) -> Array:
    """Largest over ``dim``; equal ones share the gradient evenly.  ``(*) -> reduced``"""
    return _amount("amax", input, dim, keepdim, True)


@reduction()
def amin(input: Array, dim: int | Dims = (), keepdim: bool = False) -> Array:
    """Smallest over ``dim``; equal ones share the gradient evenly.  ``(*) -> reduced``"""
    return _amount("amin", input, dim, keepdim, False)


@reduction(returns=("min", "max"), keeps=())
def aminmax(input: Array, *, dim: int | None = None, keepdim: bool = False) -> tuple[Array, Array]:
    """Smallest and largest at once.  ``(*) -> reduced, reduced``"""
    if is_complex(input):
        raise not_implemented_for("aminmax_cpu", type_name(input))
    dims = normal_dims(dim, input.ndim)
    refuse_empty(
        "aminmax",
        input,
        dim,
        "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
        "identity.",
    )
    low, high = _shared(input, dims, False), _shared(input, dims, True)
    return (low, high) if keepdim else (jnp.squeeze(low, dims), jnp.squeeze(high, dims))


# ---------------------------------------------------------------- max, min


def _overload(name: str, pairwise: str) -> Any:
    """``max(x)``, ``max(x, dim)`` or ``max(x, other)``."""

    def resolve(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
        if len(args) > 1 and not hasattr(args[0], "dtype"):
            kinds = ["Tensor" if hasattr(a, "dtype") else type(a).__name__ for a in args]
            raise errors.no_overload(name, kinds)
        if args and not hasattr(args[0], "dtype"):
            return name, args, kwargs  # whose binder refuses it
        if "other" in kwargs or (len(args) > 1 and not isinstance(args[1], (int, np.integer))):
            return pairwise, args, kwargs
        if len(args) > 1 or "dim" in kwargs or "keepdim" in kwargs:
            return f"{name}_dim", args, kwargs
        return name, args, kwargs

    return resolve


def _whole(name: str, x: Array, largest: bool) -> Array:
    if is_complex(x):
        raise not_implemented_for(f"{name}_all", type_name(x))
    refuse_empty(f"{name}()", x, None, _unspecified(name))
    dims = tuple(range(x.ndim))
    return jnp.squeeze(_shared(x, dims, largest), dims)


def _along(name: str, x: Array, dim: int, keepdim: bool, largest: bool) -> tuple[Array, Array]:
    if is_complex(x):
        raise RuntimeError(f"{name}(): does not support complex input")
    d = normal_dim(dim, x.ndim)
    refuse_empty(f"{name}()", x, dim, "")
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    index = first_extreme(x, d, largest)
    values = at_index(x, index, d)
    return (values, index) if keepdim else (jnp.squeeze(values, d), jnp.squeeze(index, d))


def first_extreme(x: Array, dim: int, largest: bool) -> Array:
    """Index of the first largest or smallest along ``dim``, which stays as 1; NaN comes first."""
    if x.dtype == np.bool_:
        x = x.astype(np.uint8)
    if x.size == 0:
        shape = (*x.shape[:dim], 1, *x.shape[dim + 1 :])
        return jnp.zeros(shape, np.int64)
    find = jax.lax.argmax if largest else jax.lax.argmin
    return jnp.expand_dims(find(widened(jax.lax.stop_gradient(x)), dim, np.int64), dim)


@reduction(resolve=_overload("max", "maximum"), grad_name="MaxBackward1", keeps=())
def max(input: Array) -> Array:
    """Largest of all (or ``max_dim``, or ``maximum``); ties share the gradient.  ``(*) -> ()``"""
    return _whole("max", input, True)


@reduction(resolve=_overload("min", "minimum"), grad_name="MinBackward1", keeps=())
def min(input: Array) -> Array:
    """Smallest of all (or ``min_dim``, or ``minimum``); ties share the gradient.  ``(*) -> ()``"""
    return _whole("min", input, False)


@reduction(
    name="max", namespaces=(), method=False, returns=("values", "indices"), saves="none",
    grad_name="MaxBackward0", keeps=(),
)  # fmt: skip
def max_dim(input: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """Largest along ``dim`` and its first index, which takes the gradient.

    ``(*) -> reduced, reduced``
    """
    return _along("max", input, dim, keepdim, True)


@reduction(
    name="min", namespaces=(), method=False, returns=("values", "indices"), saves="none",
    grad_name="MinBackward0", keeps=(),
)  # fmt: skip
def min_dim(input: Array, dim: int, keepdim: bool = False) -> tuple[Array, Array]:
    """Smallest along ``dim`` and its first index, which takes the gradient.

    ``(*) -> reduced, reduced``
    """
    return _along("min", input, dim, keepdim, False)


def _position(name: str, x: Array, dim: int | None, keepdim: bool, largest: bool) -> Array:
    if is_complex(x) or x.dtype == np.bool_:
        what = "complex" if is_complex(x) else "bool"
        raise RuntimeError(f"{name}(): does not support {what} input")
    if dim is None:
        if x.size == 0:
            raise IndexError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0."
            )
        found = first_extreme(x.reshape(-1), 0, largest)
        return found.reshape((1,) * x.ndim if keepdim else ())
    d = normal_dim(dim, x.ndim)
    refuse_empty(f"{name}()", x, dim, "")
    if x.ndim == 0:
        return jnp.zeros((), np.int64)
    found = first_extreme(x, d, largest)
    return found if keepdim else jnp.squeeze(found, d)


@reduction(nondiff=True)
def argmax(input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """First index of the largest; of the flattened input without ``dim``.  ``(*) -> reduced``"""
    return _position("argmax", input, dim, keepdim, True)


@reduction(nondiff=True)
def argmin(input: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """First index of the smallest; of the flattened input without ``dim``.  ``(*) -> reduced``"""
    return _position("argmin", input, dim, keepdim, False)
