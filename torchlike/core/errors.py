"""PyTorch's exceptions and the messages that many places share."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence


class OutOfMemoryError(RuntimeError):
    """The device has no memory left for a result."""


class LinAlgError(RuntimeError):
    """A factorisation that failed: singular, not positive definite, not converged."""


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


def not_implemented_for(kernel: str, type_name: str) -> NotImplementedError:
    """``"kernel" not implemented for 'Half'``."""
    return NotImplementedError(f'"{kernel}" not implemented for \'{type_name}\'')


@functools.cache
def warn_once(message: str) -> None:
    """A ``UserWarning`` that a process shows once, as PyTorch's TORCH_WARN_ONCE."""
    warnings.warn(message, UserWarning, stacklevel=3)
