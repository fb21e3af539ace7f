"""The members of ``Tensor`` that are no ops: looking at numbers, moving, casting, iterating."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import dtypes, rng
from .backward import run_backward
from .build import from_host, tensor
from .constants import strided
from .device import default_device
from .dispatch import invoke
from .dtypes import dtype as DType
from .errors import missing
from .modes import modes
from .moving import caster, cpu_, cuda, lies_in_order, to, transferred, type_
from .repr import tensor_text
from .shared import share_out
from .shells import SHELLS
from .storages import storage, untyped_storage
from .tensor import Tensor, alias
from .transforms import refuse_backward
from .value import Value, contiguous_strides, on_device, on_host, whole_on_host
from .viewing import layout_of
from .write import check_overlap, check_writable, rebind, replace, write

# --- looking ---------------------------------------------------------------------------------


_NO_ITEM = (
    "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on "
    "a Tensor, please try to rewrite what you're doing with other operations. If error is occurring "
    "somewhere inside PyTorch internals, please file a bug report."
)
_NO_BRANCH = (
    "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't "
    "support that yet, please file an issue at https://github.com/pytorch/pytorch/issues ."
)


def _host(self: Tensor) -> np.ndarray:
    if modes.capture is not None:
        modes.capture.looked(self)
    return on_host(self._v)


def item(self: Tensor) -> Any:
    """The one element as a Python number.

    Raises:
        RuntimeError: not exactly one element.
    """
    if self._v.aval.numel != 1:
        raise RuntimeError(
            f"a Tensor with {self._v.aval.numel} elements cannot be converted to Scalar"
        )
    if self._v.aval.levels:
        raise RuntimeError(_NO_ITEM)
    return (
        _host(self).reshape(()).item()
        if self.dtype is not dtypes.bfloat16
        else float(_host(self).reshape(()))
    )


def tolist(self: Tensor) -> Any:
    """Nested lists of Python numbers."""
    array = _host(self)
    if array.dtype.kind == "V" or self.dtype.name.startswith(("bfloat", "float8")):
        array = array.astype(np.float32)
    return array.tolist()


def numpy(self: Tensor, *, force: bool = False) -> np.ndarray:
    """An ndarray that shares the tensor's memory: writes show on both sides.

    Raises:
        TypeError, RuntimeError: not on the CPU, requires grad, or a dtype NumPy lacks.
    """
    if force:
        return np.array(_host(self))
    if self.device.type not in ("cpu", "meta"):
        raise TypeError(
            f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor "
            "to host memory first."
        )
    if self.requires_grad:
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )
    if self.dtype.name.startswith(("bfloat", "float8")):
        raise TypeError(f"Got unsupported ScalarType {dtypes.TYPE_NAMES[self.dtype.name]}")
    if modes.capture is not None:
        modes.capture.looked(self)
    on_host(self._v)
    whole = share_out(self._storage)
    if self._chain is None:
        return whole
    shape, strides, offset = layout_of(self)
    flat = whole.reshape(-1).view(self.dtype.np)[
        offset:
    ]  # a view(dtype) counts in its own elements
    size = flat.dtype.itemsize
    return np.lib.stride_tricks.as_strided(flat, shape, [s * size for s in strides])


def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    array = numpy(self) if not self.requires_grad else None
    if array is None:
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )
    if dtype is not None and array.dtype != dtype:
        return array.astype(dtype)
    return array.copy() if copy else array


def __array_wrap__(
    self: Tensor, array: np.ndarray, context: Any = None, return_scalar: bool = False
) -> Tensor:
    return from_host(np.asarray(array))


def __jax_array__(self: Tensor) -> Any:
    return on_device(self._v)


def __dlpack__(self: Tensor, **kwargs: Any) -> Any:
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    return on_device(self._v).__dlpack__(**kwargs)


def __dlpack_device__(self: Tensor) -> Any:
    return on_device(self._v).__dlpack_device__()


def __bool__(self: Tensor) -> bool:
    n = self._v.aval.numel
    if n != 1:
        if n == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
    if self._v.aval.levels:
        raise RuntimeError(_NO_BRANCH)
    return bool(_host(self).reshape(()).item())


def __int__(self: Tensor) -> int:
    return int(_only_number(self))


def __float__(self: Tensor) -> float:
    return float(_only_number(self))


def __complex__(self: Tensor) -> complex:
    return complex(_only_number(self))


def _only_number(self: Tensor) -> Any:
    if self._v.aval.numel != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return item(self)


def __index__(self: Tensor) -> int:
    if self.dtype.category > dtypes.INTEGRAL or self._v.aval.numel != 1:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(item(self))


def __len__(self: Tensor) -> int:
    shape = self._v.aval.shape
    if not shape:
        raise TypeError("len() of a 0-d tensor")
    return shape[0]


def __iter__(self: Tensor) -> Iterator[Tensor]:
    if not self._v.aval.shape:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))  # type: ignore[attr-defined]


def __contains__(self: Tensor, element: Any) -> bool:
    if not isinstance(element, (Tensor, builtins.bool, builtins.int, builtins.float, complex)):
        raise RuntimeError(
            f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
        )
    return bool((self == element).any().item())  # type: ignore[attr-defined]


def __format__(self: Tensor, spec: str) -> str:
    if self._v.aval.ndim == 0 and not self.is_meta and type(self) is Tensor:
        return format(item(self), spec)
    return object.__format__(self, spec)


def __repr__(self: Tensor, *, tensor_contents: Any = None) -> str:
    a = self._v.aval
    if a.traced:
        return f"tensor(<traced {a!r}>)"
    if modes.transforms:
        from .crossing import transformed_text

        return transformed_text(self, lambda t: _text(t, None, False))
    return _text(self, self.grad_fn, self.requires_grad)


def _text(self: Tensor, grad_fn: Any, requires_grad: builtins.bool) -> str:
    a = self._v.aval
    if modes.capture is not None:
        modes.capture.looked(self)
    tangent = None
    if modes.dual_level is not None and not modes.transforms and self._tangents is not None:
        tangent = self._tangents.get(modes.dual_level)
    is_plain = type(self) is Tensor or self._is_param
    return tensor_text(
        None if a.device.type == "meta" else on_host(self._v), a.dtype, shape=a.shape,
        device=str(a.device), requires_grad=requires_grad,
        grad_fn=None if grad_fn is None else grad_fn.label,
        prefix="tensor(" if is_plain else f"{type(self).__name__}(",
        tangent=None if tangent is None else repr(tangent),
    )  # fmt: skip


def __dir__(self: Tensor) -> list[str]:
    return sorted(set(object.__dir__(self)) - {"__cuda_array_interface__"})


# --- layout ----------------------------------------------------------------------------------


def stride(self: Tensor, dim: int | None = None) -> Any:
    strides = layout_of(self)[1]
    if dim is None:
        return tuple(strides)
    from .shapes import normal_dim

    return strides[normal_dim(dim, len(strides))]


def storage_offset(self: Tensor) -> int:
    return layout_of(self)[2]


def is_contiguous(self: Tensor, memory_format: Any = None) -> bool:
    shape, strides, _ = layout_of(self)
    if 0 in shape:
        return True
    expected = contiguous_strides(shape)
    return all(n == 1 or s == e for n, s, e in zip(shape, strides, expected, strict=True))


def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """Itself if its elements lie in the order asked for, else a copy.

    Differs: the copy's order is the usual one.
    """
    return self if lies_in_order(self, memory_format) else invoke("clone", self)


def data_ptr(self: Tensor) -> int:
    """An address-like number: equal for tensors that start at the same element of one storage."""
    if self.numel() == 0:
        return 0
    return (id(self._storage) << 12) + layout_of(self)[2] * self.dtype.itemsize


# --- writing ---------------------------------------------------------------------------------


def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """``src``'s numbers, broadcast and cast."""
    if not isinstance(src, Tensor):
        src = tensor(src, dtype=self.dtype)
    check_writable(self, once=src is not self)
    check_overlap(self, src)
    if src.device is not self.device:
        src = transferred(src, self.device)
    write(self, invoke("copy", self, src))
    return self


def set_(self: Tensor, source: Tensor | None = None, *args: Any, **kwargs: Any) -> Tensor:
    """Shares ``source``'s storage from now on."""
    if args or kwargs:
        raise missing("Tensor.set_(storage, offset, size)", "use torch.as_strided on the source")
    self.data = tensor([], dtype=self.dtype) if source is None else source
    return self


def resize_(self: Tensor, *size: Any, memory_format: Any = None) -> Tensor:
    """Another shape; elements that fit stay, in order."""
    shape = tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else tuple(size)
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    a = self._v.aval
    if modes.capture is not None:
        modes.capture.looked(self)
    sizes = [size for _, size in a.levels]
    flat = whole_on_host(self._v).reshape(*sizes, a.numel)
    count = int(np.prod(shape)) if shape else 1
    made = np.zeros((*sizes, count), flat.dtype)
    made[..., : min(count, a.numel)] = flat[..., :count]
    replace(self, Value(a.but(shape=shape, dual=False), made.reshape((*sizes, *shape))))
    return self


def backward(
    self: Tensor, gradient: Tensor | None = None, retain_graph: builtins.bool | None = None,
    create_graph: builtins.bool = False, inputs: Any = None,
) -> None:  # fmt: skip
    """Adds d self / d leaf to every leaf's ``.grad``."""
    if inputs is not None:
        inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        if not inputs:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    if gradient is not None and not isinstance(gradient, Tensor):
        raise TypeError(
            f"gradients can be either Tensors or None, but got {type(gradient).__name__}"
        )
    if modes.transforms:
        refuse_backward()
    keep = create_graph if retain_graph is None else retain_graph
    run_backward([self], [gradient], retain_graph=keep, create_graph=create_graph, inputs=inputs)


# --- copies and files --------------------------------------------------------------------------


def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    found = memo.get(id(self))
    if found is not None:
        return found
    if self._edge is not None:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at "
            "the moment.  If you were attempting to deepcopy a module, this may be because of a torch.nn."
            "utils.weight_norm usage, see https://github.com/pytorch/pytorch/pull/103001"
        )
    import copy

    new = alias(self, type(self))
    storage = memo.get(id(self._storage))
    if storage is None:
        from .tensor import Storage

        storage = memo[id(self._storage)] = Storage(self._storage.value)
    new._storage = storage
    new._rg = self._rg
    memo[id(self)] = new
    if self._grad is not None:
        new._grad = copy.deepcopy(self._grad, memo)
    if "_layout" in self.__dict__:
        new.__dict__["_layout"] = self.__dict__["_layout"]
    for name, v in self.__dict__.items():
        if not name.startswith("_"):
            new.__dict__[name] = copy.deepcopy(v, memo)
    return new


def __copy__(self: Tensor) -> Tensor:
    new = alias(self, type(self))
    new.__dict__.update(self.__dict__)
    return new


def _rebuild(
    cls: type, array: np.ndarray, of: DType, on: str, requires_grad: bool, extra: dict[str, Any]
) -> Tensor:
    place = on if on == "cpu" else str(default_device())
    made = from_host(array.view(of.np) if array.dtype != of.np else array, dtype=of, device=place)
    new = alias(made, cls)
    new._rg = requires_grad
    new.__dict__.update(extra)
    return new


def __reduce_ex__(self: Tensor, protocol: Any) -> Any:
    array = np.array(_host(self))
    if array.dtype.kind == "V" or self.dtype.name.startswith(("bfloat", "float8")):
        array = array.view(f"u{array.dtype.itemsize}")
    extra = {k: v for k, v in self.__dict__.items() if not k.startswith("_")}
    return _rebuild, (
        type(self),
        array,
        self.dtype,
        str(self.device),
        self._rg and self._edge is None,
        extra,
    )


def new_tensor(
    self: Tensor, data: Any, *, dtype: DType | None = None, device: Any = None,
    requires_grad: builtins.bool = False, layout: Any = None, pin_memory: builtins.bool = False,
) -> Tensor:  # fmt: skip
    """A new leaf with ``data``, of this tensor's dtype and device unless given."""
    return tensor(
        data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad
    )


def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    return self


def is_pinned(self: Tensor, device: Any = None) -> builtins.bool:
    return False


def share_memory_(self: Tensor) -> Tensor:
    return self


def is_shared(self: Tensor) -> builtins.bool:
    return False


def map_(self: Tensor, other: Tensor, function: Any) -> Tensor:
    """``self[i] = function(self[i], other[i])`` in Python."""
    pairs = zip(np.nditer(_host(self)), np.nditer(_host(other)), strict=True)
    flat = [function(a.item(), b.item()) for a, b in pairs]  # type: ignore[attr-defined]
    rebind(self, from_host(np.array(flat).reshape(self.shape), dtype=self.dtype))
    return self


def apply_(self: Tensor, function: Any) -> Tensor:
    """``self[i] = function(self[i])`` in Python."""
    flat = [function(a.item()) for a in np.nditer(_host(self))]  # type: ignore[attr-defined]
    rebind(self, from_host(np.array(flat).reshape(self.shape), dtype=self.dtype))
    return self


_PLAIN = (
    item, tolist, numpy, __array__, __array_wrap__, __jax_array__, __dlpack__, __dlpack_device__, __bool__,
    __int__, __float__, __complex__, __index__, __len__, __iter__, __contains__, __format__, __repr__, __dir__,
    stride, storage_offset, is_contiguous, contiguous, data_ptr, to, cuda, copy_, set_, resize_, backward,
    __deepcopy__, __copy__, __reduce_ex__, new_tensor, pin_memory, is_pinned, share_memory_, is_shared,
    map_, apply_, storage, untyped_storage,
)  # fmt: skip


def install() -> None:
    """Puts these members on Tensor. Called once, by bind's caller."""
    for member in _PLAIN:
        setattr(Tensor, member.__name__, member)
    rng.install_tensors(from_host, lambda state: state.numpy())
    Tensor.cpu = cpu_  # type: ignore[attr-defined]
    Tensor.type = type_  # type: ignore[attr-defined]
    for name, key in _VIEW_PROPERTIES.items():
        setattr(Tensor, name, _view_property(key))
    casts = {"bool": dtypes.bool_, "bfloat16": dtypes.bfloat16, "byte": dtypes.uint8, "char": dtypes.int8}
    casts |= {**dtypes.ALIASES, "chalf": SHELLS["complex32"]}
    for name, of in casts.items():
        setattr(Tensor, name, caster(of))
    Tensor.is_quantized = Tensor.is_sparse = Tensor.is_sparse_csr = False  # type: ignore[attr-defined]
    Tensor.layout = strided  # type: ignore[attr-defined]
    Tensor.is_mkldnn = Tensor.is_mps = Tensor.is_xla = Tensor.is_nested = False  # type: ignore[attr-defined]


_VIEW_PROPERTIES = {
    "T": "numpy_T", "mT": "mT", "H": "matrix_H", "mH": "mH", "real": "real", "imag": "imag",
}  # fmt: skip


def _view_property(key: str) -> property:
    def get(self: Tensor) -> Tensor:
        if key == "real" and not self.dtype.is_complex:
            return self
        return invoke(key, self)

    def set(self: Tensor, value: Any) -> None:
        copy_(invoke(key, self), value)

    return property(get, set if key in ("real", "imag") else None)
