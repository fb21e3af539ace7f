"""Timing in alternation: machines are noisy, ratios taken in one run are not."""

from __future__ import annotations

import time
from collections.abc import Callable


def alternating(
    cases: dict[str, Callable[[], None]], rounds: int = 7, seconds: float = 0.15
) -> dict[str, float]:
    """The best time per call of each case, in seconds, over rounds that take turns."""
    counts = {}
    for name, run in cases.items():
        run()
        start = time.perf_counter()
        run()
        counts[name] = max(1, int(seconds / max(time.perf_counter() - start, 1e-7)))
    best = dict.fromkeys(cases, float("inf"))
    for _ in range(rounds):
        for name, run in cases.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                run()
            best[name] = min(best[name], (time.perf_counter() - start) / counts[name])
    return best
