"""Calls of several modules, each on its device; XLA runs them at the same time."""

from __future__ import annotations

from typing import Any

__all__ = ["parallel_apply"]


def parallel_apply(
    modules: Any, inputs: Any, kwargs_tup: Any = None, devices: Any = None
) -> list[Any]:
    """``modules[i](*inputs[i], **kwargs_tup[i])``

    Raises:
        AssertionError: as many inputs are needed as modules.
    """
    if len(modules) != len(inputs):
        raise AssertionError(
            f"The number of modules {len(modules)} is not equal to the number of inputs {len(inputs)}"
        )
    named = kwargs_tup or [{}] * len(modules)
    if len(modules) != len(named):
        raise AssertionError("The number of modules and kwargs_tup must be the same")
    calls = zip(modules, inputs, named, strict=True)
    return [m(*(x if isinstance(x, (list, tuple)) else (x,)), **kwargs) for m, x, kwargs in calls]
