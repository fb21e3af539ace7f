"""Moving tensors between devices and casting them between dtypes."""

from __future__ import annotations

from typing import Any

import jax

from . import dtypes
from .constants import channels_last, channels_last_3d, contiguous_format, preserve_format
from .device import cpu, device as Device, jax_device, placed
from .dispatch import invoke
from .dtypes import dtype as DType
from .modes import modes
from .shapes import contiguous_strides
from .tape import Node
from .tensor import Tensor, wrap
from .value import Value, on_device
from .viewing import layout_of


def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """``to(dtype)``, ``to(device, dtype)``, ``to(other)`` with ``non_blocking``, ``copy``, ``memory_format``.

    Raises:
        TypeError: none of those forms.
    """
    of, on, copy = _parse_to(args, dict(kwargs))
    return moved(self, of, on, copy or not lies_as(self, kwargs.get("memory_format")))


def lies_as(t: Tensor, memory_format: Any) -> bool:
    """Whether a tensor has the order of elements that a cast or move asks for, and need not be copied.

    Raises:
        RuntimeError: the order is one of another number of dims.
    """
    if memory_format is None or memory_format is preserve_format:
        return True
    _check_rank(t, memory_format)
    return _is_channels_last(t) == (memory_format is not contiguous_format)


def lies_in_order(t: Tensor, memory_format: Any) -> bool:
    """Whether each element lies next to the one before, in the order of that format.

    Raises:
        RuntimeError: the order is one of another number of dims, or none at all.
    """
    shape, strides, _ = layout_of(t)
    dims = list(range(len(shape)))
    if memory_format not in (None, contiguous_format, preserve_format):
        _check_rank(t, memory_format)
        dims = [0, *dims[2:], 1]
    wanted = contiguous_strides(tuple([shape[d] for d in dims]))
    found = all(shape[d] == 1 or strides[d] == w for d, w in zip(dims, wanted, strict=True))
    if memory_format is preserve_format and not found:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    return found or 0 in shape


def _check_rank(t: Tensor, memory_format: Any) -> None:
    rank = {channels_last: 4, channels_last_3d: 5}.get(memory_format, t.ndim)
    if t.ndim != rank:
        name = str(memory_format).removeprefix("torch.")
        raise RuntimeError(f"required rank {rank} tensor to use {name} format")


def _is_channels_last(t: Tensor) -> bool:
    """Whether the strides grow from the channels over the last dims to the first; everything else
    counts as in order."""
    shape, strides, _ = layout_of(t)
    if len(shape) not in (4, 5) or 0 in shape or strides[1] == 0:
        return False
    least = 0
    for d in (1, *range(len(shape) - 1, 1, -1), 0):
        if strides[d] < least or d == 0 and least == strides[1]:
            return False
        least = strides[d] * shape[d]
    return True


def _parse_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[DType | None, Any, bool]:
    of, on = kwargs.pop("dtype", None), kwargs.pop("device", None)
    other = kwargs.pop("other", None)
    copy = bool(kwargs.pop("copy", False))
    kwargs.pop("non_blocking", None)
    kwargs.pop("memory_format", None)
    if kwargs:
        raise TypeError(
            f"to() received an invalid combination of arguments - got unexpected {sorted(kwargs)}"
        )
    flags: list[Any] = []
    for i, a in enumerate(args):
        if isinstance(a, DType):
            of = a
        elif isinstance(a, Tensor):
            other = a
        elif isinstance(a, (Device, str)) or (
            i == 0 and isinstance(a, int) and not isinstance(a, bool)
        ):
            on = a
        elif a is None or isinstance(a, bool):
            if i:
                flags.append(a)
        else:
            raise TypeError(
                "to() received an invalid combination of arguments - got "
                f"({', '.join(type(x).__name__ for x in args)}), but expected one of:\n"
                " * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, "
                "bool copy = False, *, torch.memory_format memory_format = None)"
            )
    if len(flags) > 1 and isinstance(flags[1], bool):
        copy = copy or flags[1]
    if other is not None:
        of, on = of or other.dtype, other.device if on is None else on
    return of, None if on is None else placed(Device(on)), copy


def moved(self: Tensor, of: DType | None, on: Any, copy: bool = False) -> Tensor:
    a = self._v.aval
    found = self
    if on is not None and on is not a.device:
        found = transferred(found, on)
    if of is not None and of is not a.dtype:
        found = invoke("to_dtype", found, of)
    if found is self and copy:
        return invoke("clone", self)
    return found


def transferred(self: Tensor, on: Any) -> Tensor:
    """A copy on another device; the gradient travels back."""
    if not self._is_dense:
        return self.to(on)  # type: ignore[attr-defined]
    a = self._v.aval
    source = a.device
    array = on_device(self._v)
    target = a.but(on=on, dual=False)
    made = wrap(Value(target, array if a.traced else jax.device_put(array, jax_device(on))))
    edge = self._grad_edge_or_none() if modes.grad and self._rg else None
    if edge is not None:
        node = TransferNode("ToCopyBackward0", [edge], [target])
        node.source = source
        made._edge, made._rg = (node, 0), True
    return made


class TransferNode(Node):
    """A copy between devices; its gradient is copied back."""

    __slots__ = ("source",)
    label = "ToCopyBackward0"

    def apply(self, grads: list[Any], create_graph: bool) -> Any:
        return [transferred(grads[0], self.source)]


def cpu_(self: Tensor, memory_format: Any = None) -> Tensor:
    return moved(self, None, cpu, not lies_as(self, memory_format))


def cuda(
    self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None
) -> Tensor:
    return moved(self, None, placed(Device("cuda" if device is None else device)))


def mover(name: str) -> Any:
    """``Tensor.xpu`` and its kin."""

    def move(
        self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None
    ) -> Tensor:
        return moved(self, None, placed(Device(name if device is None else device)))

    move.__name__, move.__doc__ = name, f"Moved to a device of type ``{name}``."
    return move


def caster(of: DType) -> Any:
    def cast(self: Tensor, memory_format: Any = None) -> Tensor:
        return moved(self, of, None, not lies_as(self, memory_format))

    cast.__doc__ = f"Cast to ``torch.{of.name}``."
    return cast


def type_(
    self: Tensor, dtype: Any = None, non_blocking: bool = False, *, memory_format: Any = None
) -> Any:
    """The type's name, or a cast."""
    place = "" if self.device.type == "cpu" else f"{self.device.type}."
    if dtype is None:
        return f"torch.{place}{dtypes.TYPE_NAMES[self.dtype.name]}Tensor"
    if isinstance(dtype, str):
        short = dtype.rpartition(".")[2].removesuffix("Tensor")
        dtype = next((d for d in dtypes.DTYPES if dtypes.TYPE_NAMES[d.name] == short), None)
        if dtype is None:
            raise ValueError(f"invalid type: '{short}'")
    elif not isinstance(dtype, DType):
        dtype = dtype.dtype
    return moved(self, dtype, None, not lies_as(self, memory_format))
