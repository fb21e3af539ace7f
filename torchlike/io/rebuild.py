"""The functions that a checkpoint names to make its tensors: ``torch._utils._rebuild_*``."""

from __future__ import annotations

from typing import Any

from ..core.build import from_numpy
from ..core.dtypes import dtype
from ..core.errors import missing
from ..core.tensor import Tensor
from ..nn.parameter import Parameter
from ..sparse.members import _rebuild_sparse_tensor
from .storage import TypedStorage, meta_tensor, tensor_of


def _rebuild_tensor(storage: Any, storage_offset: int, size: Any, stride: Any) -> Tensor:
    typed = _typed(storage)
    return tensor_of(typed, typed.dtype, storage_offset, tuple(size), tuple(stride))


def _rebuild_tensor_v2(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    metadata: Any = None,
) -> Tensor:
    if metadata:
        raise missing("loading a tensor with conj or neg bit", "save tensor.resolve_conj()")
    found = _rebuild_tensor(storage, storage_offset, size, stride)
    return found.requires_grad_() if requires_grad else found


def _rebuild_tensor_v3(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    dtype: dtype,
    metadata: Any = None,
) -> Tensor:
    found = tensor_of(_typed(storage), dtype, storage_offset, tuple(size), tuple(stride))
    return found.requires_grad_() if requires_grad else found


def _typed(storage: Any) -> TypedStorage:
    if not isinstance(storage, TypedStorage):
        raise RuntimeError(
            f"expected a storage in the checkpoint, but got {type(storage).__name__}; corrupt file?"
        )
    return storage


def _rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Parameter:
    made = Parameter(data, requires_grad)
    if backward_hooks:
        made._backward_hooks = backward_hooks
    return made


def _rebuild_parameter_with_state(
    data: Any, requires_grad: bool, backward_hooks: Any, state: Any
) -> Any:
    return _set_state(_rebuild_parameter(data, requires_grad, backward_hooks), state)


def _rebuild_from_type_v2(func: Any, new_type: Any, args: Any, state: Any) -> Any:
    made = func(*args)
    if type(made) is not new_type:
        made = made.as_subclass(new_type)
    own = getattr(type(made), "__setstate__", None)
    if own not in (None, getattr(Tensor, "__setstate__", None)):
        made.__setstate__(state)
        return made
    return _set_state(made, state)


def _set_state(made: Any, state: Any) -> Any:
    slots = None
    if isinstance(state, tuple):
        state, slots = state
    for source in (state, slots):
        for name, value in (source or {}).items():
            setattr(made, name, value)
    return made


def _rebuild_meta_tensor_no_storage(
    dtype: dtype, size: Any, stride: Any, requires_grad: bool
) -> Tensor:
    return meta_tensor(dtype, tuple(size), tuple(stride)).requires_grad_(requires_grad)


def _rebuild_device_tensor_from_cpu_tensor(
    data: Any, dtype: dtype, device: Any, requires_grad: bool
) -> Tensor:
    return data.to(dtype=dtype, device=device).requires_grad_(requires_grad)


def _rebuild_device_tensor_from_numpy(
    data: Any, dtype: dtype, device: Any, requires_grad: bool
) -> Tensor:
    return from_numpy(data).to(dtype=dtype, device=device).requires_grad_(requires_grad)


def _rebuild_qtensor(*args: Any) -> Any:
    raise missing("loading a quantized tensor", "save tensor.dequantize()")


def _rebuild_nested_tensor(*args: Any) -> Any:
    raise missing("loading a nested tensor", "save tensor.to_padded_tensor(0.0)")


def _rebuild_wrapper_subclass(*args: Any, **kwargs: Any) -> Any:
    raise missing("loading a wrapper subclass of Tensor", "save the plain tensor")


def _load_from_bytes(data: bytes) -> Any:
    """Unpickles a storage that ``pickle.dumps`` wrote."""
    import io

    from .serialization import load

    return load(io.BytesIO(data), weights_only=False)


REBUILDERS = (
    _rebuild_parameter, _rebuild_parameter_with_state, _rebuild_qtensor, _rebuild_tensor,
    _rebuild_tensor_v2, _rebuild_tensor_v3, _rebuild_sparse_tensor,
    _rebuild_meta_tensor_no_storage, _rebuild_nested_tensor, _rebuild_wrapper_subclass,
    _rebuild_device_tensor_from_numpy, _rebuild_device_tensor_from_cpu_tensor,
)  # fmt: skip
