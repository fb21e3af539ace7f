"""Which formulation of a layer is used where: thresholds and the platform, in one place.

Measured with jaxlib 0.10.2 on 2 x86 cores, float32, forward + backward (ms):

=====================================  ==========================  =======================
depthwise 3x3 on [16, 64, 32, 32]      XLA's feature groups 73     shifted products 5.3
4 groups, 3x3 on [16, 64, 32, 32]      XLA's feature groups 303    one conv per group 19
max pool 2x2 on [64, 64, 26, 26]       reduce_window 121           slices and mask 3.6
=====================================  ==========================  =======================
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
