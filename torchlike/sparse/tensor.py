"""``SparseTensor``: a Tensor whose contents are a pattern of indices and a dense tensor of values.

Everything that autograd and the optimizers ask of a tensor is inherited. Dense code that asks for
contents gets a ``SparseOperand`` and the call goes to ``table``.
"""

from __future__ import annotations

import math
from typing import Any

from ..core.constants import layout, sparse_coo, sparse_csr
from ..core.device import device
from ..core.dtypes import dtype
from ..core.errors import SparseOperand, dim_out_of_range
from ..core.modes import modes
from ..core.overrides import _disabled_torch_function_impl
from ..core.shapes import Size
from ..core.tensor import Storage, Tensor, alias
from ..core.value import Aval, Value
from .pattern import Pattern


class SparseStorage(Storage):
    """Counts writes like any storage; who asks it for contents is dense code."""

    __slots__ = ()

    def __init__(self) -> None:
        self.epoch = self.version = 0
        self.writer = None
        self.host = None

    @property
    def value(self) -> Value:  # type: ignore[override]
        raise SparseOperand("a sparse tensor is not dense\nhint: x.to_dense() is")

    @value.setter
    def value(self, new: Value) -> None:
        raise SparseOperand("a sparse tensor cannot take dense contents\nhint: x.to_sparse() can")


class SparseTensor(Tensor):
    """See the module's docstring. ``values``: ``(nnz, *dense dims)`` for COO; a compressed layout has
    batch dims before ``nnz`` and a block's two dims after it."""

    _is_dense = False
    _pattern: Pattern
    _numbers: Tensor
    __torch_function__ = _disabled_torch_function_impl

    def __new__(cls, pattern: Pattern, values: Tensor) -> SparseTensor:
        self = object.__new__(cls)
        self._storage = SparseStorage()
        self._pattern = pattern
        self._numbers = values
        if modes.inference:
            self._inference = True
        if modes.capture is not None:
            modes.capture.looked()  # what is done next depends on the numbers of the indices
        return self

    def __init__(self, *args: Any) -> None:
        """Everything is done by ``__new__``."""

    @property
    def _aval(self) -> Aval:
        return self._numbers._aval.but(shape=self._pattern.size + self._dense_shape)

    @property
    def _dense_shape(self) -> tuple[int, ...]:
        return tuple(self._numbers.shape)[self._pattern.leading :]

    @property
    def _rows(self) -> Tensor:
        """The values, an element (of a block, too) a row.  ``-> (elements, *dense dims)``"""
        values, lead = self._numbers, self._pattern.leading
        if lead == 1:
            return values
        shape = tuple(values.shape)
        return values.reshape(math.prod(shape[:lead]), *shape[lead:])  # type: ignore[attr-defined]

    @property
    def layout(self) -> layout:  # type: ignore[override]
        return self._pattern.layout

    @property
    def is_sparse(self) -> bool:
        return self._pattern.layout is sparse_coo

    @property
    def is_sparse_csr(self) -> bool:
        return self._pattern.layout is sparse_csr

    @property
    def shape(self) -> Size:
        return Size(self._aval.shape)

    @property
    def dtype(self) -> dtype:
        return self._numbers.dtype

    @property
    def device(self) -> device:
        return self._numbers.device

    @property
    def ndim(self) -> int:
        return self._aval.ndim

    def dim(self) -> int:
        return self._aval.ndim

    ndimension = dim

    def numel(self) -> int:
        return self._aval.numel

    nelement = numel

    def size(self, dim: int | None = None) -> Any:
        shape = self._aval.shape
        if dim is None:
            return Size(shape)
        if not -len(shape) <= dim < len(shape):
            raise dim_out_of_range(dim, len(shape))
        return shape[dim]

    @property
    def nbytes(self) -> int:
        if self.is_sparse:
            raise RuntimeError(
                "nbytes is not defined for sparse tensors.  If you want the size of the constituent tensors, add the "
                "nbytes of the indices and values.  If you want the size of the  equivalent dense tensor, multiply "
                "numel() by element_size()"
            )
        return self.numel() * self.itemsize

    def _set_grad(self, value: Tensor | None) -> None:
        if value is not None and getattr(value, "layout", self.layout) is not self.layout:
            raise RuntimeError(
                "attempting to assign a gradient to a tensor that has data of a different type"
            )
        Tensor.grad.__set__(self, value)

    grad = property(Tensor.grad.fget, _set_grad, Tensor.grad.fdel)  # type: ignore[assignment]

    def sparse_dim(self) -> int:
        """How many dims have indices."""
        return len(self._pattern.size) - len(self._pattern.batch)

    def dense_dim(self) -> int:
        """How many dims each specified element has."""
        return len(self._dense_shape)

    def _nnz(self) -> int:
        """How many elements are specified (blocks, if the layout has them; of one matrix of a batch)."""
        return self._pattern.nnz

    def detach(self) -> SparseTensor:
        """The same pattern and values, outside the graph."""
        made = SparseTensor(self._pattern, self._numbers)
        made._storage = self._storage
        return made

    @property
    def data(self) -> SparseTensor:
        """The same, with writes that autograd does not see."""
        made = SparseTensor(self._pattern, self._numbers)
        made._quiet = True
        return made

    @data.setter
    def data(self, new: Tensor) -> None:
        if not isinstance(new, SparseTensor):
            raise RuntimeError(
                "Attempted to call `variable.set_data(tensor)`, but `variable` and `tensor` have "
                "incompatible tensor type."
            )
        self._pattern, self._numbers = new._pattern, new._numbers

    def _take(self, new: SparseTensor) -> SparseTensor:
        """Becomes ``new``, as an in-place operation does."""
        self._pattern, self._numbers = new._pattern, new._numbers
        self._storage.epoch += 1
        if not self._quiet:
            self._storage.version += 1
        return self


def coo(
    indices: Tensor, values: Tensor, size: tuple[int, ...], coalesced: bool = False
) -> SparseTensor:
    """``size`` is that of the whole tensor; nothing is checked."""
    pattern = Pattern(sparse_coo, (indices,), tuple(size)[: indices.shape[0]], coalesced=coalesced)
    return SparseTensor(pattern, values)


def like(s: SparseTensor, values: Tensor) -> SparseTensor:
    """The same pattern with other values."""
    return SparseTensor(s._pattern, values)


def shared(t: Tensor) -> Tensor:
    """A reference to the same contents, for those who may write to it."""
    if modes.capture is not None:
        modes.capture.looked()
    return alias(t, Tensor)
