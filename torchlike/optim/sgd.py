"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from ..api import torch as T
from ..core.tensor import Tensor
from .chained import (
    ChainedOptimizer,
    check_flags,
    check_lr,
    check_not_negative,
    is_on,
    zeros_like,
)  # fmt: skip
from .transforms import decay_weights, trace_dampened


class SGD(ChainedOptimizer):
    """``p -= lr (g + weight_decay p)``, with momentum, dampening and Nesterov's variant."""

    numbers = ("lr", "momentum", "dampening", "weight_decay")
    switches = ("nesterov", "maximize")

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative("momentum value", momentum)
        check_not_negative("weight_decay value", weight_decay)
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize, "foreach": foreach,
            "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, defaults)
        if fused:
            self._step_supports_amp_scaling = True
        check_flags(fused, foreach, differentiable)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._defaults_for_loading(
            nesterov=False, maximize=False, foreach=None, differentiable=False, fused=False
        )

    def _switches(self, group: dict[str, Any]) -> dict[str, Any]:
        return {**super()._switches(group), "moves": is_on(group["momentum"])}

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] != 0 else ()

    @property
    def _has_kinds(self) -> bool:
        return any(g["dampening"] != 0 or g["differentiable"] for g in self.param_groups)

    def _kind(self, group: dict[str, Any], param: Tensor) -> Any:
        usual = group["dampening"] == 0 and not group["differentiable"]
        if usual or group["momentum"] == 0:
            return None
        return "later" if self.state[param].get("momentum_buffer") is not None else "first"

    def _begin(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        return {"momentum_buffer": zeros_like(param)}

    def _step_sparse(self, group: dict[str, Any], pairs: list[tuple[Tensor, Tensor]]) -> None:
        if group["fused"]:
            raise RuntimeError("`_fused_sgd` does not support sparse gradients")
        momentum, rate = group["momentum"], float(group["lr"])
        for p, grad in pairs:
            if group["maximize"]:
                grad = -grad
            if group["weight_decay"] != 0:
                grad = T.add(grad, p, alpha=group["weight_decay"])
            if momentum != 0:
                buffer = self.state[p].get("momentum_buffer")
                if buffer is None:
                    buffer = self.state[p]["momentum_buffer"] = grad.detach().clone()
                else:
                    buffer.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
                grad = T.add(grad, buffer, alpha=momentum) if group["nesterov"] else buffer
            p.add_(grad, alpha=-rate)

    @staticmethod
    def rule(h: Any) -> Any:
        import optax

        chain = decay_weights(h)
        if h.kind is not None:
            first = h.kind == "first"
            chain.append(trace_dampened(h.momentum, h.dampening, h.nesterov, first))
        elif h.moves:
            chain.append(optax.trace(h.like(h.momentum), h.nesterov))
        return optax.chain(*chain, optax.scale(h.like(-h.lr)))
