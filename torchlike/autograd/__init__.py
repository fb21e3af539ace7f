"""``torch.autograd``: gradients on demand, custom functions, anomaly mode, gradient checks."""

from ..core.modes import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from ..core.tensor import Tensor as Variable
from . import function as function, functional as functional, grad_mode as grad_mode, graph as graph
from .anomaly_mode import detect_anomaly as detect_anomaly, set_detect_anomaly as set_detect_anomaly
from .backward import backward as backward, grad as grad
from .function import Function as Function
from .gradcheck import (
    GradcheckError as GradcheckError,
    gradcheck as gradcheck,
    gradgradcheck as gradgradcheck,
)
