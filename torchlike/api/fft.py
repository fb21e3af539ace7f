"""Every op of PyTorch's ``torch.fft`` namespace."""

from ..core.bind import SPACES

globals().update(SPACES["fft"])
