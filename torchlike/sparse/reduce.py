"""Reductions of sparse tensors, and softmax over what they specify."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.constants import sparse_csr
from ..core.dispatch import invoke
from ..core.dtypes import FLOATING, TYPE_NAMES, dtype as DType
from ..core.errors import not_implemented_for
from ..core.modes import no_grad
from ..core.shapes import normal_dim, normal_dims
from ..core.tensor import Tensor
from .coalesce import coalesced
from .kernels import host, sum_at
from .layouts import layout_name, no_kernel
from .pattern import flat, unflat
from .tape import remembered, renamed, taped, values_of
from .tensor import SparseTensor, coo, like


def sum(
    input: SparseTensor, dim: Any = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """Of all elements: dense. Over some dims: sparse, unless no dim with indices is left.

    A compressed tensor's dims are kept.
    """
    if dim is None or dim == ():
        with no_grad():
            made = invoke("sum", input._numbers, dtype=dtype)
        return taped("SumBackward0", made, (input, lambda g: _spread(g, input)))
    if input.is_sparse:
        return _sum_dims(input, dim, keepdim, dtype)
    if not keepdim:
        raise RuntimeError("reduction operations on CSR tensors with keepdim=False is unsupported")
    if input.layout is not sparse_csr or input._pattern.batch or input.dense_dim():
        raise RuntimeError(f"unsupported tensor layout: {layout_name(input)}")
    made = _sum_dims(input.to_sparse(), dim, True, dtype)  # type: ignore[attr-defined]
    return renamed("SumBackward1", made.to_sparse_csr())  # type: ignore[attr-defined]


def _spread(g: Tensor, input: Tensor) -> Tensor:
    return g.to(input.dtype).expand(input.shape).clone()  # type: ignore[attr-defined]


def sparse_sum(input: Tensor, dim: Any = None, dtype: DType | None = None) -> Tensor:
    """Sum of the specified elements; its gradient is sparse.  See ``sum``."""
    if dim is None:
        from .members import coalesce

        found = coalesce(input).values()  # type: ignore[attr-defined]
        return invoke("sum", found, dtype=dtype)
    if not isinstance(input, SparseTensor) or not input.is_sparse:
        normal_dims(dim, input.dim())
        raise no_kernel("_indices", input)
    return _sum_dims(input, dim, False, dtype)


def _sum_dims(s: SparseTensor, dim: Any, keepdim: bool, dtype: DType | None) -> Tensor:
    dims = normal_dims(dim, s.dim())
    sparse_dim, shape = s.sparse_dim(), tuple(s.shape)
    s = coalesced(s)
    values = values_of(s)
    if dtype is not None:
        values = values.to(dtype)  # type: ignore[attr-defined]
    own = values.dtype
    inner = [d - sparse_dim + 1 for d in dims if d >= sparse_dim]
    if inner:
        values = invoke("sum", values, inner, dtype=own)
    left = [d for d in range(sparse_dim) if d not in dims]
    rest = [n for d, n in enumerate(shape) if d not in dims]
    if not left:
        made = renamed("SparseSumBackward0", invoke("sum", values, 0, dtype=own))
    else:
        indices = np.asarray(s._pattern.coordinates())[left]
        size = tuple([shape[d] for d in left])
        places, at = np.unique(flat(indices, size), return_inverse=True)
        summed = sum_at(values, at, places.size, places.size == at.size)
        made = coo(host(unflat(places, size), summed), summed.detach(), tuple(rest), True)
        made = remembered("SparseSumBackward0", made, summed)
    if keepdim:
        for d in sorted(dims):
            made = invoke("unsqueeze", made, d)
    return made


def sum_to_size(input: SparseTensor, size: Any) -> Tensor:
    """Summed over dims that ``size`` lacks or has as 1."""
    wanted, shape = tuple(size), tuple(input.shape)
    if wanted == shape:
        return input
    new = len(shape) - len(wanted)
    dims = [d for d in range(new, len(shape)) if wanted[d - new] == 1 != shape[d]]
    found = sum(input, dims, True) if dims else input
    return sum(found, list(range(new))) if new else found  # type: ignore[arg-type]


def any(input: SparseTensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether one of the specified elements is not 0."""
    if dim is not None or not input.is_sparse:
        raise no_kernel("any.dim" if dim is not None else "any", input)
    return invoke("any", coalesced(input)._numbers)


def norm(
    input: SparseTensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """The p-norm of the specified elements."""
    if p == "nuc":
        raise no_kernel("_linalg_svd", input)
    if dim is not None and len(normal_dims(dim, input.dim())) not in (0, input.dim()):
        raise RuntimeError(
            "norm_sparse currently only supports full reductions, so 'dim' must either be empty or contain all "
            "dimensions of the input"
        )
    values = values_of(coalesced(input))
    return invoke("norm", values.flatten(), 2 if p in (None, "fro") else p, dtype=dtype)


def native_norm(input: Tensor, p: Any = 2, *args: Any) -> Tensor:
    """``norm`` of all elements."""
    return invoke("norm", input, p)


# --- softmax -------------------------------------------------------------------------------------------


def softmax(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """Over the specified elements along ``dim``: the others are taken for -inf."""
    return _softmax(input, dim, dtype, False)


def log_softmax(input: Tensor, dim: int, *, dtype: DType | None = None) -> Tensor:
    """The logarithm of ``softmax``."""
    return _softmax(input, dim, dtype, True)


def _softmax(input: Tensor, dim: int, dtype: DType | None, log: bool) -> Tensor:
    name = "log_softmax" if log else "softmax"
    if not isinstance(input, SparseTensor) or not input.is_sparse:
        raise no_kernel(f"_sparse_{name}", input)
    dim = normal_dim(dim, input.dim())
    of = input.dtype if dtype is None else dtype
    if of.category != FLOATING:
        raise not_implemented_for(name, TYPE_NAMES[of.name])
    s = coalesced(input)
    values = values_of(s).to(of)  # type: ignore[attr-defined]
    sparse_dim = s.sparse_dim()
    if dim >= sparse_dim:
        made = invoke(name, values, dim - sparse_dim + 1)
    else:
        size = tuple([n for d, n in enumerate(s._pattern.size) if d != dim])
        indices = np.delete(np.asarray(s._pattern.coordinates()).reshape(sparse_dim, -1), dim, 0)
        groups, at = np.unique(flat(indices, size), return_inverse=True)
        made = invoke("sparse_softmax", values, host(at, values), groups.size, log)
    node = "SparseLogSoftmaxBackward0" if log else "SparseSoftmaxBackward0"
    return remembered(node, like(s, made), made)
