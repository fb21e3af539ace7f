"""The pickler that writes PyTorch's names and storages, and the unpickler that reads them."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from types import FunctionType
from typing import Any

from ..core.constants import layout
from ..core.device import device as Device
from ..core.dtypes import dtype
from ..core.shapes import Size
from ..core.tensor import Tensor
from ..core.viewing import layout_of
from ..nn.parameter import Parameter, UninitializedTensorMixin
from ..sparse.members import parts_to_save
from .names import is_torch_module, our_object, torch_name
from .storage import STORAGE_DTYPES, STORAGE_NAMES, StorageType, TypedStorage, UntypedStorage


class Global:
    """A name to be written as it is; it need not exist here."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def __call__(self, *args: Any) -> Any:
        raise TypeError(f"{self.module}.{self.name} exists in PyTorch only")


def _utils(name: str) -> Global:
    return Global("torch._utils", name)


_REBUILD_V2 = _utils("_rebuild_tensor_v2")
_REBUILD_V3 = _utils("_rebuild_tensor_v3")
_REBUILD_SPARSE = _utils("_rebuild_sparse_tensor")
_REBUILD_META = _utils("_rebuild_meta_tensor_no_storage")
_REBUILD_PARAMETER = _utils("_rebuild_parameter")
_REBUILD_PARAMETER_STATE = _utils("_rebuild_parameter_with_state")
_REBUILD_TYPE = Global("torch._tensor", "_rebuild_from_type_v2")
_DEVICE = Global("torch", "device")
_SIZE = Global("torch", "Size")
_GET_LAYOUT = Global("torch.serialization", "_get_layout")
_TENSOR = Global("torch", "Tensor")
_STORAGES = {name: Global("torch", name) for name in STORAGE_DTYPES}
_STORAGES["UntypedStorage"] = Global("torch.storage", "UntypedStorage")


class StorageTable:
    """The storages met while pickling, each with its key."""

    def __init__(self, legacy: bool = False) -> None:
        self.storages: dict[str, UntypedStorage] = {}
        self.dtypes: dict[str, dtype] = {}
        self._keys: dict[int, str] = {}
        self._legacy = legacy

    def persistent_id(self, storage: TypedStorage | UntypedStorage) -> tuple[Any, ...]:
        """What stands for a storage in the pickle.

        Raises:
            RuntimeError: the same bytes were met with another dtype.
        """
        if isinstance(storage, TypedStorage):
            untyped, of = storage._untyped_storage, storage.dtype
            kind, numel = _STORAGES[STORAGE_NAMES[of]], storage.size()
        else:
            untyped, of = storage, STORAGE_DTYPES["UntypedStorage"]
            kind, numel = _STORAGES["UntypedStorage"], storage.nbytes()
        key = self._keys.setdefault(untyped._cdata, str(len(self._keys)))
        if untyped.nbytes() and self.dtypes.setdefault(key, of) is not of:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different "
                "types"
            )
        self.dtypes.setdefault(key, of)
        self.storages.setdefault(key, untyped)
        found = ("storage", kind, key, str(untyped.device), numel)
        return (*found, None) if self._legacy else found


def tensor_reduction(t: Tensor) -> tuple[Any, ...]:
    """How PyTorch writes a tensor: a function of ``torch._utils`` and its arguments."""
    if isinstance(t, UninitializedTensorMixin):
        return type(t), (t.requires_grad,)
    attributes = {k: v for k, v in t.__dict__.items() if not k.startswith("_")}
    if not t._is_dense:
        return _sparse_reduction(t)
    if isinstance(t, Parameter) and type(t) is Parameter:
        parts = (t.data, t.requires_grad, OrderedDict())
        if attributes:
            return _REBUILD_PARAMETER_STATE, (*parts, attributes)
        return _REBUILD_PARAMETER, parts
    plain = _plain_reduction(t)
    if type(t) is Tensor and not attributes:
        return plain
    kind: Any = _TENSOR if type(t) is Tensor else type(t)
    return _REBUILD_TYPE, (plain[0], kind, plain[1], attributes)


def _sparse_reduction(t: Any) -> tuple[Any, ...]:
    if t._is_param:
        return _REBUILD_PARAMETER, (t.data, t.requires_grad, OrderedDict())
    return _REBUILD_SPARSE, parts_to_save(t)


def _plain_reduction(t: Tensor) -> tuple[Any, ...]:
    if t._v.aval.traced:
        raise RuntimeError("a tensor inside jax.jit, jax.grad or jax.vmap cannot be saved")
    size, stride, offset = layout_of(t)
    size, stride = tuple(size), tuple(stride)
    if t.device.type == "meta":
        return _REBUILD_META, (t.dtype, size, stride, t.requires_grad)
    untyped = UntypedStorage.of_tensor(t)
    hooks: OrderedDict[Any, Any] = OrderedDict()
    if t.dtype not in STORAGE_NAMES:
        rest = (offset, size, stride, t.requires_grad, hooks, t.dtype)
        return _REBUILD_V3, (untyped, *rest)
    typed = TypedStorage(wrap_storage=untyped, dtype=t.dtype)
    return _REBUILD_V2, (typed, offset, size, stride, t.requires_grad, hooks)


def _is_ours(module: str, name: str, obj: Any) -> bool:
    try:
        return our_object(module, name) is obj
    except AttributeError:
        return False


class TorchPickler(pickle._Pickler):  # type: ignore[name-defined]
    """Python's own pickler, with PyTorch's names for what is ours."""

    def __init__(self, file: Any, table: StorageTable, protocol: int) -> None:
        super().__init__(file, protocol=protocol)
        self._table = table

    def persistent_id(self, obj: Any) -> Any:
        if type(obj) is TypedStorage or type(obj) is UntypedStorage:
            if self.proto == 0:
                raise pickle.PicklingError("persistent IDs in protocol 0 must be ASCII strings")
            return self._table.persistent_id(obj)
        return None

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if isinstance(obj, Tensor):
            return tensor_reduction(obj)
        if kind is dtype or kind is Global:
            return obj.name
        if kind is FunctionType:
            return obj.__qualname__
        if kind is layout:
            return _GET_LAYOUT, (repr(obj),)
        if kind is Size:
            return _SIZE, (tuple(obj),)
        if kind is Device:
            return _DEVICE, (obj.type,) if obj.index is None else (obj.type, obj.index)
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        named = self._torch_name(obj, name)
        if named is None:
            self._save_foreign(obj, name)
            return
        module, found = named
        if self.proto >= 4:
            self.save(module)
            self.save(found)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{module}\n{found}\n".encode())
        self.memoize(obj)

    def _save_foreign(self, obj: Any, name: str | None) -> None:
        try:
            super().save_global(obj, name)
        except pickle.PicklingError:
            called = name or getattr(obj, "__qualname__", "")
            if "<locals>" in called:
                raise AttributeError(f"Can't pickle local object '{called}'") from None
            raise

    @staticmethod
    def _torch_name(obj: Any, name: str | None) -> tuple[str, str] | None:
        if type(obj) is Global:
            return obj.module, obj.name
        if type(obj) is dtype:
            return "torch", obj.name
        found = name or getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
        module = getattr(obj, "__module__", None)
        if not isinstance(module, str) or not isinstance(found, str):
            return None
        if is_torch_module(module):  # an op: it names PyTorch's module already
            return (module, found) if _is_ours(module, found, obj) else None
        return torch_name(module, found)


def foreign_pickler(module: Any, file: Any, table: StorageTable, protocol: int) -> Any:
    """A pickler of another pickle module (dill, cloudpickle): its classes keep their own names."""

    class ForeignPickler(module.Pickler):  # type: ignore[misc]
        def persistent_id(self, obj: Any) -> Any:
            if type(obj) is TypedStorage or type(obj) is UntypedStorage:
                kind, *rest = table.persistent_id(obj)[1:]
                return ("storage", StorageType(kind.name), *rest)
            return None

        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, Tensor):
                func, args = tensor_reduction(obj)
                args = tuple(_resolved(a) for a in args)
                return _resolved(func), args
            above = getattr(super(), "reducer_override", None)
            return NotImplemented if above is None else above(obj)

    return ForeignPickler(file, protocol=protocol)


def _resolved(x: Any) -> Any:
    return our_object(x.module, x.name) if type(x) is Global else x


def unpickler(module: Any, file: Any, persistent_load: Callable[..., Any], **options: Any) -> Any:
    """An unpickler of ``module`` (pickle by default) that maps PyTorch's names to ours."""

    class TorchUnpickler(module.Unpickler):  # type: ignore[misc]
        def find_class(self, mod_name: str, name: str) -> Any:
            if name in STORAGE_DTYPES and is_torch_module(mod_name):
                return StorageType(name)
            if is_torch_module(mod_name):
                return our_object("torch._tensor" if mod_name == "torch.tensor" else mod_name, name)
            return super().find_class(mod_name, name)

        def persistent_load(self, pid: Any) -> Any:
            return persistent_load(pid)

    return TorchUnpickler(file, **options)
