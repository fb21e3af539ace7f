"""What autograd allows to be written, and when it records at all, against PyTorch's rules."""

from __future__ import annotations

import pytest

import torchlike

from ..compare import Cases, assert_alike, error_of, name_of

case = Cases()


def leaf(t, *values):
    return t.tensor(list(values), requires_grad=True)


# --- versions ----------------------------------------------------------------------------------


@case
def version_counts_writes(t):
    x = t.ones(3)
    versions = [x._version]
    x.add_(1)
    versions.append(x._version)
    x[0] = 2
    versions.append(x._version)
    v = x.view(3)
    v.mul_(2)
    versions += [x._version, v._version]
    x.data.mul_(2)
    x.detach().mul_(2)
    return [*versions, x._version]


@case
def saved_input_overwritten(t):
    x, w = leaf(t, 1.0), t.ones(1)
    y = (x * w).sum()
    w.add_(1)
    return error_of(y.backward)


@case
def saved_output_overwritten(t):
    x = leaf(t, 1.0, 2.0)
    y = x.exp()
    y.add_(1)
    return error_of(y.sum().backward)


@case
def saved_view_overwritten_through_the_base(t):
    x, w = leaf(t, 1.0, 2.0), t.ones(3)
    y = (x * w[1:]).sum()
    w.zero_()
    return error_of(y.backward)


@case
def write_that_hurts_nobody(t):
    x = leaf(t, 1.0, 2.0)
    y = x + 1
    y.mul_(3)
    y.sum().backward()
    return x.grad


@case
def inplace_on_a_slice(t):
    x = leaf(t, 1.0, 2.0, 3.0)
    y = x * 1
    y[1:].mul_(x[:2])
    y[0] = 5.0
    y.sum().backward()
    return y, type(y.grad_fn).__name__, x.grad


@case
def view_of_a_written_base(t):
    x = leaf(t, 1.0, 2.0)
    y = x * 2
    v = y[0]
    y.mul_(x)
    (v * 3).backward()
    return v, x.grad


@case
def copy_into_a_buffer(t):
    x = leaf(t, 1.0, 2.0)
    buffer = t.zeros(2, 2)
    buffer[0] = x
    buffer[1].copy_(x * 2)
    (buffer * buffer).sum().backward()
    return buffer.requires_grad, x.grad


@case
def views_of_unbind_refuse_writes(t):
    x = t.ones(2, 2, requires_grad=True) * 1
    return error_of(x.unbind()[0].add_, 1)


# --- modes -------------------------------------------------------------------------------------


@case
def no_grad_everywhere(t):
    x = leaf(t, 1.0)

    @t.no_grad()
    def f():
        return (x * 2).requires_grad, t.is_grad_enabled()

    @t.no_grad
    def bare():
        return (x * 2).requires_grad

    @t.no_grad()
    def gen():
        yield t.is_grad_enabled()
        yield (x * 2).requires_grad

    g = gen()
    first, between, second = next(g), t.is_grad_enabled(), next(g)
    with t.no_grad():
        with t.enable_grad():
            inner = (x * 2).requires_grad
        outer = (x * 2).requires_grad
        x.add_(1)
    return f(), bare(), first, between, second, inner, outer, x.requires_grad, x


@case
def set_grad_enabled(t):
    x = leaf(t, 1.0)
    t.set_grad_enabled(False)
    off = (x * 2).requires_grad
    t.set_grad_enabled(True)
    with t.set_grad_enabled(False):
        inside = (x * 2).requires_grad
    return off, inside, t.is_grad_enabled(), (x * 2).requires_grad


@case
def mode_survives_an_error(t):
    def boom():
        with t.no_grad():
            raise ValueError("boom")

    return error_of(boom), t.is_grad_enabled()


@case
def inference_mode(t):
    x = leaf(t, 1.0)
    with t.inference_mode():
        y = x * 2
        inside = (
            t.is_inference_mode_enabled(),
            t.is_grad_enabled(),
            y.requires_grad,
            y.is_inference(),
        )
    return (
        inside,
        t.is_inference_mode_enabled(),
        error_of(lambda: y._version),
        error_of(lambda: (x * y).sum().backward()),
    )


@case
def inplace_keeps_what_backward_needs(t):
    x = leaf(t, 1.0, 2.0, 3.0)
    found = []
    for write in (
        lambda y: y.mul_(x).add_(1), lambda y: y.mul_(y), lambda y: y[1:].pow_(2).add_(1),
        lambda y: (y[1:].exp_(), y.add_(1)), lambda y: y.sigmoid_().mul_(2), lambda y: y.div_(x),
    ):  # fmt: skip
        y = x * 1
        write(y)
        found.append(error_of(y.sum().backward))
    return found, x.grad


@case
def inplace_with_a_cast(t):
    x = leaf(t, 1.0, 2.0)
    y = x * 1
    y.mul_(t.tensor([3.0, 4.0], dtype=t.float64))
    y.sum().backward()
    return y.dtype, x.grad


@case
def inplace_reshapes_count(t):
    x = t.ones(2, 3)
    x.transpose_(0, 1)
    x.unsqueeze_(0)
    x.squeeze_()
    return x.shape, x._version


@case
def inference_tensors_keep_apart(t):
    x = leaf(t, 1.0, 2.0)
    with t.inference_mode():
        y = t.ones(2)
    return (
        error_of(y.add_, 1), y[0].is_inference(), (y * 2).is_inference(), (x + y).requires_grad,
        error_of(y[0].requires_grad_), error_of(lambda: x.pow(y)),
    )  # fmt: skip


@pytest.mark.parametrize("fn", case, ids=name_of)
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_like_pytorch(fn, execution):
    assert_alike(fn)


def test_a_write_through_data_leaves_what_was_saved(execution):
    # Differs: PyTorch's backward would silently use the number written behind its back
    x, w = leaf(torchlike, 1.0), torchlike.ones(1)
    y = (x * w).sum()
    w.data.add_(1)
    y.backward()
    assert x.grad.item() == 1.0
