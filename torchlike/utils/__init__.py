"""``torch.utils``."""

from . import (
    checkpoint as checkpoint,
    data as data,
    dlpack as dlpack,
    hooks as hooks,
    weak as weak,
)
from .swapping import set_module as set_module, swap_tensors as swap_tensors
