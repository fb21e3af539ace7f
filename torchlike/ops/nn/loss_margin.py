"""Losses that push scores or distances apart by a margin."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ...core.errors import not_implemented_for, shape_text
from ...core.registry import Array, Constant, Scalar, op
from ...core.shapes import broadcast_two
from .distance import distance
from .precision import only_floating, type_name, wide
from .reducing import above_zero, reduced, reduction_of


def _by_reduction(element: str) -> Any:
    def name(args: dict[str, Any]) -> str:
        return {"mean": "MeanBackward0", "sum": "SumBackward0"}.get(args["reduction"], element)

    return name


def _float(x: Array) -> Array:
    """Integers as float32, the 16-bit floats too."""
    return wide(x) if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(jnp.float32)


def _floats(x: Array, y: Array) -> tuple[Array, Array]:
    """Two operands as ``_float``, or two of integers as they are."""
    if any(jnp.issubdtype(t.dtype, jnp.inexact) for t in (x, y)):
        return _float(x), _float(y)
    return x, y


def _result_type(*xs: Array) -> Any:
    """The floating type of the first operand that has one."""
    floats = [jnp.real(x).dtype for x in xs if jnp.issubdtype(x.dtype, jnp.inexact)]
    return floats[0] if floats else jnp.float32


@op(namespaces=("functional",), method=False, grad_name=_by_reduction("AddBackward0"))
def hinge_embedding_loss(
    input: Array,
    target: Constant,
    margin: Scalar = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``x`` where t is 1, ``max(0, margin - x)`` where it is -1.  ``(*), (*) -> ()``"""
    reduction = reduction_of(size_average, reduce, reduction)
    broadcast_two(input.shape, target.shape)
    x = _float(input)
    apart = jnp.where(target != 1, above_zero(margin.astype(x.dtype) - x), 0)
    loss = apart + jnp.where(target != -1, x, 0)
    return reduced(loss, reduction).astype(_result_type(input))


@op(namespaces=("functional",), method=False, grad_name=_by_reduction("ClampMinBackward0"))
def margin_ranking_loss(
    input1: Array,
    input2: Array,
    target: Array,
    margin: Scalar = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``max(0, margin - t (x1 - x2))``.  ``(*), (*), (*) -> ()``"""
    reduction = reduction_of(size_average, reduce, reduction)
    if input1.ndim != input2.ndim or input1.ndim != target.ndim:
        sizes = ", ".join(
            f"{name}: torch.Size({list(x.shape)})"
            for name, x in (("input1", input1), ("input2", input2), ("target", target))
        )
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            + sizes
            + " "
        )
    broadcast_two(broadcast_two(input1.shape, input2.shape), target.shape)
    of = _result_type(input1, input2, target)
    xs = [input1, input2, target]
    if any(jnp.issubdtype(x.dtype, jnp.inexact) for x in xs):
        xs = [wide(x.astype(of)) for x in xs]
    x1, x2, t = xs
    difference = -t * (x1 - x2)  # of integers it wraps around; the margin makes it floating
    if not jnp.issubdtype(difference.dtype, jnp.inexact):
        difference = difference.astype(of)
    loss = above_zero(difference + margin.astype(difference.dtype))
    return reduced(loss, reduction).astype(of)


@op(namespaces=("functional",), method=False, promote="default")
def soft_margin_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``log(1 + exp(-t x))``.  ``(*), (*) -> ()``"""
    reduction = reduction_of(size_average, reduce, reduction)
    broadcast_two(input.shape, target.shape)
    only_floating(input, "log1p")
    return reduced(jnp.log1p(jnp.exp(-wide(input) * wide(target))), reduction).astype(input.dtype)


@op(namespaces=("functional",), method=False, grad_name=_by_reduction("DivBackward0"))
def multilabel_soft_margin_loss(
    input: Array,
    target: Array,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """Mean over classes of the binary cross entropy of sigmoid(x).  ``(N, C), (N, C) -> ()``"""
    if size_average is not None or reduce is not None:
        reduction = reduction_of(size_average, reduce, reduction)
    broadcast_two(input.shape, target.shape)
    only_floating(input, "log_sigmoid_cpu")
    x = wide(input)
    t = target.astype(x.dtype)
    loss = t * jnp.logaddexp(-x, 0.0) + (1 - t) * jnp.logaddexp(x, 0.0)
    if weight is not None:
        loss = loss * weight.astype(loss.dtype)
    loss = loss.sum(-1) / input.shape[-1]
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    return reduced(loss, reduction).astype(input.dtype)


def _check_multi_margin(args: dict[str, Any]) -> None:
    input, target = args["input"], args["target"]
    if target.dtype.name != "int64":
        return
    values, classes = target.numpy(), input.shape[-1] if input.ndim else 1
    if values.size and (values.min() < 0 or values.max() >= classes):
        raise RuntimeError("target out of range")


def _check_matrix(x: Array) -> None:
    if x.ndim > 2 or (x.ndim and x.shape[-1] == 0):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {shape_text(x.shape)}"
        )


@op(namespaces=("functional",), method=False, check=_check_multi_margin)
def multi_margin_loss(
    input: Array,
    target: Array,
    p: int = 1,
    margin: Scalar = 1.0,
    weight: Array | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``sum over i != t of max(0, margin - x[t] + x[i])^p / C``.  ``(N, C), (N) -> ()``; N may be absent"""
    reduction = reduction_of(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    _check_matrix(input)
    batch = input.shape[0] if input.ndim == 2 else 1
    if target.ndim > 1 or target.size != batch:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples "
            f"(batch size). Expected target size [{batch}], but got {shape_text(target.shape)}. Input has "
            f"shape {shape_text(input.shape)}."
        )
    classes = input.shape[-1] if input.ndim else 1
    if weight is not None and weight.shape[0] != classes:
        raise RuntimeError(
            f"inconsistent weight size, expected {classes} but got {shape_text(weight.shape)}"
        )
    if input.dtype not in (jnp.float32, jnp.float64):
        raise not_implemented_for("multi_margin_loss", type_name(input))
    if target.dtype != jnp.int64:
        raise RuntimeError(f"expected scalar type Long but found {type_name(target)}")
    x, t = input.reshape(batch, classes), target.reshape(batch, 1)
    gap = above_zero(margin.astype(x.dtype) - jnp.take_along_axis(x, t, 1) + x)
    gap = gap if p == 1 else gap * gap
    if weight is not None:
        gap = gap * weight[t]
    loss = jnp.where(jnp.arange(x.shape[1]) == t, 0, gap).sum(1) / x.shape[1]
    return reduced(loss if target.ndim or input.ndim == 2 else loss[0], reduction)


def _check_labels(args: dict[str, Any]) -> None:
    target, classes = args["target"], args["input"].shape[-1] if args["input"].ndim else 1
    if target.dtype.name != "int64" or target.shape != args["input"].shape:
        return
    values = target.numpy()
    if values.size and values.min() < -1:
        raise RuntimeError("argument #2 'target' is out of range")
    if values.size and values.max() >= classes:
        raise RuntimeError("argument #2 'target' is out of range")


@op(namespaces=("functional",), method=False, check=_check_labels, grad_name="MultilabelMarginLoss")
def multilabel_margin_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``sum over labels t, others i of max(0, 1 - x[t] + x[i]) / C``; -1 ends the labels.  ``(N, C), (N, C) -> ()``"""
    reduction = reduction_of(size_average, reduce, reduction)
    if input.ndim > 2 or (input.ndim and input.shape[-1] == 0):
        _check_matrix(input)
    if target.shape != input.shape and not (input.ndim <= 1 and target.size == input.size):
        raise RuntimeError(
            f"inconsistent target size: {shape_text(target.shape)} for input of size: "
            f"{shape_text(input.shape)}"
        )
    if input.dtype not in (jnp.float32, jnp.float64):
        raise not_implemented_for("multilabel_margin_loss_forward_out_frame", type_name(input))
    if target.dtype != jnp.int64:
        raise RuntimeError(f"expected scalar type Long but found {type_name(target)}")
    classes = input.shape[-1] if input.ndim else 1
    x, t = input.reshape(-1, classes), target.reshape(-1, classes)
    listed = jnp.cumprod((t >= 0).astype(jnp.int32), 1).astype(bool)
    safe = jnp.where(listed, t, 0)
    rows = jnp.arange(x.shape[0])[:, None]
    is_label = jnp.zeros(x.shape, jnp.int32).at[rows, safe].max(listed.astype(jnp.int32)) > 0
    gap = above_zero(1 - jnp.take_along_axis(x, safe, 1)[:, :, None] + x[:, None])
    counted = listed[:, :, None] & ~is_label[:, None]
    loss = jnp.where(counted, gap, 0).sum((1, 2)) / classes
    return reduced(loss if input.ndim == 2 else loss[0], reduction)


@op(namespaces=("functional",), method=False, grad_name=_by_reduction("AddBackward0"))
def cosine_embedding_loss(
    input1: Array,
    input2: Array,
    target: Constant,
    margin: Scalar = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``1 - cos`` where t is 1, ``max(0, cos - margin)`` where it is -1.  ``(N, D), (N, D), (N) -> ()``"""
    reduction = reduction_of(size_average, reduce, reduction)
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input1.ndim != target.ndim + 1 or input2.ndim != target.ndim + 1:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs with "
            f"sizes {shape_text(input1.shape)} and {shape_text(input2.shape)}."
        )
    broadcast_two(input1.shape, input2.shape)
    a, b = _float(input1), _float(input2)
    squares = ((a * a).sum(-1) + 1e-12) * ((b * b).sum(-1) + 1e-12)
    cosine = (a * b).sum(-1) / jnp.sqrt(squares)
    broadcast_two(cosine.shape, target.shape)
    near = jnp.where(target == 1, 1 - cosine, 0)
    far = jnp.where(target == -1, above_zero(cosine - margin.astype(cosine.dtype)), 0)
    return reduced(near + far, reduction).astype(_result_type(input1, input2))


def _check_margin(args: dict[str, Any]) -> None:
    if float(args["margin"]) <= 0:
        raise ValueError(f"margin must be greater than 0, got {args['margin']}")


@op(
    namespaces=("functional",), method=False, check=_check_margin,
    grad_name=_by_reduction("ClampMinBackward0"),
)  # fmt: skip
def triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: Scalar = 1.0,
    p: float = 2,
    eps: Scalar = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Array:
    """``max(0, |a - p| - |a - n| + margin)``, p-norms of the rows.  ``(N, D), (N, D), (N, D) -> ()``"""
    reduction = reduction_of(size_average, reduce, reduction)
    dims = (anchor.ndim, positive.ndim, negative.ndim)
    if len(set(dims)) != 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {dims[0]}D, positive {dims[1]}D, and negative {dims[2]}D inputs"
        )
    broadcast_two(anchor.shape, positive.shape)
    broadcast_two(anchor.shape, negative.shape)
    of = _result_type(anchor, positive, negative)
    near = distance(*_floats(anchor, positive), p, eps)
    far = distance(*_floats(anchor, negative), p, eps)
    if swap:
        far = jnp.minimum(far, distance(*_floats(positive, negative), p, eps))
    loss = above_zero(margin.astype(near.dtype) + near - far)
    return reduced(loss, reduction).astype(of)
