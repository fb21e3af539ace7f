"""``safetensors.torch`` for torchlike's tensors; ``import safetensors.torch`` finds this module.

The package's own copy reads and writes through addresses, which XLA's arrays do not have.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.build import from_host
from ..core.constants import strided
from ..core.tensor import Tensor
from ..core.value import on_host
from ..nn.module import Module
from .archive import replacing

__all__ = ["load", "load_file", "load_model", "save", "save_file", "save_model"]

_DTYPES = {
    "F64": dtypes.float64, "F32": dtypes.float32, "F16": dtypes.float16, "BF16": dtypes.bfloat16,
    "I64": dtypes.int64, "I32": dtypes.int32, "I16": dtypes.int16, "I8": dtypes.int8,
    "U64": dtypes.uint64, "U32": dtypes.uint32, "U16": dtypes.uint16, "U8": dtypes.uint8,
    "BOOL": dtypes.bool_, "C64": dtypes.complex64, "F8_E4M3": dtypes.float8_e4m3fn,
    "F8_E4M3FNUZ": dtypes.float8_e4m3fnuz, "F8_E5M2": dtypes.float8_e5m2,
    "F8_E5M2FNUZ": dtypes.float8_e5m2fnuz,
}  # fmt: skip


def _package() -> Any:
    """The ``safetensors`` package.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        import safetensors
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "No module named 'safetensors'\nhint: pip install 'torchlike[safetensors]'",
            name="safetensors",
        ) from error
    return safetensors


# --- dicts of tensors ----------------------------------------------------------------------------


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """The tensors as a file's bytes.

    Raises:
        ValueError: something that is no dense, contiguous tensor. RuntimeError: tensors that share
        memory.
    """
    package = _package()
    arrays = _arrays(tensors)
    specs = {
        name: package.TensorSpec(
            dtype=str(array.dtype), shape=list(array.shape), data_ptr=array.ctypes.data,
            data_len=array.nbytes,
        )
        for name, array in arrays.items()
    }  # fmt: skip
    return package.serialize(specs, metadata)  # ``arrays`` keeps the memory until it returns


def save_file(
    tensors: dict[str, Tensor], filename: Any, metadata: dict[str, str] | None = None
) -> None:
    """``save`` to a file, which is replaced only when all is written."""
    data = save(tensors, metadata)
    with replacing(os.fspath(filename)) as file:
        file.write(data)


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors in a file's bytes.

    Raises:
        SafetensorError: damaged.
    """
    return {name: _tensor(view, "cpu") for name, view in _package().deserialize(data)}


def load_file(filename: Any, device: Any = "cpu", *, backend: str = "mmap") -> dict[str, Tensor]:
    """The tensors in a file, on ``device``.

    Raises:
        SafetensorError: damaged. FileNotFoundError: not there.
    """
    with open(filename, "rb") as file:
        views = _package().deserialize(file.read())
    return {name: _tensor(view, device) for name, view in views}


def _tensor(view: dict[str, Any], device: Any) -> Tensor:
    of = _DTYPES.get(view["dtype"])
    if of is None:
        raise ValueError(f"safetensors dtype {view['dtype']} has no counterpart in torch")
    flat = np.frombuffer(view["data"], of.np)
    return from_host(flat.reshape(view["shape"]), dtype=of, device=device)


def _arrays(tensors: Any) -> dict[str, np.ndarray]:
    """The contents, in C order."""
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    for k, v in tensors.items():
        if not isinstance(v, Tensor):
            raise ValueError(f"Key `{k}` is invalid, expected torch.Tensor but received {type(v)}")
    sparse = [k for k, v in tensors.items() if v.layout is not strided]
    if sparse:
        raise ValueError(
            f"You are trying to save a sparse tensors: `{sparse}` which this library does not support."
            " You can make it a dense tensor before saving with `.to_dense()` but be aware this might"
            " make a much larger file than needed."
        )
    failing = [names for names in _shared(tensors) if len(names) > 1]
    if failing:
        raise RuntimeError(
            "\n            Some tensors share memory, this will lead to duplicate memory on disk and "
            f"potential differences when loading them again: {failing}.\n            A potential way to "
            "correctly save your model is to use `save_model`.\n            More information at "
            "https://huggingface.co/docs/safetensors/torch_shared_tensors\n            "
        )
    for k, v in tensors.items():
        if not v.is_contiguous():
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{k}` which is not allowed. It either "
                "means you are trying to save tensors which are reference of each other in which case "
                "it's recommended to save only the full tensors, and reslice at load time, or simply "
                "call `.contiguous()` on your tensor to pack it before saving."
            )
    return {
        k: np.ascontiguousarray(on_host(v._v)).reshape(tuple(v.shape)) for k, v in tensors.items()
    }


# --- tensors that share memory ---------------------------------------------------------------------


def _span(t: Tensor) -> tuple[int, int]:
    """The elements of its storage from the first to behind the last that it has."""
    start = t.storage_offset()
    if t.numel() == 0:
        return start, start
    reach = sum((n - 1) * s for n, s in zip(t.shape, t.stride(), strict=True))
    return start, start + reach + 1


def _shared(tensors: dict[str, Tensor]) -> list[set[str]]:
    """The names, those together whose tensors overlap."""
    by_storage: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for name, t in tensors.items():
        if t.device.type != "meta" and t.numel():
            by_storage[id(t._storage)].append((*_span(t), name))
    found: list[set[str]] = []
    for spans in by_storage.values():
        end = None
        for start, stop, name in sorted(spans):
            if end is None or start >= end:
                found.append({name})
                end = stop
            else:
                found[-1].add(name)
                end = max(end, stop)
    return found


def _duplicates(tensors: dict[str, Tensor], preferred: Iterable[str] = ()) -> dict[str, list[str]]:
    """{a name that is kept: the other names of the same memory}

    Raises:
        RuntimeError: none of them covers the memory.
    """
    found: dict[str, list[str]] = {}
    for names in _shared(tensors):
        if len(names) == 1:
            continue
        whole = {k for k in names if tensors[k].numel() == tensors[k]._storage.value.aval.numel}
        if not whole:
            raise RuntimeError(
                "Error while trying to find names to remove to save state dict, but found no suitable "
                f"name to keep for saving amongst: {names}. None is covering the entire storage."
                "Refusing to save/load the model since you could be storing much more memory than "
                "needed. Please refer to https://huggingface.co/docs/safetensors/torch_shared_tensors "
                "for more information. Or open an issue."
            )
        kept = min(whole.intersection(preferred) or whole)
        found[kept] = sorted(names - {kept})
    return found


# --- modules -----------------------------------------------------------------------------------------


def save_model(
    model: Module, filename: Any, metadata: dict[str, str] | None = None,
    force_contiguous: bool = True,
) -> None:  # fmt: skip
    """A module's state; of names for the same memory one is written, the metadata has the others."""
    state = model.state_dict()
    for kept, others in _duplicates(state).items():
        for name in others:
            metadata = {} if metadata is None else metadata
            metadata.setdefault(name, kept)
            del state[name]
    if force_contiguous:
        state = {k: v.contiguous() for k, v in state.items()}
    try:
        save_file(state, filename, metadata=metadata)
    except ValueError as error:
        raise ValueError(
            f"{error} Or use save_model(..., force_contiguous=True), read the docs for potential caveats."
        ) from error


def load_model(
    model: Module, filename: Any, strict: bool = True, device: Any = "cpu", *, backend: str = "mmap"
) -> tuple[set[str], list[str]]:
    """Loads what ``save_model`` wrote: (names that were missing, names that were not expected).

    Raises:
        RuntimeError: ``strict``, and there are such names.
    """
    state = load_file(filename, device=device, backend=backend)
    duplicates = _duplicates(model.state_dict(), preferred=state)
    keys = model.load_state_dict(state, strict=False)
    missing, unexpected = set(keys.missing_keys), list(keys.unexpected_keys)
    for name in [n for others in duplicates.values() for n in others]:
        if name in missing:
            missing.remove(name)
        else:
            unexpected.append(name)
    if strict and (missing or unexpected):
        error = f"Error(s) in loading state_dict for {type(model).__name__}:"
        for what, names in (("Missing", missing), ("Unexpected", unexpected)):
            if names:
                quoted = ", ".join(f'"{k}"' for k in sorted(names))
                error += f"\n    {what} key(s) in state_dict: {quoted}"
        raise RuntimeError(error)
    return missing, unexpected
