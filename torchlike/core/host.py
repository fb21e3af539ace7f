"""Ops that do host work: creation, random numbers, index checks, data-dependent shapes."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from . import dtypes
from .build import from_host
from .constants import strided
from .device import default_device, device as Device, placed
from .dispatch import call, result_name, return_type
from .errors import GraphBreak
from .mapped_host import (
    Number,
    check_samples,
    host_mapped,
    is_mapping,
    mapped,
    prepare_samples,
)
from .modes import modes
from .operand import Operand, is_traced, operands_of
from .registry import STATIC, OpDef
from .rng import Generator, default_generator
from .signature import normal_static
from .tensor import SPARSE, Tensor, wrap
from .value import from_array
from .viewing import call_view
from .write import check_writable, write

# What PyTorch's factories take besides an op's own parameters.
FACTORY = frozenset(
    (
        "device",
        "dtype",
        "requires_grad",
        "layout",
        "pin_memory",
        "memory_format",
        "generator",
        "names",
    )
)


def call_checked(
    op: OpDef, operands: tuple[Any, ...], statics: tuple[Any, ...], args: dict[str, Any]
) -> Any:
    """An op whose operands' numbers are looked at first."""
    traced = False
    for p, x in zip(op.array_params, operands, strict=True):
        if x is not None:
            traced = traced or is_traced(x)
            args[p.name] = operands_of(args[p.name])
    if not traced:
        _check(op, args)
    return (call if op.layout is None else call_view)(op, operands, statics)


def call_prepared(op: OpDef, args: dict[str, Any]) -> Any:
    """An op with ``check`` or ``prepare``: host work first, then an ordinary call."""
    seen = {name: operands_of(x) for name, x in args.items()}
    if op.check is not None and not any(is_traced(x) for x in args.values()):
        _check(op, seen)
    if op.prepare is not None:
        seen.setdefault("generator", None)
        seen["generator"] = _generator(op, seen["generator"])
        mapping = modes.transforms and is_mapping(seen)
        made = prepare_samples(op, seen) if mapping else op.prepare(seen)
        args = {**args, **{k: v for k, v in made.items() if not isinstance(v, np.ndarray)}}
        drawn = {k: v for k, v in made.items() if isinstance(v, np.ndarray)}
        args.update(_device_values(op, seen, drawn, args))
    operands = tuple([args.get(p.name, p.default) for p in op.array_params])
    statics = tuple([args.get(p.name, p.default) for p in op.static_params])
    return (call if op.layout is None else call_view)(op, operands, statics)


def _check(op: OpDef, seen: dict[str, Any]) -> None:
    """The op's checks; where a captured call has no numbers yet, those on numbers are left out."""
    check: Any = op.check
    if modes.transforms and is_mapping(seen):
        check = functools.partial(check_samples, op)
    capture = modes.capture
    if capture is None:
        check(seen)
        return
    capture.is_checking = True
    try:
        check(seen)
    except GraphBreak:
        pass
    finally:
        capture.is_checking = False


def _device_values(
    op: OpDef, seen: dict[str, Any], drawn: dict[str, np.ndarray], args: dict[str, Any]
) -> dict[str, Tensor]:
    """Host-made operands as tensors; a function being compiled makes them anew at each replay."""
    on = next((x.device for x in seen.values() if isinstance(x, Operand)), default_device())
    found = {k: wrap(from_array(v, on)) for k, v in drawn.items()}
    if modes.capture is not None and found:
        names = list(found)
        prepare = op.prepare
        modes.capture.redraw(
            lambda: [prepare(seen)[k] for k in names],  # type: ignore[misc]
            [found[k]._v for k in names],
        )
    return found


def call_host(op: OpDef, args: dict[str, Any], extra: dict[str, Any]) -> Any:
    """An op that runs in NumPy at once."""
    unknown = extra.keys() - FACTORY
    if unknown:
        raise TypeError(f"{op.name}() got an unexpected keyword argument '{min(unknown)}'")
    if extra.get("layout") not in (None, strided):
        return SPARSE["call"](op, args, None, extra)
    names = [p.name for p in op.params]
    seen: dict[str, Any] = {}
    for p in op.params:
        x = args.get(p.name, p.default)
        if p.name == "dtype":
            seen[p.name] = _TYPES.get(x, x)
        elif p.kind == STATIC and p.name != "generator":
            is_mapped = modes.transforms and isinstance(x, Tensor) and x._v.aval.levels
            seen[p.name] = Number(x) if is_mapped else normal_static(x)
        else:
            seen[p.name] = operands_of(x)
    if "generator" in names:
        seen["generator"] = _generator(op, seen["generator"])
    on = _device(op, seen, extra)

    def compute(seen: dict[str, Any] = seen) -> Any:
        positional = [seen[p.name] for p in op.params if not p.keyword_only]
        return op.fn(*positional, **{p.name: seen[p.name] for p in op.params if p.keyword_only})

    if modes.transforms and is_mapping(seen):
        made, levels = host_mapped(op, seen, compute)
        if levels:
            return _mapped(op, made, on, levels)
    else:
        made = compute()
    found = _wrapped(op, made, on, bool(extra.get("requires_grad", False)))
    if modes.capture is not None and isinstance(seen.get("generator"), Generator):
        tensors = found if isinstance(found, tuple) else (found,)
        values = [t._v for t in tensors if isinstance(t, Tensor)]
        modes.capture.redraw(lambda: _listed(compute()), values)
    return found


# What ``dtype=float`` means; a Python float in a list becomes the default dtype instead.
_TYPES = {bool: dtypes.bool_, int: dtypes.int64, float: dtypes.float64, complex: dtypes.complex128}


def _generator(op: OpDef, given: Any) -> Generator:
    if given is None:
        return default_generator
    if not isinstance(given, Generator):
        raise TypeError(
            f"{op.name}(): argument 'generator' must be torch.Generator, not {type(given).__name__}"
        )
    return given


def _listed(made: Any) -> list[Any]:
    return list(made) if isinstance(made, (tuple, list)) else [made]


def _device(op: OpDef, seen: dict[str, Any], extra: dict[str, Any]) -> Any:
    named = extra.get("device")
    if named is not None:
        return placed(Device(named))
    for x in seen.values():
        if isinstance(x, Operand):
            return x.device
    return default_device()


def _mapped(op: OpDef, made: Any, on: Any, levels: Any, nested: bool = False) -> Any:
    if isinstance(made, tuple):
        parts = tuple([_mapped(op, m, on, levels, nested=True) for m in made])
        if op.returns is not None and not nested:
            return return_type(result_name(op), op.returns)(*parts)
        return parts
    return mapped(np.asarray(made), levels, on)


def _wrapped(op: OpDef, made: Any, on: Any, requires_grad: bool, nested: bool = False) -> Any:
    if isinstance(made, (np.ndarray, np.generic)) and not isinstance(made, (bool, int, float)):
        return from_host(np.asarray(made), device=on, requires_grad=requires_grad)
    if isinstance(made, Operand):
        return made.tensor
    if isinstance(made, (tuple, list)):
        parts = tuple([_wrapped(op, m, on, False, nested=True) for m in made])
        if op.returns is not None and not nested:
            return return_type(result_name(op), op.returns)(*parts)
        return parts
    return made


def call_fill(op: OpDef, self: Tensor, args: dict[str, Any]) -> Tensor:
    """``self.normal_(…)``: new contents made on the host."""
    check_writable(self, op.name)
    made = call_host(op, {**args, op.params[0].name: self}, {})
    if modes.grad and self._rg and self._edge is not None:
        from .dispatch import invoke

        write(self, invoke("copy", self, made))
    else:
        write(self, made)
    return self
