"""Resilient backpropagation."""

from __future__ import annotations

from typing import Any

from ..api import torch as T
from ..core.tensor import Tensor
from .chained import ChainedOptimizer, check_lr, zeros_like
from .optimizer import _to_scalar
from .transforms import rprop


class Rprop(ChainedOptimizer):
    """Steps against the gradient's sign, growing while it stays and shrinking when it changes."""

    numbers = ()
    _refuses_sparse = "Rprop does not support sparse gradients"

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._defaults_for_loading(
            foreach=None, maximize=False, differentiable=False, capturable=False
        )

    def _numbers(self, group: dict[str, Any]) -> dict[str, Any]:
        names = ("etaminus", "etaplus", "smallest", "largest")
        return dict(zip(names, (*group["etas"], *group["step_sizes"]), strict=True))

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("step", "prev", "step_size")

    def _begin(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        lr = float(_to_scalar(group["lr"]))
        size = complex(lr, lr) if param.is_complex() else lr
        return {
            "step": self._first_step(group, param), "prev": zeros_like(param),
            "step_size": T.full_like(param.detach(), size),
        }  # fmt: skip

    @staticmethod
    def rule(h: Any) -> Any:
        return rprop(h)
