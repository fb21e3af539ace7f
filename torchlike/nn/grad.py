"""``torch.nn.grad``: the two gradients of a convolution as functions."""

from __future__ import annotations

from typing import Any

from ..api import functional as F, torch as T
from ..core.modes import enable_grad
from ..core.tensor import Tensor


def _gradient(
    n: int, of: str, wanted: Any, other: Tensor, grad_output: Tensor, rest: Any
) -> Tensor:
    """The gradient of ``convnd`` with respect to its input or weight, at any point: it is
    linear.
    """
    from ..autograd import grad

    conv = getattr(F, f"conv{n}d")
    with enable_grad():
        point = T.zeros(tuple(wanted), dtype=other.dtype, device=other.device, requires_grad=True)
        pair = (point, other) if of == "input" else (other, point)
        stride, padding, dilation, groups = rest
        out = conv(*pair, None, stride, padding, dilation, groups)
    return grad(out, point, grad_output)[0]


def conv1d_input(
    input_size: Any, weight: Tensor, grad_output: Tensor, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Gradient of conv1d with respect to its input.  ``(O, C, K), (N, O, L') -> (N, C, L)``"""
    rest = (stride, padding, dilation, groups)
    return _gradient(1, "input", input_size, weight, grad_output, rest)


def conv1d_weight(
    input: Tensor, weight_size: Any, grad_output: Tensor, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Gradient of conv1d with respect to its weight.  ``(N, C, L), (N, O, L') -> (O, C, K)``"""
    rest = (stride, padding, dilation, groups)
    return _gradient(1, "weight", weight_size, input, grad_output, rest)


def conv2d_input(
    input_size: Any, weight: Tensor, grad_output: Tensor, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Gradient of conv2d with respect to its input.

    ``(O, C, kH, kW), (N, O, H', W') -> (N, C, H, W)``
    """
    rest = (stride, padding, dilation, groups)
    return _gradient(2, "input", input_size, weight, grad_output, rest)


def conv2d_weight(
    input: Tensor, weight_size: Any, grad_output: Tensor, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Gradient of conv2d with respect to its weight.

    ``(N, C, H, W), (N, O, H', W') -> (O, C, kH, kW)``
    """
    rest = (stride, padding, dilation, groups)
    return _gradient(2, "weight", weight_size, input, grad_output, rest)


def conv3d_input(
    input_size: Any, weight: Tensor, grad_output: Tensor, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Gradient of conv3d with respect to its input.  ``(O, C, *k), (N, O, *) -> (N, C, *)``"""
    rest = (stride, padding, dilation, groups)
    return _gradient(3, "input", input_size, weight, grad_output, rest)


def conv3d_weight(
    input: Tensor, weight_size: Any, grad_output: Tensor, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Gradient of conv3d with respect to its weight.  ``(N, C, *), (N, O, *) -> (O, C, *k)``"""
    rest = (stride, padding, dilation, groups)
    return _gradient(3, "weight", weight_size, input, grad_output, rest)
