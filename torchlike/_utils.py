"""``torch._utils``: the functions that saved files name."""

from .io.rebuild import (
    _rebuild_parameter as _rebuild_parameter,
    _rebuild_parameter_with_state as _rebuild_parameter_with_state,
    _rebuild_tensor as _rebuild_tensor,
    _rebuild_tensor_v2 as _rebuild_tensor_v2,
    _rebuild_tensor_v3 as _rebuild_tensor_v3,
)
