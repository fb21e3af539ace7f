"""``torch.vmap``: what it maps, what comes back, what it refuses."""

from __future__ import annotations

import pytest
import torch as real_torch

import torchlike

from .oracle import Programs, agree, name_of

PROGRAMS = Programs()


def numbers(torch, *shape):
    count = 1
    for n in shape:
        count *= n
    return torch.arange(1.0, count + 1).reshape(shape) / count


# --- dims ----------------------------------------------------------------------------------------


@PROGRAMS
def first_dim(torch):
    return torch.vmap(lambda x: x.sum())(numbers(torch, 2, 3))


@PROGRAMS
def other_dims(torch):
    x, y = numbers(torch, 2, 3, 4), numbers(torch, 4, 3)
    return torch.vmap(lambda a, b: a @ b, in_dims=(0, None))(x, y), torch.vmap(
        lambda a, b: a * b, in_dims=(2, 0), out_dims=1
    )(x, y)


@PROGRAMS
def negative_dims(torch):
    return torch.vmap(lambda a: a.cumsum(0), in_dims=-1, out_dims=-1)(numbers(torch, 2, 3, 4))


@PROGRAMS
def trees(torch):
    x, y = numbers(torch, 2, 3), numbers(torch, 3, 2)

    def f(args, scale):
        return {"sum": args["x"] + args["y"][0], "pair": (args["x"] * scale, args["y"][0].mean())}

    return torch.vmap(f, in_dims=({"x": 0, "y": [1]}, None))({"x": x, "y": [y]}, 2.0)


@PROGRAMS
def out_dims_tree(torch):
    return torch.vmap(lambda a: (a, a.outer(a)), out_dims=(1, 2))(numbers(torch, 2, 3))


@PROGRAMS
def keyword_arguments(torch):
    return torch.vmap(lambda a, scale: a * scale)(numbers(torch, 2, 3), scale=3)


@PROGRAMS
def nested(torch):
    x = numbers(torch, 2, 3)
    return torch.vmap(lambda a: torch.vmap(lambda b: b * a.sum())(a))(x)


@PROGRAMS
def nested_in_other_dims(torch):
    x, y = numbers(torch, 2, 3, 4), numbers(torch, 4, 2)
    inner = torch.vmap(lambda a, b: (a * b, b), in_dims=(1, 0), out_dims=(0, None))

    def outer(a, b):
        return torch.vmap(lambda c, d: c.sum() * d, in_dims=(1, 0))(a, b)

    del inner
    return torch.vmap(outer, in_dims=(0, 1))(x, y)


@PROGRAMS
def unmapped_result(torch):
    return torch.vmap(lambda a: torch.ones(3))(numbers(torch, 2, 3))


@PROGRAMS
def not_mapped_at_all(torch):
    return torch.vmap(lambda a: 3, out_dims=None)(numbers(torch, 2, 3))


@PROGRAMS
def in_chunks(torch):
    x = numbers(torch, 5, 3)
    return [torch.vmap(lambda a: (a.sin(), a.sum()), chunk_size=n)(x) for n in (1, 2, 5, 9)]


@PROGRAMS
def in_chunks_of_other_dims(torch):
    x = numbers(torch, 3, 5)
    return torch.vmap(lambda a, b: a + b, in_dims=(1, None), out_dims=1, chunk_size=2)(x, x[:, 0])


@PROGRAMS
def empty(torch):
    return torch.vmap(lambda a: a * 2)(torch.ones(0, 3))


@PROGRAMS
def promotion_counts_dims_of_a_sample(torch):
    x = torch.ones(2, dtype=torch.float64)
    return torch.vmap(lambda a: a * torch.ones(3))(x)


@PROGRAMS
def names(torch):
    return torch.vmap(torch.sin).__name__, torch.func.grad(torch.cos).__name__


# --- bad arguments ---------------------------------------------------------------------------------


def refusal(f, **options):
    def program(torch):
        x = numbers(torch, 2, 3)
        return torch.vmap(f, **options)(x)

    return program


for label, made in {
    "dims_of_another_type": refusal(lambda a: a, in_dims="x"),
    "dims_of_another_length": refusal(lambda a: a, in_dims=(0, 0)),
    "no_dims": refusal(lambda a: a, in_dims=(None,)),
    "a_float_as_dim": refusal(lambda a: a, in_dims=(1.0,)),
    "dim_out_of_range": refusal(lambda a: a, in_dims=(3,)),
    "result_no_tensor": refusal(lambda a: 3),
    "mapped_result_without_dim": refusal(lambda a: a, out_dims=None),
    "out_dims_of_another_length": refusal(lambda a: (a, a), out_dims=(0, 1, 2)),
    "out_dim_out_of_range": refusal(lambda a: a, out_dims=3),
    "out_dims_of_another_type": refusal(lambda a: a, out_dims="a"),
    "randomness_of_another_kind": refusal(lambda a: a, randomness="some"),
    "no_chunks": refusal(lambda a: a, chunk_size=0),
    "item": refusal(lambda a: a.sum().item()),
    "float": refusal(lambda a: float(a.sum())),
    "branch": refusal(lambda a: a if a.sum() > 0 else -a),
    "numpy": refusal(lambda a: a.numpy()),
    "tolist": refusal(lambda a: a.tolist()),
    "nonzero": refusal(lambda a: a.nonzero()),
    "unique": refusal(lambda a: a.unique()),
    "mask": refusal(lambda a: a[a > 0]),
    "masked_select": refusal(lambda a: a.masked_select(a > 0)),
    "bincount": refusal(lambda a: (a * 9).long().bincount()),
    "backward": refusal(lambda a: (a * 2).sum().backward()),
    "requires_grad_": refusal(lambda a: a.clone().requires_grad_()),
}.items():
    made.__name__ = label
    PROGRAMS(made)


@PROGRAMS
def number_as_argument(torch):
    return torch.vmap(lambda a: a)(3)


@PROGRAMS
def no_arguments(torch):
    return torch.vmap(lambda: 1)()


@PROGRAMS
def sizes_differ(torch):
    return torch.vmap(lambda a, b: a)(torch.ones(2, 3), torch.ones(3))


@PROGRAMS
def dims_of_another_tree(torch):
    return torch.vmap(lambda a: a["x"], in_dims=({"x": 0, "y": 0},))({"x": torch.ones(2)})


# --- looking ---------------------------------------------------------------------------------------


@PROGRAMS
def shown(torch):
    texts = []
    torch.vmap(lambda a: texts.append(repr(a)) or a)(numbers(torch, 2, 3))
    torch.vmap(lambda a: torch.vmap(lambda b: texts.append(repr(b)) or b)(a))(numbers(torch, 2, 2))
    return texts


@PROGRAMS
def debug_unwrap(torch):
    seen = []
    torch.vmap(lambda a: seen.append(torch.func.debug_unwrap(a)) or a)(numbers(torch, 2, 3))
    return seen


@PROGRAMS
def shapes_and_strides_of_a_sample(torch):
    seen = []

    def f(a):
        seen.append((tuple(a.shape), a.stride(), a.is_contiguous(), a.T.stride(), len(a), a.ndim))
        return a

    torch.vmap(f)(torch.ones(2, 3, 4))
    torch.vmap(f, in_dims=1)(torch.ones(2, 3, 4))
    return seen


# --- views and writes -------------------------------------------------------------------------------


@PROGRAMS
def writes_reach_the_argument(torch):
    x = numbers(torch, 2, 3)
    return torch.vmap(lambda a: a.mul_(2))(x), x


@PROGRAMS
def writes_through_views(torch):
    x = numbers(torch, 2, 3, 4)

    def f(a):
        a[1:, ::2].add_(10)
        a.T[0] = a[:, 1]
        return a.view(-1)[3:7]

    return torch.vmap(f, in_dims=1)(x), x


@PROGRAMS
def views_stay_views(torch):
    x = numbers(torch, 2, 3)
    y = torch.vmap(lambda a: a[1:])(x)
    y.zero_()
    return x, y._is_view(), torch.vmap(lambda a: a * 2)(x)._is_view()


@PROGRAMS
def writes_into_new_tensors(torch):
    def f(a):
        out = a.new_zeros(3)
        out[0] = a[1]
        out[1:] += a[:2]
        return out

    return torch.vmap(f)(numbers(torch, 2, 3))


@PROGRAMS
def scatter_and_gather(torch):
    x, i = numbers(torch, 2, 3), torch.tensor([[0, 2], [1, 1]])
    return torch.vmap(lambda a, k: (a[k], a.gather(0, k), a.index_put((k,), a[:2])))(x, i)


@PROGRAMS
def index_of_the_sample(torch):
    table, i = numbers(torch, 4, 3), torch.tensor([2, 0, 3])
    return torch.vmap(lambda k: table[k])(i), torch.vmap(lambda k, r: r[k], (0, None))(i, table)


@PROGRAMS
def write_of_mapped_into_captured(torch):
    out = torch.zeros(3)
    return torch.vmap(lambda a: out.copy_(a))(numbers(torch, 2, 3))


@PROGRAMS
def sum_of_mapped_into_captured(torch):
    out = torch.zeros(3)
    return torch.vmap(lambda a: out.add_(a))(numbers(torch, 2, 3))


@PROGRAMS
def item_of_mapped_into_new(torch):
    def f(a):
        out = torch.zeros(3)
        out[0] = a[0]
        return out

    return torch.vmap(f)(numbers(torch, 2, 3))


@PROGRAMS
def write_of_unmapped_into_captured(torch):
    out = torch.zeros(3)
    torch.vmap(lambda a: (out.add_(1), a)[1])(numbers(torch, 2, 3))
    return out


@PROGRAMS
def write_to_a_leaf(torch):
    x = numbers(torch, 2, 3).requires_grad_()
    return torch.vmap(lambda a: a.mul_(2))(x)


# --- with the tape ------------------------------------------------------------------------------------


@PROGRAMS
def backward_through(torch):
    x = numbers(torch, 2, 3).requires_grad_()
    w = numbers(torch, 3).requires_grad_()
    y = torch.vmap(lambda a: (a * w).sin() * a.sum())(x)
    y.pow(2).sum().backward()
    return y, x.grad, w.grad


@PROGRAMS
def backward_through_writes(torch):
    x = numbers(torch, 2, 3).requires_grad_()

    def f(a):
        b = a * 2
        b[1:] *= a[0]
        b.view(3)[0] = a[1] * a[2]
        return b

    (g,) = torch.autograd.grad(torch.vmap(f, out_dims=1)(x).pow(2).sum(), x, create_graph=True)
    return g, torch.autograd.grad(g.sin().sum(), x)


@PROGRAMS
def grad_mode_inside(torch):
    x = numbers(torch, 2, 3).requires_grad_()
    with torch.no_grad():
        y = torch.vmap(lambda a: a * 2)(x)
    return y.requires_grad, torch.vmap(lambda a: a.detach() * 2)(x).requires_grad


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_same_as_pytorch(program):
    agree(program)


def test_autograd_inside_is_of_one_sample():
    """PyTorch cannot; here ``autograd.grad`` inside is each sample's own."""
    x = torchlike.tensor([[1.0, 2.0], [3.0, 4.0]])
    w = torchlike.ones(2, requires_grad=True)
    found = torchlike.vmap(lambda a: torchlike.autograd.grad((a * a * w).sum(), w)[0])(x)
    assert found.tolist() == [[1.0, 4.0], [9.0, 16.0]]


def test_several_levels_end_before_backward():
    def program(torch):
        x = numbers(torch, 2, 3, 4).requires_grad_()
        w = numbers(torch, 4).requires_grad_()
        inner = torch.vmap(lambda b: (b * w).sin().sum() * b)
        y = torch.vmap(lambda a: inner(a) * a.sum(), in_dims=1)(x)
        (g,) = torch.autograd.grad(y.pow(2).sum(), w, create_graph=True)
        return torch.autograd.grad(g.sum(), (x, w))

    agree(program)


def test_more_than_pytorch():
    """What PyTorch refuses for want of a rule, and is well defined."""
    x = torchlike.tensor([[1.0, 2.0], [3.0, 4.0]])

    def f(a):
        b = a * 1
        b[a > 1.5] = 0.0
        return b

    assert torchlike.vmap(f)(x).tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert torchlike.vmap(lambda a: torchlike.ones(3), out_dims=1)(x).tolist() == [[1.0, 1.0]] * 3
    with pytest.raises(IndexError, match="out of range"):
        torchlike.vmap(lambda k: x.index_select(0, k))(torchlike.tensor([[0], [9]]))


def test_op_by_op():
    with torchlike.config.using("op_by_op"):
        agree(backward_through)
        agree(writes_through_views)


def test_calls_are_found_again():
    """The second call of a mapped function makes no new signatures."""
    from torchlike.core.registry import OPS

    f = torchlike.vmap(lambda a: (a.sin() * a).sum())
    f(torchlike.ones(2, 3))
    before = sum(len(op.calls) for op in OPS.values())
    f(torchlike.zeros(2, 3))
    assert sum(len(op.calls) for op in OPS.values()) == before


def test_compiled():
    f = torchlike.compile(lambda x: torchlike.vmap(lambda a: a.sin().sum() * a)(x))
    x = real_torch.arange(6.0).reshape(2, 3)
    expected = real_torch.vmap(lambda a: a.sin().sum() * a)(x)
    for _ in range(3):
        found = f(torchlike.tensor(x.numpy()))
        real_torch.testing.assert_close(real_torch.tensor(found.tolist()), expected)
