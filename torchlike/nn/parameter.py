"""Parameters and buffers: the tensors that a Module owns, and those that wait for their shape."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ..api import torch as T
from ..core.overrides import _disabled_torch_function_impl
from ..core.pytree import register_tensor
from ..core.tensor import Tensor, TensorMeta, alias, wrap

_NO_SHAPE = (
    "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
    "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. "
    "Call `forward` to initialize the parameters before accessing their attributes."
)
_NO_SHARING = (
    "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the "
    "parameters before calling `module.share_memory()`."
)
_NO_VALUE = (
    "Attempted to use an uninitialized parameter in {}. This error happens when you are using a "
    "`LazyModule` or explicitly manipulating `torch.nn.parameter.{}` objects. When using "
    "LazyModules Call `forward` with a dummy batch to initialize the parameters before calling "
    "torch functions"
)


def _owned(cls: type, data: Tensor, requires_grad: bool) -> Any:
    if requires_grad and not (data.is_floating_point() or data.is_complex()):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    made = alias(data, cls)
    made._rg = bool(requires_grad)
    return made


class _ParameterMeta(TensorMeta):
    """A tensor of a user's own class counts as a Parameter once it was wrapped in one."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return cls is Parameter and getattr(instance, "_is_param", False) is True


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that registers itself when assigned to a Module's attribute; shares ``data``'s
    memory.
    """

    _is_param = True
    __torch_function__ = _disabled_torch_function_impl

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = T.empty(0)
        if type(data) is Tensor or type(data) is Parameter:
            return _owned(cls, data, requires_grad)
        if not isinstance(data, Tensor):
            raise TypeError(
                f"Parameter(): argument 'data' must be Tensor, not {type(data).__name__}"
            )
        own: Any = data.detach().requires_grad_(requires_grad)
        if type(own) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires "
                "that "
                "detach() returns an instance of the same type, but return type "
                f"{type(own).__name__} was found instead. To use the type as a Parameter, please "
                "correct the detach() semantics defined by its __torch_dispatch__() implementation."
            )
        own._is_param = True
        found: Any = own
        return found

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Everything is done by ``__new__``."""

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) in memo:
            return memo[id(self)]
        made = type(self)(self.data.clone(), self.requires_grad)
        memo[id(self)] = made
        return made

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # Backward hooks do not travel, as PyTorch's documentation has it
        return _rebuild_parameter, (self.data, self.requires_grad, OrderedDict())


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Parameter:
    """Unpickles a Parameter; the name is part of PyTorch's file format."""
    made = Parameter(data, requires_grad)
    made._backward_hooks = backward_hooks or None
    return made


class _BufferMeta(TensorMeta):
    def __instancecheck__(cls, instance: Any) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return cls is Buffer and getattr(instance, "_is_buffer", False) is True


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that becomes a buffer when assigned to a Module's attribute; otherwise a plain
    Tensor.
    """

    __torch_function__ = _disabled_torch_function_impl

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = T.empty(0)
        made = data.detach().requires_grad_(data.requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made


class UninitializedTensorMixin:
    """What a tensor without shape can do: move, change its type, and materialize."""

    cls_to_become: type = Tensor
    __torch_function__ = _disabled_torch_function_impl

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Becomes an ordinary (uninitialised) tensor of the given shape, in place."""
        device = self.device if device is None else device
        dtype = self.dtype if dtype is None else dtype
        self.__class__ = self.cls_to_become
        self.data = T.empty(shape, device=device, dtype=dtype)

    # Functions read a tensor's contents here, so this is where an uninitialised one refuses
    @property
    def _storage(self) -> Any:
        raise ValueError(_NO_VALUE.format("a torch function", type(self).__name__))

    @_storage.setter
    def _storage(self, new: Any) -> None:
        self.__dict__["_storage"] = new

    @property
    def _v(self) -> Any:
        return self.__dict__["_storage"].value

    @property
    def data(self) -> Any:
        return wrap(self._v)

    @data.setter
    def data(self, new: Any) -> None:
        self._storage = new._storage

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Its empty contents, moved or cast: what ``Module.to`` assigns."""
        return self.data.to(*args, **kwargs)

    def cpu(self) -> Any:
        return self.data.cpu()

    def cuda(self, device: Any = None) -> Any:
        return self.data.cuda(device)

    def half(self) -> Any:
        return self.data.half()

    def float(self) -> Any:
        return self.data.float()

    def double(self) -> Any:
        return self.data.double()

    @property
    def shape(self) -> Any:
        raise RuntimeError(_NO_SHAPE)

    def share_memory_(self) -> Any:
        raise RuntimeError(_NO_SHARING)

    def __repr__(self) -> str:
        return f"<{self.__class__.__name__}>"

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _rebuild_uninitialized, (
            type(self),
            self.dtype,
            self.device.type,
            self.requires_grad,
        )


def _rebuild_uninitialized(kind: type, dtype: Any, device: str, requires_grad: bool) -> Any:
    return kind(requires_grad, device=device, dtype=dtype)


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A Parameter whose shape is not known yet."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        return _owned(cls, T.empty(0, device=device, dtype=dtype), requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        if id(self) in memo:
            return memo[id(self)]
        made = type(self)(self.requires_grad, self.device, self.dtype)
        memo[id(self)] = made
        return made


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape is not known yet."""

    cls_to_become = Tensor

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> Any:
        made = _owned(cls, T.empty(0, device=device, dtype=dtype), requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made


def is_lazy(param: Any) -> bool:
    """True if the tensor still waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)


register_tensor(Parameter)
