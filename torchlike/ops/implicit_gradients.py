"""How gamma and Dirichlet samples move with their concentrations, at a fixed quantile.

The gradient of a sample is ``-(∂cdf/∂α) / pdf``. There is no closed form; PyTorch approximates it
by region (series, saddle points, rational fits), and so do we, to have its numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.errors import NoGradient
from ..core.registry import Array, op

# Coefficients of v**j u**k in numerator and denominator, u = log(x / α), v = log α
_GAMMA_FIT = np.array(
    [
        [[0.16009398, -0.094634809, 0.025146376, -0.0030648343],
         [1, 0.32668115, 0.10406089, 0.0014179084]],
        [[0.53487893, 0.1298071, 0.065735949, -0.0015649758],
         [0.16639465, 0.020070113, -0.0035938915, -0.00058392623]],
        [[0.040121004, -0.0065914022, -0.0026286047, -0.0013441777],
         [0.017050642, -0.0021309326, 0.00085092367, -1.5247877e-07]],
    ]
)  # fmt: skip
# [numerator, denominator][u**i][a**j][b**k], u = log x, a = log(α / x), b = log(total) - a
_BETA_FIT = np.array(
    [
        [[[1.003668233, -0.01061107488, -0.0657888334, 0.01201642863],
          [0.6336835991, -0.3557432599, 0.05486251648, -0.001465281033],
          [-0.03276231906, 0.004474107445, 0.002429354597, -0.0001557569013]],
         [[0.221950385, -0.3187676331, 0.01799915743, 0.01074823814],
          [-0.2951249643, 0.06219954479, 0.01535556598, 0.001550077057],
          [0.02155310298, 0.004170831599, 0.001292462449, 6.976601077e-05]],
         [[-0.05980841433, 0.008441916499, 0.01085618172, 0.002319392565],
          [0.02911413504, 0.01400243777, -0.002721828457, 0.000751041181],
          [0.005900514878, -0.001936558688, -9.495446725e-06, 5.385558597e-05]]],
        [[[1, -0.02924021934, -0.04438342661, 0.007285809825],
          [0.6357567472, -0.3473456711, 0.05454656494, -0.002407477521],
          [-0.03301322327, 0.004845219414, 0.00231480583, -0.0002307248149]],
         [[0.5925320577, -0.1757678135, 0.01505928619, 0.000564515273],
          [0.1014815858, -0.06589186703, 0.01272886114, -0.0007316646956],
          [-0.007258481865, 0.001096195486, 0.0003934994223, -4.12701925e-05]],
         [[0.06469649321, -0.0236701437, 0.002902096474, -5.896963079e-05],
          [0.001925008108, -0.002869809258, 0.0008000589141, -6.063713228e-05],
          [-0.0003477407336, 6.959756487e-05, 1.097287507e-05, -1.650964693e-06]]],
    ]
)  # fmt: skip


def _wide(*arrays: Array) -> list[Array]:
    return [x.astype(jnp.float64) for x in arrays]


def _digamma(x: Array) -> Array:
    return jax.scipy.special.digamma(x.astype(jnp.float64)).astype(x.dtype)


def _or_zero(x: Array) -> Array:
    return jnp.where(jnp.isnan(x), 0.0, x)


def _without_derivative(name: str) -> Callable[..., Any]:
    """The function below can't be differentiated, which is what PyTorch says of ``name``."""

    def declare(fn: Callable[..., Array]) -> Callable[..., Array]:
        once = jax.custom_jvp(fn)

        @once.defjvp
        def refuse(primals: Any, tangents: Any) -> Any:
            raise NoGradient(f"the derivative for '{name}' is not implemented.")

        return once

    return declare


@_without_derivative("_standard_gamma_grad")
def gamma_gradient(alpha: Array, x: Array) -> Array:
    """``dx/dα`` of a gamma number of rate 1.  ``(*), (*) -> (*)``"""
    of = x.dtype
    alpha, x = _wide(alpha, x)
    near = (0.9 * alpha <= x) & (x <= 1.1 * alpha)
    large = jnp.where(near, _gamma_middle(alpha, x), _gamma_saddle(alpha, x))
    found = jnp.where(alpha > 8, large, _gamma_fit(alpha, x))
    return jnp.where(x < 0.8, _gamma_series(alpha, x), found).astype(of)


def _gamma_series(alpha: Array, x: Array) -> Array:
    term, first, second = 1.0, 1 / alpha, 1 / (alpha * alpha)
    for i in range(1, 6):
        term = -term * x / i
        first += term / (alpha + i)
        second += term / ((alpha + i) * (alpha + i))
    power = x**alpha
    density = x ** (alpha - 1) * jnp.exp(-x)
    by_alpha = (jnp.log(x) - _digamma(alpha)) * power * first - power * second
    return _or_zero(-by_alpha / density)


def _gamma_middle(alpha: Array, x: Array) -> Array:
    left = 1 + 24 * alpha * (1 + 12 * alpha)
    right = 1440 * alpha**2 + 6 * x * (53 - 120 * x) - 65 * x * x / alpha + alpha * (107 + 3600 * x)
    return left * right / (1244160 * alpha**4)


def _gamma_saddle(alpha: Array, x: Array) -> Array:
    """Rice's saddle point expansion."""
    root = jnp.sqrt(8 * alpha)
    log_ratio = jnp.log(x / alpha)
    tail = (x - alpha - alpha * log_ratio) ** -1.5
    both = root / (alpha - x) + jnp.where(x < alpha, -tail, tail)
    slope = log_ratio * both - jnp.sqrt(2 / alpha) * (alpha + x) / (alpha - x) ** 2
    stirling = 1 + 1 / (12 * alpha) * (1 + 1 / (24 * alpha))
    return -stirling * x * slope / root


def _gamma_fit(alpha: Array, x: Array) -> Array:
    u, v = jnp.log(x / alpha), jnp.log(alpha)
    c = [[[_GAMMA_FIT[k, side, j] for k in range(3)] for j in range(4)] for side in range(2)]
    p, q = (_poly(v, [_poly(u, row) for row in side]) for side in c)
    return jnp.exp(p / q)


def _poly(x: Array, coefficients: Any) -> Any:
    """``c[0] + c[1] x + …`` (Horner)."""
    *rest, found = coefficients
    for c in reversed(rest):
        found = c + x * found
    return found


@_without_derivative("_dirichlet_grad")
def dirichlet_gradient(x: Array, alpha: Array, total: Array) -> Array:
    """``dx/dα / (1 - x)`` of one entry of a Dirichlet sample.  ``(*), (*), (*) -> (*)``"""
    wide = _wide(x, alpha, total)
    beta = total - alpha
    edge = total * x * (1 - x)
    found = jnp.where((alpha > 6) & (beta > 6), _beta_large(*wide), _beta_fit(*wide))
    found = found.astype(x.dtype)
    # The series in the sample's own precision, as PyTorch has them
    found = jnp.where((x >= 0.5) & (edge < 0.75), -_beta_by_beta(1 - x, beta, alpha), found)
    return jnp.where((x <= 0.5) & (edge < 2.5), _beta_by_alpha(x, alpha, beta), found)


def _beta_by_alpha(x: Array, alpha: Array, beta: Array) -> Array:
    """Along α, for small x: a Taylor series."""
    factor = _digamma(alpha) - _digamma(alpha + beta) - jnp.log(x)
    term, series = 1.0, (factor + 1 / alpha) / alpha
    for i in range(1, 11):
        term = term * (i - beta) * x / i
        series += term / (alpha + i) * (factor + 1 / (alpha + i))
    return _or_zero(x * (1 - x) ** -beta * series)


def _beta_by_beta(x: Array, alpha: Array, beta: Array) -> Array:
    """Along β, for small x: a Taylor series."""
    factor = _digamma(alpha + beta) - _digamma(beta)
    term, betas, slopes, series = 1.0, 1.0, 0.0, factor / alpha
    for i in range(1, 9):
        term = -term * x / i
        slopes = slopes * (beta - i) + betas
        betas = betas * (beta - i)
        series += term / (alpha + i) * (slopes + factor * betas)
    return _or_zero(-((1 - x) ** (1 - beta)) * series)


def _beta_large(x: Array, alpha: Array, total: Array) -> Array:
    """Both concentrations large: at the mean a polynomial, else Rice's saddle point expansion."""
    beta = total - alpha
    mean = alpha / total
    std = jnp.sqrt(alpha * beta / (total + 1)) / total
    poly = 47 * x * beta**4 + alpha * (
        (43 + 20 * (16 + 27 * beta) * x) * beta**3
        + alpha
        * (
            3 * (59 + 180 * beta - 90 * x) * beta**2
            + alpha
            * (
                (453 + 1620 * beta * (1 - x) - 455 * x) * beta
                + alpha * (8 * (1 - x) * (135 * beta - 11))
            )
        )
    )
    scale = (1 + 12 * alpha) * (1 + 12 * beta) / (total * total) / (1 - x)
    middle = scale * poly / (12960 * alpha**3 * beta**2 * (1 + 12 * total))

    balance = alpha * (x - 1) + beta * x
    first = (2 * alpha**2 * (x - 1) + alpha * beta * (x - 1) - x * beta**2) / (
        jnp.sqrt(2 * alpha / beta) * total**1.5 * balance**2
    )
    log_alpha, log_beta = jnp.log(alpha / (total * x)), jnp.log(beta / (total * (1 - x)))
    tail = (beta * log_beta + alpha * log_alpha) ** -1.5
    second = jnp.sqrt(8 * alpha * beta / total) / balance + jnp.where(x < mean, tail, -tail)
    stirling = _stirling(alpha) * _stirling(beta) / _stirling(total)
    prefactor = -x / jnp.sqrt(2 * alpha * beta / total)
    saddle = stirling * prefactor * (first + 0.5 * log_alpha * second)
    return jnp.where((mean - 0.1 * std <= x) & (x <= mean + 0.1 * std), middle, saddle)


def _stirling(x: Array) -> Array:
    return 1 + 1 / (12 * x) + 1 / (288 * x * x)


def _beta_fit(x: Array, alpha: Array, total: Array) -> Array:
    u = jnp.log(x)
    a = jnp.log(alpha) - u
    b = jnp.log(total) - a
    p, q = (_poly(u, [_poly(a, [_poly(b, k) for k in j]) for j in i]) for i in _BETA_FIT)
    return p / q * x * (_digamma(total) - _digamma(alpha)) / (total - alpha)


@op(method=False, grad_name="NotImplemented")
def _standard_gamma_grad(input: Array, output: Array) -> Array:
    """Derivative of the gamma number ``output`` by its concentration.  ``(*), (*) -> (*)``"""
    return gamma_gradient(input, output)


@op(method=False, grad_name="NotImplemented")
def _dirichlet_grad(x: Array, alpha: Array, total: Array) -> Array:
    """Derivative of a Dirichlet sample's entry, without its factor ``1 - x``.  ``(*) -> (*)``"""
    return dirichlet_gradient(x, alpha, total)
