"""``torch.lobpcg``: some eigenvalues of a large symmetric matrix, from products with it alone.

Source: A. Knyazev, Toward the Optimal Preconditioned Eigensolver, SIAM J. Sci. Comput. 23 (2001); the
basis is orthonormalised as in A. Stathopoulos and K. Wu, SIAM J. Sci. Comput. 23 (2002).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .api import linalg as L, torch as T
from .autograd.function import Function
from .core import dtypes
from .core.build import from_host
from .core.tensor import Tensor

__all__ = ["lobpcg"]

_EPS = {"float32": 1.2e-07, "float64": 2.23e-16}


class LOBPCG:
    """One matrix's iteration. A tracker sees the current ``X``, ``E``, ``R`` and the parameters."""

    def __init__(
        self, A: Any, B: Any, X: Any, iK: Any, iparams: dict[str, int], fparams: dict[str, float],
        bparams: dict[str, bool], method: str, tracker: Any,
    ) -> None:  # fmt: skip
        self.A, self.B, self.iK = A, B, iK
        self.iparams, self.fparams, self.bparams = iparams, fparams, bparams
        self.method, self.tracker = method, tracker
        self.ivars = {"istep": 0, "iterations_left": iparams["niter"], "converged_count": 0}
        self.fvars: dict[str, float] = {}
        self.bvars: dict[str, bool] = {}
        self.tvars: dict[str, Tensor] = {}
        self._a, self._b, self._k = (_host(x) for x in (A, B, iK))
        self._x = _host(X)
        self._p = self._x[:, :0]
        self._e = np.zeros(self._x.shape[1], self._x.dtype)
        self._r = np.zeros_like(self._x)

    X = property(lambda self: from_host(self._x.copy()))
    E = property(lambda self: from_host(self._e.copy()))
    R = property(lambda self: from_host(self._r.copy()))

    def run(self) -> None:
        """Iterates until all pairs wanted have converged, or there are no iterations left."""
        norm = np.linalg.norm(self._x)
        self.fvars = {
            "X_norm": float(norm), "A_norm": float(np.linalg.norm(self._a @ self._x) / norm),
            "B_norm": float(np.linalg.norm(_times(self._b, self._x)) / norm),
        }  # fmt: skip
        self._rayleigh_ritz(self._x)
        self._step_done()
        while not self.stop_iteration():
            count = self.ivars["converged_count"]
            w = _times(self._k, self._r[:, count:])
            self._rayleigh_ritz(np.concatenate([self._x, w, self._p], 1))
            self._step_done()

    def stop_iteration(self) -> bool:
        return (
            self.bvars.get("force_stop", False)
            or self.ivars["iterations_left"] == 0
            or self.ivars["converged_count"] >= self.iparams["k"]
        )

    def _rayleigh_ritz(self, basis: np.ndarray) -> None:
        """The best pairs in the space that the basis spans."""
        n = self._x.shape[1]
        q = self._orthonormal(basis)
        values, z = np.linalg.eigh(_symmetric(q.T @ (self._a @ q)))
        if self.bparams["largest"]:
            values, z = values[::-1], z[:, ::-1]
        self._e, z = values[:n].copy(), z[:, :n]
        x = q @ z
        # the direction in which it moved: what the new ones have outside of the old ones
        self._p = x - self._x @ (self._x.T @ _times(self._b, x)) if self.ivars["istep"] else x[:, :0]
        self._x = x
        self._r = self._a @ x - _times(self._b, x) * self._e

    def _orthonormal(self, s: np.ndarray) -> np.ndarray:
        """A B-orthonormal basis of the columns, without those that add nothing."""
        for _ in range(3):
            gram = _symmetric(s.T @ _times(self._b, s))
            scale = np.sqrt(np.abs(np.diag(gram)))
            keep = scale > 0
            s, scale = s[:, keep] / scale[keep], scale[keep]
            gram = gram[np.ix_(keep, keep)] / np.outer(scale, scale)
            values, z = np.linalg.eigh(gram)
            limit = len(values) * np.finfo(s.dtype).eps * max(abs(values).max(initial=0), 1)
            good = values > limit
            s = (s @ (z[:, good] / np.sqrt(values[good]))).astype(s.dtype)
            if values.size == 0 or values[good].min() > 0.5:
                break
        return s

    def _step_done(self) -> None:
        errors = np.linalg.norm(self._r, axis=0) / (
            np.linalg.norm(self._x, axis=0)
            * (self.fvars["A_norm"] + np.abs(self._e) * self.fvars["B_norm"])
        )
        converged = errors < self.fparams["tol"]
        count = len(converged) if converged.all() else int(np.argmin(converged))
        self.ivars["converged_count"] = max(count, self.ivars["converged_count"])
        self.ivars["iterations_left"] -= 1
        self.ivars["istep"] += 1
        if self.tracker is not None:
            self.tvars["rerr"] = from_host(errors)
            self.tracker(self)


def _symmetric(m: np.ndarray) -> np.ndarray:
    return (m + m.T) / 2


def _times(m: np.ndarray | None, x: np.ndarray) -> np.ndarray:
    return x if m is None else m @ x


def _host(x: Any) -> Any:
    if x is None:
        return None
    x = x.detach()
    return np.array((x.to_dense() if x.is_sparse else x).cpu().numpy())


def lobpcg(
    A: Tensor, k: int | None = None, B: Tensor | None = None, X: Tensor | None = None,
    n: int | None = None, iK: Tensor | None = None, niter: int | None = None, tol: float | None = None,
    largest: bool | None = None, method: str | None = None, tracker: Any = None,
    ortho_iparams: dict[str, int] | None = None, ortho_fparams: dict[str, float] | None = None,
    ortho_bparams: dict[str, bool] | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The ``k`` largest (or smallest) eigenpairs of ``A x = e B x``.  ``(*, m, m) -> (*, k), (*, m, k)``

    Raises:
        AssertionError: not square, or ``A`` and ``B`` of different shapes.
        ValueError: fewer than ``3 n`` rows; a gradient with ``B``, or of a complex or sparse matrix.
    Differs: runs on the host; both methods are the robust one.
    """
    knobs = (k, X, n, iK, niter, tol, largest, method, tracker, ortho_iparams, ortho_fparams, ortho_bparams)
    if A.requires_grad or B is not None and B.requires_grad:
        a: Any = (A + A.mT) / 2  # type: ignore[attr-defined]
        b = None if B is None else (B + B.mT) / 2  # type: ignore[attr-defined]
        return _WithGradient.apply(a, b, *knobs)  # type: ignore[return-value]
    return _solve(A, B, *knobs)


def _solve(
    A: Any, B: Any, k: Any, X: Any, n: Any, iK: Any, niter: Any, tol: Any, largest: Any, method: Any,
    tracker: Any, *ortho: Any,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    if A.shape[-2] != A.shape[-1]:
        raise AssertionError(f"A must be square, got shape {A.shape}")
    if B is not None and A.shape != B.shape:
        raise AssertionError(f"A and B must have same shape, got {A.shape} vs {B.shape}")
    of = A.dtype if A.dtype.name in _EPS else dtypes.float32
    m = A.shape[-1]
    k = (1 if X is None else X.shape[-1]) if k is None else k
    n = (k if n is None else n) if X is None else X.shape[-1]
    if m < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x the "
            f"number of requested eigenpairs (={n})"
        )
    iparams = {"m": m, "n": n, "k": k, "niter": 1000 if niter is None else niter, **(ortho[0] or {})}
    fparams = {"tol": _EPS[of.name] ** 0.5 if tol is None else tol, **(ortho[1] or {})}
    bparams = {"largest": largest is not False, **(ortho[2] or {})}
    batch = A.shape[:-2]
    flat = [None if x is None or not batch else x.reshape(-1, *x.shape[-2:]) for x in (A, B, X)]
    values, vectors = [], []
    for i in range(int(np.prod(batch, dtype=int))):
        one = [x if y is None else y[i] for x, y in zip((A, B, X), flat, strict=True)]
        start = T.randn((m, n), dtype=of, device=A.device) if one[2] is None else one[2]
        if tuple(start.shape) != (m, n):
            raise AssertionError(f"X shape mismatch: got {start.shape}, expected {(m, n)}")
        own = {**iparams, "batch_index": i} if batch else iparams
        worker = LOBPCG(one[0], one[1], start.to(of), iK, own, fparams, bparams, method or "ortho", tracker)
        worker.run()
        values.append(worker.E[:k])
        vectors.append(worker.X[:, :k])
    if not batch:
        return values[0], vectors[0]
    return T.stack(values).reshape(*batch, k), T.stack(vectors).reshape(*batch, m, k)


class _WithGradient(Function):
    """``dA = U (diag(dE) + F * (U' dX)) U_k'``, U all eigenvectors, ``F = 1 / (e_k - e_j)``."""

    @staticmethod
    def forward(ctx: Any, A: Any, B: Any, *knobs: Any) -> Any:  # type: ignore[override]
        values, vectors = _solve(A, B, *knobs)
        ctx.has_b, ctx.count = B is not None, len(knobs)
        ctx.save_for_backward(A, values, vectors)
        return values, vectors

    @staticmethod
    def backward(ctx: Any, dE: Any, dX: Any) -> Any:  # type: ignore[override]
        A, values, vectors = ctx.saved_tensors
        for name, wrong in (("sparse", A.is_sparse), ("complex", A.dtype.is_complex)):
            if wrong:
                raise ValueError(
                    f"lobpcg.backward does not support {name} input yet. Note that lobpcg.forward does though."
                )
        if ctx.has_b:
            raise ValueError("lobpcg.backward does not support backward with B != I yet.")
        every, basis = L.eigh(A)
        gaps = values.unsqueeze(-2) - every.unsqueeze(-1)  # (*, m, k)
        nearest = gaps.abs().argmin(-2, keepdim=True)
        weights = T.where(
            T.zeros_like(gaps, dtype=dtypes.bool_).scatter(-2, nearest, True), T.zeros_like(gaps), 1 / gaps
        )
        inside = basis @ (weights * (basis.mT @ dX)) @ vectors.mT
        found = (vectors * dE.unsqueeze(-2)) @ vectors.mT + inside
        return (found, None, *([None] * ctx.count))
