"""Whether index tensors make sense, and the switch that has every constructor look."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.constants import layout
from ..core.dtypes import TYPE_NAMES, int32, int64
from ..core.errors import shape_text
from ..core.tensor import Tensor
from .layouts import COMPRESSED, Compressed
from .pattern import numbers


class check_sparse_tensor_invariants:
    """``with check_sparse_tensor_invariants():``, as a decorator, or ``.enable()``: constructors of
    sparse tensors look at their indices, unless they are told otherwise."""

    _enabled = False

    @staticmethod
    def is_enabled() -> bool:
        return check_sparse_tensor_invariants._enabled

    @staticmethod
    def enable() -> None:
        check_sparse_tensor_invariants._enabled = True

    @staticmethod
    def disable() -> None:
        check_sparse_tensor_invariants._enabled = False

    def __init__(self, enable: bool = True) -> None:
        self.state = enable
        self.saved_state: bool | None = None

    def __enter__(self) -> None:
        if self.saved_state is not None:
            raise RuntimeError(
                "This context manager instance is already activated. Use a different context manager "
                "instance for context nesting."
            )
        self.saved_state = self.is_enabled()
        check_sparse_tensor_invariants._enabled = self.state

    def __exit__(self, *exc: object) -> None:
        assert self.saved_state is not None
        check_sparse_tensor_invariants._enabled = self.saved_state
        self.saved_state = None

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self.state):
                return function(*args, **kwargs)

        return wrapper


def wanted(check_invariants: bool | None) -> bool:
    return check_sparse_tensor_invariants._enabled if check_invariants is None else check_invariants


def check_coo(indices: Tensor, size: tuple[int, ...], is_coalesced: bool) -> None:
    """Raises RuntimeError for an index outside of ``size``, or a wrong claim to be coalesced."""
    array = numbers(indices)
    for dim, row in enumerate(array):
        check_not_negative(row, dim)
        if row.size and row.max() >= size[dim]:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {dim}, size is {size[dim]} but found index {row.max()}"
            )
    if is_coalesced:
        from .pattern import flat

        if (np.diff(flat(array, size[: len(array)])) <= 0).any():
            raise RuntimeError(
                "cannot set is_coalesced to true if indices correspond to uncoalesced COO tensor"
            )


def check_not_negative(row: np.ndarray, dim: int) -> None:
    if row.size and row.min() < 0:
        raise RuntimeError(f"found negative index {row.min()} for dim {dim}")


def check_dims(ends: Tensor, others: Tensor, values: Tensor, kind: Compressed) -> None:
    """What even unchecked constructors need to infer a size."""
    blocks = 2 if kind.blocked else 0
    if ends.dim() < 1:
        raise RuntimeError(f"{kind.ends} must have dimensionality >= 1 but got 0")
    if ends.dim() != others.dim():
        raise RuntimeError(
            f"{kind.ends} and {kind.others} dimensionalities must be equal but got {ends.dim()} and "
            f"{others.dim()}, respectively"
        )
    batch = ends.dim() - 1
    if values.dim() <= batch + blocks:
        raise RuntimeError(
            "values must have dimensionality > sum of batch and block dimensionalities "
            f"(={batch} + {blocks}) but got {values.dim()}"
        )


def check_compressed(
    ends: Tensor, others: Tensor, values: Tensor, size: tuple[int, ...], of: layout
) -> None:
    """Raises RuntimeError, in PyTorch's words, for whatever does not fit."""
    kind = COMPRESSED[of]
    check_dims(ends, others, values, kind)
    batch = ends.dim() - 1
    blocks = tuple(values.shape)[batch + 1 : batch + 3] if kind.blocked else ()
    dense = values.dim() - batch - len(blocks) - 1
    if len(size) != batch + 2 + dense:
        raise RuntimeError(
            "tensor dimensionality must be sum of batch, base, and dense dimensionalities "
            f"(={batch} + 2 + {dense}) but got {len(size)}"
        )
    for i, block in enumerate(blocks):
        if block and size[batch + i] % block:
            raise RuntimeError(
                f"tensor shape[{i}] (={size[batch + i]}) must be divisible with blocksize[{i}] (={block}) as "
                "defined by values shape"
            )
    _check_lengths(ends, others, values, size, kind, batch, blocks or (1, 1))
    if ends.dtype is not others.dtype:
        raise RuntimeError(
            f"{kind.ends} and {kind.others} must have the same dtype, bot got "
            f"{TYPE_NAMES[ends.dtype.name]} and {TYPE_NAMES[others.dtype.name]}, respectively"
        )
    if ends.dtype not in (int32, int64):
        raise RuntimeError(
            f"{kind.ends} and {kind.others} dtype must be Int or Long, but got {TYPE_NAMES[ends.dtype.name]}"
        )
    lengths = size[batch] // (blocks or (1, 1))[0], size[batch + 1] // (blocks or (1, 1))[1]
    _check_numbers(numbers(ends), numbers(others), lengths, kind)


def _check_lengths(
    ends: Tensor, others: Tensor, values: Tensor, size: tuple[int, ...], kind: Compressed, batch: int,
    blocks: tuple[int, ...],
) -> None:  # fmt: skip
    batches = [tuple(t.shape)[:batch] for t in (ends, others, values)]
    if any(b != size[:batch] for b in batches):
        e, o, v = [shape_text(b) for b in batches]
        raise RuntimeError(
            f"all batch dimensions of {kind.ends} (={e}), {kind.others} (={o}), and values (={v}) must be equal to "
            f"tensor batch dimensions (={shape_text(size[:batch])})"
        )
    n = size[batch] // blocks[0] if kind.by_rows else size[batch + 1] // blocks[1]
    if ends.shape[-1] != n + 1:
        unit = f"{kind.along} blocks" if kind.blocked else f"{kind.along}s"
        raise RuntimeError(
            f"{kind.ends}.shape[-1] must be equal to the number of {unit} + 1 (={n + 1}), but got {ends.shape[-1]}"
        )
    nnz = values.shape[batch]
    if others.shape[-1] != nnz:
        raise RuntimeError(
            f"{kind.others}.shape[-1] must be equal to nnz (={nnz}) as defined by values.shape[{batch}], but got "
            f"{others.shape[-1]}"
        )


def _check_numbers(
    ends: np.ndarray, others: np.ndarray, lengths: tuple[int, int], kind: Compressed
) -> None:
    lines, across = ("nrows", "ncols") if kind.by_rows else ("ncols", "nrows")
    widest, nnz = lengths[1] if kind.by_rows else lengths[0], others.shape[-1]
    sorted_text = (
        f"{kind.others}[..., {kind.ends}[..., i - 1]:{kind.ends}[..., i]] for all i = 1, ..., {lines} are sorted "
        "and distinct along the last dimension values"
    )
    conditions = (
        (((others >= 0) & (others < widest)).all(), f"0 <= {kind.others} < {across}"),
        ((ends[..., 0] == 0).all(), f"{kind.ends}[..., 0] == 0"),
        ((ends[..., -1] == nnz).all(), f"{kind.ends}[..., -1] == nnz"),
    )
    for holds, text in conditions:
        if not holds:
            raise RuntimeError(f"`{text}` is not satisfied.")
    steps_text = f"0 <= {kind.ends}[..., 1:] - {kind.ends}[..., :-1] <= {across}"
    for at in np.ndindex(ends.shape[:-1]):
        e, o = ends[at], others[at]
        for begin, end in zip(e[:-1].tolist(), e[1:].tolist(), strict=True):
            if not 0 <= end - begin <= widest:
                raise RuntimeError(f"`{steps_text}` is not satisfied.")
            if (np.diff(o[begin:end]) <= 0).any():
                raise RuntimeError(f"`{sorted_text}` is not satisfied.")
