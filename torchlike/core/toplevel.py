"""Functions of the ``torch`` namespace that are no ops: questions about types, modes and threads."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from . import device as devices, dtypes, promote
from .dtypes import dtype
from .modes import modes
from .opcall import NUMBERS
from .record import finish_all
from .shapes import Size
from .tensor import Tensor

__all__ = [
    "are_deterministic_algorithms_enabled",
    "broadcast_shapes", "is_anomaly_check_nan_enabled", "is_anomaly_enabled",
    "can_cast", "compiled_with_cxx11_abi", "detach", "get_default_device",
    "get_default_dtype", "get_deterministic_debug_mode", "get_device", "get_float32_matmul_precision",
    "get_num_interop_threads",
    "get_num_threads", "is_complex", "is_deterministic_algorithms_warn_only_enabled",
    "is_floating_point", "is_inference", "is_nonzero", "is_same_size", "is_signed", "is_storage", "is_tensor", "numel",
    "promote_types", "result_type", "set_deterministic_debug_mode", "set_float32_matmul_precision",
    "set_flush_denormal", "set_num_interop_threads", "set_num_threads", "synchronize", "typename",
    "use_deterministic_algorithms", "set_warn_always", "is_warn_always_enabled", "is_distributed",
]  # fmt: skip


def detach(input: Tensor) -> Tensor:
    """The same contents, outside the graph."""
    return input.detach()


def is_anomaly_enabled() -> bool:
    return modes.anomaly


def is_anomaly_check_nan_enabled() -> bool:
    return modes.anomaly_nan


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that all of these broadcast to.

    Raises:
        RuntimeError: they do not.
        ValueError: a negative size.
    """
    sizes = [(shape,) if isinstance(shape, int) else shape for shape in shapes]
    found = [1] * max(map(len, sizes), default=0)
    for at, size in enumerate(sizes):
        for i, n in zip(range(-1, -1 - len(size), -1), reversed(size), strict=True):
            if n == 1 or n == found[i]:
                continue
            if found[i] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {n} at {i}! Mismatching argument "
                    f"at index {at} had {size}; but expected shape should be broadcastable to {found}"
                )
            if n < 0:
                raise ValueError("Attempting to broadcast a dimension with negative length!")
            found[i] = n
    return Size(found)


def is_tensor(obj: Any) -> bool:
    return isinstance(obj, Tensor)


def is_storage(obj: Any) -> bool:
    return type(obj).__name__ in ("UntypedStorage", "TypedStorage")


def numel(input: Tensor) -> int:
    return input.numel()


def is_floating_point(input: Tensor) -> bool:
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    return input.is_complex()


def is_signed(input: Tensor) -> bool:
    return input.is_signed()


def is_inference(input: Tensor) -> bool:
    return input.is_inference()


def is_distributed(input: Tensor) -> bool:
    return False


def is_same_size(input: Tensor, other: Tensor) -> bool:
    return input.shape == other.shape


def is_nonzero(input: Tensor) -> bool:
    """Whether a one-element tensor is not zero.

    Raises:
        RuntimeError: not exactly one element.
    """
    if input.numel() != 1:
        raise RuntimeError(
            "Boolean value of Tensor with no values is ambiguous"
            if input.numel() == 0
            else "Boolean value of Tensor with more than one value is ambiguous"
        )
    return bool(input)


def promote_types(type1: dtype, type2: dtype) -> dtype:
    return promote.promote_types(type1, type2)


def _operand(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x.dtype, x.ndim
    if isinstance(x, np.generic):
        x = x.item()
    if type(x) not in NUMBERS:
        raise TypeError(
            f"result_type() received an invalid combination of arguments - got ({type(x).__name__})"
        )
    return type(x)


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype of ``tensor1 + tensor2``."""
    return promote.result_type([_operand(tensor1), _operand(tensor2)])


def can_cast(from_: dtype, to: dtype) -> bool:
    return promote.can_cast(from_, to)


def get_default_dtype() -> dtype:
    return dtypes.default_dtype()


def get_default_device() -> devices.device:
    return devices.default_device()


def get_device(input: Tensor) -> int:
    return input.get_device()


def typename(obj: Any) -> str:
    """The type's dotted name, a tensor's being its ``type()``."""
    if isinstance(obj, Tensor):
        return obj.type()  # type: ignore[attr-defined]
    kind = obj if isinstance(obj, type) else type(obj)
    if kind.__module__ in ("builtins", "__builtin__"):
        return kind.__qualname__
    first, dot, rest = kind.__module__.partition(".")
    # Messages that hold a type's name are PyTorch's word for word
    first = "torch" if first == __name__.partition(".")[0] else first
    return f"{first}{dot}{rest}.{kind.__qualname__}"


def synchronize() -> None:
    """Runs what is recorded and waits for it."""
    finish_all()


# --- switches that XLA decides by itself; they are kept so that programs can read them back ---

_switches: dict[str, Any] = {
    "deterministic": False, "warn_only": False, "precision": "highest", "threads": os.cpu_count() or 1,
    "interop": os.cpu_count() or 1, "warn_always": False,
}  # fmt: skip


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """XLA's programs are deterministic on the CPU already."""
    _switches["deterministic"], _switches["warn_only"] = bool(mode), warn_only


def are_deterministic_algorithms_enabled() -> bool:
    return _switches["deterministic"]


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    return _switches["warn_only"]


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """0 ``default``, 1 ``warn``, 2 ``error``.

    Raises:
        TypeError, RuntimeError: no such mode.
    """
    modes_by_name = {"default": 0, "warn": 1, "error": 2}
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in modes_by_name:
            raise RuntimeError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got "
                f"{debug_mode}"
            )
        debug_mode = modes_by_name[debug_mode]
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """0 ``default``, 1 ``warn``, 2 ``error``."""
    if not _switches["deterministic"]:
        return 0
    return 1 if _switches["warn_only"] else 2


def set_float32_matmul_precision(precision: str) -> None:
    """Precision of float32 matrix products on accelerators: ``highest``, ``high`` or ``medium``."""
    import jax

    names = {"highest": "highest", "high": "high", "medium": "default"}
    if precision not in names:
        raise RuntimeError(f"Invalid float32 matmul precision: {precision}")
    _switches["precision"] = precision
    jax.config.update("jax_default_matmul_precision", names[precision])


def get_float32_matmul_precision() -> str:
    return _switches["precision"]


def set_num_threads(num: int) -> None:
    """Kept for reading back; XLA sizes its pool when the process starts.

    Raises:
        RuntimeError: not positive.
    """
    if num <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    _switches["threads"] = num


def get_num_threads() -> int:
    return _switches["threads"]


def set_num_interop_threads(num: int) -> None:
    _switches["interop"] = num


def get_num_interop_threads() -> int:
    return _switches["interop"]


def set_flush_denormal(mode: bool) -> bool:
    """XLA:CPU flushes denormals always; asking for it succeeds."""
    return bool(mode)


def set_warn_always(mode: bool, /) -> None:
    _switches["warn_always"] = mode


def is_warn_always_enabled() -> bool:
    return _switches["warn_always"]


def compiled_with_cxx11_abi() -> bool:
    return True
