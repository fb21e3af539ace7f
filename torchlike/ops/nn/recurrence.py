"""The recurrences of LSTM, GRU and the plain RNN: one step of each, and one ``lax.scan`` over all steps."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from ...core.registry import Array


def affine(x: Array, w: Array, b: Array | None) -> Array:
    product = x.astype(w.dtype) @ w.T  # under autocast the state may be wider than the weights
    return product if b is None else product + b


def _simple_step(act: Any, weights: Any, state: Any, gates: Array) -> tuple[Any, Array]:
    w_hh, b_hh, _ = weights
    h = act(gates + affine(state[0], w_hh, b_hh))
    return (h,), h


def _lstm_step(weights: Any, state: Any, gates: Array) -> tuple[Any, Array]:
    w_hh, b_hh, w_hr = weights
    (h, c), _ = _lstm_cell(state, gates + affine(state[0], w_hh, b_hh))
    if w_hr is not None:
        h = h @ w_hr.T
    return (h, c), h


def _lstm_cell(state: Any, gates: Array) -> tuple[Any, Any]:
    """New (h, c), and the squashed gates.

    All gates are squashed as one array, also the one that needs no sigmoid: XLA would compute what is
    used by both h and c once for each of them.
    """
    c = state[1]
    squashed = jax.nn.sigmoid(gates)
    i, f, _, o = jnp.split(squashed, 4, axis=-1)
    g = jnp.tanh(jnp.split(gates, 4, axis=-1)[2])
    c = f.astype(c.dtype) * c + (i * g).astype(c.dtype)
    return (o.astype(c.dtype) * jnp.tanh(c), c), (i, f, g, o)


def _gru_step(weights: Any, state: Any, gates: Array) -> tuple[Any, Array]:
    w_hh, b_hh, _ = weights
    (h,) = state
    xr, xz, xn = jnp.split(gates, 3, axis=-1)
    hr, hz, hn = jnp.split(affine(h, w_hh, b_hh), 3, axis=-1)
    r = jax.nn.sigmoid(xr + hr)
    z = jax.nn.sigmoid(xz + hz)
    n = jnp.tanh(xn + r * hn).astype(h.dtype)
    h = (h - n) * z.astype(h.dtype) + n
    return (h,), h


def _relu(x: Array) -> Array:
    return jnp.where(x > 0, x, jnp.where(jnp.isnan(x), x, jnp.zeros_like(x)))


STEPS: dict[str, Any] = {
    "lstm": _lstm_step,
    "gru": _gru_step,
    "tanh": partial(_simple_step, jnp.tanh),
    "relu": partial(_simple_step, _relu),
}


def one_direction(
    kind: str, x: Array, state: Any, params: Any, valid: Array | None, backwards: bool
) -> tuple[Array, Any]:
    """One layer in one direction.  ``(T, B, I) -> (T, B, H), final state``"""
    w_ih, w_hh, b_ih, b_hh, w_hr = params
    # The input's part of the gates does not wait for the state: one product for all steps
    gates = affine(x, w_ih, b_ih)
    if kind == "lstm" and w_hr is None:
        gates = gates if b_hh is None else gates + b_hh
        return _lstm(backwards, w_hh, state, gates, valid)
    step = partial(STEPS[kind], (w_hh, b_hh, w_hr))

    def body(state: Any, now: Any) -> tuple[Any, Array]:
        new, h = step(state, now[0])
        return _kept(now[1], new, state), h

    final, out = jax.lax.scan(body, state, (gates, valid), reverse=backwards)
    return out, final


def _kept(valid: Array | None, new: Any, old: Any) -> Any:
    """A sequence that is over keeps its state; one that has not begun (backwards) its first."""
    if valid is None:
        return new
    return tuple(jnp.where(valid[:, None], n, o) for n, o in zip(new, old, strict=True))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _lstm(
    backwards: bool, w_hh: Array, state: Any, gates: Array, valid: Array | None
) -> tuple[Array, Any]:
    """All steps of an LSTM.  ``(T, B, 4 H) -> (T, B, H), final (h, c)``"""
    final, h = _lstm_steps(backwards, w_hh, state, gates, valid, lambda new, *_: new[0])
    return h, final


def _lstm_steps(
    backwards: bool, w_hh: Array, state: Any, gates: Array, valid: Array | None, noted: Any
) -> tuple[Any, Any]:
    """Final (h, c), and what is noted of each step's new (h, c), old ones, and squashed gates."""

    w = w_hh.T  # here: XLA would transpose it at each step

    def body(state: Any, now: Any) -> tuple[Any, Any]:
        new, squashed = _lstm_cell(state, now[0] + state[0].astype(w.dtype) @ w)
        return _kept(now[1], new, state), noted(new, state, squashed)

    return jax.lax.scan(body, state, (gates, valid), reverse=backwards)


@_lstm.defjvp
def _lstm_jvp(backwards: bool, primals: Any, tangents: Any) -> Any:
    """The derivative as a scan of its own, into which the weights' part comes as one product of all
    steps: so that the gradient of ``w_hh`` is one product, too, not a sum that the scan carries.
    """
    w_hh, state, gates, valid = primals
    dw_hh, dstate, dgates, _ = tangents
    final, ((h, c), (before, c_before), (i, f, g, o)) = _lstm_steps(
        backwards, w_hh, state, gates, valid, lambda *all: all
    )
    # What each gate changes: i, f and g the cell, o the output
    to_c = jnp.concatenate([g * i * (1 - i), c_before * f * (1 - f), i * (1 - g * g)], axis=-1)
    bent = jnp.tanh(c)
    to_h = bent * o * (1 - o), o * (1 - bent * bent)
    dgates = dgates + affine(before, dw_hh, None)

    w = w_hh.T

    def tangent(dstate: Any, now: Any) -> tuple[Any, Array]:
        dgates, to_c, f, (from_o, from_c), valid = now
        dgates = dgates + dstate[0].astype(w.dtype) @ w
        size = f.shape[-1]
        di, df, dg = jnp.split(to_c * dgates[:, : 3 * size], 3, axis=-1)
        dc = f * dstate[1] + (di + df + dg).astype(dstate[1].dtype)
        dh = from_o * dgates[:, 3 * size :] + from_c * dc
        dh = dh.astype(dstate[0].dtype)
        return _kept(valid, (dh, dc.astype(dstate[1].dtype)), dstate), dh

    dfinal, dout = jax.lax.scan(
        tangent, dstate, (dgates, to_c, f, to_h, valid), reverse=backwards
    )
    return (h, final), (dout, dfinal)
