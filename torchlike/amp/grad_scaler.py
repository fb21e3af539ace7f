"""``torch.amp.GradScaler``: a loss scaled so that float16 gradients neither vanish nor overflow."""

from __future__ import annotations

import inspect
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

import jax.numpy as jnp

from ..api import torch as T
from ..core import dtypes
from ..core.device import accelerators
from ..core.dispatch import run
from ..core.modes import no_grad
from ..core.tensor import Tensor
from ..core.write import rebind

__all__ = ["GradScaler", "OptState"]

_SCALE_FIRST = "This may indicate your script did not use scaler.scale(loss or outputs) earlier in the iteration."


class OptState(Enum):
    """How far an optimizer is in its iteration."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def _fresh_state() -> dict[str, Any]:
    return {"stage": OptState.READY, "found_inf_per_device": {}}


# --- the two kernels -----------------------------------------------------------------------------


def _unscaled(arrays: Sequence[Any]) -> tuple[Any, ...]:
    """grads…, found_inf, inverse scale -> found_inf, grads…"""
    *grads, found, inverse = arrays
    bad = jnp.zeros((), bool)
    for g in grads:
        bad = bad | ~jnp.all(jnp.isfinite(g))
    found = jnp.where(bad, jnp.ones_like(found), found)
    inverse = inverse.reshape(())
    wide = [jnp.promote_types(g.dtype, inverse.dtype) for g in grads]
    return found, *[
        (g.astype(w) * inverse.astype(w)).astype(g.dtype) for g, w in zip(grads, wide, strict=True)
    ]


def _amp_foreach_non_finite_check_and_unscale_(
    self: Sequence[Tensor], found_inf: Tensor, inv_scale: Tensor
) -> None:
    """Gradients times ``inv_scale``, in place; ``found_inf`` becomes 1 if one of them is not finite."""
    found, *scaled = run(_unscaled, [*self, found_inf, inv_scale], (), "amp_unscale")
    rebind(found_inf, found)
    for g, new in zip(self, scaled, strict=True):
        rebind(g, new)


def _updated(arrays: Sequence[Any]) -> tuple[Any, ...]:
    """scale, tracker, found_inf, growth, backoff, interval -> scale, tracker"""
    scale, tracker, found, growth, backoff, interval = arrays
    found = found.reshape(scale.shape) != 0
    successes = tracker + 1
    is_due = successes == jnp.asarray(interval).astype(tracker.dtype)
    grown = (scale.astype(jnp.float64) * growth).astype(scale.dtype)
    grown = jnp.where(is_due & jnp.isfinite(grown), grown, scale)
    backed = (scale.astype(jnp.float64) * backoff).astype(scale.dtype)
    none = jnp.zeros_like(tracker)
    return (
        jnp.where(found, backed, grown),
        jnp.where(found | is_due, none, successes),
    )


def _amp_update_scale_(
    self: Tensor, growth_tracker: Tensor, found_inf: Tensor, scale_growth_factor: float,
    scale_backoff_factor: float, growth_interval: int,
) -> Tensor:  # fmt: skip
    """The next scale, in place: smaller after an overflow, larger after ``growth_interval`` without."""
    numbers = [float(scale_growth_factor), float(scale_backoff_factor), int(growth_interval)]
    scale, tracker = run(_updated, [self, growth_tracker, found_inf, *numbers], (), "amp_update")
    rebind(self, scale)
    rebind(growth_tracker, tracker)
    return self


# --- the scaler ------------------------------------------------------------------------------------


class GradScaler:
    """Scales losses, unscales gradients, skips the steps whose gradients overflow.

    Raises:
        AssertionError: ``growth_factor`` or ``backoff_factor`` on the wrong side of 1.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        self._enabled = enabled
        if enabled and device == "cuda" and not accelerators():
            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                UserWarning,
                stacklevel=2,
            )
            self._enabled = False
        if not self._enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale = init_scale
        self._scale: Tensor | None = None  # made where the first loss is
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._init_growth_tracker = 0
        self._growth_tracker: Tensor | None = None
        self._per_optimizer_states: dict[int, dict[str, Any]] = defaultdict(_fresh_state)

    def _check_scale_growth_tracker(self, funcname: str) -> tuple[Tensor, Tensor]:
        for name, x in (("_scale", self._scale), ("_growth_tracker", self._growth_tracker)):
            if x is None:
                raise AssertionError(f"Attempted {funcname} but {name} is None.  {_SCALE_FIRST}")
        return self._scale, self._growth_tracker  # type: ignore[return-value]

    def _lazy_init_scale_growth_tracker(self, dev: Any) -> None:
        if self._growth_tracker is not None:
            raise AssertionError("_growth_tracker initialized before _scale")
        self._scale = T.full((), self._init_scale, dtype=dtypes.float32, device=dev)
        self._growth_tracker = T.full((), self._init_growth_tracker, dtype=dtypes.int32, device=dev)

    # ---- an iteration

    def scale(self, outputs: Any) -> Any:
        """A tensor, or each one of nested iterables, times the scale.

        Raises:
            ValueError: something else.
        """
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            if self._scale is None:
                self._lazy_init_scale_growth_tracker(outputs.device)
            assert self._scale is not None
            return outputs * self._scale.to(device=outputs.device)
        if isinstance(outputs, Iterable):
            scaled = map(self.scale, outputs)
            kind: Any = type(outputs)
            return kind(scaled) if isinstance(outputs, (list, tuple)) else scaled
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def _unscale_grads_(
        self, optimizer: Any, inv_scale: Tensor, found_inf: Tensor, allow_fp16: bool
    ) -> dict[Any, Tensor]:
        """Unscales; what was found, by device."""
        grads: dict[Any, list[Tensor]] = defaultdict(list)
        for group in optimizer.param_groups:
            for param in group["params"]:
                if not isinstance(param, Tensor):
                    raise AssertionError(
                        f"expected param to be torch.Tensor, got {type(param).__name__}"
                    )
                if param.grad is not None:
                    values = _values_of(param, allow_fp16)
                    grads[values.device].append(values)
        found: dict[Any, Tensor] = {}
        with no_grad():
            for device, values in grads.items():
                found[device] = found_inf.to(device=device, copy=True)
                inverse = inv_scale.to(device=device)
                _amp_foreach_non_finite_check_and_unscale_(values, found[device], inverse)
        return found

    def unscale_(self, optimizer: Any) -> None:
        """Divides the gradients of ``optimizer`` by the scale, so that they can be clipped or looked at.

        Raises:
            RuntimeError: the second time in an iteration, or after ``step``. ValueError: a float16
            gradient.
        """
        if not self._enabled:
            return
        scale, _ = self._check_scale_growth_tracker("unscale_")
        mine = self._per_optimizer_states[id(optimizer)]
        if mine["stage"] is OptState.UNSCALED:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if mine["stage"] is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        inverse = scale.double().reciprocal().float()
        none = T.full((), 0.0, dtype=dtypes.float32, device=scale.device)
        mine["found_inf_per_device"] = self._unscale_grads_(optimizer, inverse, none, False)
        mine["stage"] = OptState.UNSCALED

    def _maybe_opt_step(
        self, optimizer: Any, optimizer_state: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        if sum(v.item() for v in optimizer_state["found_inf_per_device"].values()):
            return None
        return optimizer.step(*args, **kwargs)

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step(*args)`` on unscaled gradients, unless one of them is inf or NaN.

        Raises:
            RuntimeError: a closure, or the second step since ``update``.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_scale_growth_tracker("step")
        mine = self._per_optimizer_states[id(optimizer)]
        if mine["stage"] is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if getattr(optimizer, "_step_supports_amp_scaling", False):
            result = self._fused_step(optimizer, mine, args, kwargs)
        else:
            if mine["stage"] is OptState.READY:
                self.unscale_(optimizer)
            if not mine["found_inf_per_device"]:
                raise AssertionError("No inf checks were recorded for this optimizer.")
            result = self._maybe_opt_step(optimizer, mine, *args, **kwargs)
        mine["stage"] = OptState.STEPPED
        return result

    def _fused_step(
        self, optimizer: Any, mine: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """An optimizer that unscales and skips by itself, told by ``grad_scale`` and ``found_inf``."""
        if "grad_scaler" in inspect.signature(optimizer.step).parameters:
            warnings.warn(
                "GradScaler is going to stop passing itself as a keyword argument to the passed "
                "optimizer. In the near future GradScaler registers `grad_scale: Tensor` and "
                "`found_inf: Tensor` to the passed optimizer and let the optimizer use them directly.",
                FutureWarning,
                stacklevel=3,
            )
            return optimizer.step(*args, **kwargs, grad_scaler=self)
        if mine["stage"] is OptState.READY:
            self._check_inf_per_device(optimizer)
        scale = self._scale
        assert scale is not None
        given = getattr(optimizer, "grad_scale", None)
        if mine["stage"] is not OptState.UNSCALED:
            given = scale if given is None else scale * given
        optimizer.grad_scale = given
        optimizer.found_inf = sum(t.to(scale.device) for t in mine["found_inf_per_device"].values())
        try:
            return optimizer.step(*args, **kwargs)
        finally:
            del optimizer.grad_scale, optimizer.found_inf

    def update(self, new_scale: Any = None) -> None:
        """Ends the iteration: the scale backs off, grows, or becomes ``new_scale``.

        Raises:
            AssertionError: no inf checks were made, or a ``new_scale`` that is no scalar.
        """
        if not self._enabled:
            return
        scale, tracker = self._check_scale_growth_tracker("update")
        if new_scale is not None:
            self._set_scale(scale, new_scale)
        else:
            found = [
                t.to(device=scale.device)
                for mine in self._per_optimizer_states.values()
                for t in mine["found_inf_per_device"].values()
            ]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            total: Any = sum(found[1:], found[0])
            _amp_update_scale_(
                scale,
                tracker,
                total,
                self._growth_factor,
                self._backoff_factor,
                self._growth_interval,
            )
        self._per_optimizer_states = defaultdict(_fresh_state)

    def _set_scale(self, scale: Tensor, new: Any) -> None:
        if isinstance(new, float):
            scale.fill_(new)
            return
        reason = (
            "new_scale should be a float or a 1-element torch.cuda.FloatTensor or "
            "torch.FloatTensor with requires_grad=False."
        )
        if new.device.type != self._device or new.numel() != 1 or new.requires_grad:
            raise AssertionError(reason)
        scale.copy_(new)

    # ---- what it knows

    def _get_scale_async(self) -> Tensor | None:
        return self._scale

    def get_scale(self) -> float:
        """The scale; 1 if disabled."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self) -> float:
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        tracker = self._growth_tracker
        return self._init_growth_tracker if tracker is None else tracker.item()

    def is_enabled(self) -> bool:
        return self._enabled

    # ---- checkpoints

    def state_dict(self) -> dict[str, Any]:
        """Scale, factors, interval and tracker as Python numbers; empty if disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._get_growth_tracker(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over a ``state_dict``.

        Raises:
            RuntimeError: it is empty.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved "
                "from a disabled instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._init_growth_tracker = state_dict["_growth_tracker"]
        if self._scale is not None:
            self._scale.fill_(self._init_scale)
        if self._growth_tracker is not None:
            self._growth_tracker.fill_(self._init_growth_tracker)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if self._enabled:
            if self._per_optimizer_states:
                raise AssertionError(
                    "A GradScaler instance may only be pickled at the beginning "
                    "of an iteration, or at the end after scaler.update()."
                )
            state["_init_scale"] = self.get_scale()
            state["_init_growth_tracker"] = self._get_growth_tracker()
            state["_scale"] = state["_growth_tracker"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _check_inf_per_device(self, optimizer: Any) -> dict[Any, Tensor]:
        """Looks for inf and NaN without unscaling."""
        scale, _ = self._check_scale_growth_tracker("_check_inf_per_device")
        one, none = (T.full((), x, dtype=dtypes.float32, device=scale.device) for x in (1.0, 0.0))
        found = self._unscale_grads_(optimizer, one, none, True)
        self._per_optimizer_states[id(optimizer)]["found_inf_per_device"] = found
        return found

    def _found_inf_per_device(self, optimizer: Any) -> dict[Any, Tensor]:
        return self._per_optimizer_states[id(optimizer)]["found_inf_per_device"]


def _values_of(param: Tensor, allow_fp16: bool) -> Tensor:
    """The numbers of a gradient; a float16 sum over equal indices of a sparse one may overflow."""
    grad = param.grad
    assert grad is not None
    if not allow_fp16 and grad.dtype is dtypes.float16:
        raise ValueError("Attempting to unscale FP16 gradients.")
    if not grad.is_sparse:
        return grad
    if grad.dtype is dtypes.float16:
        param.grad = grad = grad.coalesce()
    return grad._values()
