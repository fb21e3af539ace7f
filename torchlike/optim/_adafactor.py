"""Adafactor."""

from __future__ import annotations

from typing import Any

from ..api import torch as T
from ..core.tensor import Tensor
from .chained import ChainedOptimizer, zeros_like
from .transforms import adafactor


class Adafactor(ChainedOptimizer):
    """Adam's scaling from the means of g² over rows and columns only."""

    numbers = ("lr", "beta2_decay", "d", "weight_decay")
    _refuses_sparse = "Adafactor does not support sparse gradients"
    _has_kinds = True

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:  # type: ignore[operator]
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d,
            "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._defaults_for_loading(foreach=None)

    def _check_group(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> None:
        if any(p.is_complex() for p in params):
            raise RuntimeError("Adafactor does not support complex parameters")
        super()._check_group(group, params, grads)

    def _numbers(self, group: dict[str, Any]) -> dict[str, Any]:
        eps1, eps2 = group["eps"]
        # None stands for the dtype's own epsilon; the rule puts it in.
        return {**super()._numbers(group), "eps1": -1.0 if eps1 is None else eps1, "eps2": eps2}

    def _kind(self, group: dict[str, Any], param: Tensor) -> Any:
        return "vector" if param.dim() < 2 else "matrix"

    def _names_of(self, group: dict[str, Any], kind: Any) -> tuple[str, ...]:
        return ("step", "variance") if kind == "vector" else ("step", "row_var", "col_var")

    def _begin(self, group: dict[str, Any], param: Tensor) -> dict[str, Any]:
        step = self._first_step(group, param)
        if param.dim() < 2:
            return {"step": step, "variance": zeros_like(param)}
        shape = list(param.shape)
        rows, columns = [*shape[:-1], 1], [*shape[:-2], 1, shape[-1]]
        kind, device = param.dtype, param.device
        return {
            "step": step, "row_var": T.zeros(rows, dtype=kind, device=device),
            "col_var": T.zeros(columns, dtype=kind, device=device),
        }  # fmt: skip

    @staticmethod
    def rule(h: Any) -> Any:
        import jax.numpy as jnp

        h.eps1 = jnp.where(h.eps1 < 0, float(jnp.finfo(h.dtype).eps), h.eps1)
        return adafactor(h)
