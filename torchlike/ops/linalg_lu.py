"""LU, LDL and Householder factors, as LAPACK packs them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.errors import check
from ..core.registry import Array, op
from .accumulate import is_complex, type_name
from .linalg_decomp import as_matrices, conjugate_transpose
from .linalg_norm import check_full_precision, check_matrix, check_square
from .linalg_solve import zero_pivots

linalg = jax.lax.linalg


def _check_lu_input(name: str, x: Array, pivot: bool) -> None:
    check(
        x.ndim >= 2,
        f"torch.lu_factor: Expected tensor with 2 or more dimensions. Got size: {list(x.shape)} "
        "instead",
    )
    check_full_precision(name, x)
    check(pivot, "linalg.lu_factor: LU without pivoting is not implemented on the CPU")


def _factors(x: Array) -> tuple[Array, Array, Array]:
    """Packed LU, pivots counted from 0, and the rows' order."""
    k = min(x.shape[-2:])
    if x.size == 0:
        order = jnp.broadcast_to(jnp.arange(x.shape[-2], dtype=np.int32), x.shape[:-1])
        return x, jnp.zeros((*x.shape[:-2], k), np.int32), order
    packed, pivots, order = linalg.lu(x)
    return packed, pivots, order


def _info(packed: Array) -> Array:
    """The number of the first zero on U's diagonal, or 0."""
    zero = jnp.diagonal(packed, axis1=-2, axis2=-1) == 0
    if zero.shape[-1] == 0:
        return jnp.zeros(zero.shape[:-1], np.int32)
    first = jnp.argmax(zero, axis=-1).astype(np.int32) + np.int32(1)
    return jnp.where(jnp.any(zero, axis=-1), first, np.int32(0))


def _check_nonzero_pivots(args: dict[str, Any]) -> None:
    x = args["A"]
    if x.ndim < 2 or not (x.dtype.is_floating_point or x.dtype.is_complex) or x.dtype.itemsize == 2:
        return
    for i, info in enumerate(zero_pivots(x.numpy()).reshape(-1)):
        batch = f"(Batch element {i}): " if x.ndim > 2 else ""
        check(
            info == 0,
            f"torch.linalg.lu_factor: {batch}U[{info},{info}] is zero and using it on lu_solve "
            "would "
            "result in a division by zero. If you still want to perform the factorization, "
            "consider "
            "calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)",
        )


@op(
    namespaces=("linalg",), method=False, out=True, returns=("LU", "pivots"),
    check=_check_nonzero_pivots, saves="result", grad_name="LinalgLuFactorExBackward0",
)  # fmt: skip
def lu_factor(A: Array, *, pivot: bool = True) -> tuple[Array, Array]:
    """L and U in one matrix, and LAPACK's pivots.  ``(*, N, M) -> (*, N, M), (*, K)``"""
    _check_lu_input("torch.lu_factor", A, pivot)
    packed, pivots, _ = _factors(A)
    return packed, pivots + np.int32(1)


@op(
    namespaces=("linalg",), method=False, out=True, returns=("LU", "pivots", "info"),
    saves="result", grad_name="LinalgLuFactorExBackward0",
)  # fmt: skip
def lu_factor_ex(
    A: Array, *, pivot: bool = True, check_errors: bool = False
) -> tuple[Array, Array, Array]:
    """``lu_factor`` and the number of the first zero pivot.

    ``(*, N, M) -> (*, N, M), (*, K), (*)``
    """
    _check_lu_input("torch.lu_factor", A, pivot)
    packed, pivots, _ = _factors(A)
    return packed, pivots + np.int32(1), _info(packed)


def _lu_overload(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    names = ("A", "pivot", "get_infos")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    infos = given.pop("get_infos", False)
    return ("lu_with_infos" if infos else "lu"), (), given


@op(resolve=_lu_overload, saves="result", grad_name="LinalgLuFactorExBackward0")
def lu(A: Array, pivot: bool = True) -> tuple[Array, Array]:
    """L and U in one matrix, and LAPACK's pivots.  ``(*, N, M) -> (*, N, M), (*, K)``"""
    _check_lu_input("torch.lu_factor", A, pivot)
    packed, pivots, _ = _factors(A)
    return packed, pivots + np.int32(1)


@op(
    name="_lu_with_info", namespaces=(), method=False, returns=("LU", "pivots", "info"),
    saves="result", grad_name="LinalgLuFactorExBackward0",
)  # fmt: skip
def lu_with_infos(A: Array, pivot: bool = True) -> tuple[Array, Array, Array]:
    """``lu(A, get_infos=True)``.  ``(*, N, M) -> (*, N, M), (*, K), (*)``"""
    _check_lu_input("torch.lu_factor", A, pivot)
    packed, pivots, _ = _factors(A)
    return packed, pivots + np.int32(1), _info(packed)


def _unpacked(packed: Array) -> tuple[Array, Array]:
    m, n = packed.shape[-2:]
    k = min(m, n)
    lower = jnp.tril(packed[..., :, :k], -1) + jnp.eye(m, k, dtype=packed.dtype)
    return lower, jnp.triu(packed[..., :k, :])


def _row_matrix(order: Array, to: np.dtype) -> Array:
    """P of ``A = P L U`` from the order of A's rows in L U."""
    size = order.shape[-1]
    return (jnp.arange(size, dtype=order.dtype)[:, None] == order[..., None, :]).astype(to)


@op(
    name="lu", namespaces=("linalg",), method=False, out=True, returns=("P", "L", "U"),
    saves="result", grad_name="LinalgLuBackward0",
)  # fmt: skip
def linalg_lu(A: Array, *, pivot: bool = True) -> tuple[Array, Array, Array]:
    """``A = P L U``.  ``(*, N, M) -> (*, N, N), (*, N, K), (*, K, M)``"""
    check_matrix("linalg.lu", A)
    _check_lu_input("linalg.lu", A, pivot)
    packed, _, order = _factors(A)
    lower, upper = _unpacked(packed)
    return jax.lax.stop_gradient(_row_matrix(order, A.dtype)), lower, upper


def _check_pivots(args: dict[str, Any]) -> None:
    pivots, data = args["LU_pivots"], args["LU_data"]
    if args.get("unpack_pivots", True) and pivots.dtype.name == "int32" and data.ndim >= 2:
        values = pivots.numpy()
        inside = values.size == 0 or (values.min() >= 1 and values.max() <= data.shape[-2])
        check(
            bool(inside),
            "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive."
            "Did you properly pass the result of lu_factor?",
        )


@op(
    method=False, out=True, returns=("P", "L", "U"), check=_check_pivots, saves="none",
    grad_name="LuUnpackBackward0",
)  # fmt: skip
def lu_unpack(
    LU_data: Array, LU_pivots: Array, unpack_data: bool = True, unpack_pivots: bool = True
) -> tuple[Array, Array, Array]:
    """P, L and U of ``lu_factor``'s results.

    ``(*, N, M), (*, K) -> (*, N, N), (*, N, K), (*, K, M)``
    """
    check_matrix("torch.lu_unpack", LU_data, "LU_data")
    check(
        not unpack_pivots or LU_pivots.dtype == np.int32,
        "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
        "Note: this function is intended to be used with the output produced by "
        "torch.linalg.lu_factor",
    )
    none = jnp.zeros((0,), LU_data.dtype)
    lower, upper = _unpacked(LU_data) if unpack_data else (none, none)
    if not unpack_pivots:
        return none, lower, upper
    order = _order(LU_pivots, LU_data.shape[-2])
    return _row_matrix(order, LU_data.dtype), lower, upper


def _order(pivots: Array, size: int) -> Array:
    if pivots.shape[-1] == 0:
        return jnp.broadcast_to(jnp.arange(size, dtype=np.int32), (*pivots.shape[:-1], size))
    return linalg.lu_pivots_to_permutation(pivots - np.int32(1), size)


def _lu_solved(packed: Array, pivots: Array, b: Array, left: bool, adjointed: bool) -> Array:
    if not left:  # X A = B is Aᴴ Xᴴ = Bᴴ
        return conjugate_transpose(
            _lu_solved(packed, pivots, conjugate_transpose(b), True, not adjointed)
        )
    batch = np.broadcast_shapes(packed.shape[:-2], b.shape[:-2])
    packed = jnp.broadcast_to(packed, batch + packed.shape[-2:])
    b = jnp.broadcast_to(b, batch + b.shape[-2:])
    if b.size == 0:
        return b
    rows = jnp.broadcast_to(_order(pivots, packed.shape[-1]), b.shape[:-1])
    if not adjointed:
        b = jnp.take_along_axis(b, rows[..., None], axis=-2)
        b = linalg.triangular_solve(packed, b, left_side=True, lower=True, unit_diagonal=True)
        return linalg.triangular_solve(packed, b, left_side=True, lower=False)
    kind = {"left_side": True, "transpose_a": True, "conjugate_a": is_complex(packed)}
    b = linalg.triangular_solve(packed, b, lower=False, **kind)
    b = linalg.triangular_solve(packed, b, lower=True, unit_diagonal=True, **kind)
    back = jnp.argsort(rows, axis=-1)
    return jnp.take_along_axis(b, back[..., None], axis=-2)


def _check_lu_solve(name: str, packed: Array, pivots: Array, b: Array, left: bool) -> None:
    check_full_precision(name, packed)
    check(
        packed.dtype == b.dtype,
        f"{name}: Expected LU and B to have the same dtype, but found LU of type "
        f"{type_name(packed)} and "
        f"B of type {type_name(b)} instead",
    )
    check(
        pivots.dtype == np.int32,
        f"{name}: pivots should be a Tensor of scalar type torch.int32",
    )
    check_square(name, packed, "LU")
    check_matrix(name, b, "B")
    rows = b.shape[-2] if left else b.shape[-1]
    check(
        packed.shape[-1] == rows,
        f"{name}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
        f"({packed.shape[-2]}x{packed.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})",
    )
    check(
        packed.shape[-1] == pivots.shape[-1],
        f"{name}: Number of pivots per batch should be same as the dimension of the matrix",
    )


@op(
    name="lu_solve",
    namespaces=("linalg",),
    method=False,
    out=True,
    grad_name="LinalgLuSolveBackward0",
)
def linalg_lu_solve(
    LU: Array, pivots: Array, B: Array, *, left: bool = True, adjoint: bool = False
) -> Array:
    """X of ``A X = B`` from ``lu_factor(A)``.  ``(*, N, N), (*, N), (*, N, K) -> (*, N, K)``"""
    _check_lu_solve("linalg.lu_solve", LU, pivots, B, left)
    return _lu_solved(LU, pivots, B, left, adjoint)


@op(out=True, grad_name="LinalgLuSolveBackward0")
def lu_solve(input: Array, LU_data: Array, LU_pivots: Array) -> Array:
    """X of ``A X = B`` from ``lu_factor(A)``.  ``(*, N, K), (*, N, N), (*, N) -> (*, N, K)``"""
    _check_lu_solve("linalg.lu_solve", LU_data, LU_pivots, input, True)
    return _lu_solved(LU_data, LU_pivots, input, True, False)


# ---------------------------------------------------------------- LDL: no kernel of XLA, LAPACK's


def _ldl(name: str, x: Any, hermitian: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from scipy.linalg import lapack

    check_square(name, x)
    check(
        x.dtype.is_floating_point or x.dtype.is_complex,
        f"{name}: Expected a floating point or complex tensor as input. Got {x.dtype.name.title()}",
    )
    a = x.numpy()
    packed = np.array(a)
    pivots = np.zeros(a.shape[:-1], np.int32)
    infos = np.zeros(a.shape[:-2], np.int32)
    if a.size:
        kernel = "hetrf" if hermitian and x.dtype.is_complex else "sytrf"
        factor = lapack.get_lapack_funcs((kernel,), (a,))[0]
        for i, matrix in enumerate(as_matrices(a)):
            found, pivot, info = factor(matrix, lower=True)
            as_matrices(packed)[i] = np.tril(found)
            pivots.reshape(-1, a.shape[-1])[i] = pivot
            infos.reshape(-1)[i] = info
    return packed, pivots, infos


@op(
    namespaces=("linalg",),
    method=False,
    out=True,
    host=True,
    nondiff=True,
    returns=("LD", "pivots"),
)
def ldl_factor(input: Array, *, hermitian: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """``A = L D Lᵀ`` (``Lᴴ``) packed, and LAPACK's pivots.  ``(*, N, N) -> (*, N, N), (*, N)``"""
    packed, pivots, _ = _ldl("torch.linalg.ldl_factor", input, hermitian)
    return packed, pivots


@op(
    namespaces=("linalg",), method=False, out=True, host=True, nondiff=True,
    returns=("LD", "pivots", "info"),
)  # fmt: skip
def ldl_factor_ex(
    input: Array, *, hermitian: bool = False, check_errors: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``ldl_factor`` and LAPACK's info.  ``(*, N, N) -> (*, N, N), (*, N), (*)``"""
    return _ldl("torch.linalg.ldl_factor_ex", input, hermitian)


@op(namespaces=("linalg",), method=False, out=True, host=True, nondiff=True)
def ldl_solve(LD: Array, pivots: Array, B: Array, *, hermitian: bool = False) -> np.ndarray:
    """X of ``A X = B`` from ``ldl_factor(A)``.  ``(*, N, N), (*, N), (*, N, K) -> (*, N, K)``"""
    from scipy.linalg import lapack

    name = "torch.linalg.ldl_solve"
    check_square(name, LD)
    check(B.ndim >= 2, f"{name}: Expected B to have at least 2 dimensions, but it has {B.ndim} "
    "dimensions "
          "instead")  # fmt: skip
    check(
        LD.shape[-1] == B.shape[-2],
        f"{name}: Incompatible shapes of A and B for the equation AX = B "
        f"({LD.shape[-2]}x{LD.shape[-1]} "
        f"and {B.shape[-2]}x{B.shape[-1]})",
    )
    a, p, b = LD.numpy(), pivots.numpy(), B.numpy()
    inside = bool(((np.abs(p) >= 1) & (np.abs(p) <= a.shape[-1])).all())
    check(inside, f"{name}: pivots must be those of ldl_factor")
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = np.broadcast_to(a, batch + a.shape[-2:])
    p = np.broadcast_to(p, batch + p.shape[-1:])
    b = np.broadcast_to(b, batch + b.shape[-2:])
    found = np.zeros(b.shape, b.dtype)
    if found.size:
        kernel = "hetrs" if hermitian and LD.dtype.is_complex else "sytrs"
        solve = lapack.get_lapack_funcs((kernel,), (a, b))[0]
        for i, (m, pivot, columns) in enumerate(
            zip(as_matrices(a), p.reshape(-1, a.shape[-1]), as_matrices(b), strict=True)
        ):
            found.reshape(-1, *b.shape[-2:])[i] = solve(m, pivot, columns, lower=True)[0]
    return found


# ---------------------------------------------------------------- Householder


def _reflect(vectors: Array, tau: Array, x: Array, backwards: bool, conjugate: bool) -> Array:
    """``H₁ H₂ … x`` (or its adjoint's), one reflection per step.

    ``(*, N, K), (*, K), (*, N, M)``
    """
    rows, count = vectors.shape[-2], vectors.shape[-1]
    place = jnp.arange(rows)
    steps = jnp.arange(count)
    taus = jnp.conj(tau) if conjugate else tau

    def step(x: Array, i: Array) -> tuple[Array, None]:
        v = jnp.take(vectors, i, axis=-1)
        one = jnp.ones((), v.dtype)
        v = jnp.where(place > i, v, jnp.where(place == i, one, jnp.zeros((), v.dtype)))
        along = jnp.einsum("...n,...nm->...m", jnp.conj(v), x)
        scale = jnp.take(taus, i, axis=-1)[..., None, None]
        return x - scale * v[..., :, None] * along[..., None, :], None

    return jax.lax.scan(step, x, steps, reverse=backwards)[0]


def _check_reflectors(name: str, x: Array, tau: Array) -> None:
    check(x.ndim >= 2, f"torch.linalg.{name}: input must have at least 2 dimensions.")
    check(
        x.shape[-2] >= x.shape[-1],
        f"torch.linalg.{name}: input.shape[-2] must be greater than or equal to input.shape[-1]",
    )
    check(
        x.shape[-1] >= tau.shape[-1],
        f"torch.linalg.{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]",
    )
    check(
        x.ndim - tau.ndim == 1,
        f"torch.linalg.{name}: Expected tau to have one dimension less than input, but got "
        "tau.ndim "
        f"equal to {tau.ndim} and input.ndim is equal to {x.ndim}",
    )
    check(
        x.shape[:-2] == tau.shape[:-1],
        f"torch.linalg.{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], "
        "but got "
        f"{list(tau.shape[:-1])}",
    )
    check(
        x.dtype == tau.dtype,
        f"torch.linalg.{name}: tau dtype {type_name(tau)} does not match input dtype "
        f"{type_name(x)}",
    )
    check_full_precision(f"torch.linalg.{name}", x)


@op(
    namespaces=("linalg",), method=False, out=True, aliases=("torch.orgqr",),
    grad_name="LinalgHouseholderProductBackward0",
)  # fmt: skip
def householder_product(input: Array, tau: Array) -> Array:
    """First columns of ``H₁ H₂ …`` from ``geqrf``'s results.  ``(*, N, K), (*, K) -> (*, N, K)``"""
    _check_reflectors("householder_product", input, tau)
    eye = jnp.broadcast_to(jnp.eye(*input.shape[-2:], dtype=input.dtype), input.shape)
    if input.size == 0 or tau.size == 0:
        return eye
    return _reflect(input[..., : tau.shape[-1]], tau, eye, True, False)


def _nothing_to_reflect(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    """No reflections: the result does not depend on them, nor does its gradient."""
    given = {**dict(zip(("input", "tau"), args, strict=False)), **kwargs}
    if 0 in getattr(given.get("tau"), "shape", (1,)):
        for name in ("input", "tau"):
            given[name] = given[name].detach()
        rest = args[2:]
        return "ormqr", (given.pop("input"), given.pop("tau"), *rest), given
    return "ormqr", args, kwargs


@op(out=True, resolve=_nothing_to_reflect, grad_name="OrmqrBackward0")
def ormqr(
    input: Array, tau: Array, other: Array, left: bool = True, transpose: bool = False
) -> Array:
    """``Q C``, ``Qᴴ C``, ``C Q`` or ``C Qᴴ`` from ``geqrf``'s results.

    ``(*, N, K), (*, K), (*, N, M)``
    """
    for name, x in (("input", input), ("other", other)):
        check(x.ndim >= 2, f"torch.ormqr: {name} must have at least 2 dimensions.")
    size = "-2" if left else "-1"
    rows = other.shape[-2] if left else other.shape[-1]
    check(
        rows == input.shape[-2],
        f"torch.ormqr: other.shape[{size}] must be equal to input.shape[-2]",
    )
    check(
        tau.shape[-1] == min(rows, input.shape[-1]),
        f"torch.ormqr: tau.shape[-1] must be equal to min(other.shape[{size}], input.shape[-1])",
    )
    check(
        input.ndim - tau.ndim == 1,
        "torch.ormqr: Expected tau to have one dimension less than input, but got tau.ndim "
        "equal to "
        f"{tau.ndim} and input.ndim is equal to {input.ndim}",
    )
    check(
        input.ndim == other.ndim,
        f"torch.ormqr: Expected other to have the same number of dimensions as input, but got "
        f"other.ndim equal to {other.ndim} and input.ndim is equal to {input.ndim}",
    )
    for name, shape in (("tau", tau.shape[:-1]), ("other", other.shape[:-2])):
        check(
            shape == input.shape[:-2],
            f"torch.ormqr: Expected batch dimensions of {name} to be equal to input.shape[:-2], "
            "but got "
            f"{list(shape)}",
        )
    for name, x in (("tau", tau), ("other", other)):
        check(
            x.dtype == input.dtype,
            f"torch.ormqr: Expected input and {name} to have the same dtype, but input has dtype "
            f"{type_name(input)} and {name} has dtype {type_name(x)}",
        )
    if other.size == 0 or tau.size == 0:
        return other
    vectors = input[..., : tau.shape[-1]]
    if left:
        return _reflect(vectors, tau, other, not transpose, transpose)
    found = _reflect(vectors, tau, conjugate_transpose(other), transpose, not transpose)
    return conjugate_transpose(found)


@op(out=True, returns=("a", "tau"), nondiff=True)
def geqrf(input: Array) -> tuple[Array, Array]:
    """QR as LAPACK packs it: R above, reflectors below.  ``(*, N, M) -> (*, N, M), (*, K)``"""
    check_matrix("geqrf", input, "input")
    check_full_precision("geqrf", input)
    if input.size == 0:
        return input, jnp.zeros((*input.shape[:-2], min(input.shape[-2:])), input.dtype)
    packed, tau = jnp.linalg.qr(input, mode="raw")
    return jnp.swapaxes(packed, -1, -2), tau
