"""``torch.storage``: the memory behind tensors, as far as programs look at it."""

from .core.storages import TypedStorage as TypedStorage, UntypedStorage as UntypedStorage
