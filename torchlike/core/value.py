"""What a tensor's contents are: an ``Aval`` (what is known of them) and a ``Value`` (the array, or a
promise of it). Values are immutable; a write gives a tensor another value."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from .device import cpu, device, jax_device
from .dtypes import dtype, from_np
from .shapes import contiguous_strides

Levels = tuple[tuple[int, int], ...]


class Aval:
    """Shape, dtype and device; one object for each combination, so that caches key on identity.

    ``levels`` holds (number, size) of each ``vmap`` that maps the value, the outermost first: the
    array has those sizes in front of ``shape``, which is one sample's. ``dual`` says that a tensor
    with this value has a tangent. ``plain`` means neither.
    """

    __slots__ = (
        "device", "dtype", "dual", "inexact", "levels", "ndim", "numel", "plain", "shape", "traced",
    )  # fmt: skip

    def __init__(
        self, shape: tuple[int, ...], of: dtype, on: device, traced: bool, levels: Levels, dual: bool
    ) -> None:
        self.shape = shape
        self.dtype = of
        self.device = on
        self.traced = traced
        self.levels = levels
        self.dual = dual
        self.plain = not (levels or dual)
        self.ndim = len(shape)
        self.inexact = of.category >= 2
        count = 1
        for n in shape:
            count *= n
        self.numel = count

    def __repr__(self) -> str:
        mapped = "".join(f"{size}x" for _, size in self.levels)
        return f"{self.dtype.name}{mapped}{list(self.shape)}@{self.device}"

    @property
    def whole_shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return (*[size for _, size in self.levels], *self.shape)

    @property
    def struct(self) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(self.whole_shape, self.dtype.np)

    def but(self, **changes: Any) -> Aval:
        """The same in all but these: ``shape``, ``of``, ``on``, ``traced``, ``levels``, ``dual``."""
        given = {"shape": self.shape, "of": self.dtype, "on": self.device, "traced": self.traced,
                 "levels": self.levels, "dual": self.dual}  # fmt: skip
        return aval(**{**given, **changes})

    @property
    def strides(self) -> tuple[int, ...]:
        return contiguous_strides(self.shape)


_AVALS: dict[tuple[Any, ...], Aval] = {}


def aval(
    shape: tuple[int, ...], of: dtype, on: device = cpu, traced: bool = False, levels: Levels = (),
    dual: bool = False,
) -> Aval:  # fmt: skip
    key = (shape, of, on, traced, levels, dual)
    found = _AVALS.get(key)
    if found is None:
        found = _AVALS.setdefault(key, Aval(*key))
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
        RuntimeError: the value is a tracer, or differs from sample to sample of a ``vmap``.
    """
    if value.aval.levels:
        raise RuntimeError(NO_STORAGE)
    return whole_on_host(value)


NO_STORAGE = (
    "Cannot access data pointer of Tensor that doesn't have storage\n"
    "hint: inside torch.vmap a tensor stands for all samples at once, so it has no numbers to look at"
)


def whole_on_host(value: Value) -> np.ndarray:
    """``on_host``, with all samples of a ``vmap``."""
    array = concrete(value)
    if value.aval.traced:
        raise RuntimeError(
            "a tensor inside jax.jit, jax.grad or jax.vmap has no numbers to look at\n"
            "hint: data-dependent shapes and .item() work in eager code only"
        )
    return array if type(array) is np.ndarray else np.asarray(array)
