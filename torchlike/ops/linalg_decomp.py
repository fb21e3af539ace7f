"""Decompositions of matrices, in the last two dims."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.dtypes import from_np
from ..core.errors import LinAlgError, check
from ..core.registry import Array, op
from .linalg_norm import check_full_precision, check_matrix, check_square

linalg = jax.lax.linalg


def conjugate_transpose(x: Array) -> Array:
    """Conjugate transpose of the last two dims."""
    return jnp.conj(jnp.swapaxes(x, -1, -2))


def batch_text(shape: tuple[int, ...], i: int) -> str:
    return f"(Batch element {i}): " if len(shape) > 2 else ""


def as_matrices(x: np.ndarray) -> np.ndarray:
    """``(*, N, M) -> (B, N, M)``"""
    count = int(np.prod(x.shape[:-2]))
    return x.reshape(count, *x.shape[-2:])


# ---------------------------------------------------------------- Cholesky


def cholesky_infos(a: np.ndarray, upper: bool = False) -> np.ndarray:
    """LAPACK's: 0, or the order of the first minor that is not positive.  ``(*, N, N) -> (*)``"""
    from scipy.linalg import lapack

    found = np.zeros(a.shape[:-2], np.int32)
    if a.size:
        potrf = lapack.get_lapack_funcs(("potrf",), (a,))[0]
        infos = [potrf(m, lower=not upper)[1] for m in as_matrices(a)]
        found = np.asarray(infos, np.int32).reshape(a.shape[:-2])
    return found


def _lapack_ready(x: Any) -> bool:
    ok = x.ndim >= 2 and x.shape[-1] == x.shape[-2] and x.dtype.itemsize > 2
    return ok and (x.dtype.is_floating_point or x.dtype.is_complex)


def _positive_definite(name: str, infos: np.ndarray, shape: tuple[int, ...]) -> None:
    for i, info in enumerate(infos.reshape(-1)):
        if info:
            raise LinAlgError(
                f"{name}: {batch_text(shape, i)}The factorization could not be completed because "
                "the "
                f"input is not positive-definite (the leading minor of order {info} is not "
                "positive-definite)."
            )


def _check_cholesky(name: str) -> Any:
    def check_definite(args: dict[str, Any]) -> None:
        x = args["input"]
        if _lapack_ready(x):
            infos = cholesky_infos(x.numpy(), bool(args.get("upper", False)))
            _positive_definite(name, infos, x.shape)

    return check_definite


def cholesky_factor(name: str, x: Array, upper: bool) -> Array:
    check_square(name, x)
    check_full_precision(name, x)
    if x.size == 0:
        return x
    # The value depends on one triangle only, the gradient is shared by both.
    half = jnp.triu(x) if upper else jnp.tril(x)
    diagonal = jnp.eye(x.shape[-1], dtype=x.dtype) * jnp.real(half).astype(x.dtype)
    whole = half + conjugate_transpose(half) - diagonal
    even = (x + conjugate_transpose(x)) / 2
    even = even + jax.lax.stop_gradient(whole - even)
    found = linalg.cholesky(even, symmetrize_input=False)
    return conjugate_transpose(found) if upper else found


@op(out=True, check=_check_cholesky("cholesky"), saves="result", grad_name="CholeskyBackward0")
def cholesky(input: Array, upper: bool = False) -> Array:
    """``A = L Lᴴ``, or ``Uᴴ U``.  ``(*, N, N) -> (*, N, N)``

    Raises:
        LinAlgError: not positive definite.
    """
    return cholesky_factor("cholesky", input, upper)


@op(
    name="cholesky", namespaces=("linalg",), method=False, out=True, saves="result",
    check=_check_cholesky("linalg.cholesky"), grad_name="LinalgCholeskyExBackward0",
)  # fmt: skip
def linalg_cholesky(input: Array, *, upper: bool = False) -> Array:
    """``A = L Lᴴ``, or ``Uᴴ U``.  ``(*, N, N) -> (*, N, N)``

    Raises:
        LinAlgError: not positive definite.
    """
    return cholesky_factor("linalg.cholesky", input, upper)


def _cholesky_info(args: dict[str, Any]) -> dict[str, Any]:
    x = args["input"]
    infos = np.zeros(x.shape[:-2], np.int32)
    if _lapack_ready(x):
        infos = cholesky_infos(x.numpy(), bool(args.get("upper", False)))
        if args.get("check_errors"):
            _positive_definite("linalg.cholesky_ex", infos, x.shape)
    return {"_info": np.asarray(infos)}


@op(
    namespaces=("linalg",), method=False, out=True, returns=("L", "info"), prepare=_cholesky_info,
    grad_name="LinalgCholeskyExBackward0", saves="result",
)  # fmt: skip
def cholesky_ex(
    input: Array, *, upper: bool = False, check_errors: bool = False, _info: Array
) -> tuple[Array, Array]:
    """``cholesky`` and LAPACK's info instead of an error.  ``(*, N, N) -> (*, N, N), (*)``"""
    return cholesky_factor("linalg.cholesky_ex", input, upper), _info


# ---------------------------------------------------------------- singular values


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _svd(x: Array, full: bool) -> tuple[Array, Array, Array]:
    u, s, vh = linalg.svd(x, full_matrices=full)
    return u, s, vh


@_svd.defjvp
def _svd_jvp(full: bool, primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    u, s, vh = _svd(x, full)
    k = s.shape[-1]
    thin_u, thin_vh = u[..., :, :k], vh[..., :k, :]
    v, uh = conjugate_transpose(thin_vh), conjugate_transpose(thin_u)
    row, column = s[..., None, :], s[..., :, None]
    d = uh @ t @ v
    ds = jnp.real(jnp.diagonal(d, axis1=-2, axis2=-1))
    eye = jnp.eye(k, dtype=s.dtype)
    gaps = (row + column) * (row - column)
    f = (1 / (gaps + eye) - eye).astype(x.dtype)
    right, left = row.astype(x.dtype) * d, column.astype(x.dtype) * d
    zero = (s == 0).astype(s.dtype)
    inverse = (1 / (s + zero) - zero)[..., None, :]
    turn = (0.5 * eye * inverse).astype(x.dtype) * (d - conjugate_transpose(d))
    du = thin_u @ (f * (right + conjugate_transpose(right)) + turn)
    dv = v @ (f * (left + conjugate_transpose(left)))
    m, n = x.shape[-2:]
    if m > k:
        tv = t @ v
        du = du + (tv - thin_u @ (uh @ tv)) * inverse.astype(x.dtype)
    if n > k:
        tu = conjugate_transpose(t) @ thin_u
        dv = dv + (tu - v @ (thin_vh @ tu)) * inverse.astype(x.dtype)
    du, dvh = _padded(du, u.shape), _padded(conjugate_transpose(dv), vh.shape)
    return (u, s, vh), (du, ds, dvh)


def _padded(x: Array, shape: tuple[int, ...]) -> Array:
    """Zeros for the vectors of the null space, which have no gradient."""
    return jnp.pad(x, [(0, n - m) for m, n in zip(x.shape, shape, strict=True)])


def svd_parts(x: Array, full: bool, name: str = "linalg.svd") -> tuple[Array, Array, Array]:
    check_matrix(name, x)
    check_full_precision(name, x)
    if x.size == 0:
        m, n = x.shape[-2:]
        k = min(m, n)
        batch, real = x.shape[:-2], jnp.real(x).dtype

        def eye(rows: int, columns: int) -> Array:
            return jnp.broadcast_to(jnp.eye(rows, columns, dtype=x.dtype), (*batch, rows, columns))

        return eye(m, m if full else k), jnp.zeros((*batch, k), real), eye(n if full else k, n)
    return _svd(x, full)


def _check_finite_svd(args: dict[str, Any]) -> None:
    x = args["A"] if "A" in args else args["input"]
    if x.ndim >= 2 and (x.dtype.is_floating_point or x.dtype.is_complex):
        bad = ~np.isfinite(as_matrices(x.numpy())).all(axis=(-2, -1))
        if bad.any():
            raise LinAlgError(
                f"linalg.svd: {batch_text(x.shape, int(bad.argmax()))}The algorithm failed to "
                "converge "
                "because the input matrix contained non-finite values."
            )


def _refuse_driver(driver: str | None, name: str) -> None:
    check(
        driver is None,
        f"{name}: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER "
        "backend.",
    )


@op(
    name="svd", namespaces=("linalg",), method=False, out=True, returns=("U", "S", "Vh"),
    check=_check_finite_svd, grad_name="LinalgSvdBackward0",
)  # fmt: skip
def linalg_svd(
    A: Array, full_matrices: bool = True, *, driver: str | None = None
) -> tuple[Array, Array, Array]:
    """``A = U diag(S) Vh``.  ``(*, N, M) -> (*, N, N), (*, K), (*, M, M)``

    Differs: the signs of singular vectors are free; ours are XLA's.
    """
    _refuse_driver(driver, "torch.linalg.svd")
    return svd_parts(A, full_matrices)


@op(
    namespaces=("linalg",), method=False, out=True, check=_check_finite_svd,
    grad_name="LinalgSvdBackward0",
)  # fmt: skip
def svdvals(A: Array, *, driver: str | None = None) -> Array:
    """Singular values, falling.  ``(*, N, M) -> (*, K)``"""
    _refuse_driver(driver, "torch.linalg.svd")
    return svd_parts(A, False)[1]


@op(out=True, returns=("U", "S", "V"), check=_check_finite_svd, grad_name="LinalgSvdBackward0")
def svd(input: Array, some: bool = True, compute_uv: bool = True) -> tuple[Array, Array, Array]:
    """``A = U diag(S) Vᴴ``, with V itself.  ``(*, N, M) -> (*, N, K), (*, K), (*, M, K)``"""
    check(input.ndim >= 2, "linalg.svd: The input tensor A must have at least 2 dimensions.")
    u, s, vh = svd_parts(input, not some or not compute_uv)
    if not compute_uv:
        return jnp.zeros_like(u), s, jnp.zeros_like(conjugate_transpose(vh))
    return u, s, conjugate_transpose(vh)


# ---------------------------------------------------------------- QR


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _qr(x: Array, full: bool) -> tuple[Array, Array]:
    q, r = linalg.qr(x, full_matrices=full)
    return q, r


@_qr.defjvp
def _qr_jvp(full: bool, primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    m, n = x.shape[-2:]
    check(
        not (full and m > n),
        "The QR decomposition is not differentiable when mode='complete' and nrows > ncols",
    )
    q, r = _qr(x, full)
    k = min(m, n)
    square, dsquare = r[..., :, :k], t[..., :, :k]
    # dA R⁻¹, from the columns that fix Q
    moved = linalg.triangular_solve(square, dsquare, left_side=False, lower=False)
    mixed = conjugate_transpose(q) @ moved
    both = mixed + conjugate_transpose(mixed)
    diagonal = jnp.eye(k, dtype=x.dtype)
    half = jnp.triu(both) - both * diagonal / 2
    dq = moved - q @ half
    dr = half @ r if m >= n else conjugate_transpose(q) @ (t - dq @ r)
    return (q, r), (dq, dr)


def qr_parts(x: Array, mode: str) -> tuple[Array, Array]:
    check(
        mode in ("reduced", "complete", "r"),
        f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', "
        "or 'complete'",
    )
    check_matrix("linalg.qr", x)
    check_full_precision("linalg.qr", x)
    m, n = x.shape[-2:]
    rows = m if mode == "complete" else min(m, n)
    if x.size == 0:
        q = jnp.broadcast_to(jnp.eye(m, rows, dtype=x.dtype), (*x.shape[:-2], m, rows))
        r = jnp.zeros((*x.shape[:-2], rows, n), x.dtype)
    else:
        q, r = _qr(x, mode == "complete")
    return (jnp.zeros((0,), x.dtype), r) if mode == "r" else (q, r)


@op(
    name="qr", namespaces=("linalg",), method=False, out=True, returns=("Q", "R"), saves="result",
    grad_name="LinalgQrBackward0",
)  # fmt: skip
def linalg_qr(A: Array, mode: str = "reduced") -> tuple[Array, Array]:
    """``A = Q R``.  ``(*, N, M) -> (*, N, K), (*, K, M)``"""
    return qr_parts(A, mode)


@op(out=True, returns=("Q", "R"), saves="result", grad_name="LinalgQrBackward0")
def qr(input: Array, some: bool = True) -> tuple[Array, Array]:
    """``A = Q R``.  ``(*, N, M) -> (*, N, K), (*, K, M)``"""
    return qr_parts(input, "reduced" if some else "complete")


# ---------------------------------------------------------------- eigenvalues


def _check_uplo(UPLO: str) -> bool:
    check(UPLO.upper() in ("L", "U"), f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper() == "L"


def _check_finite_eigh(args: dict[str, Any]) -> None:
    x = args["input"]
    if not _lapack_ready(x):
        return
    bad = ~np.isfinite(as_matrices(x.numpy())).all(axis=(-2, -1))
    if bad.any():
        raise LinAlgError(
            f"linalg.eigh: {batch_text(x.shape, int(bad.argmax()))}The algorithm failed to "
            "converge because "
            "the input matrix is ill-conditioned or has too many repeated eigenvalues (error code: "
            f"{x.shape[-1] - 1})."
        )


def _eigh(name: str, x: Array, UPLO: str) -> tuple[Array, Array]:
    check_square(name, x)
    check_full_precision(name, x)
    lower = _check_uplo(UPLO)
    if x.size == 0:
        return jnp.zeros(x.shape[:-1], jnp.real(x).dtype), x
    half = jnp.tril(x) if lower else jnp.triu(x)
    eye = jnp.eye(x.shape[-1], dtype=x.dtype)
    whole = half + conjugate_transpose(half) - eye * jnp.real(half).astype(x.dtype)
    v, values = linalg.eigh(x + jax.lax.stop_gradient(whole - x), symmetrize_input=False)
    return values, v


@op(
    namespaces=("linalg",), method=False, out=True, returns=("eigenvalues", "eigenvectors"),
    saves="result", check=_check_finite_eigh, grad_name="LinalgEighBackward0",
)  # fmt: skip
def eigh(input: Array, UPLO: str = "L") -> tuple[Array, Array]:
    """Rising eigenvalues and vectors of a Hermitian matrix.  ``(*, N, N) -> (*, N), (*, N, N)``

    Differs: the signs of vectors are free; ours are XLA's.
    """
    return _eigh("linalg.eigh", input, UPLO)


@op(
    namespaces=("linalg",), method=False, out=True, check=_check_finite_eigh,
    grad_name="LinalgEighBackward0",
)  # fmt: skip
def eigvalsh(input: Array, UPLO: str = "L") -> Array:
    """Rising eigenvalues of a Hermitian matrix.  ``(*, N, N) -> (*, N)``"""
    return _eigh("linalg.eigvalsh", input, UPLO)[0]


@jax.custom_jvp
def _eig(x: Array) -> tuple[Array, Array]:
    values, v = linalg.eig(x, compute_left_eigenvectors=False)
    return values, v


@_eig.defjvp
def _eig_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    values, v = _eig(x)
    inner = jnp.linalg.solve(v, t.astype(v.dtype) @ v)
    dvalues = jnp.diagonal(inner, axis1=-2, axis2=-1)
    eye = jnp.eye(x.shape[-1], dtype=v.dtype)
    gaps = values[..., None, :] - values[..., :, None]
    dv = v @ (inner * (1 / (gaps + eye) - eye))
    # vectors keep their length of one
    along = jnp.real(jnp.sum(jnp.conj(v) * dv, axis=-2, keepdims=True)).astype(v.dtype)
    return (values, v), (dvalues, dv - v * along)


def _check_finite_eig(args: dict[str, Any]) -> None:
    x = args["input"]
    if _lapack_ready(x):
        finite = bool(np.isfinite(x.numpy()).all())
        check(finite, "torch.linalg.eig: input tensor should not contain infs or NaNs.")


def _eig_parts(name: str, x: Array) -> tuple[Array, Array]:
    check_square(name, x)
    check_full_precision(name, x)
    if x.size == 0:
        to = from_np(x.dtype).to_complex().np
        return jnp.zeros(x.shape[:-1], to), x.astype(to)
    return _eig(x)


@op(
    namespaces=("linalg",), method=False, out=True, returns=("eigenvalues", "eigenvectors"),
    saves="result", check=_check_finite_eig, grad_name="LinalgEigBackward0",
)  # fmt: skip
def eig(input: Array) -> tuple[Array, Array]:
    """Complex eigenvalues and unit vectors of a square matrix.

    ``(*, N, N) -> (*, N), (*, N, N)``
    """
    return _eig_parts("linalg.eig", input)


@op(
    namespaces=("linalg",), method=False, out=True, check=_check_finite_eig,
    grad_name="LinalgEigBackward0",
)  # fmt: skip
def eigvals(input: Array) -> Array:
    """Complex eigenvalues of a square matrix.  ``(*, N, N) -> (*, N)``"""
    return _eig_parts("linalg.eigvals", input)[0]
