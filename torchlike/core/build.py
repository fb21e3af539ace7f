"""Making tensors of Python numbers, sequences, ndarrays and other libraries' arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import dtypes
from .device import default_device, device as Device, placed
from .dtypes import dtype as DType
from .errors import missing
from .modes import modes
from .shared import share_in
from .tensor import CONSTRUCTORS, SUBCLASSES, Tensor, wrap
from .value import Value, aval, from_array


def from_host(
    array: np.ndarray,
    *,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor that takes ownership of ``array``; nobody may write to it afterwards."""
    of = dtypes.from_np(array.dtype) if dtype is None else dtype
    if array.dtype != of.np:
        array = _converted(array, of)
    on = default_device() if device is None else placed(Device(device))
    t = wrap(Value(aval(array.shape, of, on), array))
    if modes.inference:
        t._inference = True
    if modes.capture is not None:
        modes.capture.constant(t._storage.value)
    if requires_grad:
        if not of.is_floating_point and not of.is_complex:
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients"
            )
        t._rg = True
    return t


def _converted(array: np.ndarray, of: DType) -> np.ndarray:
    if array.dtype.kind == "c" and not of.is_complex:
        array = array.real
    with np.errstate(all="ignore"):
        if array.dtype.kind == "f" and of.category == dtypes.INTEGRAL and of is not dtypes.int64:
            return array.astype(np.int64).astype(
                of.np
            )  # float to small int goes through int64 in C
        return array.astype(of.np)


def from_jax(array: Any, device: Any = None) -> Tensor:
    """A tensor over a JAX array; nothing is copied."""
    on = default_device() if device is None else placed(Device(device))
    return wrap(from_array(array, on))


def tensor(
    data: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """A new leaf with a copy of ``data``.

    Raises:
        ValueError: a ragged sequence. TypeError: something that is no number.
    """
    if isinstance(data, Tensor):
        import warnings

        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            UserWarning,
            stacklevel=2,
        )
        found = data.detach().clone()  # type: ignore[attr-defined]
        if dtype is not None or device is not None:
            found = found.to(device=device, dtype=dtype)
        return found.requires_grad_(requires_grad)
    if isinstance(data, np.ndarray):
        return from_host(data.copy() if dtype is None or dtype.np == data.dtype else data, dtype=dtype,
                         device=device, requires_grad=requires_grad)  # fmt: skip
    array, of = parse(data, dtype)
    return from_host(array, dtype=of, device=device, requires_grad=requires_grad)


def parse(data: Any, dtype: DType | None) -> tuple[np.ndarray, DType]:
    """Python numbers and nested sequences as an ndarray, with the dtype PyTorch infers."""
    kind = type(data)
    if kind in dtypes.PYTHON_TYPES:
        of = dtype or _inferred(kind)
        return _number_array(data, of), of
    if isinstance(data, np.generic):
        return np.asarray(data), dtype or dtypes.from_np(data.dtype)
    if hasattr(data, "__array__") and not isinstance(data, (list, tuple)):
        array = np.array(data)
        return array, dtype or dtypes.from_np(array.dtype)
    if not isinstance(data, (list, tuple, range)) and not hasattr(data, "__getitem__"):
        raise RuntimeError(f"Could not infer dtype of {kind.__name__}")
    plain = _plain(data)
    _check_rectangular(plain, 0)
    try:
        array = (
            np.array(plain) if dtype is None or dtype.is_complex else _sequence_array(plain, dtype)
        )
    except OverflowError as error:
        raise RuntimeError("Overflow when unpacking long long") from error
    if array.dtype == object:
        raise _bad_leaf(plain)
    if array.dtype.kind in "US":
        if array.ndim == 0:
            raise TypeError("new(): invalid data type 'str'")
        raise ValueError("too many dimensions 'str'")
    return array, dtype or _sequence_dtype(plain, array)


def _sequence_array(plain: Any, of: DType) -> np.ndarray:
    array = np.array(plain)
    if array.dtype == object and of.category <= dtypes.INTEGRAL:
        return np.array(plain, dtype=np.uint64).astype(of.np)
    return array


def _inferred(kind: type) -> DType:
    if kind is float:
        return dtypes.default_dtype()
    if kind is complex:
        return dtypes.default_dtype().to_complex()
    return dtypes.PYTHON_TYPES[kind]


def _number_array(data: Any, of: DType) -> np.ndarray:
    try:
        if of.category == dtypes.INTEGRAL and isinstance(data, float):
            data = int(data)
        if of.category == dtypes.INTEGRAL and of.itemsize < 8 and not isinstance(data, complex):
            low, high = np.iinfo(of.np).min, np.iinfo(of.np).max
            if not low <= int(data) <= high and not (not of.is_signed and data < 0):
                raise RuntimeError(
                    f"value cannot be converted to type {_C_NAMES[of.name]} without overflow"
                )
        with np.errstate(all="ignore"):
            return np.asarray(data).astype(of.np)
    except OverflowError as error:
        raise RuntimeError("Overflow when unpacking long long") from error


_C_NAMES = {"uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int",
            "uint16": "uint16_t", "uint32": "uint32_t"}  # fmt: skip


def _plain(data: Any) -> Any:
    """The sequence with 0-d tensors as numbers and small tensors as lists."""
    if isinstance(data, Tensor):
        return data.tolist()  # type: ignore[attr-defined]
    if isinstance(data, (list, tuple)):
        if data and all(type(e) in dtypes.PYTHON_TYPES for e in data):
            return data
        return [_plain(e) for e in data]
    if isinstance(data, range):
        return list(data)
    if isinstance(data, (np.ndarray, np.generic, str, bytes)) or not hasattr(data, "__getitem__"):
        return data
    if not hasattr(data, "__len__"):
        return data
    return [_plain(data[i]) for i in range(len(data))]


def _check_rectangular(data: Any, dim: int) -> None:
    if not isinstance(data, (list, tuple)) or not data:
        return
    first = data[0]
    if not hasattr(first, "__len__") or isinstance(first, (str, bytes)):
        for e in data:
            if isinstance(e, (list, tuple)):
                raise TypeError(f"must be real number, not {type(e).__name__}")
        return
    for e in data:
        if not hasattr(e, "__len__"):
            raise TypeError(
                "only integer tensors of a single element can be converted to an index"
                if False
                else f"expected a sequence at dim {dim + 1} (got {type(e).__name__})"
            )
        if len(e) != len(first):
            raise ValueError(
                f"expected sequence of length {len(first)} at dim {dim + 1} (got {len(e)})"
            )
        _check_rectangular(e, dim + 1)


def _bad_leaf(data: Any) -> Exception:
    while isinstance(data, (list, tuple)) and data:
        data = next((e for e in data if not isinstance(e, (int, float, complex))), data[0])
    if isinstance(data, int):
        return RuntimeError("Overflow when unpacking long long")
    return RuntimeError(f"Could not infer dtype of {type(data).__name__}")


def _sequence_dtype(plain: Any, array: np.ndarray) -> DType:
    if array.size == 0:
        return dtypes.default_dtype()
    leaf = plain
    while isinstance(leaf, (list, tuple)):
        leaf = next((e for e in leaf if not isinstance(e, (list, tuple)) or len(e)), None)
    if isinstance(leaf, (np.generic, np.ndarray)):
        return dtypes.from_np(array.dtype)
    return {"f": dtypes.default_dtype(), "c": dtypes.default_dtype().to_complex()}.get(
        array.dtype.kind
    ) or dtypes.from_np(array.dtype)


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor that shares memory with ``ndarray``.

    Raises:
        TypeError: no ndarray, or of a type PyTorch lacks.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    of = dtypes.from_np(ndarray.dtype)
    for stride in ndarray.strides:
        if stride < 0:
            raise ValueError(
                "At least one stride in the given numpy array is negative, and tensors with negative "
                "strides are not currently supported. (You can probably work around this by making a "
                "copy of your array  with array.copy().) "
            )
    t = wrap(Value(aval(ndarray.shape, of), ndarray.copy()))
    share_in(t._storage, ndarray)
    return t


def as_tensor(data: Any, dtype: DType | None = None, device: Any = None) -> Tensor:
    """``data`` itself if it is a fitting tensor, else a tensor of it (sharing an ndarray's memory)."""
    if isinstance(data, Tensor):
        if dtype is None and device is None:
            return data
        return data.to(device=device, dtype=dtype)  # type: ignore[attr-defined]
    if isinstance(data, np.ndarray):
        shared = from_numpy(data)
        if dtype is None and device is None:
            return shared
        return shared.to(device=device, dtype=dtype)  # type: ignore[attr-defined]
    return tensor(data, dtype=dtype, device=device)


def asarray(
    obj: Any, *, dtype: DType | None = None, device: Any = None, copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``obj`` as a tensor, sharing memory where that can be."""
    if copy is False and not isinstance(obj, (Tensor, np.ndarray)):
        raise ValueError("can't alias arbitrary sequence into a tensor.")
    if type(obj).__name__ == "UntypedStorage":
        obj = obj.numpy()  # its bytes, not one number after the other
    found = as_tensor(obj, dtype, device)
    if copy and (found is obj or isinstance(obj, np.ndarray)):
        found = found.clone()  # type: ignore[attr-defined]
    return found.detach().requires_grad_(requires_grad) if requires_grad else found


def scalar_tensor(
    s: Any, *, dtype: DType | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A 0-d tensor of the default dtype unless given."""
    return tensor(
        s, dtype=dtype or dtypes.default_dtype(), device=device, requires_grad=requires_grad
    )


def frombuffer(
    buffer: Any, *, dtype: DType, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-d tensor over a Python buffer.

    Raises:
        ValueError: the buffer is too short, or the offset is outside it.
    """
    length = memoryview(buffer).nbytes
    size = dtype.itemsize
    if length == 0 or count == 0:
        raise ValueError(f"both buffer length ({length}) and count ({count}) must not be 0")
    if not 0 <= offset < length:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({length} bytes) minus 1"
        )
    if count < 0 and (length - offset) % size:
        raise ValueError(
            f"buffer length ({length - offset} bytes) after offset ({offset} bytes) must be a multiple "
            f"of element size ({size})"
        )
    n = (length - offset) // size if count < 0 else count
    if offset + n * size > length:
        raise ValueError(
            f"requested buffer length ({n} * {size} bytes) after offset ({offset} bytes) must not be "
            f"greater than actual buffer length ({length} bytes)"
        )
    array = np.frombuffer(buffer, dtype.np, n, offset)
    if not array.flags.writeable:
        return from_host(array.copy(), requires_grad=requires_grad)
    return from_numpy(array).requires_grad_(requires_grad)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor over another library's array; no copy where JAX can alias it."""
    import jax

    return from_jax(jax.dlpack.from_dlpack(ext_tensor))


def legacy(cls: type, *args: Any, **kwargs: Any) -> Tensor:
    """``torch.Tensor(2, 3)``, ``torch.Tensor([1, 2])``: sizes make uninitialised contents."""
    on = kwargs.pop("device", None)
    if kwargs:
        raise TypeError(
            f"new() received an invalid combination of arguments: unexpected {sorted(kwargs)}"
        )
    of = dtypes.default_dtype()
    if len(args) == 1 and isinstance(args[0], Tensor):
        found: Tensor = args[0].detach()
        if found.dtype is not of:
            raise TypeError(f"expected {of} (got {found.dtype})")
    elif (
        len(args) == 1
        and not isinstance(args[0], (int, np.integer))
        and type(args[0]).__name__ != "Size"
    ):
        found = tensor(args[0], dtype=of, device=on)
    else:
        size: Any = args[0] if len(args) == 1 and type(args[0]).__name__ == "Size" else args
        if not all(isinstance(n, (int, np.integer)) for n in size):
            raise missing(f"torch.Tensor{args}", "use torch.tensor(data)")
        found = from_host(np.zeros([int(n) for n in size] if len(args) else 0, of.np), device=on)
    if cls is not Tensor:
        SUBCLASSES[0](cls)
        found.__class__ = cls
    return found


CONSTRUCTORS["legacy"] = legacy
