"""A Tensor as a JAX pytree: its leaf is the array."""

from __future__ import annotations

from typing import Any

import jax

from .dtypes import BY_NP
from .tensor import Storage, Tensor
from .value import Value, from_array, on_device


def flatten_tensor(t: Tensor) -> tuple[tuple[Any], tuple[Any, ...]]:
    """The array, and what it takes to wrap another one alike."""
    value = t._v
    if not isinstance(value, Value):
        # A tree of something else than arrays, made by ``jax.tree.map``
        return (value,), (t._rg, None)
    return (on_device(value),), (t._rg, value.aval.device)


def register_tensor(cls: type) -> None:
    """Makes a class of tensors known to JAX."""

    def unflatten_tensor(about: tuple[Any, ...], leaves: Any) -> Any:
        (leaf,) = leaves
        made = object.__new__(cls)
        requires_grad, device = about
        contents: Any = leaf
        if device is not None and isinstance(leaf, jax.Array) and leaf.dtype in BY_NP:
            contents = from_array(leaf, device)
        made._storage = Storage(contents)
        # Set as it is: JAX also rebuilds trees of integers or of nothing at all
        made._rg = requires_grad
        return made

    jax.tree_util.register_pytree_node(cls, flatten_tensor, unflatten_tensor)


def install() -> None:
    """Registers Tensor; its subclasses register themselves."""
    register_tensor(Tensor)
