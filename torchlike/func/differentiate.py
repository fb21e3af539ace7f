"""``grad``, ``vjp``, ``jvp`` and ``linearize``: the tape and forward mode as function transforms.

A transform differentiates with respect to *places* of its own: other references to its arguments, at
which a piece of graph begins. What else requires grad is a constant to it, but stays in the graph of
the result, so that transforms nest and ``backward`` goes through them.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..api import torch as T
from ..autograd.backward import grad as autograd_grad
from ..autograd.graph import disable_saved_tensors_hooks
from ..core import forward
from ..core.modes import enable_grad, inference_mode, modes
from ..core.tape import Edge, Node, serial
from ..core.tensor import Tensor, alias
from ..core.transforms import Differentiation, running
from ..core.tree import tree_flatten, tree_map, tree_unflatten, treespec_pprint
from .arguments import checked_argnums, replaced, sliced

_NO_HOOKS = (
    "torch.func.{grad, vjp, jacrev, hessian} don't yet support saved tensor hooks. Please open an issue "
    "with your use case."
)


class Place(Node):
    """Where a transform's argument enters its graph; what comes back goes on to the argument's own."""

    def __init__(self, variable: Tensor, edge: Edge | None, transform: Differentiation) -> None:
        self.edges = [edge]
        self.out_avals = (variable._v.aval,)
        self.sequence = next(serial)
        self.label = "AliasBackward0"
        self.variable = weakref.ref(variable)
        self.transform = transform

    @property
    def tensor_hooks(self) -> Any:  # type: ignore[override]
        """Hooks that the function put on its argument."""
        variable = self.variable()
        return {0: variable._hooks} if variable is not None and variable._hooks else None

    def apply(self, grads: list[Any], create_graph: bool) -> Sequence[Any]:
        return grads


@contextmanager
def _differentiating() -> Iterator[Differentiation]:
    """A transform runs; a no_grad or inference_mode around it does not reach inside."""
    grad_before, forward_before = modes.grad, modes.forward_enabled
    with disable_saved_tensors_hooks(_NO_HOOKS), running(Differentiation()) as transform:
        if not modes.inference:
            yield transform
            return
        with inference_mode(False):
            modes.grad, modes.forward_enabled = grad_before, forward_before
            yield transform


class _Run:
    """A function's call with some of its arguments as places."""

    def __init__(
        self, func: Callable[..., Any], argnums: Any, args: tuple[Any, ...], kwargs: dict[str, Any],
        transform: Differentiation,
    ) -> None:  # fmt: skip
        self.linked = modes.grad  # a no_grad outside is for the result, not for the function
        self.transform = transform
        self.places: list[Place] = []
        chosen = args if argnums is None else sliced(args, argnums, as_tuple=False)
        leaves, self.spec = tree_flatten(chosen)
        self.inputs = [self._place(t) for t in leaves]
        inside = tree_unflatten(self.inputs, self.spec)
        if argnums is not None:
            others = tuple([self._other(x) for x in args])
            inside = replaced(others, (inside,) if isinstance(argnums, int) else inside, argnums)
        kwargs = self._other(kwargs)
        for t in tree_flatten((inside, kwargs))[0]:
            if isinstance(t, Tensor):
                transform.inputs[id(t._storage)] = t._storage
        with enable_grad():
            self.output = func(*inside, **kwargs)

    def _place(self, t: Any) -> Tensor:
        if not isinstance(t, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(t)}")
        if not t._v.aval.inexact:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        made = alias(t, Tensor)
        made._tangents, made._inference = t._tangents, False
        node = Place(made, t._grad_edge_or_none() if self.linked else None, self.transform)
        made._rg = True
        made._accumulator = weakref.ref(node)
        self.places.append(node)
        return made

    def _other(self, tree: Any) -> Any:
        """Arguments that are not differentiated: writes to them leave no history outside."""
        return tree_map(
            lambda t: self.returned(t, self.linked) if isinstance(t, Tensor) else t, tree
        )

    @staticmethod
    def returned(t: Tensor, with_history: bool) -> Tensor:
        """Another reference to the tensor, with its history or without."""
        made = alias(t, Tensor)
        made._tangents, made._inference = t._tangents, False
        if with_history and t._rg:
            made._edge, made._rg = t._grad_edge_or_none(), True
        return made

    def leaves_transform(self, t: Tensor) -> bool:
        """Whether the tensor's graph reaches what is not of this transform."""
        edge = t._grad_edge_or_none() if self.linked and t._rg else None
        stack: list[Node] = [] if edge is None else [edge[0]]
        seen: set[Node] = set(stack)
        while stack:
            node = stack.pop()
            targets = [e[0] for e in node.edges if e is not None]
            if not targets and not (isinstance(node, Place) and self._is_over(node)):
                return True
            stack.extend([n for n in dict.fromkeys(targets) if n not in seen])
            seen.update(targets)
        return False

    def keep_graph(self, outputs: Sequence[Tensor]) -> None:
        """A walk from outside, through a result, must not use up what later ones need."""
        stack: list[Node] = [y._edge[0] for y in outputs if y._edge is not None]
        seen: set[Node] = set()
        while stack:
            node = stack.pop()
            if node not in seen and node.sequence >= self.transform.first_node:
                seen.add(node)
                node.is_shared = node.is_watched = True
                stack.extend([e[0] for e in node.edges if e is not None])

    def _is_over(self, place: Place) -> bool:
        return place.transform is self.transform or not place.transform.alive

    def outside(self, tree: Any) -> Any:
        """Results as the caller gets them.

        Raises:
            RuntimeError: something else than tensors.
        """

        def out(t: Any) -> Tensor:
            if not isinstance(t, Tensor):
                raise RuntimeError(f"Expected tensors, got unsupported type {type(t)}")
            return self.returned(t, self.leaves_transform(t))

        return tree_map(out, tree)

    def gradients(
        self, outputs: Sequence[Tensor], cotangents: Sequence[Any] | None, *, create_graph: bool,
        retain_graph: bool | None = None,
    ) -> list[Tensor]:  # fmt: skip
        """Those of the places; zeros where an output does not depend on one."""
        given = [None] * len(outputs) if cotangents is None else list(cotangents)
        pairs = [(y, c) for y, c in zip(outputs, given, strict=False) if y._rg]
        if not pairs:
            return [T.zeros_like(x) for x in self.inputs]
        found = autograd_grad(
            [y for y, _ in pairs], self.inputs, [c for _, c in pairs], retain_graph=retain_graph,
            create_graph=create_graph, allow_unused=True,
        )  # fmt: skip
        return [
            T.zeros_like(x) if g is None else g for g, x in zip(found, self.inputs, strict=True)
        ]


# --- grad ----------------------------------------------------------------------------------------


def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of a scalar ``func`` (and its aux)."""

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found, value = _grad_and_value(func, argnums, has_aux, args, kwargs)
        return (found, value[1]) if has_aux else found

    return wrapper


def grad_and_value(
    func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that computes gradient and value (or value and aux) of a scalar ``func``."""

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return _grad_and_value(func, argnums, has_aux, args, kwargs)

    return wrapper


def _grad_and_value(
    func: Callable[..., Any],
    argnums: Any,
    has_aux: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[Any, Any]:
    start = "grad_and_value(f)(*args): "
    argnums = checked_argnums(argnums, len(args))
    with _differentiating() as transform:
        run = _Run(func, argnums, args, kwargs, transform)
        output, aux = run.output, None
        if has_aux:
            output, aux = _pair(output, start)
        if not isinstance(output, Tensor):
            raise RuntimeError(f"{start}Expected f(*args) to return a Tensor, got {type(output)}")
        if output.ndim != 0:
            raise RuntimeError(
                f"{start}Expected f(*args) to return a scalar Tensor, got tensor with {output.ndim} dims. "
                "Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        create_graph = run.leaves_transform(output)
        with enable_grad():
            found = run.gradients([output], None, create_graph=create_graph)
        grads = run.outside(tree_unflatten(found, run.spec))
        value = run.outside(output)
        return grads, (value, run.outside(aux)) if has_aux else value


def _pair(output: Any, start: str) -> tuple[Any, Any]:
    if not (isinstance(output, tuple) and len(output) == 2):
        raise RuntimeError(
            f"{start}output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return output


# --- vjp -----------------------------------------------------------------------------------------


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """``(func(*primals), vjp_fn)`` (and aux): ``vjp_fn(cotangents)`` are those of the primals."""
    return vjp_of(func, primals, None, has_aux)


def vjp_of(func: Callable[..., Any], primals: tuple[Any, ...], argnums: Any, has_aux: bool) -> Any:
    """``vjp`` with respect to some of the arguments."""
    if argnums is not None:
        argnums = checked_argnums(argnums, len(primals))
    with _differentiating() as transform:
        run = _Run(func, argnums, primals, {}, transform)
        output, aux = run.output, None
        if has_aux:
            output, aux = _pair(output, "vjp(f, *primals): ")
            aux = run.outside(aux)
        leaves, spec = tree_flatten(output)
        check_outputs(leaves, "vjp(f, *primals)")
        for y in leaves:
            if not y._v.aval.inexact:
                raise RuntimeError(
                    "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor "
                    f"with dtype {y.dtype}"
                )
        result = run.outside(output)
        leaves_transform = any(run.leaves_transform(y) for y in leaves)
        run.keep_graph(leaves)

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given, given_spec = tree_flatten(cotangents)
        if given_spec != spec:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to "
                f"the function. cotangents: {treespec_pprint(given_spec)}, primal output: "
                f"{treespec_pprint(spec)}"
            )
        create = modes.grad if create_graph is None else create_graph
        create = create and (leaves_transform or any(c._rg for c in given))
        found = run.gradients(leaves, given, create_graph=create, retain_graph=retain_graph)
        return tree_unflatten([run.returned(g, create) for g in found], run.spec)

    return (result, vjp_fn, aux) if has_aux else (result, vjp_fn)


def check_outputs(leaves: list[Any], api: str) -> None:
    """What a function returned is tensors, at least one.

    Raises:
        RuntimeError: it is not.
    """
    if not leaves or (len(leaves) == 1 and leaves[0] is None):
        raise RuntimeError(
            f"{api}: Expected f to be a function that has non-empty output (got output = {leaves})"
        )
    for y in leaves:
        if not isinstance(y, Tensor):
            raise RuntimeError(
                f"{api}: expected f(*primals) to return only tensors, got unsupported type {type(y)}"
            )


# --- jvp -----------------------------------------------------------------------------------------

_JVP = "jvp(f, primals, tangents)"


def jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """``(func(*primals), its derivative along tangents)`` (and aux)."""
    return jvp_of(func, primals, tangents, None, strict=strict, has_aux=has_aux)


def jvp_of(
    func: Callable[..., Any], primals: Any, tangents: Any, argnums: Any, *, strict: bool = False,
    has_aux: bool = False,
) -> Any:  # fmt: skip
    """``jvp`` with respect to some of the arguments."""
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"{_JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."
        )
    moving = primals if argnums is None else sliced(primals, argnums)
    leaves, spec = tree_flatten(moving)
    directions, directions_spec = tree_flatten(tangents)
    if spec != directions_spec:
        raise RuntimeError(
            f"{_JVP}: Expected primals and tangents to have the same python structure. For example, if "
            f"primals is a tuple of 3 tensors, tangents also must be. Got primals with structure {spec} and "
            f"tangents with structure {directions_spec}"
        )
    _check_tensors(leaves, "primals")
    _check_tensors(directions, "tangents")
    enabled_before = modes.forward_enabled
    with running(Differentiation()) as transform:
        modes.forward_enabled = True
        level = forward.enter()
        try:
            duals = [
                forward.checked_dual(p, t, level) for p, t in zip(leaves, directions, strict=True)
            ]
            args = tree_unflatten(duals, spec)
            if argnums is not None:
                args = replaced(primals, args, argnums)
            for t in tree_flatten(args)[0]:
                if isinstance(t, Tensor):
                    transform.inputs[id(t._storage)] = t._storage
            return _pushed(func(*args), level, strict, has_aux)
        finally:
            forward.leave(level)
            modes.forward_enabled = enabled_before


def _pushed(output: Any, level: forward.Level, strict: bool, has_aux: bool) -> Any:
    aux = None
    if has_aux:
        output, aux = _pair(output, f"{_JVP}: ")
        aux = tree_map(lambda t: forward.strip(t, level)[0] if isinstance(t, Tensor) else t, aux)
    leaves, spec = tree_flatten(output)
    for y in leaves:
        if not isinstance(y, Tensor) and not (len(leaves) == 1 and y is None):
            raise RuntimeError(
                f"{_JVP}: expected f(*primals) to return only tensors, got unsupported type {type(y)}"
            )
    check_outputs(leaves, _JVP)
    primals, tangents = [], []
    for y in leaves:
        y, tangent = forward.strip(y, level)
        if tangent is None:
            if strict:
                raise RuntimeError(
                    "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. "
                    "This is not allowed with strict=True."
                )
            tangent = T.zeros_like(y)
        primals.append(y)
        tangents.append(tangent)
    found = tree_unflatten(primals, spec), tree_unflatten(tangents, spec)
    return (*found, aux) if has_aux else found


def _check_tensors(leaves: list[Any], name: str) -> None:
    if not leaves:
        raise RuntimeError(f"{_JVP}: Expected {name} to contain at least one Tensor.")
    for x in leaves:
        if not isinstance(x, Tensor):
            raise RuntimeError(f"{_JVP}: Expected {name} to only contain Tensors, got {type(x)}")


# --- linearize -----------------------------------------------------------------------------------


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """``(func(*primals), jvp_fn)``: ``jvp_fn(*tangents)`` is linear and does not run ``func`` again.

    It is the transpose of the function's ``vjp``, which is linear in the cotangents.
    """
    with _differentiating() as transform:
        run = _Run(func, None, primals, {}, transform)
        leaves, spec = tree_flatten(run.output)
        result = run.outside(run.output)
        with enable_grad():
            dummies = [_dummy(y) for y in leaves]
            back = run.gradients(leaves, dummies, create_graph=True)
        run.keep_graph([*leaves, *back])

    def jvp_fn(*tangents: Any) -> Any:
        given, given_spec = tree_flatten(tangents)
        if given_spec != run.spec:
            raise RuntimeError(
                f"Expected the tangents {given_spec} to have the same argspec as the primals {run.spec}"
            )
        for i, (t, x) in enumerate(zip(given, run.inputs, strict=True)):
            for what in ("shape", "device", "dtype"):
                if getattr(t, what) != getattr(x, what):
                    raise RuntimeError(
                        f"tangent:{i} with {what} {getattr(t, what)} in flattened pytree doesn't "
                        f"match the {what} {getattr(x, what)} of the corresponding primal."
                    )
        pairs = [(b, t) for b, t in zip(back, given, strict=True) if b._rg]
        found: Sequence[Any] = [None] * len(leaves)
        if pairs:
            found = autograd_grad(
                [b for b, _ in pairs], dummies, [t for _, t in pairs], retain_graph=True,
                create_graph=any(t._rg for t in given), allow_unused=True,
            )  # fmt: skip
        made = [T.zeros_like(y) if g is None else g for g, y in zip(found, leaves, strict=True)]
        return tree_unflatten(made, spec)

    return result, jvp_fn


def _dummy(y: Tensor) -> Tensor:
    made = T.zeros_like(y)
    made._rg = True
    return made
