"""Batch normalisation under ``vmap``."""

from __future__ import annotations

from typing import Any

from ..nn.modules.batchnorm import _BatchNorm


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Takes the running statistics from every batch norm in the module, in place."""
    for module in root.modules():
        if isinstance(module, _BatchNorm) and module.track_running_stats:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
