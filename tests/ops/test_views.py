"""Every view op against PyTorch: values, strides, offset, writing through it, gradients, errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

import torchlike

# Each takes (x of shape (4, 6) float32, library); the base of a chain may be a view itself.
VIEWS = {
    "view": lambda x, t: x.view(3, 8),
    "view -1": lambda x, t: x.view(2, -1, 3),
    "view of slices": lambda x, t: x[1:3].view(-1),
    "view of columns": lambda x, t: x[:, 1:3].view(2, 2, 2),
    "view dtype same": lambda x, t: x.view(t.int32),
    "view dtype small": lambda x, t: x[1].view(t.int16),
    "view dtype large": lambda x, t: x[1:3, 2:].view(t.int64),
    "view_as": lambda x, t: x.view_as(t.ones(8, 3)),
    "reshape": lambda x, t: x.reshape(2, 12),
    "reshape of t": lambda x, t: x.t().reshape(3, 8),
    "reshape_as": lambda x, t: x.reshape_as(t.ones(8, 3)),
    "flatten": lambda x, t: x.view(2, 2, 6).flatten(1),
    "flatten copy": lambda x, t: x.t().flatten(),
    "unflatten": lambda x, t: x.unflatten(1, (2, -1)),
    "unflatten of t": lambda x, t: x.t().unflatten(0, (2, 3)),
    "ravel": lambda x, t: x.ravel(),
    "squeeze": lambda x, t: x.view(1, 4, 1, 6).squeeze(),
    "squeeze dim": lambda x, t: x.view(1, 4, 1, 6).squeeze(2),
    "squeeze dims": lambda x, t: x.view(1, 4, 1, 6).squeeze((0, 1)),
    "unsqueeze": lambda x, t: x.unsqueeze(1),
    "unsqueeze last": lambda x, t: x.t().unsqueeze(-1),
    "transpose": lambda x, t: x.transpose(0, 1),
    "swapaxes": lambda x, t: x.swapaxes(0, 1),
    "swapdims": lambda x, t: x.swapdims(-1, 0),
    "t": lambda x, t: x.t(),
    "T": lambda x, t: x.T,
    "mT": lambda x, t: x.view(2, 2, 6).mT,
    "H": lambda x, t: x.H,
    "mH": lambda x, t: x.view(2, 2, 6).mH,
    "adjoint": lambda x, t: x.adjoint(),
    "permute": lambda x, t: x.view(2, 2, 6).permute(2, 0, 1),
    "movedim": lambda x, t: x.view(2, 2, 6).movedim(0, -1),
    "moveaxis": lambda x, t: t.moveaxis(x.view(2, 2, 6), (0, 1), (2, 0)),
    "expand": lambda x, t: x[:, None].expand(-1, 3, 6),
    "expand same": lambda x, t: x.expand(4, 6),
    "expand leading one": lambda x, t: x.expand(1, 4, 6),
    "expand_as": lambda x, t: x[:, :1].expand_as(t.ones(4, 2)),
    "broadcast_to": lambda x, t: t.broadcast_to(x, (2, 4, 6)),
    "narrow": lambda x, t: x.narrow(1, 2, 3),
    "narrow negative": lambda x, t: x.narrow(1, -2, 2),
    "narrow tensor": lambda x, t: x.narrow(0, t.tensor(1), 2),
    "select": lambda x, t: x.select(1, -1),
    "slice": lambda x, t: x[1:, ::2],
    "slice step": lambda x, t: x[1:4:2, 1:6:3],
    "slice empty": lambda x, t: x[3:1],
    "None and ...": lambda x, t: x[None, ..., 2],
    "alias": lambda x, t: x[...],
    "detach": lambda x, t: x.detach(),
    "diagonal": lambda x, t: x.diagonal(),
    "diagonal +2": lambda x, t: x.diagonal(2),
    "diagonal -1": lambda x, t: x.diagonal(-1),
    "diagonal 3d": lambda x, t: x.view(2, 2, 6).diagonal(1, 2, 0),
    "diagonal empty": lambda x, t: x.diagonal(9),
    "linalg.diagonal": lambda x, t: t.linalg.diagonal(x.view(2, 2, 6), offset=1),
    "unfold": lambda x, t: x.unfold(1, 2, 2),
    "unfold apart": lambda x, t: x.unfold(1, 2, 3),
    "unfold overlap": lambda x, t: x.unfold(0, 3, 1),
    "as_strided": lambda x, t: x.as_strided((2, 3), (6, 2), 1),
    "as_strided of a view": lambda x, t: x[1:].as_strided((2, 2), (1, 6)),
    "split": lambda x, t: x.split(4, 1)[1],
    "split sizes": lambda x, t: x.split([1, 3])[1],
    "chunk": lambda x, t: x.chunk(4, 1)[2],
    "tensor_split": lambda x, t: x.tensor_split(4, 1)[1],
    "tensor_split indices": lambda x, t: x.tensor_split((1, 4), dim=1)[1],
    "hsplit": lambda x, t: x.hsplit(3)[1],
    "vsplit": lambda x, t: x.vsplit((1, 3))[1],
    "dsplit": lambda x, t: x.view(2, 2, 6).dsplit(2)[0],
    "unbind": lambda x, t: x.unbind(1)[3],
    "atleast_3d": lambda x, t: t.atleast_3d(x),
    "view_as_complex": lambda x, t: t.view_as_complex(x.view(4, 3, 2)),
    "complex real": lambda x, t: t.view_as_complex(x.view(4, 3, 2)).real,
    "complex imag": lambda x, t: t.view_as_complex(x.view(4, 3, 2))[1:].imag,
    "view_as_real": lambda x, t: t.view_as_real(t.view_as_complex(x.view(4, 3, 2))[:, 1]),
    "chain": lambda x, t: x.t()[1:5].unfold(0, 2, 1)[:, ::2].diagonal(0, 0, 2),
}
# PyTorch forbids such writes under autograd, or leaves undefined what they give
READ_ONLY = {"split", "split sizes", "chunk", "unbind", "unfold overlap"}


def base(library):
    return library.arange(24.0).reshape(4, 6).clone()


def outcome(run, library):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return run(library)
        except (IndexError, RuntimeError, ValueError, TypeError) as error:
            return type(error).__name__, str(error).split("\n")[0]


def arrays(found):
    return found.detach().numpy() if hasattr(found, "detach") else found


def agree(run) -> None:
    ours, theirs = outcome(run, torchlike), outcome(run, torch)
    if isinstance(theirs, tuple) and isinstance(theirs[0], str):
        assert ours == theirs
        return
    assert not (isinstance(ours, tuple) and isinstance(ours[0], str)), (ours, theirs)
    for o, e in zip(ours, theirs, strict=True):
        if isinstance(e, torch.Tensor):
            assert str(o.dtype) == str(e.dtype)
            np.testing.assert_allclose(arrays(o), arrays(e), rtol=1e-5, atol=1e-5)
        else:
            assert o == e


@pytest.mark.parametrize("name", VIEWS)
def test_place_in_storage(name: str) -> None:
    def run(library):
        x = base(library)
        v = VIEWS[name](x, library)
        shares = (
            not v.numel()
            or any(p.data_ptr() == v.data_ptr() for p in x.reshape(-1))
            or "imag" in name
            or "small" in name
        )
        return v, tuple(v.shape), tuple(v.stride()), v.storage_offset(), v.is_contiguous(), shares

    agree(run)


@pytest.mark.parametrize("name", VIEWS)
def test_write_through(name: str, execution) -> None:
    def run(library):
        x = base(library)
        v = VIEWS[name](x, library)
        v.copy_(v * 2 + 1)
        x.view(-1)[3] = 99
        return x, v

    agree(run)


@pytest.mark.parametrize("name", [n for n in VIEWS if "dtype" not in n and n != "detach"])
def test_gradients(name: str) -> None:
    def run(library):
        x = base(library).requires_grad_()
        v = VIEWS[name](x * 2, library)
        (library.view_as_real(v) if v.is_complex() else v).sin().sum().backward()
        return (x.grad,)

    def write(library):
        x = base(library).requires_grad_()
        y = x * 2
        v = VIEWS[name](y, library)
        v *= 3
        return (*library.autograd.grad((y.sin().sum() + v.abs().sum()), x),)

    agree(run)
    if name not in READ_ONLY:
        agree(write)


ERRORS = {
    "t.view": lambda x, t: x.t().view(24),
    "view sizes": lambda x, t: x.view(5, -1),
    "view two holes": lambda x, t: x.view(-1, -1),
    "view dtype 0-d": lambda x, t: x[0, 0].view(t.int16),
    "view dtype size": lambda x, t: x[:, :5].view(t.float64),
    "view dtype stride": lambda x, t: x.t().view(t.int64),
    "unflatten": lambda x, t: x.unflatten(0, (3, 2)),
    "unflatten hole": lambda x, t: x.unflatten(0, (-1, 3)),
    "flatten": lambda x, t: x.flatten(1, 0),
    "squeeze": lambda x, t: x.squeeze(3),
    "squeeze twice": lambda x, t: x.squeeze((0, 0)),
    "unsqueeze": lambda x, t: x.unsqueeze(4),
    "transpose": lambda x, t: x.transpose(0, 2),
    "t": lambda x, t: x[None].t(),
    "permute": lambda x, t: x.permute(0),
    "permute twice": lambda x, t: x.permute(0, 0),
    "movedim": lambda x, t: x.movedim((0, 1), (0,)),
    "movedim twice": lambda x, t: x.movedim((0, 0), (0, 1)),
    "expand": lambda x, t: x.expand(3, 6),
    "expand fewer": lambda x, t: x.expand(6),
    "expand -1": lambda x, t: x.expand(-1, 4, 6),
    "narrow": lambda x, t: x.narrow(0, 5, 1),
    "narrow length": lambda x, t: x.narrow(0, 2, 3),
    "select": lambda x, t: x.select(0, 4),
    "select 0-d": lambda x, t: x[0, 0].select(0, 0),
    "diagonal": lambda x, t: x.diagonal(0, 0, 0),
    "unfold": lambda x, t: x.unfold(0, 5, 1),
    "unfold step": lambda x, t: x.unfold(0, 2, 0),
    "as_strided": lambda x, t: x.as_strided((5, 5), (6, 1)),
    "as_strided lengths": lambda x, t: x.as_strided((2,), (1, 1)),
    "split": lambda x, t: x.split(0),
    "split sizes": lambda x, t: x.split([1, 2]),
    "chunk": lambda x, t: x.chunk(0),
    "tensor_split": lambda x, t: x.tensor_split(0),
    "hsplit": lambda x, t: x.hsplit(4),
    "dsplit": lambda x, t: x.dsplit(1),
    "unbind": lambda x, t: x[0, 0].unbind(),
    "imag": lambda x, t: x.imag,
    "view_as_real": lambda x, t: t.view_as_real(x),
    "view_as_complex": lambda x, t: t.view_as_complex(x),
    "view_as_complex stride": lambda x, t: t.view_as_complex(x.t()[:, :2]),
    "H": lambda x, t: x[None].H,
    "mT": lambda x, t: x[0].mT,
    "leaf": lambda x, t: x.requires_grad_()[0].add_(1),
    "expanded": lambda x, t: x[:, :1].expand(4, 6).add_(1),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_message(name: str) -> None:
    def run(library):
        return ERRORS[name](base(library), library)

    ours, theirs = outcome(run, torchlike), outcome(run, torch)
    assert isinstance(theirs, tuple)
    assert ours == theirs


@pytest.mark.parametrize(
    "name", ["squeeze_", "unsqueeze_", "t_", "transpose_", "swapaxes_", "swapdims_"]
)
def test_in_place_twin(name: str) -> None:
    args = {"unsqueeze_": (1,), "transpose_": (0, 1), "swapaxes_": (0, 1), "swapdims_": (0, 1)}

    def run(library):
        x = base(library)
        v = x[1:2] if name == "squeeze_" else x
        found = getattr(v, name)(*args.get(name, ()))
        found += 1
        return v, x, found is v, tuple(v.shape), tuple(v.stride())

    agree(run)
