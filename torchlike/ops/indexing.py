"""Reading and writing by index, along one dim or over all: index_put, index_select, take, put.

Index values are checked on the host, where PyTorch raises and XLA would clamp or drop.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax import lax, numpy as jnp

from ..core.dtypes import TYPE_NAMES, from_np
from ..core.errors import shape_text
from ..core.registry import Array, Operand, Scalar, op
from ..core.shapes import normal_dim
from .call_arguments import named_arguments
from .elementwise import type_name
from .value_ranges import check_number

Where = tuple[Any, ...]
IN_BOUNDS = "promise_in_bounds"


# ---------------------------------------------------------------------------- gradients of writing


def overwrite(x: Array, where: Where, y: Array) -> Array:
    """``x`` with ``x[where] = y``.

    Where positions repeat, the gradient of each writer is the whole gradient there, as PyTorch's.
    """
    arrays = tuple(w for w in where if not isinstance(w, slice))
    slots = tuple(w if isinstance(w, slice) else None for w in where)
    return _overwrite(_Slots(slots), x, y, *arrays)


class _Slots:
    """Slices between index arrays, hashable."""

    def __init__(self, slots: Where) -> None:
        self.slots = slots
        self.key = tuple(None if s is None else (s.start, s.stop, s.step) for s in slots)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Slots) and self.key == other.key

    def filled(self, arrays: Sequence[Array]) -> Where:
        each = iter(arrays)
        return tuple(next(each) if s is None else s for s in self.slots)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _overwrite(slots: _Slots, x: Array, y: Array, *arrays: Array) -> Array:
    return x.at[slots.filled(arrays)].set(y, mode=IN_BOUNDS)


@_overwrite.defjvp
def _overwrite_jvp(slots: _Slots, primals: Any, tangents: Any) -> Any:
    x, y, *arrays = primals
    dx, dy = tangents[:2]
    where = slots.filled(arrays)
    kept = jnp.ones(x.shape, jnp.bool_).at[where].set(False, mode=IN_BOUNDS)
    moved = jnp.zeros_like(dx).at[where].add(dy, mode=IN_BOUNDS)
    return _overwrite(slots, x, y, *arrays), jnp.where(kept, dx, jnp.zeros_like(dx)) + moved


def accumulate(x: Array, where: Where, y: Array) -> Array:
    """``x`` with ``y`` added at ``where``; for bools, or-ed."""
    if x.dtype == jnp.bool_:
        return x.at[where].max(y, mode=IN_BOUNDS)
    return x.at[where].add(y, mode=IN_BOUNDS)


def along(dim: int, index: Array) -> Where:
    """Where ``index`` picks from a dim, whole slices elsewhere."""
    return (*(slice(None),) * dim, index)


# ---------------------------------------------------------------------------- checks


def first_outside(index: Operand, low: int, high: int) -> int | None:
    """The first value not in [low, high), which waits for the index's numbers."""
    if index.dtype.is_floating_point or index.dtype.name in ("bool", "uint8"):
        return None
    values = index.numpy()
    if values.size == 0 or (low <= values.min() and values.max() < high):
        return None
    outside = values[(values < low) | (values >= high)]
    return int(outside.flat[0])


def _out_of_bounds(value: int, dim: int, size: int) -> str:
    return f"index {value} is out of bounds for dimension {dim} with size {size}"


def _span(x: Operand, dim: int) -> tuple[int, int]:
    at = normal_dim(dim, x.ndim)
    return at, x.shape[at] if x.ndim else 1


def _shapes_fit(args: dict[str, Any], dim: int, per_element: bool) -> bool:
    index, source = args["index"], args.get("source")
    if source is not None:
        return index.ndim < 2 and math.prod(index.shape) == (
            source.shape[dim] if source.ndim else 1
        )
    return not per_element or max(index.ndim, 1) == max(args["input"].ndim, 1)


def dim_check(
    name: str,
    kind: type[Exception],
    message: str,
    negative: bool = False,
    per_element: bool = False,
) -> Any:
    """A check of ``index`` along ``dim``; the message may use value, dim and size.

    ``per_element``: the index has the tensor's dims, else it is a vector.
    """

    def check(args: dict[str, Any]) -> None:
        dim, size = _span(args["input"], args["dim"])
        if not _shapes_fit(args, dim, per_element):
            return  # the op says what is wrong
        value = first_outside(args["index"], -size if negative else 0, size)
        if value is not None:
            raise kind(message.format(value=value, dim=dim, size=size))

    check.__name__ = f"check_{name}"
    return check


BOUNDS = "index {value} is out of bounds for dimension {dim} with size {size}"


# ---------------------------------------------------------------------------- index


def _where(input: Array, indices: Sequence[Array | None]) -> Where:
    if len(indices) > input.ndim:
        raise IndexError(
            f"too many indices for tensor of dimension {input.ndim} (got {len(indices)})"
        )
    arrays = [i for i in indices if i is not None]
    for i in arrays:
        if i.dtype not in (jnp.int64, jnp.int32):
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    try:
        np.broadcast_shapes(*(i.shape for i in arrays))
    except ValueError:
        raise IndexError(
            "shape mismatch: indexing tensors could not be broadcast together with shapes "
            + ", ".join(shape_text(i.shape) for i in arrays)
        ) from None
    return tuple(slice(None) if i is None else i for i in indices)


def _check_index(args: dict[str, Any]) -> None:
    x = args["input"]
    picks = [(d, i) for d, i in enumerate(args["indices"] or ()) if i is not None and d < x.ndim]
    if any(0 in i.shape for _, i in picks):
        return  # nothing is read
    if any(x.shape[d] == 0 for d, _ in picks):
        raise IndexError("index is out of bounds for dimension with size 0")
    if 0 in x.shape:
        return
    for dim, index in picks:
        size = x.shape[dim]
        value = first_outside(index, -size, size)
        if value is not None:
            raise IndexError(_out_of_bounds(value, dim, size))


def unmasked(shape: Sequence[int], indices: Sequence[Any]) -> list[Any]:
    """Index tensors with each mask replaced by the positions where it is true.

    Raises:
        IndexError: a mask's shape is not that of the dims it stands for.
    """
    found: list[Any] = []
    for index in indices:
        if index is None or index.dtype.name not in ("bool", "uint8"):
            found.append(index)
            continue
        at = len(found)
        for d, n in enumerate(index.shape):
            if at + d >= len(shape):
                raise IndexError(
                    f"too many indices for tensor of dimension {len(shape)} (got {at + index.ndim})"
                )
            if shape[at + d] != n:
                raise IndexError(
                    f"The shape of the mask {shape_text(index.shape)} at index {d} does not match "
                    "the "
                    f"shape of the indexed tensor {shape_text(shape)} at index {at + d}"
                )
        found.extend(index.nonzero(as_tuple=True))
    return found


@op(namespaces=(), method=False, check=_check_index, saves="none")
def index(input: Array, indices: Sequence[Array | None]) -> Array:
    """``input[indices]`` with integer tensors, None where a dim stays whole.

    ``(n, *), (I) -> (I, *)``

    Raises:
        IndexError: an index is out of range.
    """
    where = _where(input, indices)
    if all(isinstance(w, slice) for w in where):
        return input
    return input.at[where].get(mode=IN_BOUNDS)


def _put_overload(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, indices, values, accumulate = named_arguments(
        args, kwargs, "input", "indices", "values", "accumulate"
    )
    return "index_put", (x, unmasked(tuple(x.shape), indices), values, bool(accumulate)), {}


@op(inplace=True, resolve=_put_overload, check=_check_index, saves="none")
def index_put(
    input: Array, indices: Sequence[Array | None], values: Array, accumulate: bool = False
) -> Array:
    """A copy with ``input[indices] = values``, or ``+=``.  ``(n, *), (I), (I, *) -> (n, *)``

    Raises:
        IndexError: an index is out of range.
        RuntimeError: dtypes differ, or ``values`` cannot be broadcast.
    """
    if values.dtype != input.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{TYPE_NAMES[from_np(input.dtype).name]} for the destination and "
            f"{TYPE_NAMES[from_np(values.dtype).name]} for the source."
        )
    where = _where(input, indices)
    shape = jax.eval_shape(lambda x: x.at[where].get(mode=IN_BOUNDS), input).shape
    spare = values.ndim - len(shape)
    if spare > 0 and all(n == 1 for n in values.shape[:spare]):
        values = lax.reshape(values, values.shape[spare:])
    try:
        values = jnp.broadcast_to(values, shape)
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {shape_text(values.shape)} cannot be broadcast "
            "to "
            f"indexing result of shape {shape_text(shape)}"
        ) from None
    return (_add_all if accumulate else overwrite)(input, where, values)


def _add_all(x: Array, where: Where, y: Array) -> Array:
    return accumulate(x, where, y)


# ---------------------------------------------------------------------------- along one dim


def vector(index: Array, name: str) -> Array:
    """The index as one dim; 0-d counts as one element."""
    if index.ndim > 1:
        raise IndexError(f"{name}: Index is supposed to be a vector")
    return lax.reshape(index, (index.size,))


def _rows(x: Array) -> Array:
    """A 0-d tensor as a vector of one."""
    return lax.reshape(x, (1,)) if x.ndim == 0 else x


@op(
    out=True, saves="none",
    check=dim_check("index_select", IndexError, "index out of range in self"),
)  # fmt: skip
def index_select(input: Array, dim: int, index: Array) -> Array:
    """``input[..., index, ...]`` along a dim.  ``(n, *), (k) -> (k, *)``"""
    at = normal_dim(dim, input.ndim)
    if index.dtype not in (jnp.int64, jnp.int32):
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    places = vector(index, "index_select()")
    if input.ndim == 0:
        if places.size != 1:
            raise RuntimeError(
                f"index_select(): Index to scalar can have only 1 value, got {places.size} value(s)"
            )
        return input
    return input.at[along(at, places)].get(mode=IN_BOUNDS)


def _check_source(input: Array, at: int, index: Array, source: Array) -> None:
    rest = input.shape[:at] + input.shape[at + 1 :]
    if source.ndim and input.ndim and source.shape[:at] + source.shape[at + 1 :] != rest:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            "Got "
            f"self.shape = {shape_text(input.shape)} source.shape = {shape_text(source.shape)}"
        )


@op(inplace=True, out=True, check=dim_check("index_add", RuntimeError, BOUNDS), saves="none")
def index_add(input: Array, dim: int, index: Array, source: Array, *, alpha: Scalar = 1) -> Array:
    """A copy with ``alpha · source`` added at ``index``.  ``(n, *), (k), (k, *) -> (n, *)``"""
    at = normal_dim(dim, input.ndim)
    if index.dtype not in (jnp.int64, jnp.int32):
        raise RuntimeError(
            f"index_add_(): Expected dtype int32/int64 for index but got: {type_name(index)}"
        )
    if source.dtype != input.dtype:
        raise RuntimeError(
            f"index_add_(): self ({type_name(input)}) and source ({type_name(source)}) must have "
            "the same "
            "scalar type"
        )
    places = vector(index, "index_add_()")
    have = source.shape[at] if source.ndim else 1
    if places.size != have:
        raise RuntimeError(
            f"index_add_(): Number of indices ({places.size}) should be equal to source.size(dim): "
            f"({have}), for dim: {at}"
        )
    _check_source(input, at, index, source)
    if alpha.dtype == jnp.complex128 and not jnp.iscomplexobj(input):
        raise RuntimeError("value cannot be converted to type float without overflow")
    scaled = _rows(source) * alpha.astype(input.dtype)
    return lax.reshape(accumulate(_rows(input), along(at, places), scaled), input.shape)


@op(
    inplace=True, out=True, saves="none",
    check=dim_check("index_copy", IndexError, f"index_copy_(): {BOUNDS}"),
)  # fmt: skip
def index_copy(input: Array, dim: int, index: Array, source: Array) -> Array:
    """A copy with ``source`` at ``index``.  ``(n, *), (k), (k, *) -> (n, *)``"""
    at = normal_dim(dim, input.ndim)
    if index.dtype != jnp.int64:
        raise RuntimeError(
            f"index_copy_(): Expected a long tensor for index, but got {type_name(index)}"
        )
    if source.dtype != input.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{type_name(input)} and (source) {type_name(source)}"
        )
    places = vector(index, "index_copy_()")
    have = source.shape[at] if source.ndim else 1
    if source.ndim == 0 and places.size != 1:
        raise IndexError(
            "index_copy_(): When source is scalar, index should have one element (got "
            f"{places.size})"
        )
    if source.ndim and input.ndim and source.ndim != input.ndim:
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must "
            "match. "
            f"Source dimensionality ({source.ndim}), destination dimensionality ({input.ndim})"
        )
    if places.size != have:
        raise IndexError(
            f"index_copy_(): Number of indices ({places.size}) should be equal to source.size(dim) "
            f"({have})"
        )
    rest = input.shape[:at] + input.shape[at + 1 :]
    theirs = source.shape[:at] + source.shape[at + 1 :]
    if source.ndim and input.ndim and rest != theirs:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination "
            "slice shape: "
            f"{' '.join(map(str, rest))} at dimension {at} and source slice shape: "
            f"{' '.join(map(str, theirs))} at dimension {at}."
        )
    new = overwrite(_rows(input), along(at, places), _rows(source))
    return lax.reshape(new, input.shape)


def _check_index_fill(args: dict[str, Any]) -> None:
    check_number(
        args["value"],
        args["input"].dtype,
        "index_fill_(): Converting complex Scalar to non-complex type is not supported",
    )
    dim_check("index_fill", IndexError, BOUNDS, negative=True)(args)


def _number_or_tensor(name: str, number: int) -> Any:
    """PyTorch counts the overload with a number and the one with a tensor."""

    def named(seen: dict[str, Any]) -> str:
        return f"{name}Backward{number if isinstance(seen['value'], type) else number + 1}"

    return named


@op(
    inplace=True, check=_check_index_fill, grad_name=_number_or_tensor("IndexFill", 0), saves="none"
)  # fmt: skip
def index_fill(input: Array, dim: int, index: Array, value: Scalar) -> Array:
    """A copy with ``value`` at ``index`` along a dim.  ``(n, *), (k), () -> (n, *)``"""
    at = normal_dim(dim, input.ndim)
    if index.dtype != jnp.int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if index.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    if value.ndim:
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.ndim} dimension(s)."
        )
    x = _rows(input)
    places = lax.reshape(index, (index.size,))
    hit = jnp.zeros(x.shape[at], jnp.bool_).at[places].set(True, mode=IN_BOUNDS)
    mask = lax.broadcast_in_dim(hit, x.shape, (at,))
    return lax.reshape(jnp.where(mask, _to(value, input.dtype), x), input.shape)


def _to(x: Array, of: Any) -> Array:
    if jnp.iscomplexobj(x) and not jnp.issubdtype(of, jnp.complexfloating):
        x = lax.real(x)
    return x.astype(of)


# ---------------------------------------------------------------------------- over all elements


def _check_flat(args: dict[str, Any]) -> None:
    x, size = args["input"], 1
    for n in x.shape:
        size *= n
    if size == 0 and 0 not in args["index"].shape:
        raise IndexError("take(): tried to take from an empty tensor")
    value = first_outside(args["index"], -size, size)
    if value is not None:
        raise IndexError(
            f"out of range: tried to access index {value} on a tensor of {size} elements."
        )


@op(out=True, check=_check_flat, saves="none")
def take(input: Array, index: Array) -> Array:
    """Elements by their place in the flattened input.  ``(*), (I) -> (I)``"""
    if index.dtype != jnp.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {type_name(index)}")
    if input.size == 0:
        return jnp.zeros(index.shape, input.dtype)
    return lax.reshape(input, (input.size,)).at[index].get(mode=IN_BOUNDS)


@op(inplace=True, check=_check_flat, saves="none")
def put(input: Array, index: Array, source: Array, accumulate: bool = False) -> Array:
    """A copy with ``source`` at places of the flattened input.  ``(*), (I), (I) -> (*)``"""
    if index.dtype != jnp.int64:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {type_name(index)}")
    if source.dtype != input.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{type_name(input)} and source.dtype = {type_name(source)}"
        )
    if source.size != index.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"source.numel() = {source.size}, index.numel() = {index.size}"
        )
    flat = lax.reshape(input, (input.size,))
    places, values = lax.reshape(index, (index.size,)), lax.reshape(source, (source.size,))
    new = (_add_all if accumulate else overwrite)(flat, (places,), values)
    return lax.reshape(new, input.shape)
