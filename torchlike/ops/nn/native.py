"""``torch.*`` twins of functional ops, whose arguments differ: reductions by number, positional knobs.

PyTorch's schemas say that reduction defaults to the mean, but its Python functions default to 0, none.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

from ...core.registry import JOINT, Array, Constant, Scalar, op
from .conv import conv_any
from .dropout import drawn_elements, is_idle
from .loss_class import binary_cross_entropy_with_logits, check_logits, kl_div, poisson_nll_loss
from .loss_margin import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    triplet_margin_loss,
)
from .loss_regress import ctc_loss, padded_labels
from .norm import group_norm, layer_norm, moments
from .precision import wide
from .vision import affine_grid, grid_sample

_REDUCTIONS = ("none", "mean", "sum")
_NAMES = {1: "MeanBackward0", 2: "SumBackward0"}
_Ints = int | tuple[int, ...]


def _reduction_name(args: dict[str, Any]) -> str:
    return _NAMES.get(args["reduction"], "AddBackward0")


@op(name="kl_div", method=False, promote="default", grad_name=_reduction_name)
def torch_kl_div(
    input: Array, target: Array, reduction: int = 0, *, log_target: bool = False
) -> Array:
    """``functional.kl_div``; reduction 0 none, 1 mean, 2 sum.  ``(*), (*) -> ()``"""
    return kl_div(input, target, None, None, _REDUCTIONS[reduction], log_target)


@op(name="hinge_embedding_loss", method=False, grad_name=_reduction_name)
def torch_hinge_embedding_loss(
    input: Array, target: Constant, margin: Scalar = 1.0, reduction: int = 0
) -> Array:
    """``functional.hinge_embedding_loss``; reduction 0 none, 1 mean, 2 sum.  ``(*), (*) -> ()``"""
    return hinge_embedding_loss(input, target, margin, None, None, _REDUCTIONS[reduction])


@op(name="cosine_embedding_loss", method=False, grad_name=_reduction_name)
def torch_cosine_embedding_loss(
    input1: Array, input2: Array, target: Constant, margin: Scalar = 0.0, reduction: int = 0
) -> Array:
    """``functional.cosine_embedding_loss``; reduction 0 none, 1 mean, 2 sum.  ``(N, D), (N, D), (N) -> ()``"""
    return cosine_embedding_loss(input1, input2, target, margin, None, None, _REDUCTIONS[reduction])


@op(name="margin_ranking_loss", method=False, grad_name=_reduction_name)
def torch_margin_ranking_loss(
    input1: Array, input2: Array, target: Array, margin: Scalar = 0.0, reduction: int = 0
) -> Array:
    """``functional.margin_ranking_loss`` that broadcasts; reduction 0 none, 1 mean, 2 sum.  ``(*), (*), (*) -> ()``"""
    input1, input2, target = jnp.broadcast_arrays(input1, input2, target)
    return margin_ranking_loss(input1, input2, target, margin, None, None, _REDUCTIONS[reduction])


@op(name="triplet_margin_loss", method=False, grad_name=_reduction_name)
def torch_triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: Scalar = 1.0,
    p: float = 2.0,
    eps: Scalar = 1e-6,
    swap: bool = False,
    reduction: int = 0,
) -> Array:
    """``functional.triplet_margin_loss``; reduction 0 none, 1 mean, 2 sum.  ``3 x (N, D) -> ()``"""
    return triplet_margin_loss(
        anchor, positive, negative, margin, p, eps, swap, None, None, _REDUCTIONS[reduction]
    )


@op(name="poisson_nll_loss", method=False, promote="default", grad_name=_reduction_name)
def torch_poisson_nll_loss(
    input: Array, target: Array, log_input: bool, full: bool, eps: Scalar, reduction: int
) -> Array:
    """``functional.poisson_nll_loss``; reduction 0 none, 1 mean, 2 sum.  ``(*), (*) -> ()``"""
    return poisson_nll_loss(input, target, log_input, full, None, eps, None, _REDUCTIONS[reduction])


@op(
    name="binary_cross_entropy_with_logits", method=False, promote="default", check=check_logits,
    promoted=("input", "target", "weight", "pos_weight"),
)  # fmt: skip
def torch_binary_cross_entropy_with_logits(
    input: Array,
    target: Array,
    weight: Array | None = None,
    pos_weight: Array | None = None,
    reduction: int = 0,
) -> Array:
    """``functional.binary_cross_entropy_with_logits``; reduction 0 none, 1 mean, 2 sum.  ``(*), (*) -> ()``"""
    return binary_cross_entropy_with_logits(
        input, target, weight, None, None, _REDUCTIONS[reduction], pos_weight
    )


@op(name="ctc_loss", method=False, prepare=padded_labels, grad_name=lambda args: _NAMES.get(
    args["reduction"], "CtcLossBackward0"
))  # fmt: skip
def torch_ctc_loss(
    log_probs: Array,
    targets: Array,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 0,
    zero_infinity: bool = False,
    *,
    _labels: Array | None = None,
    _inputs: Array | None = None,
    _counts: Array | None = None,
) -> Array:
    """``functional.ctc_loss``; reduction 0 none, 1 mean, 2 sum.  ``(T, N, C), (N, S), (N), (N) -> ()``"""
    return ctc_loss(
        log_probs, targets, None, None, blank, _REDUCTIONS[reduction], zero_infinity,
        _labels=_labels, _inputs=_inputs, _counts=_counts,
    )  # fmt: skip


def _deviation(x: Array, axes: Any, eps: Any) -> tuple[Array, Array]:
    mean, variance = moments(x, axes)
    return mean, lax.rsqrt(variance + eps.astype(x.dtype))


@op(method=False, grad_name="NativeLayerNorm", nondiff=(1, 2), keeps=JOINT)
def native_layer_norm(
    input: Array, normalized_shape: Any, weight: Array | None, bias: Array | None, eps: Scalar
) -> tuple[Array, Array, Array]:
    """``layer_norm`` with the mean and reciprocal deviation of each row.  ``(*, D) -> (*, D), (*, 1), (*, 1)``"""
    out = layer_norm(input, normalized_shape, weight, bias, eps)
    x = wide(input)
    axes = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    mean, scale = _deviation(x, axes, eps)
    of = input.dtype if weight is None else weight.dtype
    return out, mean.astype(of), scale.astype(of)


@op(method=False, grad_name="NativeGroupNorm")
def native_group_norm(
    input: Array,
    weight: Array | None,
    bias: Array | None,
    N: int,
    C: int,
    HxW: int,
    group: int,
    eps: Scalar,
) -> tuple[Array, Array, Array]:
    """``group_norm`` with the mean and reciprocal deviation of each group.

    ``(N, C, *) -> (N, C, *), (N, G), (N, G)``
    """
    out = group_norm(input, group, weight, bias, eps)
    x = wide(input).reshape(N, group, C * HxW // group if group else 0)
    mean, scale = _deviation(x, (2,), eps)
    of = input.dtype if weight is None else weight.dtype
    return out, mean[..., 0].astype(of), scale[..., 0].astype(of)


def _native_mask(args: dict[str, Any]) -> dict[str, Any]:
    if is_idle({**args, "training": args["train"] is not False}):
        return {}
    return drawn_elements(args)


@op(method=False, prepare=_native_mask, grad_name="NativeDropout")
def native_dropout(
    input: Array, p: float, train: bool | None, *, _keep: Array | None = None
) -> tuple[Array, Array]:
    """Dropout with its mask.  ``(*) -> (*), (*)``"""
    if _keep is None:
        return input, jnp.full(input.shape, p != 1 or train is False)
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return input * _keep.astype(input.dtype) * jnp.asarray(scale, input.dtype), _keep


_MODES, _PADDINGS = ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")


@op(
    method=False, aliases=("grid_sampler_2d", "grid_sampler_3d"),
    grad_name=lambda args: f"GridSampler{args['input'].ndim - 2}D",
)  # fmt: skip
def grid_sampler(
    input: Array, grid: Array, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Array:
    """``functional.grid_sample`` with numbered modes.  ``(N, C, H, W), (N, H', W', 2) -> (N, C, H', W')``"""
    return grid_sample(
        input, grid, _MODES[interpolation_mode], _PADDINGS[padding_mode], align_corners
    )


@op(method=False)
def affine_grid_generator(theta: Array, size: Any, align_corners: bool) -> Array:
    """``functional.affine_grid``.  ``(N, 2, 3) -> (N, H, W, 2)``"""
    return affine_grid(theta, size, align_corners)


@op(method=False, options="conv", keeps=JOINT)
def convolution(
    input: Array,
    weight: Array,
    bias: Array | None,
    stride: _Ints,
    padding: _Ints,
    dilation: _Ints,
    transposed: bool,
    output_padding: _Ints,
    groups: int,
) -> Array:
    """Any of the six convolutions.  ``(N, C, *), (O, C / groups, *), (O) -> (N, O, *)``"""
    return conv_any(
        input, weight, bias, stride, padding, dilation, transposed, output_padding, groups
    )
