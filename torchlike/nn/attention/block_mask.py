"""``BlockMask``: which blocks of queries and keys a mask leaves, in PyTorch's format."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...api import torch as T
from ...core import dtypes
from ...core.tensor import Tensor
from ...func import vmap

BLOCK = 128
_TENSORS = (
    "kv_num_blocks", "kv_indices", "full_kv_num_blocks", "full_kv_indices", "q_num_blocks",
    "q_indices", "full_q_num_blocks", "full_q_indices",
)  # fmt: skip


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """Leaves everything."""
    return batch.new_ones(size=(), dtype=dtypes.bool_, device=batch.device)


def over_positions(fn: Callable[..., Any], first: tuple[Any, ...] = ()) -> Callable[..., Any]:
    """``fn(*first, b, h, q, kv)`` at every position: b, h, q and kv are vectors.

    ``first`` holds arguments with all four dims, such as the scores.
    """
    lead = (0,) * len(first)
    for place in (3, 2, 1, 0):
        dims = tuple([0 if i == place else None for i in range(4)])
        fn = vmap(fn, in_dims=(*lead, *dims))
    return fn


def positions(b: int, h: int, q: int, kv: int, device: Any) -> list[Tensor]:
    return [T.arange(n, dtype=dtypes.int32, device=device) for n in (b, h, q, kv)]


def create_mask(
    mod_fn: Callable[..., Any], B: int | None, H: int | None, Q_LEN: int, KV_LEN: int,
    device: Any = None,
) -> Tensor:  # fmt: skip
    """``mod_fn`` at every position.  ``-> (B, H, Q, KV)``; scores for a ``score_mod``."""
    b, h = B or 1, H or 1
    args = positions(b, h, Q_LEN, KV_LEN, device)
    if getattr(getattr(mod_fn, "__code__", None), "co_argcount", 4) == 5:
        scores = T.zeros(b, h, Q_LEN, KV_LEN, device=device)
        return over_positions(mod_fn, (scores,))(scores, *args)
    return over_positions(mod_fn)(*args)


def _ordered(dense: Tensor) -> tuple[Tensor, Tensor]:
    """How many blocks each row has, and which: those come first."""
    count = dense.sum(-1).to(dtypes.int32)
    order = T.argsort(dense.to(dtypes.int32), dim=-1, descending=True, stable=True)
    return count, order.to(dtypes.int32).contiguous()


def _dense(count: Tensor, indices: Tensor) -> Tensor:
    """``(*, rows), (*, rows, columns) -> (*, rows, columns)`` of 0 and 1"""
    columns = indices.shape[-1]
    listed = T.arange(columns, device=indices.device) < count.unsqueeze(-1)
    none = T.zeros(indices.shape, dtype=dtypes.int32, device=indices.device)
    return none.scatter(-1, indices.to(dtypes.int64), listed.to(dtypes.int32))


class BlockMask:
    """A mask by blocks: those it leaves in part, and those it leaves whole.

    Differs: XLA computes attention over all positions, so the blocks save no time.
    """

    def __init__(
        self, seq_lengths: tuple[int, int], kv_num_blocks: Tensor, kv_indices: Tensor,
        full_kv_num_blocks: Tensor | None, full_kv_indices: Tensor | None,
        q_num_blocks: Tensor | None, q_indices: Tensor | None, full_q_num_blocks: Tensor | None,
        full_q_indices: Tensor | None, BLOCK_SIZE: tuple[int, int] = (BLOCK, BLOCK),
        mask_mod: Callable[..., Any] = noop_mask,
    ) -> None:  # fmt: skip
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        self.seq_lengths = seq_lengths
        self.kv_num_blocks, self.kv_indices = kv_num_blocks, kv_indices
        self.full_kv_num_blocks, self.full_kv_indices = full_kv_num_blocks, full_kv_indices
        self.q_num_blocks, self.q_indices = q_num_blocks, q_indices
        self.full_q_num_blocks, self.full_q_indices = full_q_num_blocks, full_q_indices
        self.BLOCK_SIZE = BLOCK_SIZE
        self.mask_mod = mask_mod

    @classmethod
    def from_kv_blocks(
        cls, kv_num_blocks: Tensor, kv_indices: Tensor, full_kv_num_blocks: Tensor | None = None,
        full_kv_indices: Tensor | None = None, BLOCK_SIZE: int | tuple[int, int] = BLOCK,
        mask_mod: Callable[..., Any] | None = None, seq_lengths: tuple[int, int] | None = None,
        compute_q_blocks: bool = True,
    ) -> BlockMask:  # fmt: skip
        """From the blocks of each row of queries; those of the columns follow.

        Raises:
            RuntimeError: fewer than two dims. AssertionError: half of the whole blocks' pair.
        """
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        if (full_kv_num_blocks is None) != (full_kv_indices is None):
            raise AssertionError(
                "full_kv_num_blocks and full_kv_indices must be both provided or omitted"
            )
        size = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
        turned: list[Any] = [None] * 4
        if compute_q_blocks:
            turned[:2] = _ordered(_dense(kv_num_blocks, kv_indices).transpose(-1, -2))
            if full_kv_num_blocks is not None:
                whole = _dense(full_kv_num_blocks, full_kv_indices)  # type: ignore[arg-type]
                turned[2:] = _ordered(whole.transpose(-1, -2))
        if seq_lengths is None:
            rows, columns = kv_indices.shape[-2:]
            seq_lengths = rows * size[0], columns * size[1]
        return cls(
            seq_lengths, kv_num_blocks, kv_indices, full_kv_num_blocks, full_kv_indices, *turned,
            BLOCK_SIZE=size, mask_mod=noop_mask if mask_mod is None else mask_mod,
        )  # fmt: skip

    def as_tuple(self, flatten: bool = True) -> tuple[Any, ...]:
        """Everything it holds, in the constructor's order."""
        tensors = tuple([getattr(self, name) for name in _TENSORS])
        if flatten:
            return (*self.seq_lengths, *tensors, *self.BLOCK_SIZE, self.mask_mod)
        return (self.seq_lengths, *tensors, self.BLOCK_SIZE, self.mask_mod)

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.kv_indices.shape[:-2], *self.seq_lengths)

    def numel(self) -> int:
        found = 1
        for n in self.shape:
            found *= n
        return found

    def sparsity(self) -> float:
        """Percent of the positions in blocks that are left out."""
        blocks = int(self.kv_num_blocks.sum())
        if self.full_kv_num_blocks is not None:
            blocks += int(self.full_kv_num_blocks.sum())
        computed = blocks * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1]
        return 100 * (1 - computed / self.numel())

    def to_dense(self) -> Tensor:
        """1 for the blocks that are left, in part or whole.  ``-> (B, H, Q blocks, KV blocks)``"""
        found = _dense(self.kv_num_blocks, self.kv_indices)
        if self.full_kv_num_blocks is not None:
            found = found | _dense(self.full_kv_num_blocks, self.full_kv_indices)  # type: ignore[arg-type]
        return found

    def to_mask(self, b: int, h: int, q: int, kv: int, device: Any) -> Tensor:
        """Which positions are left.  ``-> (b, h, q, kv)``"""
        fine = create_mask(self.mask_mod, b, h, q, kv, device)
        part = self._spread(_dense(self.kv_num_blocks, self.kv_indices), q, kv)
        fine = fine & part
        if self.full_kv_num_blocks is not None:
            whole = _dense(self.full_kv_num_blocks, self.full_kv_indices)  # type: ignore[arg-type]
            fine = fine | self._spread(whole, q, kv)
        return fine

    def _spread(self, blocks: Tensor, q: int, kv: int) -> Tensor:
        rows, columns = self.BLOCK_SIZE
        wide = blocks.repeat_interleave(rows, -2).repeat_interleave(columns, -1)
        return wide[..., :q, :kv].to(dtypes.bool_)

    def to(self, device: Any) -> BlockMask:
        tensors = [getattr(self, name) for name in _TENSORS]
        moved: list[Any] = [None if t is None else t.to(device) for t in tensors]
        return BlockMask(
            self.seq_lengths, *moved, BLOCK_SIZE=self.BLOCK_SIZE, mask_mod=self.mask_mod
        )  # type: ignore[arg-type]

    def __getitem__(self, index: Any) -> BlockMask:
        """Some of the batches and heads; the mask function keeps seeing positions from 0 on."""
        index = index if isinstance(index, tuple) else (index,)
        index = tuple([slice(i, i + 1) if isinstance(i, int) and i != -1 else i for i in index])
        index = tuple([slice(-1, None) if i == -1 and isinstance(i, int) else i for i in index])
        tensors: list[Any] = [None if t is None else t[index] for t in self.as_tuple(False)[1:5]]
        return BlockMask.from_kv_blocks(
            *tensors, BLOCK_SIZE=self.BLOCK_SIZE, mask_mod=self.mask_mod,
            seq_lengths=self.seq_lengths,
        )  # type: ignore[arg-type]  # fmt: skip

    def _adjust(self, new_q_len: int, new_kv_len: int) -> BlockMask:
        """For the first ``new_q_len`` queries and ``new_kv_len`` keys."""
        rows, columns = -(-new_q_len // self.BLOCK_SIZE[0]), -(-new_kv_len // self.BLOCK_SIZE[1])
        pairs: list[Any] = []
        for count, indices in (
            (self.kv_num_blocks, self.kv_indices),
            (self.full_kv_num_blocks, self.full_kv_indices),
        ):
            if count is None or indices is None:
                pairs += [None, None]
            else:
                pairs += _ordered(_dense(count, indices)[..., :rows, :columns])
        return BlockMask.from_kv_blocks(
            *pairs, BLOCK_SIZE=self.BLOCK_SIZE, mask_mod=self.mask_mod,
            seq_lengths=(new_q_len, new_kv_len),
        )  # fmt: skip

    def __repr__(self) -> str:
        lines = ["BlockMask("]
        for name in _TENSORS:
            t = getattr(self, name)
            lines.append(f"    {name}={None if t is None else t.shape},")
        lines.append(f"    BLOCK_SIZE={self.BLOCK_SIZE},")
        lines.append(f"    shape={self.shape},")
        lines.append(f"    sparsity={self.sparsity():.2f}%,")
        lines.append(f"    mask_mod={getattr(self.mask_mod, '__name__', self.mask_mod)}")
        return "\n".join([*lines, ")"])


def create_block_mask(
    mask_mod: Callable[..., Any], B: int | None, H: int | None, Q_LEN: int, KV_LEN: int,
    device: Any = None, BLOCK_SIZE: int | tuple[int, int] = BLOCK, _compile: bool = False,
    separate_full_blocks: bool = True, compute_dq_write_order: bool = False,
    dq_kv_order: bool = True,
) -> BlockMask:  # fmt: skip
    """The blocks that ``mask_mod(b, h, q_idx, kv_idx)`` leaves."""
    rows, columns = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
    mask = create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device)
    padded = T.zeros(
        *mask.shape[:2], -(-Q_LEN // rows) * rows, -(-KV_LEN // columns) * columns,
        dtype=dtypes.bool_, device=mask.device,
    )  # fmt: skip
    padded[..., :Q_LEN, :KV_LEN] = mask
    counts = padded.unflatten(-1, (-1, columns)).unflatten(-3, (-1, rows)).sum((-3, -1))
    whole = counts == rows * columns
    part = (counts > 0) & ~whole if separate_full_blocks else counts > 0
    full = _ordered(whole) if separate_full_blocks else (None, None)
    return BlockMask.from_kv_blocks(
        *_ordered(part), *full, BLOCK_SIZE=(rows, columns), mask_mod=mask_mod,
        seq_lengths=(Q_LEN, KV_LEN),
    )  # fmt: skip


def or_masks(*mask_mods: Callable[..., Any]) -> Callable[..., Any]:
    """A mask function that leaves what one of them leaves."""
    return _combined(mask_mods, lambda a, b: a | b, False, "or_mask")


def and_masks(*mask_mods: Callable[..., Any]) -> Callable[..., Any]:
    """A mask function that leaves what all of them leave."""
    return _combined(mask_mods, lambda a, b: a & b, True, "and_mask")


def _combined(
    mask_mods: tuple[Any, ...], join: Callable[..., Any], start: bool, name: str
) -> Callable[..., Any]:
    if not all(callable(mod) for mod in mask_mods):
        raise RuntimeError(f"All inputs should be callable mask_mods: {mask_mods}")

    def combined(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        found = b.new_full((), start, dtype=dtypes.bool_)
        for mod in mask_mods:
            found = join(found, mod(b, h, q_idx, kv_idx))
        return found

    combined.__name__ = name
    return combined
