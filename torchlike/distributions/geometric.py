"""``Geometric``."""

from __future__ import annotations

from typing import Any

from ..api import functional as F, torch as T
from ..core.dtypes import finfo
from ..core.modes import no_grad
from ..core.tensor import Tensor
from . import constraints
from .distribution import all_hold, checked
from .probs_or_logits import PARAMETER, ProbsOrLogits
from .utils import NO_DIMS, broadcast_all, options_of

__all__ = ["Geometric"]


class Geometric(ProbsOrLogits):
    """Failures before the first success."""

    support: Any = constraints.nonnegative_integer
    _batched = PARAMETER

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._hold_either(probs, logits, validate_args)
        if self._validate_args and probs is not None:
            value, valid = self.probs, self.probs > 0
            if not all_hold([valid]):
                raise ValueError(
                    f"Expected parameter probs ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to be positive but found "
                    f"invalid values:\n{value.data[~valid]}"
                )

    @property
    def mean(self) -> Tensor:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        return T.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        with no_grad():
            u = T.empty(self._extended_shape(sample_shape), **options_of(self.probs))
            u = u.uniform_(finfo(u.dtype).tiny, 1)
            return (u.log() / (-self.probs).log1p()).floor()

    @checked
    def log_prob(self, value: Tensor) -> Tensor:
        value, probs = broadcast_all(value, self.probs)
        probs = T.where((probs == 1) & (value == 0), 0.0, probs)
        return value * (-probs).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        flips = F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")
        return flips / self.probs
