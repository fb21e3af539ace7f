"""Dims, broadcasting and size inference, with PyTorch's error texts."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

from .errors import dim_out_of_range, shape_text, size_mismatch


class Size(tuple):  # a plain tuple subclass, as PyTorch's is
    """``torch.Size``: a shape."""

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def numel(self) -> int:
        return math.prod(self)

    def __getitem__(self, index: Any) -> Any:
        found = tuple.__getitem__(self, index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other: Any) -> Size:
        if not isinstance(other, tuple):
            return NotImplemented
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: Any) -> Size:
        return Size(tuple(other) + tuple(self))

    def __mul__(self, times: Any) -> Size:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __reduce__(self) -> tuple[type, tuple[tuple[int, ...]]]:
        return Size, (tuple(self),)


def normal_dim(dim: int, ndim: int) -> int:
    """``dim`` counted from the front; a 0-d tensor counts as having one dim.

    Raises:
        IndexError: out of range.
    """
    span = ndim or 1
    if not -span <= dim < span:
        raise dim_out_of_range(dim, ndim)
    return dim + span if dim < 0 else dim


def normal_dims(dim: Any, ndim: int) -> tuple[int, ...]:
    """Each dim counted from the front; None and () mean all.

    Raises:
        IndexError: out of range.
        RuntimeError: a dim appears twice.
    """
    if dim is None:
        return tuple(range(ndim))
    if not isinstance(dim, (tuple, list)):
        dim = (operator.index(dim),)
    if len(dim) == 0:
        return tuple(range(ndim))
    dims = tuple(normal_dim(d, ndim) for d in dim)
    for i, d in enumerate(dims):
        if d in dims[:i]:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return dims if ndim else ()


def reduced_shape(shape: Sequence[int], dims: Sequence[int], keepdim: bool) -> tuple[int, ...]:
    if keepdim:
        return tuple(1 if i in dims else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in dims)


def broadcast_two(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape.

    Raises:
        RuntimeError: in PyTorch's words, with the first differing dim from the back.
    """
    if a == b:
        return a
    ndim = max(len(a), len(b))
    out = [0] * ndim
    for k in range(1, ndim + 1):
        m = a[-k] if k <= len(a) else 1
        n = b[-k] if k <= len(b) else 1
        if m != n and m != 1 and n != 1:
            raise size_mismatch(m, n, ndim - k)
        out[-k] = n if m == 1 else m
    return tuple(out)


def broadcast_all(shapes: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    out: tuple[int, ...] = ()
    for shape in shapes:
        out = broadcast_two(out, shape)
    return out


def inferred_size(size: Sequence[int], numel: int) -> tuple[int, ...]:
    """``size`` with its -1 filled in, for ``view`` and ``reshape``.

    Raises:
        RuntimeError: the sizes do not multiply to ``numel``.
    """
    known, hole = 1, None
    for i, n in enumerate(size):
        if n == -1:
            if hole is not None:
                raise RuntimeError("only one dimension can be inferred")
            hole = i
        elif n < 0:
            raise RuntimeError(
                f"invalid shape dimension {n} at index {i} of shape {shape_text(size)}"
            )
        else:
            known *= n
    if hole is None:
        if known != numel:
            raise RuntimeError(f"shape '{shape_text(size)}' is invalid for input of size {numel}")
        return tuple(size)
    if known == 0:
        if numel == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {shape_text(size)} because the "
                "unspecified dimension size -1 can be any value and is ambiguous"
            )
        raise RuntimeError(f"shape '{shape_text(size)}' is invalid for input of size {numel}")
    if numel % known:
        raise RuntimeError(f"shape '{shape_text(size)}' is invalid for input of size {numel}")
    return (*size[:hole], numel // known, *size[hole + 1 :])


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides in elements."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))
