"""Which compiler options an op wants, per platform: the one place that knows.

Measured with jaxlib 0.10.2 on a 2-core x86 CPU (``benchmarks/eager.py --convolution``): XLA sends
convolutions to YNNPACK by default, which makes forward + backward of a 3x3 convolution 2.1x slower.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import jax

_CPU = {
    "conv": {
        "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE"
    },
}


def compiler_options(kinds: Iterable[str | None]) -> dict[str, Any] | None:
    """The options for a program that holds ops of these kinds."""
    return _options(frozenset(k for k in kinds if k))


@functools.cache
def _options(kinds: frozenset[str]) -> dict[str, Any] | None:
    if not kinds or jax.default_backend() != "cpu":
        return None
    merged: dict[str, Any] = {}
    for kind in kinds:
        merged.update(_CPU.get(kind, {}))
    return merged or None
