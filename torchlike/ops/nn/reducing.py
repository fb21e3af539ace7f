"""From per-element losses to the loss: ``reduction`` and its two predecessors."""

from __future__ import annotations

import warnings

import jax.numpy as jnp

from ...core.registry import Array


def reduction_of(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction's name, after the deprecated arguments.

    Raises:
        ValueError: it is none of none, mean, sum.
    """
    if size_average is not None or reduce is not None:
        average, does = size_average is not False, reduce is not False
        reduction = "mean" if average and does else "sum" if does else "none"
        warnings.warn(
            "size_average and reduce args will be deprecated, please use "
            f"reduction='{reduction}' instead.",
            UserWarning, stacklevel=6,
        )  # fmt: skip
    if reduction == "elementwise_mean":
        reduction = "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduced(loss: Array, reduction: str) -> Array:
    """The loss itself, its mean (NaN of nothing), or its sum."""
    if reduction == "mean":
        return loss.mean()
    return loss.sum(dtype=loss.dtype) if reduction == "sum" else loss


def above_zero(x: Array) -> Array:
    """max(x, 0); derivative 1 at 0, NaN stays: ``clamp_min(0)``."""
    return jnp.where(x < 0, 0, x)
