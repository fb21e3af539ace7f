"""Functions of the elements, sums, products and quotients, and their in-place forms."""

from __future__ import annotations

import pytest
import torch

from torchlike.sparse import unary

from ..compare import Tolerance
from .alike import assert_source, lines

SPARSE = ("A", "B", "u", "R", "S", "CC", "BR", "H", "t.tensor(2.).to_sparse()")
OTHERS = ("d", "e", "2", "t.tensor(2.)")


def _of_one_kind(op: str, a: str, b: str) -> bool:
    """Not where PyTorch fails an assertion of its own, or tells of the library it was built with."""
    compressed = {"R", "S", "CC", "BR"}
    if op == "add" and a in compressed and b in {"A", "B", "u"}:
        return False
    if op == "add" and {a, b} & {"BR"} and {a, b} & {"R", "S", "CC", *OTHERS}:
        return False
    # A number before an operator and the first argument of a function are one thing here
    return not (a == "2" and op != "mul")


CASES = """
t.add(A, B, alpha=3)
t.add(A, B.double())
t.add(d, R, alpha=2)
t.add(R, R, alpha=2)
t.add(d.int(), A)
t.add(A.int(), A.int(), alpha=1.5)
t.add(A.bool(), A.bool())
t.sub(A.bool(), A.bool())
t.add(A, t.zeros(2, 3).to_sparse())
t.add(t.zeros(2, 3).to_sparse(), A)
t.add(d.to_sparse(1), e.to_sparse(2))
A.to(t.complex64) + B
2 + A
2 - A
2 * A
2 / A
A - B
A * 2 + A / 3 - A
t.mul(A, B.double())
t.mul(A.int(), 2.5)
t.mul(A.int(), t.ones(2, 3))
t.mul(A.bool(), A.bool())
t.mul(A.half(), A.half())
t.mul(d.to_sparse(1), e.to_sparse(1))
t.mul(d.to_sparse(1), e.to_sparse(2))
t.mul(d.to_sparse(1), t.tensor([2., 3, 4]))
t.mul(A, t.tensor([2., 3., 4.]))
t.mul(A, t.tensor([[2.], [3.]]))
t.mul(A, t.ones(2, 2, 3))
t.mul(A, t.ones(4))
t.mul(A, t.ones(1, 3).to_sparse())
t.mul(R, t.ones(3))
t.mul(t.ones(3), R)
t.mul(R, t.ones(2, 1))
t.mul(H, t.tensor([2., 3]))
t.mul(H, t.ones(2, 3, 1) * 2)
A * (1 + 2j)
R * (1 + 2j)
t.div(A.int(), 2)
t.div(A, 2, rounding_mode="floor")
t.div(u, 2, rounding_mode="trunc")
t.true_divide(A, 2)
A // 2
A ** 2
A ** 0
A ** -1
A ** 0.5
R ** 2
A ** t.tensor(2.)
t.square(u)
t.square(R)
t.ldexp(A, t.tensor(2.))
t.rsub(A, A)
t.rsub(R, R)
t.sin(A.long())
t.round(A, decimals=1)
t.exp(A)
t.cos(R)
A.sigmoid()
A == B
A < 1
t.equal(A, A)
t.allclose(A, A)
3. in A
t.is_same_size(A, B)
t.is_nonzero(t.tensor([0.]).to_sparse())
t.nan_to_num(A)
t.nn.functional.tanhshrink(u).coalesce()._indices()
t.angle(R)
t.angle(A)
+A
A.conj() is A
A.real is A
A.to(t.complex64).real
A.to(t.complex64).imag
A.imag
t.view_as_real(A.to(t.complex64))
t.abs(A.to(t.complex64))
t.dropout(A, 0.5, False)
t.dropout(A, 0.5, True)
t.nn.functional.dropout2d(A, 0.5, False)
t.maximum(A, B)
A.clamp(0, 1)
t.where(A > 0, A, A)
"""

IN_PLACE = """
A.add_(B)
A.add_(2)
A.add_(d)
d.add_(A)
d.add_(A, alpha=-0.5)
d.sub_(A)
d.add_(R)
R.add_(S)
R.add_(2)
R.sub_(S)
A.mul_(B)
A.mul_(2)
A.mul_(e)
d.mul_(A)
d.mul_(R)
R.mul_(S)
R.mul_(2)
R.mul_(e)
A.div_(2)
A.div_(B)
A.div_(2, rounding_mode="trunc")
R.div_(2)
A.floor_divide_(2)
A.pow_(2)
A.square_()
A.int().add_(A)
A.int().mul_(A)
A.int().mul_(2.5)
A.int().div_(2)
A.int().sin_()
A.int().abs_()
A.t_()
u.t_()
R.t_()
A.transpose_(0, 1)
A.swapaxes_(0, 1)
A.unsqueeze_(0)
A.zero_()
u.zero_()
R.zero_()
BR.zero_()
A.fill_(0.)
R.fill_(2.)
R.fill_(t.tensor(2.))
A.copy_(B)
u.copy_(B)
R.copy_(S)
A.copy_(e)
e.copy_(A)
R.copy_(e)
A.exp_()
R.exp_()
A.relu_()
t.nn.functional.relu(A, inplace=True)
A.nan_to_num_()
A.detach_()
[x := A.clone(), x.detach().neg_(), x]
[x := A.clone(), x.detach().mul_(2), x]
[x := A.clone(), x.detach().add_(A), x]
[x := A.clone(), x.detach().zero_(), x]
[x := A.clone(), y := x.sin_(), x is y, x._version]
A.sparse_resize_((4, 5), 2, 0)
A.sparse_resize_((2, 3), 2, 0)
A.sparse_resize_((1, 1), 2, 0)
A.sparse_resize_((4, 5, 2), 3, 0)
A.sparse_resize_((4, 5, 2), 2, 1)
H.sparse_resize_((2, 3, 1), 2, 1)
H.sparse_resize_((4, 3, 2), 2, 1)
A.sparse_resize_((4, 5), 1, 0)
t.sparse_coo_tensor((2, 3)).sparse_resize_((4, 5, 2), 2, 1)
t.sparse_coo_tensor((2, 3)).sparse_resize_((4,), 1, 0)
A.sparse_resize_and_clear_((4, 5), 2, 0)
A.sparse_resize_and_clear_((4, 5), 1, 1)
A.sparse_resize_and_clear_((4, 5), 1, 0)
A.resize_as_sparse_(t.zeros(4, 5).to_sparse())
A.resize_as_sparse_(d)
A.resize_as_(t.zeros(4, 5).to_sparse())
R.resize_as_sparse_(S)
A.resize_(2, 3)
R.resize_(3, 3)
R.sparse_resize_((4, 5), 2, 0)
d.sparse_resize_((4, 5), 2, 0)
A.requires_grad_().sparse_resize_((4, 5), 2, 0)
u._coalesced_(True).is_coalesced()
"""


@pytest.mark.parametrize("op", ["add", "sub", "mul", "div"])
@pytest.mark.parametrize("a", [*SPARSE, *OTHERS])
def test_binary(op: str, a: str):
    """Each layout with each other, with numbers and 0-d tensors."""
    for b in (*SPARSE, *OTHERS) if a in SPARSE else SPARSE:
        if _of_one_kind(op, a, b):
            assert_source(f"t.{op}({a}, {b})")


@pytest.mark.parametrize("source", lines(CASES) + lines(IN_PLACE))
def test_call(source: str):
    assert_source(source)


@pytest.mark.parametrize("of", ["d / 5", "d.int()", "d > 2", "d * t.inf", "(d - e) / 7 * (1 + 1j)"])
@pytest.mark.parametrize(
    "name", [*unary.EVERYWHERE, *unary.OF_COO, *unary.OF_COMPRESSED, "tanhshrink"]
)
def test_unary(name: str, of: str):
    """Functions that leave 0 at 0, and their in-place forms, on values of every kind."""
    function = "t.nn.functional.tanhshrink" if name == "tanhshrink" else f"t.{name}"
    layouts = ["layout=t.sparse_coo", "layout=t.sparse_csr"]
    if of == "d / 5":
        layouts += ["layout=t.sparse_csc", "layout=t.sparse_bsr, blocksize=(1, 3)"]
        assert_source(f"{function}(u)", Tolerance(factor=10))
    for layout in layouts:
        x = f"({of}).to_sparse({layout})"
        assert_source(f"{function}({x})", Tolerance(factor=10))
        # PyTorch fails an assertion of its own in rounding CSC in place
        if hasattr(torch.Tensor, f"{name}_") and (name != "round" or layout in layouts[:2]):
            assert_source(f"({x}).{name}_()", Tolerance(factor=10))
