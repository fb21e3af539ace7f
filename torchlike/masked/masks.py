"""What masked operations share: the mask brought to the input's shape, and what fills its gaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..api import torch as T
from ..core import dtypes
from ..core.build import tensor
from ..core.dtypes import dtype as DType
from ..core.errors import missing
from ..core.tensor import Tensor

_ZERO = ("sum", "cumsum")
_ONE = ("prod", "cumprod")
_LOWEST = ("amax", "argmax", "logaddexp", "logsumexp")
_HIGHEST = ("amin", "argmin")


def canonical_dims(dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """``dim`` as sorted positive numbers; None and ``()`` are all dims.

    Raises:
        IndexError: no such dim.
        RuntimeError: a dim is there twice.
    """
    if dim is None or dim == ():
        return tuple(range(ndim))
    span = max(ndim, 1)
    found: list[int] = []
    for d in (dim,) if isinstance(dim, int) else dim:
        if d in found:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        if not -span <= d < span:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-span}, {span - 1}], but got {d})"
            )
        found.append(d % span)
    return tuple(sorted(found))


def dense(name: str, input: Tensor) -> Tensor:
    """The tensor itself, if its elements are all there.

    Raises:
        NotImplementedError: it is sparse.
    """
    if repr(input.layout) != "torch.strided":
        raise missing(f"masked.{name} of a {input.layout} tensor", "call to_dense() on it first")
    return input


def input_mask(input: Tensor, *, mask: Tensor | None) -> Tensor:
    """The mask as bools of the input's shape.

    Raises:
        ValueError: there is no mask.
        IndexError: it has more dims than the input.
    """
    if mask is None:
        raise ValueError("_input_mask requires explicit mask")
    if mask.shape != input.shape:
        if mask.ndim > input.ndim:
            raise IndexError(
                "_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)"
            )
        return T.broadcast_to(mask, input.shape).to(dtype=dtypes.bool_)
    return mask.to(dtype=dtypes.bool_)


def identity(name: str, of: DType, ord: float | None = 2.0) -> Any:
    """The number that an operation's result does not depend on.

    Raises:
        NotImplementedError: the dtype has none.
    """
    is_ordered = of.is_floating_point or of.is_signed and not of.is_complex or of is dtypes.uint8
    if name in _ZERO:
        return 0
    if name in _ONE:
        return 1
    if name in _LOWEST and (is_ordered or name == "logsumexp" and of.is_complex):
        return dtypes.iinfo(of).min if of.category == dtypes.INTEGRAL else -math.inf
    if name in _HIGHEST and is_ordered:
        return dtypes.iinfo(of).max if of.category == dtypes.INTEGRAL else math.inf
    if name == "median":
        return math.nan
    if name == "norm":
        if ord == -math.inf and not of.is_floating_point:
            raise AssertionError(f"input must be floating point, got {of}")
        return math.inf if ord == -math.inf else 0
    raise NotImplementedError(f"identity of {name} on {of} input")


def filled(name: str, input: Any, mask: Tensor | None, ord: float | None = 2.0) -> Tensor:
    """The input with the operation's identity in the place of what is masked out."""
    own = getattr(input, "_masked_mask", None)
    if own is not None:
        input, mask = input.get_data(), own
    if mask is None:
        return input
    fill = tensor(identity(name, input.dtype, ord), dtype=input.dtype, device=input.device)
    return T.where(input_mask(input, mask=mask), input, fill)
