"""The attributes ``T``, ``mT``, ``H``, ``mH`` and ``adjoint``."""

from __future__ import annotations

from typing import Any

from jax import lax, numpy as jnp

from ..core.errors import warn_once
from ..core.registry import Array, op, view as declare_view

Ints = tuple[int, ...]
Layout = tuple[Ints, Ints, int]


def _reversed_layout(shape: Ints, strides: Ints, offset: int) -> Layout:
    return shape[::-1], strides[::-1], offset


def _warn_unless_matrix(args: dict[str, Any]) -> None:
    ndim = args["input"].ndim
    if ndim == 0:
        warn_once(
            "Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases."
        )
    elif ndim != 2:
        warn_once(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is "
            "deprecated "
            "and it will throw an error in a future release. Consider `x.mT` to transpose batches "
            "of "
            "matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions "
            "of a "
            "tensor."
        )


@declare_view(
    _reversed_layout, name="T", namespaces=(), method=False, check=_warn_unless_matrix,
    grad_name="PermuteBackward0", saves="none",
)  # fmt: skip
def numpy_T(input: Array) -> Array:
    """Dims in reverse order.  ``(A, B, C) -> (C, B, A)``"""
    return lax.transpose(input, tuple(reversed(range(input.ndim))))


def _matrix_order(ndim: int, what: str = "tensor.mT is") -> Ints:
    if ndim == 1:
        raise RuntimeError(
            f"{what} only supported on matrices or batches of matrices. Got 1-D tensor."
        )
    return (*range(ndim - 2), ndim - 1, ndim - 2) if ndim else ()


def _matrix_layout(shape: Ints, strides: Ints, offset: int) -> Layout:
    order = _matrix_order(len(shape))
    return tuple(shape[d] for d in order), tuple(strides[d] for d in order), offset


def _warn_scalar(name: str, instead: str) -> Any:
    def check(args: dict[str, Any]) -> None:
        if args["input"].ndim == 0:
            warn_once(f"Tensor.{name} is deprecated on 0-D tensors. {instead}")

    return check


_IDENTITY = "This function is the identity in these cases."


@declare_view(
    _matrix_layout, namespaces=(), method=False, check=_warn_scalar("mT", _IDENTITY),
    grad_name="TransposeBackward0", saves="none",
)  # fmt: skip
def mT(input: Array) -> Array:
    """Last two dims exchanged.  ``(*, n, m) -> (*, m, n)``"""
    return lax.transpose(input, _matrix_order(input.ndim))


def _real_or_complex(real: str, conjugated: str) -> Any:
    def resolve(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        x = args[0] if args else kwargs["input"]
        return (conjugated if x.dtype.is_complex else real), (x,), {}

    return resolve


def _h_order(ndim: int) -> Ints:
    if ndim not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {ndim}-D tensor."
            + (" For batches of matrices, consider using tensor.mH" if ndim > 2 else "")
        )
    return tuple(reversed(range(ndim)))


def _h_layout(shape: Ints, strides: Ints, offset: int) -> Layout:
    order = _h_order(len(shape))
    return tuple(shape[d] for d in order), tuple(strides[d] for d in order), offset


@declare_view(
    _h_layout, name="H", namespaces=(), method=False,
    check=_warn_scalar("H", "Consider using x.conj()."),
    resolve=_real_or_complex("matrix_H", "conjugate_H"), grad_name="TransposeBackward0",
    saves="none",
)  # fmt: skip
def matrix_H(input: Array) -> Array:
    """Transpose of a real matrix.  ``(n, m) -> (m, n)``"""
    return lax.transpose(input, _h_order(input.ndim))


@op(name="H", namespaces=(), method=False, grad_name="ConjBackward0", saves="none")
def conjugate_H(input: Array) -> Array:
    """Conjugate transpose of a complex matrix.  ``(n, m) -> (m, n)``

    Differs: a copy; PyTorch's is a view with a conjugation flag.
    """
    return jnp.conj(lax.transpose(input, _h_order(input.ndim)))


@declare_view(
    _matrix_layout, namespaces=(), method=False,
    check=_warn_scalar("mH", "Consider using x.conj()."),
    resolve=_real_or_complex("mH", "conjugate_mH"), grad_name="TransposeBackward0", saves="none",
)  # fmt: skip
def mH(input: Array) -> Array:
    """Last two dims of a real tensor exchanged.  ``(*, n, m) -> (*, m, n)``"""
    return lax.transpose(input, _matrix_order(input.ndim, "tensor.mH is"))


@op(name="mH", namespaces=(), method=False, grad_name="ConjBackward0", saves="none")
def conjugate_mH(input: Array) -> Array:
    """Last two dims of a complex tensor exchanged, conjugated.  ``(*, n, m) -> (*, m, n)``

    Differs: a copy; PyTorch's is a view with a conjugation flag.
    """
    return jnp.conj(lax.transpose(input, _matrix_order(input.ndim, "tensor.mH is")))


@declare_view(
    _matrix_layout, resolve=_real_or_complex("adjoint", "conjugate_mH"),
    grad_name="TransposeBackward0", saves="none",
)  # fmt: skip
def adjoint(input: Array) -> Array:
    """Conjugate transpose of the last two dims.  ``(*, n, m) -> (*, m, n)``"""
    return lax.transpose(input, _matrix_order(input.ndim, "tensor.adjoint() is"))
