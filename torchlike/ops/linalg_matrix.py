"""Least squares, pseudo-inverses, and systems of higher rank."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.dtypes import FLOATING, default_dtype
from ..core.errors import check, shape_text
from ..core.registry import Array, op
from . import draws
from .accumulate import floated, is_inexact, kind, type_name
from .linalg_decomp import conjugate_transpose, qr_parts, svd_parts
from .linalg_norm import check_square
from .linalg_solve import inverted, solve as solve_system

linalg = jax.lax.linalg


@functools.partial(jax.custom_jvp, nondiff_argnums=(3,))
def _pseudo_inverse(x: Array, atol: Array, rtol: Array, hermitian: bool) -> Array:
    if hermitian:
        v, values = linalg.eigh(x, symmetrize_input=False)
        size = jnp.abs(values)
        kept = size > jnp.maximum(atol, rtol * jnp.max(size, axis=-1))[..., None]
        inverse = jnp.where(kept, 1 / jnp.where(kept, values, 1), 0).astype(x.dtype)
        return (v * inverse[..., None, :]) @ conjugate_transpose(v)
    u, s, vh = svd_parts(x, False)
    kept = s > jnp.maximum(atol, rtol * s[..., 0])[..., None]
    inverse = jnp.where(kept, 1 / jnp.where(kept, s, 1), 0).astype(x.dtype)
    return (conjugate_transpose(vh) * inverse[..., None, :]) @ conjugate_transpose(u)


@_pseudo_inverse.defjvp
def _pseudo_inverse_jvp(hermitian: bool, primals: Any, tangents: Any) -> Any:
    x, atol, rtol = primals
    t = tangents[0]
    p = _pseudo_inverse(x, atol, rtol, hermitian)
    ph, th = conjugate_transpose(p), conjugate_transpose(t)
    rest = th - th @ (x @ p)
    other = th - (p @ x) @ th
    return p, p @ ph @ rest + other @ ph @ p - p @ t @ p


def _pinv(x: Array, atol: Array | None, rtol: Array | None, hermitian: bool) -> Array:
    check(
        is_inexact(x) and x.ndim >= 2 and kind(x).itemsize > 2,
        f"linalg.pinv({type_name(x)}{{{shape_text(x.shape)}}}): expected a tensor with 2 or more "
        "dimensions "
        "of float, double, cfloat or cdouble types",
    )
    if hermitian:
        check_square("linalg.pinv", x)
    m, n = x.shape[-2:]
    if x.size == 0:
        return jnp.zeros((*x.shape[:-2], n, m), x.dtype)
    real = jnp.real(x).dtype
    default = jnp.asarray(jnp.finfo(real).eps * max(m, n), real)
    if atol is not None:  # an absolute tolerance alone switches the relative one off
        default = jnp.where(atol > 0, jnp.zeros((), real), default)
    relative = default if rtol is None else rtol.astype(real)
    absolute = jnp.zeros((), real) if atol is None else atol.astype(real)
    return _pseudo_inverse(x, absolute, relative, hermitian)


def _pinv_overload(args: Any, kwargs: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    """``pinv(A, rcond)``: NumPy's relative tolerance."""
    kwargs = dict(kwargs)
    if len(args) > 1:
        kwargs["rtol"] = args[1]
    if len(args) > 2:
        kwargs["hermitian"] = args[2]
    if "rcond" in kwargs:
        kwargs["rtol"] = kwargs.pop("rcond")
    return "pinv", args[:1], kwargs


@op(
    namespaces=("linalg",), method=False, out=True, resolve=_pinv_overload, saves="result",
    grad_name="LinalgPinvBackward0",
)  # fmt: skip
def pinv(
    input: Array, *, atol: Array | None = None, rtol: Array | None = None, hermitian: bool = False
) -> Array:
    """Moore-Penrose inverse; singular values up to ``max(atol, rtol σ₁)`` count as 0.

    ``(*, N, M) -> (*, M, N)``
    """
    return _pinv(input, atol, rtol, hermitian)


@op(saves="result", grad_name="LinalgPinvBackward0")
def pinverse(input: Array, rcond: float = 1e-15) -> Array:
    """Moore-Penrose inverse; singular values up to ``rcond σ₁`` count as 0.

    ``(*, N, M) -> (*, M, N)``
    """
    return _pinv(input, None, jnp.asarray(rcond, np.float64), False)


# ---------------------------------------------------------------- least squares

_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def _check_lstsq(a: Array, b: Array, driver: str) -> bool:
    """Whether ``b`` is a vector per matrix."""
    name = "torch.linalg.lstsq"
    check(is_inexact(a), "This function doesn't handle types other than float and double")
    check(a.ndim >= 2, f"{name}: input must have at least 2 dimensions.")
    check(b.ndim >= 1, f"{name}: other must have at least 1 dimension.")
    check(
        a.dtype == b.dtype,
        f"{name}: Expected input and other to have the same dtype, but got input's dtype "
        f"{type_name(a)} "
        f"and other's dtype {type_name(b)}",
    )
    check(
        driver in _DRIVERS,
        f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)",
    )
    vector = a.ndim - 1 == b.ndim and a.shape[:-1] == b.shape
    check(
        a.shape[-2] == (b.shape[-1] if vector else b.shape[-2] if b.ndim > 1 else -1),
        f"{name}: input.size(-2) should match other.size({-1 if vector else -2})",
    )
    return vector


def _full_rank(args: dict[str, Any]) -> dict[str, Any]:
    """Whether residuals exist: their shape depends on the values."""
    driver, a = args.get("driver") or "gelsy", args["input"]
    full = driver == "gels"
    if driver in ("gelsd", "gelss") and a.ndim >= 2 and a.shape[-2] > a.shape[-1]:
        tolerance = args.get("rcond")
        ranks = np.linalg.matrix_rank(a.numpy(), tol=None) if tolerance is None else 0
        if tolerance is not None:
            values = np.linalg.svd(a.numpy(), compute_uv=False)
            ranks = (values > tolerance * values[..., :1]).sum(axis=-1)
        full = bool(np.all(ranks == a.shape[-1]))
    return {"_full": full}


@op(
    namespaces=("linalg",), method=False, prepare=_full_rank,
    returns=("solution", "residuals", "rank", "singular_values"), grad_name="LinalgLstsqBackward0",
)  # fmt: skip
def lstsq(
    input: Array,
    b: Array,
    rcond: float | None = None,
    *,
    driver: str | None = None,
    _full: bool = True,
) -> tuple[Array, Array, Array, Array]:
    """X of least ``‖A X - B‖``, and of least ``‖X‖`` of those.

    ``(*, N, M), (*, N, K) -> (*, M, K)``
    """
    way = driver or "gelsy"
    vector = _check_lstsq(input, b, way)
    m, n = input.shape[-2:]
    real = jnp.real(input).dtype
    small = jnp.finfo(real).eps * max(m, n) if rcond is None else rcond
    columns = b[..., None] if vector else b
    batch = np.broadcast_shapes(input.shape[:-2], columns.shape[:-2])
    a = jnp.broadcast_to(input, batch + input.shape[-2:])
    columns = jnp.broadcast_to(columns, batch + columns.shape[-2:])
    solution = _pinv(a, None, jnp.asarray(small, real), False) @ columns
    residuals = jnp.zeros((0,), real)
    if m > n and way != "gelsy" and _full:
        left = a @ solution - columns
        residuals = jnp.sum(jnp.real(left * jnp.conj(left)), axis=-2)
    rank, values = jnp.zeros((0,), np.int64), jnp.zeros((0,), real)
    if way != "gels":
        found = svd_parts(jax.lax.stop_gradient(a), False)[1]
        top = found[..., :1] if found.shape[-1] else jnp.zeros((), real)
        rank = jnp.sum(found > jnp.asarray(small, real) * top, axis=-1, dtype=np.int64)
        values = found if way in ("gelsd", "gelss") else values
    return (solution[..., 0] if vector else solution), residuals, rank, values


# ---------------------------------------------------------------- higher rank


@op(namespaces=("linalg",), method=False, out=True, grad_name="ViewBackward0")
def tensorinv(input: Array, ind: int = 2) -> Array:
    """Inverse of the map that the first ``ind`` dims and the others make."""
    check(ind > 0, f"Expected a strictly positive integer for 'ind', but got {ind}")
    first, last = input.shape[:ind], input.shape[ind:]
    rows, columns = math.prod(first), math.prod(last)
    check(
        rows == columns,
        "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
        "prod(self.shape[:ind]), but "
        f"got {columns} != {rows}",
    )
    return inverted("linalg.inv", input.reshape(rows, columns)).reshape(*last, *first)


@op(namespaces=("linalg",), method=False, out=True, grad_name="ViewBackward0")
def tensorsolve(input: Array, other: Array, dims: tuple[int, ...] | None = None) -> Array:
    """X with ``tensordot(A, X, X.ndim) = B``."""
    a = input if dims is None else jnp.moveaxis(input, dims, tuple(range(-len(dims), 0)))
    last = a.shape[other.ndim :]
    size, rows = math.prod(last), math.prod(a.shape[: other.ndim])
    check(
        size == rows,
        "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
        f"prod(self.shape[:other.ndim]), but got {size} != {rows}",
    )
    return solve_system(a.reshape(rows, size), other.reshape(-1)).reshape(last)


def _powers(x: Array, count: int) -> Array:
    """``1, x, x², …`` along a new last dim.  ``(*, N) -> (*, N, count)``"""
    ones = jnp.ones((*x.shape, 1), x.dtype)
    if count <= 1:
        return ones[..., :count]
    repeated = jnp.broadcast_to(x[..., None], (*x.shape, count - 1))
    return jnp.concatenate([ones, _products(repeated)], axis=-1)


def _products(x: Array) -> Array:
    from .scan import cumprod

    return cumprod(x, -1)


@op(name="vander", namespaces=("linalg",), method=False, grad_name="CatBackward0")
def linalg_vander(x: Array, *, N: int | None = None) -> Array:
    """Rising powers of each element.  ``(*, N) -> (*, N, N)``"""
    check(
        x.dtype != np.bool_,
        "linalg.vander supports floating point, complex, and integer tensors, but got "
        f"{type_name(x)}",
    )
    base = x if is_inexact(x) else x.astype(np.int64)
    check(base.ndim > 0 or N is not None, "N must be greater than 1.")
    base = jnp.atleast_1d(base)
    count = base.shape[-1] if N is None else N
    check(N is None or N > 1, "N must be greater than 1.")
    return _powers(base, count)


# ---------------------------------------------------------------- by random projection


def _drawn(columns: Any) -> Any:
    """A normal matrix that projects the longer side, as ``torch.randn`` draws it."""

    def draw(args: dict[str, Any]) -> dict[str, Any]:
        x = args["A"]
        of = x.dtype if x.dtype.category >= FLOATING else default_dtype()
        if x.ndim < 2:
            return {"_project": np.zeros((0, 0), of.np)}
        shape = (min(x.shape[-2:]), columns(args))
        return {"_project": draws.normal_numbers(args["generator"], shape, of, 0.0, 1.0)}

    return draw


def _projected(x: Array, project: Array, niter: int) -> tuple[Array, Array, Array]:
    wide = x.shape[-2] < x.shape[-1]
    x = conjugate_transpose(x) if wide else x
    basis = qr_parts(x @ project, "reduced")[0]
    for _ in range(niter):
        basis = qr_parts(conjugate_transpose(x) @ basis, "reduced")[0]
        basis = qr_parts(x @ basis, "reduced")[0]
    u, s, vh = svd_parts(conjugate_transpose(basis) @ x, False)
    u, v = basis @ u, conjugate_transpose(vh)
    return (v, s, u) if wide else (u, s, v)


@op(
    method=False, prepare=_drawn(lambda args: 6 if args.get("q") is None else args["q"]),
    grad_name="MmBackward0",
)  # fmt: skip
def svd_lowrank(
    A: Array, q: int | None = 6, niter: int | None = 2, M: Array | None = None, *, _project: Array
) -> tuple[Array, Array, Array]:
    """About the ``q`` largest singular values of ``A - M`` and their vectors.

    ``(*, N, M) -> (*, N, q), (*, q), (*, M, q)``

    Source: Halko, Martinsson, Tropp 2009, algorithm 5.1.
    """
    x = floated(A)
    if M is not None:
        x = x - jnp.broadcast_to(M, x.shape)
    return _projected(x, _project, 2 if niter is None else niter)


def _component_count(args: dict[str, Any]) -> int:
    q, size = args.get("q"), min(args["A"].shape[-2:])
    if q is None:
        return min(6, size)
    check(
        0 <= q <= size,
        f"q(={q}) must be non-negative integer and not greater than min(m, n)={size}",
        ValueError,
    )
    return q


@op(method=False, prepare=_drawn(_component_count), grad_name="MmBackward0")
def pca_lowrank(
    A: Array, q: int | None = None, center: bool = True, niter: int = 2, *, _project: Array
) -> tuple[Array, Array, Array]:
    """``svd_lowrank`` of rows without their mean.  ``(*, N, M) -> (*, N, q), (q), (*, M, q)``"""
    check(niter >= 0, f"niter(={niter}) must be non-negative integer", ValueError)
    x = floated(A)
    if center:
        x = x - jnp.mean(x, axis=-2, keepdims=True)
    return _projected(x, _project, niter)
