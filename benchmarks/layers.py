"""What layers and the optimizer step cost, side by side with PyTorch and raw JAX.

    python benchmarks/layers.py              everything (about three minutes)
    python benchmarks/layers.py lstm conv2d  some of it

Each row is one JSON object. Times are the best of several alternating rounds; before they are taken,
the three results are compared. ``to_jax`` should be at most 1.1; LSTM and optimizer faster than PyTorch.
"""

from __future__ import annotations

import json
import math
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

WIDTH, HEADS, BATCH, LENGTH = 128, 4, 16, 64
Params = dict[str, Any]


def report(**row: Any) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def wait(tensors: Any) -> None:
    """Until torchlike's tensors are computed."""
    flush_all()
    jax.block_until_ready([t._v.array for t in tensors])


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


# --- the layers in raw JAX: functions of a state_dict and the input --------------------------------


def jax_lstm(p: Params, x: Any) -> Any:
    gates = x @ p["weight_ih_l0"].T + p["bias_ih_l0"] + p["bias_hh_l0"]

    def step(state: Any, now: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(now + h @ p["weight_hh_l0"].T, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = jnp.zeros((x.shape[1], WIDTH))
    return jax.lax.scan(step, (start, start), gates)[1]


def jax_attention(p: Params, x: Any, prefix: str = "") -> Any:
    b, n, width = x.shape
    qkv = x @ p[prefix + "in_proj_weight"].T + p[prefix + "in_proj_bias"]
    q, k, v = (t.reshape(b, n, HEADS, -1).transpose(0, 2, 1, 3) for t in jnp.split(qkv, 3, -1))
    weights = jax.nn.softmax(q @ k.swapaxes(-1, -2) / math.sqrt(width // HEADS), -1)
    mixed = (weights @ v).transpose(0, 2, 1, 3).reshape(b, n, width)
    return mixed @ p[prefix + "out_proj.weight"].T + p[prefix + "out_proj.bias"]


def jax_norm(p: Params, x: Any, prefix: str) -> Any:
    mean = x.mean(-1, keepdims=True)
    scaled = (x - mean) * jax.lax.rsqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-5)
    return scaled * p[prefix + "weight"] + p[prefix + "bias"]


def jax_transformer(p: Params, x: Any) -> Any:
    x = jax_norm(p, x + jax_attention(p, x, "self_attn."), "norm1.")
    hidden = jax.nn.relu(x @ p["linear1.weight"].T + p["linear1.bias"])
    return jax_norm(p, x + hidden @ p["linear2.weight"].T + p["linear2.bias"], "norm2.")


def jax_conv(p: Params, x: Any) -> Any:
    out = jax.lax.conv_general_dilated(x, p["weight"], (1, 1), ((1, 1), (1, 1)))
    return out + p["bias"][:, None, None]


def jax_batch_norm(p: Params, x: Any) -> Any:
    mean = x.mean((0, 2, 3), keepdims=True)
    scale = jax.lax.rsqrt(((x - mean) ** 2).mean((0, 2, 3), keepdims=True) + 1e-5)
    return (x - mean) * scale * p["weight"][:, None, None] + p["bias"][:, None, None]


def jax_embedding(p: Params, x: Any) -> Any:
    return p["weight"][x]


def first(out: Any) -> Any:
    return out[0]


def whole(out: Any) -> Any:
    return out


# name: (module, raw JAX, input, call, what of the result)
LAYERS: dict[str, tuple[Any, Any, np.ndarray, Any, Any]] = {
    "lstm": (
        lambda nn: nn.LSTM(WIDTH, WIDTH), jax_lstm, numbers(LENGTH, BATCH, WIDTH),
        lambda m, x: m(x), first,
    ),
    "attention": (
        lambda nn: nn.MultiheadAttention(WIDTH, HEADS, batch_first=True), jax_attention,
        numbers(BATCH, LENGTH, WIDTH), lambda m, x: m(x, x, x, need_weights=False), first,
    ),
    "transformer": (
        lambda nn: nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0, batch_first=True),
        jax_transformer, numbers(BATCH, LENGTH, WIDTH), lambda m, x: m(x), whole,
    ),
    "conv2d": (
        lambda nn: nn.Conv2d(32, 64, 3, padding=1), jax_conv, numbers(BATCH, 32, 28, 28),
        lambda m, x: m(x), whole,
    ),
    "batchnorm": (
        lambda nn: nn.BatchNorm2d(64), jax_batch_norm, numbers(BATCH, 64, 28, 28),
        lambda m, x: m(x), whole,
    ),
    "embedding": (
        lambda nn: nn.Embedding(10_000, WIDTH), jax_embedding,
        np.random.default_rng(0).integers(0, 10_000, (BATCH, LENGTH)), lambda m, x: m(x), whole,
    ),
}  # fmt: skip


# --- timing ------------------------------------------------------------------------------------------


def ours_or_theirs(lib: Any, name: str, state: Params, finish: Callable[[Any], None]) -> Any:
    """(forward, forward + backward, result, gradients) of a module of ``lib``."""
    make, _, array, call, part = LAYERS[name]
    module, x = make(lib.nn), lib.tensor(array)
    module.load_state_dict({k: lib.from_numpy(v.copy()) for k, v in state.items()}, strict=False)
    params = list(module.parameters())
    with lib.no_grad():
        direction = lib.from_numpy(numbers(*part(call(module, x)).shape))

    def forward() -> Any:
        with lib.no_grad():
            out = part(call(module, x))
        finish([out])
        return out

    def both() -> Any:
        for p in params:
            p.grad = None
        out = part(call(module, x))
        (out * direction).sum().backward()
        finish([p.grad for p in params])
        return params

    return forward, both, lambda: forward().numpy(), lambda: [p.grad.numpy() for p in both()]


def raw(name: str, state: Params) -> Any:
    fn, array = LAYERS[name][1], jnp.asarray(LAYERS[name][2])
    params = {k: jnp.asarray(v) for k, v in state.items()}
    direction = jnp.asarray(numbers(*jax.eval_shape(fn, params, array).shape))
    run = jax.jit(fn)
    gradient = jax.jit(jax.grad(lambda p, x: (fn(p, x) * direction).sum()))
    names = list(params)
    return (
        lambda: jax.block_until_ready(run(params, array)),
        lambda: jax.block_until_ready(gradient(params, array)),
        lambda: np.asarray(run(params, array)),
        lambda: [np.asarray(gradient(params, array)[k]) for k in names],
    )


def layer(name: str) -> None:
    torch.manual_seed(0)
    module = LAYERS[name][0](torch.nn)
    state = {k: p.detach().numpy().copy() for k, p in module.named_parameters()}
    cases = {
        "torchlike": ours_or_theirs(torchlike, name, state, wait),
        "pytorch": ours_or_theirs(torch, name, state, lambda tensors: None),
        "jax": raw(name, state),
    }
    expected, gradients = cases["pytorch"][2](), cases["pytorch"][3]()
    for which, (_, _, result, grads) in cases.items():
        np.testing.assert_allclose(result(), expected, rtol=1e-3, atol=1e-4, err_msg=which)
        for a, b in zip(grads(), gradients, strict=True):
            scale = float(np.abs(b).max())
            np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4 * scale, err_msg=which)
    for what, place in (("forward", 0), ("forward + backward", 1)):
        compare(f"{name}, {what}", {k: fns[place] for k, fns in cases.items()})


def compare(what: str, cases: dict[str, Callable[[], Any]]) -> None:
    times = alternating(cases, rounds=7, seconds=0.2)
    report(
        benchmark=f"{what}, milliseconds",
        **{k: round(t * 1e3, 3) for k, t in times.items()},
        to_jax=round(times["torchlike"] / times["jax"], 2),
        to_pytorch=round(times["torchlike"] / times["pytorch"], 2),
    )


# --- the optimizer step: 10 million parameters in 200 tensors -----------------------------------------

TENSORS, SIZE = 200, 50_000


def stepping(lib: Any, finish: Callable[[Any], None]) -> Callable[[], None]:
    params = [lib.ones(SIZE).requires_grad_() for _ in range(TENSORS)]
    for i, p in enumerate(params):
        p.grad = lib.full((SIZE,), 0.01 * (i + 1))
    optimizer = lib.optim.AdamW(params, lr=1e-3)

    def run() -> None:
        optimizer.step()
        finish(params)

    return run


def stepping_raw() -> Callable[[], None]:
    params: Any = [jnp.ones(SIZE) for _ in range(TENSORS)]
    grads = [jnp.full((SIZE,), 0.01 * (i + 1)) for i in range(TENSORS)]
    optimizer = optax.adamw(1e-3, weight_decay=1e-2)
    state = optimizer.init(params)

    def update(p: Any, s: Any, g: Any) -> Any:
        updates, s = optimizer.update(g, s, p)
        return optax.apply_updates(p, updates), s

    step = jax.jit(update, donate_argnums=(0, 1))

    def run() -> None:
        nonlocal params, state
        params, state = step(params, state, grads)
        jax.block_until_ready(params)

    return run


def optimizer() -> None:
    cases = {
        "torchlike": stepping(torchlike, wait),
        "pytorch": stepping(torch, lambda tensors: None),
        "jax": stepping_raw(),
    }
    compare("AdamW step, 10M parameters in 200 tensors", cases)


def main() -> None:
    for name in sys.argv[1:] or [*LAYERS, "optimizer"]:
        optimizer() if name == "optimizer" else layer(name)


if __name__ == "__main__":
    main()
