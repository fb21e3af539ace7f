"""From a constraint to a transform of the real numbers onto it: ``biject_to``, ``transform_to``.

``biject_to`` gives bijections, to change variables; ``transform_to`` gives transforms that optimise
well, and need not be one-to-one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import constraints, transforms
from .utils import NUMBERS

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """A table from constraint classes to functions ``constraint -> transform``."""

    def __init__(self) -> None:
        self._registry: dict[type, Callable[..., Any]] = {}

    def register(self, constraint: Any, factory: Callable[..., Any] | None = None) -> Any:
        """Adds a function for the class of ``constraint``; without one it is a decorator.

        Raises:
            TypeError: no constraint.
        """
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        if isinstance(constraint, constraints.Constraint):
            constraint = type(constraint)
        if not isinstance(constraint, type) or not issubclass(constraint, constraints.Constraint):
            raise TypeError(
                "Expected constraint to be either a Constraint subclass or instance, but got "
                f"{constraint}"
            )
        self._registry[constraint] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        """The transform onto ``constraint``.

        Raises:
            NotImplementedError: nothing registered for its class.
        """
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def _then_affine(first: Any, loc: Any, scale: Any) -> Any:
    return transforms.ComposeTransform([first, transforms.AffineTransform(loc, scale)])


def _exp_then_affine(loc: Any, scale: Any) -> Any:
    return _then_affine(transforms.ExpTransform(), loc, scale)


def _to_interval(constraint: Any) -> Any:
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, NUMBERS) and low == 0 and isinstance(high, NUMBERS) and high == 1:
        return transforms.SigmoidTransform()
    return _then_affine(transforms.SigmoidTransform(), low, high - low)


def _fill(registry: ConstraintRegistry) -> None:
    """The entries that are alike in both; ``positive`` and ``nonnegative`` are of the first two."""
    table: dict[Any, Callable[[Any], Any]] = {
        constraints.greater_than: lambda c: _exp_then_affine(c.lower_bound, 1),
        constraints.greater_than_eq: lambda c: _exp_then_affine(c.lower_bound, 1),
        constraints.less_than: lambda c: _exp_then_affine(c.upper_bound, -1),
        constraints.interval: _to_interval,
        constraints.half_open_interval: _to_interval,
        constraints.real: lambda c: transforms.identity_transform,
        constraints.corr_cholesky: lambda c: transforms.CorrCholeskyTransform(),
        constraints.independent: lambda c: transforms.IndependentTransform(
            registry(c.base_constraint), c.reinterpreted_batch_ndims
        ),
        constraints.cat: lambda c: transforms.CatTransform(
            [registry(part) for part in c.cseq], c.dim, c.lengths
        ),
        constraints.stack: lambda c: transforms.StackTransform(
            [registry(part) for part in c.cseq], c.dim
        ),
    }
    for constraint, factory in table.items():
        registry.register(constraint, factory)


_fill(biject_to)
_fill(transform_to)
biject_to.register(constraints.simplex, lambda c: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda c: transforms.SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda c: transforms.LowerCholeskyTransform())
for _matrix in (constraints.positive_definite, constraints.positive_semidefinite):
    transform_to.register(_matrix, lambda c: transforms.PositiveDefiniteTransform())
