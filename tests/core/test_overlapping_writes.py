"""Writes to memory that is seen several times, and the names in messages, against PyTorch's."""

from __future__ import annotations

import pytest

from ..compare import Cases, assert_alike, name_of

case = Cases()
WRITES = {
    "op": lambda t, e, x: e.mul_(2),
    "unary": lambda t, e, x: e.tanh_(),
    "itself": lambda t, e, x: e.copy_(e),
    "what it shows": lambda t, e, x: e.copy_(x),
    "another": lambda t, e, x: e.copy_(t.ones(2, 3, 4)),
    "row of one": lambda t, e, x: e.__setitem__(0, 0.25),
    "column": lambda t, e, x: e.__setitem__((..., -1), 0.25),
    "tensor to column": lambda t, e, x: e.__setitem__((..., -1), t.ones(())),
    "number": lambda t, e, x: e.fill_(1.0),
    "tensor": lambda t, e, x: e.fill_(t.ones(())),
    "zero": lambda t, e, x: e.zero_(),
    "0-d": lambda t, e, x: e.copy_(t.ones(())),
    "from one": lambda t, e, x: x.copy_(e[0]),
    "add one": lambda t, e, x: x.add_(e[0]),
    "into one": lambda t, e, x: e[0].add_(x),
    "shifted copy": lambda t, e, x: x[1:].copy_(x[:-1]),
    "shifted add": lambda t, e, x: x[1:].add_(x[:-1]),
    "shifted item": lambda t, e, x: x.__setitem__(slice(1, None), x[:-1]),
    "own row": lambda t, e, x: x.add_(x[0]),
    "own element": lambda t, e, x: x.copy_(x[0, 0]),
    "leaf": lambda t, e, x: x.requires_grad_().add_(x.reshape(-1)),
    "leaf of another shape": lambda t, e, x: x.requires_grad_().copy_(t.ones(7)),
    "leaf's row": lambda t, e, x: x.requires_grad_().__setitem__(0, t.ones(7)),
    "leaf's view": lambda t, e, x: x.requires_grad_()[1:].add_(x[:-1]),
}  # fmt: skip


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_writes(write, execution):
    def run(t):
        x = t.arange(12.0).reshape(3, 4) / 7
        e = x.unsqueeze(0).expand(2, 3, 4)
        write(t, e, x)
        return x.detach(), e.detach(), x._version

    assert_alike(run)


@case
def view_that_got_a_history_it_was_not_asked_for(t):
    x, w = t.ones(3), t.ones(3, requires_grad=True)
    v = x.view(3)
    x.mul_(w)
    flags = v.requires_grad, v.is_leaf
    v.add_(1)
    return flags


@case
def view_that_was_asked_for_its_new_history(t):
    x, w = t.ones(3), t.ones(3, requires_grad=True)
    v = x.view(3)
    x.mul_(w)
    named = type(v.grad_fn).__name__.startswith(("AsStrided", "View"))
    v.add_(1)
    return named, v.is_leaf, x


@case
def fill_through_an_expanded_view_has_no_backward(t):
    x = t.ones(3, requires_grad=True) * 1
    x.expand(2, 3).fill_(2.0)
    x.sum().backward()


def _overwritten(write):
    def run(t):
        x, w = t.ones(2, 3, requires_grad=True), t.ones(2, 3, requires_grad=True)
        a = (x + 1).sum(1, keepdim=True).exp() * 2
        out = a * w.sum() + a[:, 0].sum()
        write(t, a)
        out.sum().backward()

    return run


OVERWRITTEN = {
    "in place": lambda t, a: a.mul_(2),
    "through a view": lambda t, a: a[0].mul_(2),
    "without history": lambda t, a: a.detach().mul_(2),
    "by number": lambda t, a: a.fill_(2.0),
}


@pytest.mark.parametrize("write", OVERWRITTEN.values(), ids=OVERWRITTEN)
def test_what_was_overwritten_is_named(write, execution):
    assert_alike(_overwritten(write))


@pytest.mark.parametrize("fn", case, ids=name_of)
def test_like_pytorch(fn, execution):
    assert_alike(fn)
