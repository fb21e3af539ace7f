"""A transform for each part of a tensor: concatenated parts, or slices."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from ..api import torch as T
from ..core.tensor import Tensor
from . import constraints
from .transform import Transform
from .utils import _sum_rightmost, lazy_property


class _Sequence(Transform):
    """A subclass says how a tensor is taken apart and put together."""

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        if not all(isinstance(t, Transform) for t in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        super().__init__(cache_size=cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)
        self.dim = dim

    def _parts(self, x: Tensor) -> Iterable[Tensor]:
        raise NotImplementedError

    def _expected(self) -> tuple[int, str]:
        """The size along ``dim``, and what it has to equal."""
        raise NotImplementedError

    def _checked_parts(self, x: Tensor, name: str, of: str = "tensor") -> list[Any]:
        """(part, transform) pairs.

        Raises:
            AssertionError: no such dim, or the wrong size.
        """
        if not -x.dim() <= self.dim < x.dim():
            raise AssertionError(f"dim {self.dim} out of range for {of} with {x.dim()} dimensions")
        size, what = self._expected()
        if x.size(self.dim) != size:
            raise AssertionError(
                f"{name}.size({self.dim}) = {x.size(self.dim)} must equal {what} {size}"
            )
        return list(zip(self._parts(x), self.transforms, strict=True))

    def _put_together(self, parts: list[Tensor]) -> Tensor:
        raise NotImplementedError

    def _call(self, x: Tensor) -> Tensor:
        return self._put_together([t(part) for part, t in self._checked_parts(x, "x")])

    def _inverse(self, y: Tensor) -> Tensor:
        return self._put_together([t.inv(part) for part, t in self._checked_parts(y, "y")])

    def _jacobians(self, x: Tensor, y: Tensor) -> list[tuple[Transform, Tensor]]:
        xs, ys = self._checked_parts(x, "x", "x"), self._checked_parts(y, "y", "y")
        pairs = zip(xs, ys, strict=True)
        return [(t, t.log_abs_det_jacobian(before, after)) for (before, t), (after, _) in pairs]

    @property
    def bijective(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return all(t.bijective for t in self.transforms)


class CatTransform(_Sequence):
    """Parts of the given ``lengths`` along ``dim``, as ``torch.cat`` puts them together."""

    def __init__(
        self,
        tseq: Sequence[Transform],
        dim: int = 0,
        lengths: Sequence[int] | None = None,
        cache_size: int = 0,
    ) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(
                f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})"
            )

    @lazy_property
    def event_dim(self) -> int:
        return max(t.event_dim for t in self.transforms)

    @lazy_property
    def length(self) -> int:
        return sum(self.lengths)

    def _copy(self, cache_size: int) -> Transform:
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _expected(self) -> tuple[int, str]:
        return self.length, "length"

    def _parts(self, x: Tensor) -> Iterable[Tensor]:
        return x.split(self.lengths, self.dim)

    def _put_together(self, parts: list[Tensor]) -> Tensor:
        return T.cat(parts, dim=self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        each = [
            _sum_rightmost(term, self.event_dim - t.event_dim) for t, term in self._jacobians(x, y)
        ]
        dim = (self.dim - x.dim() if self.dim >= 0 else self.dim) + self.event_dim
        return T.cat(each, dim=dim) if dim < 0 else functools.reduce(T.add, each)

    @constraints.dependent_property
    def domain(self) -> Any:
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Any:
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(_Sequence):
    """Slices along ``dim``, as ``torch.stack`` puts them together."""

    def _copy(self, cache_size: int) -> Transform:
        return StackTransform(self.transforms, self.dim, cache_size)

    def _expected(self) -> tuple[int, str]:
        return len(self.transforms), "len(transforms)"

    def _parts(self, x: Tensor) -> Iterable[Tensor]:
        return x.unbind(self.dim)

    def _put_together(self, parts: list[Tensor]) -> Tensor:
        return T.stack(parts, dim=self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self._put_together([term for _, term in self._jacobians(x, y)])

    @constraints.dependent_property
    def domain(self) -> Any:
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Any:
        return constraints.stack([t.codomain for t in self.transforms], self.dim)
