"""PyTorch's exceptions and the messages that many places share."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from typing import Any

from .dtypes import TYPE_NAMES


class OutOfMemoryError(RuntimeError):
    """The device has no memory left for a result."""


class AcceleratorError(RuntimeError):
    """A device failed."""


class _LinAlgError(RuntimeError):
    """A factorisation that failed: singular, not positive definite, not converged."""


LinAlgError = _LinAlgError  # PyTorch's name for its own ``_LinAlgError``


class NoGradient(NotImplementedError):
    """An op's rule refuses to be differentiated; the call is fine, a backward through it raises."""


class SparseOperand(NotImplementedError):
    """Dense code met a tensor of another layout; a public function then passes its call on."""


class GraphBreak(RuntimeError):
    """A value was needed while a function was being captured."""


class Unsupported(RuntimeError):
    """``torch._dynamo.exc.Unsupported``: a graph break where none is allowed."""


def check(condition: object, message: str, kind: type[Exception] = RuntimeError) -> None:
    """Raise ``kind(message)`` unless the condition holds. Use only where the message is cheap."""
    if not condition:
        raise kind(message)


def missing(what: str, hint: str = "") -> NotImplementedError:
    """The refusal of something PyTorch has and torchlike lacks."""
    text = f"torchlike: {what} is not implemented"
    return NotImplementedError(f"{text}\nhint: {hint}" if hint else text)


def dim_out_of_range(dim: int, ndim: int) -> IndexError:
    span = max(ndim, 1)
    return IndexError(
        f"Dimension out of range (expected to be in range of [{-span}, {span - 1}], but got {dim})"
    )


def size_mismatch(a: int, b: int, dim: int) -> RuntimeError:
    return RuntimeError(
        f"The size of tensor a ({a}) must match the size of tensor b ({b}) "
        f"at non-singleton dimension {dim}"
    )


def shape_text(shape: Sequence[int]) -> str:
    """``[2, 3]`` as PyTorch's messages print a shape."""
    return "[" + ", ".join(str(n) for n in shape) + "]"


# How C++ spells the dtypes, which PyTorch's message mixes with its own names
_C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>", "int64": "long int",
    "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char", "bool": "bool",
}  # fmt: skip


def check_gradient(mine: Any, new: Any) -> None:
    """Whether something with the aval ``new`` may become the ``.grad`` of what has the aval ``mine``.

    Raises:
        RuntimeError: another shape, dtype or device.
    """
    if mine.shape != new.shape:
        raise RuntimeError(
            f"attempting to assign a gradient of size '{shape_text(new.shape)}' to a tensor of size "
            f"'{shape_text(mine.shape)}'. Please ensure that the gradient and the tensor are the same size"
        )
    if mine.dtype is not new.dtype:
        raise RuntimeError(
            f"attempting to assign a gradient with dtype '{_C_NAMES.get(new.dtype.name, new.dtype.name)}' to a tensor "
            f"with grad_dtype '{TYPE_NAMES[mine.dtype.name]}'. The gradient must match the tensor's grad_dtype "
            "(defaults to the tensor's dtype). You can set the tensor's grad_dtype attribute with a specific dtype, "
            "or None to allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its "
            "gradient may break downstream systems that assume they match."
        )
    if mine.device is not new.device:
        raise RuntimeError(
            f"attempting to assign a gradient with device type '{new.device.type}' to a tensor with device type "
            f"'{mine.device.type}'. Please ensure that the gradient and the tensor are on the same device"
        )


def no_overload(function: str, kinds: Sequence[str]) -> TypeError:
    """The refusal of arguments that none of a function's signatures takes."""
    return TypeError(
        f"{function}() received an invalid combination of arguments - got ({', '.join(kinds)}), but "
        "expected one of:\n(the signatures in PyTorch's documentation)"
    )


def not_implemented_for(kernel: str, type_name: str) -> NotImplementedError:
    """``"kernel" not implemented for 'Half'``."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{type_name}'")


@functools.cache
def warn_once(message: str) -> None:
    """A ``UserWarning`` that a process shows once, as PyTorch's TORCH_WARN_ONCE."""
    warnings.warn(message, UserWarning, stacklevel=3)


def repeated_memory() -> RuntimeError:
    """A write to a view that shows one element several times."""
    return RuntimeError(
        "unsupported operation: more than one element of the written-to tensor refers to a single "
        "memory location. Please clone() the tensor before performing the operation."
    )
