"""``torch.distributed`` of one process; more than one is refused where it is asked for."""

from __future__ import annotations

from .collectives import *
from .groups import *
from .store import *
