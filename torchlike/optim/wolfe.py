"""The strong Wolfe line search of L-BFGS.

Source: Nocedal and Wright, Numerical Optimization, algorithms 3.5 and 3.6, as PyTorch's
``lbfgs.py`` orders the evaluations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def cubic_minimum(
    x1: Any, f1: Any, g1: Any, x2: Any, f2: Any, g2: Any, bounds: tuple[Any, Any] | None = None
) -> Any:
    """The minimum between two points of the cubic with these values and slopes, kept in bounds."""
    low, high = bounds if bounds is not None else (x1, x2) if x1 <= x2 else (x2, x1)
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if square < 0:
        return (low + high) / 2.0
    d2 = np.sqrt(square)
    if x1 <= x2:
        at = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        at = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(at, low), high)


def strong_wolfe(
    along: Callable[[Any, Any], tuple[float, Any]],
    t: Any,
    d: Any,
    f: float,
    g: Any,
    slope: Any,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
    max_ls: int = 25,
) -> tuple[float, Any, Any, int]:
    """A step along ``d`` that lowers ``f`` enough and flattens its slope.

    Returns loss, gradient, step, and the number of evaluations.
    """
    longest = np.abs(d).max()
    f_new, g_new = along(t, d)
    evals, slope_new = 1, g_new.dot(d)
    before: tuple[Any, ...] = (0, f, g, slope)  # step, loss, gradient, slope
    done, tries = False, 0
    ends: list[tuple[Any, ...]] = []
    while tries < max_ls:
        now = (t, f_new, g_new, slope_new)
        if f_new > f + c1 * t * slope or (tries > 1 and f_new >= before[1]):
            ends = [before, now]
            break
        if abs(slope_new) <= -c2 * slope:
            ends, done = [now], True
            break
        if slope_new >= 0:
            ends = [before, now]
            break
        bounds = (t + 0.01 * (t - before[0]), t * 10)
        t = cubic_minimum(before[0], before[1], before[3], t, f_new, slope_new, bounds)
        before = now
        f_new, g_new = along(t, d)
        evals, slope_new, tries = evals + 1, g_new.dot(d), tries + 1
    if tries == max_ls:
        ends = [(0, f, g, slope), (t, f_new, g_new, slope_new)]
    low = 0 if ends[0][1] <= ends[-1][1] else len(ends) - 1
    stuck = False
    while not done and tries < max_ls:
        if abs(ends[1][0] - ends[0][0]) * longest < tolerance_change:
            break
        t, stuck = _next_trial(ends, stuck)
        f_new, g_new = along(t, d)
        evals, slope_new, tries = evals + 1, g_new.dot(d), tries + 1
        now, high = (t, f_new, g_new, slope_new), 1 - low
        if f_new > f + c1 * t * slope or f_new >= ends[low][1]:
            ends[high] = now
            low = 0 if ends[0][1] <= ends[1][1] else 1
        else:
            if abs(slope_new) <= -c2 * slope:
                done = True
            elif slope_new * (ends[high][0] - ends[low][0]) >= 0:
                ends[high] = ends[low]
            ends[low] = now
    t, f_new, g_new, _ = ends[low]
    return f_new, g_new, t, evals


def _next_trial(ends: list[tuple[Any, ...]], stuck: bool) -> tuple[Any, bool]:
    """The cubic's minimum, moved inwards when it hugs an end of the bracket twice."""
    (x1, f1, _, s1), (x2, f2, _, s2) = ends
    t = cubic_minimum(x1, f1, s1, x2, f2, s2)
    low, high = min(x1, x2), max(x1, x2)
    margin = 0.1 * (high - low)
    if min(high - t, t - low) >= margin:
        return t, False
    if stuck or t >= high or t <= low:
        return (high - margin if abs(t - high) < abs(t - low) else low + margin), False
    return t, True
