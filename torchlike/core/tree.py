"""Nested containers as a list of leaves and a structure, by PyTorch's rules: None is a leaf."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

from .shapes import Size

# type -> (its children and what else it takes to build another one, the builder)
Flatten = Callable[[Any], tuple[list[Any], Any]]
Unflatten = Callable[[Iterable[Any], Any], Any]


class Kind:
    """How containers of a type come apart."""

    __slots__ = ("flatten", "unflatten")

    def __init__(self, flatten: Flatten, unflatten: Unflatten) -> None:
        self.flatten = flatten
        self.unflatten = unflatten


def _default_dict(values: Iterable[Any], context: Any) -> Any:
    factory, keys = context
    return defaultdict(factory, zip(keys, values, strict=True))


KINDS: dict[Any, Kind] = {
    tuple: Kind(lambda x: (list(x), None), lambda v, _: tuple(v)),
    list: Kind(lambda x: (x, None), lambda v, _: list(v)),
    Size: Kind(lambda x: (list(x), None), lambda v, _: Size(tuple(v))),
    dict: Kind(
        lambda x: (list(x.values()), list(x)), lambda v, keys: dict(zip(keys, v, strict=True))
    ),
    OrderedDict: Kind(
        lambda x: (list(x.values()), list(x)),
        lambda v, keys: OrderedDict(zip(keys, v, strict=True)),
    ),
    defaultdict: Kind(lambda x: (list(x.values()), [x.default_factory, list(x)]), _default_dict),
    deque: Kind(lambda x: (list(x), x.maxlen), lambda v, maxlen: deque(v, maxlen=maxlen)),
}
_NAMED = Kind(lambda x: (list(x), type(x)), lambda v, kind: kind(*v))
_RETURNED = Kind(lambda x: (list(x), None), lambda v, kind: kind(*v))


def register_pytree_node(
    cls: type[Any], flatten_fn: Any, unflatten_fn: Any, *, serialized_type_name: str | None = None,
    to_dumpable_context: Any = None, from_dumpable_context: Any = None, flatten_with_keys_fn: Any = None,
) -> None:  # fmt: skip
    """Makes a class a container.

    Raises:
        ValueError: it is one already.
    """
    if cls in KINDS:
        raise ValueError(f"{cls} is already registered as pytree node.")
    KINDS[cls] = Kind(flatten_fn, unflatten_fn)


def _kind(x: Any) -> tuple[Any, Kind | None]:
    cls = type(x)
    found = KINDS.get(cls)
    if found is not None:
        return cls, found
    if isinstance(x, tuple) and hasattr(cls, "_fields"):
        return cls, _RETURNED if cls.__module__ == "torch.return_types" else _NAMED
    return cls, None


class TreeSpec:
    """The structure of a nested container."""

    __slots__ = ("children_specs", "context", "num_leaves", "type")

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type = type
        self.context = context
        self.children_specs = children_specs
        self.num_leaves = 1 if type is None else sum(c.num_leaves for c in children_specs)

    def is_leaf(self) -> bool:
        return self.type is None

    @property
    def num_children(self) -> int:
        return len(self.children_specs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TreeSpec):
            return NotImplemented
        return (self.type, self.context, self.children_specs) == (
            other.type, other.context, other.children_specs,
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash((self.type, str(self.context), tuple(self.children_specs)))

    def __repr__(self, indent: int = 0) -> str:
        if self.type is None:
            return "*"
        name = "namedtuple" if isinstance(self.context, type) else self.type.__name__
        between = ",\n" + " " * (indent + 2)
        parts = between.join([c.__repr__(indent + 2) for c in self.children_specs])
        return f"TreeSpec({name}, {self.context}, [{parts}])"


LEAF = TreeSpec(None, None, [])
LeafSpec = lambda: LEAF  # noqa: E731 - PyTorch's name of a structure that is one leaf


def tree_flatten(
    tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> tuple[list[Any], TreeSpec]:
    """The leaves from left to right, and the structure."""
    leaves: list[Any] = []

    def walk(x: Any) -> TreeSpec:
        if is_leaf is not None and is_leaf(x):
            leaves.append(x)
            return LEAF
        cls, kind = _kind(x)
        if kind is None:
            leaves.append(x)
            return LEAF
        children, context = kind.flatten(x)
        return TreeSpec(cls, context, [walk(c) for c in children])

    return leaves, walk(tree)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The container of that structure with these leaves.

    Raises:
        ValueError: too many or too few.
    """
    given = list(leaves)
    if len(given) != treespec.num_leaves:
        raise ValueError(
            f"tree_unflatten(leaves, treespec): `leaves` has length {len(given)} but the spec refers to a "
            f"pytree that holds {treespec.num_leaves} items ({treespec})."
        )
    rest = iter(given)

    def build(spec: TreeSpec) -> Any:
        if spec.type is None:
            return next(rest)
        children = [build(c) for c in spec.children_specs]
        kind = KINDS.get(spec.type)
        if kind is None:
            return spec.type(*children)
        return kind.unflatten(children, spec.context)

    return build(treespec)


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> TreeSpec:
    return tree_flatten(tree, is_leaf)[1]


def tree_map(
    func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """The same container with ``func`` of every leaf (and of the leaves of ``rests`` at its place)."""
    leaves, spec = tree_flatten(tree, is_leaf)
    others = [tree_flatten(r, is_leaf)[0] for r in rests]
    return tree_unflatten([func(*x) for x in zip(leaves, *others, strict=True)], spec)


def tree_map_(
    func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """Calls ``func`` on every leaf, and returns the container as it is."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(
    type_or_types_or_pred: Any, func: Callable[..., Any], tree: Any,
    is_leaf: Callable[[Any], bool] | None = None,
) -> Any:  # fmt: skip
    """``tree_map`` on the leaves of a type (or of which a predicate is true); the others stay."""
    wanted = type_or_types_or_pred
    if isinstance(wanted, (type, tuple)):
        types: Any = wanted
        wanted = lambda x: isinstance(x, types)  # noqa: E731
    return tree_map(lambda x: func(x) if wanted(x) else x, tree, is_leaf=is_leaf)


def tree_all(
    pred: Callable[[Any], bool], tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> bool:
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(
    pred: Callable[[Any], bool], tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> bool:
    return any(map(pred, tree_leaves(tree, is_leaf)))


def broadcast_to_and_flatten(
    tree: Any, treespec: TreeSpec, is_leaf: Callable[[Any], bool] | None = None
) -> list[Any] | None:
    """The leaves of ``tree``, each repeated for what stands at its place in the structure; None if
    ``tree`` does not fit it.
    """
    if (is_leaf is not None and is_leaf(tree)) or _kind(tree)[1] is None:
        return [tree] * treespec.num_leaves
    cls, kind = _kind(tree)
    assert kind is not None
    if treespec.type is not cls:
        return None
    children, context = kind.flatten(tree)
    if len(children) != treespec.num_children or context != treespec.context:
        return None
    found: list[Any] = []
    for child, spec in zip(children, treespec.children_specs, strict=True):
        part = broadcast_to_and_flatten(child, spec, is_leaf)
        if part is None:
            return None
        found += part
    return found


def treespec_pprint(treespec: TreeSpec) -> str:
    """The structure as a container of asterisks."""

    class Star:
        def __repr__(self) -> str:
            return "*"

    return repr(tree_unflatten([Star()] * treespec.num_leaves, treespec))
