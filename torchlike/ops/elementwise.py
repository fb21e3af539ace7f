"""What pointwise functions share: dtypes taken, broadcasting, half precision, derivatives."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core import dtypes, errors, shapes
from ..core.dtypes import BOOL, COMPLEX, FLOATING, INTEGRAL
from ..core.registry import Array

ALL = (BOOL, INTEGRAL, FLOATING, COMPLEX)
NUMERIC = (INTEGRAL, FLOATING, COMPLEX)
REAL = (BOOL, INTEGRAL, FLOATING)
ORDERED = (INTEGRAL, FLOATING)
DISCRETE = (BOOL, INTEGRAL)
INTEGERS = (INTEGRAL,)
FLOATS = (FLOATING,)
INEXACT = (FLOATING, COMPLEX)

_HALVES = (dtypes.float16, dtypes.bfloat16)
_OPERANDS = ("Array", "Array | None")


def elementwise(
    kernel: str = "", takes: Sequence[int] = ALL, *, half: bool = True, wide: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Checks the operands of a pointwise function, in PyTorch's words.

    Args:
        kernel: PyTorch's name of the kernel, for ``"kernel" not implemented for 'Bool'``.
        takes: the dtype categories that the kernel knows.
        half: whether it knows float16 and bfloat16.
        wide: compute half precision in float32 and round once, as PyTorch's kernels do; without
            it the function is a single operation, or rounds like a chain of them.
    """

    def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
        code = inspect.unwrap(fn).__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        kinds = {name: fn.__annotations__.get(name) in _OPERANDS for name in names}

        @functools.wraps(fn)
        def checked(*args: Any, **kwargs: Any) -> Any:
            given = dict(zip(names, args, strict=False)) | kwargs
            operands = {k: v for k, v in given.items() if kinds[k] and v is not None}
            found = {k: dtypes.from_np(v.dtype) for k, v in operands.items()}
            for of in found.values():
                if of.category not in takes or (not half and of in _HALVES):
                    raise errors.not_implemented_for(kernel, dtypes.TYPE_NAMES[of.name])
            if len(operands) > 1:
                shapes.broadcast_all(v.shape for v in operands.values())
            halves = [of for of in found.values() if of in _HALVES]
            if not wide or not halves:
                return fn(**given)
            given |= {k: v.astype(jnp.float32) for k, v in operands.items() if found[k] in _HALVES}
            return jax.tree.map(lambda r: _rounded(r, halves[0]), fn(**given))

        return checked

    return decorate


def _rounded(result: Array, to: dtypes.dtype) -> Array:
    return result.astype(to.np) if result.dtype == jnp.float32 else result


def derivatives(*partials: Callable[..., Any] | None) -> Callable[[Callable[..., Any]], Any]:
    """Gives a function PyTorch's derivatives in place of JAX's.

    ``partials[i](result, *inputs)`` is the derivative by the i-th input, complex ones as in
    mathematics (not conjugated); None is zero.
    """

    def decorate(fn: Callable[..., Any]) -> Any:
        smooth = jax.custom_jvp(fn)

        @smooth.defjvp
        def rule(primals: Sequence[Array], tangents: Sequence[Array]) -> tuple[Array, Array]:
            result = smooth(*primals)
            total = jnp.zeros_like(result)
            for partial, tangent in zip(partials, tangents, strict=True):
                if partial is not None:
                    total = total + tangent * partial(result, *primals)
            return result, total

        return smooth

    return decorate


def is_complex(array: Array) -> bool:
    return dtypes.from_np(array.dtype).is_complex


def is_inexact(array: Array) -> bool:
    return dtypes.from_np(array.dtype).category >= FLOATING


def is_bool(array: Array) -> bool:
    return array.dtype == jnp.bool_


def type_name(array: Array) -> str:
    """How PyTorch's messages name the array's dtype: ``Float``."""
    return dtypes.TYPE_NAMES[dtypes.from_np(array.dtype).name]


def _kind(slot: Any) -> str:
    return slot.__name__ if isinstance(slot, type) else "Tensor"


def only_tensors(function: str, *names: str) -> Callable[[dict[str, Any]], None]:
    """A ``types`` check for operands that PyTorch does not take as numbers.

    Raises:
        TypeError: one of them is a number.
    """

    def check(slots: dict[str, Any]) -> None:
        for position, (name, slot) in enumerate(slots.items(), 1):
            if name in names and isinstance(slot, type):
                if len(names) == 1 and position == 1:  # there is a signature with a number after it
                    raise errors.no_overload(function, [_kind(s) for s in list(slots.values())[:2]])
                raise TypeError(
                    f"{function}(): argument '{name}' (position {position}) must be Tensor, "
                    f"not {slot.__name__}"
                )

    return check
