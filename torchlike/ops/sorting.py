"""Order along a dim, the largest k, and search in sorted sequences."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.errors import check, not_implemented_for, shape_text
from ..core.registry import Array, op, reduction
from ..core.shapes import normal_dim
from .accumulate import is_complex, is_floating, kind, type_name
from .quantiles import sorted_order

_PAIR = ("values", "indices")


def _refuse_complex(x: Array) -> None:
    if is_complex(x):
        raise RuntimeError(" Sort does not support complex dtypes on CPU")


def _sorted(x: Array, dim: int, descending: bool) -> tuple[Array, Array]:
    _refuse_complex(x)
    d = normal_dim(dim, x.ndim)
    if x.ndim == 0:
        return x, jnp.zeros((), np.int64)
    order = sorted_order(x, d, descending=descending)
    return jnp.take_along_axis(x, order, axis=d), order


def _sort_node(args: dict[str, Any]) -> str:
    return "SortBackward0" if args.get("stable") is None else "SortBackward1"


@op(out=True, returns=_PAIR, saves="none", grad_name=_sort_node, keeps=())
def sort(
    input: Array, dim: int = -1, descending: bool = False, *, stable: bool | None = None
) -> tuple[Array, Array]:
    """Sorted values and where they were; always stable, NaN counts as largest.

    ``(*) -> (*), (*)``
    """
    return _sorted(input, dim, descending)


@op(out=True, nondiff=True)
def argsort(
    input: Array, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> Array:
    """The indices that sort; always stable.  ``(*) -> (*)``"""
    return _sorted(input, dim, descending)[1]


@op(out=True, grad_name="SortBackward0", saves="none", keeps=())
def msort(input: Array) -> Array:
    """Sorted along the first dim.  ``(N, *) -> (N, *)``"""
    return _sorted(input, 0, False)[0]


@reduction(returns=_PAIR, saves="none", keeps=())
def topk(
    input: Array, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> tuple[Array, Array]:
    """The ``k`` largest (or smallest) along ``dim``, always sorted.

    ``(*, N) -> (*, k), (*, k)``
    """
    if is_complex(input):
        raise RuntimeError(" topk does not support complex dtypes on CPU")
    d = normal_dim(dim, input.ndim)
    if not 0 <= k <= (input.shape[d] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if input.dtype == np.bool_:
        raise RuntimeError("topk does not support bool dtypes on CPU")
    if input.ndim == 0:
        return input, jnp.zeros((), np.int64)
    x = jnp.moveaxis(jax.lax.stop_gradient(input), d, -1)
    _, index = jax.lax.top_k(_rising_key(x, largest), k)
    index = jnp.moveaxis(index.astype(np.int64), -1, d)
    return jnp.take_along_axis(input, index, axis=d), index


def _rising_key(x: Array, largest: bool) -> Array:
    """A key whose largest are wanted. ``top_k`` has a total order: +NaN above inf, -NaN below "
    "-inf."""
    if not is_floating(x):
        return x if largest else ~x
    nan = jnp.asarray(jnp.nan, x.dtype)
    return jnp.where(jnp.isnan(x), nan if largest else -nan, x if largest else -x)


# ---------------------------------------------------------------- search


def _check_sorter(args: dict[str, Any]) -> None:
    sorter = args.get("sorter")
    if sorter is None or sorter.dtype.name != "int64":
        return
    values = sorter.numpy()
    size = args["sorted_sequence"].shape[-1]
    inside = values.size == 0 or (values.min() >= 0 and values.max() < size)
    check(inside, "torch.searchsorted(): sorter index out of range")


def _check_sequence(name: str, edges: Array, x: Array, side: str | None, right: bool) -> None:
    check(
        side is None or side in ("left", "right"),
        f"torch.{name}(): side can only be 'left' or 'right' but got {side}",
    )
    check(
        not (side == "left" and right),
        f"torch.{name}(): side and right can't be set to opposites, got side of left while right "
        "was True",
    )
    check(
        edges.ndim > 0,
        f"torch.{name}(): boundaries tensor should have positive dimension, but got 0 dimension",
    )
    check(
        edges.ndim == 1 or edges.shape[:-1] == x.shape[:-1],
        f"torch.{name}(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
        f"boundaries tensor and input value tensor must match, but we got boundaries tensor "
        f"{shape_text(edges.shape)} and input value tensor {shape_text(x.shape)}",
    )
    if is_complex(edges) or edges.dtype == np.bool_:
        raise not_implemented_for("searchsorted_out_cpu", type_name(edges))


def _insertion_point(edges: Array, x: Array, right: bool) -> Array:
    """Binary search, as PyTorch does it: what compares false (NaN) goes to the end."""
    size = edges.shape[-1]
    if edges.ndim == 1:

        def at(place: Array) -> Array:
            return edges[place]
    else:

        def at(place: Array) -> Array:
            return jnp.take_along_axis(edges, place, axis=-1)

    def narrow(_: int, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        start, stop = bounds
        middle = (start + stop) // 2
        value = at(jnp.minimum(middle, size - 1))
        beyond = ~((value > x) if right else (value >= x)) & (start < stop)
        return jnp.where(beyond, middle + 1, start), jnp.where(
            beyond | (start >= stop), stop, middle
        )

    start = jnp.zeros(x.shape, np.int64)
    if size == 0 or x.size == 0:
        return start
    stop = jnp.full(x.shape, size, np.int64)
    return jax.lax.fori_loop(0, size.bit_length(), narrow, (start, stop))[0]


@op(
    out=True, method=False, nondiff=True, promote="default", promoted=("sorted_sequence", "input"),
    check=_check_sorter,
)  # fmt: skip
def searchsorted(
    sorted_sequence: Array,
    input: Array,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Array | None = None,
) -> Array:
    """Where each value would be inserted to keep the last dim sorted.

    ``(*, N), (*, M) -> (*, M)``
    """
    _check_sequence("searchsorted", sorted_sequence, input, side, right)
    if sorter is not None:
        check(
            sorter.shape == sorted_sequence.shape,
            "torch.searchsorted(): boundary and sorter must have the same size, but got boundary "
            "tensor "
            f"{shape_text(sorted_sequence.shape)}and got sorter tensor {shape_text(sorter.shape)}",
        )
        check(
            kind(sorter).name == "int64",
            "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype "
            f"{type_name(sorter)}",
        )
        sorted_sequence = jnp.take_along_axis(sorted_sequence, sorter, axis=-1)
    found = _insertion_point(sorted_sequence, input, right or side == "right")
    return found.astype(np.int32 if out_int32 else np.int64)


@op(out=True, method=False, nondiff=True, promote="default")
def bucketize(
    input: Array, boundaries: Array, *, out_int32: bool = False, right: bool = False
) -> Array:
    """Which interval of ``boundaries`` each value is in.  ``(*), (N) -> (*)``"""
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    _check_sequence("searchsorted", boundaries, input, None, right)
    found = _insertion_point(boundaries, input, right)
    return found.astype(np.int32 if out_int32 else np.int64)
