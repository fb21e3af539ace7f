"""Results that are fixed only up to a convention (signs, order of equals), in a form that is fixed.

Each takes (result, input, args, kwargs), all PyTorch's, and returns what is to be compared instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Canonical = Callable[[Any, Any, Any, Any], Any]


def _argument(args: Any, kwargs: Any, position: int, name: str, default: Any) -> Any:
    return kwargs[name] if name in kwargs else args[position] if len(args) > position else default


def _picked(x: torch.Tensor, indices: torch.Tensor, dim: int) -> torch.Tensor:
    """What the indices point at: ties may be broken either way."""
    if x.dim() == 0:
        return x.detach().clone()
    if indices.dim() < x.dim():
        indices = indices.unsqueeze(dim)
    return torch.gather(x.detach(), dim, indices)


def _distinct(indices: torch.Tensor, dim: int) -> torch.Tensor:
    """How many different indices each slice holds."""
    if indices.dim() == 0 or indices.numel() == 0:
        return torch.tensor(indices.numel())
    return (indices.sort(dim).values.diff(dim=dim) != 0).sum(dim) + 1


def _pick(position: int, default: int) -> Canonical:
    def canonical(out: Any, x: Any, args: Any, kwargs: Any) -> Any:
        if not isinstance(out, tuple) or kwargs.get("stable"):
            return out
        dim = _argument(args, kwargs, position, "dim", default)
        values, indices = out
        if _argument(args, kwargs, 3, "sorted", True) is False:  # topk in any order
            found = values.sort(dim).values, _picked(x, indices, dim).sort(dim).values
            return *found, _distinct(indices, dim)
        if indices.dim() == x.dim() and indices.dim():
            return values, _picked(x, indices, dim), _distinct(indices, dim)
        return values, _picked(x, indices, dim)

    return canonical


def _argsort(out: Any, x: Any, args: Any, kwargs: Any) -> Any:
    dim = _argument(args, kwargs, 0, "dim", -1)
    return out if kwargs.get("stable") else (_picked(x, out, dim), _distinct(out, dim))


def _unique(out: Any, x: Any, args: Any, kwargs: Any) -> Any:
    if (
        _argument(args, kwargs, 0, "sorted", True)
        or _argument(args, kwargs, 3, "dim", None) is not None
    ):
        return out
    outs = list(out) if isinstance(out, tuple) else [out]
    order = outs[0].to(torch.float64).argsort()
    found, rest = [outs[0][order]], outs[1:]
    if _argument(args, kwargs, 1, "return_inverse", False):
        found.append(outs[0][rest.pop(0)])
    if _argument(args, kwargs, 2, "return_counts", False):
        found.append(rest.pop(0)[order])
    return tuple(found)


def _svd(adjoint: bool) -> Canonical:
    def canonical(out: Any, x: Any, args: Any, kwargs: Any) -> Any:
        u, s, v = (t.detach() for t in out)
        vh = v if adjoint else v.mH
        k = s.shape[-1]
        product = (u[..., :, :k] * s[..., None, :].to(u.dtype)) @ vh[..., :k, :]
        return s, product, u.mH @ u, vh @ vh.mH

    return canonical


def _eigh(out: Any, x: Any, args: Any, kwargs: Any) -> Any:
    if not isinstance(out, tuple):
        return out
    values, q = (t.detach() for t in out)
    return values, (q * values[..., None, :].to(q.dtype)) @ q.mH, q.mH @ q


def _power_sums(out: Any, *_: Any) -> Any:
    """A description of a spectrum that has no order."""
    values = out.detach()
    n = max(values.shape[-1], 1) if values.dim() else 1
    return torch.stack([(values**p).sum(-1) for p in range(1, n + 1)], -1), values.abs().sort(
        -1
    ).values


def _eig(out: Any, x: Any, args: Any, kwargs: Any) -> Any:
    values, v = (t.detach() for t in out)
    product = (v * values[..., None, :]) @ torch.linalg.pinv(v) if v.numel() else v
    return *_power_sums(values), product, v.abs().square().sum(-2)


def _qr(out: Any, x: Any, args: Any, kwargs: Any) -> Any:
    q, r = (t.detach() for t in out)
    k = min(r.shape[-2:])
    diagonal = r.diagonal(0, -2, -1)
    phase = torch.where(diagonal == 0, torch.ones_like(diagonal), diagonal.sgn())
    r = r.clone()
    r[..., :k, :] = phase.conj()[..., :, None] * r[..., :k, :]
    return (q, r) if q.numel() == 0 else (q[..., :, :k] * phase[..., None, :], r, q.mH @ q)


CANONICAL: dict[str, Canonical] = {
    "topk": _pick(1, -1), "kthvalue": _pick(1, -1), "median": _pick(0, -1), "nanmedian": _pick(0, -1),
    "mode": _pick(0, -1), "sort": _pick(0, -1), "argsort": _argsort, "unique": _unique,
    "svd": _svd(False), "linalg.svd": _svd(True), "svd_lowrank": _svd(False), "pca_lowrank": _svd(False),
    "linalg.eigh": _eigh, "linalg.eig": _eig, "linalg.eigvals": _power_sums, "qr": _qr, "linalg.qr": _qr,
}  # fmt: skip
