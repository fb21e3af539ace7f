"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from ...api import torch as T
from ...core.tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def _check_param_device(param: Tensor, old_param_device: int | None) -> int:
    """The parameter's device number, -1 for the CPU.

    Raises:
        TypeError: another device than the parameters before it.
    """
    device = param.get_device() if param.is_cuda else -1
    if old_param_device is not None and device != old_param_device:
        raise TypeError(
            "Found two parameters on different devices, this is currently not supported."
        )
    return device


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """``(*) each -> (total)``"""
    device = None
    flat = []
    for param in parameters:
        device = _check_param_device(param, device)
        flat.append(param.reshape(-1))
    return T.cat(flat)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Gives the parameters the slices of ``vec`` as data.  ``(total) -> (*) each``"""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {_typename(vec)}")
    device = None
    at = 0
    for param in parameters:
        device = _check_param_device(param, device)
        size = param.numel()
        param.data = vec[at : at + size].view(param.shape).data
        at += size


def _typename(obj: object) -> str:
    from ...core.toplevel import typename

    return typename(obj)
