"""Gradients through sparse tensors: of their elements, and of dense operands."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

import torchlike

from ..compare import Raised, Tolerance, assert_same, outcome
from .alike import lines, operands

# Names of the operands that need gradients: what is computed from them
CASES = """
A: A.to_dense()
A: A.to_dense(masked_grad=False)
u: u.to_dense()
R: R.to_dense()
R: R.to_dense(masked_grad=False)
d: d.to_sparse()
d: d.to_sparse(1)
d: d.to_sparse_csr()
d: d.to_sparse_csc()
d: d.to_sparse_bsr((1, 3))
A: A.to_sparse_csr()
R: R.to_sparse()
u: u.coalesce()
A: A.coalesce().values()
u: u.coalesce().values()
R: R.values()
A M: t.mm(A, M)
u M: t.mm(u, M)
R M: t.mm(R, M)
CC M: t.mm(CC, M)
A M: t.sparse.mm(A, M)
u M: t.sparse.mm(u, M)
R M: t.sparse.mm(R, M)
A M: t.sparse.mm(A, M.to_sparse())
A M: t.matmul(A, M)
M A: t.mm(M, A)
A w: t.mv(A, w)
R w: t.mv(R, w)
ones A M: t.addmm(ones, A, M)
ones A M: t.sparse.addmm(ones, A, M)
ones R M: t.addmm(ones, R, M)
R M d: t.sparse.sampled_addmm(R, d @ M, d, beta=2, alpha=3)
R M: t.sparse.mm(R, M, "sum")
R M: t.sparse.mm(R, M, "mean")
R M: t.sparse.mm(R, M, "amax")
R M: t.sparse.mm(R, M, "amin")
A B: t.add(A, B)
A u: t.add(A, u)
d A: t.add(d, A)
R S: t.add(R, S)
A B: t.sub(A, B)
A B: t.mul(A, B)
A d: t.mul(A, d)
d A: t.mul(d, A)
A: A * 2
A: A / 2
R: R * 2
A: -A
R: -R
A: A.neg().abs()
A: t.sum(A)
A: t.sparse.sum(A)
A: t.sparse.sum(A, 0)
A: t.sparse.sum(A, 1)
A: t.sparse.sum(A, (0, 1))
H: t.sparse.sum(H, 2)
H: t.sparse.sum(H, (0, 2))
R: t.sum(R)
A: t.sparse.softmax(A, 1)
A: t.sparse.log_softmax(A, 1)
A: A.t()
A: A.transpose(0, 1)
A: A.permute(1, 0)
d: d.sparse_mask(operands["A"])
A: A.clone()
A: A.double()
R: R.clone()
v: t.sparse_coo_tensor([[0, 0, 1], [1, 1, 2]], v, (2, 3)).to_dense()
v: t.sparse_coo_tensor([[0, 0, 1], [1, 1, 2]], v, (2, 3)).coalesce().values()
v: t.sparse.mm(t.sparse_coo_tensor([[0, 0, 1], [1, 1, 2]], v, (2, 3)), M)
v: t.sparse.sum(t.sparse_coo_tensor([[0, 0, 1], [1, 1, 2]], v, (2, 3)))
v: t.sparse_csr_tensor(crow, col, v, (2, 3)).to_dense()
v: t.mm(t.sparse_csr_tensor(crow, col, v, (2, 3)), M)
"""

# PyTorch has no gradients of these; they must be those of the same function of dense numbers
MORE = """
CC: CC.to_dense()
BR: BR.to_dense()
A: t.sqrt(A + A)
A: t.norm(A)
A: t.sin(A)
A: t.tanh(A)
A: t.expm1(A)
A: t.log1p(A)
A: A ** 2
R: t.sin(R)
A: t.index_select(A, 0, t.tensor([1, 1]))
A: A.select(0, 1)
A: A.narrow_copy(1, 0, 2)
A: A.unsqueeze(0)
A: t.cat([A, A])
A: t.stack([A, A])
"""


def _gradients(source: str, t: Any, from_dense: bool = False) -> Any:
    names, _, call = source.partition(": ")
    given = operands(t)
    given["operands"] = operands(t)
    leaves = [given[n].detach().clone() for n in names.split()]
    leaves = [(x.to_dense() if from_dense else x).requires_grad_() for x in leaves]
    given.update(zip(names.split(), leaves, strict=True))
    y = eval(call, given)
    flat = y if y.layout is t.strided else y.to_dense()
    weights = t.arange(1.0, flat.numel() + 1, dtype=flat.dtype).reshape(flat.shape)
    (flat * weights).sum().backward()
    return y.detach(), [x.grad for x in leaves]


@pytest.mark.parametrize("source", lines(CASES))
def test_gradient(source: str):
    """The results, the gradients and their layouts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's notes that some layouts are new
        expected, found = (outcome(lambda t=t: _gradients(source, t)) for t in (torch, torchlike))
    assert not isinstance(expected, Raised), expected
    assert not isinstance(found, Raised), found
    assert [str(g.layout) for g in expected[1]] == [str(g.layout) for g in found[1]]
    for a, b in zip(_dense(expected), _dense(found), strict=True):
        assert_same(a, b, Tolerance(factor=4))


def _dense(made: Any) -> list[Any]:
    return [x.to_dense() for x in (made[0], *made[1])]


@pytest.mark.parametrize("source", lines(MORE))
def test_gradient_of_specified_elements(source: str):
    """That of the dense function, where the operand has elements."""
    _, (found,) = _gradients(source, torchlike)
    as_dense = source.replace(".to_dense()", "")
    _, (expected,) = _gradients(as_dense, torch, from_dense=True)
    blocked = source.startswith("B")  # its block keeps the zeros of a row, too
    kept = expected if blocked else torch.where(operands(torch)["d"] != 0, expected, 0.0)
    assert found.layout is operands(torchlike)[source.partition(":")[0]].layout
    assert_same(kept, found.to_dense(), Tolerance(factor=4))


def _twice(t: Any) -> Any:
    a = operands(t)["A"].requires_grad_()
    for _ in range(2):
        t.sparse.mm(a, operands(t)["M"]).sum().backward()
    return a.grad.to_dense()


def test_accumulates():
    assert_same(_twice(torch), _twice(torchlike))


def _hooked(t: Any) -> Any:
    seen: list[Any] = []
    a = operands(t)["A"].requires_grad_()
    a.register_hook(lambda g: seen.append(g) or g * 3)
    a.to_dense().sum().backward()
    return [seen[0].to_dense(), a.grad.to_dense()]


def test_hook():
    assert_same(_hooked(torch), _hooked(torchlike))


SECOND = {
    "of a dense operand": ("M", "t.sparse.mm(A, M)"),
    "through layouts": ("d", "d.to_sparse().to_dense()"),
    "of given values": ("v", "t.sparse_coo_tensor([[0, 0, 1], [1, 0, 2]], v, (2, 3)).to_dense()"),
}


def _second(t: Any, name: str, call: str) -> Any:
    given = operands(t)
    x = given[name].requires_grad_()
    (g,) = t.autograd.grad((eval(call, given) ** 3).sum(), x, create_graph=True)
    return [g.detach(), t.autograd.grad((g * g).sum(), x)]


@pytest.mark.parametrize("case", SECOND)
def test_second_derivative(case: str):
    """The same, or the same refusal: PyTorch has none of the values of a COO tensor."""
    expected, found = (outcome(lambda t=t: _second(t, *SECOND[case])) for t in (torch, torchlike))
    if isinstance(expected, Raised):
        assert isinstance(found, Raised)
        assert expected.line == found.line
    else:
        assert_same(expected, found, Tolerance(factor=4))


def test_numerical_gradients():
    """``gradcheck`` with sparse operands, masked or not."""
    t = torchlike
    a = operands(t)["A"].double().requires_grad_()
    m = operands(t)["M"].double().requires_grad_()
    check = t.sparse.as_sparse_gradcheck(t.autograd.gradcheck)
    assert check(lambda x: x.to_dense(masked_grad=False), (a,), masked=False)
    assert check(lambda x: x.to_dense(masked_grad=True), (a,), masked=True)
    assert check(lambda x, y: t.sparse.mm(x, y), (a, m), masked=True)


def test_function_of_a_sparse_tensor():
    """A custom Function may save and return sparse tensors."""

    def run(t: Any) -> Any:
        class Double(t.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return x.to_dense() * 2

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                (x,) = ctx.saved_tensors
                return g.sparse_mask(x) * 2

        a = operands(t)["A"].requires_grad_()
        Double.apply(a).sum().backward()
        return a.grad

    assert_same(run(torch), run(torchlike))
