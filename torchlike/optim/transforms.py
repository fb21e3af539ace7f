"""optax-style transforms with PyTorch's arithmetic.

optax computes 1 - beta and the bias corrections in the parameters' dtype: in float32 that costs
four
digits at the first steps. Here numbers stay float64 until they meet an array. States are dicts with
PyTorch's names; each transform serves one parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

Number = Any  # a float64 0-d array
Transform = Any  # optax.GradientTransformation


def transform(init: Any, update: Any) -> Transform:
    import optax

    return optax.GradientTransformation(init, update)


def counter(p: Any) -> Any:
    return jnp.zeros((), jnp.float32)


def lerp(a: Any, b: Any, weight: Number) -> Any:
    """``a + weight (b - a)``."""
    return a + weight.astype(a.dtype) * (b - a)


def decay_squares(old: Any, g: Any, beta: Number) -> Any:
    """``beta old + (1 - beta) g²``."""
    return beta.astype(g.dtype) * old + (1.0 - beta).astype(g.dtype) * g * g


def counted() -> Transform:
    """Counts the steps and changes nothing."""

    def update(g: Any, state: Any, p: Any = None) -> Any:
        return g, {"step": state["step"] + 1}

    return transform(lambda p: {"step": counter(p)}, update)


def decay_weights(h: Any) -> list[Transform]:
    """L2 decay as a list of no or one transform, by ``h.decays``."""
    import optax

    return [optax.add_decayed_weights(h.like(h.weight_decay))] if h.decays else []


def trace_dampened(momentum: Number, dampening: Number, nesterov: bool, fresh: bool) -> Transform:
    """optax.trace with PyTorch's dampening, which spares the first gradient.

    That first gradient is also a constant to a ``differentiable`` step.
    """

    def update(g: Any, state: Any, p: Any = None) -> Any:
        mu = momentum.astype(g.dtype)
        kept = (1.0 - dampening).astype(g.dtype)
        buf = mu * state["momentum_buffer"] + kept * g
        buf = jax.lax.stop_gradient(g) if fresh else buf
        return (g + mu * buf if nesterov else buf), {"momentum_buffer": buf}

    return transform(lambda p: {"momentum_buffer": jnp.zeros_like(p)}, update)


def _moments(amsgrad: bool = False) -> Callable[[Any], Any]:
    def init(p: Any) -> Any:
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")[: 3 if amsgrad else 2]
        return {"step": counter(p), **{name: jnp.zeros_like(p) for name in names}}

    return init


def scale_by_adam(h: Any) -> Transform:
    """Adam's direction; with ``h.amsgrad`` the second moment never falls."""

    def update(g: Any, state: Any, p: Any = None) -> Any:
        step = state["step"] + 1
        t = step.astype(jnp.float64)
        mean = lerp(state["exp_avg"], g, 1.0 - h.beta1)
        square = decay_squares(state["exp_avg_sq"], g, h.beta2)
        new = {"step": step, "exp_avg": mean, "exp_avg_sq": square}
        if h.amsgrad:
            square = new["max_exp_avg_sq"] = jnp.maximum(state["max_exp_avg_sq"], square)
        root = jnp.sqrt(square) / h.like(jnp.sqrt(1.0 - h.beta2**t)) + h.like(h.eps)
        return h.like(1.0 / (1.0 - h.beta1**t)) * mean / root, new

    return transform(_moments(h.amsgrad), update)


def scale_by_adamax(h: Any) -> Transform:
    """Adam with the maximum norm."""

    def init(p: Any) -> Any:
        return {"step": counter(p), "exp_avg": jnp.zeros_like(p), "exp_inf": jnp.zeros_like(p)}

    def update(g: Any, state: Any, p: Any = None) -> Any:
        step = state["step"] + 1
        mean = lerp(state["exp_avg"], g, 1.0 - h.beta1)
        norm = jnp.maximum(state["exp_inf"] * h.like(h.beta2), jnp.abs(g) + h.like(h.eps))
        correction = 1.0 / (1.0 - h.beta1 ** step.astype(jnp.float64))
        return h.like(correction) * mean / norm, {"step": step, "exp_avg": mean, "exp_inf": norm}

    return transform(init, update)


def scale_by_nadam(h: Any) -> Transform:
    """Adam with Nesterov momentum; ``mu_product`` is the product of all momenta so far."""

    def init(p: Any) -> Any:
        return {**_moments()(p), "mu_product": jnp.ones((), jnp.float32)}

    def update(g: Any, state: Any, p: Any = None) -> Any:
        step = state["step"] + 1
        t = step.astype(jnp.float64)
        mu = h.beta1 * (1.0 - 0.5 * 0.96 ** (t * h.momentum_decay))
        following = h.beta1 * (1.0 - 0.5 * 0.96 ** ((t + 1.0) * h.momentum_decay))
        product = state["mu_product"] * mu.astype(state["mu_product"].dtype)
        wide = product.astype(jnp.float64)
        mean = lerp(state["exp_avg"], g, 1.0 - h.beta1)
        square = decay_squares(state["exp_avg_sq"], g, h.beta2)
        root = jnp.sqrt(square / h.like(1.0 - h.beta2**t)) + h.like(h.eps)
        u = h.like((1.0 - mu) / (1.0 - wide)) * g / root
        u = u + h.like(following / (1.0 - wide * following)) * mean / root
        return u, {"step": step, "exp_avg": mean, "exp_avg_sq": square, "mu_product": product}

    return transform(init, update)


def scale_by_radam(h: Any) -> Transform:
    """Adam whose step is rectified while the variance of its scale is unknown."""

    def update(g: Any, state: Any, p: Any = None) -> Any:
        step = state["step"] + 1
        t = step.astype(jnp.float64)
        mean = lerp(state["exp_avg"], g, 1.0 - h.beta1)
        square = decay_squares(state["exp_avg_sq"], g, h.beta2)
        correction = 1.0 - h.beta2**t
        limit = 2.0 / (1.0 - h.beta2) - 1.0
        rho = limit - 2.0 * t * h.beta2**t / correction
        ratio = (rho - 4.0) * (rho - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * rho)
        rectified = h.like(jnp.sqrt(correction * jnp.maximum(ratio, 0.0)))
        rectified = rectified / (jnp.sqrt(square) + h.like(h.eps))
        u = mean * h.like(1.0 / (1.0 - h.beta1**t))
        u = jnp.where(rho > 5.0, u * rectified, u)
        return u, {"step": step, "exp_avg": mean, "exp_avg_sq": square}

    return transform(_moments(), update)


def scale_by_rms(h: Any) -> Transform:
    """``g / (sqrt(v) + eps)`` with a decaying mean square ``v``, centred if ``h.centered``."""

    def init(p: Any) -> Any:
        names = ("square_avg", "grad_avg")[: 2 if h.centered else 1]
        return {name: jnp.zeros_like(p) for name in names}

    def update(g: Any, state: Any, p: Any = None) -> Any:
        square = decay_squares(state["square_avg"], g, h.alpha)
        new, variance = {"square_avg": square}, square
        if h.centered:
            mean = new["grad_avg"] = lerp(state["grad_avg"], g, 1.0 - h.alpha)
            variance = square - mean * mean
        return g / (jnp.sqrt(variance) + h.like(h.eps)), new

    return transform(init, update)


def scale_by_sum(h: Any) -> Transform:
    """``g / (sqrt(sum of squares) + eps) / (1 + (step - 1) lr_decay)``."""

    def update(g: Any, state: Any, p: Any = None) -> Any:
        step = state["step"] + 1
        total = state["sum"] + g * g
        slower = 1.0 / (1.0 + (step.astype(jnp.float64) - 1.0) * h.lr_decay)
        u = h.like(slower) * g / (jnp.sqrt(total) + h.like(h.eps))
        return u, {"step": step, "sum": total}

    return transform(lambda p: {"step": counter(p), "sum": jnp.zeros_like(p)}, update)


def scale_by_deltas(h: Any) -> Transform:
    """Adadelta: the root mean square of past updates over that of the gradients."""

    def init(p: Any) -> Any:
        return {"step": counter(p), "square_avg": jnp.zeros_like(p), "acc_delta": jnp.zeros_like(p)}

    def update(g: Any, state: Any, p: Any = None) -> Any:
        eps = h.like(h.eps)
        square = decay_squares(state["square_avg"], g, h.rho)
        u = jnp.sqrt(state["acc_delta"] + eps) / jnp.sqrt(square + eps) * g
        past = decay_squares(state["acc_delta"], u, h.rho)
        return u, {"step": state["step"] + 1, "square_avg": square, "acc_delta": past}

    return transform(init, update)


def rprop(h: Any) -> Transform:
    """Steps of adapted size against the gradient's sign; none right after the sign changed."""

    def init(p: Any) -> Any:
        return {"step": counter(p), "prev": jnp.zeros_like(p), "step_size": jnp.zeros_like(p)}

    def update(g: Any, state: Any, p: Any = None) -> Any:
        agreement = jnp.sign(g * state["prev"])
        factor = jnp.where(agreement < 0, h.like(h.etaminus), h.like(h.etaplus))
        factor = jnp.where(agreement == 0, jnp.ones_like(g), factor)
        factor = jnp.where(jnp.isnan(agreement), agreement, factor)
        size = jnp.clip(state["step_size"] * factor, h.like(h.smallest), h.like(h.largest))
        g = jnp.where(agreement < 0, jnp.zeros_like(g), g)
        return -jnp.sign(g) * size, {"step": state["step"] + 1, "prev": g, "step_size": size}

    return transform(init, update)


def averaged(h: Any) -> Transform:
    """ASGD: shrinking steps ``eta``, and the running mean ``ax`` of the parameters."""

    def init(p: Any) -> Any:
        numbers = {name: counter(p) for name in ("step", "eta", "mu")}
        return {**numbers, "ax": jnp.zeros_like(p)}

    def update(g: Any, state: Any, p: Any) -> Any:
        step = state["step"] + 1
        t, eta = step.astype(jnp.float64), state["eta"].astype(jnp.float64)
        u = -h.like(h.lambd * eta) * p - h.like(eta) * g
        new = p + u
        mu = state["mu"]
        mean = jnp.where(mu == 1, new, lerp(state["ax"], new, mu))
        eta = h.lr / (1.0 + h.lambd * h.lr * t) ** h.alpha
        later = 1.0 / jnp.maximum(t - h.t0, 1.0)
        return u, {
            "step": step, "eta": eta.astype(mu.dtype), "mu": later.astype(mu.dtype), "ax": mean,
        }  # fmt: skip

    return transform(init, update)


def adafactor(h: Any) -> Transform:
    """Second moments kept as row and column means; the update's size follows the parameter's."""

    def init(p: Any) -> Any:
        if h.kind == "vector":
            return {"step": counter(p), "variance": jnp.zeros_like(p)}
        rows, columns = jnp.zeros_like(p[..., :1]), jnp.zeros_like(p[..., :1, :])
        return {"step": counter(p), "row_var": rows, "col_var": columns}

    def update(g: Any, state: Any, p: Any) -> Any:
        new = {"step": state["step"] + 1}
        t = new["step"].astype(jnp.float64)
        weight = t**h.beta2_decay
        eps1 = h.like(h.eps1)
        if h.kind == "vector":
            variance = new["variance"] = lerp(state["variance"], g * g, weight)
        else:
            squares = g * g
            rows = new["row_var"] = lerp(
                state["row_var"], squares.mean(-1, keepdims=True), weight
            )
            columns = new["col_var"] = lerp(
                state["col_var"], squares.mean(-2, keepdims=True), weight
            )
            variance = rows * columns / jnp.maximum(rows.mean(-2, keepdims=True), eps1)
        u = g / jnp.sqrt(jnp.maximum(variance, eps1 * eps1))
        size = jnp.maximum(h.eps2, root_mean_square(p)) * jnp.minimum(h.lr, 1.0 / jnp.sqrt(t))
        u = u * h.like(-size / jnp.maximum(1.0, root_mean_square(u) / h.d))
        return (u - h.like(h.lr * h.weight_decay) * p if h.decays else u), new

    return transform(init, update)


def root_mean_square(x: Any) -> Any:
    return jnp.sqrt(jnp.mean((x * x).astype(jnp.float64)))


def orthogonalized(h: Any) -> Transform:
    """Muon: the momentum's nearest orthogonal matrix, by Newton-Schulz steps in bfloat16."""

    def update(g: Any, state: Any, p: Any) -> Any:
        buf = lerp(state["momentum_buffer"], g, 1.0 - h.momentum)
        u = lerp(g, buf, h.momentum) if h.nesterov else buf
        return newton_schulz(u, h).astype(g.dtype), {"momentum_buffer": buf}

    return transform(lambda p: {"momentum_buffer": jnp.zeros_like(p)}, update)


def newton_schulz(g: Any, h: Any) -> Any:
    wide, half = jnp.float32, jnp.bfloat16
    a, b, c = (x.astype(wide) for x in (h.a, h.b, h.c))
    x = g.astype(half)
    flip = x.shape[0] > x.shape[1]
    x = x.T if flip else x
    norm = jnp.sqrt(jnp.sum(x.astype(wide) ** 2)).astype(half)
    x = (x.astype(wide) / jnp.maximum(norm, h.eps.astype(half)).astype(wide)).astype(half)
    for _ in range(h.ns_steps):
        gram = _product(x, x.T).astype(half)
        inner = (b * gram.astype(wide) + c * _product(gram, gram)).astype(half)
        x = (a * x.astype(wide) + _product(inner, x)).astype(half)
    return x.T if flip else x


def _product(x: Any, y: Any) -> Any:
    return jnp.matmul(x, y, preferred_element_type=jnp.float32)
