"""gather, the scatter family and index_reduce: one index per element.

All of them work on the flattened tensor: the place of an element is its index along ``dim`` plus
the offset of its other coordinates, so that XLA gathers and scatters along a single dim.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
from jax import lax, numpy as jnp

from ..core.errors import shape_text, warn_once
from ..core.registry import Array, Scalar, op
from ..core.shapes import broadcast_two, contiguous_strides, normal_dim
from .call_arguments import named_arguments
from .elementwise import type_name
from .indexing import (
    BOUNDS,
    IN_BOUNDS,
    accumulate,
    dim_check,
    first_outside,
    overwrite,
    vector,
)  # fmt: skip
from .value_ranges import check_number


def _integers(name: str, index: Array) -> None:
    if index.size and index.dtype not in (jnp.int64, jnp.int32):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")


def flat_places(shape: Sequence[int], dim: int, index: Array) -> Array:
    """Where each index points in the flattened tensor.  ``(I) -> (I.size)``"""
    places = jnp.zeros(index.shape, jnp.int64)
    for d, step in enumerate(contiguous_strides(shape)):
        coordinate = (
            index.astype(jnp.int64) if d == dim else lax.broadcasted_iota(jnp.int64, index.shape, d)
        )
        places = places + coordinate * step
    return lax.reshape(places, (index.size,))


def _flat(x: Array) -> Array:
    return lax.reshape(x, (x.size,))


def _same_ndim(input: Any, index: Any, what: str) -> None:
    if math.prod(index.shape) and max(index.ndim, 1) != max(input.ndim, 1):
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {what} tensor")


# ---------------------------------------------------------------------------- gather


def _check_gather(args: dict[str, Any]) -> None:
    """The shapes, which PyTorch looks at before the indices; then those."""
    input, index = args["input"], args["index"]
    at = normal_dim(args["dim"], input.ndim)
    if math.prod(index.shape):
        _same_ndim(input, index, "input")
        _check_sizes(input.shape, at, index.shape)
    _in_bounds(args)


_in_bounds = dim_check("gather", RuntimeError, BOUNDS, per_element=True)


def _check_sizes(shape: Sequence[int], at: int, sizes: Sequence[int]) -> None:
    for d, (n, m) in enumerate(zip(sizes, shape, strict=False)):
        if d != at and n > m:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {shape_text(sizes)} to be no "
                f"larger than self {shape_text(shape)} apart from dimension {at}"
            )


def _elements_if_sparse(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, Any, Any]:
    return "gather_elements" if kwargs.get("sparse_grad") else "gather", args, kwargs


@op(
    out=True, check=_check_gather, saves="none",
    resolve=_elements_if_sparse,
)  # fmt: skip
def gather(input: Array, dim: int, index: Array, *, sparse_grad: bool = False) -> Array:
    """``out[i][j] = input[index[i][j]][j]`` for dim 0.  ``(*), (I) -> (I)``

    Raises:
        RuntimeError: an index is out of range, or ``index`` is larger than ``input`` elsewhere.
    """
    at = normal_dim(dim, input.ndim)
    _integers("gather", index)
    if index.size == 0:
        return jnp.zeros(index.shape, input.dtype)
    _same_ndim(input, index, "input")
    _check_sizes(input.shape, at, index.shape)
    return _gathered(input, at, index)


def _gathered(x: Array, dim: int, index: Array) -> Array:
    shape = x.shape or (1,)
    places = flat_places(shape[: index.ndim] if index.ndim else (), dim, index)
    return lax.reshape(_flat(x).at[places].get(mode=IN_BOUNDS), index.shape)


def _check_along(args: dict[str, Any]) -> None:
    if args["dim"] is None:
        size = 1
        for n in args["input"].shape:
            size *= n
        value = first_outside(args["indices"], -size, size)
        if value is not None:
            raise RuntimeError(f"index {value} is out of bounds for dimension 0 with size {size}")


@op(out=True, check=_check_along, grad_name="GatherBackward0", saves="none")
def take_along_dim(input: Array, indices: Array, dim: int | None = None) -> Array:
    """``gather`` with the other dims broadcast; without a dim, ``take``.

    ``(n, *), (k, *) -> (k, *)``
    """
    _integers("gather", indices)
    if dim is None:
        flat = _flat(indices)
        return _flat(input).at[jnp.where(flat < 0, flat + input.size, flat)].get(mode=IN_BOUNDS)
    if input.ndim != indices.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, "
            "but got "
            f"{input.ndim} dimensions for input, and {indices.ndim} dimensions for indices"
        )
    at = normal_dim(dim, input.ndim)
    shape = list(input.shape)
    picked = list(indices.shape)
    if input.ndim:
        picked[at] = shape[at]
    common = broadcast_two(tuple(shape), tuple(picked))
    full = (*common[:at], indices.shape[at], *common[at + 1 :]) if input.ndim else ()
    # PyTorch wraps indices along a dim instead of refusing them.
    size = input.shape[at] if input.ndim else 1
    wrapped = jnp.broadcast_to(indices, full) % max(size, 1)
    return _gathered(jnp.broadcast_to(input, common), at, wrapped)


# ---------------------------------------------------------------------------- scatter


def _scatter_places(
    input: Array, dim: int, index: Array, src: Array | None, name: str
) -> tuple[Array, Array | None]:
    """Flat places and the part of ``src`` that goes there."""
    at = normal_dim(dim, input.ndim)
    _integers(name, index)
    if src is not None and src.dtype != input.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if index.size == 0:
        empty = jnp.zeros((0,), jnp.int64)
        return empty, None if src is None else jnp.zeros((0,), input.dtype)
    _same_ndim(input, index, "self")
    if src is not None and max(src.ndim, 1) != max(index.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    shape, sizes = input.shape or (1,), index.shape or (1,)
    from_ = None if src is None else src.shape or (1,)
    too_large = any(n > m for d, (n, m) in enumerate(zip(sizes, shape, strict=True)) if d != at)
    if too_large or (from_ is not None and any(n > m for n, m in zip(sizes, from_, strict=True))):
        tail = "" if src is None else f" and to be no larger size than src {shape_text(src.shape)}"
        raise RuntimeError(
            f"Expected index {shape_text(index.shape)} to be no larger than self "
            f"{shape_text(input.shape)} apart from dimension {at}{tail}"
        )
    places = flat_places(shape, at, lax.reshape(index, sizes))
    if src is None or from_ is None:
        return places, None
    part = lax.slice(lax.reshape(src, from_), (0,) * len(sizes), sizes)
    return places, _flat(part)


def _scatter_overload(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    input, dim, index, src, reduce = named_arguments(
        args, kwargs, "input", "dim", "index", "src|value", "reduce"
    )
    if not hasattr(src, "dtype"):
        if reduce is not None:
            return "scatter_value_reduce", (input, dim, index, src, reduce), {}
        return "scatter_value", (input, dim, index, src), {}
    if reduce is not None:
        warn_once(
            "The reduce argument of torch.scatter with Tensor src is deprecated and will be "
            "removed in a "
            "future PyTorch release. Use torch.scatter_reduce instead for more reduction options."
        )
        return "scatter_src_reduce", (input, dim, index, src, reduce), {}
    return "scatter", (input, dim, index, src), {}


_scattered_in_bounds = dim_check("scatter", RuntimeError, BOUNDS, per_element=True)


def _check_scatter(args: dict[str, Any]) -> None:
    """How many dims there are, which PyTorch looks at before the indices; then those."""
    src = args.get("src")
    _same_ndim(args["input"], args["index"], "self")
    if src is not None and hasattr(src, "ndim") and max(src.ndim, 1) != max(args["index"].ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    _scattered_in_bounds(args)


@op(inplace=True, out=True, resolve=_scatter_overload, check=_check_scatter, saves="none")
def scatter(input: Array, dim: int, index: Array, src: Array) -> Array:
    """A copy with ``out[index[i][j]][j] = src[i][j]`` for dim 0.  ``(*), (I), (I) -> (*)``

    Raises:
        RuntimeError: an index is out of range, or the sizes do not fit.
    """
    places, part = _scatter_places(input, dim, index, src, "scatter")
    new = overwrite(_flat(input), (places,), part)  # type: ignore[arg-type]
    return lax.reshape(new, input.shape)


def _check_value(args: dict[str, Any]) -> None:
    check_number(args["value"], args["input"].dtype)
    _check_scatter(args)


@op(
    name="scatter", namespaces=(), method=False, check=_check_value, grad_name="ScatterBackward1",
    saves="none",
)  # fmt: skip
def scatter_value(input: Array, dim: int, index: Array, value: Scalar) -> Array:
    """A copy with one value at the places of the index.  ``(*), (I), () -> (*)``"""
    places, _ = _scatter_places(input, dim, index, None, "scatter")
    filler = jnp.broadcast_to(value.astype(input.dtype), places.shape)
    return lax.reshape(overwrite(_flat(input), (places,), filler), input.shape)


def _combined(input: Array, places: Array, part: Array, reduce: str) -> Array:
    if reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    flat = _flat(input)
    if reduce == "add":
        new = accumulate(flat, (places,), part)
    elif input.dtype == jnp.bool_:
        new = flat.at[places].min(part, mode=IN_BOUNDS)
    else:
        new = flat.at[places].multiply(part, mode=IN_BOUNDS)
    return lax.reshape(new, input.shape)


@op(name="scatter", namespaces=(), method=False, check=_check_scatter, nondiff=True)
def scatter_src_reduce(input: Array, dim: int, index: Array, src: Array, reduce: str) -> Array:
    """``scatter`` that adds or multiplies.  ``(*), (I), (I) -> (*)``"""
    places, part = _scatter_places(input, dim, index, src, "scatter")
    return _combined(input, places, part, reduce)  # type: ignore[arg-type]


@op(name="scatter", namespaces=(), method=False, check=_check_value, nondiff=True)
def scatter_value_reduce(input: Array, dim: int, index: Array, value: Scalar, reduce: str) -> Array:
    """``scatter`` of a number that adds or multiplies.  ``(*), (I), () -> (*)``"""
    places, _ = _scatter_places(input, dim, index, None, "scatter")
    return _combined(
        input, places, jnp.broadcast_to(value.astype(input.dtype), places.shape), reduce
    )


@op(inplace=True, out=True, check=_check_scatter, saves="none")
def scatter_add(input: Array, dim: int, index: Array, src: Array) -> Array:
    """A copy with ``out[index[i][j]][j] += src[i][j]`` for dim 0.  ``(*), (I), (I) -> (*)``"""
    places, part = _scatter_places(input, dim, index, src, "scatter")
    new = accumulate(_flat(input), (places,), part)  # type: ignore[arg-type]
    return lax.reshape(new, input.shape)


def _reduce_keeps(args: dict[str, Any]) -> tuple[str, ...] | None:
    return () if args["reduce"] in ("amax", "amin") else None


@op(inplace=True, out=True, check=_check_scatter, keeps=_reduce_keeps)
def scatter_reduce(
    input: Array, dim: int, index: Array, src: Array, reduce: str, *, include_self: bool = True
) -> Array:
    """A copy with ``src`` reduced into the places of the index: sum, prod, mean, amax, amin.
    ``(*), (I), (I) -> (*)``"""
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    places, part = _scatter_places(input, dim, index, src, "scatter")
    new = reduced_into(_flat(input), part, places, reduce, include_self)  # type: ignore[arg-type]
    return lax.reshape(new, input.shape)


def _warn_beta(args: dict[str, Any]) -> None:
    warn_once("index_reduce() is in beta and the API may change at any time.")
    dim_check("index_reduce", IndexError, "index out of range in self")(args)


@op(inplace=True, out=True, check=_warn_beta, keeps=_reduce_keeps)
def index_reduce(
    input: Array, dim: int, index: Array, source: Array, reduce: str, *, include_self: bool = True
) -> Array:
    """A copy with ``source`` reduced into ``index``: prod, mean, amax, amin.

    ``(n, *), (k), (k, *) -> (n, *)``
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
            f"{reduce}."
        )
    if source.dtype != input.dtype:
        raise RuntimeError(
            f"index_reduce_(): self ({type_name(input)}) and source ({type_name(source)}) must "
            "have the "
            "same scalar type"
        )
    at = normal_dim(dim, input.ndim)
    rows = vector(index, "index_reduce_()")
    have = source.shape[at] if source.ndim else 1
    if rows.size != have:
        raise RuntimeError(
            f"index_reduce_(): Number of indices ({rows.size}) should be equal to "
            "source.size(dim): "
            f"({have}), for dim: {at}"
        )
    shape, sizes = input.shape or (1,), source.shape or (1,)
    if sizes[:at] + sizes[at + 1 :] != shape[:at] + shape[at + 1 :]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            "Got "
            f"self.shape = {shape_text(input.shape)} source.shape = {shape_text(source.shape)}"
        )
    places = flat_places(shape, at, lax.broadcast_in_dim(rows, sizes, (at,)))
    new = reduced_into(_flat(input), _flat(source), places, reduce, include_self)
    return lax.reshape(new, input.shape)


# ---------------------------------------------------------------------------- reductions by place


def _identity(reduce: str, of: Any) -> Any:
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if jnp.issubdtype(of, jnp.floating):
        return -jnp.inf if reduce == "amax" else jnp.inf
    info = jnp.iinfo(of)
    return info.min if reduce == "amax" else info.max


def _without(x: Array, places: Array, filler: Any) -> Array:
    """``x`` with ``filler`` at the places."""
    return x.at[places].set(jnp.asarray(filler, x.dtype), mode=IN_BOUNDS)


def _counts(x: Array, places: Array, include_self: bool, of: Any) -> Array:
    """How many values each element of the result is made of, at least 1."""
    start = jnp.ones(x.shape, of) if include_self else jnp.zeros(x.shape, of)
    found = start.at[places].add(jnp.ones((), of), mode=IN_BOUNDS)
    return jnp.where(found == 0, jnp.ones_like(found), found)


@functools.partial(jax.custom_jvp, nondiff_argnums=(3, 4))
def reduced_into(x: Array, src: Array, places: Array, reduce: str, include_self: bool) -> Array:
    """``x`` with each ``src`` reduced into its place; ``include_self``: x's own values too."""
    if x.dtype == jnp.bool_:
        kind = "amin" if reduce in ("prod", "amin") else "amax"
        small = reduced_into(x.astype(jnp.uint8), src.astype(jnp.uint8), places, kind, include_self)
        return small.astype(jnp.bool_)
    start = x if include_self else _without(x, places, _identity(reduce, x.dtype))
    at = start.at[places]
    if reduce in ("sum", "mean"):
        total = at.add(src, mode=IN_BOUNDS)
        if reduce == "sum":
            return total
        integral = jnp.issubdtype(x.dtype, jnp.integer)
        counts = _counts(x, places, include_self, x.dtype)
        return jnp.floor_divide(total, counts) if integral else total / counts
    if reduce == "prod":
        return at.multiply(src, mode=IN_BOUNDS)
    return (at.max if reduce == "amax" else at.min)(src, mode=IN_BOUNDS)


@reduced_into.defjvp
def _reduced_into_jvp(reduce: str, include_self: bool, primals: Any, tangents: Any) -> Any:
    """PyTorch's gradients: ties of amax and amin share, zeros of prod are exact."""
    x, src, places = primals
    dx, dsrc = tangents[:2]
    out = reduced_into(x, src, places, reduce, include_self)
    if not include_self:
        dx = dx * _without(jnp.ones_like(dx), places, 0)
    if reduce == "sum":
        return out, dx.at[places].add(dsrc, mode=IN_BOUNDS)
    if reduce == "mean":
        counts = _counts(x, places, include_self, x.dtype)
        return out, dx.at[places].add(dsrc, mode=IN_BOUNDS) / counts
    if reduce == "prod":
        return out, _prod_tangent(x, src, places, include_self, out, dx, dsrc)
    own = x == out
    theirs = src == _at(out, places)
    shares = own.astype(x.dtype).at[places].add(theirs.astype(x.dtype), mode=IN_BOUNDS)
    shares = jnp.where(shares == 0, jnp.ones_like(shares), shares)
    moved = jnp.where(own, dx, jnp.zeros_like(dx))
    moved = moved.at[places].add(jnp.where(theirs, dsrc, jnp.zeros_like(dsrc)), mode=IN_BOUNDS)
    return out, moved / shares


def _at(x: Array, places: Array) -> Array:
    return x.at[places].get(mode=IN_BOUNDS)


def _prod_tangent(
    x: Array, src: Array, places: Array, include_self: bool, out: Array, dx: Array, dsrc: Array
) -> Array:
    one = jnp.ones_like
    solid = jnp.where(x == 0, one(x), x)
    mine = dx * reduced_into(solid, src, places, "prod", include_self) / solid
    zero = src == 0
    zeros = jnp.zeros(x.shape, x.dtype).at[places].add(zero.astype(x.dtype), mode=IN_BOUNDS)
    single = zero & (_at(zeros, places) == 1)
    rest = reduced_into(x, jnp.where(single, one(src), src), places, "prod", include_self)
    factor = jnp.where(single, _at(rest, places), _at(out, places) / jnp.where(zero, one(src), src))
    return mine.at[places].add(factor * dsrc, mode=IN_BOUNDS)
