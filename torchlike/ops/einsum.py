"""Contractions named by subscripts, and products of more than two matrices."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..core.errors import check, shape_text
from ..core.registry import Array, op
from .accumulate import type_name, widened
from .elementwise import only_tensors

_LETTERS = string.ascii_uppercase + string.ascii_lowercase


def _sublists(args: Sequence[Any]) -> tuple[str, list[Any]]:
    """``einsum(a, [0, 1], b, [1, 2], [0, 2])`` as an equation and its operands."""
    operands, terms = list(args[: len(args) // 2 * 2 : 2]), list(args[1::2])
    output = args[-1] if len(args) % 2 else None

    def text(labels: Sequence[Any]) -> str:
        found = ""
        for label in labels:
            if label is Ellipsis:
                found += "..."
                continue
            check(
                0 <= label < 52,
                f"einsum(): not within the valid range [0, 52): subscript {label}",
                ValueError,
            )
            found += _LETTERS[label]
        return found

    equation = ",".join(text(t) for t in terms)
    return (equation if output is None else f"{equation}->{text(output)}"), operands


def _spellings(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    """Operands one by one or as a list; equation as text or as sublists."""
    if args and isinstance(args[0], str):
        equation, operands = args[0], list(args[1:])
    elif "equation" in kwargs:
        return "einsum", args, kwargs
    else:
        check(len(args) >= 2, "einsum(): must specify the equation string and at least one "
        "operand, or "
              "at least one operand and its subscripts list", ValueError)  # fmt: skip
        equation, operands = _sublists(args)
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = list(operands[0])
    return "einsum", (equation, operands), kwargs


def _labels(term: str, where: str) -> list[str]:
    """The subscripts of one operand, with ``...`` as one of them."""
    found: list[str] = []
    i = 0
    while i < len(term):
        c = term[i]
        if c == " ":
            pass
        elif c == ".":
            check(
                term[i : i + 3] == "..." and "..." not in found,
                f"einsum(): found '.' {where} that is not part of any ellipsis",
            )
            found.append("...")
            i += 2
        else:
            check(
                c in _LETTERS,
                f"einsum(): invalid subscript given at index {i} in the equation string, "
                "subscripts must "
                "be in [a-zA-Z]",
            )
            found.append(c)
        i += 1
    return found


def _check_operand(
    i: int, labels: list[str], shape: tuple[int, ...], sizes: dict[str, int]
) -> None:
    named = [c for c in labels if c != "..."]
    if "..." in labels:
        check(
            len(named) <= len(shape),
            f"einsum(): the number of subscripts in the equation ({len(named)}) is more than the "
            "number "
            f"of dimensions ({len(shape)}) for operand {i}",
        )
    else:
        check(
            len(named) == len(shape),
            f"einsum(): the number of subscripts in the equation ({len(named)}) does not match the "
            f"number of dimensions ({len(shape)}) for operand {i} and no ellipsis was given",
        )
    cut = labels.index("...") if "..." in labels else len(labels)
    tail = len(named) - cut
    ends = shape[:cut] + (shape[len(shape) - tail :] if tail else ())
    here: dict[str, int] = {}
    for c, n in zip(named, ends, strict=True):
        check(
            here.setdefault(c, n) == n,
            f"einsum(): subscript {c} is repeated for operand {i} but the sizes don't match, {n} "
            f"!= {here[c]}",
        )
        seen = sizes.get(c, 1)
        check(
            n == seen or n == 1 or seen == 1,
            f"einsum(): subscript {c} has size {n} for operand {i} which does not broadcast with "
            f"previously seen size {seen}",
        )
        sizes[c] = max(seen, n) if n and seen else 0


def _output(text: str | None, terms: list[list[str]]) -> str:
    flat = [c for t in terms for c in t]
    if text is None:
        once = sorted(c for c in set(flat) if c != "..." and flat.count(c) == 1)
        return ("..." if "..." in flat else "") + "".join(once)
    labels = _labels(text, "for the output")
    for c in labels:
        check(
            labels.count(c) == 1,
            f"einsum(): output subscript {c} appears more than once in the output",
        )
        check(
            c in flat or c == "...",
            f"einsum(): output subscript {c} does not appear in the equation for any input operand",
        )
    return "".join(labels)


def _normal_equation(equation: str, shapes: list[tuple[int, ...]]) -> tuple[str, bool]:
    """The equation with an explicit output, checked; and whether an ellipsis is summed."""
    left, arrow, right = equation.partition("->")
    terms = [_labels(t, f"for operand {i}") for i, t in enumerate(left.split(","))]
    check(
        len(terms) <= len(shapes),
        "einsum(): fewer operands were provided than specified in the equation",
    )
    check(
        len(terms) >= len(shapes),
        "einsum(): more operands were provided than specified in the equation",
    )
    sizes: dict[str, int] = {}
    for i, (labels, shape) in enumerate(zip(terms, shapes, strict=True)):
        _check_operand(i, labels, shape, sizes)
    out = _output(right if arrow else None, terms)
    dropped = "..." not in out and any("..." in t for t in terms)
    if dropped:  # PyTorch sums over the dims of an ellipsis that the output lacks
        out = "..." + out
    return ",".join("".join(t) for t in terms) + "->" + out, dropped


@op(method=False, resolve=_spellings, grad_name="ViewBackward0")
def einsum(equation: str, operands: Sequence[Array]) -> Array:
    """Sum of products over the subscripts that the output lacks; dims of 1 are broadcast."""
    check(len(operands) > 0, "einsum(): must provide at least one operand")
    found, dropped = _normal_equation(equation, [x.shape for x in operands])
    first = operands[0]
    for x in operands[1:]:
        check(
            x.dtype == first.dtype,
            f"expected scalar type {type_name(first)} but found {type_name(x)}",
        )
    if len(operands) == 1 and first.dtype == np.bool_:
        to = np.dtype(np.int64) if _sums(found) else first.dtype
        return jnp.einsum(found, first.astype(np.int64)).astype(to)
    total = jnp.einsum(found, *(widened(x) for x in operands))
    if dropped:
        named = len(found.partition("->")[2]) - 3
        total = jnp.sum(total, axis=tuple(range(total.ndim - named)))
    summed_integer = len(operands) == 1 and np.issubdtype(first.dtype, np.integer) and _sums(found)
    return total.astype(np.int64 if summed_integer else first.dtype)


def _sums(equation: str) -> bool:
    left, _, right = equation.partition("->")
    return bool(set(left) - set(right) - {","})


# ---------------------------------------------------------------- tensordot


def _dims_of(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    """``dims`` as a number, a pair of lists or a tensor of both, as tuples."""
    place = "kwargs" if "dims" in kwargs else ("args" if len(args) > 2 else None)
    dims = kwargs.get("dims", args[2] if len(args) > 2 else 2)
    if hasattr(dims, "tolist"):
        dims = dims.tolist()
    if isinstance(dims, (list, tuple)):
        a, b = ((d,) if isinstance(d, int) else tuple(d) for d in dims)
        dims = (a, b)
    if place == "args":
        args = (*args[:2], dims, *args[3:])
    else:
        kwargs = {**kwargs, "dims": dims}
    return "tensordot", args, kwargs


@op(
    types=only_tensors("tensordot", "a", "b"),
    out=True,
    method=False,
    resolve=_dims_of,
    grad_name="ViewBackward0",
)
def tensordot(a: Array, b: Array, dims: int | tuple[tuple[int, ...], tuple[int, ...]] = 2) -> Array:
    """Sums over the last ``dims`` of one and the first of the other, or over given pairs."""
    if isinstance(dims, int):
        check(dims >= 0, f"tensordot expects dims >= 0, but got dims={dims}")
        check(
            dims <= min(a.ndim, b.ndim),
            f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}",
        )
        left, right = tuple(range(-dims, 0)), tuple(range(dims))
    else:
        left, right = dims
    check(len(left) == len(right), "both dimension lists should have same length")
    check(a.dtype == b.dtype, "both inputs should have same dtype")
    x, y = a, b
    for i, j in zip(left, right, strict=True):
        n, m = a.shape[i], b.shape[j]
        check(
            n == m or n == 1 or m == 1,
            f"contracted dimensions need to match, but first has size {n} in dim {i} and second "
            "has "
            f"size {m} in dim {j}",
        )
        if n != m:  # a dim of 1 stands for any: the other side is summed first
            x = jnp.sum(x, axis=i, keepdims=True) if m == 1 else x
            y = jnp.sum(y, axis=j, keepdims=True) if n == 1 else y
    return jnp.tensordot(widened(x), widened(y), axes=(left, right)).astype(a.dtype)


@op(
    types=only_tensors("kron", "input", "other"),
    out=True,
    promote="default",
    grad_name="UnsafeViewBackward0",
)
def kron(input: Array, other: Array) -> Array:
    """Every element of one times the whole other, in blocks.  ``(*N), (*M) -> (*N M)``"""
    ndim = max(input.ndim, other.ndim)
    a = input.reshape((1,) * (ndim - input.ndim) + input.shape)
    b = other.reshape((1,) * (ndim - other.ndim) + other.shape)
    pairs = a.reshape([n for size in a.shape for n in (size, 1)])
    pairs = pairs * b.reshape([n for size in b.shape for n in (1, size)])
    return pairs.reshape([n * m for n, m in zip(a.shape, b.shape, strict=True)])


# ---------------------------------------------------------------- chains


def _as_list(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    matrices = (
        list(args[0]) if len(args) == 1 and isinstance(args[0], (list, tuple)) else list(args)
    )
    return "chain_matmul", (matrices,), kwargs


@op(out=True, method=False, resolve=_as_list, grad_name="ViewBackward0")
def chain_matmul(matrices: Sequence[Array]) -> Array:
    """Product of matrices in the cheapest order.  ``(N0, N1), (N1, N2), … -> (N0, Nk)``"""
    check(len(matrices) > 0, "chain_matmul(): Expected one or more matrices")
    for m in matrices:
        check(m.ndim == 2, f"Tensor dimension is {m.ndim}, expected 2 instead.")
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


def _cheapest(sizes: list[int]) -> list[list[int]]:
    """Where to split the product of matrices i..j for the fewest multiplications."""
    count = len(sizes) - 1
    cost = [[0] * count for _ in range(count)]
    split = [[0] * count for _ in range(count)]
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            options = [
                (cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            ]
            cost[i][j], split[i][j] = min(options)
    return split


@op(out=True, namespaces=("linalg",), method=False, grad_name="ViewBackward0")
def multi_dot(tensors: Sequence[Array]) -> Array:
    """Product of matrices in the cheapest order; first and last may be vectors."""
    count = len(tensors)
    check(count >= 2, f"multi_dot(): expected at least 2 tensors but got {count}")
    first, last = tensors[0], tensors[-1]
    for name, x in (("first", first), ("last", last)):
        check(
            x.ndim in (1, 2), f"multi_dot(): the {name} tensor must be 1D or 2D but got {x.ndim}D"
        )
    chain = [first[None] if first.ndim == 1 else first, *tensors[1:-1]]
    chain.append(last[:, None] if last.ndim == 1 else last)
    for i, x in enumerate(chain):
        check(x.ndim == 2, f"multi_dot(): tensor {i} must be 2D but got {x.ndim}D")
        check(
            x.dtype == first.dtype,
            "multi_dot(): all tensors must have be the same dtype but tensor 0 is "
            f"{type_name(first)} "
            f"and tensor {i} {type_name(x)}",
        )
    for i in range(count - 1):
        a, b = chain[i], chain[i + 1]
        check(
            a.shape[1] == b.shape[0],
            f"multi_dot(): tensors {i} and {i + 1} with shapes {shape_text(tensors[i].shape)} and "
            f"{shape_text(tensors[i + 1].shape)} cannot be multiplied",
        )
    split = _cheapest([chain[0].shape[0], *(x.shape[1] for x in chain)])

    def product(i: int, j: int) -> Array:
        if i == j:
            return widened(chain[i])
        k = split[i][j]
        return jnp.matmul(product(i, k), product(k + 1, j))

    found = product(0, count - 1).astype(first.dtype)
    drop = tuple(i for i, x in enumerate((first, last)) if x.ndim == 1)
    return jnp.squeeze(found, drop)
