"""``torch.nn.utils``: tools around modules and parameters."""

from __future__ import annotations

from . import rnn as rnn
