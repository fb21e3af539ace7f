"""A Module as a JAX pytree: leaves are its parameters, then its buffers; the rest is structure."""

from __future__ import annotations

from typing import Any

import jax

from ..core.tensor import Tensor

_STORES = ("_parameters", "_buffers", "_modules")


class Structure:
    """Everything of a module tree but its tensors; two are equal if the modules behave alike.

    One node per distinct module, so that shared modules and tied weights stay shared.
    """

    __slots__ = ("nodes",)

    def __init__(self, nodes: tuple[tuple[Any, ...], ...]) -> None:
        self.nodes = nodes

    def __hash__(self) -> int:
        return hash(
            tuple(
                (cls, tuple(params.items()), tuple(subs.items()))
                for cls, _, params, _, subs in self.nodes
            )
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Structure) or len(self.nodes) != len(other.nodes):
            return NotImplemented if not isinstance(other, Structure) else False
        return all(
            a[0] is b[0] and a[2:] == b[2:] and _same(a[1], b[1])
            for a, b in zip(self.nodes, other.nodes, strict=True)
        )

    def __repr__(self) -> str:
        return f"Structure({self.nodes[0][0].__name__})"


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if type(a) is not type(b) or isinstance(a, Tensor):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(_same(v, b[k]) for k, v in a.items())
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    try:
        return bool(a == b)
    except Exception:
        # Attributes whose equality is not a truth value (arrays) are equal only to themselves
        return False


def flatten(module: Any) -> tuple[list[tuple[str, Any]], Structure]:
    """The distinct tensors by dotted name, and the structure that puts them back."""
    found: dict[int, int] = {}
    leaves: list[tuple[str, Any]] = []
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if id(tensor) not in found:
            found[id(tensor)] = len(leaves)
            leaves.append((name, tensor))
    numbers: dict[int, int] = {}
    order: list[Any] = []
    for sub in module.modules():
        numbers[id(sub)] = len(order)
        order.append(sub)
    nodes = []
    for sub in order:
        attributes = {k: v for k, v in sub.__dict__.items() if k not in _STORES}
        places = [
            {k: None if t is None else found[id(t)] for k, t in store.items()}
            for store in (sub._parameters, sub._buffers)
        ]
        children = {k: None if m is None else numbers[id(m)] for k, m in sub._modules.items()}
        nodes.append((type(sub), attributes, *places, children))
    return leaves, Structure(tuple(nodes))


def unflatten(structure: Structure, leaves: Any) -> Any:
    """A working copy of the module around new tensors."""
    leaves = tuple(leaves)
    made = [object.__new__(node[0]) for node in structure.nodes]
    for module, (_, attributes, params, buffers, children) in zip(
        made, structure.nodes, strict=True
    ):
        own = module.__dict__
        own.update({k: _shallow(v) for k, v in attributes.items()})
        own["_parameters"] = {k: None if i is None else leaves[i] for k, i in params.items()}
        own["_buffers"] = {k: None if i is None else leaves[i] for k, i in buffers.items()}
        own["_modules"] = {k: None if i is None else made[i] for k, i in children.items()}
    return made[0]


def _shallow(value: Any) -> Any:
    return value.copy() if isinstance(value, dict | list | set) else value


def register(cls: type) -> None:
    """Makes a Module class known to JAX."""

    def flatten_with_keys(module: Any) -> tuple[Any, Structure]:
        leaves, structure = flatten(module)
        return [(jax.tree_util.GetAttrKey(name), t) for name, t in leaves], structure

    def flatten_only(module: Any) -> tuple[Any, Structure]:
        leaves, structure = flatten(module)
        return [t for _, t in leaves], structure

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten_only)
