"""How sparse operations are differentiated.

A formula per operand, written with the public functions: they are recorded in turn when the
gradient itself is to be differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core.dispatch import OpNode
from ..core.modes import modes
from ..core.tape import Node, node_type
from ..core.tensor import Tensor
from .tensor import SparseTensor, like

Formula = Callable[[Tensor], Tensor]

_FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after "
    "they have already been freed). Saved intermediate values of the graph are freed when you call "
    ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the "
    "graph a second time or if you need to access saved tensors after calling backward."
)


class SparseNode(Node):
    """One formula per operand."""

    __slots__ = ("formulas",)
    formulas: list[Formula] | None

    def apply(self, grads: list[Any], create_graph: bool) -> Sequence[Any]:
        if self.formulas is None:
            raise RuntimeError(_FREED)
        pairs = zip(self.edges, self.formulas, strict=True)
        return [None if edge is None else formula(grads[0]) for edge, formula in pairs]

    def release(self) -> None:
        self.formulas = None


def taped(name: str, result: Any, *operands: tuple[Any, Formula]) -> Any:
    """``result``, remembering how the gradients of its operands follow from its own.

    An operand that is no tensor, or None, has none.
    """
    if not modes.grad or not result._aval.inexact:
        return result
    edges = [x._grad_edge_or_none() if isinstance(x, Tensor) else None for x, _ in operands]
    if all(e is None for e in edges):
        return result
    node = node_type(SparseNode, name)(name, edges, (result._aval,))
    node.formulas = [formula for _, formula in operands]
    result._edge, result._rg = (node, 0), True
    return result


def values_of(s: SparseTensor) -> Tensor:
    """The values as a tensor that dense operations record on; gradients take ``s``'s pattern."""
    values = s._numbers.detach()
    return taped("ValuesBackward0", values, (s, lambda g: with_values(s, g)))


def with_values(s: SparseTensor, values: Tensor) -> SparseTensor:
    """``s``'s pattern with values that may have a history."""
    return remembered("ValuesBackward0", like(s, values), values)


def remembered(name: str, s: SparseTensor, values: Tensor) -> SparseTensor:
    """``s``, which holds ``values``: its gradient at its own elements goes to them."""
    s._numbers = values.detach()
    return taped(name, s, (values, lambda g: at_elements(g, s)))


def at_elements(g: Tensor, s: SparseTensor) -> Tensor:
    """The numbers of a gradient at the elements that ``s`` specifies, shaped like its values."""
    if isinstance(g, SparseTensor) and g._pattern is s._pattern:
        return values_of(g)
    from .masking import values_at

    return values_at(g, s._pattern)


def renamed(name: str, t: Any) -> Any:
    """A result whose node shall have PyTorch's name for all that was done."""
    if t._edge is not None:
        node = t._edge[0]
        node.__class__ = node_type(OpNode if isinstance(node, OpNode) else SparseNode, name)
        if isinstance(node, SparseNode):
            node.label = name
    return t


def fitted(g: Tensor, operand: Tensor) -> Tensor:
    """A gradient in the operand's dtype: real for a real one."""
    if g.dtype is operand.dtype:
        return g
    if g.dtype.is_complex and not operand.dtype.is_complex:
        g = g.real
    return g.to(operand.dtype)  # type: ignore[attr-defined]


def underived(name: str) -> Formula:
    """The formula of what PyTorch does not differentiate."""

    def formula(g: Tensor) -> Tensor:
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

    return formula


def dense(t: Any) -> Any:
    """A gradient as a dense tensor."""
    return t.to_dense() if isinstance(t, SparseTensor) else t  # type: ignore[attr-defined]
