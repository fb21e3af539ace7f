"""``torch.autograd.backward`` and ``torch.autograd.grad``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping as MappingType, Sequence
from typing import Any

from ..api import torch as T
from ..core.backward import run_backward
from ..core.crossing import enter, leave
from ..core.modes import modes
from ..core.tensor import Tensor
from ..core.transforms import Mapping, refuse_backward, running
from .graph import GradientEdge


def _listed(x: Any) -> list[Any]:
    return [x] if isinstance(x, (Tensor, GradientEdge)) or x is None else list(x)


def _inputs(x: Any, name: str) -> list[Any]:
    """What to differentiate with respect to: one, a sequence, or a dictionary.

    Raises:
        TypeError: another mapping.
        RuntimeError: nothing.
    """
    if isinstance(x, MappingType):
        if type(x) is not dict:
            raise TypeError(
                f"`inputs` argument to `{name}()` must be a dict, not {type(x).__name__}. Other Mapping types "
                "are not supported."
            )
        x = list(x.values())
    found = _listed(x)
    if not found:
        raise RuntimeError(f"`inputs` argument to `{name}()` cannot be empty.")
    return found


def backward(
    tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
    grad_variables: Any = None, inputs: Any = None,
) -> None:  # fmt: skip
    """Adds the gradient of the sum of ``tensors`` to every leaf's ``.grad``.

    Raises:
        RuntimeError: nothing to differentiate, a non-scalar without its gradient, or inside of a
            function transform.
    """
    if modes.transforms:
        refuse_backward()
    if grad_variables is not None:
        warnings.warn(
            "`grad_variables` is deprecated. Use `grad_tensors` instead.",
            FutureWarning,
            stacklevel=2,
        )
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. "
                "Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    wanted = None if inputs is None else _inputs(inputs, "backward")
    roots = _listed(tensors)
    grads = _grads(grad_tensors, len(roots))
    keep = create_graph if retain_graph is None else retain_graph
    run_backward(roots, grads, retain_graph=keep, create_graph=create_graph, inputs=wanted)


def _grads(given: Any, count: int) -> list[Any]:
    if given is None:
        return [None] * count
    grads = _listed(given)[:count]
    if len(grads) != count:
        raise RuntimeError(f"got {count} tensors and {len(grads)} gradients")
    for g in grads:
        if g is not None and not isinstance(g, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
    return grads


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
    create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None,
    is_grads_batched: bool = False, materialize_grads: bool = False,
) -> Any:  # fmt: skip
    """The gradients of ``outputs`` with respect to ``inputs``, without touching ``.grad``.

    With ``is_grads_batched``, ``grad_outputs`` have a leading dim, and so have the results: all are
    computed at once. A dictionary of inputs gives one of gradients.

    Raises:
        RuntimeError: an input that was not used, unless ``allow_unused``.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate "
            "gradient for other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    roots, leaves = _listed(outputs), _inputs(inputs, "grad")
    for t in leaves:
        if isinstance(t, Tensor) and not t.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    grads = _grads(grad_outputs, len(roots))
    walk = _Walk(
        roots, leaves, create_graph if retain_graph is None else retain_graph, create_graph
    )
    found = walk.batched(grads) if is_grads_batched else walk(grads)
    for i, g in enumerate(found):
        if g is None and not (allow_unused or materialize_grads):
            raise RuntimeError(
                f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set "
                "allow_unused=True if this is the desired behavior."
            )
    if materialize_grads:
        found = [
            _zeros(t, create_graph) if g is None else g for g, t in zip(found, leaves, strict=True)
        ]
    return dict(zip(inputs, found, strict=True)) if isinstance(inputs, dict) else tuple(found)


def _zeros(t: Any, requires_grad: bool) -> Tensor:
    if not isinstance(t, Tensor):
        raise RuntimeError(
            "materialize_grads cannot be used when the given input is a GradientEdge"
        )
    found = T.zeros_like(t)
    found._rg = requires_grad
    return found


class _Walk:
    """A backward with everything but its gradients."""

    def __init__(
        self, roots: Sequence[Any], leaves: Sequence[Any], retain_graph: bool, create_graph: bool
    ) -> None:
        self.roots = roots
        self.leaves = leaves
        self.options = {"retain_graph": retain_graph, "create_graph": create_graph}

    def __call__(self, grads: Sequence[Any]) -> list[Any]:
        return run_backward(self.roots, grads, inputs=self.leaves, accumulate=False, **self.options)

    def batched(self, grads: Sequence[Any]) -> list[Any]:
        """One walk for all entries of the leading dim, as ``vmap`` would have it."""
        for i, (g, y) in enumerate(zip(grads, self.roots, strict=True)):
            if isinstance(y, GradientEdge):
                raise RuntimeError("Batched grads are not supported with GradientEdge")
            if g is not None and tuple(g.shape[1:]) != tuple(y.shape):
                raise RuntimeError(
                    "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the "
                    "batch dimension. The sizes of the remaining dimensions are expected to match the shape "
                    f"of corresponding output, but a mismatch was detected: grad_output[{i}] has a shape of "
                    f"{g.shape[2:]} and output[{i}] has a shape of {y.shape}. If you only want some tensors in "
                    "`grad_output` to be considered batched, consider using vmap."
                )
        size = next(g.shape[0] for g in grads if g is not None)
        with running(Mapping(size, "same")) as level:
            inside = [None if g is None else enter(g, 0, level) for g in grads]
            return [None if g is None else leave(g, 0, level) for g in self(inside)]


def variable(*args: Any, **kwargs: Any) -> Any:
    """Gone from PyTorch.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("torch.autograd.variable(...) is deprecated, use torch.tensor(...) instead")
