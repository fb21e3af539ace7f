"""``torch.autograd.graph``, ``autograd.grad``'s options and the switches of ``grad_mode``."""

from __future__ import annotations

import pytest

import torchlike

from ..func.oracle import Programs, agree, name_of

PROGRAMS = Programs()


def leaf(torch, *shape):
    count = 1
    for n in shape:
        count *= n
    return torch.linspace(0.5, 2, count).reshape(shape).requires_grad_()


# --- saved tensors -----------------------------------------------------------------------------------


@PROGRAMS
def hooks_see_and_replace(torch):
    x = leaf(torch, 2, 3)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t):
        y = (x * x).sum()
    y.backward()
    return x.grad


@PROGRAMS
def hooks_may_pack_into_anything(torch):
    x, packed = leaf(torch, 2, 3), []

    def pack(t):
        packed.append(t.detach().clone())
        return len(packed) - 1

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda i: packed[i]):
        y = (x @ x.detach().T).sin()
        z = y.sum()
    (g,) = torch.autograd.grad(z, x, create_graph=False)
    return g, len(packed) > 0


@PROGRAMS
def inner_hooks_come_first(torch):
    x, seen = leaf(torch, 3), []
    hooks = torch.autograd.graph.saved_tensors_hooks
    with hooks(lambda t: seen.append("outer") or t, lambda t: t):
        with hooks(lambda t: seen.append("inner") or t, lambda t: t):
            x * x.detach()
        x.sin()
    return seen[0], seen[-1]


@PROGRAMS
def hooks_of_functions(torch):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g

    x = leaf(torch, 3)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t + 1, lambda t: t * 10):
        y = Square.apply(x)
    return torch.autograd.grad(y.sum(), x)


@PROGRAMS
def on_the_cpu(torch):
    x = leaf(torch, 3)
    with torch.autograd.graph.save_on_cpu(pin_memory=False):
        y = (x.exp() * x).sum()
    y.backward()
    return x.grad


@PROGRAMS
def hooks_disabled(torch):
    graph = torch.autograd.graph
    with (
        graph.disable_saved_tensors_hooks("not here"),
        graph.saved_tensors_hooks(lambda t: t, lambda t: t),
    ):
        return leaf(torch, 3).sin()


@PROGRAMS
def unpacked_to_no_tensor(torch):
    x = leaf(torch, 3)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: 3):
        y = (x * x).sum()
    y.backward()


@PROGRAMS
def pack_writes(torch):
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.add_(1), lambda t: t):
        return leaf(torch, 3).sin()


@PROGRAMS
def mutation_allowed(torch):
    x = leaf(torch, 2, 3)
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        b = x.clone()
        y = (b**2).sum() + (b * b.detach()).sum()
        b.sin_()
        y.backward()
    return x.grad


@PROGRAMS
def mutation_allowed_no_longer(torch):
    x = leaf(torch, 2, 3)
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        b = x.clone()
        y = (b**2).sum()
        b.sin_()
    y.backward()


@PROGRAMS
def mutation_allowed_twice(torch):
    allow = torch.autograd.graph.allow_mutation_on_saved_tensors
    with allow(), allow():
        return 1


# --- edges ---------------------------------------------------------------------------------------------


@PROGRAMS
def edges_for_tensors(torch):
    x = leaf(torch, 3)
    y = x * 2
    edge = torch.autograd.graph.get_gradient_edge
    of_y, of_x = edge(y), edge(x)
    grad = torch.autograd.grad
    return (
        grad(of_y, x, torch.ones(3), retain_graph=True),
        grad((y * 3).sum(), of_y, retain_graph=True),
        grad((y * 3).sum(), of_x, retain_graph=True),
        of_y.output_nr,
        of_y.node.name(),
    )


@PROGRAMS
def edge_of_a_constant(torch):
    return torch.autograd.graph.get_gradient_edge(torch.ones(3))


@PROGRAMS
def version_counted(torch):
    x = torch.ones(3)
    torch.autograd.graph.increment_version(x)
    torch.autograd.graph.increment_version([x, torch.ones(2)])
    return x._version


@PROGRAMS
def version_preserved(torch):
    x = torch.ones(3)
    with torch.autograd._unsafe_preserve_version_counter(x):
        x.add_(1)
    return x._version, x


# --- hooks on gradients ----------------------------------------------------------------------------------


@PROGRAMS
def all_gradients(torch):
    xs, seen = [leaf(torch, 2) for _ in range(3)], []
    torch.autograd.graph.register_multi_grad_hook(xs, lambda grads: seen.append(list(grads)))
    (xs[0] * xs[1]).sum().backward()
    (xs[0] * xs[1] * xs[2]).sum().backward()
    (xs[2].sum() * 2).backward()
    return seen


@PROGRAMS
def any_gradient(torch):
    xs, seen = [leaf(torch, 2) for _ in range(3)], []
    hook = torch.autograd.graph.register_multi_grad_hook(xs, seen.append, mode="any")
    (xs[0] * xs[1]).sum().backward()
    (xs[0] * xs[1]).sum().backward()
    hook.remove()
    (xs[0] * xs[1]).sum().backward()
    return len(seen)


@PROGRAMS
def some_other_gradient(torch):
    return torch.autograd.graph.register_multi_grad_hook([leaf(torch, 2)], print, mode="some")


# --- grad ------------------------------------------------------------------------------------------------


@PROGRAMS
def batched_gradients(torch):
    x, w = leaf(torch, 3), leaf(torch, 3)
    y = x.sin() * w
    return torch.autograd.grad(y, (x, w), torch.eye(3), is_grads_batched=True)


@PROGRAMS
def batched_gradients_differentiated(torch):
    x = leaf(torch, 3)
    (g,) = torch.autograd.grad(x**3, x, torch.eye(3), is_grads_batched=True, create_graph=True)
    return g, torch.autograd.grad(g.sum(), x)


@PROGRAMS
def batched_gradients_of_another_shape(torch):
    x = leaf(torch, 2, 3)
    return torch.autograd.grad(x * 3, x, torch.ones(6, 3, 2), is_grads_batched=True)


@PROGRAMS
def inputs_by_name(torch):
    x, y = leaf(torch, 2), leaf(torch, 2)
    return torch.autograd.grad((x * y).sum(), {"x": x, "y": y})


@PROGRAMS
def no_inputs(torch):
    return torch.autograd.grad(leaf(torch, 2).sum(), ())


@PROGRAMS
def unused_input(torch):
    return torch.autograd.grad(leaf(torch, 2).sum(), leaf(torch, 2))


@PROGRAMS
def unused_input_as_zeros(torch):
    x, y = leaf(torch, 2), leaf(torch, 2)
    return torch.autograd.grad(x.sum(), (x, y), materialize_grads=True)


@PROGRAMS
def real_gradient_of_a_complex_result(torch):
    x = leaf(torch, 2)
    return torch.autograd.grad(x * 3j, x, torch.ones(2))


@PROGRAMS
def gradient_that_is_none(torch):
    return torch.autograd.backward([leaf(torch, 2) * 3], [3.0])


@PROGRAMS
def both_spellings_of_gradients(torch):
    x = leaf(torch, 2)
    return torch.autograd.backward([x * 3], [x.detach()], grad_variables=[x.detach()])


@PROGRAMS
def old_variable(torch):
    x = torch.ones(2)
    y = torch.autograd.Variable(x, requires_grad=True)
    (y * 2).sum().backward()
    return type(y).__name__, y.grad, isinstance(x, torch.autograd.Variable)


@PROGRAMS
def variable_is_gone(torch):
    return torch.autograd.variable([1.0])


@PROGRAMS
def switches(torch):
    autograd, found = torch.autograd, []
    with autograd.set_multithreading_enabled(False):
        found.append(autograd.is_multithreading_enabled())
    with autograd._force_original_view_tracking(True):
        found.append(autograd.is_view_replay_enabled())
    with autograd.enforce_grad_layout_policy(False):
        found.append(torch.ones(1).item())
    return found, autograd.is_multithreading_enabled(), autograd.is_view_replay_enabled()


@PROGRAMS
def memory_budget_outside_of_compile(torch):
    return torch.autograd.graph.region_activation_memory_budget(0.5)


@PROGRAMS
def memory_budget_out_of_range(torch):
    return torch.autograd.graph.region_activation_memory_budget(2.0)


@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_same_as_pytorch(program):
    agree(program)


def test_stream_switches_are_accepted():
    torchlike.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(False)
    torchlike.autograd.graph.set_override_stale_capture_stream(True)


@pytest.mark.parametrize("name", ["emit_nvtx", "emit_itt", "load_nvprof", "parse_nvprof_trace"])
def test_profilers_of_others_are_refused(name):
    with pytest.raises(NotImplementedError, match="hint"):
        getattr(torchlike.autograd.profiler, name)()


def test_profiler_times_kernels_and_ranges(tmp_path):
    profiler = torchlike.autograd.profiler
    x = torchlike.ones(64, 64)
    with profiler.profile() as p, profiler.record_function("products"):
        (x @ x).sin().sum().item()
    names = {e.name for e in p.function_events if e.is_user_annotation}
    assert names == {"products"}
    assert [e for e in p.function_events if not e.is_user_annotation]
    total = p.key_averages().table(sort_by="cpu_time_total")
    assert "products" in total
    assert "Self CPU time total" in total
    p.export_chrome_trace(str(tmp_path / "trace.json"))
    assert (tmp_path / "trace.json").stat().st_size > 100
    with pytest.raises(NotImplementedError):
        profiler.profile(with_stack=True)
    assert profiler.profile(enabled=False).__enter__() is None
