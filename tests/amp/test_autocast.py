"""``torch.autocast`` as a context, a decorator and a set of switches, against PyTorch."""

from __future__ import annotations

import pickle
import threading
import warnings
from typing import Any

import pytest
import torch
from torch.testing._internal.autocast_test_lists import AutocastCPUTestLists, AutocastTestLists

import torchlike
from torchlike.core.autocast_lists import BANNED, listed
from torchlike.core.modes import modes

from ..compare import assert_same, error_of, to_own
from ..nn.scenarios import assert_same as assert_same_story


@pytest.fixture(autouse=True)
def _is_off_afterwards():
    yield
    left = modes.autocast
    torchlike.set_autocast_enabled("cpu", False)
    assert left is None


def test_regions_nest():
    def story(torch: Any, nn: Any, say: Any) -> None:
        a = torch.ones(2, 2)
        say(torch.is_autocast_enabled("cpu"), (a @ a).dtype)
        with torch.autocast("cpu"):
            say(torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu"), (a @ a).dtype)
            with torch.autocast("cpu", dtype=torch.float16):
                say(torch.get_autocast_dtype("cpu"), (a @ a).dtype)
                with torch.autocast("cpu", enabled=False):
                    say(torch.is_autocast_enabled("cpu"), (a @ a).dtype)
                say((a @ a).dtype)
            say(torch.get_autocast_dtype("cpu"), (a @ a).dtype)
        say(torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu"), (a @ a).dtype)

    assert_same_story(story)


def test_decorates():
    def story(torch: Any, nn: Any, say: Any) -> None:
        @torch.autocast("cpu", dtype=torch.float16)
        def product(a: Any, b: Any) -> Any:
            """Doc."""
            return a @ b

        a = torch.ones(2, 2)
        say(product(a, b=a).dtype, product.__name__, product.__doc__, (a @ a).dtype)
        say.error(lambda: torch.autocast("cpu")(3))

    assert_same_story(story)


def test_leaves_after_an_error():
    def story(torch: Any, nn: Any, say: Any) -> None:
        try:
            with torch.autocast("cpu"):
                raise KeyError
        except KeyError:
            say(torch.is_autocast_enabled("cpu"), torch.autocast_increment_nesting())
            torch.autocast_decrement_nesting()

    assert_same_story(story)


def test_refuses():
    def story(torch: Any, nn: Any, say: Any) -> None:
        for call in (
            lambda: torch.autocast(3),
            lambda: torch.autocast("gpu"),
            lambda: torch.autocast("meta"),
            lambda: torch.is_autocast_enabled("gpu"),
            lambda: torch.is_autocast_enabled("meta"),
            lambda: torch.is_autocast_enabled(3),
            lambda: torch.get_autocast_dtype("meta"),
            lambda: torch.set_autocast_dtype("cpu", 3),
            lambda: torch.set_autocast_dtype(torch.float32, 3),
            lambda: torch.set_autocast_enabled("cpu", 1),
            lambda: torch.set_autocast_enabled(1),
            lambda: torch.amp.is_autocast_available("gpu"),
            lambda: torch.amp.custom_fwd(device_type=3),
            lambda: torch.amp.custom_bwd(device_type=3),
        ):
            say.error(call)

    assert_same_story(story)


def test_warns():
    def story(torch: Any, nn: Any, say: Any) -> None:
        with torch.autocast("cpu", dtype=torch.float32):
            say(torch.is_autocast_enabled("cpu"), (torch.ones(2, 2) @ torch.ones(2, 2)).dtype)
        with torch.autocast("cuda"):
            say(torch.is_autocast_enabled())
        with torch.cpu.amp.autocast():
            say(torch.is_autocast_enabled("cpu"))
        torch.cpu.amp.GradScaler()
        torch.cuda.amp.GradScaler()
        torch.cuda.amp.custom_fwd(lambda ctx, x: x)
        torch.cuda.amp.custom_bwd(lambda ctx, x: x)

    assert_same_story(story)


def test_has_pytorch_s_defaults():
    for kind in ("cpu", "cuda", "xpu", "hpu", "xla", "mps", "mtia", "ipu"):
        assert str(torch.get_autocast_dtype(kind)) == str(torchlike.get_autocast_dtype(kind))
        assert torchlike.amp.is_autocast_available(kind)
    assert not torchlike.amp.is_autocast_available("meta")


def test_answers_by_its_old_names():
    def story(torch: Any, nn: Any, say: Any) -> None:
        warnings.simplefilter("ignore")  # PyTorch says it once in a process
        for short in ("cpu", "xla", "ipu"):
            say(getattr(torch, f"is_autocast_{short}_enabled")())
            say(getattr(torch, f"get_autocast_{short}_dtype")())
        torch.set_autocast_cpu_enabled(True)
        torch.set_autocast_cpu_dtype(torch.float16)
        say(torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu"))
        torch.set_autocast_cpu_enabled(False)
        torch.set_autocast_cpu_dtype(torch.bfloat16)
        say(torch.get_autocast_gpu_dtype())

    assert_same_story(story)


def test_casts_a_weight_once():
    def story(torch: Any, nn: Any, say: Any) -> None:
        torch.manual_seed(0)
        layer, x = nn.Linear(3, 3), torch.ones(1, 3)
        for cache in (True, False):
            with torch.autocast("cpu", cache_enabled=cache):
                say(torch.is_autocast_cache_enabled())
                before = layer(x)
                with torch.no_grad():
                    layer.weight.mul_(2)
                after = layer(x)
                say(torch.equal(before, after))  # with a cache the write is not seen
                torch.clear_autocast_cache()
                say(torch.equal(before, layer(x)))

    assert_same_story(story)


def test_a_cast_without_gradient_is_not_used_with_one():
    def story(torch: Any, nn: Any, say: Any) -> None:
        torch.manual_seed(0)
        layer, x = nn.Linear(3, 3), torch.ones(1, 3)
        with torch.autocast("cpu"):
            with torch.no_grad():
                layer(x)
            loss = layer(x).float().sum()
        loss.backward()
        say(layer.weight.grad, layer.bias.grad, layer.weight.grad.dtype)

    assert_same_story(story)


def test_leaves_in_place_and_out_alone():
    def story(torch: Any, nn: Any, say: Any) -> None:
        a, b = torch.ones(2, 2), torch.full((2, 2), 1.001)
        with torch.autocast("cpu"):
            say(torch.mm(a, b, out=torch.empty(2, 2)), a.clone().addmm_(b, b))
            say(torch.mm(a, b), torch.addmm(a, b, b))
            say(a.double() @ b.double())

    assert_same_story(story)


def test_is_one_thread_s():
    seen = []

    def look() -> None:
        a = torchlike.ones(2, 2)
        seen.append((torchlike.is_autocast_enabled("cpu"), (a @ a).dtype))

    with torchlike.autocast("cpu"):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert seen == [(False, torchlike.float32)]


def test_custom_functions_run_as_they_ask():
    def story(torch: Any, nn: Any, say: Any) -> None:
        def function(**options: Any) -> Any:
            class Product(torch.autograd.Function):
                @staticmethod
                @torch.amp.custom_fwd(device_type="cpu", **options)
                def forward(ctx: Any, a: Any, b: Any) -> Any:
                    ctx.save_for_backward(a, b)
                    say("forward", a.dtype, torch.is_autocast_enabled("cpu"), (a @ b).dtype)
                    return a @ b

                @staticmethod
                @torch.amp.custom_bwd(device_type="cpu")
                def backward(ctx: Any, grad: Any) -> Any:
                    a, b = ctx.saved_tensors
                    say("backward", grad.dtype, torch.is_autocast_enabled("cpu"), (a @ b).dtype)
                    return grad @ b.T, a.T @ grad

            return Product

        for options in ({}, {"cast_inputs": torch.float32}, {"cast_inputs": torch.float16}):
            for enabled in (True, False):
                torch.manual_seed(0)
                a = torch.randn(2, 2, requires_grad=True)
                b = torch.randn(2, 2, requires_grad=True)
                with torch.autocast("cpu", enabled=enabled):
                    out = function(**options).apply(a, b)
                say(out.dtype)
                out.float().sum().backward()
                say(a.grad.dtype)

    assert_same_story(story)


def test_compiled_calls_know_it():
    layer = torchlike.nn.Linear(3, 2)
    compiled = torchlike.compile(lambda x: layer(x))
    x = torchlike.ones(1, 3)
    for _ in range(2):
        assert compiled(x).dtype is torchlike.float32
        with torchlike.autocast("cpu"):
            assert compiled(x).dtype is torchlike.bfloat16
        with torchlike.autocast("cpu", dtype=torchlike.float16):
            assert compiled(x).dtype is torchlike.float16


def test_pickles():
    region = pickle.loads(pickle.dumps(torchlike.autocast("cpu", dtype=torchlike.float16)))
    with region:
        assert torchlike.get_autocast_dtype("cpu") is torchlike.float16


# --- PyTorch's own lists ---------------------------------------------------------------------------


def aten_names(key: str) -> set[str]:
    found = set()
    for schema in torch._C._jit_get_all_schemas():
        if schema.name.startswith("aten::"):
            overload = f".{schema.overload_name}" if schema.overload_name else ""
            try:
                if torch._C._dispatch_has_kernel_for_dispatch_key(schema.name + overload, key):
                    found.add(schema.name.removeprefix("aten::"))
            except RuntimeError:
                continue
    return found


@pytest.mark.parametrize(("device", "key"), [("cpu", "AutocastCPU"), ("cuda", "AutocastCUDA")])
def test_lists_are_pytorch_s(device: str, key: str):
    assert set(listed(device)) == aten_names(key)


def _cpu_cases() -> list[Any]:
    lists = AutocastCPUTestLists("cpu")
    modules = ((torch, "torch_16", True), (torch._C._nn, "nn_16", True),
               (torch, "torch_fp32", False), (torch._C._nn, "nn_fp32", False))  # fmt: skip
    return [
        pytest.param(name, row, is_lower, id=f"{name}:{row[0]}")
        for _, name, is_lower in modules
        for row in getattr(lists, name)
    ]


def functions(library: Any, name: str) -> Any:
    for space in (library, library.nn.functional, library.linalg):
        if hasattr(space, name):
            return getattr(space, name)
    return None


@pytest.mark.parametrize(("kind", "row", "is_lower"), _cpu_cases())
def test_runs_pytorch_s_cpu_examples(kind: str, row: Any, is_lower: bool):
    name, args, *rest = row
    kwargs = rest[0] if rest else {}
    fn, theirs = functions(torchlike, name), functions(torch, name)
    if fn is None or theirs is None:
        pytest.skip(f"{name} is no public function")
    with torch.autocast("cpu"):
        expected = theirs(*args, **kwargs)
    with torchlike.autocast("cpu"):
        found = fn(*to_own(args), **kwargs)
    assert found.dtype is (torchlike.bfloat16 if is_lower else torchlike.float32)
    # PyTorch's kernels of these add up in bfloat16
    assert_same(expected, found, values=not name.startswith(("addbmm", "conv_t")))


def test_the_banned_one_says_why():
    assert listed("cuda")["binary_cross_entropy"] == BANNED
    a = torch.rand(2)
    message = error_of(lambda: _banned(a))
    assert message[0] == "RuntimeError"
    assert "unsafe to autocast" in message[1]


def _banned(a: Any) -> None:
    """As on a CUDA device: the CPU's list is replaced for this call."""
    from torchlike.core.registry import OPS

    op = OPS["binary_cross_entropy"]
    before = op.autocast
    op.autocast = {"cpu": BANNED}
    try:
        with torchlike.autocast("cpu"):
            torchlike.nn.functional.binary_cross_entropy(*to_own((a, a)))
    finally:
        op.autocast = before


CUDA_LISTS = ("torch_fp16", "torch_fp32", "nn_fp16", "nn_fp32", "linalg_fp16",
              "torch_need_autocast_promote", "torch_expect_builtin_promote")  # fmt: skip


def _cuda_cases() -> list[Any]:
    lists = AutocastTestLists("cpu")
    return [
        pytest.param(kind, row, id=f"{kind}:{row[0]}:{i}")
        for kind in CUDA_LISTS
        for i, row in enumerate(getattr(lists, kind))
        if row[0] != "einsum"  # PyTorch's own example of it is no valid call
    ]


@pytest.mark.parametrize(("kind", "row"), _cuda_cases())
def test_runs_pytorch_s_cuda_examples(kind: str, row: Any, monkeypatch: pytest.MonkeyPatch):
    """CUDA's lists, tried on the CPU: the policies of both change places."""
    from torchlike.core.registry import OPS

    for op in OPS.values():
        policy = (op.autocast or {}).get("cuda")
        monkeypatch.setattr(op, "autocast", {"cpu": policy} if policy else None)
    name, args, *rest = row
    kwargs = next((x for x in rest if isinstance(x, dict)), {})
    fn = functions(torchlike, name)
    if fn is None or functions(torch, name) is None:
        pytest.skip(f"{name} is no public function")
    expected = rest[0] if kind == "torch_expect_builtin_promote" else None
    if expected is None:
        expected = torch.float16 if "16" in kind else torch.float32
    args = [_cast_list(x) for x in args] if isinstance(args, tuple) else [args]
    with torchlike.autocast("cpu", dtype=torchlike.float16):
        found = fn(*to_own(list(args)), **kwargs)
    found = found[0] if isinstance(found, tuple) else found
    if name == "equal":
        assert isinstance(found, bool)
    else:
        assert str(found.dtype) == str(expected)


def _cast_list(x: Any) -> Any:
    return list(x) if isinstance(x, tuple) and x and isinstance(x[0], torch.Tensor) else x
