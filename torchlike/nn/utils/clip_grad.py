"""Bounding gradients; all of them in one XLA call."""

from __future__ import annotations

import functools
import math
import types
import warnings
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp

from ...core.build import tensor
from ...core.dispatch import run
from ...core.modes import no_grad
from ...core.tensor import Tensor
from ...core.write import rebind
from ...sparse.layouts import no_kernel

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
]


def _norm_of(x: jax.Array, p: float) -> jax.Array:
    """|x|_p in at least float32, rounded to x's real dtype."""
    real = x.real.dtype
    a = jnp.abs(x).astype(jnp.promote_types(real, jnp.float32))
    if a.size == 0:
        found = jnp.zeros((), a.dtype)
    elif p == math.inf:
        found = jnp.where(jnp.isnan(a).any(), jnp.asarray(math.nan, a.dtype), a.max())
    elif p == -math.inf:
        found = jnp.where(jnp.isnan(a).any(), jnp.asarray(math.nan, a.dtype), a.min())
    elif p == 0:
        found = (a != 0).astype(a.dtype).sum()
    elif p == 2:
        found = jnp.sqrt((a * a).sum())
    elif p == 1:
        found = a.sum()
    else:
        power = jnp.asarray(p, a.dtype)
        found = jnp.power(jnp.power(a, power).sum(), 1 / power)
    return found.astype(real)


def _total(arrays: list[jax.Array], p: float) -> tuple[jax.Array]:
    norms = [_norm_of(a, p) for a in arrays]
    common = functools.reduce(jnp.promote_types, [n.dtype for n in norms])
    return (_norm_of(jnp.stack([n.astype(common) for n in norms]), p),)


def _scaled(arrays: list[jax.Array]) -> tuple[jax.Array, ...]:
    *grads, total, max_norm = arrays
    factor = max_norm.astype(total.dtype) / (total + jnp.asarray(1e-6, total.dtype))
    factor = jnp.minimum(factor, jnp.ones_like(factor))
    return tuple(g * factor.astype(g.dtype) for g in grads)


def _clamped(arrays: list[jax.Array]) -> tuple[jax.Array, ...]:
    *grads, bound = arrays
    return tuple(jnp.clip(g, -bound.astype(g.dtype), bound.astype(g.dtype)) for g in grads)


def _listed(parameters: Any) -> list[Tensor]:
    if isinstance(parameters, Tensor):
        return [parameters]
    found = list(parameters)
    if not found and isinstance(parameters, types.GeneratorType):
        warnings.warn(
            "`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=4
        )
    return found


def _by_device(tensors: list[Tensor], kernel: str) -> dict[Any, list[Tensor]]:
    """Raises NotImplementedError for a sparse one, which ``kernel`` does not take."""
    groups: dict[Any, list[Tensor]] = {}
    for t in tensors:
        if not t._is_dense:
            raise no_kernel(kernel, t)
        groups.setdefault(t.device, []).append(t)
    return groups


def _get_total_norm(
    tensors: Any,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all tensors as one vector.  ``-> ()``

    Raises:
        RuntimeError: it is not finite, and ``error_if_nonfinite``.
    """
    listed = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)
    if not listed:
        return tensor(0.0)
    with no_grad():
        parts = [
            run(_total, group, (norm_type,), "total_norm")[0]
            for group in _by_device(listed, "linalg_vector_norm").values()
        ]
        total = parts[0]
        if len(parts) > 1:
            first = listed[0].device
            total = run(_total, [p.to(first) for p in parts], (norm_type,), "total_norm")[0]
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is "
            "non-finite, so "
            "it cannot be clipped. To disable this error and scale the gradients by the non-finite "
            "norm anyway, set `error_if_nonfinite=False`"
        )
    return total


def _clip_grads_with_norm_(
    parameters: Any, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scales the gradients by ``min(1, max_norm / (total_norm + 1e-6))``, in place."""
    grads = [p.grad for p in _listed(parameters) if p.grad is not None]
    for device, group in _by_device(grads, "_foreach_mul_.Tensor").items():
        operands: list[Any] = [*group, total_norm.detach().to(device), float(max_norm)]
        for old, new in zip(group, run(_scaled, operands, (), "clip_grad_norm"), strict=True):
            rebind(old, new)


def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scales the gradients so that their total norm is at most ``max_norm``; returns what it was.

    Raises:
        RuntimeError: the norm is not finite, and ``error_if_nonfinite``.
    """
    listed = _listed(parameters)
    grads = [p.grad for p in listed if p.grad is not None]
    total = _get_total_norm(grads, norm_type, error_if_nonfinite, foreach)
    _clip_grads_with_norm_(listed, float(max_norm), total, foreach)
    return total


def clip_grad_norm(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Deprecated spelling of ``clip_grad_norm_``."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated "
        "in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Clamps every gradient's elements to ``[-clip_value, clip_value]``, in place."""
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    grads = [p.grad for p in listed if p.grad is not None]
    with no_grad():
        for group in _by_device(grads, "clamp_min_").values():
            new = run(_clamped, [*group, float(clip_value)], (), "clip_grad_value")
            for old, clamped in zip(group, new, strict=True):
                rebind(old, clamped)


get_total_norm = _get_total_norm
clip_grads_with_norm_ = _clip_grads_with_norm_
