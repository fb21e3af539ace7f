"""The tape against PyTorch's: each case runs with both libraries, under both executors."""

from __future__ import annotations

import copy
import gc
import math
import warnings
import weakref

import pytest

import torchlike

from ..compare import Cases, assert_alike, error_of, name_of

case = Cases()


def leaf(t, *values, dtype=None):
    return t.tensor(list(values), dtype=dtype or t.float32, requires_grad=True)


# --- backward and its options ------------------------------------------------------------------


@case
def backward_accumulates(t):
    x = leaf(t, 1.0, 2.0)
    (x * x).sum().backward()
    first = x.grad
    x.exp().sum().backward()
    return x.grad, x.grad is first


@case
def backward_with_gradient(t):
    x = leaf(t, 1.0, 2.0)
    (x * 3).backward(t.tensor([1.0, -1.0]))
    return x.grad


@case
def backward_of_a_vector_needs_a_gradient(t):
    return error_of((leaf(t, 1.0, 2.0) * 2).backward)


@case
def backward_gradient_of_wrong_shape(t):
    return error_of((leaf(t, 1.0, 2.0) * 2).backward, t.ones(3))


@case
def backward_without_graph(t):
    return error_of(t.ones(1).backward), error_of((leaf(t, 1.0) * 2).detach().backward)


@case
def backward_inputs(t):
    x, y = leaf(t, 1.0), leaf(t, 2.0)
    z = x * y
    z.backward(inputs=[x])
    return x.grad, y.grad


@case
def backward_inputs_of_a_non_leaf(t):
    x = leaf(t, 1.0)
    y = x * 2
    y.retain_grad()
    (y * y).backward(inputs=[y])
    return x.grad, y.grad


@case
def backward_inputs_empty(t):
    return error_of((leaf(t, 1.0) * 2).backward, inputs=[])


@case
def backward_twice(t):
    x = leaf(t, 1.0)
    y = (x * x).sum()
    y.backward()
    return error_of(y.backward)


@case
def backward_twice_through_what_saves_nothing(t):
    x = leaf(t, 1.0)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    return x.grad


@case
def retain_graph(t):
    x = leaf(t, 3.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    return x.grad, error_of(y.backward)


@case
def create_graph(t):
    x = leaf(t, 2.0)
    (x**3).sum().backward(create_graph=True)
    g = x.grad
    before = g.requires_grad
    x.grad = None
    g.sum().backward()
    return before, g, x.grad


@case
def several_roots(t):
    x = leaf(t, 1.0, 2.0)
    t.autograd.backward([x.sum(), x * x], [None, t.tensor([1.0, 2.0])])
    return x.grad


@case
def shared_subgraph(t):
    x = leaf(t, 0.5, 1.5)
    h = x.tanh()
    (h * h.sin() + h).sum().backward()
    return x.grad


@case
def deep_chain(t):
    x = leaf(t, 1.0)
    y = x
    for _ in range(300):
        y = y + x * 0.01
    y.sum().backward()
    return x.grad


# --- torch.autograd.grad -----------------------------------------------------------------------


@case
def grad_of_leaves(t):
    x, y = leaf(t, 1.0, 2.0), leaf(t, 3.0, 4.0)
    found = t.autograd.grad((x * y).sum(), (x, y))
    return found, x.grad


@case
def grad_of_an_intermediate(t):
    x = leaf(t, 1.0, 2.0)
    h = x * 2
    return t.autograd.grad((h * h).sum(), [h, x])


@case
def grad_with_grad_outputs(t):
    x = leaf(t, 1.0, 2.0)
    return t.autograd.grad([x * 2, x.sum()], x, grad_outputs=[t.ones(2), None])


@case
def grad_of_unused(t):
    x, y = leaf(t, 1.0), leaf(t, 2.0)
    return (
        t.autograd.grad(x.sum() * 2, [x, y], allow_unused=True),
        error_of(t.autograd.grad, x.sum() * 2, [x, y]),
        t.autograd.grad(x.sum() * 2, [x, y], materialize_grads=True),
    )


@case
def grad_of_what_needs_none(t):
    return error_of(t.autograd.grad, leaf(t, 1.0).sum(), t.ones(1))


@case
def first_gradients_that_require_grad(t):
    """Each formula's own; of zero derivatives too, where PyTorch's backward takes the operand."""
    F = t.nn.functional

    def flags(f, *shapes):
        xs = [t.linspace(0.1, 1.0, math.prod(s)).reshape(s).requires_grad_() for s in shapes]
        out = f(*xs)
        first = t.autograd.grad(out, xs, t.ones_like(out), create_graph=True)
        wanted = [g for g in first if g.requires_grad]
        second = t.autograd.grad([g.sum() for g in wanted], xs, allow_unused=True) if wanted else ()
        return [g.requires_grad for g in first], [g is None for g in second]

    return [
        flags(t.addmm, (2, 2), (2, 2), (2, 2)),
        flags(F.conv1d, (1, 1, 4), (1, 1, 2), (1,)),
        flags(lambda x, w, b: F.layer_norm(x, (3,), w, b), (2, 3), (3,), (3,)),
        flags(lambda x: F.avg_pool1d(x, 2), (1, 1, 4)),
        flags(lambda x: F.adaptive_avg_pool2d(x, 1), (1, 1, 4, 4)),
        flags(lambda x: F.pad(x, (1, 1), "reflect"), (1, 1, 4)),
        flags(lambda x: F.pad(x, (1, 1), "circular"), (1, 1, 4)),
        flags(t.maximum, (3,), (3,)),
        flags(t.remainder, (3,), (3,)),
        flags(t.linalg.inv, (0, 0)),
        flags(t.pow, (0, 3), (0, 3)),
        flags(t.add, (0, 3), (0, 3)),
    ]


@case
def double_backward(t):
    x = leaf(t, 0.3, -0.7)
    (g,) = t.autograd.grad((x.sin() * x.exp()).sum(), x, create_graph=True)
    (h,) = t.autograd.grad((g * g).sum(), x, create_graph=True)
    return g, h, t.autograd.grad(h.sum(), x)


@case
def gradient_penalty(t):
    w = t.full((3, 2), 0.5, requires_grad=True)
    x = t.tensor([[1.0, -2.0, 3.0]], requires_grad=True)
    out = t.tanh(x @ w).sum()
    (g,) = t.autograd.grad(out, x, create_graph=True)
    ((g.norm(2, dim=1) - 1) ** 2).mean().backward()
    return w.grad, x.grad


# --- hooks -------------------------------------------------------------------------------------


@case
def hook_sees_and_replaces(t):
    x = leaf(t, 1.0, 2.0)
    seen = []
    handle = x.register_hook(lambda g: seen.append(g.clone()) or g * 10)
    (x * 2).sum().backward()
    handle.remove()
    (x * 2).sum().backward()
    return seen, x.grad


@case
def hooks_on_an_intermediate_run_in_order(t):
    x = leaf(t, 1.0)
    h = x * 3
    order = []
    h.register_hook(lambda g: order.append("first") or g + 1)
    h.register_hook(lambda g: order.append(float(g)))
    (h * h).sum().backward()
    return order, x.grad


@case
def hook_runs_once_on_the_sum(t):
    x = leaf(t, 1.0)
    seen = []
    x.register_hook(lambda g: seen.append(float(g)))
    (x * 2 + x * 3 + x).sum().backward()
    return seen


@case
def hook_needs_grad(t):
    return error_of(t.ones(1).register_hook, print)


@case
def post_accumulate_hook(t):
    x = leaf(t, 1.0, 2.0)
    seen = []

    def hook(p):
        seen.append(p.grad.clone())
        p.grad = None

    x.register_post_accumulate_grad_hook(hook)
    (x * 2).sum().backward()
    (x * 3).sum().backward()
    return seen, x.grad, error_of((x * 2).register_post_accumulate_grad_hook, hook)


@case
def node_hooks(t):
    x = leaf(t, 1.0, 2.0)
    y = x * 2
    seen = []
    y.grad_fn.register_prehook(lambda gs: (gs[0] * 3,))
    y.grad_fn.register_hook(lambda gi, go: seen.append((gi[0].clone(), go[0].clone())))
    y.sum().backward()
    return seen, x.grad


@case
def retain_grad(t):
    x = leaf(t, 1.0)
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    (y * y).sum().backward()
    return y.grad, y.retains_grad, x.retains_grad, error_of(t.ones(1).retain_grad)


@case
def retain_grad_after_a_hook(t):
    x = leaf(t, 1.0)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 5)
    y.sum().backward()
    return y.grad, x.grad


@case
def multi_grad_hook(t):
    x, y = leaf(t, 1.0), leaf(t, 2.0)
    seen = []
    handle = t.autograd.graph.register_multi_grad_hook(
        (x, y), lambda gs: seen.append([float(g) for g in gs])
    )
    (x * y).sum().backward()
    handle.remove()
    return seen


# --- the graph as it shows ---------------------------------------------------------------------


@case
def names_and_edges(t):
    x, y = leaf(t, 1.0, 2.0), leaf(t, 3.0, 4.0)

    def walk(node):
        return (
            None
            if node is None
            else [type(node).__name__, [(walk(n), i) for n, i in node.next_functions]]
        )

    return walk(((x * y).sum() + y.exp().mean()).grad_fn)


@case
def accumulator_of_a_leaf(t):
    x = leaf(t, 1.0)
    node = (x * 2).grad_fn.next_functions[0][0]
    return type(node).__name__, node.variable is x


@case
def leaf_rules(t):
    x, y = leaf(t, 1.0), t.ones(1)
    z = x * 2
    return (
        x.is_leaf, y.is_leaf, z.is_leaf, z.requires_grad, z.detach().is_leaf, y.grad_fn is None,
        error_of(z.requires_grad_, False), error_of(t.ones(1, dtype=t.int64).requires_grad_),
        error_of(t.tensor, [1], requires_grad=True), error_of(x.add_, 1), error_of(x.view(1).add_, 1),
        error_of(x.__setitem__, 0, 2.0),
    )  # fmt: skip


@case
def setting_grad(t):
    x = leaf(t, 1.0)
    x.grad = t.ones(1)
    return (
        x.grad, error_of(setattr, x, "grad", t.ones(2)), error_of(setattr, x, "grad", 3),
        error_of(setattr, x, "grad", t.ones(1, dtype=t.float64)), error_of(setattr, x, "grad", x),
    )  # fmt: skip


@case
def deepcopy_of_a_non_leaf(t):
    x = leaf(t, 1.0)
    copied = copy.deepcopy(x)
    return copied.requires_grad, copied.is_leaf, error_of(copy.deepcopy, x * 2)


@case
def numpy_and_item_of_what_requires_grad(t):
    x = leaf(t, 1.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return error_of(x.numpy), x.detach().numpy(), x.item(), x.tolist()


# --- gradients that PyTorch defines by convention ------------------------------------------------


@case
def gradients_at_edges(t):
    x = leaf(t, -1.0, 0.0, 0.0, 1.0)
    functions = [
        t.relu, t.abs, t.sqrt, t.sign, lambda x: x.clamp(-1, 1), lambda x: x.max(), lambda x: x.amax(),
        lambda x: x.max(0).values, lambda x: x.norm(), lambda x: (x * 0).norm(), lambda x: x**0, lambda x: x**2.0,
        lambda x: x.prod(), lambda x: t.maximum(x, x.flip(0)), lambda x: x.sort().values[1:], lambda x: t.where(x > 0, x, x * x),
        lambda x: x.median(), lambda x: x.cumprod(0), lambda x: x.std(), lambda x: t.atan2(x, x * 0 + 1),
    ]  # fmt: skip
    return [t.autograd.grad(f(x).sum(), x) for f in functions]


@case
def complex_gradients(t):
    z = t.tensor([1 + 2j, -0.5j], requires_grad=True)
    return (
        t.autograd.grad((z * z.conj()).real.sum(), z), t.autograd.grad(z.abs().sum(), z),
        t.autograd.grad((z * z).sum().imag, z), t.autograd.grad(t.view_as_real(z)[:, 0].sum(), z),
        error_of((z * z).sum().backward),
    )  # fmt: skip


@case
def integer_results_have_no_history(t):
    x = leaf(t, 3.0, 1.0)
    values, indices = x.sort()
    return (
        values.requires_grad,
        indices.requires_grad,
        (x > 1).requires_grad,
        x.argmax().requires_grad,
    )


@case
def gradient_takes_the_dtype_of_its_input(t):
    x, y = leaf(t, 1.0, dtype=t.float16), leaf(t, 2.0, dtype=t.float64)
    (x * y).sum().backward()
    return x.grad, y.grad


@pytest.mark.parametrize("fn", case, ids=name_of)
@pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor", "ignore:Using backward.. with create_graph"
)
def test_like_pytorch(fn, execution):
    assert_alike(fn)


# --- what needs more than a comparison of results ------------------------------------------------


def test_the_graph_dies_with_its_result(execution):
    x = torchlike.ones(3, requires_grad=True)
    y = (x * 2).exp()
    seen = weakref.ref(y.grad_fn)
    del y
    gc.collect()
    assert seen() is None


def test_backward_frees_what_was_saved(execution):
    x = torchlike.ones(3, requires_grad=True)
    y = (x * 2).exp().sum()
    node = y.grad_fn.next_functions[0][0]
    y.backward()
    assert node.saved is None


def test_gradient_of_a_pending_write():
    with torchlike.config.using("recorded"):
        assert_alike(lambda t: [_pending(t, k) for k in (1, 5)])


def _pending(t, k):
    x = leaf(t, 1.0, 2.0)
    y = x * 1
    for _ in range(k):
        y.mul_(1.1)
        y += x
    y.sum().backward()
    return x.grad
