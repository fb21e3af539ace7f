"""``torch.autograd.Function`` against PyTorch's: each case runs with both, under both executors."""

from __future__ import annotations

import pytest

from ..compare import Cases, assert_alike, error_of, name_of

case = Cases()


def square(t):
    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return 2 * x * grad

    return Square


def custom(t, forward, backward, **extra):
    """A Function of these two, by the name Custom."""
    body = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    body |= {k: staticmethod(v) for k, v in extra.items()}
    return type("Custom", (t.autograd.Function,), body)


def leaf(t, *values):
    return t.tensor(list(values), requires_grad=True)


@case
def forward_and_backward(t):
    x = leaf(t, 1.0, 3.0)
    y = square(t).apply(x)
    y.sum().backward()
    return y, type(y.grad_fn).__name__, x.grad


@case
def double_backward(t):
    x = leaf(t, 1.0, 3.0)
    (g,) = t.autograd.grad(square(t).apply(x).sum(), x, create_graph=True)
    return g, t.autograd.grad(g.sum(), x)


@case
def grad_mode_inside(t):
    seen = []

    def forward(ctx, x):
        seen.append((t.is_grad_enabled(), x.requires_grad))
        return x.clone()

    def backward(ctx, g):
        seen.append((t.is_grad_enabled(), g.requires_grad))
        return g

    x = leaf(t, 1.0)
    custom(t, forward, backward).apply(x).sum().backward()
    return seen


@case
def several_inputs_and_outputs(t):
    def forward(ctx, x, k, y, flag=None):
        ctx.save_for_backward(x, y)
        ctx.k = k
        return x * y, x + y * k

    def backward(ctx, a, b):
        x, y = ctx.saved_tensors
        return a * y + b, None, a * x + ctx.k * b

    x, y = leaf(t, 1.0, 2.0), leaf(t, 3.0, 4.0)
    a, b = custom(t, forward, backward).apply(x, 2, y)
    (a * b).sum().backward()
    return a, b, x.grad, y.grad


@case
def needs_input_grad(t):
    seen = []

    def forward(ctx, x, y):
        seen.append(ctx.needs_input_grad)
        return x * y

    def backward(ctx, g):
        seen.append(ctx.needs_input_grad)
        return g if ctx.needs_input_grad[0] else None, None

    x = leaf(t, 1.0)
    custom(t, forward, backward).apply(x, t.ones(1)).sum().backward()
    return seen, x.grad


@case
def setup_context(t):
    def forward(x, scale):
        return x * scale

    def setup(ctx, inputs, output):
        ctx.scale = inputs[1]
        ctx.save_for_backward(output)

    def backward(ctx, g):
        (out,) = ctx.saved_tensors
        return g * ctx.scale + 0 * out, None

    x = leaf(t, 1.0, 2.0)
    custom(t, forward, backward, setup_context=setup).apply(x, 3.0).sum().backward()
    return x.grad


@case
def saved_output(t):
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y

    x = leaf(t, 0.0, 1.0)
    (g,) = t.autograd.grad(custom(t, forward, backward).apply(x).sum(), x, create_graph=True)
    return g, t.autograd.grad(g.sum(), x)


@case
def saved_is_freed(t):
    x = leaf(t, 1.0)
    y = square(t).apply(x).sum()
    y.backward()
    return error_of(y.backward)


@case
def saved_was_overwritten(t):
    x = leaf(t, 1.0)
    w = x * 2
    y = square(t).apply(w)
    w.add_(1)
    return error_of(y.sum().backward)


@case
def materialized_gradients(t):
    seen = []

    def forward(ctx, x):
        return x + 1, x * 2

    def backward(ctx, a, b):
        seen.append(b.clone())
        return a + b

    x = leaf(t, 1.0, 2.0)
    custom(t, forward, backward).apply(x)[0].sum().backward()
    return seen, x.grad


@case
def unmaterialized_gradients(t):
    seen = []

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x + 1, x * 2

    def backward(ctx, a, b):
        seen.append(b is None)
        return a

    x = leaf(t, 1.0, 2.0)
    custom(t, forward, backward).apply(x)[0].sum().backward()
    return seen, x.grad


@case
def non_differentiable_output(t):
    def forward(ctx, x):
        sign = x.sign()
        ctx.mark_non_differentiable(sign)
        return x * 2, sign

    def backward(ctx, a, b):
        return a * 2

    x = leaf(t, 1.0, -2.0)
    y, s = custom(t, forward, backward).apply(x)
    y.sum().backward()
    return y.requires_grad, s.requires_grad, x.grad


@case
def integer_output(t):
    def forward(ctx, x):
        return x.argmax(), x * 1

    def backward(ctx, a, b):
        return b

    x = leaf(t, 1.0, 5.0)
    i, y = custom(t, forward, backward).apply(x)
    y.sum().backward()
    return i.requires_grad, i, x.grad


@case
def dirty_input(t):
    def forward(ctx, x):
        x.add_(1)
        ctx.mark_dirty(x)
        return x

    def backward(ctx, g):
        return g * 3

    Add = custom(t, forward, backward)
    x = leaf(t, 1.0)
    h = x * 2
    out = Add.apply(h)
    out.sum().backward()
    return out is h, type(h.grad_fn).__name__, h._version, x.grad, error_of(Add.apply, leaf(t, 1.0))


@case
def returns_its_input(t):
    def forward(ctx, x):
        return x

    def backward(ctx, g):
        return g * 7

    x = leaf(t, 1.0)
    y = custom(t, forward, backward).apply(x)
    y.sum().backward()
    return y is x, x.grad


@case
def wrong_number_of_gradients(t):
    f = custom(t, lambda ctx, x, y: x + y, lambda ctx, g: g)
    return error_of(f.apply(leaf(t, 1.0), leaf(t, 2.0)).sum().backward)


@case
def extra_nones_are_ignored(t):
    x = leaf(t, 1.0)
    custom(t, lambda ctx, x: x * 1, lambda ctx, g: (g, None, None)).apply(x).sum().backward()
    return x.grad


@case
def gradient_for_a_number(t):
    f = custom(t, lambda ctx, x, k: x * k, lambda ctx, g: (g, g))
    return error_of(f.apply(leaf(t, 1.0), 2.0).sum().backward)


@case
def gradient_that_is_no_tensor(t):
    f = custom(t, lambda ctx, x: x * 1, lambda ctx, g: 3)
    return error_of(f.apply(leaf(t, 1.0)).sum().backward)


@case
def gradient_of_wrong_shape(t):
    f = custom(t, lambda ctx, x: x * 1, lambda ctx, g: t.ones(3, 4))
    return error_of(f.apply(leaf(t, 1.0, 2.0)).sum().backward)


@case
def gradient_that_was_broadcast(t):
    x = leaf(t, 1.0)
    custom(t, lambda ctx, x: x.expand(3) * 1, lambda ctx, g: g).apply(x).sum().backward()
    return x.grad


@case
def gradient_of_another_dtype(t):
    x = leaf(t, 1.0)
    custom(t, lambda ctx, x: x * 1, lambda ctx, g: g.double()).apply(x).sum().backward()
    return x.grad


@case
def no_backward(t):
    f = type("Bare", (t.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 1)})
    return error_of(f.apply(leaf(t, 1.0)).sum().backward)


@case
def no_forward(t):
    f = type("Bare", (t.autograd.Function,), {})
    return error_of(f.apply, leaf(t, 1.0))


@case
def not_instantiated(t):
    return error_of(lambda: square(t)()(leaf(t, 1.0)))


@case
def save_for_backward_of_numbers(t):
    f = custom(t, lambda ctx, x: ctx.save_for_backward(x, 3) or x, lambda ctx, g: g)
    return error_of(f.apply, leaf(t, 1.0))


@case
def error_inside_backward(t):
    def backward(ctx, g):
        raise ValueError("mine")

    x = leaf(t, 1.0)
    return error_of(custom(t, lambda ctx, x: x * 1, backward).apply(x).sum().backward), x.grad


@case
def once_differentiable(t):
    backward = t.autograd.function.once_differentiable(lambda ctx, g: g * ctx.saved_tensors[0] * 2)

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    x = leaf(t, 3.0)
    (g,) = t.autograd.grad(custom(t, forward, backward).apply(x).sum(), x, create_graph=True)
    return g, error_of(g.sum().backward)


@case
def without_grad_mode(t):
    x = leaf(t, 1.0)
    with t.no_grad():
        y = square(t).apply(x)
    return y.requires_grad, y.grad_fn is None


@case
def structures_and_none_pass_through(t):
    def forward(ctx, x, options, nothing):
        ctx.k = options["k"]
        return x * ctx.k

    x = leaf(t, 1.0)
    custom(t, forward, lambda ctx, g: (g * ctx.k, None, None)).apply(
        x, {"k": 4}, None
    ).sum().backward()
    return x.grad


@case
def straight_through(t):
    f = custom(t, lambda ctx, x: (x > 0.5).to(x.dtype), lambda ctx, g: g)
    x = leaf(t, 0.2, 0.7)
    (f.apply(x) * x).sum().backward()
    return x.grad


@case
def as_a_layer_inside_a_graph(t):
    w = t.full((2, 2), 0.5, requires_grad=True)
    x = t.tensor([[1.0, 2.0]])
    loss = square(t).apply(t.tanh(x @ w)).mean() + w.pow(2).sum()
    loss.backward()
    return loss, w.grad


@pytest.mark.filterwarnings("ignore:<class .* should not be instantiated")
@pytest.mark.parametrize("fn", case, ids=name_of)
def test_like_pytorch(fn, execution):
    assert_alike(fn)
