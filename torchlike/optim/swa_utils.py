"""``torch.optim.swa_utils``: averaged models and their learning rate."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from ..core.build import tensor
from ..core.dtypes import int64
from ..core.modes import no_grad
from ..core.tensor import Tensor
from ..nn.module import Module
from .lr_scheduler.scheduler import (
    LRScheduler,
    _format_param,
    _warn_get_lr_called_within_step,
)  # fmt: skip
from .optimizer import Optimizer

__all__ = [
    "AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
    "get_swa_multi_avg_fn", "update_bn",
]  # fmt: skip


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """``average += (1 - decay) (current - average)`` over lists of tensors."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param_list: Any, current_param_list: Any, _: Any) -> None:
        for average, current in zip(ema_param_list, current_param_list, strict=True):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(current, 1 - decay)
            else:
                average.copy_(average * decay + current * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """The running mean, over lists of tensors."""

    @no_grad()
    def swa_update(
        averaged_param_list: Any, current_param_list: Any, num_averaged: Any
    ) -> None:
        for average, current in zip(averaged_param_list, current_param_list, strict=True):
            average.copy_(average + (current - average) / (num_averaged + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Callable[..., Any]:
    """``decay average + (1 - decay) current``."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable[..., Any]:
    """The running mean."""

    @no_grad()
    def swa_update(averaged_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are an average over training."""

    n_averaged: Any

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[..., Any] | None = None,
        multi_avg_fn: Callable[..., None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Takes the model's present parameters into the average."""
        if self.use_buffers:
            mine = itertools.chain(self.module.parameters(), self.module.buffers())
            theirs = itertools.chain(model.parameters(), model.buffers())
        else:
            mine, theirs = iter(self.parameters()), iter(model.parameters())
        averages, current = [], []
        for average, p in zip(mine, theirs, strict=False):
            averages.append(average.detach())
            current.append(p.detach().to(average.device))
        if bool(self.n_averaged == 0):
            for average, p in zip(averages, current, strict=True):
                average.copy_(p)
        else:
            self._average(averages, current)
        if not self.use_buffers:
            for b_mine, b_model in zip(self.module.buffers(), model.buffers(), strict=True):
                b_mine.detach().copy_(b_model.detach().to(b_mine.device))
        self.n_averaged += 1

    def _average(self, averages: list[Any], current: list[Any]) -> None:
        if self.avg_fn is None:
            groups: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
            for average, p in zip(averages, current, strict=True):
                lists = groups.setdefault((average.device, average.dtype), ([], []))
                lists[0].append(average)
                lists[1].append(p)
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            for (device, _), (some, theirs) in groups.items():
                update(some, theirs, self.n_averaged.to(device))
            return
        for average, p in zip(averages, current, strict=True):
            average.copy_(self.avg_fn(average, p, self.n_averaged.to(average.device)))


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Recomputes the running statistics of the batch norms in one pass over the data."""
    from ..nn.modules.batchnorm import _BatchNorm

    momenta = {m: m.momentum for m in model.modules() if isinstance(m, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None
    for batch in loader:
        inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(inputs if device is None else inputs.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Anneals every group's learning rate to ``swa_lr`` in ``anneal_epochs`` and stays there."""

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        swa_lrs = _format_param("swa_lr", optimizer, swa_lr)
        for swa, group in zip(swa_lrs, optimizer.param_groups, strict=True):
            group["swa_lr"] = swa
        if anneal_strategy not in ["cos", "linear"]:
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """The part of the way to ``swa_lr`` at time ``t`` in [0, 1]."""
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Any]:
        _warn_get_lr_called_within_step(self)
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        span = max(1, self.anneal_epochs)
        before = self.anneal_func(max(0, min(1, (step - 1) / span)))
        now = self.anneal_func(max(0, min(1, step / span)))
        found = []
        for group in self.optimizer.param_groups:
            swa, lr = group["swa_lr"], group["lr"]
            start = swa if before == 1 else (lr - before * swa) / (1 - before)
            found.append(swa * now + start * (1 - now))
        return found
