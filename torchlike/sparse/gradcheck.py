"""``gradcheck`` for functions of sparse tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..core.dispatch import invoke
from .convert import to_dense, to_sparse
from .masking import sparse_mask
from .tape import with_values
from .tensor import SparseTensor


def as_sparse_gradcheck(gradcheck: Callable[..., Any]) -> Callable[..., Any]:
    """``gradcheck`` that also takes sparse tensors: it differentiates with respect to their values.

    ``masked``: only with respect to those that are specified; otherwise to all elements.
    """

    @functools.wraps(gradcheck)
    def gradcheck_with_sparse_support(func: Callable[..., Any], inputs: Any, **kwargs: Any) -> Any:
        masked = kwargs.pop("masked", False)
        given = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
        patterns = [_whole(x, masked) if _is_differentiated(x) else None for x in given]
        flat = [
            x if s is None else s._numbers.detach().requires_grad_()
            for x, s in zip(given, patterns, strict=True)
        ]

        def of_values(*args: Any) -> Any:
            pairs = zip(args, patterns, strict=True)
            found = func(*[x if s is None else with_values(s, x) for x, s in pairs])
            if isinstance(found, (tuple, list)):
                return type(found)([_dense(r, masked) for r in found])
            return _dense(found, masked)

        return gradcheck(of_values, tuple(flat), **kwargs)

    return gradcheck_with_sparse_support


def _is_differentiated(x: Any) -> bool:
    return isinstance(x, SparseTensor) and x.requires_grad


def _whole(s: SparseTensor, masked: bool) -> SparseTensor:
    """``s`` itself, or with every element specified."""
    s = s.detach()
    if masked:
        return s
    ones = invoke("ones", tuple(s.shape), dtype=s.dtype, device=s.device)
    if s.is_sparse:
        mask = to_sparse(ones, s.sparse_dim())
    else:
        block = s._pattern.block if s._pattern.blocked else None
        mask = to_sparse(ones, layout=s.layout, blocksize=block, dense_dim=s.dense_dim())
    found = sparse_mask(to_dense(s), mask)
    assert isinstance(found, SparseTensor)
    return found


def _dense(x: Any, masked: bool) -> Any:
    return to_dense(x, masked_grad=masked) if isinstance(x, SparseTensor) else x
