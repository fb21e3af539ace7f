"""Members of ``Tensor`` that answer questions: layout, order, identity, and the devices it is not on."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from . import dtypes, toplevel
from .build import from_host, legacy
from .dispatch import invoke
from .dtypes import TYPE_NAMES, dtype as DType
from .errors import missing
from .moving import mover
from .storages import typed_class
from .streams import Stream
from .tensor import Tensor
from .value import contiguous_strides, on_host
from .viewing import layout_of
from .write import rebind


def dim_order(self: Tensor, *, ambiguity_check: bool | list[Any] = False) -> tuple[int, ...]:
    """The dims from the one whose elements lie farthest apart to the one whose lie closest.

    Raises:
        RuntimeError: ``ambiguity_check`` is on and the elements would lie the same in another order.
        TypeError: ``ambiguity_check`` is neither a bool nor a list of memory formats.
    """
    formats = ambiguity_check if isinstance(ambiguity_check, list) else []
    if not isinstance(ambiguity_check, (bool, list)) or any(
        type(f).__name__ != "memory_format" for f in formats
    ):
        raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    shape, strides, _ = layout_of(self)
    several = 1 in shape or any(a == b for a, b in itertools.pairwise(strides))
    if ambiguity_check is not False and several:
        fitting = [f for f in formats if self.is_contiguous(memory_format=f)]
        if len(fitting) != 1:
            raise RuntimeError(
                "The tensor does not have unique dim order, or cannot map to exact one of the given "
                "memory formats."
            )
    if 0 in shape or tuple(strides) == tuple(contiguous_strides(shape)) or self.is_contiguous():
        return tuple(range(len(shape)))
    return _by_stride(shape, strides)


def _by_stride(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...]:
    """Dims by falling stride; a dim of stride 0 stays where it is."""
    order = list(range(len(shape)))[::-1]
    for i in range(1, len(order)):
        at = i
        for k in reversed(range(i)):
            a, b = order[k], order[at]
            if strides[a] == 0 or strides[b] == 0:
                continue
            if (strides[a], shape[a]) > (strides[b], shape[b]):
                order[k], order[at] = b, a
                at = k
            elif strides[a] < strides[b]:
                break
    return tuple(reversed(order))


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same elements of one storage in the same order.

    Raises:
        TypeError: no tensor.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(
            f"is_set_to(): argument 'tensor' (position 1) must be Tensor, not {type(tensor).__name__}"
        )
    return self._storage is tensor._storage and layout_of(self) == layout_of(tensor)


def is_same_size(self: Tensor, other: Tensor) -> bool:
    return toplevel.is_same_size(self, other)


def is_nonzero(self: Tensor) -> bool:
    return toplevel.is_nonzero(self)


def is_distributed(self: Tensor) -> bool:
    return False


def const_data_ptr(self: Tensor) -> int:
    """``data_ptr()`` of who will not write there."""
    return self.data_ptr()  # type: ignore[attr-defined]


def storage_type(self: Tensor) -> Any:
    """The class ``torch.FloatStorage`` of a float32 tensor."""
    return typed_class(self.dtype)


def slice_inverse(
    self: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:  # fmt: skip
    """This tensor's storage, laid out as ``src`` is: a slice's way back to what it was taken from."""
    return invoke("as_strided", self, src.shape, src.stride(), src.storage_offset())  # type: ignore[attr-defined]


def __reversed__(self: Tensor) -> Tensor:
    return self if self.ndim == 0 else invoke("flip", self, 0)


def __delitem__(self: Tensor, key: Any) -> None:
    raise TypeError("Tensor does not support deleting items")


def __idiv__(self: Tensor, other: Any) -> Tensor:
    return self.__itruediv__(other)  # type: ignore[attr-defined]


def module_load(self: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What ``load_state_dict`` swaps in for this tensor: ``other``, or this one with its numbers."""
    return other.detach() if assign else self.copy_(other).detach()  # type: ignore[attr-defined]


def record_stream(self: Tensor, stream: Stream) -> None:
    """Tells the allocator that a stream uses the tensor; XLA knows that by itself.

    Raises:
        RuntimeError: no stream.
        NotImplementedError: the tensor is on the CPU.
    """
    if not isinstance(stream, Stream):
        raise RuntimeError("unknown parameter type")
    if self.device.type == "cpu":
        raise NotImplementedError(
            "Could not run 'aten::record_stream' with arguments from the 'CPU' backend."
        )


def lu(self: Tensor, pivot: bool = True, get_infos: bool = False) -> tuple[Tensor, ...]:
    """``torch.lu``'s results as a plain tuple."""
    return tuple(invoke("lu", self, pivot, get_infos))


def orgqr(self: Tensor, input2: Tensor) -> Tensor:
    """``torch.linalg.householder_product``."""
    return invoke("householder_product", self, input2)


def dequantize(self: Tensor) -> Tensor:
    """A tensor that is not quantised as float32."""
    return self.to(dtypes.float32)  # type: ignore[attr-defined]


def __setstate__(self: Tensor, state: Any) -> None:
    """Attributes of an unpickled tensor, as PyTorch's oldest files have them.

    Raises:
        RuntimeError: not a leaf.
    """
    if not self.is_leaf:
        raise RuntimeError("__setstate__ can be only called on leaf Tensors")
    if isinstance(state, dict):
        self.__dict__.update(state)
        return
    *where, requires_grad, _hooks = state if len(state) == 5 else (*state[:3], state[3], None)
    self.set_(*where)  # type: ignore[attr-defined]
    self.requires_grad_(bool(requires_grad))


def map2_(self: Tensor, x: Tensor, y: Tensor, callable: Any) -> Tensor:
    """``self[i] = callable(self[i], x[i], y[i])`` in Python.

    Raises:
        TypeError: another dtype.
        RuntimeError: one of them requires grad.
    """
    if any(t.requires_grad for t in (self, x, y)):
        raise RuntimeError(
            "Can't call map2_() on Variable that requires grad. Use var.detach().map2_() instead."
        )
    for name, t in (("x", x), ("y", y)):
        if t.dtype is not self.dtype:
            raise TypeError(
                f"map2_: expected torch.{TYPE_NAMES[self.dtype.name]}Tensor for argument '{name}' "
                f"(got torch.{TYPE_NAMES[t.dtype.name]}Tensor)"
            )
    columns = [np.broadcast_to(on_host(t._v), self.shape).ravel().tolist() for t in (self, x, y)]
    flat = [callable(*row) for row in zip(*columns, strict=True)]
    rebind(self, from_host(np.array(flat, self.dtype.np).reshape(self.shape), dtype=self.dtype))
    return self


def new(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """``torch.Tensor(...)`` with this tensor's dtype and device."""
    before = dtypes.default_dtype()
    kwargs.setdefault("device", self.device)
    if self.dtype.is_floating_point:
        dtypes.set_default_dtype(self.dtype)
        try:
            return legacy(Tensor, *args, **kwargs)
        finally:
            dtypes.set_default_dtype(before)
    if len(args) == 1 and isinstance(args[0], Tensor) and args[0].dtype is self.dtype:
        return args[0].detach()
    return legacy(Tensor, *args, **kwargs).to(self.dtype)  # type: ignore[attr-defined]


def _grad_dtype(self: Tensor) -> DType:
    """The dtype that ``.grad`` has: the tensor's own."""
    return self.dtype


def _set_grad_dtype(self: Tensor, value: DType | None) -> None:
    if value is not self.dtype:
        raise missing(f"Tensor.grad_dtype = {value}", "gradients have their tensor's dtype; cast .grad")


def _volatile(self: Tensor) -> bool:
    import warnings

    warnings.warn("volatile was removed (Variable.volatile is always False)", UserWarning, stacklevel=2)
    return False


_MEMBERS = (
    dim_order, is_set_to, is_same_size, is_nonzero, is_distributed, const_data_ptr, storage_type, slice_inverse,
    __reversed__, __delitem__, __idiv__, module_load, record_stream, orgqr, dequantize, __setstate__, map2_,
    new,
)  # fmt: skip


def replace_ops() -> None:
    """Members that are not quite the op of their name. Called once, when the ops are bound."""
    Tensor.lu = lu  # type: ignore[attr-defined]


def install() -> None:
    """Puts these members on Tensor. Called once."""
    for member in _MEMBERS:
        setattr(Tensor, member.__name__, member)
    for name in ("xpu", "mtia", "ipu"):
        setattr(Tensor, name, mover(name))
        setattr(Tensor, f"is_{name}", False)
    Tensor.is_maia = Tensor.is_vulkan = False  # type: ignore[attr-defined]
    Tensor.name = None  # type: ignore[attr-defined]
    Tensor.volatile = property(_volatile)  # type: ignore[attr-defined]
    Tensor.grad_dtype = property(_grad_dtype, _set_grad_dtype)  # type: ignore[attr-defined]
