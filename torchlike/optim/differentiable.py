"""``differentiable=True``: the step as one taped operation; gradients flow through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.dispatch import apply_call
from ..core.opcall import OpCall
from ..core.signature import pure_call
from ..core.tensor import Tensor
from ..core.write import check_writable, rebind, write

_CALLS: dict[Any, OpCall] = {}


def step(
    fn: Callable[..., Any], given: list[Any], old: list[Tensor], statics: tuple[Any, ...], name: str
) -> None:
    """Writes ``fn(given + old, *statics)`` over ``old``, with its history.

    Raises:
        RuntimeError: a parameter is a leaf, which cannot be written to under autograd.
    """
    for t in old:
        check_writable(t)
    operands = given + old
    values = [x._v if isinstance(x, Tensor) else x for x in operands]
    edges = [x._grad_edge_or_none() if isinstance(x, Tensor) else None for x in operands]
    key = (fn, statics, *[x._v.aval if isinstance(x, Tensor) else type(x) for x in operands])
    call = _CALLS.get(key)
    if call is None:
        call = _CALLS[key] = pure_call(fn, key[2:], statics, name)
    for before, after in zip(old, apply_call(call, values, edges), strict=True):
        # A count of steps has no gradient, although one operation computes it with the rest.
        counts = before.dim() == 0 and not before.requires_grad
        (rebind if counts else write)(before, after)
