"""Norms of vectors and matrices, condition number and rank."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.dtypes import COMPLEX, FLOATING, TYPE_NAMES, dtype
from ..core.errors import check
from ..core.promote import promote_types
from ..core.registry import Array, op, reduction
from ..core.shapes import normal_dim, normal_dims
from .accumulate import dead, is_complex, is_inexact, kind, type_name, widened
from .extrema import amax, amin, extreme

Dims = tuple[int, ...]
Order = float | str | None


def direction(x: Array) -> Array:
    """``x / |x|``, 0 at 0."""
    size = jnp.abs(x)
    return jnp.where(
        size == 0, jnp.zeros((), x.dtype), x / jnp.where(size == 0, 1, size).astype(x.dtype)
    )


def _power(size: Array, p: float) -> Array:
    return size ** jnp.asarray(p, size.dtype)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _p_norm(x: Array, p: float, dims: Dims) -> Array:
    """The reduced dims stay as 1."""
    size = jnp.abs(x)
    if p == 0:
        return jnp.sum(x != 0, axis=dims, keepdims=True).astype(size.dtype)
    if p == 1:
        return jnp.sum(size, axis=dims, keepdims=True)
    if p == 2:
        squares = jnp.real(x * jnp.conj(x)) if is_complex(x) else x * x
        return jnp.sqrt(jnp.sum(squares, axis=dims, keepdims=True))
    if math.isinf(p):
        return extreme(size, dims, p > 0)
    return _power(jnp.sum(_power(size, p), axis=dims, keepdims=True), 1 / p)


@_p_norm.defjvp
def _p_norm_jvp(p: float, dims: Dims, primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    y = _p_norm(x, p, dims)

    def total(weight: Array) -> Array:
        part = jnp.real(jnp.conj(weight) * t) if is_complex(x) else weight * t
        return jnp.sum(part, axis=dims, keepdims=True)

    if p == 0:
        return y, jnp.zeros_like(y)
    if p == 1:
        return y, total(direction(x))
    safe = jnp.where(y == 0, jnp.ones((), y.dtype), y)
    if p == 2:  # at 0 PyTorch's slope is 0
        return y, dead(y == 0, total(x) / safe)
    size = jnp.abs(x)
    if math.isinf(p):
        mask = (size == y) | (jnp.isnan(size) & jnp.isnan(y))
        count = jnp.sum(mask, axis=dims, keepdims=True).astype(y.dtype)
        return y, total(dead(~mask, direction(x))) / count
    if p < 1:
        one = jnp.ones((), size.dtype)
        slope = dead(
            size == 0, direction(x) * _power(jnp.where(size == 0, one, size), p - 1).astype(x.dtype)
        )
        return y, total(slope) * _power(safe, 1 - p)
    if p < 2:
        return y, dead(
            y == 0, total(direction(x) * _power(size, p - 1).astype(x.dtype)) * _power(safe, 1 - p)
        )
    return y, dead(y == 0, total(x * _power(size, p - 2).astype(x.dtype)) / _power(safe, p - 1))


def _norm_dtype(name: str, x: Array, wanted: dtype | None) -> Array:
    """``x`` in the dtype it is measured in.

    Raises:
        RuntimeError: integers, or a ``dtype`` of another category.
    """
    check(
        is_inexact(x),
        f"{name}: Expected a floating point or complex tensor as input. Got {type_name(x)}",
    )
    if wanted is None:
        return x
    text = TYPE_NAMES[wanted.name]
    check(
        wanted.category in (FLOATING, COMPLEX),
        f"{name}: dtype should be floating point or complex, but got {text}",
    )
    what = "complex" if is_complex(x) else "real"
    check(
        wanted.is_complex == is_complex(x),
        f"{name}: dtype should be {what} for {what} inputs, but got {text}",
    )
    check(
        promote_types(kind(x), wanted) is wanted,
        f"{name}: the dtype of the input ({type_name(x)}) should be convertible without "
        "narrowing to "
        f"the specified dtype ({text})",
    )
    return x.astype(wanted.np)


def _check_identity(x: Array, ord: float, dim: int | Dims | None) -> None:
    """An empty maximum has no value; neither has a negative norm of nothing."""
    if x.size or not (ord < 0 or math.isinf(ord)):
        return
    text = f"{ord:g}"
    check(
        dim is not None and dim != (),
        f"linalg.vector_norm cannot compute the {text} norm on an empty tensor because the "
        "operation "
        "does not have an identity",
    )
    for d in normal_dims(dim, x.ndim):
        check(
            x.shape[d] != 0,
            f"linalg.vector_norm cannot compute the {text} norm on the dimension {d}because this "
            "dimension is empty and the operation does not have an identity",
        )


def _squeezed(x: Array, dims: Dims, keepdim: bool) -> Array:
    return x if keepdim else jnp.squeeze(x, dims)


@reduction(namespaces=("linalg",), method=False, grad_name="LinalgVectorNormBackward0")
def vector_norm(
    input: Array,
    ord: float = 2,
    dim: int | Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Array:
    """``(Σ |x|^ord)^(1/ord)`` over ``dim``; its gradient at 0 is 0.  ``(*) -> reduced``"""
    x = _norm_dtype("linalg.vector_norm", input, dtype)
    dims = normal_dims(dim, x.ndim)
    _check_identity(x, ord, dim)
    to = jnp.real(x).dtype
    return _squeezed(_p_norm(widened(x), float(ord), dims), dims, keepdim).astype(to)


# ---------------------------------------------------------------- matrices


def singular_values(x: Array) -> Array:
    """Of the last two dims, falling.  ``(*, N, M) -> (*, min(N, M))``"""
    from .linalg_decomp import svd_parts

    return svd_parts(x, False)[1]


def _matrix_order(ord: float | str) -> float | str:
    known = ("fro", "nuc") if isinstance(ord, str) else (1, 2, math.inf)
    found = ord if isinstance(ord, str) else abs(ord)
    text = ord if isinstance(ord, str) else f"{ord:g}"
    check(found in known, f"linalg.matrix_norm: Order {text} not supported.")
    return ord


def _check_matrix_norm(x: Array, dim: Dims) -> Dims:
    check(x.ndim >= 2, "linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    check(
        len(dim) == 2,
        "linalg.matrix_norm: dim must be a 2-tuple. Got " + " ".join(str(d) for d in dim),
    )
    dims = tuple(normal_dim(d, x.ndim) for d in dim)
    check(
        dims[0] != dims[1], f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})"
    )
    return dims


def _matrix_norm_node(args: dict[str, Any]) -> str:
    ord = args.get("ord")
    if isinstance(ord, str) or ord is None:
        return "SumBackward1" if ord == "nuc" else "LinalgVectorNormBackward0"
    return "AmaxBackward0" if ord > 0 else "AminBackward0"


@reduction(namespaces=("linalg",), method=False, grad_name=_matrix_norm_node)
def matrix_norm(
    input: Array,
    ord: float | str = "fro",
    dim: Dims = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Array:
    """Norm of the matrices in two dims: fro, nuc, ±1, ±2, ±inf.  ``(*, N, M) -> (*)``"""
    _matrix_order(ord)
    dims = _check_matrix_norm(input, dim)
    if ord == "fro":
        _norm_dtype("linalg.matrix_norm", input, dtype)
        return vector_norm(input, 2, dims, keepdim, dtype=dtype)
    x = _norm_dtype("linalg.matrix_norm", input, dtype)
    if ord == "nuc" or abs(ord) == 2:  # type: ignore[arg-type]
        check(
            kind(x).itemsize > 2,
            f"linalg.matrix_norm: Low precision dtypes not supported. Got {type_name(x)}",
        )
        matrices = jnp.moveaxis(x, dims, (-2, -1))
        values = singular_values(matrices)
        found = jnp.sum(values, axis=-1) if ord == "nuc" else _largest(values, ord, -1)
        return jnp.expand_dims(found, sorted(dims)) if keepdim else found
    rows, columns = dims if abs(ord) == 1 else dims[::-1]  # type: ignore[arg-type]
    sums = vector_norm(x, 1, rows, True)
    return _squeezed(_largest(sums, ord, columns, True), dims, keepdim)


def _largest(x: Array, ord: Any, dim: int, keepdim: bool = False) -> Array:
    if ord < 0:
        return amin(x, dim, keepdim)
    if x.shape[dim] == 0:  # the largest of no norms is 0
        return jnp.sum(x, axis=dim, keepdims=keepdim)
    return amax(x, dim, keepdim)


def _norm_node(args: dict[str, Any]) -> str:
    ord, dim = args.get("ord"), args.get("dim")
    matrix = (
        args["input"].ndim == 2 if dim is None else isinstance(dim, (tuple, list)) and len(dim) == 2
    )
    if ord is None or (not isinstance(ord, str) and not matrix):
        return "LinalgVectorNormBackward0"
    return _matrix_norm_node(args)


@reduction(name="norm", namespaces=("linalg",), method=False, grad_name=_norm_node)
def linalg_norm(
    input: Array,
    ord: float | str | None = None,
    dim: int | Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Array:
    """Vector norm over one dim or without ``ord``; matrix norm over two.  ``(*) -> reduced``"""
    if dim is not None:
        count = 1 if isinstance(dim, int) else len(dim)
        check(
            count in (1, 2),
            "linalg.norm: If dim is specified, it must be of length 1 or 2. Got "
            f"{list(dim) if not isinstance(dim, int) else dim}",
        )
    elif ord is not None:
        check(
            input.ndim in (1, 2),
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
            f"{input.ndim}D.",
        )
    if isinstance(ord, str):
        dims = (
            tuple(range(input.ndim)) if dim is None else ((dim,) if isinstance(dim, int) else dim)
        )
        if dim is None and input.ndim < 2:
            dims = (-2, -1)
        return matrix_norm(input, ord, dims, keepdim, dtype=dtype)
    two = input.ndim == 2 if dim is None else not isinstance(dim, int) and len(dim) == 2
    if ord is not None and two:
        return matrix_norm(input, ord, (0, 1) if dim is None else dim, keepdim, dtype=dtype)
    return vector_norm(input, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


def _torch_norm_node(args: dict[str, Any]) -> str:
    return "SumBackward1" if args.get("p") == "nuc" else "LinalgVectorNormBackward0"


@reduction(grad_name=_torch_norm_node)
def norm(
    input: Array,
    p: float | str | None = "fro",
    dim: int | Dims | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Array:
    """p-norm of the elements over ``dim``; ``"nuc"`` is the matrices'.  ``(*) -> reduced``"""
    if isinstance(p, str):
        dims = () if dim is None else ((dim,) if isinstance(dim, int) else tuple(dim))
        if p == "fro" and len(dims) <= 2:
            return vector_norm(input, 2, dims, keepdim, dtype=dtype)
        every = dims if dim is not None else tuple(range(input.ndim))
        return matrix_norm(input, p, every, keepdim, dtype=dtype)
    return vector_norm(input, 2.0 if p is None else p, dim, keepdim, dtype=dtype)


@reduction(method=False, grad_name="NormBackward1")
def frobenius_norm(input: Array, dim: int | Dims = (), keepdim: bool = False) -> Array:
    """Root of the sum of squares.  ``(*) -> reduced``"""
    return vector_norm(input, 2, dim, keepdim)


@reduction(method=False, grad_name="SumBackward1")
def nuclear_norm(input: Array, dim: Dims | None = None, keepdim: bool = False) -> Array:
    """Sum of the singular values.  ``(*, N, M) -> (*)``"""
    return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim)


@op(method=False, grad_name="ViewBackward0")
def norm_except_dim(v: Array, pow: int = 2, dim: int = 0) -> Array:
    """Norm of each slice along ``dim``, the other dims kept as 1.  ``(*) -> (1, …, N, …, 1)``"""
    if dim == -1:
        return vector_norm(v, pow)
    check(
        dim in (0, v.ndim - 1),
        f"norm_except_dim: dim must be 0 or the last one, but got {dim}",
    )
    return vector_norm(v, pow, tuple(i for i in range(v.ndim) if i != dim), True)


# ---------------------------------------------------------------- condition, rank


def check_matrix(name: str, x: Array, argument: str = "A") -> None:
    check(x.ndim >= 2, f"{name}: The input tensor {argument} must have at least 2 dimensions.")


def check_square(name: str, x: Array, argument: str = "A") -> None:
    check_matrix(name, x, argument)
    check(
        x.shape[-1] == x.shape[-2],
        f"{name}: {argument} must be batches of square matrices, but they are {x.shape[-2]} by "
        f"{x.shape[-1]} matrices",
    )


def check_full_precision(name: str, x: Array) -> None:
    """LAPACK's types only."""
    check(
        is_inexact(x),
        f"{name}: Expected a floating point or complex tensor as input. Got {type_name(x)}",
    )
    check(kind(x).itemsize > 2, f"{name}: Low precision dtypes not supported. Got {type_name(x)}")


def _cond_order(p: Order) -> str:
    return p if isinstance(p, str) else f"{p:g}"


@op(namespaces=("linalg",), method=False, out=True, grad_name="SqueezeBackward1")
def cond(input: Array, p: float | str | None = None) -> Array:
    """``‖A‖ ‖A⁻¹‖``; inf for a singular matrix.  ``(*, N, M) -> (*)``"""
    check(input.ndim >= 2, "linalg.cond: The input tensor must have at least 2 dimensions.")
    if p is None or (not isinstance(p, str) and abs(p) == 2):
        values = singular_values(input)
        if values.shape[-1] == 0:
            return jnp.zeros(values.shape[:-1], values.dtype)
        ratio = values[..., 0] / values[..., -1]
        return 1 / ratio if p == -2 else ratio
    known = p in ("fro", "nuc") if isinstance(p, str) else abs(p) in (1, math.inf)
    check(known, f"linalg.cond got an invalid norm type: {_cond_order(p)}")
    check_square(f"linalg.cond(ord={_cond_order(p)})", input)
    if input.shape[-1] == 0:
        return jnp.zeros(input.shape[:-2], jnp.real(input).dtype)
    factors = jax.lax.linalg.lu(jax.lax.stop_gradient(input))[0]
    singular = jnp.any(jnp.diagonal(factors, axis1=-2, axis2=-1) == 0, axis=-1)
    eye = jnp.eye(input.shape[-1], dtype=input.dtype)
    inverse = jnp.linalg.inv(jnp.where(singular[..., None, None], eye, input))
    found = matrix_norm(input, p) * matrix_norm(inverse, p)
    return jnp.where(singular, jnp.asarray(jnp.inf, found.dtype), found)


def tolerances(x: Array, atol: Array | None, rtol: Array | None, values: Array) -> Array:
    """Singular values up to this count as zero.  ``(*, K) -> (*, 1)``"""
    real = values.dtype
    largest = jnp.max(values, axis=-1, initial=0)
    if rtol is None:
        small = jnp.finfo(real).eps * max(x.shape[-2:])
        given = jnp.asarray(small, real)
        # an absolute tolerance alone switches the relative one off
        rtol = given if atol is None else jnp.where(atol > 0, jnp.zeros((), real), given)
    bound = rtol.astype(real) * largest
    if atol is not None:
        bound = jnp.maximum(atol.astype(real), bound)
    return bound[..., None]


def _rank_overload(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    """``matrix_rank(A, tol)``: NumPy's absolute tolerance."""
    if "tol" in kwargs or (len(args) > 1 and not isinstance(args[1], bool)):
        kwargs = dict(kwargs)
        atol = args[1] if len(args) > 1 else kwargs.pop("tol")
        hermitian = args[2] if len(args) > 2 else kwargs.pop("hermitian", False)
        return (
            "matrix_rank",
            (args[0],),
            {**kwargs, "atol": atol, "rtol": 0.0, "hermitian": hermitian},
        )
    return "matrix_rank", args, kwargs


@op(namespaces=("linalg",), method=False, out=True, nondiff=True, resolve=_rank_overload)
def matrix_rank(
    input: Array, *, atol: Array | None = None, rtol: Array | None = None, hermitian: bool = False
) -> Array:
    """How many singular values exceed ``max(atol, rtol σ₁)``.  ``(*, N, M) -> (*)``"""
    check_matrix("torch.linalg.matrix_rank", input, "input")
    check(is_inexact(input), "This function doesn't handle types other than float and double")
    for name, tolerance in (("atol", atol), ("rtol", rtol)):
        check(
            tolerance is None or not is_complex(tolerance),
            f"torch.linalg.matrix_rank: {name} tensor of complex type is not supported.",
        )
    if hermitian:
        check_square("linalg.matrix_rank", input)
        values = jnp.abs(jax.lax.linalg.eigh(input, symmetrize_input=False)[1])
    else:
        values = singular_values(input)
    if values.size == 0:
        return jnp.zeros(input.shape[:-2], np.int64)
    return jnp.sum(values > tolerances(input, atol, rtol, values), axis=-1, dtype=np.int64)
