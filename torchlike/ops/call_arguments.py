"""Arguments of an overloaded call, wherever they were given."""

from __future__ import annotations

from typing import Any


def named_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], *names: str) -> list[Any]:
    """One value per name, by place or by name; None where not given.

    A name may be ``"a|b"`` where PyTorch's overloads spell the parameter differently.

    Raises:
        TypeError: an argument that no overload has.
    """
    if len(args) > len(names):
        raise TypeError(f"expected at most {len(names)} positional arguments, got {len(args)}")
    left = dict(kwargs)
    found = list(args)
    for name in names[len(args) :]:
        spelled = next((n for n in name.split("|") if n in left), None)
        found.append(None if spelled is None else left.pop(spelled))
    if left:
        raise TypeError(f"got an unexpected keyword argument '{min(left)}'")
    return found
