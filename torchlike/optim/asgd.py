"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from ..api import torch as T
from ..core.tensor import Tensor
from .chained import ChainedOptimizer, check_lr, check_not_negative, zeros_like
from .optimizer import _get_scalar_dtype, _to_scalar
from .transforms import averaged, decay_weights


class ASGD(ChainedOptimizer):
    """SGD with shrinking steps, and the mean ``ax`` of the parameters from step ``t0`` on."""

    numbers = ("lr", "lambd", "alpha", "t0", "weight_decay")
    _refuses_sparse = "ASGD does not support sparse gradients"

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._defaults_for_loading(
            foreach=None, maximize=False, differentiable=False, capturable=False
        )

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("step", "eta", "mu", "ax")

    def _begin(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        numbers = {"step": 0.0, "eta": float(_to_scalar(group["lr"])), "mu": 1.0}
        kind, device = _get_scalar_dtype(), param.device
        state = {k: T.full((), v, dtype=kind, device=device) for k, v in numbers.items()}
        return {**state, "ax": zeros_like(param)}

    @staticmethod
    def rule(h: Any) -> Any:
        import optax

        return optax.chain(*decay_weights(h), averaged(h))
