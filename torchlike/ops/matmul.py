"""Products of vectors, matrices and batches of them.

Float32 products run at JAX's ``jax_default_matmul_precision``; halves accumulate in float32.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..core.errors import not_implemented_for, shape_text
from ..core.registry import Array, Scalar, op
from ..core.shapes import broadcast_two, normal_dim
from .accumulate import cpp_name, type_name, widened
from .elementwise import only_tensors


def product(a: Array, b: Array) -> Array:
    """``a @ b`` of equal dtypes, both at least 1-d and already checked."""
    return jnp.matmul(widened(a), widened(b)).astype(a.dtype)


def scaled(x: Array, by: Array) -> Array:
    """``by * x`` in x's dtype; a fractional number is cut for integers, as PyTorch does."""
    return x * by.astype(x.dtype)


def plus_scaled(input: Array, beta: Array, product: Array, alpha: Array) -> Array:
    """``beta * input + alpha * product``; a beta of 0 drops NaN and inf of the input."""
    kept = scaled(widened(input), beta)
    kept = jnp.where(beta == 0, jnp.zeros((), kept.dtype), kept)
    return (kept + scaled(widened(product), alpha)).astype(product.dtype)


def expanded(x: Array, shape: tuple[int, ...]) -> Array:
    """Broadcast to ``shape``.

    Raises:
        RuntimeError: ``expand``'s.
    """
    if x.ndim > len(shape):
        raise RuntimeError(
            f"expand(torch.FloatTensor{{{shape_text(x.shape)}}}, size={shape_text(shape)}): the "
            "number of "
            f"sizes provided ({len(shape)}) must be greater or equal to the number of dimensions "
            "in "
            f"the tensor ({x.ndim})"
        )
    lead = len(shape) - x.ndim
    for i, n in reversed(list(enumerate(x.shape))):
        if n not in (1, shape[lead + i]):
            raise RuntimeError(
                f"The expanded size of the tensor ({shape[lead + i]}) must match the existing "
                f"size ({n}) "
                f"at non-singleton dimension {lead + i}.  Target sizes: {shape_text(shape)}.  "
                f"Tensor sizes: {shape_text(x.shape)}"
            )
    return jnp.broadcast_to(x, shape)


def _check_mm(a: Array, b: Array) -> None:
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and "
            f"{b.shape[0]}x{b.shape[1]})"
        )
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {cpp_name(a)} != {cpp_name(b)}"
        )
    _refuse_bool("addmm_impl_cpu_", a)


def _refuse_bool(kernel: str, a: Array) -> None:
    if a.dtype == np.bool_:
        raise not_implemented_for(kernel, "Bool")


@op(types=only_tensors("mm", "input", "mat2"), out=True)
def mm(input: Array, mat2: Array) -> Array:
    """Matrix product.  ``(N, K), (K, M) -> (N, M)``"""
    if input.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    _check_mm(input, mat2)
    return product(input, mat2)


def _check_bmm(a: Array, b: Array, names: tuple[str, str] = ("batch1", "batch2")) -> None:
    for x, name in zip((a, b), names, strict=True):
        if x.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    if b.shape[0] != a.shape[0] or b.shape[1] != a.shape[2]:
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{a.shape[0]}, {a.shape[2]}] but got: [{b.shape[0]}, {b.shape[1]}]."
        )


@op(types=only_tensors("bmm", "input", "mat2"), out=True)
def bmm(input: Array, mat2: Array) -> Array:
    """Matrix product of each pair.  ``(B, N, K), (B, K, M) -> (B, N, M)``"""
    _check_bmm(input, mat2)
    if input.dtype != mat2.dtype:
        raise RuntimeError(f"expected scalar type {type_name(input)} but found {type_name(mat2)}")
    _refuse_bool("bmm", input)
    return product(input, mat2)


def _check_mv(input_size: int, a: Array, v: Array) -> None:
    if a.shape[1] != v.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({input_size}), mat ({a.shape[0]}x{a.shape[1]}), vec "
            f"({v.shape[0]})"
        )


@op(types=only_tensors("mv", "input", "vec"), out=True)
def mv(input: Array, vec: Array) -> Array:
    """Matrix times vector.  ``(N, K), (K,) -> (N,)``"""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
    _check_mv(input.shape[0], input, vec)
    if input.dtype != vec.dtype:
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {type_name(vec)}, "
            f"{type_name(input)}, and {type_name(vec)}"
        )
    _refuse_bool("addmv_impl_cpu", input)
    return product(input, vec)


def _check_dot(name: str, a: Array, b: Array) -> None:
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {type_name(a)} and "
            f"{type_name(b)}"
        )
    if a.shape != b.shape:
        n, m = a.shape[0], b.shape[0]
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same "
            "number of "
            f"elements, but got {n} and {m} elements respectively"
        )
    _refuse_bool(name, a)


@op(types=only_tensors("dot", "input", "tensor"), out=True)
def dot(input: Array, tensor: Array) -> Array:
    """Sum of products, without conjugation.  ``(N,), (N,) -> ()``"""
    _check_dot("dot", input, tensor)
    return product(input, tensor)


@op(types=only_tensors("vdot", "input", "other"), out=True)
def vdot(input: Array, other: Array) -> Array:
    """Sum of products with ``input`` conjugated.  ``(N,), (N,) -> ()``"""
    _check_dot("vdot", input, other)
    return product(jnp.conj(input), other)


# ---------------------------------------------------------------- matmul


def _matmul_node(args: dict[str, Any]) -> str:
    a, b = args["input"].ndim, args["other"].ndim
    if a > 2 or b > 2:
        return "UnsafeViewBackward0"
    return {(1, 1): "DotBackward0", (2, 1): "MvBackward0", (1, 2): "SqueezeBackward4"}.get(
        (a, b), "MmBackward0"
    )


@op(
    types=only_tensors("matmul", "input", "other"),
    out=True,
    dunder="matmul",
    aliases=("linalg.matmul",),
    grad_name=_matmul_node,
)
def matmul(input: Array, other: Array) -> Array:
    """Product over the last dim of one and the last but one of the other, batches broadcast.

    ``(*, N, K), (*, K, M) -> (*, N, M)``; a 1-d operand is a row or column whose dim is dropped.
    """
    a, b = input, other
    if a.ndim == 0 or b.ndim == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D"
        )
    if a.ndim == 1 and b.ndim == 1:
        return dot(a, b)
    if a.ndim == 2 and b.ndim == 1:
        return mv(a, b)
    if a.ndim == 1 and b.ndim == 2:
        return mm(a[None], b)[0]
    if a.ndim == 2 and b.ndim == 2:
        return mm(a, b)
    if b.ndim <= 2:  # a stack of rows times one matrix is a single product
        rows = a.reshape(math.prod(a.shape[:-1]), a.shape[-1])
        if b.ndim == 1:
            return mv(rows, b).reshape(a.shape[:-1])
        return mm(rows, b).reshape(*a.shape[:-1], b.shape[1])
    if a.ndim == 1:
        return _batched(a[None], b)[..., 0, :]
    return _batched(a, b)


def _batched(a: Array, b: Array) -> Array:
    batch = broadcast_two(a.shape[:-2], b.shape[:-2])
    if a.shape[-1] != b.shape[-2]:
        n = math.prod(batch)
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{n}, {a.shape[-1]}] "
            f"but got: [{n}, {b.shape[-2]}]."
        )
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected scalar type {type_name(a)} but found {type_name(b)}")
    _refuse_bool("bmm", a)
    return product(a, b)


def _inner_node(args: dict[str, Any]) -> str:
    scalar = () in (args["input"].shape, args["other"].shape)
    return "MulBackward0" if scalar else "ViewBackward0"


@op(types=only_tensors("inner", "input", "other"), out=True, grad_name=_inner_node)
def inner(input: Array, other: Array) -> Array:
    """Products summed over the last dim of both.  ``(*, K), (+, K) -> (*, +)``"""
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{shape_text(input.shape)} and {shape_text(other.shape)}"
        )
    if input.dtype != other.dtype:
        raise RuntimeError(f"expected scalar type {type_name(input)} but found {type_name(other)}")
    _refuse_bool("dot", input)
    return jnp.tensordot(widened(input), widened(other), axes=(-1, -1)).astype(input.dtype)


@op(
    types=only_tensors("outer", "input", "vec2"),
    out=True,
    promote="default",
    aliases=("ger",),
    grad_name="MulBackward0",
)
def outer(input: Array, vec2: Array) -> Array:
    """``input[i] * vec2[j]``.  ``(N,), (M,) -> (N, M)``"""
    for x, name in ((input, "self"), (vec2, "vec2")):
        if x.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
    return input[:, None] * vec2


# ---------------------------------------------------------------- beta * input + alpha * product


def _same_dtypes(input: Array, a: Array, b: Array) -> None:
    if input.dtype != b.dtype:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {type_name(input)} and {type_name(b)}"
        )


@op(types=only_tensors("addmm", "input", "mat1", "mat2"), out=True, inplace=True)
def addmm(input: Array, mat1: Array, mat2: Array, *, beta: Scalar = 1, alpha: Scalar = 1) -> Array:
    """``beta input + alpha mat1 @ mat2``.  ``(N, M)~, (N, K), (K, M) -> (N, M)``"""
    for x, name in ((mat1, "mat1"), (mat2, "mat2")):
        if x.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {x.ndim}-D tensor")
    if mat1.shape[1] != mat2.shape[0]:
        _check_mm(mat1, mat2)
    _same_dtypes(input, mat1, mat2)
    _check_mm(mat1, mat2)
    base = expanded(input, (mat1.shape[0], mat2.shape[1]))
    return plus_scaled(base, beta, _wide_product(mat1, mat2), alpha).astype(mat1.dtype)


def _wide_product(a: Array, b: Array) -> Array:
    return jnp.matmul(widened(a), widened(b))


@op(types=only_tensors("addmv", "input", "mat", "vec"), out=True, inplace=True)
def addmv(input: Array, mat: Array, vec: Array, *, beta: Scalar = 1, alpha: Scalar = 1) -> Array:
    """``beta input + alpha mat @ vec``.  ``(N,)~, (N, K), (K,) -> (N,)``"""
    if mat.ndim != 2 or vec.ndim != 1 or input.ndim > 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got {input.ndim}, {mat.ndim}, {vec.ndim}"
        )
    n = 1 if input.ndim == 0 else input.shape[0]
    if mat.shape[1] != vec.shape[0] or n not in (1, mat.shape[0]):
        raise RuntimeError(
            f"size mismatch, got input ({n}), mat ({mat.shape[0]}x{mat.shape[1]}), vec "
            f"({vec.shape[0]})"
        )
    if not input.dtype == mat.dtype == vec.dtype:
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {type_name(input)}, "
            f"{type_name(mat)}, and {type_name(vec)}"
        )
    _refuse_bool("addmv_impl_cpu", mat)
    base = expanded(input, mat.shape[:1])
    return plus_scaled(base, beta, _wide_product(mat, vec), alpha).astype(mat.dtype)


@op(types=only_tensors("addr", "input", "vec1", "vec2"), out=True, inplace=True, promote="default")
def addr(input: Array, vec1: Array, vec2: Array, *, beta: Scalar = 1, alpha: Scalar = 1) -> Array:
    """``beta input + alpha vec1 vec2ᵀ``.  ``(N, M)~, (N,), (M,) -> (N, M)``"""
    for x, name in ((vec1, "vec1"), (vec2, "vec2")):
        if x.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {x.ndim}-D")
    base = expanded(input, (vec1.shape[0], vec2.shape[0]))
    if input.dtype == np.bool_:
        kept = base & beta.astype(np.bool_)
        return kept | (vec1[:, None] & vec2 & alpha.astype(np.bool_))
    both = widened(vec1)[:, None] * widened(vec2)
    return plus_scaled(base, beta, both, alpha).astype(vec1.dtype)


@op(types=only_tensors("addbmm", "input", "batch1", "batch2"), out=True, inplace=True)
def addbmm(
    input: Array, batch1: Array, batch2: Array, *, beta: Scalar = 1, alpha: Scalar = 1
) -> Array:
    """``beta input + alpha Σ_b batch1[b] @ batch2[b]``.

    ``(N, M)~, (B, N, K), (B, K, M) -> (N, M)``
    """
    if batch1.ndim == 3 and batch2.ndim == 3:
        expanded(input, (batch1.shape[1], batch2.shape[2]))
    for x, name in ((batch1, "batch1"), (batch2, "batch2")):
        if x.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    if batch1.shape[0] != batch2.shape[0]:
        raise RuntimeError(
            "batch1 and batch2 must have same number of batches, got "
            f"{batch1.shape[0]} and {batch2.shape[0]}"
        )
    if batch1.shape[2] != batch2.shape[1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for bmm ({batch1.shape[1]}x{batch1.shape[2]} and "
            f"{batch2.shape[1]}x{batch2.shape[2]})"
        )
    base = expanded(input, (batch1.shape[1], batch2.shape[2]))
    _equal_dtypes(input, batch1, batch2)
    total = jnp.tensordot(widened(batch1), widened(batch2), axes=((0, 2), (0, 1)))
    return plus_scaled(base, beta, total, alpha).astype(batch1.dtype)


def _equal_dtypes(input: Array, batch1: Array, batch2: Array) -> None:
    if not input.dtype == batch1.dtype == batch2.dtype:
        raise RuntimeError(
            f"Input dtypes must be the same, got: input {cpp_name(input)}, batch1: "
            f"{cpp_name(batch1)}, "
            f"batch2: {cpp_name(batch2)}"
        )
    _refuse_bool("baddbmm", batch1)


@op(types=only_tensors("baddbmm", "input", "batch1", "batch2"), out=True, inplace=True)
def baddbmm(
    input: Array, batch1: Array, batch2: Array, *, beta: Scalar = 1, alpha: Scalar = 1
) -> Array:
    """``beta input + alpha batch1 @ batch2``.  ``(B, N, M)~, (B, N, K), (B, K, M) -> (B, N, M)``"""
    if batch1.ndim == 3 and batch2.ndim == 3:
        base = expanded(input, (batch1.shape[0], batch1.shape[1], batch2.shape[2]))
    else:
        base = input
    _equal_dtypes(input, batch1, batch2)
    _check_bmm(batch1, batch2)
    return plus_scaled(base, beta, _wide_product(batch1, batch2), alpha).astype(batch1.dtype)


@op(
    types=only_tensors("linalg_vecdot", "x", "y"),
    out=True,
    promote="none",
    namespaces=("linalg",),
    method=False,
    grad_name="SumBackward1",
)
def vecdot(x: Array, y: Array, *, dim: int = -1) -> Array:
    """``Σ conj(x) y`` along ``dim``, broadcast.  ``(*, N), (*, N) -> (*)``"""
    if x.dtype != y.dtype:
        raise RuntimeError(
            "linalg.vecdot: Expected x and y to have the same dtype, but found x of type "
            f"{type_name(x)} and y of type {type_name(y)} instead"
        )
    both = widened(jnp.conj(x)) * widened(y)
    return jnp.sum(both, axis=normal_dim(dim, both.ndim)).astype(x.dtype)
