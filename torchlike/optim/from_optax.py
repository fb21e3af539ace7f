"""Any optax transformation as a ``torch.optim.Optimizer``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from ..core.dispatch import run, run_values
from ..core.tensor import Tensor
from ..core.write import rebind_all
from .optimizer import Optimizer, _use_grad_for_differentiable


class OptaxOptimizer(Optimizer):
    """Steps by ``transformation``; its state is kept per group, as a flat dict of tensors.

    A parameter without gradient keeps its value, and its part of the state. Parameter groups may
    bring
    their own ``transformation``. ``lr`` belongs to the transformation: PyTorch's schedulers do not
    reach it, optax's schedules do.
    """

    def __init__(self, params: Any, transformation: Any) -> None:
        super().__init__(params, {"transformation": transformation})

    def state_dict(self) -> dict[str, Any]:
        """PyTorch's layout; the transformation itself is code and stays out."""
        found = super().state_dict()
        for group in found["param_groups"]:
            group.pop("transformation")
        return found

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        mine = [group["transformation"] for group in self.param_groups]
        super().load_state_dict(state_dict)
        for group, transformation in zip(self.param_groups, mine, strict=True):
            group["transformation"] = transformation

    @_use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient."""
        loss = self._closure_loss(closure)
        for i, group in enumerate(self.param_groups):
            self._step_group(i, group)
        return loss

    def _step_group(self, i: int, group: dict[str, Any]) -> None:
        params, change = group["params"], group["transformation"]
        given = tuple(p.grad is not None for p in params)
        if not any(given):
            return
        key = f"group{i}"
        state = self.state.get(key)
        if state is None:
            made = run(_init, params, (change,), "optax_init")
            names = _state_names(change, params)
            state = self.state[key] = dict(zip(names, made, strict=True))
        grads = [p.grad for p in params if p.grad is not None]
        if not all(g._is_dense for g in grads):
            raise RuntimeError("OptaxOptimizer does not support sparse gradients")
        old = [*params, *state.values()]
        rebind_all(old, run_values(_update, [*grads, *old], (change, given), "optax_update"))


def from_optax(params: Any, transformation: Any) -> OptaxOptimizer:
    """``from_optax(model.parameters(), optax.lion(1e-4))``: a PyTorch optimizer."""
    return OptaxOptimizer(params, transformation)


def _tree(leaves: Sequence[Any]) -> dict[str, Any]:
    """The parameters by name, so that a state's paths tell which leaf mirrors which parameter."""
    return {str(i): leaf for i, leaf in enumerate(leaves)}


def _init(arrays: Sequence[Any], change: Any) -> tuple[Any, ...]:
    return tuple(jax.tree_util.tree_leaves(change.init(_tree(arrays))))


def _state_names(change: Any, params: Sequence[Tensor]) -> list[str]:
    like = _tree([p._v.aval.struct for p in params])
    paths, _ = jax.tree_util.tree_flatten_with_path(jax.eval_shape(change.init, like))
    return [jax.tree_util.keystr(path) for path, _ in paths]


def _update(arrays: Sequence[Any], change: Any, given: tuple[bool, ...]) -> tuple[Any, ...]:
    import jax.numpy as jnp
    import optax

    some = sum(given)
    grads = iter(arrays[:some])
    params = arrays[some : some + len(given)]
    leaves = arrays[some + len(given) :]
    complete = [next(grads) if g else jnp.zeros_like(p) for g, p in zip(given, params, strict=True)]
    paths, tree = jax.tree_util.tree_flatten_with_path(jax.eval_shape(change.init, _tree(params)))
    state = jax.tree_util.tree_unflatten(tree, leaves)
    updates, after = change.update(_tree(complete), state, _tree(params))
    new: Any = optax.apply_updates(_tree(params), updates)
    idle = {str(i) for i, g in enumerate(given) if not g}
    made = [p if str(i) in idle else new[str(i)] for i, p in enumerate(params)]
    for (path, _), old, leaf in zip(
        paths, leaves, jax.tree_util.tree_leaves(after), strict=True
    ):
        mirrors = getattr(path[-1], "key", None) if path else None
        made.append(old if mirrors in idle else leaf.astype(old.dtype))
    return tuple(made)
