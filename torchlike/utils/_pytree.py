"""``torch.utils._pytree``: nested containers; see ``core.tree``."""

from __future__ import annotations

from typing import Any

from ..core.tree import (
    KINDS as SUPPORTED_NODES,
    LeafSpec as LeafSpec,
    TreeSpec as TreeSpec,
    broadcast_to_and_flatten as _broadcast_to_and_flatten,
    register_pytree_node as register_pytree_node,
    tree_all as tree_all,
    tree_any as tree_any,
    tree_flatten as tree_flatten,
    tree_leaves as tree_leaves,
    tree_map as tree_map,
    tree_map_ as tree_map_,
    tree_map_only as tree_map_only,
    tree_structure as tree_structure,
    tree_unflatten as tree_unflatten,
    treespec_pprint as treespec_pprint,
)

__all__ = [
    "SUPPORTED_NODES", "LeafSpec", "PyTree", "TreeSpec", "_broadcast_to_and_flatten", "arg_tree_leaves",
    "register_pytree_node", "tree_all", "tree_any", "tree_flatten", "tree_iter", "tree_leaves", "tree_map",
    "tree_map_", "tree_map_only", "tree_structure", "tree_unflatten", "treespec_pprint",
]  # fmt: skip

PyTree = Any


def arg_tree_leaves(*args: Any, **kwargs: Any) -> list[Any]:
    """The leaves of a call's arguments."""
    return [*tree_leaves(args), *tree_leaves(kwargs)]


def tree_iter(tree: Any, is_leaf: Any = None) -> Any:
    """The leaves one by one."""
    return iter(tree_leaves(tree, is_leaf))
