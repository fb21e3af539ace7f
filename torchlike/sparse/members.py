"""The members of Tensor that are about sparse tensors, and those that a sparse tensor has of its own."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.constants import layout
from ..core.dispatch import invoke
from ..core.dtypes import TYPE_NAMES, dtype as DType
from ..core.modes import no_grad
from ..core.moving import _parse_to
from ..core.tensor import Tensor
from ..core.write import check_writable
from . import convert, inplace, masking, sampled
from .coalesce import coalesced
from .layouts import COMPRESSED, layout_name, no_kernel
from .repr import sparse_text
from .tape import fitted, taped, with_values
from .tensor import SparseTensor, like, shared

# --- indices and values ------------------------------------------------------------------------------


def _coo_only(self: Tensor, name: str) -> SparseTensor:
    if not isinstance(self, SparseTensor) or not self.is_sparse:
        raise RuntimeError(
            f"{name} expected sparse coordinate tensor layout but got {layout_name(self)}"
        )
    return self


def coalesce(self: Tensor) -> Tensor:
    """Sorted by index, each index once: values of the same index are added."""
    return coalesced(_coo_only(self, "coalesce"))


def is_coalesced(self: Tensor) -> builtins.bool:
    return _coo_only(self, "is_coalesced")._pattern.coalesced


def _coalesced_(self: Tensor, coalesced: builtins.bool) -> Tensor:
    """Declares the indices to be sorted and without repetition, or not."""
    s = _coo_only(self, "_coalesced_")
    pattern = type(s._pattern)(s.layout, s._pattern.parts, s._pattern.size, coalesced=coalesced)
    pattern.coalesced = coalesced
    return s._take(SparseTensor(pattern, s._numbers))


def indices(self: Tensor) -> Tensor:
    """Of a coalesced COO tensor.  ``-> (sparse dims, nnz)``"""
    s = _coo_only(self, "indices")
    if not s._pattern.coalesced:
        raise RuntimeError(
            "Cannot get indices on an uncoalesced tensor, please call .coalesce() first"
        )
    return shared(s._pattern.parts[0])


def values(self: Tensor) -> Tensor:
    """The specified elements.  ``-> (nnz, *dense dims)``, with batch dims before and a block's after nnz"""
    if not isinstance(self, SparseTensor):
        raise RuntimeError(f"values expected sparse tensor layout but got {layout_name(self)}")
    if self.is_sparse and not self._pattern.coalesced:
        raise RuntimeError(
            "Cannot get values on an uncoalesced tensor, please call .coalesce() first"
        )
    return taped("ValuesBackward0", shared(self._numbers), (self, lambda g: with_values(self, g)))


def _indices(self: Tensor) -> Tensor:
    """``indices`` of any COO tensor."""
    return shared(_kernel_of_coo(self, "_indices")._pattern.parts[0])


def _values(self: Tensor) -> Tensor:
    """``values`` of any COO tensor, outside the graph."""
    return shared(_kernel_of_coo(self, "_values")._numbers)


def _kernel_of_coo(self: Tensor, name: str) -> SparseTensor:
    if not isinstance(self, SparseTensor) or not self.is_sparse:
        raise no_kernel(name, self)
    return self


def _nnz(self: Tensor) -> int:
    raise no_kernel("_nnz", self)


def sparse_dim(self: Tensor) -> int:
    """How many dims have indices: none of a dense tensor's."""
    return 0


def dense_dim(self: Tensor) -> int:
    return self.dim()


def _compressed_part(name: str, by_rows: builtins.bool, at: int) -> Any:
    def part(self: Tensor) -> Tensor:
        kind = COMPRESSED.get(self.layout)
        if kind is None or kind.by_rows is not by_rows or not isinstance(self, SparseTensor):
            along = "row" if by_rows else "column"
            raise RuntimeError(
                f"{name} expected sparse {along} compressed tensor layout but got {layout_name(self)}"
            )
        return shared(self._pattern.parts[at])

    part.__name__ = part.__qualname__ = name
    part.__doc__ = "Index tensor of a compressed layout."
    return part


crow_indices = _compressed_part("crow_indices", True, 0)
col_indices = _compressed_part("col_indices", True, 1)
ccol_indices = _compressed_part("ccol_indices", False, 0)
row_indices = _compressed_part("row_indices", False, 1)


# --- what a sparse tensor has of its own ----------------------------------------------------------------


def item(self: SparseTensor) -> Any:
    """The one element as a Python number."""
    if self.numel() != 1:
        raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar")
    if not self.is_sparse:
        raise no_kernel("_local_scalar_dense", self)
    return convert.to_dense(self.detach()).item()  # type: ignore[attr-defined]


def __bool__(self: SparseTensor) -> builtins.bool:
    if self.numel() != 1:
        count = "no values" if self.numel() == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {count} is ambiguous")
    return builtins.bool(item(self))


def _number(self: SparseTensor) -> Any:
    if self.numel() != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return item(self)


def __float__(self: SparseTensor) -> builtins.float:
    return builtins.float(_number(self))


def __int__(self: SparseTensor) -> builtins.int:
    return builtins.int(_number(self))


def __complex__(self: SparseTensor) -> complex:
    return complex(_number(self))


def __len__(self: SparseTensor) -> builtins.int:
    shape = self.shape
    if not shape:
        raise TypeError("len() of a 0-d tensor")
    return shape[0]


def __iter__(self: SparseTensor) -> Iterator[Tensor]:
    if not self.shape:
        raise TypeError("iteration over a 0-d tensor")
    return iter(invoke("unbind", self, 0))


def __contains__(self: SparseTensor, element: Any) -> builtins.bool:
    raise no_kernel("eq.Tensor" if isinstance(element, Tensor) else "eq.Scalar", self)


def __repr__(self: SparseTensor, *, tensor_contents: Any = None) -> str:
    text = sparse_text(self)
    return f"Parameter containing:\n{text}" if self._is_param else text


def __format__(self: SparseTensor, spec: str) -> str:
    return object.__format__(self, spec)


def __getitem__(self: SparseTensor, index: Any) -> Tensor:
    """Integers only, as PyTorch has it: each takes the first dim away."""
    found: Tensor = self
    for i in index if isinstance(index, tuple) else (index,):
        if isinstance(i, builtins.bool) or not hasattr(i, "__index__") or isinstance(i, Tensor):
            if isinstance(i, slice) and not self.is_sparse:
                raise RuntimeError(
                    f"Sparse {COMPRESSED[self.layout].name} tensors do not have strides"
                )
            raise no_kernel("as_strided" if isinstance(i, slice) else "index.Tensor", self)
        found = invoke("select", found, 0, int(i))
    return found


def __setitem__(self: SparseTensor, index: Any, value: Any) -> None:
    raise TypeError("Cannot assign to a sparse tensor")


def numpy(self: SparseTensor, *, force: builtins.bool = False) -> np.ndarray:
    raise TypeError(
        f"can't convert {layout_name(self)} layout tensor to numpy. Use Tensor.to_dense() first."
    )


def __array__(self: SparseTensor, dtype: Any = None, copy: Any = None) -> np.ndarray:
    return numpy(self)


def __dlpack__(self: SparseTensor, **kwargs: Any) -> Any:
    raise BufferError("Can't export tensors with layout other than torch.strided")


def tolist(self: SparseTensor) -> Any:
    raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")


def data_ptr(self: SparseTensor) -> int:
    raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")


def storage(self: SparseTensor) -> Any:
    kind = "SparseTensorImpl" if self.is_sparse else "SparseCsrTensorImpl"
    raise NotImplementedError(f"Cannot access storage of {kind}")


untyped_storage = is_shared = share_memory_ = storage


def stride(self: SparseTensor, dim: int | None = None) -> Any:
    if not self.is_sparse:
        raise _without(self, "strides")
    return (0,) * self.dim() if dim is None else 0


def storage_offset(self: SparseTensor) -> int:
    return 0


def is_contiguous(self: SparseTensor, memory_format: Any = None) -> builtins.bool:
    if not self.is_sparse:
        raise _without(self, "is_contiguous")
    return False


def contiguous(self: SparseTensor, memory_format: Any = None) -> Tensor:
    if not self.is_sparse:
        raise _without(self, "is_contiguous")
    raise RuntimeError("unsupported memory format option Contiguous")


def _without(self: SparseTensor, what: str) -> RuntimeError:
    return RuntimeError(f"Sparse {COMPRESSED[self.layout].name} tensors do not have {what}")


# --- copies, casts, devices ---------------------------------------------------------------------------


def to(self: SparseTensor, *args: Any, **kwargs: Any) -> Tensor:
    """Another dtype or device."""
    asked = kwargs.get("memory_format")
    if asked is not None and asked._name != "preserve_format" and _changes(self, args, kwargs):
        name = "COO" if self.is_sparse else COMPRESSED[self.layout].name.capitalize()
        raise RuntimeError(
            f"to(options): {name} only supports memory format Preserve, but got "
            f"{asked._name.removesuffix('_format').title().replace('_', '')} instead."
        )
    of, on, copy = _parse_to(args, dict(kwargs))
    return moved(self, of, on, copy)


def _changes(self: SparseTensor, args: Any, kwargs: Any) -> builtins.bool:
    of, on, copy = _parse_to(args, dict(kwargs))
    return copy or of not in (None, self.dtype) or on not in (None, self.device)


def moved(self: SparseTensor, of: DType | None, on: Any, copy: builtins.bool = False) -> Tensor:
    """With values of another dtype, and everything on another device."""
    of, on = of or self.dtype, on or self.device
    if not copy and of is self.dtype and on is self.device:
        return self
    pattern = self._pattern
    with no_grad():
        numbers = self._numbers.to(device=on, dtype=of, copy=True)  # type: ignore[attr-defined]
        if on is not self.device:
            parts = tuple([t.to(on) for t in pattern.parts])  # type: ignore[attr-defined]
            pattern = type(pattern)(
                self.layout, parts, pattern.size, pattern.block, pattern.coalesced
            )
        made = SparseTensor(pattern, numbers)
    return taped("ToCopyBackward0", made, (self, lambda g: fitted(g.to(self.device), self)))  # type: ignore[attr-defined]


def clone(input: SparseTensor, *, memory_format: Any = None) -> Tensor:
    """A copy."""
    with no_grad():
        made = like(input, input._numbers.clone())  # type: ignore[attr-defined]
    return taped("CloneBackward0", made, (input, lambda g: g))


def to_dtype(input: SparseTensor, dtype: DType) -> Tensor:
    return moved(input, dtype, None)


def cpu(self: SparseTensor, memory_format: Any = None) -> Tensor:
    return to(self, "cpu")


def cuda(
    self: SparseTensor,
    device: Any = None,
    non_blocking: builtins.bool = False,
    memory_format: Any = None,
) -> Tensor:
    return to(self, "cuda" if device is None else device)


def _caster(of: DType) -> Any:
    def cast(self: SparseTensor, memory_format: Any = None) -> Tensor:
        return to(self, of, **({} if memory_format is None else {"memory_format": memory_format}))

    cast.__doc__ = f"Cast to ``torch.{of.name}``."
    return cast


def type_(self: SparseTensor, dtype: Any = None, non_blocking: builtins.bool = False) -> Any:
    """The type's name, or a cast."""
    place = "" if self.device.type == "cpu" else f"{self.device.type}."
    if dtype is None:
        if not self.is_sparse:
            raise RuntimeError(f"Unimplemented backend SparseCsr{self.device.type.upper()}")
        return f"torch.{place}sparse.{TYPE_NAMES[self.dtype.name]}Tensor"
    if isinstance(dtype, str):
        short = dtype.rpartition(".")[2].removesuffix("Tensor")
        dtype = next(d for d in dtypes.DTYPES if TYPE_NAMES[d.name] == short)
    return moved(self, dtype, None)


def copy_(self: SparseTensor, src: Any, non_blocking: builtins.bool = False) -> Tensor:
    """Takes over ``src``'s elements, in this tensor's dtype."""
    check_writable(self)
    if not isinstance(src, SparseTensor) and self.is_sparse:
        raise _mixed_copy(self, src)
    if self.layout is not src.layout:
        raise RuntimeError(
            "torch.copy_: copy of sparse compressed tensors having different layouts is not supported. "
            f"self layout is {layout_name(self)} and src layout is {layout_name(src)}"
        )
    new = moved(src, self.dtype, self.device, copy=True)
    return inplace.became(self, new)  # type: ignore[arg-type]


def _mixed_copy(self: Tensor, src: Tensor) -> RuntimeError:
    return RuntimeError(
        "copy_() between dense and sparse Tensors is not implemented! Found self type = "
        f"{self.type()} and src type = {src.type()}"  # type: ignore[attr-defined]
    )


def __deepcopy__(self: SparseTensor, memo: dict[int, Any]) -> Tensor:
    import copy

    if id(self) in memo:
        return memo[id(self)]
    if self._edge is not None:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at "
            "the moment.  If you were attempting to deepcopy a module, this may be because of a torch.nn."
            "utils.weight_norm usage, see https://github.com/pytorch/pytorch/pull/103001"
        )
    with no_grad():
        new = memo[id(self)] = invoke("clone", self)
    new._rg, new._is_param = self._rg, self._is_param
    if self._grad is not None:
        new._grad = copy.deepcopy(self._grad, memo)
    return new


def __copy__(self: SparseTensor) -> Tensor:
    return self.detach()


def _rebuild_sparse_tensor(layout: layout, data: tuple[Any, ...]) -> Tensor:
    """What PyTorch's files name to make a sparse tensor of its parts."""
    from .create import sparse_compressed_tensor, sparse_coo_tensor

    if layout._name == "sparse_coo":
        is_coalesced = data[3] if len(data) == 4 else None
        return sparse_coo_tensor(
            *data[:3], check_invariants=False, is_coalesced=is_coalesced or None
        )
    return sparse_compressed_tensor(*data, layout=layout, check_invariants=False)


def parts_to_save(self: SparseTensor) -> tuple[Any, tuple[Any, ...]]:
    """``(layout, (indices…, values, size[, is_coalesced]))``"""
    parts = (*self._pattern.parts, self._numbers, self.shape)
    return self.layout, (*parts, self._pattern.coalesced) if self.is_sparse else parts


def __reduce_ex__(self: SparseTensor, protocol: Any) -> Any:
    return _rebuild_sparse_tensor, parts_to_save(self)


# --- sizes of compressed tensors, and what has no sparse form ----------------------------------------------


def resize_(self: SparseTensor, *size: Any, memory_format: Any = None) -> Tensor:
    """A compressed tensor with more rows or columns, which have no elements.

    Raises:
        NotImplementedError: it is COO; see ``sparse_resize_``.
    """
    is_one = len(size) == 1 and not isinstance(size[0], builtins.int)
    shape: Any = size[0] if is_one else size
    pattern = self._pattern
    if self.is_sparse:
        raise no_kernel("resize_", self)
    grows = (
        len(shape) == self.dim() == 2 and shape[0] >= self.shape[0] and shape[1] >= self.shape[1]
    )
    if not grows or pattern.blocked:
        raise RuntimeError(
            f"resize_: a {layout_name(self)} matrix can only grow (from {list(self.shape)}, asked for {list(shape)})"
        )
    check_writable(self)
    by_rows = COMPRESSED[self.layout].by_rows
    new = (shape[0] - self.shape[0]) if by_rows else (shape[1] - self.shape[1])
    ends, others = pattern.parts
    with no_grad():
        ends = invoke("cat", [ends, ends[-1:].expand(new)], 0)  # type: ignore[index]
    return self._take(
        SparseTensor(type(pattern)(self.layout, (ends, others), shape), self._numbers)
    )


def resize_as_(self: SparseTensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """The size of another sparse tensor."""
    if self.is_sparse and not isinstance(the_template, SparseTensor):
        raise no_kernel("resize_", self)
    return inplace.resize_as_sparse_(self, the_template)


def new_empty_strided(self: SparseTensor, *args: Any, **kwargs: Any) -> Tensor:
    raise no_kernel("new_empty_strided", self)


def dim_order(self: SparseTensor, **kwargs: Any) -> Any:
    if not self.is_sparse:
        raise _without(self, "strides")
    raise AttributeError(
        f"Can't get dim order on sparse type: {type_(self)} Use Tensor.to_dense() to convert to a dense "
        "tensor first."
    )


# --- installation -------------------------------------------------------------------------------------

_ON_EVERY_TENSOR = (
    coalesce, is_coalesced, _coalesced_, indices, values, _indices, _values, crow_indices, col_indices,
    ccol_indices, row_indices, convert.to_dense, convert.to_sparse, convert.to_sparse_coo,
    convert.to_sparse_csr, convert.to_sparse_csc, convert.to_sparse_bsr, convert.to_sparse_bsc,
    masking.sparse_mask, inplace.sparse_resize_, inplace.sparse_resize_and_clear_, inplace.resize_as_sparse_,
    sampled.smm, sampled.sspaddmm,
)  # fmt: skip
_OF_DENSE_TENSORS = (_nnz, sparse_dim, dense_dim)
_OF_SPARSE_TENSORS = (
    item, __bool__, __float__, __int__, __complex__, __len__, __iter__, __contains__, __repr__, __format__,
    __getitem__, __setitem__, numpy, __array__, __dlpack__, tolist, data_ptr, storage_offset, stride,
    is_contiguous, contiguous, resize_, resize_as_, new_empty_strided, dim_order, to, cpu, cuda, copy_,
    __deepcopy__, __copy__, __reduce_ex__,
)  # fmt: skip


def install() -> None:
    """Puts these members on Tensor and SparseTensor. Called once."""
    for member in (*_ON_EVERY_TENSOR, *_OF_DENSE_TENSORS):
        setattr(Tensor, member.__name__, member)
    for member in _OF_SPARSE_TENSORS:
        setattr(SparseTensor, member.__name__, member)
    SparseTensor.type = type_  # type: ignore[attr-defined]
    for name in ("storage", "untyped_storage", "is_shared", "share_memory_"):
        setattr(SparseTensor, name, storage)
    casts = {
        "bool": dtypes.bool_,
        "bfloat16": dtypes.bfloat16,
        "byte": dtypes.uint8,
        "char": dtypes.int8,
    }
    for name, of in (casts | dtypes.ALIASES).items():
        setattr(SparseTensor, name, _caster(of))
