"""``torch.cpu.amp``: the old names of ``torch.amp`` for the CPU."""

from __future__ import annotations

from .autocast_mode import autocast as autocast
from .grad_scaler import GradScaler as GradScaler
