"""``torch.autograd``: gradients on demand, custom functions, anomaly mode, gradient checks."""

from . import (
    forward_ad as forward_ad,
    function as function,
    functional as functional,
    grad_mode as grad_mode,
    graph as graph,
    profiler as profiler,
)
from .anomaly_mode import detect_anomaly as detect_anomaly, set_detect_anomaly as set_detect_anomaly
from .backward import backward as backward, grad as grad
from .function import Function as Function, NestedIOFunction as NestedIOFunction
from .grad_mode import (
    _force_original_view_tracking as _force_original_view_tracking,
    _unsafe_preserve_version_counter as _unsafe_preserve_version_counter,
    enable_grad as enable_grad,
    enforce_grad_layout_policy as enforce_grad_layout_policy,
    inference_mode as inference_mode,
    is_multithreading_enabled as is_multithreading_enabled,
    is_view_replay_enabled as is_view_replay_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
    set_multithreading_enabled as set_multithreading_enabled,
)
from .gradcheck import (
    GradcheckError as GradcheckError,
    gradcheck as gradcheck,
    gradgradcheck as gradgradcheck,
)
from .profiler import ProfilerActivity as ProfilerActivity, kineto_available as kineto_available
from .variable import Variable as Variable

from .backward import variable as variable  # isort: skip - takes the place of the module
