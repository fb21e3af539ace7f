"""``torch.autograd.backward`` and ``torch.autograd.grad``."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ..api import torch as T
from ..core.backward import run_backward
from ..core.tensor import Tensor


def _listed(x: Any) -> list[Any]:
    return [x] if isinstance(x, Tensor) or x is None else list(x)


def backward(
    tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    grad_variables: Any = None, inputs: Any = None,
) -> None:  # fmt: skip
    """Adds the gradient of the sum of ``tensors`` to every leaf's ``.grad``.

    Raises:
        RuntimeError: nothing to differentiate, or a non-scalar without its gradient.
    """
    if grad_variables is not None:
        warnings.warn(
            "`grad_variables` is deprecated. Use `grad_tensors` instead.",
            FutureWarning,
            stacklevel=2,
        )
        grad_tensors = grad_variables if grad_tensors is None else grad_tensors
    roots = _listed(tensors)
    grads = [None] * len(roots) if grad_tensors is None else _listed(grad_tensors)
    if len(grads) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(grads)} gradients")
    wanted = None if inputs is None else _listed(inputs)
    if wanted is not None and not wanted:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    keep = create_graph if retain_graph is None else retain_graph
    run_backward(roots, grads, retain_graph=keep, create_graph=create_graph, inputs=wanted)


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
    create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None,
    is_grads_batched: bool = False, materialize_grads: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """The gradients of ``outputs`` with respect to ``inputs``, without touching ``.grad``.

    Raises:
        RuntimeError: an input that was not used, unless ``allow_unused``.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    roots, leaves = _listed(outputs), _listed(inputs)
    grads = [None] * len(roots) if grad_outputs is None else _listed(grad_outputs)
    if is_grads_batched:
        return _batched(roots, leaves, grads, create_graph, bool(allow_unused), materialize_grads)
    for t in leaves:
        if not t.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    keep = create_graph if retain_graph is None else retain_graph
    found = run_backward(
        roots, grads, retain_graph=keep, create_graph=create_graph, inputs=leaves, accumulate=False
    )
    for i, g in enumerate(found):
        if g is None and not (allow_unused or materialize_grads):
            raise RuntimeError(
                f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set "
                "allow_unused=True if this is the desired behavior."
            )
    if materialize_grads:
        return tuple(
            T.zeros_like(t) if g is None else g for g, t in zip(found, leaves, strict=True)
        )
    return tuple(found)


def _batched(
    roots: Sequence[Tensor], leaves: Sequence[Tensor], grads: Sequence[Any], create_graph: bool,
    allow_unused: bool, materialize: bool,
) -> tuple[Any, ...]:  # fmt: skip
    """One walk per entry of the leading dim of ``grads``; the results are stacked."""
    count = grads[0].shape[0]
    rows = [
        grad(roots, leaves, [g[i] for g in grads], True, create_graph, True, allow_unused or materialize,
             False, materialize)
        for i in range(count)
    ]  # fmt: skip
    return tuple(None if r[0] is None else T.stack(r) for r in zip(*rows, strict=True))
