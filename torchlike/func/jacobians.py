"""``jacrev``, ``jacfwd`` and ``hessian``: ``vmap`` of ``vjp`` or ``jvp`` over a standard basis."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..api import torch as T
from ..core.build import from_host
from ..core.tensor import Tensor
from ..core.tree import TreeSpec, tree_flatten, tree_leaves, tree_map, tree_unflatten
from .arguments import sliced
from .differentiate import jvp_of, vjp_of
from .vmap import vmap


def _check_real(name: str, tree: Any, which: str) -> None:
    for i, t in enumerate(tree_leaves(tree)):
        if isinstance(t, Tensor) and t.is_complex():
            raise RuntimeError(
                f"{name}: Expected all {which} to be real but received complex tensor at flattened input "
                f"idx: {i}"
            )


def standard_basis(tensors: Sequence[Tensor], chunk_size: int | None) -> Iterator[list[Tensor]]:
    """The unit vectors of the tensors' joint space, some at a time: ``(chunk, *shape)`` each."""
    counts = [t.numel() for t in tensors]
    total = sum(counts)
    step = total if chunk_size is None else min(chunk_size, total)
    for start in range(0, total, step) if total else [0]:
        rows = min(step, total - start) if total else 0
        chunk = []
        first = start
        for t, n in zip(tensors, counts, strict=True):
            unit = np.eye(rows, n, first, t.dtype.np).reshape(rows, *t.shape)
            chunk.append(from_host(unit, device=t.device))
            first -= n
        yield chunk


def jacrev(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False,
    chunk_size: int | None = None, _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:  # fmt: skip
    """The function that computes the Jacobian of ``func``, ``chunk_size`` rows at a time.

    ``_preallocate_and_copy`` only says where PyTorch puts the chunks; XLA decides that itself.
    """
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def wrapper_fn(*args: Any) -> Any:
        _check_real("jacrev", args, "inputs")
        output, vjp_fn, *aux = vjp_of(func, args, argnums, has_aux)
        outputs, spec = tree_flatten(output)
        _check_real("jacrev", outputs, "outputs")
        primals, primals_spec = tree_flatten(sliced(args, argnums))
        chunks = [
            _rows(vjp_fn, basis, spec, chunk_size) for basis in standard_basis(outputs, chunk_size)
        ]
        counts = [y.numel() for y in outputs]
        columns = []
        for parts, x in zip(zip(*chunks, strict=True), primals, strict=True):
            rows = parts[0] if len(parts) == 1 else T.cat(parts, 0)
            pieces = T.split(rows, counts, 0)
            columns.append(
                [p.reshape((*y.shape, *x.shape)) for p, y in zip(pieces, outputs, strict=True)]
            )
        found = [_of_argnums(r, primals_spec, argnums) for r in zip(*columns, strict=True)]
        made = tree_unflatten(found, spec)
        return (made, aux[0]) if has_aux else made

    return wrapper_fn


def _rows(
    vjp_fn: Callable[..., Any], basis: list[Tensor], spec: TreeSpec, chunk_size: int | None
) -> list[Tensor]:
    if chunk_size == 1:
        row = vjp_fn(tree_unflatten([b.squeeze(0) for b in basis], spec))  # type: ignore[attr-defined]
        return [t.unsqueeze(0) for t in tree_leaves(row)]
    return tree_leaves(vmap(vjp_fn)(tree_unflatten(basis, spec)))


def _of_argnums(row: Sequence[Tensor], spec: TreeSpec, argnums: Any) -> Any:
    found = tree_unflatten(row, spec)
    return found[0] if isinstance(argnums, int) else found


def jacfwd(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False, *,
    randomness: str = "error",
) -> Callable[..., Any]:  # fmt: skip
    """The function that computes the Jacobian of ``func``, all columns at once."""

    @functools.wraps(func)
    def wrapper_fn(*args: Any) -> Any:
        _check_real("jacfwd", args, "inputs")
        primals, primals_spec = tree_flatten(args if argnums is None else sliced(args, argnums))
        (basis,) = standard_basis(primals, None)

        def push(directions: Any) -> Any:
            output, tangent, *aux = jvp_of(func, args, directions, argnums, has_aux=has_aux)
            _check_real("jacfwd", output, "outputs")
            return (tangent, aux[0]) if has_aux else tangent

        found = vmap(push, randomness=randomness)(tree_unflatten(basis, primals_spec))
        aux = None
        if has_aux:
            found, aux = found
            aux = tree_map(lambda t: t[0], aux)
        counts = [x.numel() for x in primals]
        outputs, spec = tree_flatten(found)
        rows = []
        for y in outputs:
            parts = T.split(T.movedim(y, 0, -1), counts, -1)
            row = [
                p.reshape((*p.shape[:-1], *x.shape)) for p, x in zip(parts, primals, strict=True)
            ]
            rows.append(_of_argnums(row, primals_spec, argnums))
        made = tree_unflatten(rows, spec)
        return (made, aux) if has_aux else made

    return wrapper_fn


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that computes the second derivatives of ``func``: forward over reverse mode."""
    return jacfwd(jacrev(func, argnums), argnums)
