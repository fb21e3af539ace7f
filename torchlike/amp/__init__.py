"""``torch.amp``: mixed precision, by casting operands (autocast) and scaling losses (GradScaler)."""

from __future__ import annotations

from ..core.autocast import is_autocast_available as is_autocast_available
from .autocast_mode import (
    _enter_autocast as _enter_autocast,
    _exit_autocast as _exit_autocast,
    autocast as autocast,
    custom_bwd as custom_bwd,
    custom_fwd as custom_fwd,
)
from .grad_scaler import GradScaler as GradScaler
