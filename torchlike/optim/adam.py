"""Adam."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from .chained import (
    ChainedOptimizer,
    check_betas,
    check_flags,
    check_lr,
    check_not_negative,
    zeros_like,
)  # fmt: skip
from .optimizer import _to_scalar
from .transforms import decay_weights, scale_by_adam


class Adam(ChainedOptimizer):
    """``p -= lr m / (sqrt(v) + eps)`` with bias-corrected decaying means of g and g²."""

    switches = ("amsgrad", "maximize")
    _refuses_sparse = "Adam does not support sparse gradients, please consider SparseAdam instead"

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError(
                "lr as a Tensor is not supported for capturable=False and foreach=True"
            )
        check_lr(lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        _check_beta_kinds(betas, bool(foreach) and not capturable)
        defaults = {
            "lr": lr, "betas": tuple(_to_scalar(b) for b in betas), "eps": eps,
            "weight_decay": weight_decay, "amsgrad": amsgrad, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "differentiable": differentiable,
            "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)
        check_flags(fused, foreach, differentiable)
        if fused:
            self._step_supports_amp_scaling = True

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._defaults_for_loading(
            amsgrad=False, maximize=False, foreach=None, capturable=False,
            differentiable=False, decoupled_weight_decay=False, fused=None,
        )  # fmt: skip

    def _check_group(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> None:
        super()._check_group(group, params, grads)
        if group["foreach"] and isinstance(group["lr"], Tensor) and not group["capturable"]:
            raise RuntimeError(
                "lr as a Tensor is not supported for capturable=False and foreach=True"
            )

    def _switches(self, group: dict[str, Any]) -> dict[str, Any]:
        return {**super()._switches(group), "decoupled": bool(group["decoupled_weight_decay"])}

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        names = ("step", "exp_avg", "exp_avg_sq")
        return (*names, "max_exp_avg_sq") if group["amsgrad"] else names

    def _begin(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        moments = {name: zeros_like(param) for name in self._names(group)[1:]}
        return {"step": self._first_step(group, param), **moments}

    @staticmethod
    def rule(h: Any) -> Any:
        import optax

        parts = [scale_by_adam(h), *decay_weights(h)]
        return optax.chain(*parts[:: 1 if h.decoupled else -1], optax.scale(h.like(-h.lr)))


def _check_beta_kinds(betas: Any, foreach_only: bool) -> None:
    kinds = {Tensor if isinstance(b, Tensor) else type(b) for b in betas}
    if kinds not in ({Tensor}, {float}):
        raise ValueError("betas must be either both floats or both Tensors")
    if kinds == {float}:
        return
    for i in (0, 1):
        if foreach_only:
            raise ValueError(
                f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True"
            )
        if betas[i].numel() != 1:
            raise ValueError(f"Tensor betas[{i}] must be 1-element")
