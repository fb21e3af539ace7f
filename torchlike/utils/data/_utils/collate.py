"""Samples into a batch: like with like, leaves stacked along a new first dim."""

from __future__ import annotations

import copy
import re
import weakref
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from ....api import torch as T
from ....core import dtypes
from ....core.build import as_tensor, from_host, tensor
from ....core.device import cpu
from ....core.modes import modes
from ....core.shared import SharedStorage
from ....core.tensor import Tensor
from ....core.value import on_host

CollateMap = Mapping[Any, Callable[..., Any]]

np_str_obj_array_pattern = re.compile(r"[SaUO]")
default_collate_err_msg_format = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)


def rebuilt(original: Any, items: Sequence[tuple[Any, Any]]) -> Any:
    """A container like ``original`` with other contents; a plain dict or list where that fails.

    A mutable container is copied and filled, since its class may have more to it than its items.
    """
    kind = type(original)
    if isinstance(original, Mapping):
        try:
            if isinstance(original, MutableMapping):
                clone = copy.copy(original)
                clone.update(dict(items))
                return clone
            return kind(dict(items))  # pyright: ignore[reportCallIssue]
        except TypeError:
            return dict(items)
    values = [value for _, value in items]
    try:
        if isinstance(original, MutableSequence):
            clone = copy.copy(original)
            for i, value in items:
                clone[i] = value
            return clone
        return kind(values)
    except TypeError:
        return values


def is_namedtuple(data: Any) -> bool:
    return isinstance(data, tuple) and hasattr(data, "_fields")


def _is_text_or_objects(data: Any) -> bool:
    return np_str_obj_array_pattern.search(data.dtype.str) is not None


def default_convert(data: Any) -> Any:
    """NumPy arrays, also inside containers, as Tensors; everything else as it is."""
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        if isinstance(data, (np.str_, np.bytes_)) or _is_text_or_objects(data):
            return data
        return as_tensor(data)
    if isinstance(data, Mapping):
        return rebuilt(data, [(key, default_convert(data[key])) for key in data])
    if is_namedtuple(data):
        return type(data)(*(default_convert(item) for item in data))
    if isinstance(data, tuple):
        return [default_convert(item) for item in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return rebuilt(data, [(i, default_convert(item)) for i, item in enumerate(data)])
    return data


def collate(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """The batch of a list of samples; ``collate_fn_map`` says how leaves of a type are put together.

    Raises:
        RuntimeError: sequences of different lengths.
        TypeError: a leaf of a type that the map does not have.
    """
    first = batch[0]
    kind = type(first)
    if collate_fn_map is not None:
        if kind in collate_fn_map:
            return collate_fn_map[kind](batch, collate_fn_map=collate_fn_map)
        for wanted, function in collate_fn_map.items():
            if isinstance(first, wanted):
                return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        columns = [
            (key, collate([sample[key] for sample in batch], collate_fn_map=collate_fn_map))
            for key in first
        ]
        return rebuilt(first, columns)
    if is_namedtuple(first):
        return kind(
            *(collate(part, collate_fn_map=collate_fn_map) for part in zip(*batch, strict=False))
        )
    if isinstance(first, Sequence):
        if not all(len(sample) == len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        parts = [collate(part, collate_fn_map=collate_fn_map) for part in zip(*batch, strict=False)]
        return parts if isinstance(first, tuple) else rebuilt(first, list(enumerate(parts)))
    raise TypeError(default_collate_err_msg_format.format(kind))


def host_contents(tensor: Tensor) -> np.ndarray:
    """The numbers of a tensor on the host, for reading only; nothing is copied if it can be avoided.

    A tensor that shares an ndarray (``from_numpy``) gives that array, without the comparison that an
    ordinary read makes.
    """
    storage = tensor._storage
    if type(storage) is SharedStorage and tensor._chain is None:
        array = storage.host() if isinstance(storage.host, weakref.ref) else storage.host
        if array is not None:
            return array
    return on_host(tensor._v)


def is_plain_on_host(tensor: Tensor) -> bool:
    """No gradient is recorded for it, and NumPy can read it at once."""
    aval = tensor._v.aval
    if aval.device is not cpu or aval.traced:
        return False
    return not (modes.grad and tensor.requires_grad)


def collate_tensor_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """``torch.stack``; in NumPy where the samples are on the host and no gradient is recorded."""
    first = batch[0]._v.aval
    if any(not is_plain_on_host(sample) or sample._v.aval is not first for sample in batch):
        return T.stack(list(batch), 0)
    out = np.empty((len(batch), *first.shape), first.dtype.np)
    for i, sample in enumerate(batch):
        out[i] = host_contents(sample)
    return from_host(out, device=cpu)


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    if _is_text_or_objects(batch[0]):
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype))
    return collate([as_tensor(sample) for sample in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return as_tensor(np.asarray(batch))


def collate_float_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return tensor(batch, dtype=dtypes.float64)


def collate_int_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    return batch


# Programs register their own types here, as they do in PyTorch.
default_collate_fn_map: dict[Any, Callable[..., Any]] = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """Tensors, arrays and numbers stacked; dicts, tuples and lists of them leaf by leaf; text kept.

    Raises:
        TypeError: a leaf of another type.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
