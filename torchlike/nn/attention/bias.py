"""``torch.nn.attention.bias``: causal masks that are written down only where they are used."""

from __future__ import annotations

import warnings
from enum import IntEnum, auto
from typing import Any

from ...api import torch as T
from ...core.dtypes import bool_
from ...core.tensor import Tensor
from .. import functional as F

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """The corner that the triangle sits in, which matters if the mask is not square."""

    UPPER_LEFT = auto()
    LOWER_RIGHT = auto()


class CausalBias(Tensor):
    """A causal mask for ``scaled_dot_product_attention``'s ``attn_mask``.

    Raises:
        AssertionError: ``variant`` is no CausalVariant.
    """

    def __init__(self, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> None:
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant).__name__}")
        super().__init__()
        self.variant = variant
        self.seq_len_q = seq_len_q
        self.seq_len_kv = seq_len_kv
        if seq_len_q > seq_len_kv and variant == CausalVariant.LOWER_RIGHT:
            warnings.warn(
                "Lower right causal bias will produce NaNs in the output when seq_len_q > seq_len_kv!",
                stacklevel=2,
            )

    def _materialize(self, device: Any = None) -> Tensor:
        """The mask, True where a query sees a key.  ``-> (L, S)`` bool"""
        lower = self.variant == CausalVariant.LOWER_RIGHT
        square = T.ones(self.seq_len_q, self.seq_len_kv, dtype=bool_, device=device or "cpu")
        return T.tril(square, self.seq_len_kv - self.seq_len_q if lower else 0)

    @staticmethod
    def _dispatch(
        query: Tensor, key: Tensor, value: Tensor, attn_mask: CausalBias, dropout_p: float = 0.0,
        is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
    ) -> Tensor:  # fmt: skip
        """Attention with this mask.

        Raises:
            ValueError: ``is_causal`` is given as well.
        """
        if is_causal:
            raise ValueError("CausalBias should not be used with causal=True")
        plain = (
            attn_mask.variant == CausalVariant.UPPER_LEFT
            or attn_mask.seq_len_q == attn_mask.seq_len_kv
        )
        return F.scaled_dot_product_attention(
            query, key, value, None if plain else attn_mask._materialize(query.device), dropout_p, plain,
            scale=scale, enable_gqa=enable_gqa,
        )  # fmt: skip

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is F.scaled_dot_product_attention:
            return cls._dispatch(*args, **(kwargs or {}))
        return super().__torch_function__(func, types, args, kwargs or {})

    def __repr__(self) -> str:  # type: ignore[override]
        return repr(self._materialize())


def causal_upper_left(*size: int) -> CausalBias:
    """Query ``i`` sees the keys up to ``i``, as ``is_causal=True`` says."""
    return _sized("causal_upper_left", CausalVariant.UPPER_LEFT, size)


def causal_lower_right(*size: int) -> CausalBias:
    """The last query sees all keys, the one before it all but the last."""
    return _sized("causal_lower_right", CausalVariant.LOWER_RIGHT, size)


def _sized(name: str, variant: CausalVariant, size: tuple[int, ...]) -> CausalBias:
    if len(size) != 2:
        raise AssertionError(f"{name} only supports 2D tensors")
    return CausalBias(variant, *size)
