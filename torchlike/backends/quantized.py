"""``torch.backends.quantized``: torchlike has no engine of quantised tensors."""

from __future__ import annotations

engine = "none"
supported_engines = ["none"]
