"""``torch._dynamo.exc``."""

from ..compiler.state import InvalidBackend as InvalidBackend
from ..core.errors import Unsupported as Unsupported


class TorchDynamoException(RuntimeError):
    """Base of Dynamo's own errors."""
