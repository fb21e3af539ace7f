"""What ``vmap`` makes of a call: the op's function under ``jax.vmap``, once per mapping.

A value that is mapped carries its levels in its ``Aval``; the array has their sizes in front, the
outermost first. So a call's signature says which operands are mapped, and its function is lifted
when the call is made: nothing is left to do, and nothing is asked, when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from .value import Aval, Levels


def joint(avals: Sequence[Aval | type]) -> Levels:
    """The levels that any of the operands is mapped over.

    Raises:
        RuntimeError: a tensor of a ``vmap`` that has ended meets another of the same number.
    """
    found: dict[int, int] = {}
    for a in avals:
        if type(a) is Aval:
            for number, size in a.levels:
                if found.setdefault(number, size) != size:
                    raise RuntimeError(
                        "vmap: a tensor of a vmap that has ended is used in another one\n"
                        "hint: return it from the mapped function instead of keeping it"
                    )
    return tuple(sorted(found.items()))


def lifted(
    fn: Callable[..., Any], avals: Sequence[Aval | type], levels: Levels
) -> Callable[..., Any]:
    """``fn`` on whole arrays, given which operands are mapped over which of ``levels``."""
    for number, _ in reversed(levels):
        axes = [0 if type(a) is Aval and number in dict(a.levels) else None for a in avals]
        if any(axis is not None for axis in axes):
            fn = jax.vmap(fn, in_axes=axes, out_axes=0)
    return fn


def flat(a: Aval | type, numbers: Sequence[int]) -> Aval | type:
    """The signature with those levels as leading dims of the shape; they are the innermost ones."""
    if type(a) is not Aval or not a.levels:
        return a
    gone = tuple([size for number, size in a.levels if number in numbers])
    kept = tuple([level for level in a.levels if level[0] not in numbers])
    return a.but(shape=(*gone, *a.shape), levels=kept)


def only(a: Aval | type, numbers: Sequence[int]) -> Aval | type:
    """The signature with no other levels than those."""
    if type(a) is not Aval or not a.levels:
        return a
    return a.but(levels=tuple([level for level in a.levels if level[0] in numbers]))
