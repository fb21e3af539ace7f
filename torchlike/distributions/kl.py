"""Kullback-Leibler divergence: the table of formulas and the choice among them.

The formulas are in ``kl_same.py`` (two distributions of one kind) and ``kl_cross.py``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..core.tensor import Tensor
from .distribution import Distribution

__all__ = ["register_kl", "kl_divergence"]

Formula = Callable[[Any, Any], Tensor]

_KL_REGISTRY: dict[tuple[type, type], Formula] = {}
_KL_MEMOIZE: dict[tuple[type, type], Any] = {}  # what was chosen for a pair of exact types


def register_kl(type_p: type, type_q: type) -> Callable[[Formula], Formula]:
    """A decorator: the function below is ``KL(p || q)`` for these classes and their subclasses.

    Raises:
        TypeError: no distribution classes.
    """
    for name, given in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(given, type) and issubclass(given, Distribution):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {given}")

    def decorator(fun: Formula) -> Formula:
        _KL_REGISTRY[type_p, type_q] = fun
        _KL_MEMOIZE.clear()
        return fun

    return decorator


def _dispatch_kl(type_p: type, type_q: type) -> Any:
    """The formula of the nearest superclasses, those of p first; NotImplemented if there is none."""
    near_p = {cls: i for i, cls in enumerate(type_p.__mro__)}
    near_q = {cls: i for i, cls in enumerate(type_q.__mro__)}
    matches = [(p, q) for p, q in _KL_REGISTRY if p in near_p and q in near_q]
    if not matches:
        return NotImplemented
    left = min(matches, key=lambda m: (near_p[m[0]], near_q[m[1]]))
    right = min(matches, key=lambda m: (near_q[m[1]], near_p[m[0]]))
    if _KL_REGISTRY[left] is not _KL_REGISTRY[right]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please "
            f"register_kl({left[0].__name__}, {right[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return _KL_REGISTRY[left]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """``E_p[log p(x) - log q(x)]``.  ``-> batch_shape``

    Raises:
        NotImplementedError: no formula for the pair.
    """
    pair = type(p), type(q)
    fun = _KL_MEMOIZE.get(pair)
    if fun is None:
        fun = _KL_MEMOIZE[pair] = _dispatch_kl(*pair)
    if fun is NotImplemented:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {p.__class__.__name__} and q type "
            f"{q.__class__.__name__}"
        )
    return fun(p, q)
