"""``torch.autograd.functional``: Jacobians and products with them, by walking the tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..api import torch as T
from ..core.modes import enable_grad
from ..core.tensor import Tensor
from .backward import grad


def _tuple(x: Any) -> tuple[bool, tuple[Any, ...]]:
    return (True, tuple(x)) if isinstance(x, (tuple, list)) else (False, (x,))


def _fresh(inputs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    if create_graph:
        return tuple(
            x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in inputs
        )  # type: ignore[attr-defined]
    return tuple(x.detach().requires_grad_() for x in inputs)


def _evaluate(func: Callable[..., Any], inputs: Any, create_graph: bool) -> Any:
    many_in, xs = _tuple(inputs)
    xs = _fresh(xs, create_graph)
    many_out, ys = _tuple(func(*xs))
    return many_in, xs, many_out, ys


def _same(x: Tensor, create_graph: bool) -> Tensor:
    return x if create_graph else x.detach()


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> Any:
    """``(func(*inputs), v^T J)``."""
    with enable_grad():
        many_in, xs, many_out, ys = _evaluate(func, inputs, create_graph)
        vs = None if v is None else list(_tuple(v)[1])
        found = grad(
            ys,
            xs,
            vs,
            create_graph=create_graph,
            allow_unused=not strict,
            materialize_grads=not strict,
        )
    found = tuple(_same(g, create_graph) for g in found)
    ys = tuple(_same(y, create_graph) for y in ys)
    return (ys if many_out else ys[0]), (found if many_in else found[0])


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> Any:
    """``(func(*inputs), J v)``, by the double-backward trick."""
    with enable_grad():
        many_in, xs, many_out, ys = _evaluate(func, inputs, create_graph)
        vs = [T.ones_like(x) for x in xs] if v is None else list(_tuple(v)[1])
        dummies = [T.zeros_like(y).requires_grad_() for y in ys]
        back = grad(ys, xs, dummies, create_graph=True, allow_unused=True, materialize_grads=True)
        used = [(b, w) for b, w in zip(back, vs, strict=True) if b.requires_grad]
        if used:
            found = grad([b for b, _ in used], dummies, [w for _, w in used], create_graph=create_graph,
                         allow_unused=True, materialize_grads=True)  # fmt: skip
        else:
            found = tuple(T.zeros_like(y) for y in ys)
    found = tuple(_same(g, create_graph) for g in found)
    ys = tuple(_same(y, create_graph) for y in ys)
    return (ys if many_out else ys[0]), (found if many_out else found[0])


def jacobian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """d func / d inputs: ``output shape + input shape`` per pair."""
    with enable_grad():
        many_in, xs, many_out, ys = _evaluate(func, inputs, create_graph)
        rows = []
        for y in ys:
            flat = y.reshape(-1)  # type: ignore[attr-defined]
            cells = [
                grad(flat[i], xs, retain_graph=True, create_graph=create_graph, allow_unused=True,
                     materialize_grads=True)
                for i in range(flat.numel())
            ] if y.requires_grad else [tuple(T.zeros_like(x) for x in xs)] * flat.numel()  # fmt: skip
            rows.append(tuple(
                T.stack([c[k] for c in cells]).reshape(tuple(y.shape) + tuple(x.shape))
                if cells else T.zeros(tuple(y.shape) + tuple(x.shape), dtype=x.dtype)
                for k, x in enumerate(xs)
            ))  # fmt: skip
    rows = [tuple(_same(g, create_graph) for g in row) for row in rows]
    if many_in:
        return tuple(rows) if many_out else rows[0]
    return tuple(r[0] for r in rows) if many_out else rows[0][0]


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The second derivatives of a scalar function."""

    def gradient(*xs: Tensor) -> Any:
        many, found = jacobian_of_scalar(func, xs)
        return found if many else found[0]

    many_in, xs = _tuple(inputs)
    found = jacobian(gradient, xs, create_graph=create_graph)
    if many_in:
        return found if isinstance(found[0], tuple) else (found,)
    return found[0] if isinstance(found, tuple) else found


def jacobian_of_scalar(
    func: Callable[..., Any], xs: tuple[Tensor, ...]
) -> tuple[bool, tuple[Tensor, ...]]:
    """The gradient of a scalar function, differentiable again."""
    y = func(*xs)
    if y.numel() != 1:
        raise RuntimeError(
            "The Tensor returned by the function given to hessian should contain a single element"
        )
    found = grad(y.reshape(()), xs, create_graph=True, allow_unused=True, materialize_grads=True)
    return len(xs) > 1, found


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> Any:
    """``(func, v^T H)``."""
    many, xs = _tuple(inputs)
    vs = [T.ones_like(x) for x in xs] if v is None else list(_tuple(v)[1])
    with enable_grad():
        fresh = _fresh(xs, create_graph)
        y = func(*fresh)
        first = grad(y, fresh, create_graph=True, allow_unused=True, materialize_grads=True)
        used = [(g, w) for g, w in zip(first, vs, strict=True) if g.requires_grad]
        found: Any = tuple(T.zeros_like(x) for x in xs)
        if used:
            found = grad(
                [g for g, _ in used],
                fresh,
                [w for _, w in used],
                create_graph=create_graph,
                allow_unused=True,
                materialize_grads=True,
            )
    found = tuple(_same(g, create_graph) for g in found)
    return _same(y, create_graph), (found if many else found[0])


hvp = vhp  # the Hessian is symmetric
