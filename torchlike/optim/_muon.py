"""Muon."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor
from .chained import ChainedOptimizer, zeros_like
from .transforms import decay_weights, orthogonalized


class Muon(ChainedOptimizer):
    """Matrices move along the orthogonal matrix nearest to their momentum."""

    numbers = ("lr", "weight_decay", "momentum", "eps")
    switches = ("nesterov",)
    _refuses_sparse = "Muon does not support sparse gradients"

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn is not None and adjust_lr_fn not in ["original", "match_rms_adamw"]:
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(
                        "Muon only supports 2D parameters whereas we found a parameter with size: "
                        f"{p.size()}"
                    )

    def _check_group(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> None:
        if any(p.is_complex() for p in params):
            raise RuntimeError("Muon does not support complex parameters")
        super()._check_group(group, params, grads)
        if group["ns_steps"] >= 100:
            raise ValueError(
                "Number of steps must be less than 100 for computational efficiency"
            )
        if any(g.dim() != 2 for g in grads):
            raise ValueError("Param gradient must be a 2D matrix")
        if len(group["ns_coefficients"]) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")

    def _numbers(self, group: dict[str, Any]) -> dict[str, Any]:
        a, b, c = group["ns_coefficients"]
        return {**super()._numbers(group), "a": a, "b": b, "c": c}

    def _switches(self, group: dict[str, Any]) -> dict[str, Any]:
        adjust = group["adjust_lr_fn"] or "original"
        return {**super()._switches(group), "ns_steps": group["ns_steps"], "adjust": adjust}

    def _names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",)

    def _begin(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        return {"momentum_buffer": zeros_like(param)}

    @staticmethod
    def rule(h: Any) -> Any:
        import optax

        rows, columns = h.shape
        if h.adjust == "original":
            ratio = max(1.0, rows / columns) ** 0.5
        else:
            ratio = 0.2 * max(rows, columns) ** 0.5
        return optax.chain(
            orthogonalized(h), optax.scale(ratio), *decay_weights(h), optax.scale(h.like(-h.lr))
        )
