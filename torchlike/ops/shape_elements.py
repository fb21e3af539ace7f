"""Views of the parts of elements: real, imag, view_as_real, view_as_complex, view(dtype)."""

from __future__ import annotations

from typing import Any

from jax import lax, numpy as jnp

from ..core import dtypes as d
from ..core.dtypes import TYPE_NAMES, dtype
from ..core.errors import missing
from ..core.registry import Array, view as declare_view
from .complex import real_itself

Ints = tuple[int, ...]
Layout = tuple[Ints, Ints, int]


def _part_layout(part: int) -> Any:
    def layout(shape: Ints, strides: Ints, offset: int) -> Layout:
        return shape, tuple(2 * s for s in strides), 2 * offset + part

    return layout


@declare_view(
    _part_layout(0),
    method=False,
    composed=real_itself,
    grad_name="SelectBackward0",
    saves="none",
)
def real(input: Array) -> Array:
    """Real part; a real tensor is its own.  ``(*) -> (*)``"""
    return lax.real(input) if jnp.iscomplexobj(input) else input


@declare_view(_part_layout(1), method=False, grad_name="SelectBackward0", saves="none")
def imag(input: Array) -> Array:
    """Imaginary part.  ``(*) -> (*)``

    Raises:
        RuntimeError: the tensor is not complex.
    """
    if not jnp.iscomplexobj(input):
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return lax.imag(input)


def _as_real_layout(shape: Ints, strides: Ints, offset: int) -> Layout:
    return (*shape, 2), (*(2 * s for s in strides), 1), 2 * offset


@declare_view(_as_real_layout, method=False, saves="none")
def view_as_real(input: Array) -> Array:
    """Real and imaginary part as a last dim.  ``(*) -> (*, 2)``"""
    if not jnp.iscomplexobj(input):
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return jnp.stack([lax.real(input), lax.imag(input)], axis=-1)


def _as_complex_layout(shape: Ints, strides: Ints, offset: int) -> Layout:
    if strides[-1] != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(s % 2 for s in strides[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    if offset % 2:
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")
    return shape[:-1], tuple(s // 2 for s in strides[:-1]), offset // 2


@declare_view(_as_complex_layout, method=False, saves="none")
def view_as_complex(input: Array) -> Array:
    """A last dim of real and imaginary part as complex numbers.  ``(*, 2) -> (*)``"""
    kind = d.from_np(input.dtype)
    if kind not in (d.float16, d.float32, d.float64):
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a "
            "tensor of "
            f"scalar type: {TYPE_NAMES[kind.name]}"
        )
    if input.ndim == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if kind is d.float16:
        raise missing("view_as_complex(float16)", "JAX has no complex32: cast to float32 first")
    at = input.ndim - 1
    return lax.complex(
        lax.index_in_dim(input, 0, at, keepdims=False),
        lax.index_in_dim(input, 1, at, keepdims=False),
    )


def _viewed_dtype(shape: Ints, to: dtype, source: dtype) -> Ints:
    if to.itemsize == source.itemsize:
        return shape
    names = f"{TYPE_NAMES[source.name]} as {TYPE_NAMES[to.name]} (different element sizes)"
    if not shape:
        raise RuntimeError(f"self.dim() cannot be 0 to view {names}")
    if to.itemsize < source.itemsize:
        return (*shape[:-1], shape[-1] * (source.itemsize // to.itemsize))
    ratio = to.itemsize // source.itemsize
    if shape[-1] % ratio:
        raise RuntimeError(
            f"self.size(-1) must be divisible by {ratio} to view {names}, but got {shape[-1]}"
        )
    return (*shape[:-1], shape[-1] // ratio)


def _view_dtype_layout(shape: Ints, strides: Ints, offset: int, to: dtype, source: dtype) -> Layout:
    new = _viewed_dtype(shape, to, source)
    if to.itemsize == source.itemsize:
        return new, strides, offset
    names = f"{TYPE_NAMES[source.name]} as {TYPE_NAMES[to.name]} (different element sizes)"
    if strides[-1] != 1:
        raise RuntimeError(f"self.stride(-1) must be 1 to view {names}, but got {strides[-1]}")
    if to.itemsize < source.itemsize:
        ratio = source.itemsize // to.itemsize
        return new, (*(s * ratio for s in strides[:-1]), 1), offset * ratio
    ratio = to.itemsize // source.itemsize
    for i, s in enumerate(strides[:-1]):
        if s % ratio:
            raise RuntimeError(
                f"self.stride({i}) must be divisible by {ratio} to view {names}, but got {s}"
            )
    if offset % ratio:
        raise RuntimeError(
            f"self.storage_offset() must be divisible by {ratio} to view {names}, but got {offset}"
        )
    return new, (*(s // ratio for s in strides[:-1]), 1), offset // ratio


def _plain_bits(x: Array) -> Array:
    """Bool and complex elements as types that XLA can reinterpret."""
    if x.dtype == jnp.bool_:
        return x.astype(jnp.uint8)
    if jnp.iscomplexobj(x):
        pairs = jnp.stack([lax.real(x), lax.imag(x)], axis=-1)
        return lax.reshape(pairs, (*x.shape[:-1], x.shape[-1] * 2)) if x.ndim else pairs
    return x


def _reinterpreted(x: Array, to: Any) -> Array:
    have, want = x.dtype.itemsize, jnp.dtype(to).itemsize
    if want > have:
        ratio = want // have
        x = lax.reshape(x, (*x.shape[:-1], x.shape[-1] // ratio, ratio))
    out = lax.bitcast_convert_type(x, to)
    return lax.reshape(out, (*x.shape[:-1], x.shape[-1] * (have // want))) if want < have else out


@declare_view(_view_dtype_layout, name="view", namespaces=(), method=False)
def view_dtype(input: Array, dtype: dtype, source: dtype) -> Array:
    """The elements' bytes read as another dtype; ``source`` is the input's.  ``(*, n) -> (*, n·r)``

    Raises:
        RuntimeError: the last dim's size or stride does not allow it.
    """
    if dtype is source:
        return input
    shape = _viewed_dtype(input.shape, dtype, source)
    bits = _plain_bits(input)
    if dtype is d.bool_:
        return _reinterpreted(bits, jnp.uint8).astype(jnp.bool_)
    if dtype.is_complex:
        pairs = _reinterpreted(bits, dtype.to_real().np)
        return view_as_complex(lax.reshape(pairs, (*shape, 2)))
    return lax.reshape(_reinterpreted(bits, dtype.np), shape)
