"""Every op of PyTorch's ``torch`` namespace."""

from ..core.bind import SPACES

globals().update(SPACES["torch"])
