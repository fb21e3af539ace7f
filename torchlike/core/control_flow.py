"""``torch.cond`` and ``torch.while_loop``: branches and loops whose condition is a tensor.

Op by op they are Python's own; so the gradient is that of the branch taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .tensor import Tensor

__all__ = ["cond", "while_loop"]


def cond(
    pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any],
    operands: tuple[Any, ...] | list[Any] = (),
) -> Any:  # fmt: skip
    """``true_fn(*operands) if pred else false_fn(*operands)``.

    Raises:
        RuntimeError: ``pred`` is no truth value.
    """
    if not isinstance(pred, (bool, int, float, Tensor)):
        raise RuntimeError(f"Expected pred to be bool or tensor, but got {pred}.")
    if isinstance(pred, Tensor) and pred.numel() != 1:
        raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
    return (true_fn if bool(pred) else false_fn)(*operands)


def while_loop(
    cond_fn: Callable[..., Any], body_fn: Callable[..., Any], carried_inputs: Sequence[Any]
) -> Any:
    """Runs the body on what it returned, while ``cond_fn(*carried)``.

    Raises:
        RuntimeError: an argument is no function, or the body changes how many values there are.
    """
    if not callable(cond_fn) or not callable(body_fn):
        raise RuntimeError("Expect cond_fn and body_fn to be callable.")
    count = len(carried_inputs)
    carried: Any = carried_inputs
    while _goes_on(cond_fn(*_listed(carried))):
        carried = body_fn(*_listed(carried))
        if len(_listed(carried)) != count:
            raise RuntimeError(
                "Expected body_fn_output and carried_inputs to have same number of outputs but got "
                f"lhs:{_listed(carried)} and rhs:{list(carried_inputs)}"
            )
    return carried


def _listed(carried: Any) -> Sequence[Any]:
    return carried if isinstance(carried, (tuple, list)) else (carried,)


def _goes_on(found: Any) -> bool:
    if isinstance(found, Tensor) and found.numel() == 1 or isinstance(found, bool):
        return bool(found)
    raise RuntimeError(f"cond_fn must return a boolean scalar tensor or a boolean but got {found}")
