"""PyTorch's own compiler, which other tests use, switches its validation off for the whole process."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def validation():
    torch.distributions.Distribution.set_default_validate_args(True)
