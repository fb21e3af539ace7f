"""Batches of sequences of different length: padded, packed, and as lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...api import torch as T
from ...core.build import from_host, tensor
from ...core.dtypes import int64
from ...core.tensor import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence_(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


def bind(optional: Any, fn: Callable[[Any], Any]) -> Any:
    """``fn(optional)``, or None."""
    return None if optional is None else fn(optional)


class PackedSequence(PackedSequence_):
    """The steps of all sequences, step by step; ``batch_sizes[t]`` sequences are longer than t."""

    def __new__(
        cls,
        data: Any,
        batch_sizes: Any = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is not None:
            if batch_sizes.device.type != "cpu":
                raise ValueError(
                    "batch_sizes should always be on CPU. Instances of PackedSequence should never "
                    "be created manually. They should be instantiated by functions like "
                    "pack_sequence and pack_padded_sequences in nn.utils.rnn. "
                    "https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
                )
        else:
            if not (isinstance(data, list | tuple) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def pin_memory(self) -> PackedSequence:
        """A copy in memory that transfers faster."""
        return self._mapped(lambda t: t.pin_memory(), self.batch_sizes)

    def _mapped(self, fn: Callable[[Tensor], Tensor], batch_sizes: Tensor) -> PackedSequence:
        return type(self)(
            fn(self.data),
            batch_sizes,
            bind(self.sorted_indices, fn),
            bind(self.unsorted_indices, fn),
        )

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Moves or casts the data; itself if nothing changes."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        device = data.device
        return type(self)(
            data,
            self.batch_sizes,
            bind(self.sorted_indices, lambda t: t.to(device)),
            bind(self.unsorted_indices, lambda t: t.to(device)),
        )

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Moves the data to the accelerator."""
        return self if self.is_cuda else self.to(self.data.cuda(*args, **kwargs).device)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Moves the data to the CPU."""
        return self.to("cpu")

    def double(self) -> PackedSequence:
        """The data as float64."""
        return self._cast("float64")

    def float(self) -> PackedSequence:
        """The data as float32."""
        return self._cast("float32")

    def half(self) -> PackedSequence:
        """The data as float16."""
        return self._cast("float16")

    def long(self) -> PackedSequence:
        """The data as int64."""
        return self._cast("int64")

    def int(self) -> PackedSequence:
        """The data as int32."""
        return self._cast("int32")

    def short(self) -> PackedSequence:
        """The data as int16."""
        return self._cast("int16")

    def char(self) -> PackedSequence:
        """The data as int8."""
        return self._cast("int8")

    def byte(self) -> PackedSequence:
        """The data as uint8."""
        return self._cast("uint8")

    def _cast(self, name: str) -> PackedSequence:
        from ...core.dtypes import BY_NAME

        return self.to(dtype=BY_NAME[name])

    @property
    def is_cuda(self) -> bool:
        """True if the data is on an accelerator."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """True if the data is in pinned memory."""
        return self.data.is_pinned()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """``p[inverse[i]] = i``.  ``(N) -> (N)``"""
    return None if permutation is None else T.argsort(permutation)


def _host_lengths(lengths: Any) -> np.ndarray:
    if isinstance(lengths, Tensor):
        if lengths.device.type != "cpu":
            raise RuntimeError(
                "'lengths' argument should be a 1D CPU int64 tensor, but got "
                f"{lengths.dim()}D {lengths.device} {lengths.dtype} tensor"
            )
        return lengths.detach().numpy().astype(np.int64)
    return np.asarray([int(n) for n in lengths], np.int64)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Leaves the padding out.  ``(T, B, *), (B) -> (ΣT, *)``

    Raises:
        RuntimeError: lengths not in decreasing order (enforce_sorted), not positive, or too many.
    """
    sizes = _host_lengths(lengths)
    sorted_indices = None
    if not enforce_sorted:
        order = np.argsort(-sizes, kind="stable")
        sizes = sizes[order]
        sorted_indices = from_host(order.astype(np.int64), device=input.device)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    _check_lengths(input, sizes, batch_first, enforce_sorted)
    batch = len(sizes)
    steps = np.arange(int(sizes[0]))
    batch_sizes = (sizes[None, :] > steps[:, None]).sum(1).astype(np.int64)
    if batch_first:
        input = input.transpose(0, 1)
    valid = np.arange(batch)[None, :] < batch_sizes[:, None]
    flat = from_host(np.flatnonzero(valid).astype(np.int64), device=input.device)
    rows = input[: int(sizes[0])].reshape(-1, *input.shape[2:])
    data = rows.index_select(0, flat)
    return PackedSequence(data, from_host(batch_sizes), sorted_indices, None)


def _check_lengths(input: Tensor, sizes: np.ndarray, batch_first: bool, enforced: bool) -> None:
    batch = input.size(0 if batch_first else 1)
    if len(sizes) == 0 or input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if len(sizes) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} "
            f"(batch_size={batch})"
        )
    if sizes[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if (np.diff(sizes) > 0).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You "
            "can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement if you do not need ONNX exportability."
        )
    steps = input.size(1 if batch_first else 0)
    if sizes[0] > steps:
        raise RuntimeError(
            f"Expected sequence length to be larger than or equal to the largest length, but got "
            f"{steps} and {int(sizes[0])}"
        )


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Puts the padding back; also the lengths.  ``(ΣT, *) -> (T, B, *), (B)``

    Raises:
        ValueError: ``total_length`` is shorter than the longest sequence.
    """
    data, batch_sizes, _, unsorted_indices = sequence
    sizes = batch_sizes.numpy()
    steps, batch = len(sizes), int(sizes[0])
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, "
                f"but got total_length={total_length} and max sequence length being {steps}"
            )
        sizes = np.concatenate([sizes, np.zeros(total_length - steps, np.int64)])
        steps = total_length
    valid = np.arange(batch)[None, :] < sizes[:, None]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    rows = np.where(valid, starts[:, None] + np.arange(batch)[None, :], 0).astype(np.int64)
    grid = data.index_select(0, from_host(rows.reshape(-1), device=data.device))
    grid = grid.reshape(steps, batch, *data.shape[1:])
    shape = (steps, batch, *(1,) * (data.dim() - 1))
    mask = from_host(~valid.reshape(shape), device=data.device)
    padded = grid.masked_fill(mask, padding_value)
    lengths = from_host(valid.sum(0).astype(np.int64))
    if batch_first:
        padded = padded.transpose(0, 1)
    if unsorted_indices is not None:
        lengths = lengths[unsorted_indices.cpu()]
        padded = padded.index_select(0 if batch_first else 1, unsorted_indices)
    return padded, lengths


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stacks sequences of different length.  ``(T_i, *) each -> (T, B, *)``

    Raises:
        RuntimeError: not iterable, empty, or a padding side other than left and right.
    """
    if not isinstance(sequences, Tensor) and not hasattr(sequences, "__iter__"):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    listed = list(sequences.unbind(0)) if isinstance(sequences, Tensor) else list(sequences)
    if not listed:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    longest = max(s.size(0) for s in listed)
    padded = []
    for s in listed:
        missing = longest - s.size(0)
        fill = T.full((missing, *s.shape[1:]), padding_value, dtype=s.dtype, device=s.device)
        parts = [s, fill] if padding_side == "right" else [fill, s]
        padded.append(T.cat(parts) if missing else s)
    return T.stack(padded, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The sequences without padding.  ``(T, B, *), (B) -> (T_i, *) each``"""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    sizes = lengths.tolist()
    return [s[: int(n)] for s, n in zip(padded_sequences.unbind(0), sizes, strict=False)]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Packs a list of sequences.  ``(T_i, *) each -> (ΣT, *)``"""
    lengths = tensor([s.size(0) for s in sequences], dtype=int64)
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The packed sequences as a list.  ``(ΣT, *) -> (T_i, *) each``"""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
