"""In-place operations of sparse tensors: the elements themselves change, or are replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.constants import sparse_coo
from ..core.dispatch import BOUND, invoke
from ..core.dtypes import TYPE_NAMES
from ..core.modes import modes, no_grad
from ..core.promote import can_cast
from ..core.registry import OpDef
from ..core.tensor import Tensor
from ..core.write import check_writable, rebind
from . import unary
from .create import empty_compressed, empty_coo, factory
from .layouts import layout_name, no_kernel
from .tensor import SparseTensor, coo, like


def became(self: SparseTensor, new: SparseTensor) -> SparseTensor:
    """``self`` with ``new``'s elements and history."""
    edge, rg = new._edge, new._rg
    self._take(new)
    if modes.grad and (self._rg or rg):
        self._edge, self._rg = edge, rg
        self._edge_version += 1
    return self


def call(op: OpDef, self: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """``self.op_(*args)``, where dense code could not do it."""
    key = op.fn.__name__
    if not isinstance(self, SparseTensor):
        return _of_dense(op, self, args, kwargs)
    if key in _OWN:
        check_writable(self)
        return _OWN[key](self, *args, **kwargs)
    elementwise = unary.EVERYWHERE + (unary.OF_COO if self.is_sparse else unary.OF_COMPRESSED)
    if key in elementwise and key != "square":
        return inplace_of_values(key, self, *args, **kwargs)
    from .table import refused

    raise refused(op, self, in_place=True)


def _of_dense(op: OpDef, self: Tensor, args: Any, kwargs: Any) -> Tensor:
    """A dense tensor times a sparse one stays dense; what else would not, is refused."""
    new = BOUND[op.fn.__name__](self, *args, **kwargs)
    if op.fn.__name__ != "mul" or not new.is_sparse:
        raise RuntimeError("Expected result Tensor to be of format CSR")
    from ..core.write import write

    check_writable(self)
    write(self, invoke("to_dtype", new.to_dense(), self.dtype))
    return self


def inplace_of_values(key: str, self: SparseTensor, *args: Any, **kwargs: Any) -> SparseTensor:
    """A function of the values, written over them."""
    check_writable(self)
    if key == "abs" and self.dtype.is_complex:
        raise RuntimeError("In-place abs is not supported for complex tensors.")
    if key == "conj_physical" and self.is_sparse and self.dtype.is_complex:
        raise RuntimeError(f"unsupported tensor layout: {layout_name(self)}")
    if self.is_sparse and not self._pattern.coalesced and key not in ("neg", "conj_physical"):
        raise RuntimeError(f"{key}_ requires coalesced input")
    new = unary.of_values(key, self, *args, **kwargs)
    _check_result(new, self)
    if modes.grad and (self._rg or new._rg):
        return became(self, new)
    rebind(self._numbers, new._numbers)
    return self._take(like(self, self._numbers))


def _check_result(new: Tensor, self: Tensor) -> None:
    if new.dtype is not self.dtype and not can_cast(new.dtype, self.dtype):
        raise RuntimeError(
            f"result type {TYPE_NAMES[new.dtype.name]} can't be cast to the desired output type "
            f"{TYPE_NAMES[self.dtype.name]}"
        )


def _binary(key: str, name: str) -> Callable[..., Tensor]:
    def apply(self: SparseTensor, other: Any, **options: Any) -> Tensor:
        if not self.is_sparse and name == "add" and not isinstance(other, SparseTensor):
            raise RuntimeError("Sparse CSR tensors do not have is_contiguous")
        new = BOUND[key](self, other, **options)
        if new.dtype is not self.dtype and not can_cast(new.dtype, self.dtype):
            mine, theirs = TYPE_NAMES[self.dtype.name], TYPE_NAMES[new.dtype.name]
            if name in ("add", "mul") and isinstance(other, Tensor):
                raise RuntimeError(
                    f"Can't convert result type {theirs} to output {mine} in {name} operation"
                )
            if name == "mul":
                raise RuntimeError(
                    f"dtype of values ({theirs}) must match dtype of sparse tensor ({mine})"
                )
            _check_result(new, self)
        new = new.to(self.dtype)
        if (
            name == "mul"
            and new.is_sparse
            and not (isinstance(other, SparseTensor) and other.dim())
        ):
            pattern = type(new._pattern)(sparse_coo, new._pattern.parts, new._pattern.size)
            new._pattern = pattern  # PyTorch forgets here that it was coalesced
        return became(self, new)

    return apply


def _transpose(self: SparseTensor, dim0: int, dim1: int) -> Tensor:
    if not self.is_sparse:
        raise RuntimeError(
            f"torch.transpose_: in-place transposition is not supported for {layout_name(self)} layout"
        )
    return became(self, invoke("transpose", self, dim0, dim1))  # type: ignore[arg-type]


def _t(self: SparseTensor) -> Tensor:
    return _transpose(self, 0, 1) if self.dim() == 2 else self


def _zero(self: SparseTensor) -> Tensor:
    with no_grad():
        if self.is_sparse:
            new = empty_coo(self.shape, self.sparse_dim(), self.dtype, self.device)
        elif self._pattern.blocked:
            new = empty_compressed(
                self.shape, self.layout, self.dtype, self.device, self._pattern.block
            )
        else:
            new = factory("zeros", self.shape, self.layout, self.dtype, self.device)
    return became(self, new)


def filled(input: SparseTensor, value: Any) -> SparseTensor:
    """A compressed tensor's elements, all of them ``value``."""
    with no_grad():
        return like(input, invoke("full_like", input._numbers, value))


def _fill(self: SparseTensor, value: Any) -> Tensor:
    if self.is_sparse or isinstance(value, Tensor):
        raise no_kernel("fill_.Tensor" if isinstance(value, Tensor) else "fill_.Scalar", self)
    return became(self, filled(self, value))


def normal_(
    input: SparseTensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None
) -> Tensor:
    """Normal random numbers for all specified elements of a compressed tensor."""
    check_writable(input)
    with no_grad():
        new = like(input, input._numbers.clone().normal_(mean, std, generator=generator))  # type: ignore[attr-defined]
    return became(input, new)


def _copy(self: SparseTensor, source: Tensor) -> Tensor:
    return self.copy_(source)  # type: ignore[attr-defined]


_OWN: dict[str, Callable[..., Tensor]] = {
    "add": _binary("add", "add"),
    "sub": _binary("sub", "add"),
    "mul": _binary("mul", "mul"),
    "div": _binary("div", "div"),
    "true_divide": _binary("div", "div"),
    "floor_divide": _binary("floor_divide", "div"),
    "transpose": _transpose,
    "swapaxes": _transpose,
    "t": _t,
    "zero": _zero,
    "fill": _fill,
    "copy": _copy,
}


# --- sizes ---------------------------------------------------------------------------------------------


def sparse_resize_(self: Tensor, size: Any, sparse_dim: int, dense_dim: int) -> Tensor:
    """Another size, and other numbers of dims with and without indices.

    Raises:
        RuntimeError: there are elements, and a dim gets shorter or changes its kind.
    """
    s = _resizable(self, "sparse_resize_", size, sparse_dim, dense_dim)
    if s._nnz():
        for what, before, after in (
            ("sparse", s.sparse_dim(), sparse_dim),
            ("dense", s.dense_dim(), dense_dim),
        ):
            if before != after:
                raise RuntimeError(
                    f"changing the number of {what} dimensions (from {before} to {after}) on a non-empty sparse "
                    "tensor is not supported."
                )
        old, new = tuple(s.shape), tuple(size)
        for what, part in (("sparse", slice(sparse_dim)), ("dense", slice(sparse_dim, None))):
            if any(b < a for a, b in zip(old[part], new[part], strict=True)):
                raise RuntimeError(
                    f"shrinking the size of {what} dimensions (from {list(old[part])} to {list(new[part])}) on a "
                    "non-empty sparse tensor is not supported."
                )
    with no_grad():
        return s._take(_grown(s, tuple(size), sparse_dim))


def _grown(s: SparseTensor, size: tuple[int, ...], sparse_dim: int) -> SparseTensor:
    if not s._nnz():
        return empty_coo(size, sparse_dim, s.dtype, s.device)
    values, rest = s._numbers, size[sparse_dim:]
    pad = [x for n, m in zip(rest[::-1], values.shape[:0:-1], strict=True) for x in (0, n - m)]
    if any(pad):
        values = invoke("constant_pad_nd", values, pad, 0)
    return coo(s._pattern.parts[0], values, size, s._pattern.coalesced)


def sparse_resize_and_clear_(self: Tensor, size: Any, sparse_dim: int, dense_dim: int) -> Tensor:
    """``sparse_resize_`` after dropping all elements."""
    s = _resizable(self, "sparse_resize_and_clear_", size, sparse_dim, dense_dim)
    with no_grad():
        return s._take(empty_coo(tuple(size), sparse_dim, s.dtype, s.device))


def _resizable(self: Tensor, name: str, size: Any, sparse_dim: int, dense_dim: int) -> SparseTensor:
    if not isinstance(self, SparseTensor) or not self.is_sparse:
        raise no_kernel(name, self)
    check_writable(self)
    if len(size) != sparse_dim + dense_dim:
        raise RuntimeError(
            f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = "
            f"{sparse_dim}, dense_dim = {dense_dim}"
        )
    return self


def resize_as_sparse_(self: Tensor, the_template: Tensor) -> Tensor:
    """The size of another sparse tensor, and for a compressed one its indices, too."""
    if isinstance(self, SparseTensor) and not self.is_sparse:
        check_writable(self)
        if self.shape == the_template.shape:
            return self
        raise no_kernel("resize_as_sparse_", self)
    return sparse_resize_(
        self,
        the_template.shape,
        the_template.sparse_dim(),
        the_template.dense_dim(),  # type: ignore[attr-defined]
    )
