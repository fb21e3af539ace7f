"""RAdam."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from .chained import ChainedOptimizer, check_betas, check_lr, check_not_negative, zeros_like
from .transforms import decay_weights, scale_by_radam


class RAdam(ChainedOptimizer):
    """Adam whose first steps, of unsure scale, are rectified."""

    _refuses_sparse = "RAdam does not support sparse gradients"

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach, "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._defaults_for_loading(
            foreach=None, maximize=False, differentiable=False, decoupled_weight_decay=False,
            capturable=False,
        )  # fmt: skip

    def _switches(self, group: dict[str, Any]) -> dict[str, Any]:
        return {**super()._switches(group), "decoupled": bool(group["decoupled_weight_decay"])}

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("step", "exp_avg", "exp_avg_sq")

    def _begin(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        return {
            "step": self._first_step(group, param), "exp_avg": zeros_like(param),
            "exp_avg_sq": zeros_like(param),
        }  # fmt: skip

    @staticmethod
    def rule(h: Any) -> Any:
        import optax

        parts = [scale_by_radam(h), *decay_weights(h)]
        return optax.chain(*parts[:: 1 if h.decoupled else -1], optax.scale(h.like(-h.lr)))
