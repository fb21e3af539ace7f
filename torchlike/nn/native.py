"""``torch.batch_norm`` and others: PyTorch's inner spellings of layers that keep statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..api import functional as F, torch as T
from ..core.build import from_host
from ..core.tensor import Tensor
from ..core.write import to_out
from . import functional

_MODES = ("sum", "mean", "max")


def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """``functional.batch_norm`` with every argument.  ``(N, C, *) -> (N, C, *)``"""
    return native_batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps
    )[0]


def instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """``functional.instance_norm`` with every argument.  ``(N, C, *) -> (N, C, *)``"""
    return functional.instance_norm(
        input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps
    )


def native_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None,
    running_var: Tensor | None, training: bool, momentum: float, eps: float, *, out: Any = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """``batch_norm`` with the batch's mean and reciprocal deviation.  ``(N, C, *) -> (N, C, *), (C), (C)``

    Not training, the last two are empty.

    Raises:
        RuntimeError: a parameter or statistic does not fit the channels.
    """
    if out is not None:
        found = native_batch_norm(
            input, weight, bias, running_mean, running_var, training, momentum, eps
        )
        return to_out(out, found, "native_batch_norm")
    if not training:
        if running_mean is None or running_var is None:
            name = "running_mean" if running_mean is None else "running_var"
            raise RuntimeError(f"{name} must be defined in evaluation mode")
        made = F.batch_norm_eval(input, running_mean, running_var, weight, bias, eps)
        return made, made.new_empty(0), made.new_empty(0)
    functional._check_statistics(input.size(1), running_mean, running_var)
    made, mean, scale, variance = F.batch_norm_native(input, weight, bias, eps)
    if running_mean is not None or running_var is not None:
        functional._update_running(running_mean, running_var, mean, variance, momentum)
    kept = next((t.dtype for t in (weight, bias, running_mean, running_var) if t is not None), input.dtype)
    return made, mean.to(kept), scale.to(kept)


def batch_norm_update_stats(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, momentum: float
) -> tuple[Tensor, Tensor]:
    """Mean and biased variance of each channel, taken into the running ones.  ``(N, C, *) -> (C), (C)``"""
    dims = [0, *range(2, input.ndim)]
    mean, biased = T.mean(input, dims), T.var(input, dims, correction=0)
    variance = T.var(input, dims, correction=1)
    functional._update_running(running_mean, running_var, mean, variance, momentum)
    return mean, biased


def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False, mode: int = 0,
    sparse: bool = False, per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """``functional.embedding_bag`` of ``mode`` 0 sum, 1 mean, 2 maximum, with three tensors about the bags.

    ``(V, D), (S), (B) -> (B, D), (S), (B), (B)``: each index's bag, each bag's size, and in mode 2
    each maximum's row ``(B, D)``.

    Differs: sizes are those of the bags in mode 0, too, where PyTorch leaves zeros.
    """
    out = functional.embedding_bag(
        indices, weight, offsets, None, 2.0, scale_grad_by_freq, _MODES[mode], sparse, per_sample_weights,
        include_last_offset, padding_idx,
    )  # fmt: skip
    count = indices.numel()
    starts = offsets.tolist()  # type: ignore[attr-defined]
    ends = starts[1:] if include_last_offset else [*starts[1:], count]
    sizes = np.array([b - a for a, b in zip(starts, ends, strict=False)], np.int64)
    bag_of = np.repeat(np.arange(len(sizes)), sizes)
    index, sizes_of = from_host(bag_of.astype(np.int64)), from_host(sizes)
    if mode != 2:
        return out, index, sizes_of, T.zeros_like(sizes_of)
    rows = [
        indices[a:b][weight.detach()[indices[a:b]].argmax(0)] if b > a else T.zeros(weight.shape[1]).long()
        for a, b in zip(starts, ends, strict=False)
    ]
    return out, index, sizes_of, T.stack(rows)


def slice_inverse(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:  # fmt: skip
    """``Tensor.slice_inverse``."""
    return input.slice_inverse(src, dim, start, end, step)  # type: ignore[attr-defined]


def detach_(input: Tensor) -> Tensor:
    """``Tensor.detach_``."""
    return input.detach_()
