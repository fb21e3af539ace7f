"""Two objects that exchange what they are."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

from ..core.tensor import Tensor

__all__ = ["set_module", "swap_tensors"]


def set_module(obj: Any, mod: str) -> None:
    """Sets ``__module__``.

    Raises:
        TypeError: ``mod`` is no string.
    """
    if not isinstance(mod, str):
        raise TypeError("The mod argument should be a string")
    obj.__module__ = mod


def swap_tensors(t1: Tensor, t2: Tensor) -> None:
    """Exchanges values, classes and attributes; each object stays where it is referred to.

    Raises:
        RuntimeError: a weak reference or a view is about one of them. A backward through what was
            computed of them before raises, too.
    """
    for name, tensor in (("t1", t1), ("t2", t2)):
        if any(ref is not tensor._accumulator for ref in weakref.getweakrefs(tensor)):
            raise RuntimeError(
                f"Cannot swap {name} because it has weakref associated with it"
            )
        _check_alone(name, tensor)
    for tensor in (t1, t2):
        node = None if tensor._accumulator is None else tensor._accumulator()
        if node is not None:
            node.register_prehook(_refuse)
            tensor._accumulator = None
    t1.__class__, t2.__class__ = t2.__class__, t1.__class__
    t1.__dict__, t2.__dict__ = t2.__dict__, t1.__dict__


def _check_alone(name: str, tensor: Tensor) -> None:
    """A view would go on with the storage of the one and the history of the other."""
    if sys.getrefcount(tensor._storage) <= 2:
        return
    views = [x for x in gc.get_referrers(tensor) if isinstance(x, dict) and x.get("_base") is tensor]
    if views:
        raise RuntimeError(
            f"Expected use_count of {name} to be 1 or 2 with an AccumulateGrad node but got "
            f"{1 + len(views)} make sure you are not holding references to the tensor in other places."
        )


def _refuse(grad_outputs: Any) -> None:
    raise RuntimeError(
        "Trying to execute AccumulateGrad node that was poisoned by swap_tensors this can happen when "
        "you try to run backward on a tensor that was swapped. For a module m with "
        "`torch.__future__.set_swap_module_params_on_conversion(True)` you should not change the device "
        "or dtype of the module (e.g. `m.cpu()` or `m.half()`) between running forward and backward. To "
        "resolve this, please only change the device/dtype before running forward (or after both forward "
        "and backward)."
    )
