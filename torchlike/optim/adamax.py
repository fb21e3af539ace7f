"""Adamax."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from .chained import ChainedOptimizer, check_betas, check_lr, check_not_negative, zeros_like
from .transforms import decay_weights, scale_by_adamax


class Adamax(ChainedOptimizer):
    """Adam with the decaying maximum of |g| instead of the root mean square."""

    _refuses_sparse = "Adamax does not support sparse gradients"

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._defaults_for_loading(
            foreach=None, maximize=False, differentiable=False, capturable=False,
        )  # fmt: skip

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("step", "exp_avg", "exp_inf")

    def _begin(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        return {
            "step": self._first_step(group, param), "exp_avg": zeros_like(param),
            "exp_inf": zeros_like(param),
        }  # fmt: skip

    @staticmethod
    def rule(h: Any) -> Any:
        import optax

        return optax.chain(*decay_weights(h), scale_by_adamax(h), optax.scale(h.like(-h.lr)))
