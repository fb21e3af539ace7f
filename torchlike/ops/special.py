"""Special functions: gamma, error, zeta, entropy. Bessel functions are in ``bessel``."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from ..core import errors
from ..core.registry import Array, binary, op, unary
from .elementwise import FLOATS, REAL, derivatives, elementwise, only_tensors

_special: Any = {"promote": "float", "namespaces": ("special",), "method": False, "out": True}
_GAMMA_KERNELS = {0: "digamma", 1: "trigamma"}


@unary(promote="float", aliases=("special.gammaln",))
@elementwise("lgamma_vml_cpu", REAL, wide=True)
@derivatives(lambda y, x: _digamma(x))
def lgamma(input: Array) -> Array:
    """``log(|gamma(input)|)``.  ``(*) -> (*)``"""
    return jax.lax.lgamma(input)


@derivatives(lambda y, x: _polygamma(1, x))
def _digamma(x: Array) -> Array:
    found = jax.lax.digamma(x)
    found = jnp.where(x == -jnp.inf, jnp.nan, found)
    return jnp.where(x == 0, jnp.copysign(jnp.inf, -x).astype(x.dtype), found)


@unary(promote="float", aliases=("special.psi", "special.digamma"))
@elementwise("digamma", REAL, wide=True)
def digamma(input: Array) -> Array:
    """Derivative of ``lgamma``.  ``(*) -> (*)``"""
    return _digamma(input)


def _trigamma(x: Array) -> Array:
    """By reflection, upward recurrence and the asymptotic series."""
    mirrored = x < 0.5
    sine = jnp.sin(math.pi * x)
    z = jnp.where(mirrored, 1 - x, x)
    total = jnp.zeros_like(x)
    for _ in range(6):
        total = total + 1 / (z * z)
        z = z + 1
    square = 1 / (z * z)
    tail = 1 / 6 - square * (1 / 30 - square * (1 / 42))
    total = total + (1 + 1 / (2 * z) + square * tail) / z
    return jnp.where(mirrored, math.pi**2 / (sine * sine) - total, total)


def _polygamma(n: int, x: Array) -> Array:
    """The n-th derivative of digamma."""
    if n == 0:
        return _digamma(x)

    @derivatives(lambda y, x: _polygamma(n + 1, x))
    def found(x: Array) -> Array:
        if n == 1:
            return _trigamma(x)
        factor = math.factorial(n) if n % 2 else -math.factorial(n)
        return factor * _zeta(jnp.full_like(x, n + 1), x)

    return found(x)


@op(promote="float", method=False, out=True, aliases=("special.polygamma",))
def polygamma(n: int, input: Array) -> Array:
    """The n-th derivative of ``digamma``.  ``(*) -> (*)``"""
    errors.check(n >= 0, "polygamma(n, x) does not support negative n.")
    kernel = elementwise(_GAMMA_KERNELS.get(n, "polygamma"), REAL, wide=True)

    @kernel
    def of_order(input: Array) -> Array:
        return _polygamma(n, input)

    return of_order(input)


@op(name="polygamma", namespaces=(), promote="float", inplace=True, grad_name="PolygammaBackward0")
def polygamma_method(input: Array, n: int) -> Array:
    """``Tensor.polygamma``: the order comes second.  ``(*) -> (*)``"""
    return polygamma(n, input)


@unary(promote="float", aliases=("special.multigammaln",))
@elementwise("arange_cpu", REAL, wide=True)
def mvlgamma(input: Array, p: int) -> Array:
    """Log of the p-dimensional gamma function.  ``(*) -> (*)``"""
    errors.check(p >= 1, "p has to be greater than or equal to 1")
    total = jnp.full_like(input, p * (p - 1) / 4 * math.log(math.pi))
    for j in range(p):
        total = total + lgamma(input - j / 2)
    return total


def _density(sign: int) -> Any:
    """The derivative of the incomplete gamma functions by their second argument."""

    def by_other(y: Array, a: Array, x: Array) -> Array:
        return sign * jnp.exp((a - 1) * jnp.log(x) - x - jax.lax.lgamma(a))

    return by_other


def _no_derivative(what: str, fn: Any, by_other: Any) -> Any:
    """A function of two, of which PyTorch knows the second derivative only.

    Raises:
        NotImplementedError: at the backward, if the first requires grad.
    """
    smooth = jax.custom_jvp(fn)

    def rule(primals: Any, tangents: Any) -> Any:
        from jax.custom_derivatives import SymbolicZero

        result = smooth(*primals)
        if type(tangents[0]) is not SymbolicZero:
            raise errors.NoGradient(f"the derivative for '{what}' is not implemented.")
        if type(tangents[1]) is SymbolicZero:
            return result, jnp.zeros_like(result)
        return result, tangents[1] * by_other(result, *primals)

    smooth.defjvp(rule, symbolic_zeros=True)
    return smooth


_igamma = _no_derivative("igamma: input", lambda a, x: jax.lax.igamma(a, x), _density(1))
_igammac = _no_derivative("igammac: input", lambda a, x: jax.lax.igammac(a, x), _density(-1))


@binary(aliases=("special.gammainc",), types=only_tensors("igamma", "input", "other"))
@elementwise("igamma_cpu", FLOATS, wide=True)
def igamma(input: Array, other: Array) -> Array:
    """Regularised lower incomplete gamma function P(input, other).  ``(*), (*) -> (*)``"""
    a, x = jnp.broadcast_arrays(input, other)
    found = _igamma(a, x)
    found = jnp.where((a == 0) & (x > 0), 1, found)
    return jnp.where(jnp.isinf(a) & ~jnp.isinf(x), jnp.where(x >= 0, 0, jnp.nan), found)


@binary(aliases=("special.gammaincc",), types=only_tensors("igammac", "input", "other"))
@elementwise("igammac_cpu", FLOATS, wide=True)
def igammac(input: Array, other: Array) -> Array:
    """Regularised upper incomplete gamma function Q(input, other).  ``(*), (*) -> (*)``"""
    a, x = jnp.broadcast_arrays(input, other)
    found = _igammac(a, x)
    found = jnp.where((a == 0) & (x > 0), 0, found)
    return jnp.where(jnp.isinf(a) & ~jnp.isinf(x), jnp.where(x >= 0, 1, jnp.nan), found)


_SLOPE = 2 / math.sqrt(math.pi)


@unary(promote="float", aliases=("special.erf",))
@elementwise("erf_vml_cpu", REAL, wide=True)
def erf(input: Array) -> Array:
    """Error function.  ``(*) -> (*)``"""
    return jax.lax.erf(input)


@unary(promote="float", aliases=("special.erfc",))
@elementwise("erfc_vml_cpu", REAL, wide=True)
def erfc(input: Array) -> Array:
    """``1 - erf(input)``, exact in the tail.  ``(*) -> (*)``"""
    return jax.lax.erfc(input)


@unary(promote="float", aliases=("special.erfinv",))
@elementwise("erfinv_vml_cpu", REAL, wide=True)
def erfinv(input: Array) -> Array:
    """Inverse of ``erf``; NaN outside [-1, 1].  ``(*) -> (*)``"""
    return jax.lax.erf_inv(input)


@derivatives(lambda y, x: 2 * x * y - _SLOPE)
def _erfcx(x: Array) -> Array:
    far = 10.0 if x.dtype == jnp.float64 else 5.0
    near = jnp.where(x > far, 0, x)
    product = jnp.exp(near * near) * jax.lax.erfc(near)
    z = jnp.where(x > far, x, far)
    # asymptotic series 1 - 1/(2 z^2) + 3/(2 z^2)^2 - ..., below rounding from `far` on
    step = 1 / (2 * z * z)
    series = jnp.ones_like(x)
    for k in range(10, 0, -1):
        series = 1 - (2 * k - 1) * step * series
    return jnp.where(x > far, series / (z * math.sqrt(math.pi)), product)


@op(**_special, grad_name="SpecialErfcxBackward0")
@elementwise("erfcx_cpu", REAL, half=False)
def erfcx(input: Array) -> Array:
    """``exp(input**2) * erfc(input)`` without overflow.  ``(*) -> (*)``"""
    return _erfcx(input)


@op(**_special, grad_name="MulBackward0")
@elementwise("erf_vml_cpu", REAL, wide=True)
def ndtr(input: Array) -> Array:
    """Normal distribution function.  ``(*) -> (*)``"""
    return 0.5 * jax.lax.erfc(-input * math.sqrt(0.5))


@derivatives(lambda y, x: jnp.exp(-(y + x * x / 2)) / math.sqrt(2 * math.pi))
def _log_ndtr(x: Array) -> Array:
    z = x * math.sqrt(0.5)
    below = jnp.log(_erfcx(-jnp.minimum(z, 0)) / 2) - z * z
    return jnp.where(x < -1, below, jnp.log1p(-jax.lax.erfc(jnp.maximum(z, -1)) / 2))


@op(**_special, grad_name="SpecialLogNdtrBackward0")
@elementwise("log_ndtr_cpu", REAL, half=False)
def log_ndtr(input: Array) -> Array:
    """``log(ndtr(input))``, exact in the tail.  ``(*) -> (*)``"""
    return _log_ndtr(input)


@derivatives(lambda y, p: math.sqrt(2 * math.pi) * jnp.exp(y * y / 2))
def _ndtri(p: Array) -> Array:
    from jax.scipy.special import ndtri

    found = ndtri(jnp.where((p > 0) & (p < 1), p, 0.5))
    edge = jnp.where(p == 0, -jnp.inf, jnp.where(p == 1, jnp.inf, jnp.nan)).astype(p.dtype)
    return jnp.where((p > 0) & (p < 1), found, edge)


@op(**_special, grad_name="SpecialNdtriBackward0")
@elementwise("ndtri_cpu", REAL, half=False)
def ndtri(input: Array) -> Array:
    """Inverse of ``ndtr``; NaN outside [0, 1].  ``(*) -> (*)``"""
    return _ndtri(input)


@derivatives(lambda y, x: -(1 + jnp.log(x)))
def _entr(x: Array) -> Array:
    inside = -x * jnp.log(jnp.where(x > 0, x, 1))
    found = jnp.where(x > 0, inside, jnp.where(x == 0, 0.0, -jnp.inf).astype(x.dtype))
    return jnp.where(jnp.isnan(x), x, found)


@op(**_special, grad_name="SpecialEntrBackward0")
@elementwise("entr_cpu", REAL, wide=True)
def entr(input: Array) -> Array:
    """``-x log(x)``, 0 at 0, -inf below.  ``(*) -> (*)``"""
    return _entr(input)


def _xlog1py_slope(y: Array, x: Array, other: Array) -> Array:
    return jnp.where((x == 0) & (other <= -1), 0, jnp.log1p(other))


@derivatives(_xlog1py_slope, lambda y, x, other: x / (other + 1))
def _xlog1py(input: Array, other: Array) -> Array:
    product = jnp.where(input == 0, 0, input * jnp.log1p(other))
    return jnp.where(jnp.isnan(other), jnp.nan, product)


def _numbered(name: str) -> Any:
    """PyTorch numbers the node of two tensors 0, of a first number 1, of a second one 2."""

    def grad_name(args: dict[str, Any]) -> str:
        if not hasattr(args["input"], "dtype"):
            return f"{name}Backward1"
        return f"{name}Backward{0 if hasattr(args['other'], 'dtype') else 2}"

    return grad_name


@op(**_special, grad_name=_numbered("SpecialXlog1Py"))
@elementwise("xlog1py_cpu", REAL, wide=True)
def xlog1py(input: Array, other: Array) -> Array:
    """``input * log1p(other)``, 0 where input is 0 (unless other is NaN).  ``(*), (*) -> (*)``"""
    return _xlog1py(*jnp.broadcast_arrays(input, other))


def _shifted_zeta(x: Array, q: Array) -> Array:
    """``jax.lax.zeta`` is wrong from q = -8 down: the terms of negative bases are summed here."""
    count = jnp.where(q < 0, jnp.minimum(jnp.ceil(-q), 1e6), 0).astype(q.dtype)
    last = jnp.max(count, initial=0)

    def more(state: Any) -> Array:
        return state[0] < last

    def add(state: Any) -> Any:
        k, total = state
        return k + 1, total + jnp.where(k < count, (q + k) ** -x, 0)

    _, total = jax.lax.while_loop(more, add, (jnp.zeros_like(last), jnp.zeros_like(q)))
    return total + jax.lax.zeta(x, q + count)


def _hurwitz(x: Array, q: Array) -> Array:
    pole = (q <= 0) & (q == jnp.floor(q))
    undefined = (q <= 0) & (x != jnp.floor(x))
    inside = (x > 1) & ~pole & ~undefined
    found = _shifted_zeta(jnp.where(inside, x, 2), jnp.where(inside, q, 1))
    edge = jnp.where(pole, jnp.inf, jnp.nan)
    edge = jnp.where(x == 1, jnp.inf, jnp.where(x < 1, jnp.nan, edge)).astype(x.dtype)
    return jnp.where(inside, found, jnp.where(jnp.isnan(x) | jnp.isnan(q), jnp.nan, edge))


_zeta = _no_derivative("zeta", _hurwitz, lambda y, x, q: -x * _zeta(x + 1, q))


@op(**_special, grad_name=_numbered("SpecialZeta"))
@elementwise("zeta_cpu", REAL, half=False)
def zeta(input: Array, other: Array) -> Array:
    """Hurwitz zeta function, the sum of ``(k + other)**-input``.  ``(*), (*) -> (*)``"""
    return _zeta(*jnp.broadcast_arrays(input, other))
