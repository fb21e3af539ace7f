"""Losses of class scores: cross entropy, negative log likelihood, binary cross entropy, KL divergence."""

from __future__ import annotations

import math
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...core.dtypes import TYPE_NAMES
from ...core.errors import not_implemented_for, shape_text
from ...core.registry import Array, Scalar, op
from ...core.shapes import broadcast_two
from .precision import only_floating, type_name, wide
from .reducing import reduced, reduction_of
from .softmax import log_softmax_of


def _class_count(input: Any) -> int:
    return input.shape[0] if input.ndim == 1 else input.shape[1]


def _check_targets(args: dict[str, Any]) -> None:
    """PyTorch looks at a target's value only where it is not ignored."""
    input, target = args["input"], args["target"]
    if input.ndim == 0 or target.dtype.category > 1 or target.dtype.name == "bool":
        return
    if args.get("is_probability") or target.shape == input.shape:
        return
    values, classes = target.numpy(), _class_count(input)
    if np.count_nonzero(values.astype(np.uint64, copy=False) >= classes):  # a negative one is huge
        bad = ((values < 0) | (values >= classes)) & (values != args["ignore_index"])
        if bad.any():
            raise IndexError(f"Target {values[bad].flat[0]} is out of bounds.")


def _check_nll_types(input: Array, target: Array, weight: Array | None) -> None:
    if target.dtype not in (jnp.int64, jnp.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {type_name(target)}")
    if target.dtype == jnp.uint8 and input.ndim > 2:
        raise RuntimeError("expected scalar type Long but found Byte")
    if weight is not None and weight.shape != (_class_count(input),):
        raise RuntimeError(
            f"weight tensor should be defined either for all {_class_count(input)} classes or no classes "
            f"but got weight tensor of shape: {shape_text(weight.shape)}"
        )
    if weight is not None and weight.dtype != input.dtype:
        raise RuntimeError(f"expected scalar type {type_name(input)} but found {type_name(weight)}")


def _check_nll_shapes(input: Array, target: Array, weight: Array | None) -> None:
    if input.ndim < 1:
        raise ValueError(f"Expected 1 or more dimensions (got {input.ndim})")
    got = f"(got input: {shape_text(input.shape)}, target: {shape_text(target.shape)})"
    if input.ndim != 1:
        batch = target.shape[0] if target.ndim else 0
        if input.shape[0] != batch:
            raise ValueError(
                f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({batch})."
            )
    if input.ndim <= 2:
        if target.ndim > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if input.ndim == 1 and target.ndim == 1 and target.shape[0] != 1:
            raise RuntimeError(f"size mismatch {got}")
    elif target.shape != (input.shape[0], *input.shape[2:]):
        if target.ndim != input.ndim - 1 and input.ndim == 4:
            raise RuntimeError(
                "only batches of spatial targets supported (3D tensors) but got targets of dimension: "
                f"{target.ndim}"
            )
        if input.ndim == 4:
            raise RuntimeError(
                f"size mismatch (got input: {shape_text(input.shape)} , target: {shape_text(target.shape)}"
            )
        wanted = (input.shape[0], *input.shape[2:])
        raise RuntimeError(
            f"Expected target size {shape_text(wanted)}, got {shape_text(target.shape)}"
        )
    _check_nll_types(input, target, weight)


# Up to here a pass over all classes, which fuses with what is around it, is cheaper than the scatter
# that a gather has for a gradient.
_FEW = 1024


def _picked(scores: Array, target: Array, ignore: int) -> tuple[Array, Array, Array]:
    """The target's score, the target with ignored ones made 0, and where it counts."""
    axis = 0 if scores.ndim == 1 else 1
    if scores.ndim == 1:
        target = target.reshape(())
    counts = target != ignore
    safe = jnp.where(counts, target, 0).astype(jnp.int64)
    if scores.shape[axis] == 0:
        return jnp.zeros(target.shape, scores.dtype), safe, counts
    at = jnp.expand_dims(safe, axis)
    if scores.shape[axis] <= _FEW:
        is_target = jax.lax.broadcasted_iota(jnp.int64, scores.shape, axis) == at
        return jnp.where(is_target, scores, 0).sum(axis), safe, counts
    return jnp.take_along_axis(scores, at, axis).squeeze(axis), safe, counts


def _nll(scores: Array, target: Array, weight: Array | None, ignore: int, reduction: str) -> Array:
    found, safe, counts = _picked(scores, target, ignore)
    each = jnp.ones((), scores.dtype) if weight is None else weight.astype(scores.dtype)[safe]
    each = jnp.where(counts, each, 0)
    loss = jnp.where(counts, -found * each, 0)
    if reduction == "none":
        return loss.reshape(target.shape)
    total = loss.sum()
    return total if reduction == "sum" else total / each.sum()


def _nll_name(args: dict[str, Any]) -> str:
    return "NllLossBackward0" if args["input"].ndim <= 2 else "NllLoss2DBackward0"


@op(namespaces=("functional",), method=False, check=_check_targets, grad_name=_nll_name, keeps=("input",))
def nll_loss(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``-weight[t] * input[t]``; the mean is over the weights.  ``(N, C, *), (N, *) -> ()``

    Raises:
        IndexError: a target that is no class and is not ignored.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    _check_nll_shapes(input, target, weight)
    only_floating(input, "nll_loss_out_frame")
    return _nll(wide(input), target, weight, ignore_index, reduction).astype(input.dtype)


def _soft_target_loss(input: Array, target: Array, weight: Array | None, reduction: str,
                      smoothing: float) -> Array:  # fmt: skip
    """Cross entropy with class probabilities."""
    axis = 0 if input.ndim == 1 else 1
    classes = input.shape[axis]
    scores = log_softmax_of(wide(input), axis)
    probability = target.astype(scores.dtype)
    if smoothing > 0:
        probability = probability * (1 - smoothing) + smoothing / classes
    each = scores * probability
    if weight is not None:
        shape = [1] * input.ndim
        shape[axis] = classes
        each = each * weight.astype(scores.dtype).reshape(shape)
    if reduction == "none":
        return -each.sum(axis)
    total = -each.sum()
    return total if reduction == "sum" else total / (input.size / classes if classes else math.nan)


def _smooth_loss(scores: Array, target: Array, weight: Array | None, ignore: int, reduction: str,
                 smoothing: float) -> Array:  # fmt: skip
    """Cross entropy with class indices, whose probability is spread a little."""
    axis = 0 if scores.ndim == 1 else 1
    hard = _nll(scores, target, weight, ignore, reduction)
    _, safe, counts = _picked(scores, target, ignore)
    shape = [1] * scores.ndim
    shape[axis] = -1
    weighed = scores if weight is None else scores * weight.astype(scores.dtype).reshape(shape)
    soft = jnp.where(counts, -weighed.sum(axis), 0)
    if reduction == "mean":
        each = jnp.ones((), scores.dtype) if weight is None else weight.astype(scores.dtype)[safe]
        soft = soft.sum() / jnp.where(counts, each, 0).sum()
    elif reduction == "sum":
        soft = soft.sum()
    return hard * (1 - smoothing) + soft.reshape(hard.shape) * (smoothing / scores.shape[axis])


def _cross_entropy_name(args: dict[str, Any]) -> str:
    if args["target"].shape == args["input"].shape:
        return "DivBackward1" if args["reduction"] == "mean" else "NegBackward0"
    return "AddBackward0" if args["label_smoothing"] else _nll_name(args)


@op(namespaces=("functional",), method=False, check=_check_targets, grad_name=_cross_entropy_name)
def cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Array:
    """``nll_loss(log_softmax(input))``, or with class probabilities.  ``(N, C, *), (N, *) or (N, C, *) -> ()``

    Raises:
        IndexError: a target that is no class and is not ignored.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    axis = 0 if input.ndim == 1 else 1
    if input.shape == target.shape:
        if not jnp.issubdtype(target.dtype, jnp.floating):
            raise RuntimeError(
                "Expected floating point type for target with class probabilities, got "
                f"{type_name(target)}"
            )
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        if weight is not None and weight.shape != (input.shape[axis],):
            raise RuntimeError(
                f"cross_entropy: weight tensor should be defined either for all {input.shape[axis]} classes "
                f"or no classes but got weight tensor of shape: {shape_text(weight.shape)}"
            )
        loss = _soft_target_loss(input, target, weight, reduction, label_smoothing)
        return loss.astype(input.dtype)
    last = "lastdim_" if input.ndim <= 2 else ""
    only_floating(input, f"log_softmax_{last}kernel_impl")
    _check_nll_shapes(input, target, weight)
    scores = log_softmax_of(wide(input), axis)
    if label_smoothing > 0:
        loss = _smooth_loss(scores, target, weight, ignore_index, reduction, label_smoothing)
    else:
        loss = _nll(scores, target, weight, ignore_index, reduction)
    return loss.astype(input.dtype)


@jax.custom_jvp
def _binary(x: Array, t: Array) -> Array:
    return (t - 1) * jnp.maximum(jnp.log1p(-x), -100) - t * jnp.maximum(jnp.log(x), -100)


@_binary.defjvp
def _binary_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    # PyTorch's backward: the denominator is kept from 0, so that the derivative is finite at 0 and 1
    x, t = primals
    by_input = (x - t) / jnp.maximum((1 - x) * x, 1e-12)
    by_target = jnp.maximum(jnp.log1p(-x), -100) - jnp.maximum(jnp.log(x), -100)
    return _binary(x, t), by_input * tangents[0] + by_target * tangents[1]


@op(namespaces=("functional",), method=False)
def binary_cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``-(t log x + (1 - t) log(1 - x))``, logarithms not below -100.  ``(*), (*) -> ()``

    Differs: an input outside [0, 1] gives NaN; PyTorch raises RuntimeError after looking at it.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size (torch.Size({list(target.shape)})) that is different to the input size "
            f"(torch.Size({list(input.shape)})) is deprecated. Please ensure they have the same size."
        )
    only_floating(input, "binary_cross_entropy")
    if target.dtype != input.dtype:
        raise RuntimeError(f"Found dtype {type_name(target)} but expected {type_name(input)}")
    loss = _binary(wide(input), wide(target))
    if weight is not None:
        loss = loss * weight.astype(loss.dtype)
    return reduced(loss, reduction).astype(input.dtype)


def check_logits(args: dict[str, Any]) -> None:
    input, target = args["input"], args["target"]
    if not input.dtype.is_floating_point:
        raise not_implemented_for("log_sigmoid_cpu", TYPE_NAMES[input.dtype.name])
    if target.dtype.name == "bool":
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
            "`logical_xor()` operator instead."
        )
    if not target.dtype.is_floating_point and target.shape == input.shape:
        raise RuntimeError(
            f"result type {TYPE_NAMES[input.dtype.name]} can't be cast to the desired output type "
            f"{TYPE_NAMES[target.dtype.name]}"
        )


@op(
    namespaces=("functional",), method=False, promote="default",
    promoted=("input", "target", "weight", "pos_weight"), check=check_logits,
)  # fmt: skip
def binary_cross_entropy_with_logits(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Array | None = None,
) -> Array:
    """``-(w t log s(x) + (1 - t) log(1 - s(x)))``, s the sigmoid, w = pos_weight.  ``(*), (*) -> ()``"""
    reduction = reduction_of(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Target size (torch.Size({list(target.shape)})) must be the same as input size "
            f"(torch.Size({list(input.shape)}))"
        )
    only_floating(input, "log_sigmoid_cpu")
    x, t = wide(input), wide(target)
    log_sigmoid = -jnp.logaddexp(-x, 0.0)
    if pos_weight is None:
        loss = (1 - t) * x - log_sigmoid
    else:
        loss = (1 - t) * x - ((wide(pos_weight) - 1) * t + 1) * log_sigmoid
    if weight is not None:
        loss = loss * wide(weight)
    return reduced(loss, reduction).astype(input.dtype)


def _warn_mean(args: dict[str, Any]) -> None:
    if args["reduction"] == "mean" and args["size_average"] is None and args["reduce"] is None:
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
            UserWarning, stacklevel=5,
        )  # fmt: skip


_KL_NAMES = {
    "batchmean": "DivBackward0", "mean": "MeanBackward0", "sum": "SumBackward0",
}  # fmt: skip


@op(
    namespaces=("functional",), method=False, check=_warn_mean, promote="default",
    grad_name=lambda args: _KL_NAMES.get(
        args["reduction"], "MulBackward0" if args["log_target"] else "SubBackward0"
    ),
)  # fmt: skip
def kl_div(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Array:
    """``target * (log target - input)``, input and (log_target) target being logarithms.  ``(*), (*) -> ()``"""
    is_batchmean = reduction == "batchmean" and size_average is None and reduce is None
    reduction = "sum" if is_batchmean else reduction_of(size_average, reduce, reduction)
    broadcast_two(target.shape, input.shape)
    x, t = wide(input), wide(target)
    if log_target:
        loss = jnp.exp(t) * (t - x)
    else:
        zero = t == 0
        loss = jnp.where(zero, 0, t * jnp.log(jnp.where(zero, 1, t))) - t * x
    loss = reduced(loss, reduction)
    if is_batchmean and input.ndim:
        loss = loss / input.shape[0]
    return loss.astype(input.dtype)


@op(namespaces=("functional",), method=False, promote="default", grad_name=lambda args: {
    "mean": "MeanBackward0", "sum": "SumBackward0",
}.get(args["reduction"], "AddBackward0" if args["full"] else "SubBackward0"))  # fmt: skip
def poisson_nll_loss(
    input: Array,
    target: Array,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: Scalar = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``exp(x) - t x``, or ``x - t log(x + eps)``; full: plus Stirling's term where t > 1.  ``(*), (*) -> ()``"""
    reduction = reduction_of(size_average, reduce, reduction)
    is_int = not jnp.issubdtype(input.dtype, jnp.floating)
    if input.dtype == jnp.bool_:
        raise not_implemented_for("exp", type_name(input))
    broadcast_two(target.shape, input.shape)
    x, t = (v.astype(jnp.float32) if is_int else wide(v) for v in (input, target))
    loss = jnp.exp(x) - t * x if log_input else x - t * jnp.log(x + eps.astype(x.dtype))
    if full:
        safe = jnp.where(t <= 1, 2, t)
        term = safe * jnp.log(safe) - safe + 0.5 * jnp.log(2 * math.pi * safe)
        loss = loss + jnp.where(t <= 1, 0, term)
    loss = reduced(loss, reduction)
    return loss if is_int else loss.astype(input.dtype)
