"""``argnums``: which of a function's arguments a transform is about."""

from __future__ import annotations

from typing import Any


def checked_argnums(argnums: Any, count: int) -> Any:
    """``argnums`` counted from 0.

    Raises:
        RuntimeError: no int or tuple, out of range, twice the same, or none.
    """
    if isinstance(argnums, int):
        return _index(argnums, count)
    if not isinstance(argnums, tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    found = tuple([_index(i, count) for i in argnums])
    if not found:
        raise RuntimeError("argnums must be non-empty")
    if len(set(found)) != len(found):
        raise RuntimeError(f"argnums elements must be unique, got {found}")
    return found


def _index(i: Any, count: int) -> int:
    if not isinstance(i, int):
        raise RuntimeError(f"argnum must be int, got: {type(i)}")
    if not -count <= i < count:
        raise RuntimeError(f"Got argnum={i}, but only {count} positional inputs")
    return i % count


def sliced(args: tuple[Any, ...], argnums: Any, as_tuple: bool = True) -> Any:
    """The arguments that are meant: a tuple, or the one itself."""
    argnums = checked_argnums(argnums, len(args))
    if isinstance(argnums, int):
        return (args[argnums],) if as_tuple else args[argnums]
    return tuple([args[i] for i in argnums])


def replaced(args: tuple[Any, ...], new: tuple[Any, ...], argnums: Any) -> tuple[Any, ...]:
    """The arguments with those exchanged."""
    found = list(args)
    indices = checked_argnums(argnums, len(args))
    for i, x in zip((indices,) if isinstance(indices, int) else indices, new, strict=True):
        found[i] = x
    return tuple(found)
