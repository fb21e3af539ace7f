"""The boundary around a module's call that runs its full backward hooks."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from ..api import torch as T
from ..autograd.function import Function
from ..core import modes
from ..core.tensor import Tensor


class BackwardHookFunction(Function):
    """Identity whose backward hands the gradients to ``callback`` and passes on what it returns."""

    @staticmethod
    def forward(ctx: Any, callback: Callable[..., Any], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.callback = callback
        # The hooks before the module's backward see which gradients are missing
        ctx.set_materialize_grads(False)
        ctx.kinds = [(t.shape, t.dtype, t.device) for t in tensors]
        passed = tuple(t.view_as(t) for t in tensors)
        still = [new for t, new in zip(tensors, passed, strict=True) if not t.requires_grad]
        ctx.mark_non_differentiable(*still)
        return passed

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        return (None, *ctx.callback(grads, ctx.kinds))


def _filled(grads: Any, kinds: Any) -> tuple[Any, ...]:
    """The gradients with zeros for those that are missing."""
    return tuple(
        T.zeros(shape, dtype=dtype, device=device) if g is None else g
        for g, (shape, dtype, device) in zip(grads, kinds, strict=True)
    )


class BackwardHook:
    """Runs a module's full backward hooks: one boundary at its inputs, one at its outputs."""

    def __init__(self, module: Any, user_hooks: list[Any], user_pre_hooks: list[Any]) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs: Any = None
        self.input_places: list[int] | None = None
        self.n_inputs = -1

    def _through(self, values: tuple[Any, ...], callback: Callable[..., Any]) -> Any:
        places = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
        if not (modes.modes.grad and any(values[i].requires_grad for i in places)):
            return values, None
        passed = BackwardHookFunction.apply(callback, *(values[i] for i in places))
        renewed = list(values)
        for i, new in zip(places, passed, strict=True):
            renewed[i] = new
        # A named tuple keeps its type, as PyTorch's does
        kind = type(values)
        return (tuple(renewed) if kind is tuple else kind(*renewed)), places

    def setup_input_hook(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.n_inputs = len(args)
        renewed, self.input_places = self._through(args, self._on_grad_input)
        return renewed

    def setup_output_hook(self, result: Any) -> Any:
        single = not isinstance(result, tuple)
        values = (result,) if single else result
        places: list[int] = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
        callback = functools.partial(self._on_grad_output, len(values), places)
        renewed, _ = self._through(values, callback)
        return renewed[0] if single else renewed

    def _spread(self, grads: Any, places: list[int], size: int) -> tuple[Any, ...]:
        full = [None] * size
        for i, grad in zip(places, grads, strict=True):
            full[i] = grad
        return tuple(full)

    def _on_grad_input(self, grads: Any, kinds: Any) -> tuple[Any, ...]:
        filled = _filled(grads, kinds)
        if self.grad_outputs is None:
            # The backward did not come through the module's outputs
            return filled
        places = self.input_places or []
        full = self._spread(filled, places, self.n_inputs)
        for hook in self.user_hooks:
            out = hook(self.module, full, self.grad_outputs)
            if out is None:
                continue
            full = _same_number(out, len(full), "Backward hook", "grad_input")
        self.grad_outputs = None
        return tuple(full[i] for i in places)

    def _on_grad_output(
        self, size: int, places: list[int], grads: Any, kinds: Any
    ) -> tuple[Any, ...]:
        full = self._spread(grads, places, size)
        for hook in self.user_pre_hooks:
            out = hook(self.module, full)
            if out is None:
                continue
            full = _same_number(out, size, "Backward pre hook", "grad_output")
        self.grad_outputs = full
        if self.input_places is None:
            self._without_input_grads()
        return _filled([full[i] for i in places], kinds)

    def _without_input_grads(self) -> None:
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module "
            "outputs "
            "since no inputs require gradients. See "
            "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
            "#torch.nn.Module.register_full_backward_hook for more details.",
            stacklevel=5,
        )
        nothing = (None,) * self.n_inputs
        for hook in self.user_hooks:
            out = hook(self.module, nothing, self.grad_outputs)
            if out is not None and not (isinstance(out, tuple) and all(g is None for g in out)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always "
                    "return None or None for all gradients."
                )
        self.grad_outputs = None


def _same_number(out: Any, expected: int, who: str, what: str) -> tuple[Any, ...]:
    values = out if isinstance(out, tuple) else (out,)
    if len(values) != expected:
        raise RuntimeError(
            f"{who} returned an invalid number of {what}, got {len(values)}, but expected "
            f"{expected}"
        )
    return values
