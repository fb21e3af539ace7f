"""Storage: random chains of views against PyTorch's, writes through them, what shares and what copies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

import torchlike

from ..compare import Cases, assert_alike, error_of, name_of, numpy_of

LIMIT = settings(max_examples=60, deadline=None, derandomize=True, database=None)
case = Cases()

# Each step takes (tensor, three numbers from 0 to 5) and gives a view of it
STEPS = [
    lambda x, a, b, c: x.transpose(a % x.ndim, b % x.ndim),
    lambda x, a, b, c: x.select(a % x.ndim, b % x.shape[a % x.ndim]) if x.ndim > 1 else x,
    lambda x, a, b, c: x.narrow(a % x.ndim, b % x.shape[a % x.ndim], 1),
    lambda x, a, b, c: x[tuple([slice(None)] * (a % x.ndim)) + (slice(None, None, 1 + b % 2),)],
    lambda x, a, b, c: x[..., b % x.shape[-1] :],
    lambda x, a, b, c: x.unsqueeze(a % (x.ndim + 1)),
    lambda x, a, b, c: x.squeeze(a % x.ndim) if x.ndim > 1 else x,
    lambda x, a, b, c: x.permute([(i + a) % x.ndim for i in range(x.ndim)]),
    lambda x, a, b, c: x.diagonal(0, a % x.ndim, (a + 1) % x.ndim) if x.ndim > 1 else x,
    lambda x, a, b, c: x.unfold(a % x.ndim, 1 + b % x.shape[a % x.ndim], 1 + c % 2),
    lambda x, a, b, c: x.flatten(),
    lambda x, a, b, c: x.view(-1) if x.is_contiguous() else x,
    lambda x, a, b, c: x.split(1 + b % 2, a % x.ndim)[0],
    lambda x, a, b, c: x.movedim(a % x.ndim, b % x.ndim),
    lambda x, a, b, c: x.detach(),
]
chains = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), *[st.integers(0, 5)] * 3), min_size=1, max_size=5
)


def build(t, chain):
    """The base and the views along a chain; small, so that unfold does not explode."""
    x = t.arange(24.0).view(2, 3, 4)
    found = [x]
    for step, *numbers in chain:
        view = STEPS[step](found[-1], *numbers)
        if view.numel() == 0 or view.ndim > 5 or view.numel() > 200:
            break
        found.append(view)
    return found


def layout(x, base):
    """Shape, strides, offset, contiguity, and whether the contents are the base's."""
    shares = x.untyped_storage().data_ptr() == base.untyped_storage().data_ptr()
    return tuple(x.shape), x.stride(), x.storage_offset(), x.is_contiguous(), shares


@LIMIT
@given(chain=chains)
def test_layouts(chain):
    expected, found = build(torch, chain), build(torchlike, chain)
    for e, f in zip(expected, found, strict=True):
        assert layout(e, expected[0]) == layout(f, found[0])
        np.testing.assert_array_equal(numpy_of(e), numpy_of(f))


@LIMIT
@given(chain=chains, at=st.integers(0, 5), recorded=st.booleans())
def test_writes_show_everywhere(chain, at, recorded):
    runs = []
    for t in (torch, torchlike):
        with torchlike.config.using("recorded" if recorded else "op_by_op"):
            views = build(t, chain)
            written = views[at % len(views)]
            try:
                written.mul_(2)
                written[..., 0] = -1.0
                views[0].add_(0.5)
                views[-1].add_(t.ones_like(views[-1]))
            except RuntimeError as error:
                runs.append(str(error).splitlines()[0])
                continue
            runs.append([numpy_of(v) for v in views] + [v._version for v in views])
    if isinstance(runs[0], str) or isinstance(runs[1], str):
        assert runs[0] == runs[1]
    else:
        for e, f in zip(*runs, strict=True):
            np.testing.assert_array_equal(e, f)


@LIMIT
@given(chain=chains, at=st.integers(0, 5))
def test_gradients_through_writes(chain, at):
    runs = []
    for t in (torch, torchlike):
        leaf = t.arange(24.0).view(2, 3, 4).requires_grad_()
        views = [leaf * 1]
        for step, *numbers in chain:
            if (
                STEPS[step](views[-1].detach(), *numbers).numel() in range(1, 100)
                and step != len(STEPS) - 1
            ):
                views.append(STEPS[step](views[-1], *numbers))
            if views[-1].ndim > 4:
                break
        try:
            views[at % len(views)].mul_(3)
            (views[-1] * views[-1]).sum().backward()
        except RuntimeError as error:
            runs.append(str(error).splitlines()[0].replace("Backward0", ""))
            continue
        runs.append(numpy_of(leaf.grad))
    if isinstance(runs[0], str) or isinstance(runs[1], str):
        assert str(runs[0]) == str(runs[1])
    else:
        np.testing.assert_allclose(runs[1], runs[0], rtol=1e-5)


@case
def data_shares(t):
    x = t.ones(3, requires_grad=True)
    x.data.mul_(2)
    x.data[0] = 5
    y = x.data
    y += 1
    return x, x._version, y.requires_grad, y.is_leaf


@case
def data_is_replaced(t):
    x = t.ones(3, requires_grad=True)
    y = x * 2
    x.data = t.full((2, 2), 7.0)
    return x, x.shape, y.sum().item(), x.requires_grad, error_of(setattr, x, "data", 3)


@case
def detach_shares(t):
    x = t.ones(3, requires_grad=True)
    d = x.detach()
    d[1] = 4
    return x, d.requires_grad, x._version, d._version, d._base is None, d.data_ptr() == x.data_ptr()


@case
def clone_copies(t):
    x = t.ones(3)
    y = x.clone()
    y.add_(1)
    return x, y, x.contiguous() is x, x.t() is x


@case
def numpy_shows_later_writes(t):
    x = t.ones(3)
    a = x.numpy()
    x.add_(1)
    x[0] = 9
    return a.tolist(), x


@case
def numpy_writes_show_in_the_tensor(t):
    x = t.ones(3)
    a = x.numpy()
    a[1] = 7
    y = x * 2
    a[1] = 8
    return x.tolist(), y


@case
def from_numpy_shares(t):
    a = np.ones(3, np.float32)
    x = t.from_numpy(a)
    a[0] = 5
    first = x.tolist()
    x.mul_(2)
    return first, a.tolist(), (x + 1).tolist()


@case
def as_tensor_shares_and_tensor_copies(t):
    a = np.ones(3)
    shared, copied = t.as_tensor(a), t.tensor(a)
    a[0] = 5
    return shared.tolist(), copied.tolist(), shared.dtype


@case
def numpy_of_a_view(t):
    x = t.arange(6.0).view(2, 3)
    a = x.t()[1:].numpy()
    x.mul_(10)
    return a.tolist(), a.shape, a.strides


@case
def from_numpy_refuses(t):
    return (
        error_of(t.from_numpy, [1]), error_of(t.from_numpy, np.ones(3, np.float32)[::-1]),
        error_of(t.from_numpy, np.array(["a"]))[0], t.from_numpy(np.array(3)).shape,
    )  # fmt: skip


@case
def views_of_other_dtypes(t):
    x = t.tensor([1.0, 2.0])
    i = x.view(t.int32)
    i[0] = 0
    z = t.tensor([1 + 2j, 3j])
    t.view_as_real(z)[0, 1] = 5.0
    z.real.mul_(10)
    return i, x, z, error_of(t.ones(3).view, t.float64)


@case
def expanded_tensors_refuse_writes(t):
    x = t.ones(3, 1).expand(3, 4)
    return error_of(x.add_, 1), x.stride(), error_of(x.view, 12), x.reshape(12).shape


@case
def incompatible_views(t):
    x = t.arange(6.0).view(2, 3)
    return (
        error_of(x.t().view, 6),
        error_of(x.view, 4),
        error_of(x.view, -1, -1),
        error_of(x.reshape, -1, 4),
    )


@case
def bases(t):
    x = t.ones(2, 3)
    v = x[0]
    w = v[1:]
    return (
        x._base is None,
        v._base is x,
        w._base is x,
        v._is_view(),
        x.detach()._is_view(),
        w.storage_offset(),
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fn", case, ids=name_of)
def test_like_pytorch(fn, execution):
    assert_alike(fn)
