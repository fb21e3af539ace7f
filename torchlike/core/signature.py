"""From a declaration and a call's operands to an ``OpCall``: promotion, casts, output structure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from . import dtypes
from .dtypes import dtype
from .errors import no_overload, shape_text
from .opcall import NUMBERS, OpCall
from .promote import float_dtype, number_dtype, result_type
from .registry import ARRAY, ARRAYS, SCALAR, OpDef, Param
from .tensor import Tensor
from .value import Aval


class _Default:
    """Stands for a number that equals its parameter's default: a constant of the program."""

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT = _Default()

# What an operand position holds, without its value: an Aval, a number's type, None, DEFAULT, or a
# list of those for a parameter that takes a list of tensors.
Slot = Any


def slots_of(operands: Sequence[Any]) -> list[Slot]:
    found: list[Slot] = []
    for x in operands:
        if isinstance(x, Tensor):
            found.append(x._v.aval)
        elif x is None or x is DEFAULT:
            found.append(x)
        elif isinstance(x, (list, tuple)):
            found.append(slots_of(x))
        else:
            found.append(type(x))
    return found


def make_call(op: OpDef, slots: Sequence[Slot], statics: tuple[Any, ...]) -> OpCall:
    """The call of ``op`` at this signature.

    Raises:
        Exception: the op's own, for shapes and dtypes that do not fit.
    """
    params = op.array_params
    targets = _targets(op, params, slots)
    flat: list[Aval | type] = []
    constant: list[bool] = []
    for p, slot in zip(params, slots, strict=True):
        flat.extend(s for s in (slot if isinstance(slot, list) else [slot]) if _travels(s))
        constant += [p.annotation == "Constant"] * (len(flat) - len(constant))
    fixed = {p.name: s for p, s in zip(op.static_params, statics, strict=True)}

    def fn(*arrays: Any) -> Any:
        rest = iter(arrays)
        args: dict[str, Any] = dict(fixed)
        for p, slot, target in zip(params, slots, targets, strict=True):
            if isinstance(slot, list):
                args[p.name] = [
                    None if s is None else _cast(next(rest), t)
                    for s, t in zip(slot, target, strict=True)
                ]
            elif slot is DEFAULT:
                args[p.name] = _constant(p, target)
            elif slot is None:
                args[p.name] = None
            else:
                args[p.name] = _cast(next(rest), target)
        positional = [args[p.name] for p in op.params if not p.keyword_only]
        named = {p.name: args[p.name] for p in op.params if p.keyword_only}
        return _arrays(op.fn(*positional, **named))

    seen = {p.name: s for p, s in zip(params, slots, strict=True)} | fixed
    if op.types is not None:
        op.types(seen)
    _some_tensor(op, params, slots)
    try:
        call = OpCall(
            op.name, fn, flat, options=op.options, saves=op.saves, nondiff=op.nondiff,
            node_name=_node_name(op, seen), constant=tuple(constant) if True in constant else None,
            keeps=_kept(op, seen, slots),
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        if not _is_from_jax(error):
            raise
        shapes = ", ".join(shape_text(a.shape) for a in flat if type(a) is Aval)
        first = str(error).splitlines()[0]
        raise RuntimeError(f"{op.name}: {first}\nhint: operands of shape {shapes}") from error
    return call


# Functions that make a tensor of two numbers
_OF_NUMBERS = frozenset("add sub mul div true_divide floor_divide".split())


def _some_tensor(op: OpDef, params: Sequence[Param], slots: Sequence[Slot]) -> None:
    """Numbers may stand for tensors, but not for all of them."""
    given = [
        (p, s)
        for p, s in zip(params, slots, strict=True)
        if p.kind == ARRAY and isinstance(s, type)
    ]
    if not given or any(type(s) in (Aval, list) for s in slots):
        return
    if len(given) == 1:
        p, s = given[0]
        raise TypeError(
            f"{public_name(op)}(): argument '{p.name}' (position {op.params.index(p) + 1}) must be "
            f"Tensor, not {s.__name__}"
        )
    if op.name not in _OF_NUMBERS:
        raise no_overload(public_name(op), [s.__name__ for _, s in given])


def public_name(op: OpDef) -> str:
    """The name in PyTorch's messages: ``special_zeta`` for ``torch.special.zeta``."""
    space = op.namespaces[0] if op.namespaces else ""
    return f"{space}_{op.name}" if space in ("special", "linalg", "fft") else op.name


def _travels(slot: Slot) -> bool:
    return slot is not None and slot is not DEFAULT


def _arrays(out: Any) -> Any:
    if isinstance(out, (tuple, list)):
        return tuple([_array(o) for o in out])
    return _array(out)


def _array(out: Any) -> Any:
    return jnp.asarray(out) if not hasattr(out, "aval") else out


def _cast(x: Any, target: dtype | None) -> Any:
    if target is None or x.dtype == target.np:
        return x
    return lax.convert_element_type(x, target.np)


def _constant(p: Param, target: dtype | None) -> Any:
    if p.default is None:
        return None
    return np.asarray(p.default, None if target is None else target.np)


def _targets(op: OpDef, params: Sequence[Param], slots: Sequence[Slot]) -> list[Any]:
    """The dtype each operand is cast to before ``fn`` sees it; None leaves it."""
    common = _common(op, params, slots)
    found: list[Any] = []
    for p, slot in zip(params, slots, strict=True):
        if common is not None and _takes_part(op, p):
            found.append([common] * len(slot) if isinstance(slot, list) else common)
        elif isinstance(slot, list):
            found.append([_own(p, s) for s in slot])
        else:
            found.append(_own(p, slot))
    return found


def _own(p: Param, slot: Slot) -> dtype | None:
    """A number that takes no part in promotion: exact for Scalar, PyTorch's dtype for Array."""
    if slot is DEFAULT and p.default is not None:
        slot = type(p.default)
    if slot not in NUMBERS:
        return None
    if p.kind == SCALAR:
        return {float: dtypes.float64, complex: dtypes.complex128}.get(slot) or number_dtype(slot)
    return number_dtype(slot)


def _takes_part(op: OpDef, p: Param) -> bool:
    if op.promoted is not None:
        return p.name in op.promoted
    return p.kind in (ARRAY, ARRAYS) and not p.name.startswith("_")


def _common(op: OpDef, params: Sequence[Param], slots: Sequence[Slot]) -> dtype | None:
    if op.promote == "none":
        return None
    taking: list[Any] = []
    for p, slot in zip(params, slots, strict=True):
        if not _takes_part(op, p):
            continue
        if slot is DEFAULT and p.default is not None:
            slot = type(p.default)
        for s in slot if isinstance(slot, list) else [slot]:
            if type(s) is Aval:
                taking.append((s.dtype, s.ndim))
            elif s in NUMBERS:
                taking.append(s)
    if not taking:
        return None
    found = result_type(taking)
    return float_dtype(found) if op.promote == "float" else found


def _is_from_jax(error: BaseException) -> bool:
    at = error.__traceback__
    last = ""
    while at is not None:
        last = at.tb_frame.f_code.co_filename
        at = at.tb_next
    return bool(re.search(r"[/\\](jax|jaxlib|numpy)[/\\]", last))


def _node_name(op: OpDef, seen: dict[str, Any]) -> str:
    name = op.grad_name(seen) if callable(op.grad_name) else op.grad_name
    if name is None:
        name = "".join(part[:1].upper() + part[1:] for part in op.name.split("_"))
    if re.search(r"(Backwards?\d*(_copy)?|CopySlices)$", name):
        return name
    return f"{name}Backward0"


def _kept(op: OpDef, seen: dict[str, Any], slots: Sequence[Slot]) -> tuple[bool, ...] | None:
    """Which operands the declaration says that the gradient keeps; None if it says nothing."""
    names = op.keeps(seen) if callable(op.keeps) else op.keeps
    if names is None:
        return None
    found: list[bool] = []
    for p, slot in zip(op.array_params, slots, strict=True):
        count = sum(_travels(s) for s in (slot if isinstance(slot, list) else [slot]))
        found += [p.name in names] * count
    return tuple(found)


def normal_static(x: Any) -> Any:
    """A static argument as something hashable that equals itself: tuples, Python ints, dtypes.

    Raises:
        TypeError: it cannot be one.
    """
    if isinstance(x, (list, tuple)):
        return tuple([normal_static(e) for e in x])
    if isinstance(x, Tensor):
        return x.item()  # type: ignore[attr-defined]
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, np.ndarray):
        return x.item() if x.ndim == 0 else tuple(normal_static(e) for e in x)
    if isinstance(x, dict):
        return tuple(sorted((k, normal_static(v)) for k, v in x.items()))
    if hasattr(x, "__index__") and not isinstance(x, (int, bool)):
        return operator.index(x)
    return x


def normal_operand(op: OpDef, name: str, position: int, x: Any) -> Any:
    """An operand as a Tensor or Python number.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(x, np.generic) or (
        isinstance(x, np.ndarray) and x.ndim == 0 and _is_scalar(op, name)
    ):
        return x.item()
    if isinstance(x, int):
        return int(x)
    if isinstance(x, float):
        return float(x)
    hint = (
        "\nhint: torch.from_numpy(x) makes a tensor of an ndarray"
        if isinstance(x, np.ndarray)
        else ""
    )
    p = next(p for p in op.params if p.name == name)
    place = "" if p.keyword_only else f" (position {position})"
    kind = "Number" if p.kind == SCALAR else "Tensor"
    raise TypeError(
        f"{op.name}(): argument '{name}'{place} must be {kind}, not {type(x).__name__}{hint}"
    )


def _is_scalar(op: OpDef, name: str) -> bool:
    return any(p.name == name and p.kind == SCALAR for p in op.params)


def pure_call(
    fn: Callable[..., Any], avals: Sequence[Aval | type], statics: tuple[Any, ...], name: str
) -> OpCall:
    """A call of ``fn(list of arrays, *statics) -> tuple of arrays`` that is no op of the registry."""

    def flat(*arrays: Any) -> Any:
        return tuple(fn(list(arrays), *statics))

    return OpCall(name or fn.__name__, flat, avals, node_name=f"{name or fn.__name__}Backward0")
