"""Adadelta."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from .chained import ChainedOptimizer, check_lr, check_not_negative, zeros_like
from .transforms import decay_weights, scale_by_deltas


class Adadelta(ChainedOptimizer):
    """Steps as large as past updates were, per root mean square gradient."""

    numbers = ("lr", "rho", "eps", "weight_decay")
    _refuses_sparse = "Adadelta does not support sparse gradients"
    _capturable = ["cuda", "xpu", "hpu", "privateuseone"]

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative("epsilon value", eps)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._defaults_for_loading(
            foreach=None, maximize=False, differentiable=False, capturable=False
        )

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("step", "square_avg", "acc_delta")

    def _begin(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        return {
            "step": self._first_step(group, param), "square_avg": zeros_like(param),
            "acc_delta": zeros_like(param),
        }  # fmt: skip

    @staticmethod
    def rule(h: Any) -> Any:
        import optax

        return optax.chain(*decay_weights(h), scale_by_deltas(h), optax.scale(h.like(-h.lr)))
