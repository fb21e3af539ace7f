"""Constants of the ``torch`` namespace: dtypes, layouts, memory formats, numbers."""

from __future__ import annotations

import math

from . import dtypes
from .dtypes import DTYPES

__all__ = [
    *[d.name for d in DTYPES], *dtypes.ALIASES, "channels_last", "channels_last_3d",
    "contiguous_format", "e", "inf", "jagged", "layout", "legacy_contiguous_format",
    "memory_format", "nan", "newaxis", "pi", "preserve_format", "sparse_bsc", "sparse_bsr", "sparse_coo",
    "sparse_csc", "sparse_csr", "strided",
]  # fmt: skip


class layout:
    """How a tensor's elements are kept."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class memory_format:
    """The order of a dense tensor's elements; XLA chooses its own, so these are accepted as hints."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


strided, sparse_coo, jagged = layout("strided"), layout("sparse_coo"), layout("jagged")
sparse_csr, sparse_csc = layout("sparse_csr"), layout("sparse_csc")
sparse_bsr, sparse_bsc = layout("sparse_bsr"), layout("sparse_bsc")
contiguous_format, preserve_format = (
    memory_format("contiguous_format"),
    memory_format("preserve_format"),
)
legacy_contiguous_format = contiguous_format
channels_last, channels_last_3d = memory_format("channels_last"), memory_format("channels_last_3d")
inf, nan, pi, e, newaxis = math.inf, math.nan, math.pi, math.e, None
globals().update({d.name: d for d in DTYPES}, **dtypes.ALIASES)
