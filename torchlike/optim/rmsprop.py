"""RMSprop."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from .chained import ChainedOptimizer, check_lr, check_not_negative, is_on, zeros_like
from .transforms import counted, decay_weights, scale_by_rms


class RMSprop(ChainedOptimizer):
    """``p -= lr g / (sqrt(v) + eps)`` with a decaying mean square ``v``."""

    numbers = ("lr", "alpha", "eps", "weight_decay", "momentum")
    switches = ("centered", "maximize")
    _refuses_sparse = "RMSprop does not support sparse gradients"

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("epsilon value", eps)
        check_not_negative("momentum value", momentum)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("alpha value", alpha)
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._defaults_for_loading(
            momentum=0, centered=False, foreach=None, maximize=False, differentiable=False,
            capturable=False,
        )  # fmt: skip

    def _switches(self, group: dict[str, Any]) -> dict[str, Any]:
        return {**super()._switches(group), "moves": is_on(group["momentum"])}

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        names = ["step", "square_avg"]
        if is_on(group["momentum"]):
            names.append("momentum_buffer")
        if group["centered"]:
            names.append("grad_avg")
        return tuple(names)

    def _begin(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        means = {name: zeros_like(param) for name in self._names(group)[1:]}
        return {"step": self._first_step(group, param), **means}

    @staticmethod
    def rule(h: Any) -> Any:
        import optax

        chain = [*decay_weights(h), counted(), scale_by_rms(h)]
        if h.moves:
            chain.append(optax.trace(h.like(h.momentum)))
        return optax.chain(*chain, optax.scale(h.like(-h.lr)))
