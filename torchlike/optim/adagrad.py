"""Adagrad."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..api import torch as T
from ..core.tensor import Tensor
from .chained import ChainedOptimizer, check_flags, check_lr, check_not_negative
from .sparse_rows import step_rows
from .transforms import decay_weights, scale_by_sum


class Adagrad(ChainedOptimizer):
    """``p -= lr / (1 + (step - 1) lr_decay) g / (sqrt(sum of g²) + eps)``."""

    numbers = ("lr", "lr_decay", "eps", "weight_decay")

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative("lr_decay value", lr_decay)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("initial_accumulator_value value", initial_accumulator_value)
        check_not_negative("epsilon value", eps)
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)
        check_flags(fused, foreach, differentiable)
        if fused:
            self._step_supports_amp_scaling = True
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p].update(self._begin(group, p))

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._defaults_for_loading(foreach=None, maximize=False, differentiable=False, fused=None)

    def share_memory(self) -> None:
        """Puts the sums in shared memory."""
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"].share_memory_()

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("step", "sum")

    def _begin(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        value = self.defaults["initial_accumulator_value"]
        start = complex(value, value) if param.is_complex() else value
        return {
            "step": self._first_step(group, param), "sum": T.full_like(param.detach(), start),
        }  # fmt: skip

    def _step_sparse(self, group: dict[str, Any], pairs: list[tuple[Tensor, Tensor]]) -> None:
        if group["weight_decay"] != 0:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        for p, grad in pairs:
            state = self.state[p]
            state["step"] += 1
            rate = group["lr"] / (1 + (float(state["step"]) - 1) * group["lr_decay"])
            numbers = (rate, group["eps"])
            step_rows(_of_rows, p, grad, state, ("sum",), numbers, group["maximize"])

    @staticmethod
    def rule(h: Any) -> Any:
        import optax

        return optax.chain(*decay_weights(h), scale_by_sum(h), optax.scale(h.like(-h.lr)))


def _of_rows(
    p: Any, g: Any, state: dict[str, Any], rate: Any, eps: Any
) -> tuple[Any, dict[str, Any]]:
    total = state["sum"] + g * g
    return p - rate * g / (jnp.sqrt(total) + eps), {"sum": total}
