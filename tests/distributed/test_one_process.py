"""``torch.distributed`` and the wrappers of modules in one process, against PyTorch's gloo."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import pytest
import torch
import torch.distributed

import torchlike
import torchlike.distributed

from ..nn.scenarios import assert_same


@pytest.fixture(autouse=True)
def _no_group_is_left():
    yield
    for library in (torch, torchlike):
        if library.distributed.is_initialized():
            library.distributed.destroy_process_group()


def begin(torch: Any) -> Any:
    dist = torch.distributed
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    return dist


def test_needs_a_group():
    def story(torch: Any, nn: Any, say: Any) -> None:
        dist = torch.distributed
        say(dist.is_available(), dist.is_initialized(), dist.group.WORLD)
        for call in (
            dist.get_rank,
            dist.get_world_size,
            dist.get_backend,
            dist.barrier,
            dist.destroy_process_group,
            lambda: dist.all_reduce(torch.ones(2)),
            lambda: dist.new_group([0]),
            lambda: dist.init_process_group(3),
            lambda: dist.init_process_group("gloo", init_method="bar://x"),
            lambda: dist.init_process_group("gloo", init_method="file:///nowhere"),
            lambda: dist.init_process_group("gloo"),
            lambda: nn.parallel.DistributedDataParallel(nn.Linear(2, 2)),
            dist.get_node_local_rank,
        ):
            say.error(call)
        say(dist.get_node_local_rank(3))

    assert_same(story)


def test_is_alone():
    def story(torch: Any, nn: Any, say: Any) -> None:
        dist = begin(torch)
        say(dist.is_initialized(), dist.get_rank(), dist.get_world_size(), str(dist.get_backend()))
        say(dist.get_process_group_ranks(dist.group.WORLD), dist.group.WORLD.size())
        say(dist.get_rank(dist.new_group([0])))
        say.error(lambda: begin(torch))
        say.error(lambda: dist.new_group([0, 1]))
        say.error(lambda: dist.new_group([3]))
        dist.destroy_process_group()
        say(dist.is_initialized())

    assert_same(story)


def test_collectives():
    def story(torch: Any, nn: Any, say: Any) -> None:
        dist = begin(torch)
        x, out = torch.arange(3.0), torch.zeros(3)
        for op in (dist.ReduceOp.SUM, dist.ReduceOp.MAX, dist.ReduceOp.PRODUCT):
            say(dist.all_reduce(x, op=op), x)
        say(dist.broadcast(x, 0), dist.reduce(x, 0), dist.barrier(), x)
        for call in (
            lambda: dist.all_gather([out], x),
            lambda: dist.gather(x, [out]),
            lambda: dist.scatter(out, [x]),
            lambda: dist.reduce_scatter(out, [x]),
            lambda: dist.all_to_all([out], [x]),
            lambda: dist.all_to_all_single(out, x),
        ):
            out.zero_()
            say(call(), out)
        work = dist.all_reduce(x, async_op=True)
        say(work.wait(), work.is_completed(), x)
        for call in (
            lambda: dist.broadcast(x, 1),
            lambda: dist.all_gather([], x),
            lambda: dist.all_gather([torch.ones(5)], x),
            lambda: dist.gather(x),
            lambda: dist.scatter(x),
            lambda: dist.all_reduce(3),
            lambda: dist.all_reduce(x, op=dist.ReduceOp.BAND),
            lambda: dist.all_reduce(x.to(torch.complex64), op=dist.ReduceOp.MAX),
        ):
            say.error(call)

    assert_same(story)


def test_objects():
    def story(torch: Any, nn: Any, say: Any) -> None:
        dist = begin(torch)
        for call in (
            lambda held: dist.all_gather_object(held, {"a": 1}),
            lambda held: dist.gather_object(5, held, 0),
            lambda held: dist.scatter_object_list(held, [7], 0),
            lambda held: dist.broadcast_object_list(held, 0),
        ):
            held: list[Any] = [None]
            say(call(held), held)

    assert_same(story)


def test_more_processes_are_refused_with_a_way_out():
    with pytest.raises(NotImplementedError, match="jax.sharding"):
        torchlike.distributed.init_process_group(
            "gloo", init_method="file:///x", rank=0, world_size=2
        )


def test_reads_the_launcher_s_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("LOCAL_RANK", "0")
    torchlike.distributed.init_process_group("gloo")
    assert torchlike.distributed.get_rank() == torchlike.distributed.get_node_local_rank() == 0
    sampler = torchlike.utils.data.distributed.DistributedSampler(range(5), shuffle=False)
    assert list(sampler) == [0, 1, 2, 3, 4]


def test_distributed_data_parallel():
    def story(torch: Any, nn: Any, say: Any) -> None:
        begin(torch)
        wrap = nn.parallel.DistributedDataParallel
        torch.manual_seed(0)
        model = wrap(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        x = torch.randn(6, 3)
        for step in range(4):
            if step % 2 == 0:
                optimizer.zero_grad()
                with model.no_sync():
                    model(x).pow(2).mean().backward()
                continue
            model(x).sin().mean().backward()
            optimizer.step()
        say(repr(model), model.state_dict(), model.module[0].weight.grad)
        say.error(lambda: wrap(nn.ReLU()))
        say.error(lambda: wrap(nn.LazyLinear(2)))
        say.error(lambda: wrap(nn.Linear(2, 2), device_ids=[0]))

    assert_same(story)


def test_data_parallel_cuts_batches_over_devices():
    program = """
        import jax
        jax.config.update("jax_num_cpu_devices", 4)
        import torchlike as torch
        from torchlike import nn

        torch.manual_seed(0)
        layers = nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)
        model = nn.Sequential(*layers).cuda()
        parallel = nn.DataParallel(model)
        seen = []
        model[0].register_forward_hook(lambda m, x, y: seen.append((str(y.device), len(y))))
        x = torch.randn(7, 4).cuda()
        out = parallel(x)
        assert str(out.device) == "cuda:0" and out.shape == (7, 2)
        assert sorted(seen) == [("cuda:0", 2), ("cuda:1", 2), ("cuda:2", 2), ("cuda:3", 1)]
        out.pow(2).sum().backward()
        mine = [p.grad.clone() for p in model.parameters()]
        model.zero_grad()
        model(x).pow(2).sum().backward()
        for a, p in zip(mine, model.parameters()):
            assert torch.allclose(a, p.grad, atol=1e-5)
        normed = nn.DataParallel(nn.BatchNorm1d(4).cuda())
        rows = torch.randn(8, 4).cuda()
        normed(rows)
        expected = 0.1 * rows[:2].mean(0)
        assert torch.allclose(normed.module.running_mean, expected, atol=1e-6)
        print("all right")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "all right", done.stderr
