"""``torch.nn.functional``: the ops of that namespace, and functions that keep state or compose.

Both are in one namespace; what is defined here takes precedence over an op of its name.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..api import functional as _ops, torch as T
from ..core import modes
from ..core.overrides import (
    has_torch_function as has_torch_function,
    has_torch_function_unary as has_torch_function_unary,
    has_torch_function_variadic as has_torch_function_variadic,
    takes_part as _takes_part,
)
from ..core.tensor import Tensor
from ..core.transforms import statistics_writable
from . import _reduction as _Reduction  # noqa: F401
from .attention_forward import (
    _canonical_mask as _canonical_mask,
    _in_projection as _in_projection,
    _in_projection_packed as _in_projection_packed,
    _mha_shape_check as _mha_shape_check,
    _none_or_dtype as _none_or_dtype,
    multi_head_attention_forward as multi_head_attention_forward,
)

# Before the definitions below, which thereby take precedence
globals().update({name: found for name, found in vars(_ops).items() if not name.startswith("__")})


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'torch.nn.functional' has no attribute '{name}'")


def sigmoid(input: Tensor) -> Tensor:
    """Deprecated spelling of ``torch.sigmoid``.  ``(*) -> (*)``"""
    return T.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """Deprecated spelling of ``torch.tanh``.  ``(*) -> (*)``"""
    return T.tanh(input)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool1d(return_indices=True)``.  ``(N, C, L) -> (N, C, L') twice``"""
    return _ops.adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool2d(return_indices=True)``.  ``(N, C, H, W) -> (N, C, H', W') twice``"""
    return _ops.adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: Any, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """``adaptive_max_pool3d(return_indices=True)``.  ``(N, C, *) -> (N, C, *) twice``"""
    return _ops.adaptive_max_pool3d(input, output_size, True)


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """``fractional_max_pool2d(return_indices=True)``.  ``(N, C, H, W) -> (N, C, H', W') twice``"""
    return _ops.fractional_max_pool2d(
        input, kernel_size, output_size, output_ratio, True, _random_samples=_random_samples
    )


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """``fractional_max_pool3d(return_indices=True)``.  ``(N, C, *) -> (N, C, *) twice``"""
    return _ops.fractional_max_pool3d(
        input, kernel_size, output_size, output_ratio, True, _random_samples=_random_samples
    )


def assert_int_or_pair(arg: Any, arg_name: str, message: str) -> None:
    """Checks an argument that is one number or two."""
    if not (isinstance(arg, int) or len(arg) == 2):
        raise AssertionError(message.format(arg_name))


def _update_running(
    running_mean: Tensor | None,
    running_var: Tensor | None,
    mean: Tensor,
    var: Tensor,
    momentum: float,
) -> None:
    with modes.no_grad(), statistics_writable(running_mean, running_var, mean):
        for running, now in ((running_mean, mean), (running_var, var)):
            if running is not None:
                running.lerp_(now.detach().to(running.dtype), momentum)


def _require_values_per_channel(size: Any, instance: bool) -> None:
    count = 1 if instance else size[0]
    for n in size[2:]:
        count *= n
    if count == 1:
        what = "spatial element" if instance else "value per channel"
        raise ValueError(f"Expected more than 1 {what} when training, got input size {size}")


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalises each channel, by the batch (and updates the statistics) or by them.  ``(N, C, *)``

    Raises:
        ValueError: training on one value per channel.
        RuntimeError: not training, and no statistics.
    """
    if training:
        _require_values_per_channel(input.size(), instance=False)
    if training and eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    if input.numel() == 0:
        out = input.clone()
        out = out if weight is None else out * weight[0]
        return out if bias is None else out + bias[0]
    if not training:
        if running_mean is None or running_var is None:
            name = "running_mean" if running_mean is None else "running_var"
            raise RuntimeError(f"{name} must be defined in evaluation mode")
        return _ops.batch_norm_eval(input, running_mean, running_var, weight, bias, eps)
    _check_statistics(input.size(1), running_mean, running_var)
    out, mean, var = _ops.batch_norm_train(input, weight, bias, eps)
    if running_mean is not None or running_var is not None:
        _update_running(running_mean, running_var, mean, var, momentum)
    return out


def _check_statistics(channels: int, mean: Tensor | None, var: Tensor | None) -> None:
    for name, t in (("running_mean", mean), ("running_var", var)):
        if t is not None and t.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {t.numel()}")


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalises each channel of each sample.  ``(N, C, *)``

    Raises:
        ValueError: one value per channel.
        RuntimeError: ``use_input_stats=False``, and no statistics.
    """
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "Expected running_mean and running_var to be defined when use_input_stats is false"
            )
        return _ops.batch_norm_eval(input, running_mean, running_var, weight, bias, eps)
    _require_values_per_channel(input.size(), instance=True)
    _check_statistics(input.size(1), running_mean, running_var)
    out, mean, var = _ops.instance_norm_train(input, weight, bias, eps)
    if running_mean is not None or running_var is not None:
        _update_running(running_mean, running_var, mean, var, momentum)
    return out


def _shorten_rows(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    with modes.no_grad():
        T.embedding_renorm_(weight, indices, max_norm, norm_type)


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """``weight[input]``; with max_norm, longer rows are shortened in place first.

    ``(*), (V, D) -> (*, D)``
    """
    if max_norm is not None:
        _shorten_rows(weight, input, max_norm, norm_type)
    return _ops.embedding(input, weight, padding_idx, None, norm_type, scale_grad_by_freq, sparse)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sum, mean or maximum of each bag's rows; max_norm as in ``embedding``.

    ``(B, L), (V, D) -> (B, D)``
    """
    if max_norm is not None:
        _shorten_rows(weight, input, max_norm, norm_type)
    return _ops.embedding_bag(
        input, weight, offsets, None, norm_type, scale_grad_by_freq, mode, sparse,
        per_sample_weights, include_last_offset, padding_idx,
    )  # fmt: skip


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, d(a, p) - d(a, n) + margin)``.  ``(N, *), (N, *), (N, *) -> () or (N)``

    Raises:
        ValueError: bad reduction, or a margin that is not positive.
        RuntimeError: the three do not have the same number of dims.
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    dims = [t.ndim for t in (anchor, positive, negative)]
    if len(set(dims)) != 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {dims[0]}D, positive {dims[1]}D, and negative {dims[2]}D "
            "inputs"
        )
    distance = _ops.pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = T.minimum(far, distance(positive, negative))
    loss = T.clamp_min(margin + near - far, 0)
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" else loss.sum()


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """Cross entropy of ``input · linear_weight``.  ``(N, I), (C, *, I), (N, *) -> () or (N, *)``

    ``options`` choose how PyTorch splits the work; XLA does that by itself.
    """
    _check_linear_cross_entropy(
        input, linear_weight, linear_bias, target.is_floating_point(), ignore_index
    )
    flat_bias = None if linear_bias is None else linear_bias.reshape(-1)
    if linear_weight.dim() > 2:
        logits = _ops.linear(input, linear_weight.flatten(0, -2), flat_bias)
        logits = logits.unflatten(-1, linear_weight.shape[:-1])
    else:
        logits = _ops.linear(input, linear_weight, flat_bias)
    return _ops.cross_entropy(
        logits,
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
    )


def _check_linear_cross_entropy(
    input: Tensor, linear_weight: Tensor, bias: Tensor | None, is_soft: bool, ignore_index: int | None
) -> None:  # fmt: skip
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if linear_weight.dim() < 2:
        raise RuntimeError(
            f"expected linear_weight with dimensionality at least 2, got {linear_weight.dim()}"
        )
    if bias is not None and tuple(bias.shape) != tuple(linear_weight.shape[:-1]):
        raise RuntimeError(
            f"expected linear_bias shape {tuple(linear_weight.shape[:-1])}, got {tuple(bias.shape)}"
        )
    if is_soft and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    width = linear_weight.shape[-1]
    if input.shape[-1] != width:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{input.shape[-1]} and {width}, respectively"
        )
    if linear_weight.dim() > 2 and input.dim() == 1:
        raise RuntimeError(
            "K-dimensional loss defined by linear_weight shape "
            f"{tuple(linear_weight.shape)} requires batched input, (N, {width}), got unbatched "
            f"input with shape {tuple(input.shape)}"
        )


def _warn_upsample(name: str, instead: str = "nn.functional.interpolate") -> None:
    warnings.warn(f"`nn.functional.{name}` is deprecated. Use `{instead}` instead.", stacklevel=3)


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Deprecated spelling of ``interpolate``."""
    _warn_upsample("upsample")
    return _ops.interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Deprecated spelling of ``interpolate(mode="nearest")``."""
    _warn_upsample("upsample_nearest")
    return _ops.interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Deprecated spelling of ``interpolate(mode="bilinear", align_corners=True)``."""
    _warn_upsample("upsample_bilinear")
    return _ops.interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


_takes_part(globals(), "torch.nn.functional")
