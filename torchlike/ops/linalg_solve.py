"""Linear systems, inverses and determinants, in the last two dims."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.errors import LinAlgError, check
from ..core.registry import Array, op
from .accumulate import type_name
from .elementwise import only_tensors
from .linalg_decomp import as_matrices, batch_text, conjugate_transpose
from .linalg_norm import check_full_precision, check_matrix, check_square

linalg = jax.lax.linalg


def zero_pivots(a: np.ndarray) -> np.ndarray:
    """0, or the number of the first zero on U's diagonal.  ``(*, N, N) -> (*)``"""
    from scipy.linalg import lapack

    found = np.zeros(a.shape[:-2], np.int32)
    if a.size:
        getrf = lapack.get_lapack_funcs(("getrf",), (a,))[0]
        infos = [getrf(m)[2] for m in as_matrices(a)]
        found = np.asarray(infos, np.int32).reshape(a.shape[:-2])
    return found


def _square_operand(x: Any) -> bool:
    ok = x.ndim >= 2 and x.shape[-1] == x.shape[-2] and x.dtype.itemsize > 2
    return ok and (x.dtype.is_floating_point or x.dtype.is_complex)


def _refuse_singular(text: str, infos: np.ndarray, shape: tuple[int, ...], tail: str) -> None:
    for i, info in enumerate(infos.reshape(-1)):
        if info:
            raise LinAlgError(f"{text}: {batch_text(shape, i)}{tail.format(info)}")


_INVERSE = (
    "The diagonal element {} is zero, the inversion could not be completed because the input "
    "matrix "
    "is singular."
)
_SOLVER = "The solver failed because the input matrix is singular."


def _check_invertible(name: str, argument: str, tail: str) -> Any:
    def check_pivots(args: dict[str, Any]) -> None:
        x = args[argument]
        if _square_operand(x):
            _refuse_singular(name, zero_pivots(x.numpy()), x.shape, tail)

    return check_pivots


def _first_zero(x: Array) -> Array:
    """``zero_pivots`` on the device."""
    if x.shape[-1] == 0:
        return jnp.zeros(x.shape[:-2], np.int32)
    factors = linalg.lu(jax.lax.stop_gradient(x))[0]
    zero = jnp.diagonal(factors, axis1=-2, axis2=-1) == 0
    first = jnp.argmax(zero, axis=-1).astype(np.int32) + np.int32(1)
    return jnp.where(jnp.any(zero, axis=-1), first, np.int32(0))


# ---------------------------------------------------------------- determinants


def _determinant(x: Array) -> Array:
    check_square("linalg.det", x)
    check_full_precision("linalg.det", x)
    if x.shape[-1] == 0:
        return jnp.ones(x.shape[:-2], x.dtype)
    return jnp.linalg.det(x)


@op(grad_name="LinalgDetBackward0")
def det(input: Array) -> Array:
    """Determinant.  ``(*, N, N) -> (*)``"""
    return _determinant(input)


@op(name="det", namespaces=("linalg",), method=False, out=True, grad_name="LinalgDetBackward0")
def linalg_det(A: Array) -> Array:
    """Determinant.  ``(*, N, N) -> (*)``"""
    return _determinant(A)


def _sign_and_log(x: Array) -> tuple[Array, Array]:
    check_square("linalg.slogdet", x)
    check_full_precision("linalg.slogdet", x)
    if x.shape[-1] == 0:
        real = jnp.real(x).dtype
        return jnp.ones(x.shape[:-2], x.dtype), jnp.zeros(x.shape[:-2], real)
    found = _slogdet(x)
    return found[0], found[1]


@jax.custom_jvp
def _slogdet(x: Array) -> tuple[Array, Array]:
    sign, log = jnp.linalg.slogdet(x)
    return sign, log


@_slogdet.defjvp
def _slogdet_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    sign, log = _slogdet(x)
    change = jnp.trace(jnp.linalg.solve(x, t), axis1=-2, axis2=-1)
    turn = change - jnp.real(change).astype(change.dtype)
    return (sign, log), (sign * turn, jnp.real(change))


@op(out=True, returns=("sign", "logabsdet"), grad_name="LinalgSlogdetBackward0")
def slogdet(input: Array) -> tuple[Array, Array]:
    """Sign and logarithm of the size of the determinant.  ``(*, N, N) -> (*), (*)``"""
    return _sign_and_log(input)


@op(
    name="slogdet", namespaces=("linalg",), method=False, out=True, returns=("sign", "logabsdet"),
    grad_name="LinalgSlogdetBackward0",
)  # fmt: skip
def linalg_slogdet(A: Array) -> tuple[Array, Array]:
    """Sign and logarithm of the size of the determinant.  ``(*, N, N) -> (*), (*)``"""
    return _sign_and_log(A)


@op(grad_name="WhereBackward0")
def logdet(input: Array) -> Array:
    """Logarithm of the determinant; NaN if that is negative.  ``(*, N, N) -> (*)``"""
    check_square("logdet", input)
    sign, log = _sign_and_log(input)
    if jnp.issubdtype(sign.dtype, np.complexfloating):
        return log.astype(sign.dtype) + jnp.log(sign)
    return jnp.where(sign == -1, jnp.asarray(jnp.nan, log.dtype), log)


# ---------------------------------------------------------------- inverse


def inverted(name: str, x: Array) -> Array:
    check_square(name, x)
    check_full_precision(name, x)
    return x if x.size == 0 else jnp.linalg.inv(x)


@op(
    out=True, saves="result", check=_check_invertible("linalg.inv", "input", _INVERSE),
    grad_name="LinalgInvExBackward0",
)  # fmt: skip
def inverse(input: Array) -> Array:
    """``A⁻¹``.  ``(*, N, N) -> (*, N, N)``

    Raises:
        LinAlgError: singular.
    """
    return inverted("linalg.inv", input)


@op(
    namespaces=("linalg",), method=False, out=True, saves="result",
    check=_check_invertible("linalg.inv", "A", _INVERSE), grad_name="LinalgInvExBackward0",
)  # fmt: skip
def inv(A: Array) -> Array:
    """``A⁻¹``.  ``(*, N, N) -> (*, N, N)``

    Raises:
        LinAlgError: singular.
    """
    return inverted("linalg.inv", A)


def _check_errors(name: str, tail: str) -> Any:
    strict = _check_invertible(name, "A", tail)

    def check_pivots(args: dict[str, Any]) -> None:
        if args.get("check_errors"):
            strict(args)

    return check_pivots


@op(
    namespaces=("linalg",), method=False, out=True, returns=("inverse", "info"), saves="result",
    check=_check_errors("linalg.inv_ex", _INVERSE), grad_name="LinalgInvExBackward0",
)  # fmt: skip
def inv_ex(A: Array, *, check_errors: bool = False) -> tuple[Array, Array]:
    """``A⁻¹`` and the number of the first zero pivot, or 0.  ``(*, N, N) -> (*, N, N), (*)``"""
    return inverted("linalg.inv_ex", A), _first_zero(A)


_POWER_NODES = {
    0: "torch::autograd::CopyBackwards",
    1: "CloneBackward0",
    -1: "LinalgInvExBackward0",
}


@op(
    namespaces=("torch", "linalg"), out=True,
    grad_name=lambda args: _POWER_NODES.get(args.get("n"), "MmBackward0"),
)  # fmt: skip
def matrix_power(input: Array, n: int) -> Array:
    """``Aⁿ`` by squaring; negative powers of the inverse.  ``(*, N, N) -> (*, N, N)``"""
    check_square("linalg.matrix_power", input)
    if n == 0:
        return jnp.broadcast_to(jnp.eye(input.shape[-1], dtype=input.dtype), input.shape)
    base = inverted("linalg.matrix_power", input) if n < 0 else input
    found, n = None, abs(n)
    while n:
        if n & 1:
            found = base if found is None else found @ base
        n >>= 1
        base = base @ base if n else base
    assert found is not None
    return found


@op(aliases=("linalg.matrix_exp",), grad_name="LinalgMatrixExpBackward0")
def matrix_exp(input: Array) -> Array:
    """``Σ Aᵏ / k!``.  ``(*, N, N) -> (*, N, N)``"""
    check_square("linalg.matrix_exp", input)
    check(
        jnp.issubdtype(input.dtype, np.inexact),
        "linalg.matrix_exp: Expected a floating point or complex tensor as input. Got "
        f"{type_name(input)}",
    )
    if input.size == 0:
        return input
    wide = input.astype(np.float32) if input.dtype.itemsize == 2 else input
    return _exponential(wide).astype(input.dtype)


# Higham's Padé approximant of degree 13, good up to a 1-norm of 5.4 in double precision
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
    129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0,
    960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_PADE_BOUND = 5.371920351148152
_SQUARINGS = 16  # past 2**16 times the bound even float64 overflows


def _exponential(x: Array) -> Array:
    size = jnp.max(jnp.sum(jnp.abs(jax.lax.stop_gradient(x)), axis=-2), axis=-1)
    zero = jnp.zeros((), size.dtype)
    halvings = jnp.ceil(jnp.log2(jnp.maximum(size, 1e-30) / _PADE_BOUND))
    halvings = jnp.clip(halvings, zero, zero + _SQUARINGS)[..., None, None]
    a = x * jnp.exp2(-halvings).astype(x.dtype)
    eye = jnp.eye(x.shape[-1], dtype=x.dtype)
    c = [jnp.asarray(b / _PADE[0], x.dtype) for b in _PADE]
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    odd = (
        a6 @ (c[13] * a6 + c[11] * a4 + c[9] * a2) + c[7] * a6 + c[5] * a4 + c[3] * a2 + c[1] * eye
    )
    odd = a @ odd
    even = (
        a6 @ (c[12] * a6 + c[10] * a4 + c[8] * a2) + c[6] * a6 + c[4] * a4 + c[2] * a2 + c[0] * eye
    )
    start = jnp.linalg.solve(even - odd, even + odd)

    def square(i: Array, y: Array) -> Array:
        return jnp.where(i.astype(halvings.dtype) < halvings, y @ y, y)

    # a fixed number of steps, so that both directions of differentiation work
    return jax.lax.fori_loop(0, _SQUARINGS, lambda i, y: square(jnp.asarray(i), y), start)


# ---------------------------------------------------------------- systems


def _is_vector(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """``B`` holds right-hand sides without a column dim."""
    return len(b) == 1 or (len(a) - 1 == len(b) and a[:-1] == b)


def _check_system(name: str, a: Array, b: Array, left: bool) -> None:
    check(
        a.dtype == b.dtype,
        f"{name}: Expected A and B to have the same dtype, but found A of type {type_name(a)} "
        "and B of "
        f"type {type_name(b)} instead",
    )
    rows = b.shape[-2] if left else b.shape[-1]
    equation = "AX = B" if left else "XA = B"
    check(
        a.shape[-1] == rows,
        f"{name}: Incompatible shapes of A and B for the equation {equation} "
        f"({a.shape[-2]}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})",
    )


def _batched(a: Array, b: Array) -> tuple[Array, Array]:
    """Both with the common batch dims."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return jnp.broadcast_to(a, batch + a.shape[-2:]), jnp.broadcast_to(b, batch + b.shape[-2:])


def _solved(name: str, a: Array, b: Array, left: bool) -> Array:
    check_square(name, a)
    check_full_precision(name, a)
    vector = _is_vector(a.shape, b.shape)
    columns = b[..., None] if vector else b
    check(
        left or not vector,
        f"{name}: Vector broadcasting of the left hand side is not supported for left=False. In "
        "this "
        "case linalg.solve is equivalent to B / A.squeeze(-1)",
    )
    _check_system(name, a, columns, left)
    a, columns = _batched(a, columns)
    if columns.size == 0:
        found = columns
    elif left:
        found = jnp.linalg.solve(a, columns)
    else:
        found = jnp.swapaxes(
            jnp.linalg.solve(jnp.swapaxes(a, -1, -2), jnp.swapaxes(columns, -1, -2)), -1, -2
        )
    return found[..., 0] if vector else found


@op(types=only_tensors("linalg_solve", "A", "B"), 
    namespaces=("linalg",), method=False, out=True, grad_name="LinalgSolveExBackward0",
    check=_check_invertible("torch.linalg.solve", "A", _SOLVER),
)  # fmt: skip
def solve(A: Array, B: Array, *, left: bool = True) -> Array:
    """X of ``A X = B`` (or ``X A = B``).  ``(*, N, N), (*, N, K) -> (*, N, K)``

    Raises:
        LinAlgError: singular.
    """
    return _solved("linalg.solve", A, B, left)


@op(types=only_tensors("linalg_solve_ex", "A", "B"), 
    namespaces=("linalg",), method=False, out=True, returns=("result", "info"),
    grad_name="LinalgSolveExBackward0", check=_check_errors("torch.linalg.solve_ex", _SOLVER),
)  # fmt: skip
def solve_ex(
    A: Array, B: Array, *, left: bool = True, check_errors: bool = False
) -> tuple[Array, Array]:
    """``solve`` and the number of the first zero pivot, or 0.

    ``(*, N, N), (*, N, K) -> (*, N, K), (*)``
    """
    return _solved("linalg.solve", A, B, left), _first_zero(A)


def _triangular(a: Array, b: Array, upper: bool, unit: bool, left: bool = True) -> Array:
    a, b = _batched(a, b)
    if b.size == 0:
        return b
    return linalg.triangular_solve(a, b, left_side=left, lower=not upper, unit_diagonal=unit)


@op(
    types=only_tensors("linalg_solve_triangular", "input", "B"),
    namespaces=("linalg",),
    method=False,
    out=True,
    grad_name="LinalgSolveTriangularBackward0",
)
def solve_triangular(
    input: Array, B: Array, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Array:
    """X of ``A X = B`` (or ``X A = B``), A triangular.  ``(*, N, N), (*, N, K) -> (*, N, K)``"""
    name = "linalg.solve_triangular"
    check_square(name, input)
    check_matrix(name, B, "B")
    _check_system(name, input, B, left)
    check_full_precision(name, input)
    return _triangular(input, B, upper, unitriangular, left)


@op(
    types=only_tensors("triangular_solve", "input", "A"),
    out=True,
    returns=("solution", "cloned_coefficient"),
    grad_name="TriangularSolveBackward0",
)
def triangular_solve(
    input: Array,
    A: Array,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
) -> tuple[Array, Array]:
    """X of ``A X = B``, and A.  ``(*, N, K), (*, N, N) -> (*, N, K), (*, N, N)``"""
    for x, name in ((input, "b"), (A, "A")):
        check(
            x.ndim >= 2,
            f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has "
            f"{x.ndim} dimensions instead",
        )
    check_square("triangular_solve", A)
    check(
        A.shape[-2] == input.shape[-2],
        f"Incompatible matrix sizes for triangular_solve: each A matrix is {A.shape[-1]} by "
        f"{A.shape[-1]} but each b matrix is {input.shape[-2]} by {input.shape[-1]}",
    )
    check_full_precision("triangular_solve", A)
    a, b = _batched(A, input)
    used = jnp.swapaxes(a, -1, -2) if transpose else a
    return _triangular(used, b, upper != transpose, unitriangular), a


@op(
    types=only_tensors("cholesky_solve", "input", "input2"),
    out=True,
    grad_name="CholeskySolveBackward0",
)
def cholesky_solve(input: Array, input2: Array, upper: bool = False) -> Array:
    """X of ``A X = B`` from A's Cholesky factor.  ``(*, N, K), (*, N, N) -> (*, N, K)``"""
    for x, name in ((input, "b"), (input2, "u")):
        check(
            x.ndim >= 2,
            f"{name} should have at least 2 dimensions, but has {x.ndim} dimensions instead",
        )
    b, factor = input, input2
    check(
        factor.shape[-1] == factor.shape[-2],
        f"cholesky_solve: A must be batches of square matrices, but they are {factor.shape[-2]} by "
        f"{factor.shape[-1]} matrices",
    )
    check(
        factor.shape[-2] == b.shape[-2],
        f"Incompatible matrix sizes for cholesky_solve: each A matrix is {factor.shape[-1]} by "
        f"{factor.shape[-1]} but each b matrix is {b.shape[-2]} by {b.shape[-1]}",
    )
    check_full_precision("cholesky_solve", factor)
    return _factor_solved(conjugate_transpose(factor) if upper else factor, b)


@jax.custom_jvp
def _factor_solved(factor: Array, b: Array) -> Array:
    return _triangular(
        conjugate_transpose(factor), _triangular(factor, b, False, False), True, False
    )


@_factor_solved.defjvp
def _factor_solved_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    (factor, b), (moved, t) = primals, tangents
    x = _factor_solved(factor, b)
    # PyTorch differentiates by the whole matrix, not by its triangle
    low = jnp.tril(factor)
    change = moved @ (conjugate_transpose(low) @ x) + low @ (conjugate_transpose(moved) @ x)
    return x, _factor_solved(factor, t - change)


@op(out=True, grad_name="CholeskyInverseBackward0", saves="result")
def cholesky_inverse(input: Array, upper: bool = False) -> Array:
    """``A⁻¹`` from A's Cholesky factor.  ``(*, N, N) -> (*, N, N)``"""
    check_square("cholesky_inverse", input)
    check_full_precision("cholesky_inverse", input)
    eye = jnp.broadcast_to(jnp.eye(input.shape[-1], dtype=input.dtype), input.shape)
    return cholesky_solve(eye, input, upper)
