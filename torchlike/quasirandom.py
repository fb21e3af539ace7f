"""``torch.quasirandom``: Sobol points, which fill the unit cube more evenly than random ones."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .core.build import from_host
from .core.dtypes import TYPE_NAMES, default_dtype, dtype as DType, float32, float64
from .core.rng import Generator, default_generator
from .core.tensor import Tensor

__all__ = ["SobolEngine"]


class SobolEngine:
    """The Sobol sequence in up to 21201 dimensions, with the direction numbers of Joe and Kuo.

    ``scramble`` multiplies the bits of each coordinate by a random lower triangular matrix and
    exchanges bits at random (``seed``, or the global generator), as PyTorch does, bit for bit.

    Differs: there is no ``sobolstate``; SciPy keeps the direction numbers.
    Raises:
        ValueError: no such dimension.
    """

    MAXBIT = 30
    MAXDIM = 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if dimension > self.MAXDIM or dimension < 1:
            raise ValueError(
                f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]"
            )
        self.seed = seed
        self.scramble = scramble
        self.dimension = dimension
        self.num_generated = 0
        self._shift = np.zeros(dimension, np.int64)
        self._rows: np.ndarray | None = None
        if scramble:
            self._scramble()
        self._last = self._shift
        # In the default dtype of now, whatever dtype is drawn later
        self._first = (self._shift / 2**self.MAXBIT).astype(default_dtype().np)
        self._plain: Any = None

    def _scramble(self) -> None:
        source = default_generator if self.seed is None else Generator().manual_seed(self.seed)
        bits, powers = self.MAXBIT, 1 << np.arange(self.MAXBIT, dtype=np.int64)
        self._shift = source.integers((self.dimension, bits), np.dtype(np.int64), 0, 2) @ powers
        matrices = source.integers((self.dimension, bits, bits), np.dtype(np.int64), 0, 2)
        matrices = np.tril(matrices, -1) + np.eye(bits, dtype=np.int64)
        self._rows = matrices @ powers[::-1]

    @property
    def shift(self) -> Tensor:
        """What the points' bits are exchanged by; the first point.  ``-> (dimension,)``"""
        return from_host(self._shift.copy())

    @property
    def quasi(self) -> Tensor:
        """The last point, in units of ``2**-30``.  ``-> (dimension,)``"""
        return from_host(self._last.copy())

    def _next(self, n: int) -> np.ndarray:
        """The next ``n`` points, in units of ``2**-30``.  ``-> (n, dimension)``"""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SciPy wants powers of 2
            whole = self._source().random(n) * 2**self.MAXBIT
        points = whole.astype(np.int64)
        if self._rows is not None:
            mixed = np.zeros_like(points)
            for row in self._rows.T:  # one output bit after the other, the highest first
                mixed = mixed << 1 | np.bitwise_count(points & row).astype(np.int64) & 1
            points = mixed
        points ^= self._shift
        if n:
            self._last = points[-1]
        self.num_generated += n
        return points

    def _source(self) -> Any:
        """SciPy's engine, which knows the points before the scrambling."""
        if self._plain is None:
            from scipy.stats import qmc

            self._plain = qmc.Sobol(self.dimension, scramble=False, bits=self.MAXBIT)
        return self._plain

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: DType | None = None) -> Tensor:
        """The next ``n`` points.  ``-> (n, dimension)``

        Raises:
            NotImplementedError: ``dtype`` is neither float32 nor float64.
        """
        of = dtype or default_dtype()
        fresh = self.num_generated == 0
        if not isinstance(n, int):
            raise TypeError(
                f"_sobol_engine_draw(): argument 'n' (position 2) must be int, not {type(n).__name__}"
            )
        if n < fresh:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {n - fresh}: [{n - fresh}, {self.dimension}]"
            )
        if of not in (float32, float64) and not (fresh and n == 1):
            raise NotImplementedError(
                f"\"_sobol_engine_draw\" not implemented for '{TYPE_NAMES[of.name]}'"
            )
        points = self._next(n).astype(of.np) / of.np.type(2**self.MAXBIT) if n > fresh else None
        if points is None:
            points = np.zeros((n, self.dimension), of.np)
            self._next(n)
        if fresh:
            points[0] = self._first.astype(of.np)
        result = from_host(points)
        return result if out is None else out.resize_as_(result).copy_(result)

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: DType | None = None) -> Tensor:
        """The next ``2**m`` points, which with those before must be a power of 2.

        Raises:
            ValueError: they are not.
        """
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                "The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points have been previously generated, then: "
                f"n={self.num_generated}+2**{m}={total}. If you still want to do this, please use "
                "'SobolEngine.draw()' instead."
            )
        return self.draw(n, out, dtype)

    def reset(self) -> SobolEngine:
        """Starts anew."""
        self._last, self._plain, self.num_generated = self._shift, None, 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Leaves out ``n`` points."""
        if n > 0:
            source = self._source()
            if n > 1:
                source.fast_forward(n - 1)
                self.num_generated += n - 1
            self._next(1)
        return self

    def __repr__(self) -> str:
        parts = [f"dimension={self.dimension}"]
        if self.scramble:
            parts.append("scramble=True")
        if self.seed is not None:
            parts.append(f"seed={self.seed}")
        return f"{type(self).__name__}({', '.join(parts)})"
