"""Fisher and Yates' shuffle of 0 … n-1, without a Python loop where that is faster."""

from __future__ import annotations

import numpy as np

_LOOP_UP_TO = 10_000  # below, the loop takes 0.15 µs a number and wins


def shuffled(targets: np.ndarray) -> np.ndarray:
    """0 … n-1 after swapping i with ``targets[i] >= i``, i from 0 up.  ``(n) -> (n)`` int64"""
    n = len(targets)
    if n > _LOOP_UP_TO:
        return _by_chains(targets.astype(np.int32 if n < 1 << 31 else np.int64)).astype(np.int64)
    order = list(range(n))
    for i, j in enumerate(targets.tolist()):
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)


def _by_chains(target: np.ndarray) -> np.ndarray:
    """Each swap writes the number found at i to its target; i is read once, at step i.

    So the number at i came from the last step that wrote there, and the number that step i takes
    from its target came from the step before it with the same target.
    """
    n = len(target)
    steps = np.arange(n, dtype=target.dtype)
    rest = np.flatnonzero(target != steps).astype(target.dtype)
    to = target[rest]
    writer = np.full(n, -1, target.dtype)  # last step that wrote to a position
    writer[to] = rest
    source = np.where(writer >= 0, writer, steps)
    while not np.array_equal(source, further := source[source]):
        source = further
    order = source.copy()
    order[rest] = to
    while rest.size:  # one round per step that shares its target with others
        last = writer[to] == rest
        step, position = rest[last], to[last]
        rest, to = rest[~last], to[~last]
        writer[position] = -1
        writer[to] = rest
        before = writer[position]
        found = before >= 0
        order[step[found]] = source[before[found]]
    return order
