"""Discrete Fourier transforms (``torch.fft``)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.dtypes import FLOATING, default_dtype, dtype, from_np
from ..core.errors import check
from ..core.registry import Array, creation, op
from ..core.shapes import normal_dim, normal_dims
from .accumulate import floated, is_complex, kind, type_name

Dims = tuple[int, ...]
FFT, IFFT = jax.lax.FftType.FFT, jax.lax.FftType.IFFT
RFFT, IRFFT = jax.lax.FftType.RFFT, jax.lax.FftType.IRFFT
_OPTIONS: dict[str, Any] = {"namespaces": ("fft",), "method": False, "out": True}


# ---------------------------------------------------------------- arguments


def _fit(x: Array, sizes: Sequence[int], dims: Sequence[int]) -> Array:
    """Cut or padded with zeros to ``sizes`` in ``dims``."""
    for n, d in zip(sizes, dims, strict=True):
        if n < x.shape[d]:
            x = jax.lax.slice_in_dim(x, 0, n, axis=d)
        elif n > x.shape[d]:
            x = jnp.pad(x, [(0, n - x.shape[d]) if i == d else (0, 0) for i in range(x.ndim)])
    return x


def _positive(n: int) -> int:
    check(n > 0, f"Invalid number of data points ({n}) specified")
    return n


def _full_precision(x: Array) -> Array:
    """In float or complex; halves have no transform."""
    check(kind(floated(x)).itemsize > 2, f"Unsupported dtype {type_name(x)}")
    return floated(x)


def _complex(x: Array) -> Array:
    x = _full_precision(x)
    return x if is_complex(x) else x.astype(from_np(x.dtype).to_complex().np)


def _real(name: str, x: Array) -> Array:
    check(not is_complex(x), f"{name} expects a real input tensor, but got {type_name(x)}")
    return _full_precision(x)


def _one_dim(x: Array, dim: int) -> int:
    if x.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return normal_dim(dim, x.ndim)


def _many_dims(x: Array, s: Dims | None, dim: int | Dims | None) -> tuple[list[int], Dims]:
    """Sizes and dims of a transform over several; -1 in ``s`` keeps the size."""
    if isinstance(s, int):
        s = (s,)
    if isinstance(dim, int):
        dim = (dim,)
    if dim and x.ndim == 0:
        raise IndexError(f"Dimension specified as {dim[0]} but tensor has no dimensions")
    if dim is not None:
        dims = tuple(normal_dim(d, x.ndim) for d in dim)
        check(len(set(dims)) == len(dims), "FFT dims must be unique")
        check(
            s is None or len(s) == len(dims),
            "When given, dim and shape arguments must have the same length",
        )
    elif s is not None:
        check(
            len(s) <= x.ndim,
            f"Got shape with {len(s)} values but input tensor only has {x.ndim} dimensions.",
        )
        dims = tuple(range(x.ndim - len(s), x.ndim))
    else:
        dims = tuple(range(x.ndim))
    sizes = [x.shape[d] for d in dims]
    if s is not None:
        sizes = [old if n == -1 else n for n, old in zip(s, sizes, strict=True)]
    return [_positive(n) for n in sizes], dims


def _scale(x: Array, count: int, norm: str | None, inverse: bool, scaled: bool) -> Array:
    """Normalises; ``scaled`` says that XLA's inverse has divided by ``count`` already."""
    check(norm in (None, "forward", "backward", "ortho"), f'Invalid normalization mode: "{norm}"')
    power = {"ortho": 0.5, "forward": 0.0 if inverse else 1.0}.get(
        norm or "", 1.0 if inverse else 0.0
    )
    power -= 1.0 if scaled else 0.0
    if power == 0:
        return x
    factor = float(count) ** -power
    return x * jnp.asarray(factor, x.dtype)


# ---------------------------------------------------------------- transforms


def _transform(x: Array, how: Any, sizes: Sequence[int], dims: Dims) -> Array:
    """XLA's transform over up to three dims at a time."""
    for start in range(0, len(dims), 3):
        part, lengths = dims[start : start + 3], sizes[start : start + 3]
        last = tuple(range(-len(part), 0))
        x = jnp.moveaxis(jax.lax.fft(jnp.moveaxis(x, part, last), how, tuple(lengths)), last, part)
    return x


def _c2c(x: Array, sizes: Sequence[int], dims: Dims, norm: str | None, inverse: bool) -> Array:
    x = _fit(_complex(x), sizes, dims)
    count = math.prod(sizes)
    if x.size == 0 or not dims:
        return _scale(x, count, norm, inverse, False)
    return _scale(
        _transform(x, IFFT if inverse else FFT, sizes, dims), count, norm, inverse, inverse
    )


def _r2c(x: Array, sizes: Sequence[int], dims: Dims, norm: str | None, inverse: bool) -> Array:
    """Of real data: the last dim keeps its ``n // 2 + 1`` independent frequencies."""
    x = _fit(x, sizes, dims)
    n, d = sizes[-1], dims[-1]
    if x.size == 0:
        shape = [n // 2 + 1 if i == d else m for i, m in enumerate(x.shape)]
        return jnp.zeros(shape, from_np(x.dtype).to_complex().np)
    found = _transform(x, RFFT, [n], (d,))
    if len(dims) > 1:
        found = _transform(found, FFT, sizes[:-1], dims[:-1])
    # the inverse of real data is the conjugate of the forward transform
    found = jnp.conj(found) if inverse else found
    return _scale(found, math.prod(sizes), norm, inverse, False)


def _c2r(x: Array, sizes: Sequence[int], dims: Dims, norm: str | None, inverse: bool) -> Array:
    """From half the frequencies of a real signal; ``sizes`` are the result's."""
    x = _complex(x)
    x = jnp.conj(x) if not inverse else x
    x = _fit(x, [*sizes[:-1], sizes[-1] // 2 + 1], dims)
    count = math.prod(sizes)
    if x.size == 0:
        shape = [sizes[-1] if i == dims[-1] else m for i, m in enumerate(x.shape)]
        return jnp.zeros(shape, jnp.real(x).dtype)
    if len(dims) > 1:
        x = _transform(x, IFFT, sizes[:-1], dims[:-1])
    found = _transform(x, IRFFT, [sizes[-1]], dims[-1:])
    return _scale(found, count, norm, inverse, True)


def _half_size(x: Array, n: int | None, d: int) -> int:
    """The real signal's length: by default an even one."""
    return _positive(2 * (x.shape[d] - 1) if n is None else n)


def _half_sizes(
    name: str, x: Array, s: Dims | None, dim: int | Dims | None
) -> tuple[list[int], Dims]:
    given = s if not isinstance(s, int) else (s,)
    last = None if given is None or len(given) == 0 else given[-1]
    check_dim = (dim,) if isinstance(dim, int) else dim
    any_dim = len(check_dim) if check_dim is not None else (x.ndim if given is None else len(given))
    check(any_dim > 0, f"{name} must transform at least one axis")
    sizes, dims = _many_dims(x, s, dim)
    sizes[-1] = _half_size(x, None if last == -1 else last, dims[-1])
    return sizes, dims


def _node(real: str, otherwise: str = "FftC2CBackward0") -> Any:
    def named(args: dict[str, Any]) -> str:
        return otherwise if args["input"].dtype.is_complex else real

    return named


@op(**_OPTIONS, saves="none", grad_name=_node("FftR2CBackward0"))
def fft(input: Array, n: int | None = None, dim: int = -1, norm: str | None = None) -> Array:
    """``Σ x[t] e^(-2πi ft/n)`` along ``dim``, cut or padded to ``n``.  ``(*, N) -> (*, n)``"""
    d = _one_dim(input, dim)
    return _c2c(input, [_positive(input.shape[d] if n is None else n)], (d,), norm, False)


@op(**_OPTIONS, saves="none", grad_name=_node("FftR2CBackward0"))
def ifft(input: Array, n: int | None = None, dim: int = -1, norm: str | None = None) -> Array:
    """Inverse of ``fft``.  ``(*, N) -> (*, n)``"""
    d = _one_dim(input, dim)
    return _c2c(input, [_positive(input.shape[d] if n is None else n)], (d,), norm, True)


@op(**_OPTIONS, saves="none", grad_name="FftR2CBackward0")
def rfft(input: Array, n: int | None = None, dim: int = -1, norm: str | None = None) -> Array:
    """``fft`` of real data, negative frequencies left out.  ``(*, N) -> (*, n // 2 + 1)``"""
    x, d = _real("rfft", input), _one_dim(input, dim)
    return _r2c(x, [_positive(x.shape[d] if n is None else n)], (d,), norm, False)


@op(**_OPTIONS, saves="none", grad_name="FftC2RBackward0")
def irfft(input: Array, n: int | None = None, dim: int = -1, norm: str | None = None) -> Array:
    """Inverse of ``rfft``.  ``(*, N) -> (*, n)``, ``n = 2 (N - 1)`` if not given"""
    d = _one_dim(input, dim)
    return _c2r(input, [_half_size(input, n, d)], (d,), norm, True)


@op(**_OPTIONS, saves="none", grad_name="FftC2RBackward0")
def hfft(input: Array, n: int | None = None, dim: int = -1, norm: str | None = None) -> Array:
    """``fft`` of a signal that is Hermitian in time: real.  ``(*, N) -> (*, n)``"""
    d = _one_dim(input, dim)
    return _c2r(input, [_half_size(input, n, d)], (d,), norm, False)


@op(**_OPTIONS, saves="none", grad_name="ConjBackward0")
def ihfft(input: Array, n: int | None = None, dim: int = -1, norm: str | None = None) -> Array:
    """Inverse of ``hfft``.  ``(*, N) -> (*, n // 2 + 1)``"""
    x, d = _real("ihfft", input), _one_dim(input, dim)
    return _r2c(x, [_positive(x.shape[d] if n is None else n)], (d,), norm, True)


# ---------------------------------------------------------------- several dims


@op(**_OPTIONS, saves="none", grad_name="FftC2CBackward0")
def fftn(
    input: Array, s: Dims | None = None, dim: int | Dims | None = None, norm: str | None = None
) -> Array:
    """``fft`` over several dims.  ``(*) -> (*)``"""
    return _c2c(input, *_many_dims(input, s, dim), norm, False)


@op(**_OPTIONS, saves="none", grad_name="FftC2CBackward0")
def ifftn(
    input: Array, s: Dims | None = None, dim: int | Dims | None = None, norm: str | None = None
) -> Array:
    """Inverse of ``fftn``.  ``(*) -> (*)``"""
    return _c2c(input, *_many_dims(input, s, dim), norm, True)


@op(**_OPTIONS, saves="none", grad_name="FftC2CBackward0")
def fft2(
    input: Array, s: Dims | None = None, dim: int | Dims = (-2, -1), norm: str | None = None
) -> Array:
    """``fft`` over two dims.  ``(*, N, M) -> (*, N, M)``"""
    return fftn(input, s, dim, norm)


@op(**_OPTIONS, saves="none", grad_name="FftC2CBackward0")
def ifft2(
    input: Array, s: Dims | None = None, dim: int | Dims = (-2, -1), norm: str | None = None
) -> Array:
    """Inverse of ``fft2``.  ``(*, N, M) -> (*, N, M)``"""
    return ifftn(input, s, dim, norm)


def _real_sizes(
    name: str, x: Array, s: Dims | None, dim: int | Dims | None
) -> tuple[list[int], Dims]:
    sizes, dims = _many_dims(x, s, dim)
    check(len(dims) > 0, f"{name} must transform at least one axis")
    return sizes, dims


@op(**_OPTIONS, saves="none", grad_name="FftR2CBackward0")
def rfftn(
    input: Array, s: Dims | None = None, dim: int | Dims | None = None, norm: str | None = None
) -> Array:
    """``fftn`` of real data; the last dim has ``n // 2 + 1`` frequencies.

    ``(*, N) -> (*, n // 2 + 1)``
    """
    x = _real("rfftn", input)
    return _r2c(x, *_real_sizes("rfftn", x, s, dim), norm, False)


@op(**_OPTIONS, saves="none", grad_name="FftC2RBackward0")
def irfftn(
    input: Array, s: Dims | None = None, dim: int | Dims | None = None, norm: str | None = None
) -> Array:
    """Inverse of ``rfftn``.  ``(*, N) -> (*, n)``"""
    return _c2r(input, *_half_sizes("irfftn", input, s, dim), norm, True)


@op(**_OPTIONS, saves="none", grad_name="FftR2CBackward0")
def rfft2(
    input: Array, s: Dims | None = None, dim: int | Dims = (-2, -1), norm: str | None = None
) -> Array:
    """``rfftn`` over two dims.  ``(*, N, M) -> (*, N, m // 2 + 1)``"""
    return rfftn(input, s, dim, norm)


@op(**_OPTIONS, saves="none", grad_name="FftC2RBackward0")
def irfft2(
    input: Array, s: Dims | None = None, dim: int | Dims = (-2, -1), norm: str | None = None
) -> Array:
    """Inverse of ``rfft2``.  ``(*, N, M) -> (*, N, m)``"""
    return irfftn(input, s, dim, norm)


@op(**_OPTIONS, saves="none", grad_name="FftC2RBackward0")
def hfftn(
    input: Array, s: Dims | None = None, dim: int | Dims | None = None, norm: str | None = None
) -> Array:
    """``fftn`` of a signal Hermitian in its last dim: real.  ``(*, N) -> (*, n)``"""
    return _c2r(input, *_half_sizes("hfftn", input, s, dim), norm, False)


@op(**_OPTIONS, saves="none", grad_name="FftC2CBackward0")
def ihfftn(
    input: Array, s: Dims | None = None, dim: int | Dims | None = None, norm: str | None = None
) -> Array:
    """Inverse of ``hfftn``.  ``(*, N) -> (*, n // 2 + 1)``"""
    x = _real("ihfftn", input)
    return _r2c(x, *_real_sizes("ihfftn", x, s, dim), norm, True)


@op(**_OPTIONS, saves="none", grad_name="FftC2RBackward0")
def hfft2(
    input: Array, s: Dims | None = None, dim: int | Dims = (-2, -1), norm: str | None = None
) -> Array:
    """``hfftn`` over two dims.  ``(*, N, M) -> (*, N, m)``"""
    return hfftn(input, s, dim, norm)


@op(**_OPTIONS, saves="none", grad_name="FftC2CBackward0")
def ihfft2(
    input: Array, s: Dims | None = None, dim: int | Dims = (-2, -1), norm: str | None = None
) -> Array:
    """Inverse of ``hfft2``.  ``(*, N, M) -> (*, N, m // 2 + 1)``"""
    return ihfftn(input, s, dim, norm)


# ---------------------------------------------------------------- frequencies


def _shift(x: Array, dim: int | Dims | None, half: Any) -> Array:
    dims = normal_dims(dim, x.ndim)
    return jnp.roll(x, [half(x.shape[d]) for d in dims], dims) if dims else x


@op(namespaces=("fft",), method=False, saves="none", grad_name="RollBackward0")
def fftshift(input: Array, dim: int | Dims | None = None) -> Array:
    """Frequency 0 in the middle.  ``(*) -> (*)``"""
    return _shift(input, dim, lambda n: n // 2)


@op(namespaces=("fft",), method=False, saves="none", grad_name="RollBackward0")
def ifftshift(input: Array, dim: int | Dims | None = None) -> Array:
    """Inverse of ``fftshift``.  ``(*) -> (*)``"""
    return _shift(input, dim, lambda n: (n + 1) // 2)


def _frequency_dtype(name: str, wanted: dtype | None) -> np.dtype:
    to = default_dtype() if wanted is None else wanted
    check(to.category >= FLOATING, f"{name} requires a floating point or complex dtype")
    return to.np


@creation(namespaces=("fft",))
def fftfreq(n: int, d: float = 1.0, *, dtype: dtype | None = None) -> np.ndarray:
    """Frequencies of ``fft``'s results, in cycles per unit of ``d``.  ``-> (n)``"""
    to = _frequency_dtype("fftfreq", dtype)
    index = np.concatenate([np.arange((n + 1) // 2), np.arange(-(n // 2), 0)])
    return index.astype(to) * np.asarray(1.0 / (n * d) if n else 0.0, to)


@creation(namespaces=("fft",))
def rfftfreq(n: int, d: float = 1.0, *, dtype: dtype | None = None) -> np.ndarray:
    """Frequencies of ``rfft``'s results, in cycles per unit of ``d``.  ``-> (n // 2 + 1)``"""
    to = _frequency_dtype("rfftfreq", dtype)
    return np.arange(n // 2 + 1).astype(to) * np.asarray(1.0 / (n * d) if n else 0.0, to)
