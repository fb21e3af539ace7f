"""Normal numbers from uniform ones, with the arithmetic of PyTorch's vectorised CPU kernel.

PyTorch's AVX2 code takes blocks of 16 uniforms: eight radii, eight angles. Its ``log``, ``sin`` and
``cos`` are Cephes polynomials in float32 with fused multiply-adds. Here a fused multiply-add of
float32 numbers is a float64 one rounded once: the product of two is exact in float64.
"""

from __future__ import annotations

import math

import numpy as np

from .rounding import fma64

Floats = np.ndarray

_ROWS = 2048  # blocks per pass: a pass's arrays stay in the cache


def _f(value: float) -> np.float64:
    return np.float64(np.float32(value))


_LOG = tuple(
    map(
        _f,
        (
            7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
            -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
        ),
    )
)  # fmt: skip
_LN2_LOW, _LN2_HIGH, _SQRT_HALF = _f(-2.12194440e-4), _f(0.693359375), _f(0.707106781186547524)
_PI_PARTS = tuple(map(_f, (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)))
_COS = tuple(map(_f, (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)))
_SIN = tuple(map(_f, (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)))
_FOUR_OVER_PI, _TWO_PI = _f(1.27323954473516), _f(2 * math.pi)


class _Pass:
    """Arithmetic on float32 values kept in float64, rounded in place through one buffer."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.single = np.empty(shape, np.float32)

    def rounded(self, x: Floats) -> Floats:
        self.single[...] = x
        x[...] = self.single
        return x

    def fma(self, a: Floats, b: Floats | np.float64, c: Floats | np.float64) -> Floats:
        """``a * b + c`` rounded once, in place of ``a``."""
        a *= b
        a += c
        return self.rounded(a)

    def log(self, x: Floats) -> Floats:
        """Natural logarithm of float32 numbers in (0, 1]."""
        bits = x.view(np.int32)
        e = ((bits >> 23) - 126).astype(np.float64)
        m = ((bits & ~0x7F800000) | 0x3F000000).view(np.float32).astype(np.float64)
        low = m < _SQRT_HALF
        e -= low
        m += np.where(low, m, 0.0)  # exact in float32, and so is the difference
        m -= 1
        z = self.rounded(m * m)
        y = np.full_like(m, _LOG[0])
        for k in _LOG[1:]:
            self.fma(y, m, k)
        y *= m
        self.rounded(y)
        self.fma(y, z, self.rounded(e * _LN2_LOW))
        z *= 0.5
        y -= z
        self.rounded(y)
        y += m
        self.rounded(y)
        e *= _LN2_HIGH
        y += e
        return self.rounded(y)

    def sincos(self, x: Floats) -> tuple[Floats, Floats]:
        """Sine and cosine of angles in [0, 2π); overwrites ``x``."""
        octant = (self.rounded(x * _FOUR_OVER_PI).astype(np.int32) + 1) & ~1
        j = octant.astype(np.float64)
        for part in _PI_PARTS:
            x += j * part
            self.rounded(x)
        z = self.rounded(x * x)
        c = np.full_like(x, _COS[0])
        self.fma(c, z, _COS[1])
        self.fma(c, z, _COS[2])
        c *= z
        self.rounded(c)
        c *= z
        c -= z * 0.5
        self.rounded(c)
        c += 1
        self.rounded(c)
        s = np.full_like(x, _SIN[0])
        self.fma(s, z, _SIN[1])
        self.fma(s, z, _SIN[2])
        s *= z
        self.rounded(s)
        self.fma(s, x, x)
        swapped = (octant & 2) != 0
        sin, cos = np.where(swapped, c, s), np.where(swapped, s, c)
        np.negative(sin, out=sin, where=(octant & 4) != 0)
        np.negative(cos, out=cos, where=((octant - 2) & 4) == 0)
        return sin, cos


def normal32(u: Floats, mean: float, std: float) -> Floats:
    """Normal float32 numbers in place of uniform ones in [0, 1).  ``(16 n) -> (16 n)``

    Differs: equal to PyTorch's AVX2 kernel; PyTorch without AVX2 rounds a few of them differently.
    """
    blocks = u.reshape(-1, 16)
    mean64, std64 = _f(mean), _f(std)
    for start in range(0, len(blocks), _ROWS):
        rows = blocks[start : start + _ROWS]
        now = _Pass((len(rows), 8))
        radius = now.log(1 - rows[:, :8])
        radius *= -2
        np.sqrt(radius, out=radius)
        now.rounded(radius)
        angle = rows[:, 8:].astype(np.float64)
        angle *= _TWO_PI
        sin, cos = now.sincos(now.rounded(angle))
        for part, at in ((cos, 0), (sin, 8)):
            part *= radius
            now.rounded(part)
            part *= std64
            part += mean64
            rows[:, at : at + 8] = part
    return u


def normal64(u: Floats, mean: float, std: float) -> Floats:
    """Normal float64 numbers in place of uniform ones in [0, 1).  ``(16 n) -> (16 n)``"""
    blocks = u.reshape(-1, 16)
    radius = np.sqrt(-2 * np.log(1 - blocks[:, :8]))
    turn = unit_circle(2 * math.pi * blocks[:, 8:])
    blocks[:, :8] = fma64(radius * turn.real, std, mean)
    blocks[:, 8:] = fma64(radius * turn.imag, std, mean)
    return u


def unit_circle(angle: Floats) -> np.ndarray:
    """``cos + i sin`` as the C library has them; NumPy's own ``cos`` may differ in the last bit."""
    turn = np.zeros(angle.shape, np.complex128)
    turn.imag = angle
    return np.exp(turn, out=turn)
