"""Convolutions and transposed convolutions in one, two and three dims."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import lax

from ...core.errors import shape_text
from ...core.registry import JOINT, Array, op
from . import formulation
from .precision import c_name, type_name, wide
from .windows import taps

_Ints = int | tuple[int, ...]


def _spread(value: Any, n: int, name: str) -> tuple[int, ...]:
    """One number per spatial dim."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(values) not in (1, n):
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {n} values to match the "
            f"convolution dimensions, but got {name}={shape_text(values)}"
        )
    return values * n if len(values) == 1 else values


def _check_types(input: Array, weight: Array, bias: Array | None) -> None:
    if bias is not None and bias.dtype != input.dtype:
        raise RuntimeError(
            f"Input type ({c_name(input)}) and bias type ({c_name(bias)}) should be the same"
        )
    if weight.dtype != input.dtype:
        raise RuntimeError(f"expected scalar type {type_name(input)} but found {type_name(weight)}")


def _batched(input: Array, n: int, name: str) -> Array:
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input of size: "
            f"{shape_text(input.shape)}"
        )
    return input if input.ndim == n + 2 else input[None]


def _check_knobs(
    padding: tuple[int, ...],
    output: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> None:
    if any(p < 0 for p in padding):
        raise RuntimeError("negative padding is not supported")
    if any(p < 0 for p in output):
        raise RuntimeError("negative output_padding is not supported")
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(d <= 0 for d in dilation):
        raise RuntimeError("dilation should be greater than zero")


def _check_shapes(
    x: Array, weight: Array, bias: Array | None, groups: int, transposed: bool
) -> None:
    shape, count = shape_text(weight.shape), weight.ndim
    if count != x.ndim:
        raise RuntimeError(
            f"Expected {count}-dimensional input for {count}-dimensional weight{shape}, but got "
            f"{x.ndim}-dimensional input of size {shape_text(x.shape)} instead"
        )
    if weight.shape[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got "
            f"weight of size {shape} instead"
        )
    if weight.shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got "
            f"weight of size [{shape}] instead"
        )
    given = f"transposed={int(transposed)}" if transposed else f"groups={groups}"
    wanted = weight.shape[0] if transposed else weight.shape[1] * groups
    out = weight.shape[1] * groups if transposed else weight.shape[0]
    if x.shape[1] != wanted:
        raise RuntimeError(
            f"Given {given}, weight of size {shape}, expected input{shape_text(x.shape)} to have {wanted} "
            f"channels, but got {x.shape[1]} channels instead"
        )
    if bias is not None and bias.shape != (out,):
        start = f"Given {given}, weight" if transposed else "Given weight"
        raise RuntimeError(
            f"{start} of size {shape}, expected bias to be 1-dimensional with {out} elements, but got "
            f"bias of size {shape_text(bias.shape)} instead"
        )


def _pads(padding: Any, n: int, kernel: tuple[int, ...], stride: tuple[int, ...],
          dilation: tuple[int, ...]) -> list[tuple[int, int]]:  # fmt: skip
    if not isinstance(padding, str):
        return [(p, p) for p in _spread(padding, n, "padding")]
    if padding == "valid":
        return [(0, 0)] * n
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    # an odd total pads one more at the end
    return [
        (d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2)
        for d, k in zip(dilation, kernel, strict=False)
    ]


def _check_size(x: Array, kernel: tuple[int, ...], pads: list[tuple[int, int]],
                dilation: tuple[int, ...]) -> None:  # fmt: skip
    padded = [n + a + b for n, (a, b) in zip(x.shape[2:], pads, strict=False)]
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=False)]
    if any(k == 0 for k in kernel):
        raise RuntimeError("kernel size should be greater than zero, but got kernel size of zero")
    if any(n < k for n, k in zip(padded, spans, strict=False)):
        text = [" x ".join(str(v) for v in sizes) for sizes in (padded, spans)]
        raise RuntimeError(
            f"Calculated padded input size per channel: ({text[0]}). Kernel size: ({text[1]}). "
            "Kernel size can't be greater than actual input size"
        )


def _plain(x: Array, w: Array, stride: tuple[int, ...], pads: list[tuple[int, int]],
           dilation: tuple[int, ...], groups: int = 1) -> Array:  # fmt: skip
    """XLA's convolution; complex numbers as three real ones."""
    if jnp.iscomplexobj(x):
        xr, xi, wr, wi = jnp.real(x), jnp.imag(x), jnp.real(w), jnp.imag(w)
        rr = _plain(xr, wr, stride, pads, dilation, groups)
        ii = _plain(xi, wi, stride, pads, dilation, groups)
        both = _plain(xr + xi, wr + wi, stride, pads, dilation, groups)
        return lax.complex(rr - ii, both - rr - ii)
    spatial = "DHW"[-(x.ndim - 2) :]
    layout = ("NC" + spatial, "OI" + spatial, "NC" + spatial)
    return lax.conv_general_dilated(
        x, w, stride, pads, rhs_dilation=dilation, dimension_numbers=layout,
        feature_group_count=groups, precision=lax.Precision.HIGHEST,
    )  # fmt: skip


def _depthwise(x: Array, w: Array, stride: tuple[int, ...], pads: list[tuple[int, int]],
               dilation: tuple[int, ...]) -> Array:  # fmt: skip
    """One group per input channel, as shifted products."""
    channels, spatial = x.shape[1], (1,) * (x.ndim - 2)
    scale = w.reshape(channels, w.shape[0] // channels, -1)  # (C, multiplier, taps)
    total: Any = None
    x = jnp.pad(x, [(0, 0), (0, 0), *pads])
    counts = [
        (m - d * (k - 1) - 1) // s + 1
        for m, k, s, d in zip(x.shape[2:], w.shape[2:], stride, dilation, strict=True)
    ]
    for i, part in enumerate(taps(x, w.shape[2:], stride, dilation, counts)):
        term = part[:, :, None] * scale[:, :, i].reshape(*scale.shape[:2], *spatial)
        total = term if total is None else total + term
    return total.reshape(x.shape[0], w.shape[0], *total.shape[3:])


def convolve(x: Array, w: Array, stride: tuple[int, ...], pads: list[tuple[int, int]],
             dilation: tuple[int, ...], groups: int) -> Array:  # fmt: skip
    """Cross-correlation of checked operands, in the formulation that is fast here."""
    of = x.dtype
    if formulation.is_cpu():
        x, w = wide(x), wide(w)
    if groups == 1 or not formulation.is_cpu():
        return _plain(x, w, stride, pads, dilation, groups).astype(of)
    if groups == x.shape[1] and math.prod(w.shape[2:]) <= formulation.DEPTHWISE_TAPS:
        return _depthwise(x, w, stride, pads, dilation).astype(of)
    if groups <= formulation.SPLIT_GROUPS:
        parts = zip(jnp.split(x, groups, 1), jnp.split(w, groups, 0), strict=True)
        each = [_plain(a, b, stride, pads, dilation) for a, b in parts]
        return jnp.concatenate(each, 1).astype(of)
    return _plain(x, w, stride, pads, dilation, groups).astype(of)


def _with_bias(out: Array, bias: Array | None) -> Array:
    if bias is None:
        return out
    bias = bias.reshape(1, -1, *(1,) * (out.ndim - 2))
    if out.dtype.itemsize == 2:  # so that the gradient of a half bias is summed in float32
        return (out.astype(jnp.float32) + bias.astype(jnp.float32)).astype(out.dtype)
    return out + bias


def _conv(n: int, input: Array, weight: Array, bias: Array | None, stride: Any, padding: Any,
          dilation: Any, groups: int) -> Array:  # fmt: skip
    if weight.ndim < 3:
        raise RuntimeError("weight should have at least three dimensions")
    x = _batched(input, n, f"conv{n}d")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    stride, dilation = _spread(stride, n, "stride"), _spread(dilation, n, "dilation")
    _check_types(input, weight, bias)
    if isinstance(padding, str) and weight.ndim == n + 2:
        pads = _pads(padding, n, weight.shape[2:], stride, dilation)
    else:
        pads = [(0, 0)] * n if isinstance(padding, str) else _pads(padding, n, (), stride, dilation)
    _check_knobs(tuple(p for p, _ in pads), (), stride, dilation)
    _check_shapes(x, weight, bias, groups, False)
    _check_size(x, weight.shape[2:], pads, dilation)
    out = _with_bias(convolve(x, weight, stride, pads, dilation, groups), bias)
    return out if input.ndim == n + 2 else out[0]


def _conv_name(args: dict[str, Any]) -> str:
    unbatched = args["input"].ndim < args["weight"].ndim
    return "SqueezeBackward1" if unbatched else "ConvolutionBackward0"


@op(namespaces=("torch", "functional"), method=False, options="conv", grad_name=_conv_name, keeps=JOINT)
def conv1d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: _Ints = 1,
    padding: _Ints | str = 0,
    dilation: _Ints = 1,
    groups: int = 1,
) -> Array:
    """Cross-correlation.  ``(N, C, L), (O, C / groups, K), (O) -> (N, O, L')``; N may be absent"""
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


@op(namespaces=("torch", "functional"), method=False, options="conv", grad_name=_conv_name, keeps=JOINT)
def conv2d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: _Ints = 1,
    padding: _Ints | str = 0,
    dilation: _Ints = 1,
    groups: int = 1,
) -> Array:
    """Cross-correlation.  ``(N, C, H, W), (O, C / groups, K, L), (O) -> (N, O, H', W')``; N may be absent"""
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


@op(namespaces=("torch", "functional"), method=False, options="conv", grad_name=_conv_name, keeps=JOINT)
def conv3d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: _Ints = 1,
    padding: _Ints | str = 0,
    dilation: _Ints = 1,
    groups: int = 1,
) -> Array:
    """Cross-correlation.  ``(N, C, D, H, W), (O, C / groups, J, K, L), (O) -> (N, O, D', H', W')``"""
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


def _upsampling(x: Array, w: Array, stride: tuple[int, ...], padding: tuple[int, ...],
                sizes: tuple[int, ...]) -> Array:  # fmt: skip
    """Transposed convolution as one plain convolution with a channel per output phase.

    ``y[q*s + r - p] = sum_j x[q - j] * w[j*s + r]``: no zeros are multiplied, and both gradients are
    those of a plain convolution.
    """
    n = len(stride)
    kernel = w.shape[2:]
    counts = tuple(-(-k // s) for k, s in zip(kernel, stride, strict=True))
    w = jnp.pad(w, [(0, 0), (0, 0)] + [
        (0, c * s - k) for c, s, k in zip(counts, stride, kernel, strict=True)
    ])  # fmt: skip
    split = [m for pair in zip(counts, stride, strict=True) for m in pair]
    w = w.reshape(*w.shape[:2], *split)  # (I, O, c0, s0, c1, s1 ...)
    order = (1, *range(3, 3 + 2 * n, 2), 0, *range(2, 2 + 2 * n, 2))
    w = jnp.flip(w.transpose(order), tuple(range(n + 2, 2 * n + 2)))  # (O, s..., I, c...)
    out_channels = w.shape[0]
    w = w.reshape(-1, *w.shape[n + 1 :])
    # padded apart from the convolution: its weight's gradient is 30 times slower with this much padding
    x = lax.optimization_barrier(jnp.pad(x, [(0, 0), (0, 0), *((c - 1, c - 1) for c in counts)]))
    y = _plain(x, w, (1,) * n, [(0, 0)] * n, (1,) * n)
    y = y.reshape(y.shape[0], out_channels, *stride, *y.shape[2:])  # (N, O, s..., q...)
    order = (0, 1, *(i for d in range(n) for i in (2 + n + d, 2 + d)))
    y = y.transpose(order).reshape(
        *y.shape[:2], *(q * s for q, s in zip(y.shape[2 + n :], stride, strict=False))
    )
    ends = [max(p + m - size, 0) for p, m, size in zip(padding, sizes, y.shape[2:], strict=False)]
    y = jnp.pad(y, [(0, 0), (0, 0), *((0, e) for e in ends)])
    stops = [p + m for p, m in zip(padding, sizes, strict=True)]
    return lax.slice(y, (0, 0, *padding), (*y.shape[:2], *stops))


def _transposed(x: Array, w: Array, stride: tuple[int, ...], padding: tuple[int, ...],
                output_padding: tuple[int, ...], dilation: tuple[int, ...]) -> Array:  # fmt: skip
    n = len(stride)
    kernel = w.shape[2:]
    sizes = tuple(
        (m - 1) * s - 2 * p + d * (k - 1) + o + 1
        for m, s, p, d, k, o in zip(
            x.shape[2:], stride, padding, dilation, kernel, output_padding, strict=False
        )
    )
    if any(size <= 0 for size in sizes):
        one = (1,) if n == 1 else ()
        before, after = (" x ".join(str(v) for v in (*one, *s)) for s in (x.shape[2:], sizes))
        raise RuntimeError(
            f"Given input size per channel: ({before}). Calculated output size per channel: ({after}). "
            "Output size is too small"
        )
    if jnp.iscomplexobj(x):
        rest = (stride, padding, output_padding, dilation)
        xr, xi, wr, wi = jnp.real(x), jnp.imag(x), jnp.real(w), jnp.imag(w)
        rr, ii = _transposed(xr, wr, *rest), _transposed(xi, wi, *rest)
        return lax.complex(rr - ii, _transposed(xr + xi, wr + wi, *rest) - rr - ii)
    if any(s > 1 for s in stride) and all(d == 1 for d in dilation):
        return _upsampling(x, w, stride, padding, sizes)
    pads = [
        (d * (k - 1) - p, d * (k - 1) - p + o)
        for d, k, p, o in zip(dilation, kernel, padding, output_padding, strict=True)
    ]
    spatial = "DHW"[-n:]
    return lax.conv_general_dilated(
        x, jnp.flip(w, tuple(range(2, n + 2))), (1,) * n, pads, lhs_dilation=stride,
        rhs_dilation=dilation, dimension_numbers=("NC" + spatial, "IO" + spatial, "NC" + spatial),
        precision=lax.Precision.HIGHEST,
    )  # fmt: skip


def _named_sizes(name: str, values: tuple[int, ...]) -> str:
    """Each dim's number with its name; one dim counts as an image one pixel high."""
    if len(values) == 1:
        values = (0 if name == "output_padding" else 1, *values)
    words = ("depth", "height", "width")[-len(values) :]
    return " ".join(f"{name}_{word}: {v}" for word, v in zip(words, values, strict=True))


def _conv_transpose(n: int, input: Array, weight: Array, bias: Array | None, stride: Any,
                    padding: Any, output_padding: Any, groups: int, dilation: Any) -> Array:  # fmt: skip
    if weight.ndim < 3:
        raise RuntimeError("weight should have at least three dimensions")
    x = _batched(input, n, f"conv_transpose{n}d")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    stride, dilation = _spread(stride, n, "stride"), _spread(dilation, n, "dilation")
    padding = _spread(padding, n, "padding")
    output_padding = _spread(output_padding, n, "output_padding")
    _check_types(input, weight, bias)
    _check_knobs(padding, output_padding, stride, dilation)
    _check_shapes(x, weight, bias, groups, True)
    if any(o >= s and o >= d for o, s, d in zip(output_padding, stride, dilation, strict=True)):
        named = (("output_padding", output_padding), ("stride", stride), ("dilation", dilation))
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got "
            + " ".join(_named_sizes(name, values) for name, values in named)
        )
    a, w = (wide(x), wide(weight)) if formulation.is_cpu() else (x, weight)
    rest = (stride, padding, output_padding, dilation)
    parts = zip(jnp.split(a, groups, 1), jnp.split(w, groups, 0), strict=True)
    each = [_transposed(p, q, *rest) for p, q in parts]
    joined = each[0] if groups == 1 else jnp.concatenate(each, 1)
    out = _with_bias(joined.astype(input.dtype), bias)
    return out if input.ndim == n + 2 else out[0]


@op(namespaces=("torch", "functional"), method=False, options="conv", grad_name=_conv_name, keeps=JOINT)
def conv_transpose1d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: _Ints = 1,
    padding: _Ints = 0,
    output_padding: _Ints = 0,
    groups: int = 1,
    dilation: _Ints = 1,
) -> Array:
    """Adjoint of ``conv1d``.  ``(N, C, L), (C, O / groups, K), (O) -> (N, O, L')``; N may be absent"""
    return _conv_transpose(
        1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@op(namespaces=("torch", "functional"), method=False, options="conv", grad_name=_conv_name, keeps=JOINT)
def conv_transpose2d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: _Ints = 1,
    padding: _Ints = 0,
    output_padding: _Ints = 0,
    groups: int = 1,
    dilation: _Ints = 1,
) -> Array:
    """Adjoint of ``conv2d``.  ``(N, C, H, W), (C, O / groups, K, L), (O) -> (N, O, H', W')``"""
    return _conv_transpose(
        2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@op(namespaces=("torch", "functional"), method=False, options="conv", grad_name=_conv_name, keeps=JOINT)
def conv_transpose3d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: _Ints = 1,
    padding: _Ints = 0,
    output_padding: _Ints = 0,
    groups: int = 1,
    dilation: _Ints = 1,
) -> Array:
    """Adjoint of ``conv3d``.  ``(N, C, D, H, W), (C, O / groups, J, K, L), (O) -> (N, O, D', H', W')``"""
    return _conv_transpose(
        3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_any(input: Array, weight: Array, bias: Array | None, stride: Any, padding: Any, dilation: Any,
             transposed: bool, output_padding: Any, groups: int) -> Array:  # fmt: skip
    """A convolution of as many dims as the weight says."""
    n = weight.ndim - 2
    if transposed:
        return _conv_transpose(
            n, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return _conv(n, input, weight, bias, stride, padding, dilation, groups)


@op(namespaces=("torch", "functional"), method=False, options="conv", grad_name="ConvTbc")
def conv_tbc(input: Array, weight: Array, bias: Array, pad: int = 0) -> Array:
    """1-D convolution, time first.  ``(T, N, C), (K, C, O), (O) -> (T', N, O)``"""
    if input.ndim != 3:
        raise RuntimeError("Input must have 3 dims: time, batch, in_channel")
    if weight.ndim != 3:
        raise RuntimeError(
            "Weight tensor must have 3 dims: kernel_width, in_channels, out_channels."
        )
    if bias.ndim != 1:
        raise RuntimeError("Bias must be 1-D")
    x, w = input.transpose(1, 2, 0), weight.transpose(2, 1, 0)
    return _conv(1, x, w, bias, 1, pad, 1, 1).transpose(2, 0, 1)
