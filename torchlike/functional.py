"""``torch.functional``: the home that PyTorch gives to some functions of ``torch``."""

from __future__ import annotations

from .api import torch as _T
from .core.toplevel import broadcast_shapes as broadcast_shapes

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes", "broadcast_tensors",
    "cartesian_prod", "cdist", "chain_matmul", "einsum", "istft", "lu", "meshgrid", "norm", "pca_lowrank",
    "split", "stft", "svd_lowrank", "tensordot", "unique", "unique_consecutive", "unravel_index",
]  # fmt: skip

globals().update({name: getattr(_T, name) for name in __all__ if name not in globals()})
