"""Views with at least one, two or three dims; a tensor that has them is its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax import lax

from ..core.registry import Array, op, view as declare_view
from .shape import unsqueeze_layout

Ints = tuple[int, ...]
Layout = tuple[Ints, Ints, int]

_AT_LEAST = {2: ((0, 1), (0,)), 3: ((0, 1, 2), (0, 2), (2,))}  # ndim -> where the new dims go


def _at_least_dims(ndim: int, wanted: int) -> Ints:
    if ndim >= wanted:
        return ()
    return (0,) if wanted == 1 else _AT_LEAST[wanted][ndim]


def _at_least_layout(wanted: int) -> Any:
    def layout(shape: Ints, strides: Ints, offset: int) -> Layout:
        for d in _at_least_dims(len(shape), wanted):
            shape, strides, offset = unsqueeze_layout(shape, strides, offset, d)
        return shape, strides, offset

    return layout


def _at_least(key: str) -> Any:
    """A single tensor becomes a view of it, several a tuple."""

    def resolve(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) == 1 and not isinstance(args[0], (tuple, list)):
            return f"{key}_view", args, kwargs
        return key, args, kwargs

    return resolve


def _at_least_name(args: dict[str, Any]) -> str:
    return "UnsqueezeBackward0" if args["input"].ndim else "ViewBackward0"


def _enough_dims(wanted: int) -> Any:
    def composed(invoke: Any, args: dict[str, Any]) -> Any:
        return args["input"] if args["input"].ndim >= wanted else NotImplemented

    return composed


def _each(key: str) -> Any:
    def composed(invoke: Any, args: dict[str, Any]) -> Any:
        return tuple([invoke(f"{key}_view", t) for t in args["tensors"]])

    return composed


def _at_least_view(input: Array, wanted: int) -> Array:
    return lax.expand_dims(input, _at_least_dims(input.ndim, wanted))


@declare_view(
    _at_least_layout(1), name="atleast_1d", namespaces=(), method=False, grad_name="ViewBackward0",
    composed=_enough_dims(1),
)  # fmt: skip
def atleast_1d_view(input: Array) -> Array:
    """``() -> (1)``; others as they are."""
    return _at_least_view(input, 1)


@declare_view(
    _at_least_layout(2),
    name="atleast_2d",
    namespaces=(),
    method=False,
    grad_name=_at_least_name,
    composed=_enough_dims(2),
)
def atleast_2d_view(input: Array) -> Array:
    """``() -> (1, 1)``, ``(n) -> (1, n)``; others as they are."""
    return _at_least_view(input, 2)


@declare_view(
    _at_least_layout(3),
    name="atleast_3d",
    namespaces=(),
    method=False,
    grad_name=_at_least_name,
    composed=_enough_dims(3),
)
def atleast_3d_view(input: Array) -> Array:
    """``() -> (1, 1, 1)``, ``(n) -> (1, n, 1)``, ``(n, m) -> (n, m, 1)``; others as they are."""
    return _at_least_view(input, 3)


@op(method=False, varargs="tensors", resolve=_at_least("atleast_1d"), composed=_each("atleast_1d"))
def atleast_1d(tensors: Sequence[Array]) -> tuple[Array, ...]:
    """Each with at least one dim; with enough, itself.  ``() -> (1)``"""
    return tuple(_at_least_view(t, 1) for t in tensors)


@op(method=False, varargs="tensors", resolve=_at_least("atleast_2d"), composed=_each("atleast_2d"))
def atleast_2d(tensors: Sequence[Array]) -> tuple[Array, ...]:
    """Each with at least two dims; with enough, itself.  ``(n) -> (1, n)``"""
    return tuple(_at_least_view(t, 2) for t in tensors)


@op(method=False, varargs="tensors", resolve=_at_least("atleast_3d"), composed=_each("atleast_3d"))
def atleast_3d(tensors: Sequence[Array]) -> tuple[Array, ...]:
    """Each with at least three dims; with enough, itself.  ``(n) -> (1, n, 1)``"""
    return tuple(_at_least_view(t, 3) for t in tensors)
