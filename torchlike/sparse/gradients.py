"""Sparse gradients of dense parameters: rows that were looked up, elements that were gathered."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.dispatch import BOUND, invoke
from ..core.dtypes import int64
from ..core.modes import modes, no_grad
from ..core.tensor import Tensor
from .kernels import host, take
from .pattern import Pattern, numbers
from .tape import remembered, taped
from .tensor import SparseTensor, coo


def accumulate(variable: Any, grad: Tensor) -> None:
    """Adds to a leaf's ``.grad`` that is sparse: it stays the same object while it stays sparse."""
    have = variable._grad
    with no_grad():
        if isinstance(grad, SparseTensor):
            have._take(invoke("add", have, grad))
        else:
            variable._grad = invoke("add", grad, have)


def owned(grad: SparseTensor) -> SparseTensor:
    """A gradient of its own, for a leaf; PyTorch does not call it coalesced."""
    pattern = grad._pattern
    if not pattern.is_coo:
        return grad.detach()
    made = Pattern(pattern.layout, pattern.parts, pattern.size, ordered=pattern.ordered)
    return SparseTensor(made, grad._numbers)


def _is_differentiated(t: Tensor) -> bool:
    return modes.grad and t._rg and not t._aval.traced


# --- look-ups with sparse=True -------------------------------------------------------------------------


def embedding_rows(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = True,
) -> Tensor:  # fmt: skip
    """``F.embedding`` with a COO gradient whose elements are rows."""
    args = (padding_idx, max_norm, norm_type, scale_grad_by_freq, False)
    if not _is_differentiated(weight):
        return BOUND["embedding"](input, weight, *args)
    with no_grad():
        rows = BOUND["embedding"](input, weight, *args)

    def of_weight(g: Tensor) -> Tensor:
        if scale_grad_by_freq:
            raise RuntimeError(
                "embedding_backward: scale_grad_by_freq not supported with sparse gradients"
            )
        flat = g.reshape(-1, weight.shape[1])  # type: ignore[attr-defined]
        return _of_rows(flat, input.reshape(-1), weight, padding_idx)  # type: ignore[attr-defined]

    return taped("EmbeddingBackward0", rows, (weight, of_weight))


def torch_embedding_rows(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False,
    sparse: bool = True,
) -> Tensor:  # fmt: skip
    """``torch.embedding`` with a COO gradient whose elements are rows."""
    padding = padding_idx if padding_idx >= 0 else None
    return embedding_rows(indices, weight, padding, None, 2.0, scale_grad_by_freq)


def embedding_bag_rows(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None,
    norm_type: float = 2, scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = True,
    per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """``F.embedding_bag`` with a COO gradient whose elements are rows."""
    if mode == "max":
        raise ValueError("max mode does not support sparse weights")
    args = (offsets, max_norm, norm_type, scale_grad_by_freq, mode, False, per_sample_weights,
            include_last_offset, padding_idx)  # fmt: skip
    if not _is_differentiated(weight):
        return BOUND["embedding_bag"](input, weight, *args)
    found = BOUND["embedding_bag"](input, weight.detach(), *args)

    def of_weight(g: Tensor) -> Tensor:
        if scale_grad_by_freq:
            raise RuntimeError(
                "embedding_backward: scale_grad_by_freq not supported with sparse gradients"
            )
        index = numbers(input).reshape(-1)
        bags = _bags(input, offsets, include_last_offset)
        index = index[: bags.size]
        rows = take(g, bags)
        if mode == "mean":
            padding = None if padding_idx is None else padding_idx % weight.shape[0]
            counts = np.bincount(bags[index != padding], minlength=g.shape[0])
            scale = 1 / np.maximum(counts, 1)[bags]
            rows = rows * host(scale.reshape(-1, 1), g).to(g.dtype)  # type: ignore[attr-defined, operator]
        if per_sample_weights is not None:
            mine = per_sample_weights.reshape(-1)[: bags.size]  # type: ignore[attr-defined]
            rows = rows * mine[:, None]
        return _of_rows(rows, host(index, g), weight, padding_idx)

    return taped("EmbeddingBagBackward0", found.detach(), (found, lambda g: g), (weight, of_weight))


def _bags(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> np.ndarray:
    """The bag of each position."""
    if offsets is None:
        return np.repeat(np.arange(input.shape[0]), input.shape[1])
    starts = numbers(offsets)
    count = int(starts[-1]) if include_last_offset else input.numel()
    ends = starts[1:] if include_last_offset else np.append(starts[1:], count)
    return np.repeat(np.arange(len(ends)), ends - starts[: len(ends)])


def _of_rows(rows: Tensor, index: Tensor, weight: Tensor, padding_idx: int | None) -> SparseTensor:
    """A COO gradient whose elements are rows; those of ``padding_idx`` are left out."""
    if padding_idx is not None:
        places = numbers(index)
        kept = np.flatnonzero(places != padding_idx % weight.shape[0])
        if kept.size < places.size:
            rows, index = take(rows, kept), host(places[kept], index)
    indices = index.detach().to(int64).reshape(1, -1)  # type: ignore[attr-defined]
    made = coo(indices, rows, tuple(weight.shape))
    return remembered("SparseCooTensorWithDimsAndTensorsBackward0", made, rows)


def gather_elements(
    input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = True, out: Tensor | None = None
) -> Tensor:
    """``input.gather(dim, index)`` with a COO gradient."""
    if not _is_differentiated(input) or out is not None or not input.dim():
        return BOUND["gather"](input, dim, index, out=out)
    with no_grad():
        found = BOUND["gather"](input, dim, index)
    dim %= input.dim()

    def of_input(g: Tensor) -> Tensor:
        at = np.indices(tuple(index.shape)).reshape(input.dim(), -1)
        at[dim] = numbers(index).reshape(-1)
        values = g.reshape(-1)  # type: ignore[attr-defined]
        made = coo(host(at, g), values, tuple(input.shape))
        return remembered("SparseCooTensorWithDimsAndTensorsBackward0", made, values)

    return taped("GatherBackward0", found, (input, of_input))


def flat_indices(s: SparseTensor) -> Tensor:
    """The places of a COO tensor's elements, where they are: nobody looks at the numbers."""
    indices = s._pattern.parts[0]
    size = s._pattern.size
    if len(size) == 1:
        return indices.reshape(-1)  # type: ignore[attr-defined]
    strides = [int(np.prod(size[d + 1 :])) for d in range(len(size))]
    return (indices * host(np.array(strides).reshape(-1, 1), indices)).sum(0)  # type: ignore[attr-defined, operator]
