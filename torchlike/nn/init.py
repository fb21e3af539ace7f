"""Ways to fill a layer's parameters; equal to PyTorch's under the same seed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.build import from_host
from ..core.dtypes import TYPE_NAMES
from ..core.errors import not_implemented_for
from ..core.modes import no_grad
from ..core.overrides import takes_part as _takes_part
from ..core.rng import Generator, default_generator
from ..core.rounding import narrowed
from ..core.tensor import Tensor
from ..ops import draws

__all__ = [
    "calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_",
    "kaiming_normal", "kaiming_normal_", "kaiming_uniform", "kaiming_uniform_", "normal",
    "normal_", "ones_", "orthogonal", "orthogonal_", "sparse", "sparse_", "trunc_normal_",
    "uniform", "uniform_", "xavier_normal", "xavier_normal_", "xavier_uniform",
    "xavier_uniform_", "zeros_",
]  # fmt: skip

_LINEAR = (
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "sigmoid",
)  # fmt: skip
_GAINS = {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps a signal's variance through the nonlinearity.

    Raises:
        ValueError: unknown nonlinearity, or a slope that is no number.
    """
    if nonlinearity in _LINEAR:
        return 1
    if nonlinearity in _GAINS:
        return _GAINS[nonlinearity]
    if nonlinearity != "leaky_relu":
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    slope = 0.01 if param is None else param
    if isinstance(slope, bool) or not isinstance(slope, (int, float)):
        raise ValueError(f"negative_slope {param} not a valid number")
    return math.sqrt(2.0 / (1 + slope**2))


def _overwrite(tensor: Tensor, array: np.ndarray) -> Tensor:
    with no_grad():
        return tensor.copy_(from_host(array))


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform in [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Normal around ``mean``."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Normal around ``mean``, drawn again until within [a, b]."""
    if tensor.is_meta:
        return tensor
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    likely = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)
    draw = _from_normal if likely > 0.3 else _from_uniform
    return _overwrite(tensor, draw(tensor, mean, std, a, b, generator or default_generator))


def _normal_cdf(x: float) -> float:
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def _from_normal(
    tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Generator
) -> np.ndarray:
    shape, of = tuple(tensor.shape), tensor.dtype
    low, high = np.asarray(a).astype(of.np), np.asarray(b).astype(of.np)
    numbers = draws.normal_numbers(generator, shape, of, mean, std)
    while (outside := (numbers < low) | (numbers > high)).any():
        numbers = np.where(outside, draws.normal_numbers(generator, shape, of, mean, std), numbers)
    return numbers


def _from_uniform(
    tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Generator
) -> np.ndarray:
    """By rejection: uniform numbers, kept with a chance as high as their density."""
    shape, of = tuple(tensor.shape), tensor.dtype
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2

    def rounded(x: np.ndarray) -> np.ndarray:
        return narrowed(x, of.np).astype(np.float64)

    def scalar(x: float) -> float:
        return x if of.itemsize == 8 else float(np.float32(x))

    def refused(candidates: np.ndarray) -> np.ndarray:
        x = rounded(candidates.astype(np.float64) - scalar(mean))
        x = rounded(x / scalar(std))
        x = rounded(rounded(rounded(x * x) * -0.5) - scalar(peak))
        chances = draws.uniform_numbers(generator, shape, of, 0.0, 1.0).astype(np.float64)
        with np.errstate(divide="ignore"):
            return rounded(np.log(chances)) > x

    numbers = draws.uniform_numbers(generator, shape, of, a, b)
    pending = refused(numbers)
    while pending.any():
        again = draws.uniform_numbers(generator, shape, of, a, b)
        numbers = np.where(pending, again, numbers)
        pending &= refused(again)
    return numbers


def constant_(tensor: Tensor, val: float) -> Tensor:
    """``val`` everywhere."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal.  ``(m, n)``

    Raises:
        ValueError: not 2 dims.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _overwrite(tensor, np.eye(*tensor.shape).astype(tensor.dtype.np))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution kernel that hands its inputs through.  ``(C_out, C_in, *kernel)``

    Raises:
        ValueError: not 3 to 5 dims, or channels that the groups do not divide.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    shape = tuple(tensor.shape)
    if shape[0] % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    if tensor.is_meta:
        return tensor
    per_group = shape[0] // groups
    kernel = np.zeros(shape, tensor.dtype.np)
    centre = tuple(n // 2 for n in shape[2:])
    for channel in range(min(per_group, shape[1])):
        for group in range(groups):
            kernel[(group * per_group + channel, channel, *centre)] = 1
    return _overwrite(tensor, kernel)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    if tensor.ndim < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
        )
    out, into, *kernel = tensor.shape
    field = math.prod(kernel)
    return into * field, out * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    mode = mode.lower()
    valid_modes = ["fan_in", "fan_out"]
    if mode not in valid_modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {valid_modes}")
    return _calculate_fan_in_and_fan_out(tensor)[valid_modes.index(mode)]


def _xavier_std(tensor: Tensor, gain: float) -> float:
    return gain * math.sqrt(2.0 / float(sum(_calculate_fan_in_and_fan_out(tensor))))


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform in ±gain √(6 / (fan_in + fan_out)).  Source: Glorot & Bengio 2010."""
    bound = math.sqrt(3.0) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with std gain √(2 / (fan_in + fan_out)).  Source: Glorot & Bengio 2010."""
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform in ±gain √(3 / fan).  Source: He et al. 2015."""
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal with std gain / √fan.  Source: He et al. 2015."""
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0, std, generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Orthonormal rows or columns, times ``gain``.  ``(rows, *)``

    Raises:
        ValueError: fewer than 2 dims.
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0 or tensor.is_meta:
        return tensor
    rows = tensor.shape[0]
    cols = tensor.numel() // rows
    of = tensor.dtype
    flat = draws.normal_numbers(generator or default_generator, (rows, cols), of, 0.0, 1.0)
    if of.itemsize < 4:
        raise not_implemented_for("geqrf_cpu", TYPE_NAMES[of.name])
    q, r = np.linalg.qr(flat.T if rows < cols else flat)
    q *= np.sign(np.diagonal(r))  # makes Q uniform: arxiv.org/abs/math-ph/0609050
    q = (q.T if rows < cols else q) * of.np.type(gain)
    return _overwrite(tensor, np.ascontiguousarray(q).reshape(tensor.shape))


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Normal numbers, a share of each column set to zero.  ``(m, n)``

    Raises:
        ValueError: not 2 dims.
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    if tensor.is_meta:
        return tensor
    rows, cols = tensor.shape
    zeros = math.ceil(sparsity * rows)
    normal_(tensor, 0, std, generator)
    mask = np.zeros((rows, cols), np.bool_)
    for column in range(cols):  # from the default generator, as PyTorch draws them
        mask[default_generator.permutation(rows)[:zeros], column] = True
    with no_grad():
        return tensor.masked_fill_(from_host(mask), 0)


def _deprecated(new: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The spelling without underscore, which warns."""
    old_name = new.__name__[:-1]

    def deprecated_init(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"`nn.init.{old_name}` is now deprecated in favor of `nn.init.{new.__name__}`.",
            FutureWarning,
            stacklevel=2,
        )
        return new(*args, **kwargs)

    deprecated_init.__name__ = old_name
    deprecated_init.__doc__ = f"Deprecated: use ``{new.__name__}``."
    return deprecated_init


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)


_takes_part(globals(), "torch.nn.init")
