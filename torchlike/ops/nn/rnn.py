"""Recurrent layers: each is one op whose recurrence is a ``lax.scan`` per layer and direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...core.registry import Array, Scalar, op
from .recurrence import STEPS, affine, one_direction

# Gates per hidden unit, in the order of the weights' rows
_GATES = {"lstm": 4, "gru": 3, "tanh": 1, "relu": 1}


def _split_params(params: Sequence[Array], has_biases: bool, count: int) -> list[tuple[Any, ...]]:
    """The flat list of weights as (w_ih, w_hh, b_ih, b_hh, w_hr) of each layer and direction."""
    size = len(params) // count
    found = []
    for k in range(count):
        own = list(params[k * size : (k + 1) * size])
        biases = own[2:4] if has_biases else [None, None]
        rest = own[4:] if has_biases else own[2:]
        found.append((own[0], own[1], *biases, rest[0] if rest else None))
    return found


def _stack(
    kind: str,
    x: Array,
    states: tuple[Array, ...],
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    bidirectional: bool,
    between: Any,
    valid: Array | None,
) -> tuple[Array, ...]:
    """All layers; ``between`` is the dropout after each but the last.  Output, final states."""
    directions = 2 if bidirectional else 1
    weights = _split_params(params, has_biases, num_layers * directions)
    finals: list[Any] = []
    for layer in range(num_layers):
        outs = []
        for d in range(directions):
            k = layer * directions + d
            first = tuple(s[k] for s in states)
            out, final = one_direction(kind, x, first, weights[k], valid, d == 1)
            outs.append(out)
            finals.append(final)
        x = outs[0] if directions == 1 else jnp.concatenate(outs, axis=-1)
        if layer < num_layers - 1:
            x = between(x, layer)
    return x, *(jnp.stack(parts) for parts in zip(*finals, strict=True))


def _dropped(x: Array, keep: Array | None, layer: int, p: Array) -> Array:
    if keep is None:
        return x
    scale = jnp.where(p < 1, 1 / (1 - jnp.where(p < 1, p, 0.0)), 0.0)
    return jnp.where(keep[layer], x * scale.astype(x.dtype), jnp.zeros_like(x))


def _padded(
    kind: str,
    input: Array,
    states: tuple[Array, ...],
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    dropout: Array,
    bidirectional: bool,
    batch_first: bool,
    keep: Array | None,
) -> tuple[Array, ...]:
    x = jnp.swapaxes(input, 0, 1) if batch_first else input
    out, *finals = _stack(
        kind, x, states, params, has_biases, num_layers, bidirectional,
        lambda y, layer: _dropped(y, keep, layer, dropout), None,
    )  # fmt: skip
    return (jnp.swapaxes(out, 0, 1) if batch_first else out), *finals


def _packed(
    kind: str,
    data: Array,
    states: tuple[Array, ...],
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    dropout: Array,
    bidirectional: bool,
    keep: Array | None,
    rows: Array,
    valid: Array,
    flat: Array,
) -> tuple[Array, ...]:
    def pack(y: Array) -> Array:
        return y.reshape(-1, y.shape[-1])[flat]

    def between(y: Array, layer: int) -> Array:
        # Dropout draws for the packed rows only, as PyTorch does
        return y if keep is None else _dropped(pack(y), keep, layer, dropout)[rows]

    out, *finals = _stack(
        kind, data[rows], states, params, has_biases, num_layers, bidirectional, between, valid
    )
    return pack(out), *finals


def _keep_mask(args: dict[str, Any], rows: tuple[int, ...]) -> Any:
    """Which elements survive the dropout between layers.

    ``-> (layers - 1, *rows, D H)`` or None
    """
    p, layers = float(args["dropout"]), int(args["num_layers"])
    if not args["train"] or p == 0 or layers < 2:
        return None
    hidden = args["params"][1].shape[-1]
    shape = (layers - 1, *rows, hidden * (2 if args["bidirectional"] else 1))
    return args["generator"].bernoulli(1 - p, shape)


def _padded_prepare(args: dict[str, Any]) -> dict[str, Any]:
    first, second = args["input"].shape[:2]
    rows = (second, first) if args["batch_first"] else (first, second)
    if rows[0] == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    return {"_keep": _keep_mask(args, rows)}


def _packed_prepare(args: dict[str, Any]) -> dict[str, Any]:
    """Where each packed row is in the (T, B) grid, and the way back."""
    sizes = args["batch_sizes"].numpy()
    steps, batch = len(sizes), int(sizes[0]) if len(sizes) else 0
    valid = np.arange(batch)[None, :] < sizes[:, None]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    rows = np.where(valid, starts[:, None] + np.arange(batch)[None, :], 0)
    flat = np.flatnonzero(valid.reshape(steps * batch))
    keep = _keep_mask(args, (int(sizes.sum()),))
    return {"_keep": keep, "_rows": rows, "_valid": valid, "_flat": flat}


def _is_packed(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    # (data, batch_sizes, hx, params, …) has tensors' list fourth, (input, hx, params, …) third
    return "batch_sizes" in kwargs or (len(args) > 3 and isinstance(args[3], list | tuple))


def _overload(name: str) -> Any:
    def resolve(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return (f"{name}_packed" if _is_packed(args, kwargs) else name), args, kwargs

    return resolve


@op(method=False, prepare=_padded_prepare, resolve=_overload("lstm"))
def lstm(
    input: Array,
    hx: Sequence[Array],
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    dropout: Scalar,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
    *,
    _keep: Array | None = None,
) -> tuple[Array, ...]:
    """Long short-term memory.

    ``(T, B, I), ((L, B, H), (L, B, H)) -> (T, B, H), (L, B, H) twice``
    """
    return _padded(
        "lstm", input, tuple(hx), params, has_biases, num_layers, dropout, bidirectional,
        batch_first, _keep,
    )  # fmt: skip


@op(name="lstm", method=False, namespaces=(), prepare=_packed_prepare)
def lstm_packed(
    data: Array,
    batch_sizes: Array,
    hx: Sequence[Array],
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    dropout: Scalar,
    train: bool,
    bidirectional: bool,
    *,
    _keep: Array | None = None,
    _rows: Array,
    _valid: Array,
    _flat: Array,
) -> tuple[Array, ...]:
    """LSTM over packed sequences.  ``(ΣT, I), (T) -> (ΣT, H), (L, B, H) twice``"""
    return _packed(
        "lstm", data, tuple(hx), params, has_biases, num_layers, dropout, bidirectional, _keep,
        _rows, _valid, _flat,
    )  # fmt: skip


@op(method=False, prepare=_padded_prepare, resolve=_overload("gru"))
def gru(
    input: Array,
    hx: Array,
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    dropout: Scalar,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
    *,
    _keep: Array | None = None,
) -> tuple[Array, ...]:
    """Gated recurrent unit.  ``(T, B, I), (L, B, H) -> (T, B, H), (L, B, H)``"""
    return _padded(
        "gru", input, (hx,), params, has_biases, num_layers, dropout, bidirectional, batch_first,
        _keep,
    )  # fmt: skip


@op(name="gru", method=False, namespaces=(), prepare=_packed_prepare)
def gru_packed(
    data: Array,
    batch_sizes: Array,
    hx: Array,
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    dropout: Scalar,
    train: bool,
    bidirectional: bool,
    *,
    _keep: Array | None = None,
    _rows: Array,
    _valid: Array,
    _flat: Array,
) -> tuple[Array, ...]:
    """GRU over packed sequences.  ``(ΣT, I), (T) -> (ΣT, H), (L, B, H)``"""
    return _packed(
        "gru", data, (hx,), params, has_biases, num_layers, dropout, bidirectional, _keep, _rows,
        _valid, _flat,
    )  # fmt: skip


@op(method=False, prepare=_padded_prepare, resolve=_overload("rnn_tanh"))
def rnn_tanh(
    input: Array,
    hx: Array,
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    dropout: Scalar,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
    *,
    _keep: Array | None = None,
) -> tuple[Array, ...]:
    """``h' = tanh(W x + U h + b)``.  ``(T, B, I), (L, B, H) -> (T, B, H), (L, B, H)``"""
    return _padded(
        "tanh", input, (hx,), params, has_biases, num_layers, dropout, bidirectional, batch_first,
        _keep,
    )  # fmt: skip


@op(name="rnn_tanh", method=False, namespaces=(), prepare=_packed_prepare)
def rnn_tanh_packed(
    data: Array,
    batch_sizes: Array,
    hx: Array,
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    dropout: Scalar,
    train: bool,
    bidirectional: bool,
    *,
    _keep: Array | None = None,
    _rows: Array,
    _valid: Array,
    _flat: Array,
) -> tuple[Array, ...]:
    """Tanh RNN over packed sequences.  ``(ΣT, I), (T) -> (ΣT, H), (L, B, H)``"""
    return _packed(
        "tanh", data, (hx,), params, has_biases, num_layers, dropout, bidirectional, _keep, _rows,
        _valid, _flat,
    )  # fmt: skip


@op(method=False, prepare=_padded_prepare, resolve=_overload("rnn_relu"))
def rnn_relu(
    input: Array,
    hx: Array,
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    dropout: Scalar,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
    *,
    _keep: Array | None = None,
) -> tuple[Array, ...]:
    """``h' = relu(W x + U h + b)``.  ``(T, B, I), (L, B, H) -> (T, B, H), (L, B, H)``"""
    return _padded(
        "relu", input, (hx,), params, has_biases, num_layers, dropout, bidirectional, batch_first,
        _keep,
    )  # fmt: skip


@op(name="rnn_relu", method=False, namespaces=(), prepare=_packed_prepare)
def rnn_relu_packed(
    data: Array,
    batch_sizes: Array,
    hx: Array,
    params: Sequence[Array],
    has_biases: bool,
    num_layers: int,
    dropout: Scalar,
    train: bool,
    bidirectional: bool,
    *,
    _keep: Array | None = None,
    _rows: Array,
    _valid: Array,
    _flat: Array,
) -> tuple[Array, ...]:
    """ReLU RNN over packed sequences.  ``(ΣT, I), (T) -> (ΣT, H), (L, B, H)``"""
    return _packed(
        "relu", data, (hx,), params, has_biases, num_layers, dropout, bidirectional, _keep, _rows,
        _valid, _flat,
    )  # fmt: skip


def _cell(kind: str, x: Array, state: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
    gates = affine(x, w_ih, b_ih)
    if gates.shape[-1] != _GATES[kind] * state[0].shape[-1]:
        raise RuntimeError(
            f"hidden has inconsistent hidden_size: got {state[0].shape[-1]}, expected "
            f"{gates.shape[-1] // _GATES[kind]}"
        )
    return STEPS[kind]((w_hh, b_hh, None), state, gates)[0]


@op(method=False)
def lstm_cell(
    input: Array,
    hx: Sequence[Array],
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
) -> tuple[Array, Array]:
    """One LSTM step.  ``(B, I), ((B, H), (B, H)) -> (B, H), (B, H)``"""
    return _cell("lstm", input, tuple(hx), w_ih, w_hh, b_ih, b_hh)


@op(method=False)
def gru_cell(
    input: Array,
    hx: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
) -> Array:
    """One GRU step.  ``(B, I), (B, H) -> (B, H)``"""
    return _cell("gru", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


@op(method=False)
def rnn_tanh_cell(
    input: Array,
    hx: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
) -> Array:
    """One step of a tanh RNN.  ``(B, I), (B, H) -> (B, H)``"""
    return _cell("tanh", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


@op(method=False)
def rnn_relu_cell(
    input: Array,
    hx: Array,
    w_ih: Array,
    w_hh: Array,
    b_ih: Array | None = None,
    b_hh: Array | None = None,
) -> Array:
    """One step of a ReLU RNN.  ``(B, I), (B, H) -> (B, H)``"""
    return _cell("relu", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]
