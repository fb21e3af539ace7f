"""Where the elements that are not zero are, and places as coordinates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jax import numpy as jnp

from ..core.registry import Array, op
from .call_arguments import named_arguments


def _nonzero_overload(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, as_tuple = named_arguments(args, kwargs, "input", "as_tuple")
    return ("nonzero_tuple" if as_tuple else "nonzero"), (x,), {}


@op(host=True, nondiff=True, out=True, resolve=_nonzero_overload)
def nonzero(input: Array, *, as_tuple: bool = False) -> np.ndarray:
    """Places of the elements that are not zero; as_tuple: one vector per dim.

    ``(*) -> (count, ndim)``
    """
    return _places(input.numpy())


def _places(values: np.ndarray) -> np.ndarray:
    if values.ndim == 0:
        return np.zeros((int(bool(values)), 0), np.int64)
    return np.argwhere(values).astype(np.int64, copy=False)


@op(name="nonzero", namespaces=(), method=False, host=True, nondiff=True)
def nonzero_tuple(input: Array, *, as_tuple: bool = True) -> tuple[np.ndarray, ...]:
    """Places of the elements that are not zero, dim by dim.  ``(*) -> (count), (count)…``"""
    return tuple(i.astype(np.int64, copy=False) for i in np.nonzero(np.atleast_1d(input.numpy())))


@op(host=True, nondiff=True)
def argwhere(input: Array) -> np.ndarray:
    """Places of the elements that are not zero.  ``(*) -> (count, ndim)``"""
    return _places(input.numpy())


@op(host=True, nondiff=True, out=True)
def nonzero_static(input: Array, *, size: int, fill_value: int = -1) -> np.ndarray:
    """``nonzero`` cut or filled to ``size`` rows.  ``(*) -> (size, ndim)``"""
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    places = _places(input.numpy())[:size]
    found = np.full((size, input.ndim), fill_value, np.int64)
    found[: len(places)] = places
    return found


def _check_unravel(args: dict[str, Any]) -> None:
    indices, shape = args["indices"], args["shape"]
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {tuple(sizes)}")
    if indices.dtype.is_floating_point or indices.dtype.is_complex or indices.dtype.name == "bool":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype!r}")


@op(check=_check_unravel, nondiff=True, method=False)
def unravel_index(indices: Array, shape: int | tuple[int, ...]) -> tuple[Array, ...]:
    """Coordinates of places in a tensor of ``shape``, one tensor per dim.  ``(*) -> (*)…``"""
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    step, found = math.prod(sizes), []
    for n in sizes:
        step //= max(n, 1)
        whole = indices.astype(jnp.int64) // max(step, 1)
        found.append(whole % max(n, 1))
    return tuple(found)
