"""``__torch_function__``: who is asked about which call, and what comes of it, against PyTorch's."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest
import torch

import torchlike

from ..expressions import assert_same_line, lines

# Each is run with a tensor \`\`a\`\` of a class that notes what it is asked, and a plain one \`\`p\`\`
ASKED = lines("""
a+1
1+a
a-1
1-a
a*2
2*a
a/2
2/a
a//2
2//a
a%2
2%a
a**2
2**a
a@p
p@a
p+a
-a
+a
~a.long()
abs(a)
a==p
a<p
p<a
a&1 if 0 else a.bool()&True
True&a.bool()
a[0]
a[0:2]
a.__setitem__(0,1.)
a.shape
a.dtype
a.device
a.ndim
a.T
a.grad
a.requires_grad
a.is_leaf
a.data
a.size()
a.dim()
a.numel()
a.sum().item()
a.tolist()
a.numpy()
len(a)
bool(a[0])
float(a[0])
a.to(torch.float64)
a.cpu()
a.float()
a.detach()
a.clone()
a.requires_grad_()
a.add_(1) if 0 else a.detach().add_(1)
torch.add(a,1)
torch.stack([p,a])
torch.cat([p,a])
torch.max(a,0)
torch.nn.functional.relu(a)
torch.nn.functional.linear(p, a)
torch.nn.functional.dropout(a)
torch.linalg.norm(a)
torch.fft.fft(a)
torch.special.erf(a)
torch.zeros_like(a)
torch.is_tensor(a)
torch.is_floating_point(a)
torch.broadcast_tensors(a,p)
torch.einsum('i,i->', a, p)
torch.split(a,1)
a.split(1)
a.unique()
torch.tensor([1.])
torch.result_type(a,p)
torch.equal(a,p)
a.type()
a.is_contiguous()
a.contiguous()
a.stride()
a.new_zeros(2)
a.unsqueeze(0)
a.view(3,1)
a.permute(0)
a.__format__('')
a.is_cuda
a.grad_fn
torch.functional.norm(a)
a.norm()
torch.norm(a)
a in [1] if 0 else (1 in a)
a.storage_offset()
a.is_floating_point()
torch.numel(a)
torch.nn.functional.mse_loss(a,p)
torch.where(a>1, a, p)
torch.sum(a, dim=0, keepdim=True)
torch.nn.functional.softmax(a, dim=0)
""")
# With classes that refuse all calls, do not care, or are no tensors at all
REFUSED = lines("""
torch.add(n,1)
n+1
n.shape
torch.mean(d)
torch.mean(d2)
torch.add(p, d2)
p+d2
d2+p
torch.cat([p,d2])
torch.max(d2, 0)
torch.max(p, d2)
p.add(d2)
torch.nn.functional.linear(p, d2, bias=None)
torch.zeros_like(d2)
torch.tensor(d2)
torch.stack((d2,d2), dim=0)
torch.einsum('i->', d2)
p[d2]
torch.where(d2, p, p)
torch.nonzero(d2)
torch.bernoulli(d2)
torch.is_tensor(d2)
is_tensor_like(d2), is_tensor_like(1), is_tensor_like(p)
torch.bincount(d2)
torch.dropout(d2, .5, True)
torch.isnan(d2)
torch.equal(p, d2)
p.copy_(d2)
torch.index_select(p, 0, d2)
n2+n3
n2+n2
type(n2+p)
p+n2
torch.add(n2,n3)
has_torch_function((p,)), has_torch_function((n2,)), has_torch_function_unary(p), has_torch_function_variadic(p,n2)
torch.Tensor.__torch_function__(torch.add, (torch.Tensor,), (p, 1))
N2([1,2]), N2(p), N2(2,3).shape
torch.Tensor._make_subclass(N2, p)
torch.Tensor._make_subclass(N2, p, True).requires_grad
p.as_subclass(N2)
p.as_subclass(int)
repr(n2)
N2([1.,2.], )
is_tensor_method_or_property(torch.Tensor.add), is_tensor_method_or_property(torch.add), is_tensor_method_or_property(torch.Tensor.shape.__get__)
""")
IN_A_MODE = lines("""
torch.rand(2)
torch.tensor([1.])
p+1
p.shape
torch.add(p,1)
torch.nn.functional.relu(p)
torch.is_tensor(p)
torch.zeros(2)
p.sum().item()
torch.manual_seed(0)
torch.arange(3)
p[0]
torch.randperm(3)
torch.get_default_dtype()
torch.is_grad_enabled()
torch.broadcast_shapes((1,),(2,))
torch.as_tensor([1])
torch.asarray([1])
torch.full((2,),1.)
torch.set_default_dtype(torch.float32)
torch.promote_types(torch.int8, torch.float32)
torch.nn.functional.mse_loss(p,p)
""")


def setting(t, log):
    class Noting(t.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            log.append((t.overrides.resolve_name(func) or func.__name__).replace(".functional.", "."))
            return super().__torch_function__(func, types, args, kwargs or {})

    return {"torch": t, "a": Noting([1.0, 2.0, 3.0]), "p": t.tensor([1.0, 2.0, 3.0])}


def noted(t, line):
    """The calls that were asked about, and the result's type."""
    log = []
    names = setting(t, log)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = type(eval(line, names)).__name__
    return log, found


@pytest.mark.parametrize("line", ASKED)
def test_what_a_class_is_asked(line):
    assert noted(torchlike, line) == noted(torch, line)


def refusing(t):
    class N(t.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return NotImplemented

    class N2(t.Tensor):
        pass

    class N3(t.Tensor):
        pass

    class Duck:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return NotImplemented

    class Duck2:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func.__name__, len(types), len(args), sorted(kwargs or {})

    overrides = {n: getattr(t.overrides, n) for n in t.overrides.__all__}
    for name in ("has_torch_function_unary", "has_torch_function_variadic"):
        overrides[name] = getattr(t.overrides, name)
    return {
        **overrides, "N": N, "N2": N2, "n": N([1.0]), "n2": N2([1.0]), "n3": N3([1.0]), "d": Duck(),
        "d2": Duck2(), "p": t.ones(1),
    }  # fmt: skip


@pytest.mark.parametrize("line", REFUSED)
def test_who_answers(line):
    assert_same_line(line, refusing)


def seen_by_a_mode(t, line):
    log = []

    class Mode(t.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            log.append(t.overrides.resolve_name(func) or func.__name__)
            return func(*args, **(kwargs or {}))

    names = {"torch": t, "p": t.ones(1)}
    with Mode():
        eval(line, names)
    return log


@pytest.mark.parametrize("line", IN_A_MODE)
def test_what_a_mode_sees(line):
    assert seen_by_a_mode(torchlike, line) == seen_by_a_mode(torch, line)


def test_modes_nest_and_may_refuse():
    def run(t):
        log = []

        class Mode(t.overrides.TorchFunctionMode):
            def __init__(self, name):
                super().__init__()
                self.name = name

            def __torch_function__(self, func, types, args=(), kwargs=None):
                log.append(self.name)
                return func(*args, **(kwargs or {}))

        class No(t.overrides.TorchFunctionMode):
            def __torch_function__(self, func, types, args=(), kwargs=None):
                return NotImplemented

        with Mode("outer"), Mode("inner"):
            t.add(t.ones(1), 1)
        with No(), pytest.raises(TypeError, match="no|Multiple"):
            t.add(t.ones(1), 1)
        return log

    assert run(torchlike) == run(torch)


def test_disabling():
    def run(t):
        log = []
        a = setting(t, log)["a"]
        with t._C.DisableTorchFunctionSubclass():
            plain = type(a + 1).__name__
        log.append(plain)
        with t._C.DisableTorchFunction():
            log.append(type(t.add(a, 1)).__name__)
        log.append(type(a + 1).__name__)
        return log

    assert run(torchlike) == run(torch)


def test_iterating_gives_the_class():
    log = []
    found = [type(x).__name__ for x in setting(torchlike, log)["a"]]
    assert found == ["Noting"] * 3


def test_subclasses_keep_their_class_and_history():
    def run(t):
        class Kept(t.Tensor):
            pass

        x = t.ones(3, requires_grad=True)
        y = x.as_subclass(Kept)
        z = (y * 2).sum()
        z.backward()
        made = t.Tensor._make_subclass(Kept, t.ones(2), True)
        return [
            type(y).__name__, type(z).__name__, x.grad.tolist(), type(z + t.ones(1)).__name__,
            type(made).__name__, made.is_leaf, made.requires_grad, type(made.detach()).__name__,
            isinstance(y[0], Kept), type(t.stack([t.ones(3), y])).__name__, type(y.max(0)).__name__,
        ]  # fmt: skip

    assert run(torchlike) == run(torch)


def test_attributes_of_a_subclass_stay_with_the_object():
    def run(t):
        class Labelled(t.Tensor):
            @staticmethod
            def __new__(cls, data, label):
                made = t.Tensor._make_subclass(cls, t.as_tensor(data))
                made.label = label
                return made

            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                found = super().__torch_function__(func, types, args, kwargs or {})
                if isinstance(found, cls):
                    found.label = next(a.label for a in args if isinstance(a, cls))
                return found

        x = Labelled([1.0, 2.0], "metres")
        return (x * 2).label, (1 + x).label, t.exp(x).label, x.sum().item()

    assert run(torchlike) == run(torch)


PLAIN = """
import torchlike as torch
from torchlike.core import overrides
x = torch.ones(3, requires_grad=True)
model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU())
model(x).sum().backward()
torch.nn.Parameter(x.detach()), torch.nn.functional.dropout(x), x[0].item(), repr(x)
assert not overrides.armed(), "a plain program pays for the protocol"
class Sub(torch.Tensor):
    @classmethod
    def __torch_function__(cls, *args):
        return 3
assert not overrides.armed(), "a class alone costs nothing"
assert torch.add(Sub([1.0]), 1) == 3
assert overrides.armed()
"""


def test_it_costs_nothing_until_a_class_asks():
    done = subprocess.run([sys.executable, "-c", PLAIN], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
