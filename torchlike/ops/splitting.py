"""Views that cut a tensor in pieces: split, chunk, tensor_split and kin, unbind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from jax import lax

from ..core.dtypes import TYPE_NAMES
from ..core.errors import no_overload, shape_text
from ..core.registry import Array, view as declare_view
from ..core.shapes import normal_dim
from .call_arguments import named_arguments

Ints = tuple[int, ...]
Layout = tuple[Ints, Ints, int]
Piece = tuple[int, int]  # start and length along the dim
Cut = Callable[..., tuple[int, list[Piece]]]  # (shape, *statics) -> dim, pieces


def _layout_of(cut: Cut) -> Callable[..., list[Layout]]:
    def layout(shape: Ints, strides: Ints, offset: int, *statics: Any) -> list[Layout]:
        at, pieces = cut(shape, *statics)
        return [
            ((*shape[:at], length, *shape[at + 1 :]), strides, offset + start * strides[at])
            for start, length in pieces
        ]

    return layout


def _pieces(input: Array, cut: tuple[int, list[Piece]]) -> tuple[Array, ...]:
    at, pieces = cut
    return tuple(lax.slice_in_dim(input, start, start + n, 1, at) for start, n in pieces)


def _run(sizes: Sequence[int]) -> list[Piece]:
    return list(zip(accumulate(sizes, initial=0), sizes, strict=False))


# ---------------------------------------------------------------------------- split, chunk


def split_cut(shape: Sequence[int], size: int, dim: int = 0) -> tuple[int, list[Piece]]:
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    at = normal_dim(dim, len(shape))
    n = shape[at]
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if size == 0:
        if n:
            raise RuntimeError(
                f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}"
            )
        return at, [(0, 0)]
    return at, [(i, min(size, n - i)) for i in range(0, n, size)] or [(0, 0)]


def sizes_cut(shape: Sequence[int], sizes: Sequence[int], dim: int = 0) -> tuple[int, list[Piece]]:
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    at = normal_dim(dim, len(shape))
    if any(n < 0 for n in sizes):
        raise RuntimeError(
            "split_with_sizes expects split_sizes have only non-negative entries, but got "
            f"split_sizes={shape_text(sizes)}"
        )
    if sum(sizes) != shape[at]:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {shape[at]} (input tensor's "
            "size at "
            f"dimension {at}), but got split_sizes={shape_text(sizes)}"
        )
    return at, _run(sizes)


def chunk_cut(shape: Sequence[int], chunks: int, dim: int = 0) -> tuple[int, list[Piece]]:
    if not shape:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    at = normal_dim(dim, len(shape))
    n = shape[at]
    size = -(-n // chunks)
    if size == 0:
        return at, [(0, 0)] * chunks
    return at, [(i, min(size, n - i)) for i in range(0, n, size)]


def _split_overload(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, size, dim = named_arguments(
        args, kwargs, "tensor|input", "split_size_or_sections|split_size|split_sizes", "dim"
    )
    key = "split_with_sizes" if isinstance(size, (list, tuple)) else "split"
    return key, (x, size, 0 if dim is None else dim), {}


@declare_view(_layout_of(split_cut), resolve=_split_overload, saves="none")
def split(tensor: Array, split_size_or_sections: int, dim: int = 0) -> tuple[Array, ...]:
    """Pieces of a size, the last one maybe smaller; a list gives each size.

    ``(n, *) -> (k, *)…``
    """
    return _pieces(tensor, split_cut(tensor.shape, split_size_or_sections, dim))


@declare_view(_layout_of(sizes_cut), saves="none")
def split_with_sizes(input: Array, split_sizes: Ints, dim: int = 0) -> tuple[Array, ...]:
    """Pieces of these sizes.  ``(n, *) -> (k1, *), (k2, *)…``"""
    return _pieces(input, sizes_cut(input.shape, split_sizes, dim))


@declare_view(_layout_of(chunk_cut), grad_name="SplitBackward0", saves="none")
def chunk(input: Array, chunks: int, dim: int = 0) -> tuple[Array, ...]:
    """At most ``chunks`` pieces of equal size, the last one maybe smaller.

    ``(n, *) -> (k, *)…``
    """
    return _pieces(input, chunk_cut(input.shape, chunks, dim))


@declare_view(_layout_of(split_cut), saves="none")
def unsafe_split(input: Array, split_size: int, dim: int = 0) -> tuple[Array, ...]:
    """``split`` whose pieces autograd takes for copies.  ``(n, *) -> (k, *)…``"""
    return _pieces(input, split_cut(input.shape, split_size, dim))


@declare_view(_layout_of(sizes_cut), saves="none")
def unsafe_split_with_sizes(input: Array, split_sizes: Ints, dim: int = 0) -> tuple[Array, ...]:
    """``split_with_sizes`` whose pieces autograd takes for copies.  ``(n, *) -> (k, *)…``"""
    return _pieces(input, sizes_cut(input.shape, split_sizes, dim))


@declare_view(_layout_of(chunk_cut), grad_name="UnsafeSplitBackward0", saves="none")
def unsafe_chunk(input: Array, chunks: int, dim: int = 0) -> tuple[Array, ...]:
    """``chunk`` whose pieces autograd takes for copies.  ``(n, *) -> (k, *)…``"""
    return _pieces(input, chunk_cut(input.shape, chunks, dim))


# ---------------------------------------------------------------------------- tensor_split


def _section_pieces(n: int, sections: int) -> list[Piece]:
    if sections <= 0:
        raise RuntimeError(f"number of sections must be larger than 0, got {sections}")
    return _run([n // sections + (i < n % sections) for i in range(sections)])


def _index_pieces(n: int, indices: Sequence[int]) -> list[Piece]:
    # As slices: each end counts from the back if negative and is moved inside.
    pieces, start = [], 0
    for end in [*indices, n]:
        first, last, _ = slice(start, end).indices(n)
        pieces.append((first, max(last - first, 0)))
        start = end
    return pieces


def tensor_cut(
    shape: Sequence[int], indices_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[int, list[Piece]]:
    if not shape:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    at = normal_dim(dim, len(shape))
    if isinstance(indices_or_sections, int):
        return at, _section_pieces(shape[at], indices_or_sections)
    return at, _index_pieces(shape[at], indices_or_sections)


_SECTIONS = "indices_or_sections|indices|sections|tensor_indices_or_sections"


def _sections_overload(key: str) -> Any:
    """A tensor of sections or indices is read here."""

    def resolve(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if key != "tensor_split" and len(args) > 2:
            args = (args[0], args[1:])  # hsplit(1, 2)
        x, given, dim = named_arguments(args, kwargs, "input", _SECTIONS, "dim")
        if hasattr(given, "dtype"):
            if given.dtype.name != "int64":
                raise RuntimeError(
                    "tensor_split expected tensor_indices_or_sections to have dtype of long, but "
                    "got "
                    f"{TYPE_NAMES[given.dtype.name]}"
                )
            given = given.tolist()
        elif not isinstance(given, (int, tuple, list)):
            raise no_overload(key, ["Tensor", type(given).__name__])
        tail = (0 if dim is None else dim,) if key == "tensor_split" else ()
        return key, (x, tuple(given) if isinstance(given, list) else given, *tail), {}

    return resolve


@declare_view(
    _layout_of(tensor_cut), resolve=_sections_overload("tensor_split"), grad_name="SliceBackward0",
    saves="none",
)  # fmt: skip
def tensor_split(input: Array, indices_or_sections: int | Ints, dim: int = 0) -> tuple[Array, ...]:
    """Pieces of nearly equal size, or cut before the given indices.  ``(n, *) -> (k, *)…``"""
    return _pieces(input, tensor_cut(input.shape, indices_or_sections, dim))


_LEAST_NDIM = {"hsplit": 1, "vsplit": 2, "dsplit": 3}


def nsplit_cut(name: str) -> Cut:
    """How ``hsplit``, ``vsplit`` or ``dsplit`` cuts."""
    least = _LEAST_NDIM[name]

    def cut(shape: Sequence[int], sections: int | Sequence[int]) -> tuple[int, list[Piece]]:
        if len(shape) < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor "
                "with "
                f"{len(shape)} dimensions!"
            )
        at = 0 if name == "vsplit" or len(shape) == 1 else least - 1 if name == "dsplit" else 1
        if isinstance(sections, int) and (sections == 0 or shape[at] % sections):
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {at}, but the size of the "
                "dimension "
                f"{shape[at]} is not divisible by the split_size {sections}!"
            )
        return tensor_cut(shape, sections, at)

    return cut


_hsplit_cut, _vsplit_cut, _dsplit_cut = (nsplit_cut(name) for name in _LEAST_NDIM)


@declare_view(
    _layout_of(_hsplit_cut),
    resolve=_sections_overload("hsplit"),
    grad_name="SliceBackward0",
    saves="none",
)
def hsplit(input: Array, indices_or_sections: int | Ints) -> tuple[Array, ...]:
    """Cut along dim 1 (dim 0 of a vector).  ``(n, m, *) -> (n, k, *)…``"""
    return _pieces(input, _hsplit_cut(input.shape, indices_or_sections))


@declare_view(
    _layout_of(_vsplit_cut),
    resolve=_sections_overload("vsplit"),
    grad_name="SliceBackward0",
    saves="none",
)
def vsplit(input: Array, indices_or_sections: int | Ints) -> tuple[Array, ...]:
    """Cut along dim 0.  ``(n, m, *) -> (k, m, *)…``"""
    return _pieces(input, _vsplit_cut(input.shape, indices_or_sections))


@declare_view(
    _layout_of(_dsplit_cut),
    resolve=_sections_overload("dsplit"),
    grad_name="SliceBackward0",
    saves="none",
)
def dsplit(input: Array, indices_or_sections: int | Ints) -> tuple[Array, ...]:
    """Cut along dim 2.  ``(n, m, p, *) -> (n, m, k, *)…``"""
    return _pieces(input, _dsplit_cut(input.shape, indices_or_sections))


# ---------------------------------------------------------------------------- unbind


def _unbind_dim(shape: Sequence[int], dim: int) -> int:
    if not shape:
        if not -1 <= dim <= 0:
            normal_dim(dim, 0)
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return normal_dim(dim, len(shape))


def _unbind_layout(shape: Ints, strides: Ints, offset: int, dim: int = 0) -> list[Layout]:
    at = _unbind_dim(shape, dim)
    rest, steps = shape[:at] + shape[at + 1 :], strides[:at] + strides[at + 1 :]
    return [(rest, steps, offset + i * strides[at]) for i in range(shape[at])]


@declare_view(_unbind_layout, saves="none")
def unbind(input: Array, dim: int = 0) -> tuple[Array, ...]:
    """Every index of a dim, one by one.  ``(n, *) -> (*)…``"""
    at = _unbind_dim(input.shape, dim)
    return tuple(lax.index_in_dim(input, i, at, keepdims=False) for i in range(input.shape[at]))
