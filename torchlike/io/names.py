"""Which name a class or function of ours has in PyTorch's files, and the way back.

Files are laid out like PyTorch's, so ``torchlike.nn.modules.linear`` is
``torch.nn.modules.linear``; the tables hold the exceptions.
"""

from __future__ import annotations

import importlib
from typing import Any

ROOT = __name__.partition(".")[0]

# (our module, name) -> PyTorch's module
_MOVED = {
    ("core.tensor", "Tensor"): "torch",
    ("core.shapes", "Size"): "torch",
    ("core.device", "device"): "torch",
    ("core.rng", "Generator"): "torch._C",
    ("nn.parameter", "_rebuild_parameter"): "torch._utils",
    ("io.serialization", "_get_layout"): "torch.serialization",
    ("nn.module", "Module"): "torch.nn.modules.module",
}
# our module -> PyTorch's, for whole modules; the longest that fits counts
_MODULES = {
    "io.rebuild": "torch._utils",
    "io.serialization": "torch.serialization",
    "api.torch": "torch",
    "api.functional": "torch.nn.functional",
    "api.linalg": "torch.linalg",
    "api.fft": "torch.fft",
    "api.special": "torch.special",
    "optim.lr_scheduler": "torch.optim.lr_scheduler",
    "core.modes": "torch.autograd.grad_mode",
    "core.errors": "torch",
    "core.dtypes": "torch",
    "core.constants": "torch",
    "core.storages": "torch.storage",
    "nn.modules.rnn_cell": "torch.nn.modules.rnn",
    "nn.modules.parameter_container": "torch.nn.modules.container",
    "nn.modules.multihead_attention": "torch.nn.modules.activation",
    "nn.modules.linear_cross_entropy": "torch.nn.modules.loss",
    "optim._adafactor": "torch.optim",
    "optim._muon": "torch.optim",
    "vision": "torchvision",
    "audio": "torchaudio",
    "lightning": "lightning",
}
_FLAT = {"optim.lr_scheduler", "core.modes"}  # PyTorch has one module where we have a folder


def torch_name(module: str, name: str) -> tuple[str, str] | None:
    """PyTorch's (module, name) of something of ours; None for everybody else's."""
    if module != ROOT and not module.startswith(ROOT + "."):
        return None
    ours = module[len(ROOT) + 1 :]
    moved = _MOVED.get((ours, name))
    if moved is not None:
        return moved, name
    for prefix in sorted(_MODULES, key=len, reverse=True):
        if ours == prefix or ours.startswith(prefix + "."):
            rest = "" if prefix in _FLAT else ours[len(prefix) :]
            return _MODULES[prefix] + rest, name
    return ("torch." + ours if ours else "torch"), name


def our_object(module: str, name: str) -> Any:
    """What PyTorch's dotted name means here.

    Raises:
        AttributeError: torchlike has no such thing.
    """
    for mine in _candidates(module, name):
        try:
            found: Any = importlib.import_module(f"{ROOT}.{mine}" if mine else ROOT)
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith(ROOT):
                raise
            continue
        try:
            for part in name.split("."):
                found = getattr(found, part)
        except AttributeError:
            continue
        return found
    raise AttributeError(f"torchlike has no '{module}.{name}', which the checkpoint names")


def _candidates(module: str, name: str) -> list[str]:
    found = [ours for (ours, n), theirs in _MOVED.items() if theirs == module and n == name]
    found += [ours for ours, theirs in _MODULES.items() if theirs == module]
    for ours, theirs in _MODULES.items():
        if not theirs.startswith("torch.") and (module + ".").startswith(theirs + "."):
            found.append(ours + module[len(theirs) :])
    if module == "torch":
        return [*found, ""]
    if module.startswith("torch."):
        path = module[len("torch.") :]
        while path:
            found.append(path)
            path = path.rpartition(".")[0]
    return found


def is_torch_module(module: str) -> bool:
    return module.partition(".")[0] in ("torch", "torchvision", "torchaudio", "lightning")
