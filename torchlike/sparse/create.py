"""Making sparse tensors of indices and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.build import tensor
from ..core.constants import layout, sparse_bsc, sparse_bsr, sparse_coo, sparse_csc, sparse_csr
from ..core.device import default_device
from ..core.dispatch import invoke
from ..core.dtypes import default_dtype, dtype as DType, int64
from ..core.modes import no_grad
from ..core.tensor import Tensor
from . import invariants
from .layouts import COMPRESSED, layout_name
from .pattern import Pattern, numbers
from .tape import at_elements, fitted, taped, underived
from .tensor import SparseTensor, coo, shared


def sparse_coo_tensor(
    indices: Any = None, values: Any = None, size: Sequence[int] | None = None, *,
    dtype: DType | None = None, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False, check_invariants: bool | None = None, is_coalesced: bool | None = None,
) -> Tensor:  # fmt: skip
    """Each column of ``indices`` says where a value is; all else is 0.

    ``(sparse dims, nnz) int, (nnz, *) -> size``; ``sparse_coo_tensor(size)`` has no elements.

    Raises:
        RuntimeError: indices, values and size do not fit each other.
    """
    if values is None:
        size = indices if size is None else size
        if size is None or isinstance(size, Tensor):
            raise _no_overload(size)
        made = empty_coo(tuple(size), len(size), dtype or default_dtype(), device)
        return made.requires_grad_(requires_grad)
    if isinstance(size, Tensor):
        raise TypeError(
            "sparse_coo_tensor() received an invalid combination of arguments - got (Tensor, Tensor, Tensor), "
            "but expected one of:"
        )
    if isinstance(indices, int) and isinstance(values, int):
        raise RuntimeError("indices must be sparse_dim x nnz, but got: []")
    given = _values(values, dtype, device)
    places = _indices(indices, int64, given)
    if places.dim() != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(places.shape)}")
    if given.dim() == 0:
        given = given.reshape(1)  # type: ignore[attr-defined]
    if places.shape[1] != given.shape[0]:
        raise RuntimeError(
            "indices and values must have same nnz, but got nnz from indices: "
            f"{places.shape[1]}, nnz from values: {given.shape[0]}"
        )
    shape = _coo_size(places, given) if size is None else tuple([int(n) for n in size])
    _check_coo(places, given, shape)
    if invariants.wanted(check_invariants):
        invariants.check_coo(places, shape, bool(is_coalesced))
    with no_grad():
        made = coo(shared(places), given.detach(), shape, bool(is_coalesced))
        if is_coalesced is False:
            made._pattern.coalesced = False
    name = "SparseCooTensorWithDimsAndTensorsBackward0"
    return _finished(made, name, given, values, requires_grad)


def _no_overload(size: Any) -> TypeError:
    if size is None:
        return TypeError(
            "sparse_coo_tensor() received an invalid combination of arguments - got (), but expected one of:"
        )
    return TypeError(
        "sparse_coo_tensor(): argument 'size' (position 1) must be tuple of ints, not Tensor"
    )


def _finished(
    made: SparseTensor, name: str, given: Tensor, values: Any, requires_grad: bool
) -> SparseTensor:
    made = taped(name, made, (given, lambda g: fitted(at_elements(g, made), given)))
    if requires_grad and not made._aval.inexact:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return made if made._edge is not None else made.requires_grad_(requires_grad)  # type: ignore[return-value]


def _values(values: Any, dtype: DType | None, device: Any) -> Tensor:
    if not isinstance(values, Tensor):
        return tensor(values, dtype=dtype, device=device)
    if not values._is_dense:
        raise RuntimeError(
            f"expected values to be a dense tensor, but got values of layout {layout_name(values)}"
        )
    return values.to(device=device, dtype=dtype)  # type: ignore[attr-defined]


def _indices(indices: Any, dtype: DType | None, values: Tensor) -> Tensor:
    if isinstance(indices, Tensor):
        return indices.detach().to(device=values.device, dtype=dtype)  # type: ignore[attr-defined]
    found = tensor(indices, dtype=None, device=values.device)
    return found.to(int64) if dtype is not None or not found.numel() else found  # type: ignore[attr-defined]


def _coo_size(indices: Tensor, values: Tensor) -> tuple[int, ...]:
    """The smallest size that holds all indices."""
    rows = numbers(indices)
    for dim, row in enumerate(rows):
        invariants.check_not_negative(row, dim)
    return (*[int(r.max()) + 1 if r.size else 0 for r in rows], *values.shape[1:])


def _check_coo(indices: Tensor, values: Tensor, size: tuple[int, ...]) -> None:
    sparse_dim, dense_dim = indices.shape[0], values.dim() - 1
    if any(n < 0 for n in size):
        raise RuntimeError("numel: integer multiplication overflow")
    if len(size) != sparse_dim + dense_dim:
        raise RuntimeError(
            f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {len(size)}, sparse_dim = "
            f"{sparse_dim}, dense_dim = {dense_dim}"
        )
    if tuple(values.shape[1:]) != size[sparse_dim:]:
        expected = [values.shape[0], *size[sparse_dim:]]
        raise RuntimeError(
            f"values has incorrect size, expected {expected}, got {list(values.shape)}"
        )


def empty_coo(size: Sequence[int], sparse_dim: int, of: DType, device: Any = None) -> SparseTensor:
    """A COO tensor without elements."""
    on = default_device() if device is None else device
    indices = invoke("zeros", (sparse_dim, 0), dtype=int64, device=on)
    values = invoke("zeros", (0, *size[sparse_dim:]), dtype=of, device=on)
    return coo(indices, values, tuple(size), True)


def empty_compressed(
    size: Sequence[int], of: layout, dtype: DType, device: Any = None, block: Sequence[int] = (1, 1)
) -> SparseTensor:
    """A compressed tensor without elements."""
    on = default_device() if device is None else device
    batch = tuple(size[:-2])
    lines = size[-2] // block[0] if COMPRESSED[of].by_rows else size[-1] // block[1]
    rest = tuple(block) if COMPRESSED[of].blocked else ()
    ends = invoke("zeros", (*batch, lines + 1), dtype=int64, device=on)
    others = invoke("zeros", (*batch, 0), dtype=int64, device=on)
    values = invoke("zeros", (*batch, 0, *rest), dtype=dtype, device=on)
    return SparseTensor(Pattern(of, (ends, others), tuple(size)), values)


# --- compressed ------------------------------------------------------------------------------------


def sparse_compressed_tensor(
    compressed_indices: Any, plain_indices: Any, values: Any, size: Sequence[int] | None = None, *,
    dtype: DType | None = None, layout: layout | None = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, check_invariants: bool | None = None,
) -> Tensor:  # fmt: skip
    """CSR, CSC, BSR or BSC: where each row (column) of elements ends, and their columns (rows).

    ``(*batch, rows + 1) int, (*batch, nnz) int, (*batch, nnz, *block, *dense) -> size``

    Raises:
        RuntimeError: what was given does not fit.
    """
    if layout not in COMPRESSED:
        name = "none" if layout is None else layout_name(layout)
        raise RuntimeError(
            f"sparse_compressed_tensor expected sparse compressed tensor layout but got {name}"
        )
    kind = COMPRESSED[layout]
    given = _values(values, dtype, device)
    ends, others = _indices(compressed_indices, None, given), _indices(plain_indices, None, given)
    inferred = size is None
    if size is None:
        invariants.check_dims(ends, others, given, kind)
        shape = _compressed_size(ends, others, given, layout)
    else:
        shape = tuple([int(n) for n in size])
    if invariants.wanted(check_invariants):
        invariants.check_compressed(ends, others, given, shape, layout)
    if any(n < 0 for n in shape):
        raise RuntimeError("numel: integer multiplication overflow")
    rest = tuple(given.shape)[max(ends.dim(), 1) + (2 if kind.blocked else 0) :]
    if len(shape) - ends.dim() - 1 == len(rest) and shape[ends.dim() + 1 :] != rest:
        raise RuntimeError(
            f"values has incorrect size: dense dims {list(rest)} do not fit the size {list(shape)}"
        )
    batch = max(ends.dim() - 1, 0)
    block = tuple(given.shape)[batch + 1 : batch + 3] if kind.blocked else ()
    with no_grad():
        parts = (shared(ends), shared(others))
        pattern = Pattern(layout, parts, shape[: batch + 2], block if len(block) == 2 else (1, 1))  # type: ignore[arg-type]
        made = SparseTensor(pattern, given.detach())
    if inferred:
        underiving = underived("sparse_compressed_tensor")
        made = taped("NotImplemented", made, (given, underiving))
        return made if made._edge is not None else made.requires_grad_(requires_grad)
    return _finished(made, "SparseCompressedTensorBackward0", given, values, requires_grad)


def _compressed_size(ends: Tensor, others: Tensor, values: Tensor, of: layout) -> tuple[int, ...]:
    kind = COMPRESSED[of]
    batch = ends.dim() - 1
    block = tuple(values.shape)[batch + 1 : batch + 3] if kind.blocked else (1, 1)
    lines = ends.shape[-1] - 1
    across = int(numbers(others).max()) + 1 if others.numel() else 0
    tall, wide = (lines, across) if kind.by_rows else (across, lines)
    rest = tuple(values.shape)[batch + (3 if kind.blocked else 1) :]
    return (*ends.shape[:-1], tall * block[0], wide * block[1], *rest)


def _of_layout(of: layout, args: Sequence[Any], options: dict[str, Any]) -> Tensor:
    asked = options.pop("layout", None)
    if asked not in (None, of):
        raise RuntimeError(
            f"{of._name}_tensor: layout must be {layout_name(of)} but got {layout_name(asked)}"
        )
    return sparse_compressed_tensor(*args, layout=of, **options)


def sparse_csr_tensor(
    crow_indices: Any, col_indices: Any, values: Any, size: Any = None, **options: Any
) -> Tensor:
    """``sparse_compressed_tensor`` of layout CSR, with its options."""
    return _of_layout(sparse_csr, (crow_indices, col_indices, values, size), options)


def sparse_csc_tensor(
    ccol_indices: Any, row_indices: Any, values: Any, size: Any = None, **options: Any
) -> Tensor:
    """``sparse_compressed_tensor`` of layout CSC, with its options."""
    return _of_layout(sparse_csc, (ccol_indices, row_indices, values, size), options)


def sparse_bsr_tensor(
    crow_indices: Any, col_indices: Any, values: Any, size: Any = None, **options: Any
) -> Tensor:
    """``sparse_compressed_tensor`` of layout BSR, with its options."""
    return _of_layout(sparse_bsr, (crow_indices, col_indices, values, size), options)


def sparse_bsc_tensor(
    ccol_indices: Any, row_indices: Any, values: Any, size: Any = None, **options: Any
) -> Tensor:
    """``sparse_compressed_tensor`` of layout BSC, with its options."""
    return _of_layout(sparse_bsc, (ccol_indices, row_indices, values, size), options)


def factory(
    name: str, size: Sequence[int], of: layout, dtype: DType | None, device: Any
) -> SparseTensor:
    """``torch.zeros(size, layout=…)`` and ``torch.empty``."""
    size = tuple([int(n) for n in size])
    if of is sparse_coo:
        return empty_coo(size, len(size), dtype or default_dtype(), device)
    if COMPRESSED[of].blocked:
        raise RuntimeError(
            f"{name}_sparse_compressed expected sparse compressed (non-block) tensor layout but got {layout_name(of)}"
        )
    if len(size) < 2:
        raise RuntimeError(
            f"torch.{name}: Only batched sparse compressed (non-block) tensors are supported, but got size {list(size)}"
        )
    return empty_compressed(size, of, dtype or default_dtype(), device)
