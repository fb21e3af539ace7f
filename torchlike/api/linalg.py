"""Every op of PyTorch's ``torch.linalg`` namespace."""

from ..core.bind import SPACES

globals().update(SPACES["linalg"])
