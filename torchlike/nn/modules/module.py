"""``torch.nn.modules.module``: the names under which PyTorch's programs import Module's parts."""

from __future__ import annotations

from ..hooks import (
    EVERYWHERE,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from ..module import Module, _addindent, _forward_unimplemented
from ..state_dict import _IncompatibleKeys, _WrappedHook


def _has_any_global_hook() -> bool:
    return EVERYWHERE.any_call()


__all__ = [
    "Module",
    "_IncompatibleKeys",
    "_WrappedHook",
    "_addindent",
    "_forward_unimplemented",
    "_has_any_global_hook",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]
