"""``torch._C``: the few names of PyTorch's compiled half that programs reach for."""

from __future__ import annotations

from .core.overrides import (
    DisableTorchFunction as DisableTorchFunction,
    DisableTorchFunctionSubclass as DisableTorchFunctionSubclass,
    State as _TorchFunctionState,
    _disabled_torch_dispatch_impl as _disabled_torch_dispatch_impl,
    _disabled_torch_function_impl as _disabled_torch_function_impl,
    thread as _thread,
)
from .core.rng import Generator as Generator
from .core.shapes import Size as Size
from .core.tensor import Tensor as TensorBase

_TensorBase = TensorBase


def _is_torch_function_enabled() -> bool:
    return _thread.state == _TorchFunctionState.ENABLED


def _get_torch_function_state() -> _TorchFunctionState:
    return _thread.state


def _set_torch_function_state(state: _TorchFunctionState) -> None:
    _thread.state = state
