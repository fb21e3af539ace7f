"""Every op of PyTorch's ``torch.fft`` namespace."""

from ..core.bind import SPACES
from ..core.tensor import Tensor as Tensor

globals().update(SPACES["fft"])
