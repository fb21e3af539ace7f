"""``autograd.Function`` under transforms: ``vmap``, ``generate_vmap_rule``, ``jvp``, ``setup_context``."""

from __future__ import annotations

import pytest

from .oracle import Programs, agree, name_of

PROGRAMS = Programs()


def made(torch, **more):
    """A product and a sum with hand-written rules."""

    class Mixed(torch.autograd.Function):
        @staticmethod
        def forward(x, y, scale=2.0):
            return x * y * scale, x + 1

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, y, scale = inputs
            ctx.save_for_backward(x, y)
            ctx.save_for_forward(x, y)
            ctx.scale = scale

        @staticmethod
        def backward(ctx, g, h):
            x, y = ctx.saved_tensors
            return g * y * ctx.scale + h, g * x * ctx.scale, None

        @staticmethod
        def jvp(ctx, dx, dy, _):
            x, y = ctx.saved_tensors
            return (dx * y + x * dy) * ctx.scale, dx * 1

    for name, value in more.items():
        setattr(Mixed, name, value)
    return Mixed


def with_rule(torch):
    def vmap(info, in_dims, x, y, scale=2.0):
        assert info.batch_size == 2
        assert info.randomness == "error"
        x, y = [t if d is None else t.movedim(d, 0) for t, d in zip((x, y), in_dims, strict=False)]
        return fn.apply(x, y, scale), (0, 0)

    fn = made(torch, vmap=staticmethod(vmap))
    return fn


def generated(torch):
    return made(torch, generate_vmap_rule=True)


def points(torch):
    return torch.linspace(0.5, 2, 6).reshape(2, 3), torch.linspace(1, 3, 6).reshape(2, 3)


for label, kind in (("rule", with_rule), ("generated", generated)):

    def mapped(torch, kind=kind):
        fn, (x, y) = kind(torch), points(torch)
        return (
            torch.vmap(fn.apply)(x, y),
            torch.vmap(fn.apply, in_dims=(0, None))(x, y[0]),
            torch.vmap(lambda a: fn.apply(a, y[0], 3.0)[0], out_dims=1)(x),
        )

    def gradients(torch, kind=kind):
        fn, (x, y) = kind(torch), points(torch)
        loss = lambda a, b: sum(o.pow(2).sum() for o in fn.apply(a, b))  # noqa: E731
        grad, vmap = torch.func.grad, torch.vmap
        return (
            grad(loss, argnums=(0, 1))(x, y),
            vmap(grad(loss, argnums=(0, 1)))(x, y),
            grad(lambda a, b: vmap(loss)(a, b).sum(), argnums=(0, 1))(x, y),
            grad(lambda a, b: vmap(loss, (0, None))(a, b).sum(), argnums=(0, 1))(x, y[0]),
            vmap(torch.func.jacrev(loss))(x, y),
            torch.func.jacrev(lambda a: torch.func.grad(loss)(a, y))(x),
        )

    def through_the_tape(torch, kind=kind):
        fn, (x, y) = kind(torch), points(torch)
        x, w = x.requires_grad_(), y[0].clone().requires_grad_()
        out = torch.vmap(lambda a: fn.apply(a, w)[0])(x)
        gx, gw = torch.autograd.grad(out.pow(2).sum(), (x, w), create_graph=True)
        return gx, gw, torch.autograd.grad((gx.sum() + gw.pow(2).sum()), (x, w))

    def forward(torch, kind=kind):
        fn, (x, y) = kind(torch), points(torch)
        jvp = torch.func.jvp
        return (
            jvp(fn.apply, (x, y), (y, x)),
            torch.vmap(lambda a, b: jvp(fn.apply, (a, b), (b, a)))(x, y),
            torch.func.jacfwd(lambda a: fn.apply(a, y[0])[0])(x[0]),
        )

    for program in (mapped, gradients, through_the_tape, forward):
        program.__name__ = f"{program.__name__}_{label}"
        PROGRAMS(program)


@PROGRAMS
def forward_mode_of_one_argument(torch):
    fn, (x, y) = made(torch), points(torch)
    with torch.autograd.forward_ad.dual_level():
        out = fn.apply(torch.autograd.forward_ad.make_dual(x, y), y)
        return [tuple(torch.autograd.forward_ad.unpack_dual(o)) for o in out]


@PROGRAMS
def keyword_arguments(torch):
    fn, (x, y) = made(torch), points(torch)
    return fn.apply(x, y=y), fn.apply(x, y, scale=1.0)


@PROGRAMS
def no_rule(torch):
    return torch.vmap(made(torch).apply)(*points(torch))


@PROGRAMS
def two_rules(torch):
    fn = with_rule(torch)
    fn.generate_vmap_rule = True
    return torch.vmap(fn.apply)(*points(torch))


@PROGRAMS
def rule_returns_one_thing(torch):
    fn = made(torch, vmap=staticmethod(lambda info, in_dims, x, y, *rest: x * y))
    return torch.vmap(fn.apply)(*points(torch))


@PROGRAMS
def rule_returns_three_things(torch):
    fn = made(torch, vmap=staticmethod(lambda info, in_dims, x, y, *rest: (x, y, 0)))
    return torch.vmap(fn.apply)(*points(torch))


@PROGRAMS
def rule_with_other_dims(torch):
    fn = made(torch, vmap=staticmethod(lambda info, in_dims, x, y, *rest: ((x, y), (0, 0, 0))))
    return torch.vmap(fn.apply)(*points(torch))


def old_style(torch):
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return Double


@PROGRAMS
def without_setup_context(torch):
    return torch.func.grad(lambda x: old_style(torch).apply(x).sum())(torch.ones(3))


@PROGRAMS
def without_jvp(torch):
    with torch.autograd.forward_ad.dual_level():
        x = torch.autograd.forward_ad.make_dual(torch.ones(3), torch.ones(3))
        return old_style(torch).apply(x)


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_same_as_pytorch(program):
    agree(program)
