"""Every op of PyTorch's ``torch.linalg`` namespace, and its error."""

from ..core.bind import SPACES
from ..core.errors import LinAlgError as LinAlgError

globals().update(SPACES["linalg"])
