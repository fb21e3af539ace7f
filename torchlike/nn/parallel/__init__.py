"""``torch.nn.parallel``."""

from __future__ import annotations

from .data_parallel import DataParallel as DataParallel, data_parallel as data_parallel

__all__ = ["DataParallel", "data_parallel"]
