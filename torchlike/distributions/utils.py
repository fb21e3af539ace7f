"""What distributions share: broadcast parameters, lazy properties, logits and triangles as vectors."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, Generic, TypeVar

import numpy as np

from ..api import functional as F, torch as T
from ..core.build import tensor
from ..core.dtypes import default_dtype, finfo
from ..core.modes import enable_grad
from ..core.shapes import Size, broadcast_all as common_shape
from ..core.tensor import Tensor

__all__ = [
    "broadcast_all", "logits_to_probs", "clamp_probs", "probs_to_logits", "lazy_property",
    "tril_matrix_to_vec", "vec_to_tril_matrix",
]  # fmt: skip

euler_constant = 0.57721566490153286060
NUMBERS = (int, float, bool)
NO_DIMS = Size()  # the shape of a single sample

S = TypeVar("S")
R = TypeVar("R")


def _is_tensor_like(x: Any) -> bool:
    return isinstance(x, Tensor) or hasattr(type(x), "__torch_function__")


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """The values as tensors of one shape; numbers take the first tensor's dtype and device.

    Raises:
        ValueError: something that is neither a number nor a tensor.
    """
    if not all(_is_tensor_like(v) or isinstance(v, NUMBERS) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing "
            "__torch_function__."
        )
    first = next((v for v in values if isinstance(v, Tensor)), None)
    options: dict[str, Any] = {"dtype": default_dtype()}
    if first is not None:
        options = {"dtype": first.dtype, "device": first.device}
    tensors = [v if _is_tensor_like(v) else tensor(v, **options) for v in values]
    shape = common_shape(t.shape for t in tensors)
    return tuple([t if t.shape == shape else t.expand(shape) for t in tensors])


def options_of(like: Tensor) -> dict[str, Any]:
    """Keyword arguments that make a new tensor of the same dtype and device."""
    return {"dtype": like.dtype, "device": like.device}


def attribute_of(path: str) -> Any:
    """A property that is an attribute's attribute: ``attribute_of("base_dist.loc")``."""
    return property(operator.attrgetter(path))


def _standard_normal(shape: Sequence[int], dtype: Any, device: Any) -> Tensor:
    return T.empty(shape, dtype=dtype, device=device).normal_()


def _sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """Sum over the last ``dim`` dims."""
    return value if dim == 0 else value.reshape((*value.shape[:-dim], -1)).sum(-1)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Sigmoid of log odds, or softmax over the last dim.  ``(*) -> (*)``"""
    return T.sigmoid(logits) if is_binary else F.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """``probs`` within ``[eps, 1 - eps]``.  ``(*) -> (*)``"""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log odds, or logarithms, of clamped probabilities.  ``(*) -> (*)``"""
    inside = clamp_probs(probs)
    return T.log(inside) - T.log1p(-inside) if is_binary else T.log(inside)


class lazy_property(Generic[S, R]):
    """An attribute computed when first asked for, with gradients on; then it is the instance's own."""

    def __init__(self, wrapped: Callable[[S], R]) -> None:
        self.wrapped = wrapped
        update_wrapper(self, wrapped)  # pyright: ignore[reportArgumentType]

    def __get__(self, instance: Any, obj_type: Any = None) -> Any:
        if instance is None:
            return _lazy_property_and_property(self.wrapped)
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


class _lazy_property_and_property(lazy_property, property):
    """What the class shows: ``isinstance`` of both, for validation and for documentation."""

    def __init__(self, wrapped: Callable[..., Any]) -> None:
        property.__init__(self, wrapped)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The entries on and below a diagonal, row by row.  ``(*, n, n) -> (*, m)``

    Raises:
        ValueError: there is no such diagonal.
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[(..., *_triangle(n, diag))]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """The inverse of ``tril_matrix_to_vec``, with zeros elsewhere.  ``(*, m) -> (*, n, n)``

    Raises:
        ValueError: no n has that many entries.
    """
    size = vec.shape[-1]
    # the positive root of n² + (1 + 2 diag) n = 2 size + |diag| (diag + 1)
    half = 1 + 2 * diag
    n = ((half**2 + 8 * size + 4 * abs(diag) * (diag + 1)) ** 0.5 - half) / 2
    if round(n) - n > finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {size} which cannot be expressed as the lower "
            "triangular part of a square D x D matrix."
        )
    n = round(n)
    mat = vec.new_zeros((*vec.shape[:-1], n, n))
    mat[(..., *_triangle(n, diag))] = vec
    return mat


def _triangle(n: int, diag: int) -> tuple[Tensor, Tensor]:
    rows, columns = np.tril_indices(n, diag)
    return tensor(rows), tensor(columns)
