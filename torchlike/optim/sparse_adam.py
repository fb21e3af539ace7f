"""Adam for sparse gradients."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..api import torch as T
from ..core.tensor import Tensor
from .optimizer import Optimizer, _to_scalar, _use_grad_for_differentiable
from .sparse_rows import step_rows


class SparseAdam(Optimizer):
    """Adam whose means change, and whose step is taken, only at what the sparse gradient specifies."""

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr > 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for i in (0, 1):
            if not 0.0 <= betas[i] < 1.0:
                raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")
        defaults = {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize}
        super().__init__(params, defaults)
        sparse = []
        for index, group in enumerate(self.param_groups):
            for at, p in enumerate(group["params"]):
                if not p._is_dense:
                    sparse.append([index, at])
        if sparse:
            raise ValueError(
                f"Sparse params at indices {sparse}: SparseAdam requires dense parameter tensors"
            )

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """One update of the elements that have a gradient."""
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            pairs = [(p, p.grad) for p in group["params"] if p.grad is not None]
            if any(g._is_dense for _, g in pairs):
                raise RuntimeError(
                    "SparseAdam does not support dense gradients, please consider Adam instead"
                )
            for p, grad in pairs:
                self._step_one(group, p, grad)
        return loss

    def _step_one(self, group: dict[str, Any], p: Tensor, grad: Tensor) -> None:
        state = self.state[p]
        if not state:
            state["step"] = 0
            for name in ("exp_avg", "exp_avg_sq"):
                state[name] = T.zeros_like(p.detach())
        state["step"] += 1
        beta1, beta2 = group["betas"]
        correction1 = 1 - beta1 ** state["step"]
        correction2 = 1 - beta2 ** state["step"]
        rate = float(_to_scalar(group["lr"])) * correction2**0.5 / correction1
        numbers = (rate, 1 - beta1, 1 - beta2, group["eps"])
        names = ("exp_avg", "exp_avg_sq")
        step_rows(_of_rows, p, grad, state, names, numbers, group["maximize"])


def _of_rows(
    p: Any, g: Any, state: dict[str, Any], rate: Any, share1: Any, share2: Any, eps: Any
) -> tuple[Any, dict[str, Any]]:
    mean, square = state["exp_avg"], state["exp_avg_sq"]
    mean = mean + (g - mean) * share1
    square = square + (g * g - square) * share2
    return p - rate * mean / (jnp.sqrt(square) + eps), {"exp_avg": mean, "exp_avg_sq": square}
