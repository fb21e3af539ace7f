"""Sums, products and quotients with sparse operands."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.constants import sparse_csr
from ..core.dispatch import BOUND, invoke
from ..core.dtypes import FLOATING, bool_
from ..core.errors import not_implemented_for, shape_text
from ..core.modes import no_grad
from ..core.opcall import NUMBERS
from ..core.promote import result_type
from ..core.shapes import broadcast_two
from ..core.tensor import Tensor
from .coalesce import coalesced, common, merged
from .convert import compress, in_layout_of, to_coo
from .kernels import combine, host, take
from .layouts import layout_name, no_kernel
from .tape import dense, fitted, remembered, taped, values_of
from .tensor import SparseTensor, coo, like


def common_dtype(*operands: Any) -> Any:
    """PyTorch's promotion of tensors and numbers."""
    return result_type([(x.dtype, x.dim()) if isinstance(x, Tensor) else type(x) for x in operands])


# --- sums ----------------------------------------------------------------------------------------------


def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """``input + alpha * other``: sparse if both are."""
    if common_dtype(input, other) is bool_:
        raise not_implemented_for("cadd_sparse", "Bool")
    return _sum(input, other, alpha, "AddBackward0")


def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """``input - alpha * other``: sparse if both are."""
    if common_dtype(input, other) is bool_:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
            "`logical_xor()` operator instead."
        )
    if any(common_dtype(x) is bool_ for x in (input, other)):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to "
            "invert a mask, use the `~` or `logical_not()` operator instead."
        )
    pair = [x for x in (input, other) if isinstance(x, SparseTensor)]
    if not all(x.is_sparse for x in pair):
        raise _unsupported(pair[0])
    if not isinstance(input, Tensor):
        raise _no_broadcast((), other, "dense")
    return _sum(input, other, -alpha, "SubBackward0")


def _unsupported(s: SparseTensor) -> RuntimeError:
    return RuntimeError(f"unsupported tensor layout: {layout_name(s)}")


def _sum(input: Any, other: Any, alpha: Any, node: str) -> Tensor:
    of = common_dtype(input, other)
    if isinstance(alpha, float) and of.category < FLOATING:
        raise RuntimeError(
            "For integral input tensors, argument alpha must not be a floating point number."
        )
    with no_grad():
        made = _added(input, other, alpha, of)

    def scaled(g: Tensor) -> Tensor:
        return g if alpha == 1 else -g if alpha == -1 else g * alpha.conjugate()

    return taped(
        node, made, (input, lambda g: fitted(g, input)), (other, lambda g: fitted(scaled(g), other))
    )


def _added(input: Any, other: Any, alpha: Any, of: Any) -> Tensor:
    is_compressed = any(isinstance(x, SparseTensor) and not x.is_sparse for x in (input, other))
    if is_compressed:
        return _added_compressed(input, other, alpha, of)
    if not isinstance(input, SparseTensor):
        if not isinstance(input, Tensor):
            input, other = other, input
        else:
            return _added_to_dense(input, other, alpha, of, "dense")
    if not isinstance(other, SparseTensor):
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
    if input.shape != other.shape:
        raise RuntimeError(
            "add: expected sizes of 'self' and 'other' to match, but "
            f"{shape_text(input.shape)} != {shape_text(other.shape)}"
        )
    if input.sparse_dim() != other.sparse_dim():
        raise RuntimeError(
            f"add: expected 'self' and 'other' to have same density, but 'self' has {input.sparse_dim()} sparse "
            f"dimensions while 'other' has {other.sparse_dim()} sparse dimensions"
        )
    mine = like(input, input._numbers.to(of))  # type: ignore[attr-defined]
    theirs = _scaled(other._numbers.to(of), alpha)  # type: ignore[attr-defined]
    if not other._nnz():
        return like(input, mine._numbers.clone())  # type: ignore[attr-defined]
    return like(other, theirs) if not input._nnz() else merged(mine, other, theirs)


def _scaled(values: Tensor, alpha: Any) -> Tensor:
    return values if alpha == 1 else values * alpha  # type: ignore[operator]


def _added_to_dense(input: Tensor, other: SparseTensor, alpha: Any, of: Any, kind: str) -> Tensor:
    if input.shape != other.shape:
        raise _no_broadcast(input.shape, other, kind)
    pattern = other._pattern
    rest = other._dense_shape
    rows = input.to(of).reshape(pattern.count, *rest)  # type: ignore[attr-defined]
    at = host(pattern.places.reshape(-1), rows)
    made = invoke("sparse_add_at", rows, at, other._rows.to(of), alpha)
    return made.reshape(input.shape)


def _no_broadcast(size: Any, other: Any, kind: str) -> RuntimeError:
    return RuntimeError(
        f"add: expected 'self' and 'other' to have same size, but self has size {shape_text(size)} while other has "
        f"size {shape_text(other.shape)} (FYI: {kind}-sparse addition does not currently support broadcasting)"
    )


def _added_compressed(input: Any, other: Any, alpha: Any, of: Any) -> Tensor:
    pair = [x for x in (input, other) if isinstance(x, SparseTensor)]
    if len(pair) == 1:
        s = pair[0]
        plain = other if s is input else input
        if not isinstance(plain, Tensor):
            raise _no_broadcast((), s, "op2")
        if s is other:
            return _added_to_dense(plain, s, alpha, of, "op2")
        return _added_to_dense(_scaled(plain, alpha), s, 1, of, "op2")
    _check_addable(input, other)
    mine, theirs = coalesced(to_coo(input)), coalesced(to_coo(other))
    both = _added(mine, theirs, alpha, of)
    assert isinstance(both, SparseTensor)
    return compress(
        both._pattern.places, both._numbers, input.layout, input._pattern.size, input._pattern.block
    )


def _check_addable(input: SparseTensor, other: SparseTensor) -> None:
    """PyTorch adds compressed tensors of one layout and size."""
    hint = f"\nhint: they are {layout_name(input)} and {layout_name(other)}; x.to_sparse(layout=…) is accepted"
    if input.is_sparse:
        raise RuntimeError("memory format option is only supported by strided tensors" + hint)
    if input.shape != other.shape:
        raise RuntimeError(
            "torch.add: Expected input tensors to have the same shape, but got tensor `self` with shape "
            f"{shape_text(input.shape)} and tensor `other` with shape {shape_text(other.shape)}"
        )
    if input.layout is not other.layout:
        by_columns = next((x for x in (input, other) if layout_name(x) == "SparseCsc"), other)
        raise RuntimeError(
            "crow_indices expected sparse row compressed tensor layout but got "
            + layout_name(by_columns)
            + hint
        )


# --- products ------------------------------------------------------------------------------------------


def _is_number(x: Any) -> bool:
    return type(x) in NUMBERS or (isinstance(x, Tensor) and x.dim() == 0)


def mul(input: Any, other: Any) -> Tensor:
    """The product: specified where all sparse operands are."""
    for s, x in ((input, other), (other, input)):
        if isinstance(s, SparseTensor) and _is_number(x) and _takes_number(s, x, x is input):
            return _times_number(s, x)
    if isinstance(input, SparseTensor) and isinstance(other, SparseTensor):
        if input.is_sparse and other.is_sparse:
            with no_grad():
                made = _intersection(input, other)
        else:
            made = _compressed_product(input, other)
    else:
        s, x = (input, other) if isinstance(input, SparseTensor) else (other, input)
        made = _times_dense(s, x) if s.is_sparse else _compressed_product(input, other)
    return taped(
        "MulBackward0", made, (input, lambda g: _product_gradient(g, input, other)),
        (other, lambda g: _product_gradient(g, other, input)),
    )  # fmt: skip


def _takes_number(s: SparseTensor, x: Any, is_first: bool) -> bool:
    if isinstance(x, SparseTensor) and not s.is_sparse:
        return s.layout is sparse_csr and not is_first
    return s.dim() > 0 or not isinstance(x, SparseTensor)


def _product_gradient(g: Tensor, mine: Tensor, theirs: Tensor) -> Tensor:
    if theirs.dtype.is_complex:
        theirs = theirs.conj()  # type: ignore[attr-defined]
    made = invoke("mul", g, theirs)
    if made.shape != mine.shape:
        made = in_layout_of(dense(made).sum_to_size(mine.shape), mine)
    elif (
        not isinstance(mine, SparseTensor) and isinstance(made, SparseTensor) and not made.is_sparse
    ):
        made = dense(made)
    return fitted(made, mine)


def _times_number(s: SparseTensor, number: Any) -> Tensor:
    if isinstance(number, SparseTensor):
        number = dense(number)
    if common_dtype(s, number) is bool_:
        raise not_implemented_for("mul_out_sparse", "Bool")
    made = values_of(s) * number  # type: ignore[operator]
    return remembered("MulBackward0", like(s, made), made)


def _intersection(a: SparseTensor, b: SparseTensor) -> SparseTensor:
    if a.dim() != b.dim() or a.sparse_dim() != b.sparse_dim() or a._pattern.size != b._pattern.size:
        if a.shape == b.shape:
            raise RuntimeError(
                f"values has incorrect number of dimensions, expected {b._numbers.dim()}, got {a._numbers.dim()}"
            )
        raise RuntimeError(
            "sparse_binary_op_intersection_cpu(): expects sparse inputs with equal dimensionality, number of "
            "sparse dimensions, and shape of sparse dimensions"
        )
    of = common_dtype(a, b)
    if of is bool_:
        raise not_implemented_for("mul_out_sparse", "Bool")
    if not (a._pattern.coalesced or b._pattern.coalesced):
        b = coalesced(b)
    at_a, at_b = common(a, b)
    mine = take(a._numbers.to(of), at_a)  # type: ignore[attr-defined]
    theirs = take(b._numbers.to(of), at_b)  # type: ignore[attr-defined]
    values = combine(lambda x, y: x * y, mine, theirs)
    is_sorted = a._pattern.coalesced and b._pattern.coalesced
    leader, at = (b, at_b) if a._pattern.coalesced else (a, at_a)
    indices = leader._pattern.indices()[:, at]
    return coo(host(indices, values), values, a.shape, is_sorted)


def _times_dense(s: SparseTensor, x: Tensor) -> SparseTensor:
    """``x`` is broadcast to ``s``, or ``s``'s elements are repeated."""
    of = common_dtype(s, x)
    if of is bool_:
        raise not_implemented_for("mul_out_sparse", "Bool")
    with no_grad():
        shape = broadcast_two(tuple(x.shape), tuple(s.shape))
        s = s if shape == tuple(s.shape) else expanded(s, shape)
        sparse_dim = s.sparse_dim()
        size = (1,) * (len(shape) - x.dim()) + tuple(x.shape)
        lead, rest = size[:sparse_dim], size[sparse_dim:]
        at = np.zeros(s._nnz(), np.int64)
        for i, n in zip(s._pattern.coordinates(), lead, strict=True):
            at = at * n + (i if n > 1 else 0)
        rows = take(x.reshape(math.prod(lead), *rest), at).to(of)  # type: ignore[attr-defined]
        values = s._numbers.to(of)  # type: ignore[attr-defined]
        return like(s, values * rows)


def expanded(s: SparseTensor, shape: tuple[int, ...]) -> SparseTensor:
    """A COO tensor's elements repeated along new leading dims and dims of length 1."""
    new = len(shape) - s.dim()
    sparse_dim = s.sparse_dim() + new
    lead = shape[:sparse_dim]
    before = (1,) * new + s._pattern.size
    repeats = [n if b == 1 else 1 for n, b in zip(lead, before, strict=True)]
    indices = np.concatenate([np.zeros((new, s._nnz()), np.int64), s._pattern.indices()])
    copies = np.stack(np.meshgrid(*[np.arange(r) for r in repeats], indexing="ij")).reshape(
        len(lead), -1, 1
    )
    every = (indices[:, None, :] + copies).reshape(len(lead), -1)
    places = np.ravel_multi_index(tuple(every), lead) if every.size else np.zeros(0, np.int64)
    order = np.argsort(places, kind="stable")
    values = take(s._numbers, np.tile(np.arange(s._nnz()), copies.shape[1])[order])
    rest = shape[sparse_dim:]
    values = values.expand(values.shape[0], *rest) if rest else values  # type: ignore[attr-defined]
    return coo(host(every[:, order], values), values, shape, s._pattern.coalesced)


def _compressed_product(input: Tensor, other: Tensor) -> SparseTensor:
    """``input`` is CSR, or ``other`` is and ``input`` is dense."""
    from .masking import sparse_mask

    s = input if isinstance(input, SparseTensor) else other
    x = other if s is input else input
    assert isinstance(s, SparseTensor)
    if s._pattern.blocked and s is input:
        raise RuntimeError(
            f"empty_sparse_compressed expected sparse compressed (non-block) tensor layout but got {layout_name(s)}"
        )
    if s.layout is not sparse_csr:
        raise RuntimeError("Expected result Tensor to be of format CSR")
    with no_grad():
        of = common_dtype(input, other)
        if isinstance(x, SparseTensor):
            mine, theirs = coalesced(to_coo(s)), coalesced(to_coo(x))
            both = _intersection(mine, theirs)
            if x.layout is s.layout or x.is_sparse:
                places = both._pattern.places
                return compress(places, both._numbers, s.layout, s._pattern.size, (1, 1))
        masked = sparse_mask(dense(x), s)
        return like(s, s._numbers.to(of) * masked._numbers.to(of))  # type: ignore[attr-defined]


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """``input * 2**other``"""
    return mul(input, invoke("pow", 2.0, other))


# --- quotients and powers ------------------------------------------------------------------------------


def quotient(key: str) -> Any:
    """The entry of the table for a division, which takes one number as divisor."""
    name = "floor division" if key == "floor_divide" else "division"

    def divide(input: Any, other: Any, **options: Any) -> Tensor:
        compressed = [x for x in (input, other) if isinstance(x, SparseTensor) and not x.is_sparse]
        if compressed:
            raise _unsupported(input if isinstance(input, SparseTensor) else compressed[0])
        if not isinstance(input, Tensor) and key in ("div", "true_divide"):
            raise no_kernel("reciprocal", other)
        if isinstance(other, SparseTensor) and other.dim() == 0:
            raise _bad_divisor(name, "got a sparse divisor")
        if not _is_number(other):
            raise _bad_divisor(name, f"got shape {shape_text(other.shape)} for divisor")
        assert isinstance(input, SparseTensor)
        s = input if key in ("div", "true_divide") else coalesced(input)
        made = BOUND[key](values_of(s), other, **options)
        return remembered("DivBackward0", like(s, made), made)

    divide.__name__ = divide.__qualname__ = key
    return divide


def _bad_divisor(name: str, got: str) -> RuntimeError:
    return RuntimeError(f"Sparse {name} requires a scalar or zero-dim dense tensor divisor ({got})")


def pow(input: Any, exponent: Any) -> Tensor:
    """Of the specified elements; the exponent is one number, not 0.

    Raises:
        RuntimeError: every element would be 1.
    """
    if isinstance(exponent, Tensor) or not isinstance(input, SparseTensor):
        name = "Tensor_Tensor" if isinstance(exponent, Tensor) else "Scalar"
        raise no_kernel(f"pow.{name}", input if isinstance(input, SparseTensor) else exponent)
    if exponent == 0:
        raise RuntimeError(
            "pow: cannot raise to zeroth power on sparse tensor; it would make the result tensor dense"
        )
    from .unary import of_values

    return of_values("pow", input, exponent)
