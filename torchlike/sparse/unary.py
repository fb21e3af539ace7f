"""Functions that leave 0 at 0: of the specified elements alone."""

from __future__ import annotations

from typing import Any

from ..core.dispatch import BOUND, invoke
from ..core.dtypes import bool_
from ..core.tensor import Tensor
from .coalesce import coalesced
from .gradients import owned
from .layouts import no_kernel
from .tape import remembered, values_of
from .tensor import SparseTensor, like

# PyTorch has these for every layout
EVERYWHERE = (
    "abs", "asin", "asinh", "atan", "atanh", "ceil", "conj_physical", "deg2rad", "erf", "erfinv",
    "expm1", "floor", "frac", "isinf", "isnan", "isneginf", "isposinf", "log1p", "neg", "rad2deg",
    "relu", "round", "sgn", "sign", "signbit", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
)  # fmt: skip
OF_COO = ("nan_to_num", "square")
OF_COMPRESSED = ("angle",)
ITSELF = ("alias", "positive", "resolve_conj", "resolve_neg")
# Linear ones work on repeated elements as they are
_LINEAR = ("neg", "conj_physical", "conj", "real", "imag", "view_as_real")


def of_values(key: str, s: SparseTensor, *args: Any, **options: Any) -> SparseTensor:
    """The function of the values, in the same places."""
    if s.is_sparse and key not in _LINEAR:
        s = coalesced(s)
    made = BOUND[key](values_of(s), *args, **options)
    edge = made._edge
    node = edge[0].label if edge is not None else ""
    return remembered(node, like(s, made), made)


def elementwise(key: str) -> Any:
    """The entry of the table for a function of one tensor."""

    def apply(input: SparseTensor, **options: Any) -> Tensor:
        if key == "square" and input.dtype is bool_:
            raise RuntimeError("result type Long can't be cast to the desired output type Bool")
        if options.pop("decimals", 0):
            raise no_kernel("round.decimals", input)
        if options.pop("inplace", False):
            from .inplace import inplace_of_values

            return inplace_of_values(key, input)
        return of_values(key, input, **options)

    apply.__name__ = apply.__qualname__ = key
    return apply


def itself(input: SparseTensor) -> Tensor:
    return input


def conj(input: SparseTensor) -> Tensor:
    return of_values("conj", input) if input.dtype.is_complex else input


def real(input: SparseTensor) -> Tensor:
    return _part("real", input) if input.dtype.is_complex else input


def imag(input: SparseTensor) -> Tensor:
    if not input.dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return _part("imag", input)


def _part(key: str, input: SparseTensor) -> SparseTensor:
    """A part of complex numbers; PyTorch does not call it coalesced."""
    made = of_values(key, input)
    return owned(made) if made._edge is None else made


def view_as_real(input: SparseTensor) -> Tensor:
    """A dense dim of the two parts.  ``(*) -> (*, 2)``"""
    return of_values("view_as_real", input)


def tanhshrink(input: SparseTensor) -> Tensor:
    """``input - tanh(input)``"""
    return invoke("sub", input, invoke("tanh", input))


def dropout(
    input: SparseTensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Itself, or zeros, where nothing is drawn; PyTorch cannot drop some elements of a sparse tensor."""
    if not training or p == 0:
        return input
    if p == 1:
        return invoke("mul", input, 0.0)
    raise no_kernel("bernoulli_.float", input)


def torch_dropout(input: SparseTensor, p: float, train: bool) -> Tensor:
    return dropout(input, p, train)
