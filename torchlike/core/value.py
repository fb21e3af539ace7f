"""What a tensor's contents are: an ``Aval`` (what is known of them) and a ``Value`` (the array, or a
promise of it). Values are immutable; a write gives a tensor another value."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from .device import cpu, device, jax_device
from .dtypes import dtype, from_np
from .shapes import contiguous_strides


class Aval:
    """Shape, dtype and device; one object for each combination, so that caches key on identity."""

    __slots__ = ("device", "dtype", "inexact", "ndim", "numel", "shape", "traced")

    def __init__(self, shape: tuple[int, ...], of: dtype, on: device, traced: bool) -> None:
        self.shape = shape
        self.dtype = of
        self.device = on
        self.traced = traced
        self.ndim = len(shape)
        self.inexact = of.category >= 2
        count = 1
        for n in shape:
            count *= n
        self.numel = count

    def __repr__(self) -> str:
        return f"{self.dtype.name}{list(self.shape)}@{self.device}"

    @property
    def struct(self) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(self.shape, self.dtype.np)

    @property
    def strides(self) -> tuple[int, ...]:
        return contiguous_strides(self.shape)


_AVALS: dict[tuple[Any, ...], Aval] = {}


def aval(shape: tuple[int, ...], of: dtype, on: device = cpu, traced: bool = False) -> Aval:
    key = (shape, of, on, traced)
    found = _AVALS.get(key)
    if found is None:
        found = _AVALS.setdefault(key, Aval(shape, of, on, traced))
    return found


class Value:
    """An array, or output ``index`` of a ``segment`` that has not run yet (``array`` is None)."""

    __slots__ = ("__weakref__", "array", "aval", "index", "segment")

    def __init__(self, of: Aval, array: Any, segment: Any = None, index: int = 0) -> None:
        self.aval = of
        self.array = array
        self.segment = segment
        self.index = index

    def __repr__(self) -> str:
        return f"Value({self.aval!r}, {'pending' if self.array is None else type(self.array).__name__})"


def from_array(array: Any, on: device = cpu) -> Value:
    """Wraps a JAX array (or tracer) or an ndarray nobody else writes to."""
    if isinstance(array, jax.core.Tracer):
        return Value(aval(tuple(array.shape), from_np(array.dtype), on, True), array)
    return Value(aval(array.shape, from_np(array.dtype), on), array)


def concrete(value: Value) -> Any:
    """The array, computed if it is pending: a JAX array, an ndarray, or a tracer."""
    if value.array is None:
        value.segment.flush(value.index)
    return value.array


def on_device(value: Value) -> Any:
    """The array as a JAX array on its device; a host-born one is put there once and stays."""
    array = concrete(value)
    if type(array) is np.ndarray:
        value.array = array = jax.device_put(array, jax_device(value.aval.device))
    return array


def on_host(value: Value) -> np.ndarray:
    """The array as NumPy's, read-only and sharing memory where JAX allows.

    Raises:
        RuntimeError: the value is a tracer.
    """
    array = concrete(value)
    if value.aval.traced:
        raise RuntimeError(
            "a tensor inside jax.jit, jax.grad or jax.vmap has no numbers to look at\n"
            "hint: data-dependent shapes and .item() work in eager code only"
        )
    return array if type(array) is np.ndarray else np.asarray(array)
