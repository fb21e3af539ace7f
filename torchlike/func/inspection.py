"""Looking through transforms: ``debug_unwrap``, ``functionalize``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..core.crossing import unmapped
from ..core.tensor import Tensor


def debug_unwrap(tensor: Tensor, *, recurse: bool = True) -> Tensor:
    """The tensor with all samples of a ``vmap`` (the innermost, or all), to look at its numbers."""
    if not tensor._v.aval.levels:
        return tensor
    found = unmapped(tensor)
    return debug_unwrap(found) if recurse else found


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """``func`` itself: values are never written to here, so its program has no mutations to remove.

    Raises:
        RuntimeError: ``remove`` is neither ``"mutations"`` nor ``"mutations_and_views"``.
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(
            f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid "
            "options are:\n     remove='mutations': all inplace and out= operators will be removed from the "
            "program, and replaced with their out-of-place equivalents.\n     remove='mutations_and_views': "
            "In addition to the above, all aliasing operators {view} will be replaced with their "
            "non-aliasing counterparts, {view}_copy.\n"
        )

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return wrapped
