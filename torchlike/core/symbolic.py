"""``torch.sym_max`` and its kin, and ``torch.SymInt``: numbers that PyTorch may not know yet.

Differs: torchlike traces with known shapes, so every such number is a plain one.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

__all__ = [
    "SymBool", "SymFloat", "SymInt", "sym_constrain_range", "sym_constrain_range_for_size", "sym_float",
    "sym_fresh_size", "sym_int", "sym_ite", "sym_max", "sym_min", "sym_not", "sym_sqrt", "sym_sum",
]  # fmt: skip
_LARGEST = 2**63 - 1


class _Known:
    """A number in a box; what is done with it is done with the number."""

    def __init__(self, node: Any) -> None:
        self.node = node

    def __repr__(self) -> str:
        return repr(self.node)

    def __hash__(self) -> int:
        return hash(self.node)

    def __bool__(self) -> bool:
        return bool(self.node)

    def __int__(self) -> int:
        return int(self.node)

    def __float__(self) -> float:
        return float(self.node)


def _bare(x: Any) -> Any:
    return x.node if isinstance(x, _Known) else x


def _on_numbers(fn: Callable[..., Any], *, reflected: bool) -> Callable[..., Any]:
    def method(self: _Known, *others: Any) -> Any:
        numbers = [_bare(x) for x in (self, *others)]
        return fn(*(reversed(numbers) if reflected else numbers))

    return method


for _name in "add sub mul truediv floordiv mod pow and_ or_ xor lshift rshift".split():
    _dunder, _fn = _name.rstrip("_"), getattr(operator, _name)
    setattr(_Known, f"__{_dunder}__", _on_numbers(_fn, reflected=False))
    setattr(_Known, f"__r{_dunder}__", _on_numbers(_fn, reflected=True))
for _name in "eq ne lt le gt ge neg pos abs".split():
    setattr(_Known, f"__{_name}__", _on_numbers(getattr(operator, _name), reflected=False))


class SymInt(_Known):
    """An integer that PyTorch may trace; here always known."""

    def __index__(self) -> int:
        return operator.index(self.node)

    def is_integer(self) -> bool:
        return True


class SymFloat(_Known):
    """A float that PyTorch may trace; here always known."""

    def is_integer(self) -> bool:
        return float(self.node).is_integer()


class SymBool(_Known):
    """A truth value that PyTorch may trace; here always known."""


def sym_not(a: Any) -> bool:
    return not a


def sym_float(a: Any) -> float:
    return float(a)


def sym_int(a: Any) -> int:
    """Truncated towards zero."""
    return int(a)


def sym_sqrt(a: Any) -> float:
    return math.sqrt(a)


def _either(a: Any, b: Any, choose: Callable[[Any, Any], Any]) -> Any:
    """The chosen one; a float if one of them is."""
    is_float = any(isinstance(_bare(x), float) for x in (a, b))
    return choose(float(a), float(b)) if is_float else choose(_bare(a), _bare(b))


def sym_max(a: Any, b: Any) -> Any:
    return _either(a, b, max)


def sym_min(a: Any, b: Any) -> Any:
    return _either(a, b, min)


def sym_sum(*args: Any) -> Any:
    """The sum of the arguments, or of the one list."""
    numbers = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args
    return functools.reduce(operator.add, numbers) if numbers else 0


def sym_ite(b: Any, t: Any, f: Any) -> Any:
    """``t if b else f``.

    Raises:
        AssertionError: ``b`` is no truth value, or the others are of different types.
    """
    if not isinstance(b, (SymBool, bool)):
        raise AssertionError(f"expected SymBool or bool, got {type(b)}")
    if type(t) is not type(f):
        raise AssertionError(f"type mismatch: {type(t)} vs {type(f)}")
    return t if b else f


def sym_fresh_size(expr: Any) -> Any:
    """The number itself: it is known."""
    return expr


def sym_constrain_range(size: Any, *, min: int | None = None, max: int | None = None) -> None:
    """Checks that a number is in the range.

    Raises:
        RuntimeError: it is not.
    """
    low = -(2**63) if min is None else min
    high = _LARGEST if max is None else max
    if not low <= size <= high:
        raise RuntimeError(f"Invalid value range for {size} between [{low}, {high}].")


def sym_constrain_range_for_size(
    size: Any, *, min: int | None = None, max: int | None = None
) -> None:
    """Checks that a length is in the range.

    Raises:
        RuntimeError: it is not, or the range leaves no length but 0, 1 and 2.
    """
    if max is not None and max <= 2:
        raise RuntimeError(
            f"Max value to constrain_range_for_size must be greater than 2. got: {max}"
        )
    sym_constrain_range(size, min=0 if min is None else min, max=max)
