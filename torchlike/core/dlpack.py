"""DLPack: ``torch.from_dlpack`` and the capsules of ``to_dlpack``."""

from __future__ import annotations

from typing import Any

from .build import from_jax
from .device import device as Device, placed
from .dispatch import invoke
from .tensor import Tensor
from .value import on_device

__all__ = ["from_dlpack", "to_dlpack"]


class _Capsule:
    """What makes a capsule on the CPU an exporter, which JAX wants."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule of the tensor's memory, to be taken once."""
    return on_device(tensor._v).__dlpack__()


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over another library's array, or over a capsule; no copy where JAX can alias it.

    Raises:
        RuntimeError: neither an array nor a capsule that nobody has taken yet.
    """
    import jax

    if not hasattr(ext_tensor, "__dlpack__"):
        if "dltensor" not in repr(ext_tensor) or "used" in repr(ext_tensor):
            raise RuntimeError(
                "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed "
                "only once, so you might have already constructed a tensor from it once."
            )
        ext_tensor = _Capsule(ext_tensor)
    made = from_jax(jax.dlpack.from_dlpack(ext_tensor))
    if copy:
        made = invoke("clone", made)
    return made if device is None else made.to(placed(Device(device)))  # type: ignore[attr-defined]
