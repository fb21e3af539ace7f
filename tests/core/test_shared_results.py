"""Results that share memory with operands, or are them: what a write reaches, versions, history, gradients."""

from __future__ import annotations

import warnings

import pytest
import torch

import torchlike

from ..compare import Cases, assert_alike, name_of

pytestmark = pytest.mark.filterwarnings("ignore")
case = Cases()

FUNCTIONS = {
    "broadcast_tensors": lambda t, b: t.broadcast_tensors(b, t.ones(3, 1)),
    "broadcast_tensors, wider": lambda t, b: t.broadcast_tensors(t.ones(3, 1), b),
    "unsafe_split": lambda t, b: t.unsafe_split(b, 2),
    "unsafe_chunk": lambda t, b: t.unsafe_chunk(b, 2, 1),
    "unsafe_split_with_sizes": lambda t, b: t.unsafe_split_with_sizes(b, [1, 2]),
    "view of unsafe_split": lambda t, b: t.unsafe_split(b, 2)[0].view(-1),
    "positive": lambda t, b: t.positive(b),
    "conj": lambda t, b: t.conj(b),
    "conj_physical": lambda t, b: t.conj_physical(b),
    "resolve_conj": lambda t, b: t.resolve_conj(b),
    "resolve_neg": lambda t, b: b.resolve_neg(),
    "real": lambda t, b: t.real(b),
    "atleast_1d": lambda t, b: t.atleast_1d(b),
    "atleast_3d": lambda t, b: t.atleast_3d(b),
    "atleast_3d of a list": lambda t, b: t.atleast_3d([b, t.ones(1)]),
    "dropout of nothing": lambda t, b: t.nn.functional.dropout(b, 0.0),
    "dropout after training": lambda t, b: t.nn.functional.dropout(b, training=False),
    "dropout1d": lambda t, b: t.nn.functional.dropout1d(b, 0.0),
    "dropout2d": lambda t, b: t.nn.functional.dropout2d(b, 0.3, False),
    "alpha_dropout": lambda t, b: t.nn.functional.alpha_dropout(b),
    "feature_alpha_dropout": lambda t, b: t.nn.functional.feature_alpha_dropout(b, 0.0, True),
    "feature_dropout": lambda t, b: t.feature_dropout(b, 0.5, False),
    "meshgrid": lambda t, b: t.meshgrid(t.ones(2), b.view(-1)[:2], indexing="xy"),
    "cartesian_prod": lambda t, b: t.cartesian_prod(b.view(-1)),
    "float": lambda t, b: b.float(),
    "float, in order": lambda t, b: b.float(memory_format=t.contiguous_format),
    "float, channels last of three dims": lambda t, b: b[None].float(memory_format=t.channels_last),
    "float, out of order": lambda t, b: b.t().float(memory_format=t.contiguous_format),
    "float, channels last already": lambda t, b: b.view(1, 2, 3, 2).permute(0, 3, 1, 2).float(
        memory_format=t.channels_last),
    "to, no longer channels last": lambda t, b: b.view(1, 2, 3, 2).permute(0, 3, 1, 2).to(
        memory_format=t.contiguous_format),
    "contiguous": lambda t, b: b.contiguous(),
    "contiguous, channels last of one": lambda t, b: b[None, None].contiguous(memory_format=t.channels_last),
    "contiguous, channels last of three dims": lambda t, b: b[None].contiguous(memory_format=t.channels_last),
    "contiguous, kept": lambda t, b: b.contiguous(memory_format=t.preserve_format),
    "contiguous, kept out of order": lambda t, b: b.t().contiguous(memory_format=t.preserve_format),
    "flatten of one dim": lambda t, b: b.flatten(1),
    "flatten": lambda t, b: b.flatten(),
    "sum_to_size": lambda t, b: b.sum_to_size(3, 4),
    "type_as": lambda t, b: b.type_as(t.ones(1)),
    "type_as, another type": lambda t, b: b.type_as(t.ones(1, dtype=t.float64)),
    "cpu": lambda t, b: b.cpu(memory_format=t.preserve_format),
}  # fmt: skip


@pytest.mark.parametrize("learns", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_writes_reach_what_they_reach_in_pytorch(name: str, learns: bool):
    def write(t):
        leaf = t.arange(12.0).reshape(3, 4).requires_grad_(learns)
        x = leaf * 2 if learns else leaf
        made = FUNCTIONS[name](t, x)
        outs = made if isinstance(made, (tuple, list)) else [made]
        facts = [(y is x, y._is_view(), tuple(y.stride()), x._version, y._version) for y in outs]
        outs[-1].mul_(3.0)
        found = [x.detach(), *[y.detach() for y in outs]]
        if learns:
            total = sum((y * y).sum() for y in outs) + (x * x).sum()
            found += t.autograd.grad(total, leaf)
        return facts, x._version, found

    assert_alike(write)


HISTORIES = ("broadcast_tensors", "unsafe_split", "unsafe_chunk", "unsafe_split_with_sizes", "meshgrid",
             "atleast_3d of a list", "dropout1d", "cartesian_prod", "real")  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_nodes_have_pytorchs_names(name: str):
    def nodes(t):
        x = t.arange(12.0).reshape(3, 4).requires_grad_() * 2
        made = FUNCTIONS[name](t, x)
        outs = made if isinstance(made, (tuple, list)) else [made]
        return [y.grad_fn and y.grad_fn.name().rpartition("::")[2] for y in outs]

    assert_alike(nodes)


@case
def dropout_of_a_leaf_in_place_that_does_nothing(t):
    x = t.ones(3, requires_grad=True)
    return t.nn.functional.dropout(x, 0.5, False, True) is x, x._version


@case
def a_probability_is_looked_at_first(t):
    return t.nn.functional.dropout(t.ones(3), -1.0, False)


@case
def a_rank_is_looked_at_first(t):
    return t.nn.functional.dropout1d(t.ones(3), 0.5, False)


@case
def positive_of_bools(t):
    return +t.tensor([True])


@case
def shapes_that_do_not_broadcast(t):
    return t.broadcast_tensors(t.ones(3), t.ones(2))


@case
def grids_of_two_dtypes(t):
    return t.meshgrid(t.ones(2), t.ones(2, dtype=t.int64))


@case
def an_out_of_a_real_conjugate(t):
    out = t.zeros(2)
    return t.conj_physical(t.ones(2), out=out) is out, out


@case
def edges_given_to_histogramdd_come_back(t):
    edges = [t.tensor([0.0, 1.0, 2.0]), t.tensor([0.0, 2.0])]
    found = t.histogramdd(t.ones(3, 2), edges)
    return [a is b for a, b in zip(found.bin_edges, edges, strict=True)], found


@case
def a_copy_for_the_order_of_channels(t):
    x = t.ones(1, 2, 2, 2)
    x.contiguous(memory_format=t.channels_last).mul_(2)
    x.to(memory_format=t.channels_last).mul_(3)
    return x


@case
def under_vmap(t):
    def each(x):
        grid = t.meshgrid(x, x, indexing="ij")[1] + t.atleast_2d(x)
        return grid, t.broadcast_tensors(x, t.ones(2, 1))[0], t.unsafe_chunk(x, 2)[0] * 2

    return t.func.vmap(each)(t.arange(6.0).reshape(2, 3))


@case
def second_derivatives(t):
    def of(x):
        return (t.unsafe_split(x, 2)[0] ** 3).sum() + t.meshgrid(x, x, indexing="xy")[0].pow(3).sum()

    return t.func.hessian(of)(t.arange(3.0))


@case
def tangents(t):
    def of(x):
        return t.broadcast_tensors(x, t.ones(2, 1))[0].sum() * t.unsafe_chunk(x, 2)[0].sum()

    return t.func.jvp(of, (t.arange(3.0),), (t.ones(3),))


@pytest.mark.parametrize("fn", case, ids=name_of)
def test_alike(fn):
    assert_alike(fn)


# --- out= ----------------------------------------------------------------------------------------

NUMBERS = [1.6, 2.7, -3.2]
OUTS = {
    "bitwise_not": lambda t, x, out: t.bitwise_not(x.long(), out=out),
    "linspace": lambda t, x, out: t.linspace(1.5, 7, 3, out=out),
    "linspace, another dtype": lambda t, x, out: t.linspace(1.5, 7, 3, out=out, dtype=t.float32),
    "logspace": lambda t, x, out: t.logspace(t.tensor(0.0), 2, 3, out=out),
    "cumsum": lambda t, x, out: t.cumsum(x, 0, out=out),
    "cumprod": lambda t, x, out: t.cumprod(x, 0, out=out),
    "nansum": lambda t, x, out: t.nansum(x, 0, out=out),
    "nanmean": lambda t, x, out: t.nanmean(x, 0, out=out),
    "nanmean, another dtype": lambda t, x, out: t.nanmean(x, 0, dtype=t.float64, out=out),
    "nonzero": lambda t, x, out: t.nonzero(x, out=(out,)),
    "nonzero as a tuple": lambda t, x, out: t.nonzero(x, as_tuple=True, out=out),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool"])
@pytest.mark.parametrize("name", OUTS)
def test_out_of_another_dtype(name: str, dtype: str):
    def call(t):
        out = t.zeros(3, dtype=getattr(t, dtype))
        return OUTS[name](t, t.tensor(NUMBERS), out) is out, out

    assert_alike(call)


@pytest.mark.parametrize("sizes", [[1, 2], [3], [1, 2, 2], [0, 3]], ids=str)
@pytest.mark.parametrize("kind", [list, tuple])
def test_copies_of_pieces_return_nothing(kind: type, sizes: list[int]):
    def call(t):
        outs = kind([t.zeros(n) for n in sizes])
        return t.split_with_sizes_copy(t.tensor(NUMBERS), [1, 2], out=outs), outs

    assert_alike(call)


def test_copies_of_rows_return_nothing():
    def call(t):
        outs = [t.zeros(()) for _ in NUMBERS]
        return t.unbind_copy(t.tensor(NUMBERS), out=outs), outs

    assert_alike(call)


def test_statistics_written_to_out():
    def call(t):
        outs = tuple([t.zeros(0) for _ in range(3)])
        x = t.arange(12.0).reshape(3, 2, 2)
        found = t.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5, out=outs)
        return [a is b for a, b in zip(found, outs, strict=True)], list(outs)

    assert_alike(call)


@pytest.mark.parametrize("kinds", ["uuu", "uui", "uiu", "uuf", "iiu", "fuu", "bub"])
def test_distances_of_integers_wrap_in_their_own_type(kinds: str):
    names = {"u": "uint8", "i": "int64", "f": "float32", "b": "bool"}

    def call(t):
        x, y, z = (
            t.tensor(row).to(getattr(t, names[k]))
            for row, k in zip([[[5, 1, 6]], [[5, 6, 4]], [[1, 9, 4]]], kinds, strict=True)
        )
        F = t.nn.functional
        return F.pairwise_distance(x, y), F.triplet_margin_loss(x, y, z, swap=True)

    assert_alike(call)


def test_reals_of_both_libraries_are_the_tensor_itself():
    for library in (torch, torchlike):
        x = library.ones(2)
        assert library.real(x) is x.real is x


def test_densities_of_nothing_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_alike(lambda t: t.histogramdd(t.zeros(0, 2), [2, 2], density=True))
