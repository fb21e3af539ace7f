"""``MaskedTensor``: what it prints, which functions take it, and its gradients, against PyTorch's."""

from __future__ import annotations

import warnings

import pytest
import torch

import torchlike

from ..compare import Cases, assert_alike, name_of
from ..expressions import assert_same_line, lines

LINES = lines("""
mt
m0
masked_tensor(torch.tensor(1.5),torch.tensor(False))
masked_tensor(torch.arange(24).reshape(2,3,4), torch.arange(24).reshape(2,3,4)%3==0)
mt.sum()
mt.sum(0)
mt.sum(1, keepdim=True)
torch.sum(mt, dim=0)
mt.mean(1)
mt.amax(0), mt.amin(1), mt.argmax(1), mt.argmin(0)
mt.prod()
mt.all()
mt.all(1)
mt.mean()
mt+1
1+mt
1-mt
2/mt
mt**2
2**mt
mt//2
mt+mt
mt+d
d+mt
mt*masked_tensor(d,~m)
mt.add(mt, alpha=2)
mt.exp()
torch.exp(mt)
torch.clamp(mt, 1.)
torch.clamp(mt, min=1.)
mt[0]
mt[:,1:]
mt[0,0]
mt[m]
mt.reshape(3,2)
mt.view(-1)
mt.t()
mt.mT
mt.unsqueeze(0)
torch.stack([mt,mt])
torch.cat([mt,mt])
mt.split(1)
mt.chunk(2)
mt.expand(2,2,3)
mt.flatten()
mt.softmax(0)
mt.softmax(1)
torch.nn.functional.softmax(mt, 1)
torch.where(m, mt, masked_tensor(d, ~m))
torch.where(m, mt, d)
torch.where(m, d, mt)
mt.to(torch.float64)
mt.int()
mt.clone()
mt.detach()
mt.contiguous() is mt
mt.get_data()
mt.get_mask()
mt.to_tensor(-1)
mt == mt
mt < 3
mt > 3
mt.eq(3)
mt.max(mt)
mt.maximum(mt)
mt @ mt.t()
mt.item()
m0.item()
float(m0), bool(m0)
mt.shape, mt.dtype, mt.ndim, mt.size(), mt.numel(), mt.is_contiguous(), mt.device, mt.layout
mt.stride()
mt.requires_grad, mr.requires_grad, mr.is_leaf
torch.ones_like(mt)
mt.tolist()
mt.numpy()
len(mt)
is_masked_tensor(mt), is_masked_tensor(d)
masked_tensor(mt, m)
masked_tensor(d, mt)
masked_tensor(d, d)
masked_tensor(d, m[0])
masked_tensor(d, m[:,:2])
masked_tensor(d.to(torch.complex64), m)
masked_tensor(3, m)
as_masked_tensor(d, m)
-mt
abs(mt)
~mt.bool()
mt.neg_()
mt.add_(1)
mt
mt.copy_(d)
mt
torch.masked.sum(mt), torch.masked.sum(mt, 0), torch.masked.mean(mt, 1), torch.masked.softmax(mt, 1)
torch.masked.mean(mt)
torch.masked.var(mt)
torch.masked.amax(mt, 0)
torch.masked.cumsum(mt, 0)
mt.isnan()
mt.is_sparse, mt.is_sparse_coo()
torch.add(mt, d, alpha=2)
mt.foo
isinstance(mt, torch.Tensor), type(mt).__name__
torch.is_tensor(mt)
mt.round(decimals=1)
mt.real
mt.data
mt.ravel()
torch.hstack([mt,mt])
mt.narrow(0,0,1)
mt.select(0,1)
""")
# PyTorch's message names an operator below the public function, which is not there
REFUSED = lines("""
mt.exp(1)
mt.permute(1, 0)
mt.squeeze()
mt.cumsum(0)
mt.matmul(mt)
mt.add(d, d)
mt.unbind()
mt.logsumexp(0)
mt.repeat(2, 1)
mt.masked_fill(m, 0)
list(mt)
torch.zeros_like(mt)
torch.nn.functional.relu(mt)
""")


def setting(t):
    d = t.arange(6.0).reshape(2, 3)
    m = t.tensor([[True, False, True], [False, False, True]])
    return {
        **{name: getattr(t.masked, name) for name in ("masked_tensor", "as_masked_tensor", "is_masked_tensor")},
        "d": d, "m": m, "mt": t.masked.masked_tensor(d, m),
        "mr": t.masked.masked_tensor(d, m, requires_grad=True),
        "m0": t.masked.masked_tensor(t.tensor(1.5), t.tensor(True)),
    }  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, setting)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("line", REFUSED)
def test_refused(line):
    for t in (torch, torchlike):
        with pytest.raises(TypeError):
            eval(line, {"torch": t, **setting(t)})


@pytest.mark.filterwarnings("ignore")
def test_what_pytorch_lacks():
    """``norm`` fails there for want of an argument, and ``T`` for want of a permutation."""
    names = setting(torchlike)
    d, m, mt = names["d"], names["m"], names["mt"]
    assert mt.norm().item() == pytest.approx(torchlike.masked.norm(d, 2, mask=m).item())
    assert repr(mt.T) == repr(mt.t())


case = Cases()


def of_gradient(loss):
    """The data and mask of the gradient that a masked leaf gets."""

    def run(t):
        names = setting(t)
        x = t.masked.masked_tensor(names["d"].clone(), names["m"], requires_grad=True)
        loss(t, x).backward()
        return x.grad.get_data().masked_fill(~x.grad.get_mask(), 0), x.grad.get_mask()

    return run


LOSSES = {
    "sum": lambda t, x: x.sum(),
    "exp": lambda t, x: x.exp().sum(),
    "mean of squares": lambda t, x: (x * x).mean(),
    "prod": lambda t, x: x.prod(),
    "amax": lambda t, x: x.amax(),
    "chain": lambda t, x: (x + 1).log().sum(1).sum(),
    "softmax": lambda t, x: x.softmax(1).sum(),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_gradients(loss):
    assert_alike(of_gradient(loss))


@case
def a_branch_that_is_masked_out_gives_no_nan(t):
    x = t.tensor([-10.0, -5, 0, 5, 10, 50, 60, 70, 80, 90, 100], requires_grad=True)
    mask = x < 0
    low = t.masked.masked_tensor(x, mask, requires_grad=True)
    high = t.masked.masked_tensor(t.ones_like(x), ~mask, requires_grad=True)
    t.where(mask, t.exp(low), high).sum().backward()
    return low.grad.get_data()[mask], low.grad.get_mask(), high.grad.get_mask()


@case
def gradients_reach_plain_leaves(t):
    x = t.tensor([1.0, 1.0], requires_grad=True)
    div = t.tensor([0.0, 1.0])
    t.masked.as_masked_tensor(x / div, div != 0).sum().backward()
    grad = getattr(x.grad, "get_data", lambda: x.grad)()  # a MaskedTensor in PyTorch
    return grad[1]


@pytest.mark.parametrize("fn", case, ids=name_of)
def test_cases(fn):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_alike(fn)
