"""Views that regroup, reorder or stretch dims: view, permute, squeeze, expand and their kin.

A view op is two functions: the op on values, which lowers to reshape, transpose or broadcast,
and its layout, which says where the result's elements lie in the storage it shares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jax import lax, numpy as jnp

from ..core.dtypes import dtype
from ..core.errors import shape_text
from ..core.registry import Array, op, view as declare_view
from ..core.shapes import contiguous_strides, inferred_size, normal_dim, normal_dims
from .call_arguments import named_arguments

Ints = tuple[int, ...]
Layout = tuple[Ints, Ints, int]


def viewed_strides(shape: Ints, strides: Ints, new: Ints) -> Ints | None:
    """Strides of the same storage seen with the shape ``new``; None where it needs a copy."""
    if math.prod(shape) == 0:
        return strides if shape == new else contiguous_strides(new)
    if not shape:
        return (1,) * len(new)
    found = [0] * len(new)
    at = len(new) - 1
    base, run, filled = strides[-1], 1, 1
    for d in reversed(range(len(shape))):
        run *= shape[d]
        if d > 0 and (shape[d - 1] == 1 or strides[d - 1] == run * base):
            continue
        while at >= 0 and (filled < run or new[at] == 1):
            found[at] = filled * base
            filled *= new[at]
            at -= 1
        if filled != run:
            return None
        if d > 0:
            base, run, filled = strides[d - 1], 1, 1
    return tuple(found) if at == -1 else None


def is_viewable(shape: Ints, strides: Ints, new: Ints) -> bool:
    """Whether ``view(new)`` is possible without a copy."""
    return viewed_strides(shape, strides, new) is not None


# ---------------------------------------------------------------------------- view, reshape


def _view_layout(
    shape: Ints, strides: Ints, offset: int, size: Sequence[int], dtype: dtype | None = None
) -> Layout:
    new = inferred_size(tuple(size), math.prod(shape))
    found = viewed_strides(shape, strides, new)
    if found is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            "dimension "
            "spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    return new, found, offset


def _view_overload(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    of = kwargs.get("dtype")
    if of is None and len(args) == 2 and isinstance(args[1], dtype):
        of = args[1]
    if of is not None:
        return "view_dtype", (args[0], of, args[0].dtype), {}
    return "view", args, kwargs


@declare_view(
    _view_layout, namespaces=(), varargs="size", resolve=_view_overload,
    grad_name="ViewBackward0", saves="none",
)  # fmt: skip
def view(input: Array, size: Ints, *, dtype: dtype | None = None) -> Array:
    """The same storage with another shape, or read as another dtype.  ``(*) -> size``

    Raises:
        RuntimeError: the strides do not allow it, or the sizes do not multiply to the same count.
    """
    return lax.reshape(input, inferred_size(tuple(size), input.size))


def _reshape_layout(shape: Ints, strides: Ints, offset: int, new: Sequence[int]) -> Layout | None:
    full = inferred_size(tuple(new), math.prod(shape))
    found = viewed_strides(shape, strides, full)
    return None if found is None else (full, found, offset)


@declare_view(_reshape_layout, varargs="shape", grad_name="ViewBackward0", saves="none")
def reshape(input: Array, shape: Ints) -> Array:
    """The elements in another shape: a view if the strides allow it, else a copy.

    ``(*) -> shape``
    """
    return lax.reshape(input, inferred_size(tuple(shape), input.size))


def _like_other(key: str) -> Any:
    def resolve(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        source, other = named_arguments(args, kwargs, "input", "other")
        return key, (source, tuple(other.shape)), {}

    return resolve


@op(namespaces=(), resolve=_like_other("view"))
def view_as(input: Array, other: Array) -> Array:
    """``view(other.shape)``.  ``(*), (S) -> (S)``"""
    return view(input, other.shape)


@op(namespaces=(), resolve=_like_other("reshape"))
def reshape_as(input: Array, other: Array) -> Array:
    """``reshape(other.shape)``.  ``(*), (S) -> (S)``"""
    return reshape(input, other.shape)


def _flattened(shape: Ints, start: int, end: int) -> Ints:
    if not shape:
        normal_dim(start, 0)
        normal_dim(end, 0)
        return (1,)
    first, last = normal_dim(start, len(shape)), normal_dim(end, len(shape))
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    return (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])


def _flatten_layout(shape: Ints, strides: Ints, offset: int, start: int, end: int) -> Layout | None:
    return _reshape_layout(shape, strides, offset, _flattened(shape, start, end))


def _one_dim(invoke: Any, args: dict[str, Any]) -> Any:
    x = args["input"]
    first, last = (normal_dim(args[name], x.ndim) for name in ("start_dim", "end_dim"))
    return x if x.ndim and first == last else NotImplemented


@declare_view(_flatten_layout, grad_name="ViewBackward0", saves="none", composed=_one_dim)
def flatten(input: Array, start_dim: int = 0, end_dim: int = -1) -> Array:
    """Dims start_dim … end_dim joined to one; itself if they are one.  ``(A, b, c, D) -> (A, b·c, D)``"""
    return lax.reshape(input, _flattened(input.shape, start_dim, end_dim))


def _ravel_layout(shape: Ints, strides: Ints, offset: int) -> Layout | None:
    return _reshape_layout(shape, strides, offset, (math.prod(shape),))


@declare_view(_ravel_layout, grad_name="ViewBackward0", saves="none")
def ravel(input: Array) -> Array:
    """All elements in one dim.  ``(*) -> (numel)``"""
    return lax.reshape(input, (input.size,))


def _unflattened(shape: Ints, dim: int, sizes: Sequence[int]) -> Ints:
    at = normal_dim(dim, len(shape))
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    n = shape[at] if shape else 1
    known = math.prod(s for s in sizes if s != -1)
    holes = sum(s == -1 for s in sizes)
    if holes > 1:
        raise RuntimeError("only one dimension can be inferred")
    if (holes and (known == 0 or n % known)) or (not holes and known != n):
        raise RuntimeError(
            f"unflatten: Provided sizes {shape_text(sizes)} don't multiply up to the size of dim "
            f"{at} "
            f"({n}) in the input tensor"
        )
    return (*shape[:at], *(n // known if s == -1 else s for s in sizes), *shape[at + 1 :])


def _unflatten_layout(
    shape: Ints, strides: Ints, offset: int, dim: int, sizes: Sequence[int]
) -> Layout | None:
    return _reshape_layout(shape, strides, offset, _unflattened(shape, dim, sizes))


@declare_view(_unflatten_layout, grad_name="ViewBackward0", saves="none")
def unflatten(input: Array, dim: int, sizes: Ints) -> Array:
    """One dim split into several.  ``(A, n, B) -> (A, *sizes, B)``"""
    return lax.reshape(input, _unflattened(input.shape, dim, sizes))


# ---------------------------------------------------------------------------- squeeze, unsqueeze


def _squeezed(shape: Ints, dim: int | Sequence[int] | None) -> Ints:
    if dim is None:
        return tuple(d for d, n in enumerate(shape) if n == 1)
    if isinstance(dim, (tuple, list)) and not dim:
        return ()
    return tuple(d for d in normal_dims(dim, len(shape)) if shape and shape[d] == 1)


def _squeeze_layout(
    shape: Ints, strides: Ints, offset: int, dim: int | Sequence[int] | None = None
) -> Layout:
    gone = _squeezed(shape, dim)
    kept = [d for d in range(len(shape)) if d not in gone]
    return tuple(shape[d] for d in kept), tuple(strides[d] for d in kept), offset


def _squeeze_name(args: dict[str, Any]) -> str:
    dim = args.get("dim")
    if dim is None:
        return "SqueezeBackward0"
    return "SqueezeBackward1" if isinstance(dim, int) else "SqueezeBackward2"


@declare_view(
    _squeeze_layout, inplace=True, varargs="dim", grad_name=_squeeze_name, saves="none"
)  # fmt: skip
def squeeze(input: Array, dim: int | Ints | None = None) -> Array:
    """Without the dims of size 1 (all of them, or those among ``dim``).  ``(A, 1, B) -> (A, B)``"""
    return lax.squeeze(input, _squeezed(input.shape, dim))


def unsqueeze_layout(shape: Ints, strides: Ints, offset: int, dim: int) -> Layout:
    at = normal_dim(dim, len(shape) + 1)
    step = shape[at] * strides[at] if at < len(shape) else 1
    return (*shape[:at], 1, *shape[at:]), (*strides[:at], step, *strides[at:]), offset


@declare_view(unsqueeze_layout, inplace=True, saves="none")
def unsqueeze(input: Array, dim: int) -> Array:
    """A new dim of size 1 at ``dim``.  ``(A, B) -> (A, 1, B)``"""
    return lax.expand_dims(input, (normal_dim(dim, input.ndim + 1),))


# ---------------------------------------------------------------------------- expand


def expanded_shape(shape: Ints, size: Sequence[int]) -> Ints:
    """``size`` with each -1 filled in from the shape, checked in PyTorch's words."""
    lead = len(size) - len(shape)
    if lead < 0:
        raise RuntimeError(
            f"expand(torch.FloatTensor{{{shape_text(shape)}}}, size={shape_text(size)}): the "
            "number of "
            f"sizes provided ({len(size)}) must be greater or equal to the number of dimensions in "
            "the "
            f"tensor ({len(shape)})"
        )
    out = []
    for d, n in enumerate(size):
        have = shape[d - lead] if d >= lead else None
        if n == -1 and have is not None:
            n = have
        elif n < 0 and have is None:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing "
                f"dimension {d}"
            )
        if have is not None and have not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({have}) at "
                f"non-singleton dimension {d}.  Target sizes: {shape_text(size)}.  "
                f"Tensor sizes: {shape_text(shape)}"
            )
        out.append(n)
    return tuple(out)


def _expand_layout(
    shape: Ints, strides: Ints, offset: int, size: Sequence[int], implicit: bool = False
) -> Layout:
    new = expanded_shape(shape, size)
    lead = len(new) - len(shape)
    full = contiguous_strides(new)  # a dim of size 1 that stays so keeps its stride
    found = [
        0 if d < lead and n != 1 else full[d] if d < lead
        else 0 if shape[d - lead] != n else strides[d - lead]
        for d, n in enumerate(new)
    ]  # fmt: skip
    return new, tuple(found), offset


@declare_view(_expand_layout, namespaces=(), varargs="size", saves="none")
def expand(input: Array, size: Ints, *, implicit: bool = False) -> Array:
    """Dims of size 1 repeated without copying; -1 keeps a size.  ``(1, n) -> (m, n)``"""
    return jnp.broadcast_to(input, expanded_shape(input.shape, size))


@op(namespaces=(), resolve=_like_other("expand"))
def expand_as(input: Array, other: Array) -> Array:
    """``expand(other.shape)``.  ``(*), (S) -> (S)``"""
    return expand(input, other.shape)


@declare_view(_expand_layout, varargs="size", grad_name="ExpandBackward0", saves="none")
def broadcast_to(input: Array, size: Ints) -> Array:
    """Repeated to ``size`` without copying.  ``(1, n) -> (m, n)``"""
    return jnp.broadcast_to(input, expanded_shape(input.shape, size))


# ---------------------------------------------------------------------------- order of dims


def _permuted(shape: Ints, strides: Ints, offset: int, order: Sequence[int]) -> Layout:
    return tuple(shape[d] for d in order), tuple(strides[d] for d in order), offset


def permutation(dims: Sequence[int], ndim: int) -> Ints:
    """``permute``'s dims counted from the front."""
    if len(dims) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the "
            "length of "
            f"the desired ordering of dimensions i.e. input.dim() = {ndim} is not equal to "
            "len(dims) = "
            f"{len(dims)}"
        )
    order = tuple(normal_dim(d, ndim) for d in dims)
    if len(set(order)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return order


def _permute_layout(shape: Ints, strides: Ints, offset: int, dims: Sequence[int]) -> Layout:
    return _permuted(shape, strides, offset, permutation(dims, len(shape)))


@declare_view(_permute_layout, varargs="dims", saves="none")
def permute(input: Array, dims: Ints) -> Array:
    """Dims in the order ``dims``.  ``(A, B, C) -> (C, A, B)``"""
    return lax.transpose(input, permutation(dims, input.ndim))


def swapped(dim0: int, dim1: int, ndim: int) -> Ints:
    """The permutation that exchanges two dims."""
    a, b = normal_dim(dim0, ndim), normal_dim(dim1, ndim)
    order = list(range(ndim))
    if ndim:
        order[a], order[b] = b, a
    return tuple(order)


def _transpose_layout(shape: Ints, strides: Ints, offset: int, dim0: int, dim1: int) -> Layout:
    return _permuted(shape, strides, offset, swapped(dim0, dim1, len(shape)))


@declare_view(_transpose_layout, inplace=True, saves="none")
def transpose(input: Array, dim0: int, dim1: int) -> Array:
    """Two dims exchanged.  ``(A, B) -> (B, A)``"""
    return lax.transpose(input, swapped(dim0, dim1, input.ndim))


@declare_view(_transpose_layout, inplace=True, grad_name="TransposeBackward0", saves="none")
def swapaxes(input: Array, axis0: int, axis1: int) -> Array:
    """Two dims exchanged.  ``(A, B) -> (B, A)``"""
    return lax.transpose(input, swapped(axis0, axis1, input.ndim))


@declare_view(_transpose_layout, inplace=True, grad_name="TransposeBackward0", saves="none")
def swapdims(input: Array, dim0: int, dim1: int) -> Array:
    """Two dims exchanged.  ``(A, B) -> (B, A)``"""
    return lax.transpose(input, swapped(dim0, dim1, input.ndim))


def _t_order(ndim: int) -> Ints:
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    return tuple(reversed(range(ndim)))


def _t_layout(shape: Ints, strides: Ints, offset: int) -> Layout:
    return _permuted(shape, strides, offset, _t_order(len(shape)))


@declare_view(_t_layout, inplace=True, grad_name="TBackward0", saves="none")
def t(input: Array) -> Array:
    """Matrix transpose; vectors stay.  ``(n, m) -> (m, n)``"""
    return lax.transpose(input, _t_order(input.ndim))


def moved(source: int | Sequence[int], destination: int | Sequence[int], ndim: int) -> Ints:
    """The permutation that puts dims ``source`` at ``destination`` and keeps the others' order."""
    take = [source] if isinstance(source, int) else list(source)
    put = [destination] if isinstance(destination, int) else list(destination)
    if len(take) != len(put):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({shape_text(take)} dims) should "
            f"contain the same number of dims as destination ({shape_text(put)} dims)"
        )
    src, dst = [normal_dim(d, ndim) for d in take], [normal_dim(d, ndim) for d in put]
    for what, dims, given in (("source", src, take), ("destination", dst, put)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{what}` ({shape_text(given)})")
    if not ndim:
        return ()
    rest = iter(d for d in range(ndim) if d not in src)
    at = dict(zip(dst, src, strict=True))
    return tuple(at[d] if d in at else next(rest) for d in range(ndim))


def _movedim_layout(
    shape: Ints, strides: Ints, offset: int, source: Any, destination: Any
) -> Layout:
    return _permuted(shape, strides, offset, moved(source, destination, len(shape)))


@declare_view(_movedim_layout, aliases=("moveaxis",), grad_name="PermuteBackward0", saves="none")
def movedim(input: Array, source: int | Ints, destination: int | Ints) -> Array:
    """Dims moved, the others in their order.  ``movedim(x, 0, -1): (A, B, C) -> (B, C, A)``"""
    return lax.transpose(input, moved(source, destination, input.ndim))
