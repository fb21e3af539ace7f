"""The three forms of ``Module.to``."""

from __future__ import annotations

from typing import Any

from ..core.device import device as torch_device
from ..core.dtypes import dtype as torch_dtype
from ..core.tensor import Tensor

_TO = (
    "to() received an invalid combination of arguments - got ({}), but expected one of:\n"
    " * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, "
    "bool copy = False, *, torch.memory_format memory_format = None)\n"
    " * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, "
    "torch.memory_format memory_format = None)\n"
    " * (Tensor tensor, bool non_blocking = False, bool copy = False, *, "
    "torch.memory_format memory_format = None)\n"
)
_TO_NAMES = ("device", "dtype", "non_blocking", "copy", "memory_format", "tensor", "other")


def parsed_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool]:
    """The (device, dtype, non_blocking) of the three forms of ``to``."""
    got = ", ".join(type(a).__name__ for a in args)
    got += "".join(f"{', ' if got else ''}{k}={type(v).__name__}, " for k, v in kwargs.items())
    if any(name not in _TO_NAMES for name in kwargs):
        raise TypeError(_TO.format(got))
    device, dtype = kwargs.get("device"), kwargs.get("dtype")
    tensor = kwargs.get("tensor", kwargs.get("other"))
    rest = list(args)
    if rest:
        first = rest.pop(0)
        if isinstance(first, Tensor):
            tensor = first
        elif isinstance(first, torch_dtype):
            dtype = first
        elif first is None or isinstance(first, str | int | torch_device):
            device = first
            if rest and (rest[0] is None or isinstance(rest[0], torch_dtype)):
                dtype = rest.pop(0)
        else:
            raise TypeError(_TO.format(got))
    if tensor is not None:
        device, dtype = tensor.device, tensor.dtype
    non_blocking = bool(rest[0]) if rest else bool(kwargs.get("non_blocking", False))
    return (None if device is None else torch_device(device)), dtype, non_blocking
