"""Every op of PyTorch's ``torch.special`` namespace."""

from ..core.bind import SPACES

globals().update(SPACES["special"])
