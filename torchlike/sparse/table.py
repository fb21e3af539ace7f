"""Which op on which layout is done by which function: the one place that says so.

A key is an op's in ``OPS``; its function gets the op's arguments by name. What is not here is refused
in PyTorch's words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.constants import layout, sparse_bsc, sparse_bsr, sparse_coo, sparse_csc, sparse_csr
from ..core.registry import OpDef
from ..core.tensor import Tensor
from . import binary, inplace, likes, low_rank, members, products, reduce, shape, unary
from .refusals import refused as _refused
from .tensor import SparseTensor

COO = (sparse_coo,)
COMPRESSED = (sparse_csr, sparse_csc, sparse_bsr, sparse_bsc)
ALL = (*COO, *COMPRESSED)

_ROWS: list[tuple[tuple[layout, ...], dict[str, Callable[..., Any]]]] = [
    (ALL, {name: unary.elementwise(name) for name in unary.EVERYWHERE}),
    (COO, {name: unary.elementwise(name) for name in unary.OF_COO}),
    (COMPRESSED, {name: unary.elementwise(name) for name in unary.OF_COMPRESSED}),
    (ALL, dict.fromkeys(unary.ITSELF, unary.itself)),
    (ALL, {"tanhshrink": unary.tanhshrink, "conj": unary.conj, "real": unary.real, "imag": unary.imag}),
    (COO, {"view_as_real": unary.view_as_real}),
    (ALL, {"add": binary.add, "sub": binary.sub, "mul": binary.mul}),
    (ALL, {key: binary.quotient(key) for key in ("div", "div_rounded", "true_divide", "floor_divide")}),
    (COO, {"pow": binary.pow, "pow_constant": binary.pow}),
    (ALL, {"ldexp": binary.ldexp}),
    (ALL, {"mm": products.mm, "mv": products.mv, "matmul": products.matmul, "addmm": products.addmm,
           "addmv": products.addmv, "linear": products.linear, "matrix_power": products.matrix_power}),
    (COO, {"bmm": products.bmm}),
    (ALL, {"svd_lowrank": low_rank.svd_lowrank, "pca_lowrank": low_rank.pca_lowrank}),
    (ALL, {"sum": reduce.sum, "sum_to_size": reduce.sum_to_size}),
    (COO, {"any": reduce.any, "norm": reduce.norm}),
    (ALL, {"transpose": shape.transpose, "swapaxes": shape.swapaxes, "t": shape.t, "select": shape.select,
           "mT": shape.matrix_transposed, "mH": shape.adjoint, "matrix_H": shape.adjoint,
           "adjoint": shape.adjoint, "unbind": shape.unbind, "unsqueeze": shape.unsqueeze}),
    (ALL, {"permute": shape.permute, "movedim": shape.movedim, "numpy_T": shape.reversed_dims}),
    (ALL, {"index_select": shape.index_select, "narrow_copy": shape.narrow_copy}),
    (ALL, {"cat": shape.cat, "stack": shape.stack, "hstack": shape.hstack, "vstack": shape.vstack,
           "dstack": shape.dstack, "column_stack": shape.column_stack}),
    (ALL, {"atleast_1d_view": unary.itself, "atleast_2d_view": shape.at_least_2d,
           "atleast_3d_view": shape.at_least_3d}),
    (ALL, {"clone": members.clone, "to_dtype": members.to_dtype}),
    (ALL, dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout",
                         "feature_alpha_dropout"), unary.dropout)),
    (ALL, {"torch_dropout": unary.torch_dropout}),
    (COMPRESSED, {"fill_number": inplace.filled}),
    (COMPRESSED, {"normal_": inplace.normal_}),
]  # fmt: skip

TABLE: dict[tuple[str, layout], Callable[..., Any]] = {
    (key, where): fn for layouts, row in _ROWS for key, fn in row.items() for where in layouts
}


def call(op: OpDef, given: dict[str, Any], out: Any, extra: dict[str, Any]) -> Any:
    """An op of which an operand is sparse, or that is asked for a sparse result."""
    if op.creation:
        return likes.make(op, given, extra)
    operands = [x for v in given.values() for x in (v if isinstance(v, (list, tuple)) else (v,))]
    sparse = [x for x in operands if isinstance(x, SparseTensor)]
    # A compressed operand decides, as in PyTorch's dispatcher
    leader = next((x for x in sparse if not x.is_sparse), sparse[0] if sparse else None)
    if leader is None:
        if out is None or out._is_dense:
            raise RuntimeError(f"{op.name}: a sparse tensor was met inside of a dense operation")
        raise _refused(op, given, out)
    fn = TABLE.get((op.fn.__name__, leader.layout))
    if fn is None:
        raise _refused(op, given, leader)
    found = fn(**given)
    return found if out is None else into(out, found, op.name)


def into(out: Tensor, found: Tensor, name: str) -> Tensor:
    """``out=``: dense results are written, sparse ones take the place of ``out``'s elements."""
    if isinstance(found, SparseTensor):
        if not isinstance(out, SparseTensor) or out.layout is not found.layout:
            raise RuntimeError(
                f"{name}(): expected out to have layout {found.layout}, but got {out.layout}"
            )
        return out._take(found)
    from ..core.write import to_out

    return to_out(out, found, name)


def refused(op: OpDef, s: SparseTensor, in_place: bool = False) -> Exception:
    return _refused(op, {"input": s}, s, in_place)
