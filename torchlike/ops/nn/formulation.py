"""Which formulation of a layer is used where: thresholds and the platform, in one place.

Forward + backward in ms, jaxlib 0.10.2, 2 x86 cores, float32. "Prototype" is a hand-written kernel on a
quiet machine; "here" is this code's CPU time on a loaded one, so the two columns don't compare.

======================================  ==================  =================  ====
case                                    XLA's own (quiet)   prototype (quiet)  here
======================================  ==================  =================  ====
depthwise 3x3 on [16, 64, 32, 32]       73                  5.3                39
4 groups, 3x3 on [16, 64, 32, 32]       303                 19                 27
max pool 2x2 on [64, 64, 26, 26]        121                 3.6                12
======================================  ==================  =================  ====

Also here, before and after: max pool 2x2 differentiated through its comparisons 27, with the winner kept 12;
average pool 2x2 by reshape 55, by slices 3; weight gradient of a transposed 4x4 convolution, stride 2, 45 and 1.5.
"""

from __future__ import annotations

import functools

import jax

# A depthwise convolution with at most so many taps becomes that many shifted products
DEPTHWISE_TAPS = 49
# A grouped convolution with at most so many groups becomes one convolution per group
SPLIT_GROUPS = 32
# A pooling window with at most so many elements becomes that many strided slices
WINDOW_SLICES = 16
# ... and one with at most so many along one dim becomes slices, one dim after the other
AXIS_SLICES = 32
# Resampling along a dim of at most so many elements is differentiated as a matrix product
MATRIX_SIZE = 1024


@functools.lru_cache(maxsize=1)
def is_cpu() -> bool:
    """Whether programs run on XLA's CPU backend, whose convolutions need rewriting."""
    return jax.default_backend() == "cpu"
