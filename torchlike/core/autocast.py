"""Autocast: the state that ``torch.autocast`` sets, and the casts of operands that follow from it.

An op that PyTorch lists casts its operands before it is called; ``dispatch.call`` asks for that only
where an op is listed and autocast is on, so that otherwise nothing is looked up.
"""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Callable
from typing import Any

from . import dtypes
from .autocast_lists import (
    BANNED,
    BY_MODE,
    FLOAT32,
    LOWER,
    LOWER_RESULT,
    PRODUCTS,
    RESULT32,
)
from .device import device
from .dispatch import call, invoke
from .dtypes import dtype as DType
from .modes import modes
from .registry import OpDef
from .tensor import Tensor
from .viewing import call_view

# The device types that PyTorch has lists for, and their lower precision
DEFAULTS = {
    "cpu": dtypes.bfloat16, "cuda": dtypes.float16, "mtia": dtypes.float16, "maia": dtypes.bfloat16,
    "xpu": dtypes.float16, "ipu": dtypes.float16, "hpu": dtypes.bfloat16, "xla": dtypes.bfloat16,
    "mps": dtypes.float16, "privateuseone": dtypes.float16,
}  # fmt: skip
# Tensors on these are on the accelerator, which is called cuda
_PLAYS = {"xla": "cuda"}


class AutocastState:
    """What autocast is set to in a thread."""

    def __init__(self) -> None:
        self.enabled: set[str] = set()
        self.dtypes: dict[str, DType] = {}
        self.cache_enabled = True
        self.nesting = 0
        self.cache: dict[Any, tuple[weakref.ref[Tensor], Tensor]] = {}  # casts of weights

    def dtype(self, device_type: str) -> DType:
        return self.dtypes.get(device_type) or DEFAULTS[device_type]

    def refresh(self) -> None:
        """Tells the dispatcher what to look for: {device type: lower precision}, or nothing."""
        found = {_PLAYS.get(d, d): self.dtype(d) for d in sorted(self.enabled, reverse=True)}
        modes.autocast = found or None


def state() -> AutocastState:
    """This thread's."""
    found = modes.autocast_state
    if found is None:
        found = modes.autocast_state = AutocastState()
    return found


# --- casting -----------------------------------------------------------------------------------


def call_cast(op: OpDef, operands: Any, statics: tuple[Any, ...]) -> Any:
    """A listed op: its operands cast as its policy says, then the call, in which nothing more is cast."""
    active = modes.autocast
    assert op.autocast is not None
    assert active is not None
    after = None
    with paused():
        for kind, policy in op.autocast.items():
            if kind not in active:
                continue
            if policy is BY_MODE:
                policy = _by_mode(kind, op.name, operands, _named(op, statics))
            if policy is LOWER_RESULT:
                after = active[kind]
            elif policy is RESULT32:
                statics = _result32(op, kind, operands, statics)
            to = _target(op, policy, kind, active[kind], operands, statics)
            if to is not None:
                operands = _cast_all(op, policy, to, kind, active[kind], operands)
        found = (call if op.layout is None else call_view)(op, operands, statics)
        return found if after is None else _lowered(found, after)


def call_view_cast(op: OpDef, operands: Any, statics: tuple[Any, ...]) -> Any:
    """A listed op that gives views; of an operand that is cast, they are views of the copy."""
    return (call_view if modes.autocast is None else call_cast)(op, operands, statics)


class paused:
    """Inside, calls run in the precision of their operands: ``out=`` and in-place calls are never cast."""

    __slots__ = ("before",)

    def __enter__(self) -> None:
        self.before = modes.autocast
        modes.autocast = None

    def __exit__(self, *exc: object) -> None:
        modes.autocast = self.before


def _target(
    op: OpDef, policy: str | None, kind: str, lower: DType, operands: Any, statics: tuple[Any, ...]
) -> DType | None:
    """What the operands are cast to; None to leave them alone.

    Raises:
        RuntimeError: PyTorch refuses to cast this op.
    """
    if policy in (LOWER, PRODUCTS):
        return lower
    if policy in (FLOAT32, LOWER_RESULT):
        return dtypes.float32
    if policy is RESULT32:
        return None if "dtype" in _named(op, statics) else dtypes.float32
    if policy is BANNED:
        raise RuntimeError(_BANNED)
    if policy is None:
        return None
    return _widest(operands, kind, lower)


def _named(op: OpDef, statics: tuple[Any, ...]) -> dict[str, Any]:
    return {p.name: s for p, s in zip(op.static_params, statics, strict=True)}


def _by_mode(kind: str, name: str, operands: Any, given: dict[str, Any]) -> str | None:
    """The policy of the kernel that such a call comes to."""
    if name == "interpolate":
        if kind == "cpu":  # only what comes to adaptive_avg_pool3d
            return FLOAT32 if given["mode"] == "area" and operands[0].ndim == 5 else None
        return None if given["mode"] == "area" else FLOAT32
    if name == "max_pool3d":
        return None if given["return_indices"] else FLOAT32
    if name == "pad":
        is_listed = given["mode"] == "replicate" or (
            given["mode"] == "reflect" and len(given["pad"]) < 6
        )
        return FLOAT32 if is_listed else None
    if name == "matrix_power":
        return LOWER if given["n"] > 1 else LOWER_RESULT if given["n"] < -1 else None
    if name == "einsum":
        return LOWER if _sums_products(given["equation"]) else None
    # tensordot: one number is a sum, more are a product
    dims = given["dims"]
    pairs = (range(-dims, 0), range(dims)) if isinstance(dims, int) else dims
    kept = [
        n
        for x, summed in zip(operands, pairs, strict=True)
        for i, n in enumerate(x.shape)
        if i not in summed and i - x.ndim not in summed
    ]
    return None if math.prod(kept) == 1 else LOWER


def _sums_products(equation: str) -> bool:
    """Whether a subscript of several operands is summed over."""
    terms, _, out = equation.replace(" ", "").replace("...", "").partition("->")
    each = terms.split(",")
    shared = {c for c in terms if c != "," and sum(c in t for t in each) > 1}
    return bool(shared - set(out)) if "->" in equation else bool(shared)


def _result32(op: OpDef, kind: str, operands: Any, statics: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with ``dtype=float32``, unless the call has one."""
    first = operands[0]
    if not isinstance(first, Tensor) or not _is_eligible(first, kind):
        return statics
    return tuple(
        dtypes.float32 if p.name == "dtype" and s is None else s
        for p, s in zip(op.static_params, statics, strict=True)
    )


def _cast_all(
    op: OpDef, policy: str | None, to: DType, kind: str, lower: DType, operands: Any
) -> tuple[Any, ...]:
    kept = [policy is PRODUCTS and p.name == "hx" for p in op.array_params]
    return tuple(x if k else _cast(x, to, kind, lower) for x, k in zip(operands, kept, strict=True))


def _lowered(found: Any, to: DType) -> Any:
    """A result, or the first of several, in the lower precision."""
    if isinstance(found, Tensor):
        is_wide = found.dtype is dtypes.float32
        return invoke("to_dtype", found, to) if is_wide else found
    first, *rest = found
    return _lowered(first, to), *rest


def _cast(x: Any, to: DType, kind: str, lower: DType) -> Any:
    if isinstance(x, (list, tuple)):
        return [_cast(e, to, kind, lower) for e in x]
    if not isinstance(x, Tensor) or not _is_eligible(x, kind) or x.dtype is to:
        return x
    if to is lower and x._rg and x._edge is None and x._base is None and x.dtype is dtypes.float32:
        return _cached(x, to)
    return invoke("to_dtype", x, to)


def _is_eligible(t: Tensor, kind: str) -> bool:
    a = t._v.aval
    return a.device.type == kind and a.dtype.is_floating_point and a.dtype is not dtypes.float64


def _cached(weight: Tensor, to: DType) -> Tensor:
    """A weight is cast once in a region; PyTorch, too, misses a later write to it."""
    mine = state()
    if not mine.cache_enabled or modes.capture is not None or modes.transforms:
        return invoke("to_dtype", weight, to)
    key = id(weight), to, modes.grad
    found = mine.cache.get(key)
    if found is not None and found[0]() is weight:
        return found[1]
    made = invoke("to_dtype", weight, to)
    mine.cache[key] = weakref.ref(weight), made
    return made


def _widest(operands: Any, kind: str, lower: DType) -> DType:
    """float32 if one of the operands has it.

    Raises:
        RuntimeError: an operand of a third precision.
    """
    found = lower
    for x in operands:
        for t in x if isinstance(x, (list, tuple)) else (x,):
            if not isinstance(t, Tensor) or not _is_eligible(t, kind):
                continue
            if dtypes.float32 in (found, t.dtype):
                found = dtypes.float32
            elif t.dtype is not lower:
                raise RuntimeError("Unexpected floating ScalarType in at::autocast::prioritize")
    return found


_BANNED = (
    "torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to autocast.\n"
    "Many models use a sigmoid layer right before the binary cross entropy layer.\n"
    "In this case, combine the two layers using torch.nn.functional.binary_cross_entropy_with_logits\n"
    "or torch.nn.BCEWithLogitsLoss.  binary_cross_entropy_with_logits and BCEWithLogits are\n"
    "safe to autocast."
)


# --- the functions of the torch namespace --------------------------------------------------------

__all__ = [
    "autocast_decrement_nesting", "autocast_increment_nesting", "clear_autocast_cache",
    "get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype",
    "get_autocast_ipu_dtype", "get_autocast_xla_dtype", "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled", "is_autocast_enabled", "is_autocast_ipu_enabled",
    "is_autocast_xla_enabled", "set_autocast_cache_enabled", "set_autocast_cpu_dtype",
    "set_autocast_cpu_enabled", "set_autocast_dtype", "set_autocast_enabled",
    "set_autocast_gpu_dtype", "set_autocast_ipu_dtype", "set_autocast_ipu_enabled",
    "set_autocast_xla_dtype", "set_autocast_xla_enabled",
]  # fmt: skip


def _argument(function: str, name: str, position: int, x: Any, kind: type, called: str) -> Any:
    if not isinstance(x, kind):
        given = "torch.dtype" if isinstance(x, DType) else type(x).__name__
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be {called}, not {given}"
        )
    return x


def _device_type(function: str, x: Any) -> str:
    """A device type as autocast knows it.

    Raises:
        TypeError, RuntimeError: no string, or no device type with lists.
    """
    _argument(function, "device_type", 1, x, str, "str")
    return x if x in DEFAULTS else device(x).type


def is_autocast_available(device_type: str) -> bool:
    """Whether there are lists for that device type."""
    return _device_type("_is_autocast_available", device_type) in DEFAULTS


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether ops on that type of device are cast."""
    return _listed("is_autocast_enabled", device_type) in state().enabled


def _listed(function: str, device_type: Any) -> str:
    found = _device_type(function, device_type)
    if found not in DEFAULTS:
        raise RuntimeError(
            "unknown device type for autocast in get_autocast_dispatch_key_from_device_type"
        )
    return found


def set_autocast_enabled(device_type: Any, enabled: Any = None) -> None:
    """Switches autocast, without the weight cache and the nesting that ``torch.autocast`` minds."""
    kind = "cuda" if enabled is None else _listed("set_autocast_enabled", device_type)
    position = 1 if enabled is None else 2
    flag = device_type if enabled is None else enabled
    _argument("set_autocast_enabled", "enabled", position, flag, bool, "bool")
    mine = state()
    (mine.enabled.add if flag else mine.enabled.discard)(kind)
    mine.refresh()


def get_autocast_dtype(device_type: str) -> DType:
    """The lower precision of that type of device."""
    found = _device_type("get_autocast_dtype", device_type)
    if found not in DEFAULTS:
        raise RuntimeError("unsupported scalarType")
    return state().dtype(found)


def set_autocast_dtype(device_type: str, dtype: DType) -> None:
    kind = _listed("set_autocast_dtype", device_type)
    mine = state()
    mine.dtypes[kind] = _argument("set_autocast_dtype", "dtype", 2, dtype, DType, "torch.dtype")
    mine.refresh()


def is_autocast_cache_enabled() -> bool:
    return state().cache_enabled


def set_autocast_cache_enabled(enabled: bool) -> None:
    _argument("set_autocast_cache_enabled", "enabled", 1, enabled, bool, "bool")
    state().cache_enabled = enabled


def clear_autocast_cache() -> None:
    """Forgets the casts of weights."""
    state().cache.clear()


def autocast_increment_nesting() -> int:
    mine = state()
    mine.nesting += 1
    return mine.nesting


def autocast_decrement_nesting() -> int:
    mine = state()
    mine.nesting -= 1
    return mine.nesting


def _deprecated(old: str, new: str) -> None:
    warnings.warn(
        f"torch.{old} is deprecated. Please use torch.{new} instead.",
        DeprecationWarning,
        stacklevel=3,
    )


def _old_name(function: Callable[..., Any], short: str, kind: str) -> Callable[..., Any]:
    """PyTorch's former function for one device type."""
    first, _, last = function.__name__.partition("autocast_")
    name = f"{first}autocast_{short}_{last}"
    given = "" if first != "set_" else last

    def old(*args: Any) -> Any:
        more = f", {given}" if given else ""
        _deprecated(f"{name}({given})", f"{function.__name__}('{kind}'{more})")
        return function(kind, *args)

    old.__name__ = old.__qualname__ = name
    return old


is_autocast_cpu_enabled = _old_name(is_autocast_enabled, "cpu", "cpu")
is_autocast_ipu_enabled = _old_name(is_autocast_enabled, "ipu", "ipu")
is_autocast_xla_enabled = _old_name(is_autocast_enabled, "xla", "xla")
set_autocast_cpu_enabled = _old_name(set_autocast_enabled, "cpu", "cpu")
set_autocast_ipu_enabled = _old_name(set_autocast_enabled, "ipu", "ipu")
set_autocast_xla_enabled = _old_name(set_autocast_enabled, "xla", "xla")
get_autocast_cpu_dtype = _old_name(get_autocast_dtype, "cpu", "cpu")
get_autocast_gpu_dtype = _old_name(get_autocast_dtype, "gpu", "cuda")
get_autocast_ipu_dtype = _old_name(get_autocast_dtype, "ipu", "ipu")
get_autocast_xla_dtype = _old_name(get_autocast_dtype, "xla", "xla")
set_autocast_cpu_dtype = _old_name(set_autocast_dtype, "cpu", "cpu")
set_autocast_gpu_dtype = _old_name(set_autocast_dtype, "gpu", "cuda")
set_autocast_ipu_dtype = _old_name(set_autocast_dtype, "ipu", "ipu")
set_autocast_xla_dtype = _old_name(set_autocast_dtype, "xla", "xla")
