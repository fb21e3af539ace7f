"""Losses of real-valued predictions."""

from __future__ import annotations

import math
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...core.registry import Array, Scalar, op
from ...core.shapes import broadcast_two
from .precision import only_floating, type_name, wide
from .reducing import reduced, reduction_of


def _warn_sizes(input: Array, target: Array) -> None:
    if target.shape != input.shape:
        warnings.warn(
            f"Using a target size (torch.Size({list(target.shape)})) that is different to the input size "
            f"(torch.Size({list(input.shape)})). This will likely lead to incorrect results due to "
            "broadcasting. Please ensure they have the same size.",
            UserWarning, stacklevel=8,
        )  # fmt: skip


def _paired(input: Array, target: Array) -> tuple[Array, Array]:
    shape = broadcast_two(input.shape, target.shape)
    return jnp.broadcast_to(input, shape), jnp.broadcast_to(target, shape)


def _weighted(loss: Array, weight: Array, input: Array, reduction: str, by_weight: bool) -> Array:
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight.astype(loss.dtype)
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(
            f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'."
        )
    if reduction == "mean" and by_weight:
        return loss.sum() / weight.astype(loss.dtype).sum()
    return reduced(loss, reduction)


def _no_integers(x: Array) -> None:
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex "
            f"dtype. Got: {type_name(x)}"
        )


_PROMOTED = ("input", "target")


@op(namespaces=("functional",), method=False, promote="default", promoted=_PROMOTED)
def mse_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Array | None = None,
) -> Array:
    """``(x - t)^2``.  ``(*), (*) -> ()``"""
    _warn_sizes(input, target)
    a, b = _paired(input, target)
    only_floating(input, "mse_cpu")
    if weight is None:
        reduction = reduction_of(size_average, reduce, reduction)
    gap = wide(a) - wide(b)
    loss = gap * gap
    if weight is not None:
        return _weighted(loss, weight, input, reduction, True).astype(input.dtype)
    return reduced(loss, reduction).astype(input.dtype)


def _absolute(gap: Array) -> Array:
    """|x|, with derivative 0 at 0 for complex numbers too."""
    if not jnp.iscomplexobj(gap):
        return jnp.abs(gap)
    zero = gap == 0
    return jnp.where(zero, 0, jnp.abs(jnp.where(zero, jnp.ones_like(gap), gap)))


_BY_REDUCTION = {"mean": "MeanBackward0", "sum": "SumBackward0", "none": "AbsBackward0"}


@op(
    namespaces=("functional",), method=False, promote="default", promoted=_PROMOTED,
    grad_name=lambda args: _BY_REDUCTION.get(args["reduction"], "MeanBackward0"),
)  # fmt: skip
def l1_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Array | None = None,
) -> Array:
    """``|x - t|``.  ``(*), (*) -> ()``"""
    _warn_sizes(input, target)
    a, b = _paired(input, target)
    real = jnp.real(input).dtype
    if weight is not None:
        loss = _absolute(wide(a) - wide(b))
        return _weighted(loss, weight, input, reduction, True).astype(real)
    reduction = reduction_of(size_average, reduce, reduction)
    if reduction == "mean":
        _no_integers(input)
    return reduced(_absolute(wide(a) - wide(b)), reduction).astype(real)


def _check_beta(args: dict[str, Any]) -> None:
    if float(args["beta"]) < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")


@op(
    namespaces=("functional",), method=False, promote="default", promoted=_PROMOTED, check=_check_beta,
    grad_name="SmoothL1Loss",
)  # fmt: skip
def smooth_l1_loss(
    input: Array,
    target: Array,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: Scalar = 1.0,
) -> Array:
    """``(x - t)^2 / (2 beta)`` where the distance is below beta, else ``|x - t| - beta / 2``.  ``(*), (*) -> ()``"""
    _warn_sizes(input, target)
    reduction = reduction_of(size_average, reduce, reduction)
    a, b = _paired(input, target)
    only_floating(input, "smooth_l1_cpu")
    gap = wide(a) - wide(b)
    bound = beta.astype(gap.dtype)
    size = jnp.abs(gap)
    safe = jnp.where(bound == 0, jnp.ones_like(bound), bound)
    loss = jnp.where(size < bound, 0.5 * gap * gap / safe, size - 0.5 * bound)
    return reduced(loss, reduction).astype(input.dtype)


def _check_delta(args: dict[str, Any]) -> None:
    if float(args["delta"]) <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")


@op(
    namespaces=("functional",),
    method=False,
    promote="default",
    promoted=_PROMOTED,
    check=_check_delta,
)
def huber_loss(
    input: Array,
    target: Array,
    reduction: str = "mean",
    delta: Scalar = 1.0,
    weight: Array | None = None,
) -> Array:
    """``(x - t)^2 / 2`` where the distance is at most delta, else ``delta (|x - t| - delta / 2)``.

    ``(*), (*) -> ()``
    """
    _warn_sizes(input, target)
    a, b = _paired(input, target)
    only_floating(input, "huber_cpu")
    gap = wide(a) - wide(b)
    bound = delta.astype(gap.dtype)
    size = jnp.abs(gap)
    loss = jnp.where(size <= bound, 0.5 * gap * gap, bound * (size - 0.5 * bound))
    if weight is not None:
        return _weighted(loss, weight, input, reduction, False).astype(input.dtype)
    return reduced(loss, reduction_of(None, None, reduction)).astype(input.dtype)


def _check_variance(args: dict[str, Any]) -> None:
    var, input = args["var"], args["input"]
    if not hasattr(var, "shape"):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        return
    if bool((var.numpy() < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.shape == input.shape or input.shape[:-1] == var.shape:
        return
    differing = [n for m, n in zip(input.shape, var.shape, strict=False) if m != n]
    if not (input.ndim == var.ndim and sum(differing) == 1):
        raise ValueError("var is of incorrect size")


@op(namespaces=("functional",), method=False, check=_check_variance, grad_name=lambda args: {
    "mean": "MeanBackward0", "sum": "SumBackward0",
}.get(args["reduction"], "AddBackward0" if args["full"] else "MulBackward0"))  # fmt: skip
def gaussian_nll_loss(
    input: Array,
    target: Array,
    var: Array,
    full: bool = False,
    eps: Scalar = 1e-6,
    reduction: str = "mean",
) -> Array:
    """``(log v + (x - t)^2 / v) / 2``, v = max(var, eps); full: plus ``log(2 pi) / 2``.  ``(*), (*), (*) -> ()``"""
    if var.ndim and var.shape != input.shape and input.shape[:-1] == var.shape:
        var = var[..., None]
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    broadcast_two(input.shape, target.shape)
    x, t = wide(input), wide(target)
    v = var.astype(x.dtype)
    # the clamp is invisible to autograd, as in PyTorch
    v = v + jax.lax.stop_gradient(jnp.maximum(v, eps.astype(v.dtype)) - v)
    gap = x - t.astype(x.dtype)
    loss = 0.5 * (jnp.log(v) + gap * gap / v)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction).astype(input.dtype)


def _lengths(value: Any) -> np.ndarray:
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value, np.int64).reshape(-1)


def _check_lengths(inputs: np.ndarray, targets: np.ndarray, steps: int, batch: int) -> None:
    if inputs.size != batch:
        raise RuntimeError("input_lengths must be of size batch_size")
    if targets.size != batch:
        raise RuntimeError("target_lengths must be of size batch_size")
    for _i, n in enumerate(targets):
        if n < 0:
            raise RuntimeError(
                f"Expected target_lengths to have value at least 0, but got value {n}"
            )
    for _i, n in enumerate(inputs):
        if n < 0:
            raise RuntimeError(
                f"Expected input_lengths to have value at least 0, but got value {n}"
            )
        if n > steps:
            raise RuntimeError(
                f"Expected input_lengths to have value at most {steps}, but got value {n} "
                "(while checking arguments for ctc_loss_allocate_outputs)"
            )


def padded_labels(args: dict[str, Any]) -> dict[str, Any]:
    """Targets as a padded matrix, and the lengths, whatever form they were given in."""
    scores, targets = args["log_probs"], args["targets"]
    if scores.dtype.name not in ("float32", "float64"):
        from ...core.dtypes import TYPE_NAMES
        from ...core.errors import not_implemented_for

        raise not_implemented_for("ctc_loss_cpu", TYPE_NAMES[scores.dtype.name])
    batch = scores.shape[1] if scores.ndim == 3 else 1
    steps, classes = scores.shape[0], scores.shape[-1]
    if not 0 <= args["blank"] < classes:
        raise RuntimeError("blank must be in label range")
    inputs, counts = _lengths(args["input_lengths"]), _lengths(args["target_lengths"])
    _check_lengths(inputs, counts, steps, batch)
    values = targets.numpy()
    longest = int(counts.max(initial=0))
    labels = np.full((batch, longest), args["blank"], np.int64)
    if values.ndim == 1 and scores.ndim == 3:
        if values.size != counts.sum():
            raise RuntimeError(
                f"Expected tensor to have size {counts.sum()} at dimension 0, but got size {values.size} for "
                "argument #2 'targets' (while checking arguments for ctc_loss_allocate_outputs)"
            )
        ends = np.cumsum(counts)
        for row, n, end in zip(labels, counts, ends, strict=True):
            row[:n] = values[end - n : end]
    else:
        values = values.reshape(batch, -1)
        if values.shape[1] < longest:
            raise RuntimeError(
                f"Expected tensor to have size at least {longest} at dimension 1, but got size "
                f"{values.shape[1]} for argument #2 'targets' (while checking arguments for ctc_loss_allocate_outputs)"
            )
        for row, n, given in zip(labels, counts, values, strict=True):
            row[:n] = given[:n]
    return {
        "_labels": labels, "_inputs": inputs, "_counts": counts,
        "input_lengths": None, "target_lengths": None,
    }  # fmt: skip


def _log_sum(*parts: Array) -> Array:
    """log(sum exp), all -inf giving -inf with derivative 0."""
    stacked = jnp.stack(parts)
    top = jax.lax.stop_gradient(stacked.max(0))
    top = jnp.where(jnp.isneginf(top), 0, top)
    total = jnp.exp(stacked - top).sum(0)
    none = total == 0
    return jnp.where(none, -jnp.inf, jnp.log(jnp.where(none, 1, total)) + top)


def _ctc(scores: Array, labels: Array, inputs: Array, counts: Array, blank: int) -> Array:
    """Negative log likelihood of each sample, by the forward recursion.  ``(T, N, C) -> (N)``"""
    batch, longest = labels.shape
    path = jnp.full((batch, 2 * longest + 1), blank, labels.dtype).at[:, 1::2].set(labels)
    emitted = jnp.take_along_axis(scores, jnp.broadcast_to(path, (scores.shape[0], *path.shape)), 2)
    place = jnp.arange(path.shape[1])
    may_skip = (place % 2 == 1) & (place > 1) & (path != jnp.roll(path, 2, 1))
    start = jnp.where(place < 2, 0.0, -jnp.inf).astype(scores.dtype)
    first = emitted[0] + start if scores.shape[0] else jnp.broadcast_to(start, path.shape)
    never = jnp.full((batch, 2), -jnp.inf, scores.dtype)

    def step(alpha: Array, at: Any) -> tuple[Array, None]:
        t, now = at
        padded = jnp.concatenate([never, alpha], 1)
        skipped = jnp.where(may_skip, padded[:, :-2], -jnp.inf)
        after = _log_sum(alpha, padded[:, 1:-1], skipped) + now
        return jnp.where((t < inputs)[:, None], after, alpha), None

    steps = jnp.arange(1, scores.shape[0])
    alpha, _ = jax.lax.scan(step, first, (steps, emitted[1:]))
    ends = [
        jnp.where(k >= 0, jnp.take_along_axis(alpha, jnp.maximum(k, 0)[:, None], 1)[:, 0], -jnp.inf)
        for k in (2 * counts, 2 * counts - 1)
    ]
    loss = -_log_sum(*ends)
    return jnp.where(inputs == 0, jnp.where(counts == 0, 0.0, jnp.inf), loss).astype(scores.dtype)


@op(
    namespaces=("functional",), method=False, prepare=padded_labels,
    grad_name=lambda args: {"mean": "MeanBackward0", "sum": "SumBackward0"}.get(
        args["reduction"], "CtcLossBackward0"
    ),
)  # fmt: skip
def ctc_loss(
    log_probs: Array,
    targets: Array,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
    *,
    _labels: Array | None = None,
    _inputs: Array | None = None,
    _counts: Array | None = None,
) -> Array:
    """Connectionist temporal classification.  ``(T, N, C), (N, S), (N), (N) -> ()``; N may be absent

    The gradient presumes that log_probs come from ``log_softmax``, as PyTorch's does.
    """
    reduction = reduction_of(None, None, reduction)
    assert _labels is not None
    assert _inputs is not None
    assert _counts is not None
    scores = log_probs if log_probs.ndim == 3 else log_probs[:, None]
    loss = _ctc(scores, _labels, _inputs, _counts, blank)
    steps = jnp.arange(scores.shape[0])[:, None, None]
    mass = jnp.where(steps < _inputs[:, None], jnp.exp(scores), 0).sum((0, 2))
    loss = loss + (mass - jax.lax.stop_gradient(mass))  # derivative of the normaliser, value 0
    if zero_infinity:
        loss = jnp.where(jnp.isposinf(loss), 0, loss)
    if reduction == "mean":
        return (loss / jnp.maximum(_counts, 1).astype(loss.dtype)).mean()
    if reduction == "sum":
        return loss.sum()
    return loss if log_probs.ndim == 3 else loss[0]
