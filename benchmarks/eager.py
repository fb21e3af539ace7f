"""What eager code costs: per op, and per whole train step, side by side with PyTorch and raw JAX.

    python benchmarks/eager.py            everything (about five minutes)
    python benchmarks/eager.py ops        per-op costs only
    python benchmarks/eager.py steps      train steps only
    python benchmarks/eager.py convolution   what XLA's convolution switch is worth here

Each row is one JSON object. Times are the best of several alternating rounds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from timing import alternating

import torchlike
from torchlike.core.record import flush_all

jax.config.update("jax_platforms", "cpu")


def report(**row: Any) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


# --- per op ----------------------------------------------------------------------------------

CHAIN = 200


def chained(
    step: Callable[[Any], Any], x: Any, finish: Callable[[Any], None]
) -> Callable[[], None]:
    """200 ops that depend on each other; ``finish`` runs once at the end."""

    def run() -> None:
        y = x
        for _ in range(CHAIN):
            y = step(y)
        finish(y)

    return run


def ops() -> None:
    array = np.full((8, 8), 0.5, np.float32)
    ours, theirs, raw = torchlike.tensor(array), torch.tensor(array), jnp.asarray(array)
    weight, their_weight = (
        torchlike.tensor(array, requires_grad=True),
        torch.tensor(array, requires_grad=True),
    )
    add = jax.jit(lambda a, b: a + b)
    multiply_vjp = jax.jit(lambda a, b: jax.vjp(lambda p, q: p * q, a, b))

    def forget(_: Any) -> None:  # recording alone: what was recorded is dropped, not run
        torchlike.core.modes.modes.segments.clear()

    def op_by_op() -> None:
        with torchlike.config.using("op_by_op"):
            chained(lambda y: y + ours, ours, lambda y: None)()

    times = alternating(
        {
            "record": chained(lambda y: y + ours, ours, forget),
            "record taped": chained(lambda y: y * weight, weight, forget),
            "record and run": chained(lambda y: y + ours, ours, lambda y: flush_all()),
            "op by op": op_by_op,
            "raw jax.jit": chained(lambda y: add(y, raw), raw, lambda y: y.block_until_ready()),
            "raw jax.jit vjp": chained(
                lambda y: multiply_vjp(y, raw)[0], raw, lambda y: y.block_until_ready()
            ),
            "pytorch": chained(lambda y: y + theirs, theirs, lambda y: None),
            "pytorch taped": chained(lambda y: y * their_weight, their_weight, lambda y: None),
        }
    )
    micros = {name: round(t / CHAIN * 1e6, 2) for name, t in times.items()}
    report(benchmark="per op, 8x8 float32, microseconds", **micros)
    report(
        benchmark="per op, ratios",
        op_by_op_to_raw_jit=round(micros["op by op"] / micros["raw jax.jit"], 2),
        record_to_pytorch=round(micros["record"] / micros["pytorch"], 2),
    )


# --- train steps -----------------------------------------------------------------------------


def mlp(lib: Any) -> Any:
    nn = lib.nn
    return nn.Sequential(
        nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
    )


def cnn(lib: Any) -> Any:
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, 1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 5 * 5, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


WIDTH, HEADS, LAYERS, VOCABULARY, LENGTH = 128, 4, 4, 256, 64


def gpt(lib: Any) -> Any:
    nn, functional = lib.nn, lib.nn.functional

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ln1, self.ln2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x: Any) -> Any:
            b, t, _ = x.shape
            q, k, v = (
                y.view(b, t, HEADS, WIDTH // HEADS).transpose(1, 2)
                for y in self.qkv(self.ln1(x)).split(WIDTH, 2)
            )
            y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(b, t, WIDTH))
            return x + self.down(functional.gelu(self.up(self.ln2(x))))

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(LENGTH, WIDTH)
            self.blocks = nn.ModuleList([Block() for _ in range(LAYERS)])
            self.ln, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, VOCABULARY, bias=False)

        def forward(self, idx: Any) -> Any:
            x = self.tokens(idx) + self.places(lib.arange(idx.shape[1]))
            for block in self.blocks:
                x = block(x)
            return self.head(self.ln(x)).flatten(0, 1)

    return GPT()


def data(name: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    if name == "gpt":
        tokens = rng.integers(0, VOCABULARY, (8, LENGTH + 1))
        return tokens[:, :-1].copy(), tokens[:, 1:].reshape(-1).copy()
    shape = (64, 784) if name == "mlp" else (64, 1, 28, 28)
    return rng.standard_normal(shape).astype(np.float32), rng.integers(0, 10, 64)


def eager_step(lib: Any, build: Callable[[Any], Any], name: str) -> Callable[[], float]:
    """The classic loop body, looking at the loss at its end."""
    lib.manual_seed(0)
    model = build(lib)
    optimizer = lib.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x, y = (lib.tensor(a) for a in data(name))

    def step() -> float:
        optimizer.zero_grad()
        loss = lib.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def jax_forward(name: str) -> Callable[[dict[str, Any], Any], Any]:
    """The same models by hand, over a dict with PyTorch's parameter names."""
    if name == "mlp":
        return _mlp_by_hand
    return _cnn_by_hand if name == "cnn" else _gpt_by_hand


def _linear(p: dict[str, Any], name: str, x: Any) -> Any:
    y = x @ p[f"{name}.weight"].T
    return y + p[f"{name}.bias"] if f"{name}.bias" in p else y


def _mlp_by_hand(p: dict[str, Any], x: Any) -> Any:
    x = jax.nn.relu(_linear(p, "0", x))
    return _linear(p, "4", jax.nn.relu(_linear(p, "2", x)))


def _convolved(p: dict[str, Any], name: str, x: Any) -> Any:
    y = jax.lax.conv_general_dilated(x, p[f"{name}.weight"], (1, 1), "VALID")
    y = jax.nn.relu(y + p[f"{name}.bias"][None, :, None, None])
    n, c, h, w = y.shape
    return y[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))


def _cnn_by_hand(p: dict[str, Any], x: Any) -> Any:
    x = _convolved(p, "3", _convolved(p, "0", x))
    x = jax.nn.relu(_linear(p, "7", x.reshape(x.shape[0], -1)))
    return _linear(p, "9", x)


def _normed(p: dict[str, Any], name: str, x: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / jnp.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)
    return scaled * p[f"{name}.weight"] + p[f"{name}.bias"]


def _gpt_by_hand(p: dict[str, Any], idx: Any) -> Any:
    b, t = idx.shape
    x = p["tokens.weight"][idx] + p["places.weight"][jnp.arange(t)]
    for i in range(LAYERS):
        at = f"blocks.{i}"
        split = jnp.split(_linear(p, f"{at}.qkv", _normed(p, f"{at}.ln1", x)), 3, -1)
        q, k, v = (y.reshape(b, t, HEADS, WIDTH // HEADS) for y in split)
        y = jax.nn.dot_product_attention(q, k, v, is_causal=True).reshape(b, t, WIDTH)
        x = x + _linear(p, f"{at}.out", y)
        hidden = jax.nn.gelu(_linear(p, f"{at}.up", _normed(p, f"{at}.ln2", x)), approximate=False)
        x = x + _linear(p, f"{at}.down", hidden)
    return _linear(p, "head", _normed(p, "ln", x)).reshape(b * t, -1)


def jit_step(build: Callable[[Any], Any], name: str) -> Callable[[], float]:
    """A hand-written ``jax.jit`` train step from the same weights, looking at the loss each time."""
    torch.manual_seed(0)
    params = {k: jnp.asarray(v.numpy()) for k, v in build(torch).state_dict().items()}
    x, y = (jnp.asarray(a) for a in data(name))
    forward, optimizer = jax_forward(name), optax.sgd(0.01, momentum=0.9)
    state = optimizer.init(params)

    def loss_of(p: dict[str, Any]) -> Any:
        logits = jax.nn.log_softmax(forward(p, x))
        return -jnp.take_along_axis(logits, y[:, None], 1).mean()

    @jax.jit
    def step(p: Any, s: Any) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(p)
        updates, s = optimizer.update(grads, s)
        return loss, optax.apply_updates(p, updates), s

    def run() -> float:
        nonlocal params, state
        loss, params, state = step(params, state)
        return float(loss)

    return run


def steps() -> None:
    for name, build in (("mlp", mlp), ("cnn", cnn), ("gpt", gpt)):
        cases: dict[str, Callable[[], Any]] = {
            "torchlike": eager_step(torchlike, build, name),
            "pytorch": eager_step(torch, build, name),
            "jax.jit": jit_step(build, name),
        }
        first = {k: [run() for _ in range(3)] for k, run in cases.items()}
        for k, losses in first.items():
            np.testing.assert_allclose(losses, first["pytorch"], rtol=1e-4, err_msg=f"{name}: {k}")
        times = alternating(cases, rounds=9, seconds=0.3)
        report(
            benchmark=f"train step {name}, milliseconds",
            **{k: round(t * 1e3, 3) for k, t in times.items()},
            to_jit=round(times["torchlike"] / times["jax.jit"], 2),
            to_pytorch=round(times["torchlike"] / times["pytorch"], 2),
        )


# --- the platform table's reason ----------------------------------------------------------------


def convolution() -> None:
    from torchlike.core.platform import compiler_options

    x, w = jnp.ones((64, 32, 13, 13)), jnp.ones((64, 32, 3, 3))

    def both(x: Any, w: Any) -> Any:
        out, pull = jax.vjp(lambda x, w: jax.lax.conv_general_dilated(x, w, (1, 1), "SAME"), x, w)
        return pull(out)

    plain, tuned = jax.jit(both), jax.jit(both, compiler_options=compiler_options(("conv",)))
    times = alternating(
        {
            "default": lambda: jax.block_until_ready(plain(x, w)),
            "tuned": lambda: jax.block_until_ready(tuned(x, w)),
        }
    )
    report(benchmark="conv 64x32x13x13 * 64x32x3x3 forward+backward, milliseconds",
           **{k: round(t * 1e3, 2) for k, t in times.items()})  # fmt: skip


def main() -> None:
    wanted = sys.argv[1:] or ["ops", "steps", "convolution"]
    for name in wanted:
        {"ops": ops, "steps": steps, "convolution": convolution}[name]()


if __name__ == "__main__":
    main()
