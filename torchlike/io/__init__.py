"""``torch.save``, ``torch.load``, and the storages they write."""

from .serialization import load, save
from .storage import TypedStorage, UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage", "load", "save"]
