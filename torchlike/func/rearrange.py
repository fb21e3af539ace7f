"""``torch.func.rearrange``: reshape and transpose by a pattern of names, as einops writes it."""

from __future__ import annotations

import keyword
import math
from typing import Any

from ..api import torch as T
from ..core.tensor import Tensor

_ELLIPSIS = "…"


class _Side:
    """One side of a pattern: groups of names, each a dim."""

    def __init__(self, text: str) -> None:
        self.groups: list[list[str]] = []
        self.names: set[str] = set()
        self.grouped_ellipsis = False
        if "." in text:
            if "..." not in text:
                raise ValueError("Expression may contain dots only inside ellipsis (...)")
            if text.count("...") != 1 or text.count(".") != 3:
                raise ValueError(
                    "Expression may contain dots only inside ellipsis (...); only one ellipsis for tensor "
                )
            text = text.replace("...", _ELLIPSIS)
        self._parse(text)

    def _parse(self, text: str) -> None:
        group: list[str] | None = None
        for word in text.replace("(", " ( ").replace(")", " ) ").split():
            if word == "(":
                if group is not None:
                    raise ValueError(
                        "Axis composition is one-level (brackets inside brackets not allowed)"
                    )
                group = []
            elif word == ")":
                if group is None:
                    raise ValueError("Brackets are not balanced")
                self.groups.append(group)
                group = None
            else:
                self._add(word, group)
        if group is not None:
            raise ValueError(f"Imbalanced parentheses in expression: '{text}'")

    def _add(self, word: str, group: list[str] | None) -> None:
        for char in word:
            if not (char.isalnum() or char in ("_", _ELLIPSIS)):
                raise ValueError(f"Unknown character '{char}'")
        if word in self.names:
            raise ValueError(f"Indexing expression contains duplicate dimension '{word}'")
        if word == "1":
            if group is None:
                self.groups.append([])
            return
        if word.isdecimal():
            raise ValueError("rearrange only supports unnamed axes of size 1")
        if word != _ELLIPSIS:
            _check_name(word)
        self.names.add(word)
        self.grouped_ellipsis |= word == _ELLIPSIS and group is not None
        if group is None:
            self.groups.append([word])
        else:
            group.append(word)


def _check_name(word: str) -> None:
    reason = ""
    if not word.isidentifier():
        reason = "not a valid python identifier"
    elif word.startswith("_") or word.endswith("_"):
        reason = "axis name should should not start or end with underscore"
    elif keyword.iskeyword(word):
        return
    if reason:
        raise ValueError(f"Invalid axis identifier: {word}\n{reason}")


def _sides(pattern: str, lengths: dict[str, Any]) -> tuple[_Side, _Side]:
    parts = pattern.split("->")
    if len(parts) != 2:
        raise ValueError("Pattern must contain a single '->' separator")
    left, right = _Side(parts[0]), _Side(parts[1])
    if _ELLIPSIS in right.names and _ELLIPSIS not in left.names:
        raise ValueError(f"Ellipsis found in right side, but not left side of a pattern {pattern}")
    if left.grouped_ellipsis:
        raise ValueError(f"Ellipsis is parenthesis in the left side is not allowed: {pattern}")
    for length in lengths.values():
        if type(length) is not int:
            raise TypeError(f"rearrange axis lengths must be integers, got: {type(length)}")
    one_sided = left.names ^ right.names
    if one_sided:
        raise ValueError(
            f"Identifiers only on one side of rearrange expression (should be on both): {one_sided}"
        )
    unknown = lengths.keys() - left.names
    if unknown:
        raise ValueError(f"Identifiers not found in rearrange expression: {unknown}")
    return left, right


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """The tensor (or a stack of tensors) with its dims split, moved and joined as the pattern says.

    Raises:
        ValueError: no such pattern, or one that does not fit the shape.
        TypeError: a length that is no int.
    """
    t = tensor if isinstance(tensor, Tensor) else T.stack(tensor)
    left, right = _sides(pattern, axes_lengths)
    more = t.ndim - sum(g != [_ELLIPSIS] for g in left.groups)
    has_more = _ELLIPSIS in left.names
    if more < 0 or (more > 0 and not has_more):
        raise ValueError(
            f"Number of dimensions in pattern ({t.ndim - more}) must be equal to the number of dimensions "
            f"in the tensor ({t.ndim})"
        )
    hidden = [f"{_ELLIPSIS}{k}" for k in range(more)]
    groups = _spread(left, hidden)
    sizes = dict(axes_lengths)
    shape: list[int] = []
    for group, n in zip(groups, t.shape, strict=True):
        shape += _lengths(group, n, sizes)
    order = [name for group in groups for name in group]
    targets = _spread(right, hidden)
    t = t.reshape(shape)  # type: ignore[attr-defined]
    t = t.permute([order.index(name) for group in targets for name in group])
    return t.reshape([math.prod(sizes[name] for name in group) for group in targets])


def _spread(side: _Side, hidden: list[str]) -> list[list[str]]:
    """The groups with the dims that the ellipsis stands for."""
    found: list[list[str]] = []
    for group in side.groups:
        if group == [_ELLIPSIS] and not side.grouped_ellipsis:
            found += [[name] for name in hidden]
        else:
            found.append([n for name in group for n in (hidden if name == _ELLIPSIS else [name])])
    return found


def _lengths(group: list[str], n: int, sizes: dict[str, int]) -> list[int]:
    """The sizes of the names of one dim; at most one may be unknown."""
    unknown = [name for name in group if name not in sizes]
    known = math.prod(sizes[name] for name in group if name in sizes)
    if len(unknown) > 1:
        raise ValueError(f"Could not infer sizes for {unknown}")
    if n % max(known, 1) or (not unknown and known != n):
        raise ValueError(f"Shape mismatch: can't divide axis of length {n} in chunks of {known}")
    if unknown:
        sizes[unknown[0]] = n // max(known, 1)
    return [sizes[name] for name in group]
