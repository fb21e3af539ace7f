"""Parameters given as probabilities or as logits: the other spelling is computed when asked for."""

from __future__ import annotations

from typing import Any, ClassVar

from ..core.shapes import Size
from ..core.tensor import Tensor
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits


def the_given_one(probs: Any, logits: Any) -> tuple[str, Any]:
    """Which of the two was given, and its value.

    Raises:
        ValueError: both or neither.
    """
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
    return ("logits", logits) if probs is None else ("probs", probs)


class ProbsOrLogits(Distribution):
    """``probs`` or ``logits`` is an attribute of the instance from the start, and also ``_param``."""

    arg_constraints: Any = {"probs": constraints.unit_interval, "logits": constraints.real}
    _is_binary: ClassVar[bool] = True
    _param: Tensor

    def _hold_either(
        self, probs: Any, logits: Any, validate_args: bool | None, **others: Any
    ) -> None:
        """The other parameters are broadcast with it, and take its dtype."""
        name, given = the_given_one(probs, logits)
        *rest, self._param = broadcast_all(*others.values(), given)
        for other, value in zip(others, rest, strict=True):
            setattr(self, other, value.type_as(self._param))
        setattr(self, name, self._param)
        Distribution.__init__(self, self._param.size(), validate_args=validate_args)

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs, is_binary=self._is_binary)

    @lazy_property
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits, is_binary=self._is_binary)

    @property
    def param_shape(self) -> Size:
        return self._param.size()


PARAMETER = {"probs": 0, "logits": 0, "_param": 0}
