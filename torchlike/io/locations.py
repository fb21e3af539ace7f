"""Where storages come from and go to: ``map_location``, tags, and the registry of restorers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.device import accelerators, device as Device
from .storage import TypedStorage, UntypedStorage

_registry: list[tuple[int, Callable[[Any], str | None], Callable[[Any, str], Any]]] = []
_CPU_HINT = (
    "If you are running on a CPU-only machine, please use torch.load with "
    "map_location=torch.device('cpu') to map your storages to the CPU."
)


def register_package(
    priority: int,
    tagger: Callable[[Any], str | None],
    deserializer: Callable[[Any, str], Any],
) -> None:
    """Adds a kind of device: how its storages are tagged, and how a tag is honoured."""
    _registry.append((priority, tagger, deserializer))
    _registry.sort(key=lambda entry: entry[0])


def location_tag(storage: Any) -> str:
    """The tag that a storage is saved with."""
    for _, tagger, _ in _registry:
        found = tagger(storage)
        if found:
            return found
    raise RuntimeError(f"don't know how to determine data location of {_name(storage)}")


def default_restore_location(storage: Any, location: str) -> Any:
    """The storage on the device that the tag names.

    Raises:
        RuntimeError: nobody knows the tag, or the device is not there.
    """
    for _, _, restore in _registry:
        found = restore(storage, location)
        if found is not None:
            return found
    raise RuntimeError(
        f"don't know how to restore data location of {_name(storage)} (tagged with {location})"
    )


def _name(storage: Any) -> str:
    kind = type(storage).__name__
    return f"torch.storage.{kind}" if isinstance(storage, (TypedStorage, UntypedStorage)) else kind


def _cpu_deserialize(storage: Any, location: str) -> Any:
    return storage if location == "cpu" else None


def _tagger(*types: str) -> Callable[[Any], str | None]:
    def tag(storage: Any) -> str | None:
        return str(storage.device) if storage.device.type in types else None

    return tag


def _accelerator_deserialize(storage: Any, location: str) -> Any:
    if location.partition(":")[0] not in ("cuda", "xla", "tpu"):
        return None
    index = validate_cuda_device(location)
    return storage.to(device=Device("cuda", index))


def validate_cuda_device(location: str) -> int:
    """The index in a tag like ``cuda:1``.

    Raises:
        RuntimeError: no such device.
    """
    count = len(accelerators())
    if count == 0:
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is "
            f"False. {_CPU_HINT}"
        )
    index = Device(location).index or 0
    if index >= count:
        raise RuntimeError(
            f"Attempting to deserialize object on CUDA device {index} but "
            f"torch.cuda.device_count() is {count}. Please use torch.load with map_location to map "
            "your storages to an existing device."
        )
    return index


def _meta_deserialize(storage: Any, location: str) -> Any:
    if location != "meta":
        return None
    return UntypedStorage.of_array(storage.numpy(), Device("meta"))


register_package(10, _tagger("cpu"), _cpu_deserialize)
register_package(20, _tagger("cuda", "xla", "tpu"), _accelerator_deserialize)
register_package(22, _tagger("meta"), _meta_deserialize)


def restorer(map_location: Any) -> Callable[[Any, str], Any]:
    """``(storage, tag) -> storage`` for every form of ``map_location``."""
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, location: default_restore_location(
            storage, map_location.get(location, location)
        )
    if isinstance(map_location, bytes):
        map_location = map_location.decode("ascii")
    if isinstance(map_location, (str, Device)):
        return lambda storage, location: default_restore_location(storage, str(map_location))

    def by_function(storage: Any, location: str) -> Any:
        found = map_location(storage, location)
        return default_restore_location(storage, location) if found is None else found

    return by_function
