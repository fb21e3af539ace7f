"""``torch.device``, and which JAX device plays it.

``cpu`` is the default. ``cuda`` means the accelerator that JAX has (GPU or TPU); with simulated
devices the CPU's extra host devices play accelerators.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import jax

TYPES = ("cpu", "cuda", "tpu", "xla", "meta", "mps", "xpu", "hpu", "mtia", "ipu", "privateuseone")
_ACCELERATOR = ("cuda", "tpu", "xla")
_TEXT = re.compile(r"([a-z]+)(?::(\d+))?")


class device:
    """A device type with an optional index; equal devices are one object."""

    __slots__ = ("__weakref__", "index", "type")
    type: str
    index: int | None

    def __new__(cls, type: Any = None, index: int | None = None) -> device:
        if isinstance(type, device):
            return type
        if isinstance(type, int) and not isinstance(type, bool):
            type, index = "cuda", type
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        return _interned(*_parse(type, index))

    def __repr__(self) -> str:
        if self.index is None:
            return f"device(type='{self.type}')"
        return f"device(type='{self.type}', index={self.index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        _default.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _default.pop()


def _parse(text: str, index: int | None) -> tuple[str, int | None]:
    match = _TEXT.fullmatch(text)
    if match is None:
        raise RuntimeError(f"Invalid device string: '{text}'")
    if match[1] not in TYPES:
        raise RuntimeError(
            f"Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, "
            f"lazy, vulkan, mps, meta, hpu, mtia, privateuseone device type at start of device string: {match[1]}"
        )
    if match[2] is not None:
        if index is not None:
            raise RuntimeError(
                f"type (string) must not include an index because index was passed explicitly: {text}"
            )
        index = int(match[2])
    return match[1], index


@functools.cache
def _interned(type: str, index: int | None) -> device:
    new = object.__new__(device)
    new.type = type
    new.index = index
    return new


cpu = device("cpu")
_default: list[device] = [cpu]
_current = [0]  # which accelerator ``cuda`` without a number is


def current_index() -> int:
    return _current[0]


def set_current_index(index: int) -> None:
    """``cuda`` without a number means this one from now on."""
    _current[0] = index


def default_device() -> device:
    """Where a new tensor goes when nothing says otherwise."""
    return _default[-1]


def set_default_device(to: Any) -> None:
    _default[-1] = cpu if to is None else placed(device(to))


@functools.lru_cache(maxsize=1)
def host() -> Any:
    """The JAX device that plays ``cpu``; becomes JAX's default, so that nothing strays."""
    found = jax.local_devices(backend="cpu")[0]
    jax.config.update("jax_default_device", found)
    return found


@functools.lru_cache(maxsize=1)
def accelerators() -> tuple[Any, ...]:
    """The JAX devices that play ``cuda:0``, ``cuda:1`` …; without hardware, the simulated ones."""
    host()
    if jax.default_backend() != "cpu":
        return tuple(jax.local_devices())
    simulated = jax.local_devices(backend="cpu")
    return tuple(simulated) if len(simulated) > 1 else ()


# What PyTorch's CPU build says of devices that it has as little as torchlike
_NOT_BUILT_IN = {
    "xpu": (AssertionError, "Torch not compiled with XPU enabled"),
    "mtia": (
        AssertionError,
        "Torch not compiled with MTIA enabled. Ensure you have `import mtia.host_runtime.torch_mtia."
        "dynamic_library` in your python src file and include `//mtia/host_runtime/torch_mtia:torch_mtia` "
        "as your target dependency!",
    ),
}


def placed(d: device) -> device:
    """The device with its index filled in, checked to be there.

    Raises:
        RuntimeError: no accelerator, or the index is too large.
        AssertionError: a device that PyTorch's CPU build refuses so.
    """
    if d.type in ("cpu", "meta"):
        return d if d.index is None else device(d.type)
    if d.type not in _ACCELERATOR:
        kind, text = _NOT_BUILT_IN.get(
            d.type, (RuntimeError, f"PyTorch is not linked with support for {d.type} devices")
        )
        raise kind(f"{text}\nhint: use 'cpu' or 'cuda'")
    count = len(accelerators())
    if count == 0:
        raise RuntimeError(
            "No CUDA GPUs are available\n"
            "hint: JAX sees no accelerator; torchlike run --simulate-devices 4 lets the CPU play four"
        )
    index = _current[0] if d.index is None else d.index
    if index >= count:
        raise RuntimeError("CUDA error: invalid device ordinal")
    return device("cuda" if d.type != "cpu" else d.type, index)


def jax_device(d: device) -> Any:
    """The JAX device that holds the arrays of tensors on ``d``."""
    if d.type in ("cpu", "meta"):
        return host()
    return accelerators()[d.index or 0]
