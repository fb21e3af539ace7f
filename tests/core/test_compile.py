"""``torch.compile``: every call of a compiled function gives what the plain function gives."""

from __future__ import annotations

import inspect
import warnings

import pytest

import torchlike as torch
from torchlike.compiler import state

from ..compare import Cases, assert_same, name_of, outcome, real_tensor, tree_map

case = Cases()


def captures(fn):
    """How many programs a call of ``fn`` made."""
    before = state.counters["captures"]
    fn()
    return state.counters["captures"] - before


def same(x):
    """What is compiled in the second run of a case only."""
    return x


# --- each case runs plainly and compiled; ``c`` compiles a function, or leaves it ------------------


@case
def values(c):
    f = c(lambda a, b: a * 10 + b)
    x, y = torch.ones(2), torch.full((2,), 5.0)
    return f(x, x), f(x, y), f(y, x), f(y, y), f(x.double(), y)


@case
def shapes(c):
    f = c(lambda x: x.sum() * 2)
    return [f(torch.ones(n)) for n in (1, 2, 3, 1, 2)]


@case
def closure_and_defaults(c):
    n, k = 2.0, [3.0]

    def g(x, *, scale=1.0):
        return x * n * k[0] * scale

    f = c(g)
    found = [f(torch.ones(1))]
    n = 5.0
    found.append(f(torch.ones(1)))
    k[0] = 7.0
    return [*found, f(torch.ones(1)), f(torch.ones(1), scale=2.0)]


@case
def closure_tensor_is_rebound(c):
    w = torch.ones(1)
    f = c(lambda x: x * w)
    first = f(torch.ones(1))
    w = torch.full((1,), 7.0)
    return first, f(torch.ones(1))


@case
def structures(c):
    f = c(lambda d, flag=True: {"a": d["x"] * 2 if flag else d["x"], "n": 3, "t": (None, "s")})
    x = torch.ones(1)
    return f({"x": x}), f({"x": x * 0}), f({"x": x}, flag=False)


@case
def arguments_written_to(c):
    @c
    def f(x):
        x.add_(1)
        return x * 2

    x, y = torch.ones(2), torch.zeros(2)
    return f(x), f(y), f(x), x, y, x._version


@case
def views_written_to(c):
    @c
    def f(x):
        x.add_(1)

    b = torch.zeros(4)
    return f(b[:2]), f(b[2:]), f(b[1:3]), f(b[:2]), b


@case
def buffer_written_to(c):
    buffer = torch.zeros(1)

    @c
    def f(x):
        buffer.mul_(0.5).add_(x)
        return buffer.clone()

    return [f(torch.ones(1)) for _ in range(3)], buffer


@case
def layouts(c):
    f = c(lambda x: x.view(-1) * 1 if x.is_contiguous() else x.reshape(-1) * 0)
    return f(torch.arange(6.0).view(2, 3)), f(torch.arange(6.0).view(3, 2).t())


@case
def gradients(c):
    w = torch.tensor([2.0], requires_grad=True)
    f = c(lambda x: (w * x).sin())
    found = []
    for value in (3.0, 4.0, 5.0):
        x = torch.tensor([value], requires_grad=True)
        f(x).sum().backward()
        found += [x.grad, w.grad.clone()]
    return found


@case
def gradient_of_an_intermediate_argument(c):
    f = c(lambda x: x * x)
    found = []
    for _ in range(3):
        leaf = torch.tensor([3.0], requires_grad=True)
        x = leaf * 2
        x.retain_grad()
        f(x).sum().backward()
        found += [leaf.grad, x.grad]
    return found


@case
def modes_are_guarded(c):
    w = torch.ones(1, requires_grad=True)
    f = c(lambda x: x * w)
    found = [f(torch.ones(1)).requires_grad]
    with torch.no_grad():
        found.append(f(torch.ones(1)).requires_grad)
    return [*found, f(torch.ones(1)).requires_grad]


@case
def backward_inside_accumulates(c):
    w = torch.ones(2, requires_grad=True)

    @c
    def step(x):
        loss = (w * x * w).sum()
        loss.backward()
        return loss.detach()

    found = [(step(torch.full((2,), float(i))), w.grad.clone()) for i in range(1, 5)]
    w.grad = None
    return found, step(torch.ones(2)), w.grad


@case
def gradient_of_an_argument_inside(c):
    @c
    def f(x):
        (x * x).sum().backward()
        return x.grad * 1

    return [f(torch.tensor([v], requires_grad=True)) for v in (1.0, 2.0, 3.0)]


@case
def autograd_grad_inside(c):
    f = c(lambda x: torch.autograd.grad((x**3).sum(), x)[0])
    return [f(torch.tensor([v], requires_grad=True)) for v in (1.0, 2.0)]


@case
def custom_function(c):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0]

    f = c(lambda x: Square.apply(x).sum())
    found = []
    for v in (1.0, 2.0):
        x = torch.tensor([v], requires_grad=True)
        f(x).backward()
        found.append(x.grad)
    return found


def _training(c, make, schedule=None, clear=1):
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.25), nn.Linear(4, 1))
    optimizer = make(model.parameters())
    scheduler = schedule(optimizer) if schedule else None
    x = torch.randn(8, 3)

    @c
    def step(x, y):
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.detach()

    losses = []
    for i in range(6):
        if i % clear == 0:
            optimizer.zero_grad()
        losses.append(step(x, x.sum(1, keepdim=True)))
        if scheduler is not None:
            scheduler.step()
    return losses, dict(model.state_dict())


@case
def training_with_sgd(c):
    return _training(c, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9))


@case
def training_with_adam_and_a_schedule(c):
    return _training(
        c,
        lambda p: torch.optim.Adam(p, lr=0.05),
        lambda o: torch.optim.lr_scheduler.StepLR(o, 1, 0.7),
    )


@case
def training_that_accumulates(c):
    return _training(c, lambda p: torch.optim.SGD(p, lr=0.01), clear=2)


@case
def only_the_optimizer(c):
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    f = c(lambda: optimizer.step())
    for _ in range(4):
        optimizer.zero_grad()
        (model(torch.ones(1, 2)) ** 2).sum().backward()
        f()
    return model.weight


@case
def batch_norm_and_eval(c):
    model = torch.nn.BatchNorm1d(3)
    f = c(model)
    x = torch.arange(12.0).view(4, 3)
    found = [f(x), f(x * 2)]
    model.eval()
    return [*found, f(x), model.running_mean, model.num_batches_tracked]


@case
def module_attributes(c):
    class Scale(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.k = 2.0
            self.options = {"shift": 1.0}

        def forward(self, x):
            return x * self.k + self.options["shift"]

    m = Scale()
    f = c(m)
    found = [f(torch.ones(1))]
    m.k = 5.0
    found.append(f(torch.ones(1)))
    m.options["shift"] = -1.0
    return [*found, f(torch.ones(1))]


@case
def a_tensor_returned_twice(c):
    def g(x):
        y = x * 2
        return y, y

    f = c(g)
    f(torch.ones(1))
    a, b = f(torch.ones(1))
    return a is b


@case
def an_argument_returned(c):
    f = c(lambda x: (x, x + 1))
    x = torch.ones(1)
    f(x)
    return f(x)[0] is x


@case
def random_numbers(c):
    torch.manual_seed(0)
    f = c(lambda x: torch.nn.functional.dropout(x, 0.5) + torch.rand(6))
    return [f(torch.ones(6)) for _ in range(4)]


@case
def errors(c):
    f = c(lambda x: x @ x)
    return [str(outcome(f, torch.ones(s))).splitlines()[0] for s in (3, (2, 3), (2, 3), 3)]


@case
def nested(c):
    g = c(lambda x: x + 1)
    f = c(lambda x: g(x) * 2)
    return f(torch.ones(1)), f(torch.zeros(1))


@pytest.mark.parametrize("fn", case, ids=name_of)
def test_as_the_plain_function(fn, execution):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fn(torch.compile)
    assert_same(_real(fn(same)), found)


def _real(x):
    return tree_map(lambda t: real_tensor(t) if isinstance(t, torch.Tensor) else t, x)


# --- what stays eager, and says so -----------------------------------------------------------------


def eager(match):
    return pytest.warns(UserWarning, match=match)


def test_a_graph_break_names_the_line():
    @torch.compile
    def f(x):
        if x.sum() > 1:  # the break
            return x * 2
        return x * 3

    line = inspect.getsourcelines(test_a_graph_break_names_the_line)[1] + 3
    with eager(rf"numbers are looked at at .*test_compile\.py:{line}"):
        assert f(torch.ones(2)).tolist() == [2.0, 2.0]
    assert f(torch.zeros(2)).tolist() == [0.0, 0.0]
    assert f(torch.ones(2)).tolist() == [2.0, 2.0]


def test_fullgraph_refuses_a_break():
    f = torch.compile(lambda x: x * x.sum().item(), fullgraph=True)
    with pytest.raises(torch._dynamo.exc.Unsupported, match="graph break"):
        f(torch.ones(2))


def test_a_tensor_kept_outside_is_no_program():
    kept = [None]

    @torch.compile
    def f(x):
        kept[0] = x * 2
        return x + 1

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for v in (1.0, 2.0, 3.0):
            f(torch.full((1,), v))
            assert kept[0].item() == 2 * v


def test_views_among_results_stay_views():
    @torch.compile
    def f(x):
        y = x * 2
        return y, y[0]

    with eager("share their contents"):
        f(torch.ones(2))
    a, b = f(torch.ones(2))
    a.add_(5)
    assert b.item() == 7


def test_a_function_with_a_counter_counts():
    class Counter(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.n = 0

        def forward(self, x):
            self.n += 1
            return x * self.n

    f = torch.compile(Counter())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert [f(torch.ones(1)).item() for _ in range(4)] == [1, 2, 3, 4]


# --- programs ----------------------------------------------------------------------------------------


def test_equal_signatures_share_a_program():
    f = torch.compile(lambda x: x * 2)
    assert captures(lambda: f(torch.ones(3))) == 1
    assert captures(lambda: f(torch.zeros(3))) == 0
    assert captures(lambda: f(torch.ones(4))) == 1


def test_a_schedule_does_not_recompile():
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([p], lr=0.5)
    p.grad = torch.ones(2)
    f = torch.compile(lambda: optimizer.step())
    f()
    f()

    def halve():
        optimizer.param_groups[0]["lr"] = 0.25
        f()

    assert captures(halve) == 0
    assert p.tolist() == [-0.25, -0.25]


def test_too_many_shapes_run_eagerly():
    f = torch.compile(lambda x: x * 2)
    for n in range(1, 9):
        f(torch.ones(n))
    with eager("was compiled 8 times"):
        assert f(torch.ones(20)).shape == (20,)
    f(torch.ones(21))  # says so once


def test_disable_and_reset():
    f = torch.compile(lambda x: x + 1)
    plain = torch.compiler.disable(lambda x: f(x))
    assert captures(lambda: plain(torch.ones(1))) == 0
    assert captures(lambda: f(torch.ones(1))) == 1
    torch._dynamo.reset()
    assert captures(lambda: f(torch.ones(1))) == 1
    assert torch.compile(len, disable=True) is len


def test_is_compiling():
    f = torch.compile(lambda x: x * (2 if torch.compiler.is_compiling() else 1))
    assert f(torch.ones(1)).item() == 2
    assert not torch.compiler.is_compiling()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mode": "fast"}, "Unrecognized mode=fast"),
        ({"mode": "default", "options": {"a": 1}}, "Either mode or options"),
        ({"backend": "nonsense"}, "Invalid backend"),
    ],
)
def test_options_are_checked(options, said):
    with pytest.raises(RuntimeError, match=said):
        torch.compile(len, **options)


def test_a_compiled_module_is_a_module():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())
    f = torch.compile(model)
    assert list(f.state_dict()) == ["_orig_mod.0.weight", "_orig_mod.0.bias"]
    assert [id(p) for p in f.parameters()] == [id(p) for p in model.parameters()]
    f.eval()
    assert not model.training
    assert len(f) == 2
    f.load_state_dict({k: v * 0 for k, v in f.state_dict().items()})
    assert f(torch.ones(1, 2)).tolist() == [[0.0, 0.0]]


def test_backward_twice_and_double_backward_are_refused():
    f = torch.compile(lambda x: (x * x).sum())
    x = torch.ones(2, requires_grad=True)
    f(x).backward()
    loss = f(x)
    loss.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        loss.backward()
    with pytest.raises(RuntimeError, match="double backward"):
        torch.autograd.grad(f(x), x, create_graph=True)
