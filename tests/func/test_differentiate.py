"""``grad``, ``vjp``, ``jvp``, ``linearize`` and the Jacobians."""

from __future__ import annotations

import pytest

from .oracle import Programs, agree, name_of

PROGRAMS = Programs()


def numbers(torch, *shape):
    count = 1
    for n in shape:
        count *= n
    return torch.linspace(0.2, 1.7, count).reshape(shape)


def wavy(x):
    return (x.sin() * x.exp()).sum()


# --- grad -----------------------------------------------------------------------------------------


@PROGRAMS
def gradients(torch):
    x = numbers(torch, 2, 3)
    g = torch.func.grad(wavy)
    return g(x), torch.func.grad_and_value(wavy)(x), g(x).requires_grad


@PROGRAMS
def third_derivative(torch):
    grad = torch.func.grad
    return grad(grad(grad(lambda x: x.sin() * x)))(torch.tensor(0.7))


@PROGRAMS
def argnums_and_trees(torch):
    x, y = numbers(torch, 3), numbers(torch, 3) + 1

    def f(p, q, *, scale=1.0):
        return (p["a"] * q[0] * scale).sum() + (p["b"] ** 2 * q[1]).sum()

    args = {"a": x, "b": y}, (y, x)
    grad = torch.func.grad
    return (
        grad(f)(*args),
        grad(f, argnums=1)(*args, scale=2.0),
        grad(f, argnums=(1, 0))(*args),
        grad(f, argnums=-1)(*args),
    )


@PROGRAMS
def aux(torch):
    x = numbers(torch, 3)

    def f(x):
        y = x.sin()
        return y.sum(), {"y": y, "z": (x * 2, torch.ones(2))}

    return torch.func.grad(f, has_aux=True)(x), torch.func.grad_and_value(f, has_aux=True)(x)


@PROGRAMS
def unused_argument(torch):
    x = numbers(torch, 3)
    return torch.func.grad(lambda a, b: a.sum(), argnums=(0, 1))(x, x), torch.func.grad(
        lambda a: torch.tensor(2.0)
    )(x)


@PROGRAMS
def backward_through_a_gradient(torch):
    x = numbers(torch, 3).requires_grad_()
    w = (numbers(torch, 3) + 1).requires_grad_()
    g, value = torch.func.grad_and_value(lambda a: (a * w).sin().pow(2).sum())(x)
    (g.sum() + value).backward()
    return g, x.grad, w.grad, value.requires_grad


@PROGRAMS
def no_perturbation_confusion(torch):
    grad = torch.func.grad
    return grad(lambda x: x * grad(lambda y: x + y)(torch.tensor(1.0)))(torch.tensor(3.0))


@PROGRAMS
def no_grad_around_and_inside(torch):
    x = numbers(torch, 3).requires_grad_()
    f = torch.func.grad(lambda a: (a * x).sum())

    def partly(a):
        with torch.no_grad():
            b = a.sin()
        return (a * b).sum()

    with torch.no_grad():
        around = f(x)
    return around, around.requires_grad, f(x).requires_grad, torch.func.grad(partly)(x)


@PROGRAMS
def numbers_may_be_looked_at(torch):
    def f(x):
        if x.sum() > 1:
            return (x * x.max().item()).sum()
        return x.sum()

    return torch.func.grad(f)(numbers(torch, 3)), torch.func.jvp(
        f, (numbers(torch, 3),), (torch.ones(3),)
    )


@PROGRAMS
def shown(torch):
    texts = []

    def f(x):
        texts.extend([repr(x), repr(x * 2), repr(torch.ones(2))])
        return x.sum()

    torch.func.grad(f)(torch.ones(2))
    torch.vmap(torch.func.grad(f))(torch.ones(2, 2))
    torch.func.jvp(f, (torch.ones(2),), (torch.ones(2),))
    return texts


@PROGRAMS
def complex_arguments(torch):
    z = torch.complex(numbers(torch, 3), numbers(torch, 3) * 2)
    return torch.func.grad(lambda z: (z * z.conj()).real.sum() + z.imag.prod())(z), torch.func.jvp(
        lambda z: z.exp() * z.abs(), (z,), (z * 1j,)
    )


# --- writes ---------------------------------------------------------------------------------------


@PROGRAMS
def writes_inside(torch):
    def f(x):
        y = x * 2
        y[1:] *= x[:-1]
        out = torch.zeros(3)
        out[0] = y[2]
        out.add_(y)
        return out.pow(2).sum()

    x = numbers(torch, 3)
    return (
        torch.func.grad(f)(x),
        torch.func.jvp(f, (x,), (torch.ones(3),)),
        torch.func.hessian(f)(x),
        torch.vmap(torch.func.grad(f))(torch.stack([x, x + 1])),
    )


@PROGRAMS
def writes_to_other_arguments(torch):
    x, y = numbers(torch, 3), torch.ones(3)
    g = torch.func.grad(lambda a, b: (b.mul_(2) * a).sum())(x, y)
    return g, y, y.requires_grad


@PROGRAMS
def write_to_the_argument(torch):
    return torch.func.grad(lambda a: a.mul_(2).sum())(numbers(torch, 3))


@PROGRAMS
def write_to_a_captured_tensor(torch):
    kept = torch.zeros(3)
    return torch.func.grad(lambda a: (kept.add_(a), a.sum())[1])(numbers(torch, 3))


@PROGRAMS
def item_of_a_captured_tensor(torch):
    kept = torch.zeros(3)

    def f(a):
        kept[0] = 1.0
        return a.sum()

    return torch.func.grad(f)(numbers(torch, 3))


@PROGRAMS
def write_of_forward_mode_to_its_argument(torch):
    x = numbers(torch, 3)
    return torch.func.jvp(lambda a: a.mul_(a.sin()), (x,), (torch.ones(3),)), x


@PROGRAMS
def write_of_forward_mode_to_a_captured_tensor(torch):
    kept = torch.zeros(3)
    return torch.func.jvp(lambda a: kept.mul_(a), (numbers(torch, 3),), (torch.ones(3),))


# --- bad arguments ----------------------------------------------------------------------------------


def refusal(run):
    return lambda torch: run(torch, torch.func, numbers(torch, 2, 3))


for label, made in {
    "grad_of_number": refusal(lambda t, f, x: f.grad(lambda a: a)(3.0)),
    "grad_of_integers": refusal(lambda t, f, x: f.grad(lambda a: a.sum())(x.long())),
    "grad_of_many": refusal(lambda t, f, x: f.grad(lambda a: a)(x)),
    "grad_returns_number": refusal(lambda t, f, x: f.grad(lambda a: 3.0)(x)),
    "grad_returns_complex": refusal(lambda t, f, x: f.grad(lambda a: (a * 1j).sum())(x)),
    "argnum_out_of_range": refusal(lambda t, f, x: f.grad(lambda a: a.sum(), argnums=2)(x)),
    "argnum_twice": refusal(lambda t, f, x: f.grad(lambda a: a.sum(), argnums=(0, 0))(x)),
    "argnums_empty": refusal(lambda t, f, x: f.grad(lambda a: a.sum(), argnums=())(x)),
    "argnums_text": refusal(lambda t, f, x: f.grad(lambda a: a.sum(), argnums="a")(x)),
    "aux_missing": refusal(lambda t, f, x: f.grad(lambda a: a.sum(), has_aux=True)(x)),
    "aux_no_tensor": refusal(lambda t, f, x: f.grad(lambda a: (a.sum(), 3), has_aux=True)(x)),
    "backward_inside": refusal(lambda t, f, x: f.grad(lambda a: a.sum().backward() or a.sum())(x)),
    "requires_grad_inside": refusal(
        lambda t, f, x: f.grad(lambda a: (t.ones(3).requires_grad_() * a).sum())(x)
    ),
    "vjp_other_tree": refusal(lambda t, f, x: f.vjp(lambda a: a, x)[1]((x, x))),
    "vjp_other_shape": refusal(lambda t, f, x: f.vjp(lambda a: a * 2, x)[1](t.ones(3))),
    "vjp_returns_nothing": refusal(lambda t, f, x: f.vjp(lambda a: None, x)),
    "vjp_returns_integers": refusal(lambda t, f, x: f.vjp(lambda a: a.long(), x)),
    "vjp_returns_number": refusal(lambda t, f, x: f.vjp(lambda a: 3, x)),
    "jvp_no_tuple": refusal(lambda t, f, x: f.jvp(lambda a: a, x, x)),
    "jvp_other_tree": refusal(lambda t, f, x: f.jvp(lambda a: a, (x,), (x, x))),
    "jvp_other_shape": refusal(lambda t, f, x: f.jvp(lambda a: a, (x,), (t.ones(3),))),
    "jvp_of_integers": refusal(lambda t, f, x: f.jvp(lambda a: a, (x.long(),), (x,))),
    "jvp_along_integers": refusal(lambda t, f, x: f.jvp(lambda a: a, (x,), (x.long(),))),
    "jvp_strict": refusal(lambda t, f, x: f.jvp(lambda a: t.ones(3), (x,), (x,), strict=True)),
    "jvp_returns_number": refusal(lambda t, f, x: f.jvp(lambda a: 3, (x,), (x,))),
    "jvp_of_nothing": refusal(lambda t, f, x: f.jvp(lambda: 3, (), ())),
    "jacrev_no_chunks": refusal(lambda t, f, x: f.jacrev(lambda a: a, chunk_size=0)(x)),
    "jacrev_complex": refusal(lambda t, f, x: f.jacrev(lambda a: a)(x * 1j)),
    "jacfwd_complex": refusal(lambda t, f, x: f.jacfwd(lambda a: a)(x * 1j)),
    "functionalize_unknown": refusal(lambda t, f, x: f.functionalize(lambda a: a, remove="x")(x)),
    "linearize_other_shape": refusal(
        lambda t, f, x: f.linearize(lambda a: a.sin(), x)[1](t.ones(3))
    ),
    "linearize_other_tree": refusal(lambda t, f, x: f.linearize(lambda a: a.sin(), x)[1](x, x)),
    "linearize_other_dtype": refusal(
        lambda t, f, x: f.linearize(lambda a: a.sin(), x)[1](x.double())
    ),
    "saved_tensors_hooks_around": refusal(lambda t, f, x: _hooked(t, x)),
}.items():
    made.__name__ = label
    PROGRAMS(made)


def _hooked(torch, x):
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        return torch.func.grad(lambda a: a.sum())(x)


# --- vjp and jvp ------------------------------------------------------------------------------------


@PROGRAMS
def vjps(torch):
    x, y = numbers(torch, 3), numbers(torch, 3) * 2

    def f(a, b):
        return {"p": a * b, "q": (a.exp(), b.sum())}

    out, pull = torch.func.vjp(f, x, y)
    ct = {"p": x, "q": (y, torch.tensor(3.0))}
    return out, pull(ct), torch.func.vjp(lambda a: (a * 2, a), x, has_aux=True)[0::2]


@PROGRAMS
def vjp_twice_and_again(torch):
    x = numbers(torch, 3).requires_grad_()
    _, pull = torch.func.vjp(lambda a: a.sin() * a, x)
    ct = torch.ones(3, requires_grad=True)
    (g,) = pull(ct)
    return g, pull(x)[0], torch.autograd.grad(g.pow(2).sum(), (x, ct)), pull(x.detach())[0].is_leaf


@PROGRAMS
def vjp_mapped(torch):
    x = numbers(torch, 3)
    _, pull = torch.func.vjp(lambda a: a.sin() * a.sum(), x)
    return torch.vmap(pull)(torch.eye(3))


@PROGRAMS
def jvps(torch):
    x, y = numbers(torch, 3), numbers(torch, 3) * 2

    def f(a, b):
        return {"p": a * b, "q": (a.exp(), b.sum())}, torch.ones(2)

    return (
        torch.func.jvp(lambda a, b: f(a, b)[0], (x, y), (y, x)),
        torch.func.jvp(f, (x, y), (y, x), has_aux=True),
        torch.func.jvp(lambda a: torch.ones(3), (x,), (x,)),
    )


@PROGRAMS
def jvp_of_integers_in_the_result(torch):
    x = numbers(torch, 4)
    return torch.func.jvp(lambda a: (a.sort()[0], a.argsort(), a > 1), (x,), (x,))


@PROGRAMS
def nested_forward(torch):
    x, t = numbers(torch, 3), torch.ones(3)
    jvp = torch.func.jvp
    inner = lambda a: jvp(lambda b: b.sin() * b, (a,), (t,))  # noqa: E731
    return jvp(inner, (x,), (t,)), jvp(lambda a: jvp(inner, (a,), (t,))[1][1], (x,), (t,))


@PROGRAMS
def forward_over_reverse_and_back(torch):
    x, t = numbers(torch, 3), numbers(torch, 3) - 1
    jvp, grad = torch.func.jvp, torch.func.grad
    return (
        jvp(grad(wavy), (x,), (t,)),
        grad(lambda a: jvp(wavy, (a,), (t,))[1])(x),
        grad(lambda a: jvp(grad(wavy), (a,), (t,))[1].sum())(x),
        jvp(lambda a: grad(lambda b: jvp(wavy, (b,), (t,))[1])(a), (x,), (t,)),
    )


@PROGRAMS
def forward_mode_reaches_leaves_outside(torch):
    x, w = numbers(torch, 3).requires_grad_(), numbers(torch, 3).requires_grad_()
    y, t = torch.func.jvp(lambda a: (a * w).sin(), (x,), (w * 2,))
    (y.sum() + t.pow(2).sum()).backward()
    return x.grad, w.grad


@PROGRAMS
def linearized(torch):
    x, y = numbers(torch, 3), numbers(torch, 3) + 1
    out, push = torch.func.linearize(lambda a, b: {"p": a.sin() * b, "q": a.sum()}, x, y)
    return out, push(y, x), push(x, x), torch.vmap(push)(torch.eye(3), torch.eye(3))


# --- Jacobians ----------------------------------------------------------------------------------------


@PROGRAMS
def jacobians(torch):
    x, y = numbers(torch, 3), numbers(torch, 2, 2)

    def f(a, b):
        return {"p": a.outer(b.reshape(-1)), "q": a.sum() * b}

    found = []
    for jac in (torch.func.jacrev, torch.func.jacfwd):
        for argnums in (0, 1, (0, 1), (1,)):
            found.append(jac(f, argnums=argnums)(x, y))
    return found


@PROGRAMS
def jacobians_of_trees(torch):
    tree = {"a": numbers(torch, 2), "b": numbers(torch, 3)}
    f = lambda p: p["a"].sum() * p["b"].sin()  # noqa: E731
    return (
        torch.func.jacrev(f)(tree),
        torch.func.jacfwd(f)(tree),
        torch.func.hessian(lambda p: f(p).sum())(tree),
    )


@PROGRAMS
def jacobians_with_aux(torch):
    x = numbers(torch, 3)
    f = lambda a: (a.sin(), (a * 2, a.sum()))  # noqa: E731
    return torch.func.jacrev(f, has_aux=True)(x), torch.func.jacfwd(f, has_aux=True)(x)


@PROGRAMS
def jacobians_in_chunks(torch):
    x = numbers(torch, 5)
    f = lambda a: (a.sin() * a.sum(), a[:2].prod())  # noqa: E731
    return [torch.func.jacrev(f, chunk_size=n)(x) for n in (1, 2, 4, 9)] + [
        torch.func.jacrev(f, chunk_size=2, _preallocate_and_copy=True)(x)
    ]


@PROGRAMS
def hessians(torch):
    x = numbers(torch, 3)
    rev, fwd = torch.func.jacrev, torch.func.jacfwd
    return [a(b(wavy))(x) for a in (rev, fwd) for b in (rev, fwd)] + [
        torch.func.hessian(lambda a, b: (a * b).prod(), argnums=(0, 1))(x, x + 1)
    ]


@PROGRAMS
def mapped_jacobians(torch):
    x = numbers(torch, 2, 3)
    f = lambda a: a.sin() * a.sum()  # noqa: E731
    return [
        torch.vmap(torch.func.jacrev(f))(x),
        torch.vmap(torch.func.jacfwd(f), in_dims=1)(x),
        torch.vmap(torch.func.hessian(wavy))(x),
        torch.func.jacrev(torch.vmap(f))(x),
        torch.func.jacfwd(torch.vmap(f, in_dims=1))(x),
    ]


@PROGRAMS
def empty_jacobian(torch):
    return torch.func.jacrev(lambda a: a.sin())(torch.ones(3))[:0]


@PROGRAMS
def functionalized(torch):
    x = numbers(torch, 3)
    f = torch.func.functionalize(lambda a: a.add_(1).view(3, 1).mul_(2))
    return f(x), x, torch.func.functionalize(torch.sin, remove="mutations_and_views")(x)


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_same_as_pytorch(program):
    agree(program)


@pytest.mark.parametrize("program", [gradients, writes_inside, nested_forward, hessians])
def test_op_by_op(program):
    import torchlike

    with torchlike.config.using("op_by_op"):
        agree(program)
