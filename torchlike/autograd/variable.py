"""``torch.autograd.variable``: from when a tensor that requires grad was another class."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor


class VariableMeta(type):
    """``isinstance(x, Variable)`` is true for every tensor."""

    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, Tensor)


class Variable(metaclass=VariableMeta):
    """``Variable(tensor, requires_grad)`` is the tensor itself, or another reference to it."""

    def __new__(
        cls, data: Any = None, requires_grad: bool | None = None, volatile: Any = None
    ) -> Any:
        from ..core.build import tensor

        found = tensor([]) if data is None else data.detach()
        return found.requires_grad_(bool(requires_grad))
