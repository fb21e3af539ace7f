"""How a sparse tensor prints: PyTorch's text, letter for letter."""

from __future__ import annotations

from ..core import dtypes as d
from ..core.dtypes import default_dtype
from ..core.repr import numbers_text, with_suffixes
from ..core.tensor import Tensor
from .layouts import COMPRESSED
from .pattern import numbers
from .tensor import SparseTensor

PREFIX = "tensor("


def sparse_text(s: SparseTensor) -> str:
    """``tensor(indices=tensor(…), values=tensor(…), size=…, nnz=…, layout=…)``"""
    indent = len(PREFIX)
    pattern = s._pattern
    if s.is_sparse:
        names = ["indices"]
    else:
        kind = COMPRESSED[s.layout]
        names = [kind.ends, kind.others]
    # COO's inner tensors are indented by their own names, the others by PREFIX again
    inner = [f"{name}=tensor(" for name in (*names, "values")]
    parts = []
    for start, t in zip(inner, (*pattern.parts, s._numbers), strict=True):
        parts.append(start + _inner_text(t, indent + len(start)) + ")")
    text = PREFIX + (",\n" + " " * indent).join(parts)
    return with_suffixes(text, _suffixes(s), indent, new_line=s.is_sparse)


def _inner_text(t: Tensor, indent: int) -> str:
    text = numbers_text(numbers(t), t.dtype, indent)
    return text + (f", size={tuple(t.shape)}" if t.numel() == 0 else "")


def _suffixes(s: SparseTensor) -> list[str]:
    found = [] if s.device.type == "cpu" else [f"device='{s.device}'"]
    found += [f"size={tuple(s.shape)}", f"nnz={s._nnz()}"]
    default = default_dtype()
    usual = (default, default.to_complex(), d.int64, d.bool_)
    if s.dtype not in usual:
        found.append(f"dtype={s.dtype}")
    found.append(f"layout={s.layout}")
    if s.grad_fn is not None:
        found.append(f"grad_fn=<{s.grad_fn.label}>")
    elif s.requires_grad:
        found.append("requires_grad=True")
    return found
