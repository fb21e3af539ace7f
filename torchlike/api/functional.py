"""Every op of PyTorch's ``torch.nn.functional`` namespace."""

from ..core.bind import SPACES

globals().update(SPACES["functional"])
