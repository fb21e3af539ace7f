"""``Distribution``: shapes, validation and expansion, the same for all of them."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from ..api import torch as T
from ..core.modes import modes, no_grad
from ..core.shapes import Size
from ..core.tensor import Tensor
from ..core.value import concrete
from . import constraints
from .utils import NO_DIMS, broadcast_all, lazy_property

__all__ = ["Distribution"]


def checked(fn: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Checks the method's value first, where arguments are validated."""

    @functools.wraps(fn)
    def call(self: Distribution, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return fn(self, value)

    return call


def all_hold(checks: Sequence[Tensor]) -> bool:
    """Whether every entry of every check is True; one look at numbers for all of them.

    Numbers that can't be looked at count as valid: a tracer of JAX's, a call being captured by
    ``torch.compile`` (which in PyTorch turns validation off, too).
    """
    if modes.capture is not None or not checks:
        return True
    found = functools.reduce(T.logical_and, [ok.all() for ok in checks])
    array = concrete(found._v)  # inside torch.vmap that of all samples
    return isinstance(array, jax.core.Tracer) or bool(np.asarray(array).all())


def _described(value: Any) -> str:
    return f"({type(value).__name__} of shape {tuple(value.shape)})"


class Distribution:
    """Samples have shape ``sample_shape + batch_shape + event_shape``; a class says in ``_batched``
    what it is made of: for each attribute (tensor or distribution), how many of its last dims are
    its own; the dims before are the batch's. None: the attribute has no batch dims.
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    _validate_args: bool = __debug__
    _batched: ClassVar[Mapping[str, int | None] | None] = None

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Turns the checking of arguments and values on or off.

        Raises:
            ValueError: no bool.
        """
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Size = NO_DIMS,
        event_shape: Size = NO_DIMS,
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = batch_shape
        self._event_shape = event_shape
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()
        super().__init__()

    def _hold(self, validate_args: bool | None, **parameters: Any) -> None:
        """Makes the parameters, broadcast, attributes, and their common shape the batch's."""
        tensors = broadcast_all(*parameters.values())
        for name, value in zip(parameters, tensors, strict=True):
            setattr(self, name, value)
        Distribution.__init__(self, tensors[0].size(), validate_args=validate_args)

    def _check_parameters(self) -> None:
        try:
            wanted = self.arg_constraints
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `arg_constraints`. Please set `arg_constraints = "
                "{}` or initialize the distribution with `validate_args=False` to turn off "
                "validation.",
                stacklevel=3,
            )
            return
        found = [(n, c, getattr(self, n)) for n, c in wanted.items() if self._can_check(n, c)]
        checks = [constraint.check(value) for _, constraint, value in found]
        if all_hold(checks):
            return
        for (name, constraint, value), check in zip(found, checks, strict=True):
            if not all_hold([check]):
                raise ValueError(
                    f"Expected parameter {name} {_described(value)} of distribution {self!r} to "
                    f"satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    def _can_check(self, name: str, constraint: Any) -> bool:
        is_lazy = isinstance(getattr(type(self), name, None), lazy_property)
        return not (constraints.is_dependent(constraint) or (is_lazy and name not in self.__dict__))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution with its batch dims expanded; shares the parameters' memory."""
        if self._batched is None:
            raise NotImplementedError
        declaring = next(c for c in type(self).__mro__ if "_batched" in c.__dict__)
        new = self._get_checked_instance(declaring, _instance)
        batch_shape = Size(batch_shape)
        self._expand_into(new, batch_shape)
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _expand_into(self, new: Any, batch_shape: Size) -> None:
        """Gives ``new`` this distribution's attributes, expanded."""
        assert self._batched is not None
        for name, own_dims in self._batched.items():
            if name not in self.__dict__:
                continue
            value = self.__dict__[name]
            if own_dims is not None:
                shape = value.batch_shape if isinstance(value, Distribution) else value.shape
                value = value.expand(batch_shape + shape[len(shape) - own_dims :])
            setattr(new, name, value)

    @property
    def batch_shape(self) -> Size:
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        return self._event_shape

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        raise NotImplementedError

    @property
    def support(self) -> Any:
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self) -> Tensor:
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        """A sample without gradients.  ``-> sample_shape + batch_shape + event_shape``"""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = NO_DIMS) -> Tensor:
        """A sample with gradients to the parameters."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.",
            FutureWarning,
            stacklevel=2,
        )
        return self.sample(Size((n,)))

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density, or log mass, at ``value``."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """Probability of at most ``value``."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The quantile of a probability."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution along the first dim; ``expand=False`` leaves the
        batch dims at 1."""
        raise NotImplementedError

    def _enumerated(self, values: Tensor, expand: bool) -> Tensor:
        """``values`` along the first dim, ahead of the batch dims.  ``(n, *event) -> …``"""
        n, *event = values.shape
        values = values.view((n, *(1,) * len(self._batch_shape), *event))
        return values.expand((n, *self._batch_shape, *event)) if expand else values

    def entropy(self) -> Tensor:
        """``-> batch_shape``"""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """``exp(entropy)``.  ``-> batch_shape``"""
        return T.exp(self.entropy())

    def _extended_shape(self, sample_shape: Any = NO_DIMS) -> Size:
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _validate_sample(self, value: Tensor) -> None:
        """Checks that a value fits the distribution's shapes and support.

        Raises:
            ValueError: in PyTorch's words.
        """
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape = value.size()
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{shape} vs {self._event_shape}."
            )
        expected = self._batch_shape + self._event_shape
        pairs = zip(reversed(shape), reversed(expected), strict=False)
        if any(1 not in pair and pair[0] != pair[1] for pair in pairs):
            raise ValueError(
                f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {expected}."
            )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `support` to enable sample validation. Please "
                "initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        if not all_hold([support.check(value)]):
            raise ValueError(
                f"Expected value argument {_described(value)} to be within the support "
                f"({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        if _instance is None and type(self).__init__ != cls.__init__:
            raise NotImplementedError(
                f"Subclass {self.__class__.__name__} of {cls.__name__} that defines a custom "
                "__init__ method must also define a custom .expand() method."
            )
        return self.__new__(type(self)) if _instance is None else _instance

    def __repr__(self) -> str:
        own = [
            (name, self.__dict__[name]) for name in self.arg_constraints if name in self.__dict__
        ]
        shown = [f"{name}: {x if x.numel() == 1 else x.size()}" for name, x in own]
        return f"{self.__class__.__name__}({', '.join(shown)})"
