"""``torchlike doctor``: versions, devices, the cache folder, and a few checks that run."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import time
from collections.abc import Callable

from . import version
from .core import config, device

_PACKAGES = ("jax", "jaxlib", "numpy", "optax", "flax", "ml_dtypes")
_OPTIONAL = {
    "pillow": "images (torchvision)",
    "tqdm": "progress bars",
    "cloudpickle": "DataLoader workers",
}


def report() -> tuple[list[str], bool]:
    """The lines to print, and whether everything that must work does."""
    lines = [
        f"torchlike    {version.torchlike} (PyTorch {version.__version__}, "
        f"torchvision {version.torchvision})",
        f"python       {platform.python_version()} on {platform.platform()}",
    ]
    lines += [f"{name:<12} {_version(name) or 'MISSING'}" for name in _PACKAGES]
    for name, use in _OPTIONAL.items():
        found = _version(name)
        lines.append(f"{name:<12} {found or f'not installed: no {use}'}")
    lines += _devices()
    lines.append(f"execution    {config.config.execution}")
    lines.append(f"cache        {_cache()}")
    healthy = all(_version(name) for name in _PACKAGES)
    for name, check in _CHECKS.items():
        began = time.perf_counter()
        try:
            check()
            outcome = f"works ({time.perf_counter() - began:.2f} s)"
        except Exception as error:  # a report names what is broken, whatever it is
            outcome = f"FAILS: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
            healthy = False
        lines.append(f"{name:<12} {outcome}")
    return lines, healthy


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices() -> list[str]:
    found = [f"device       cpu: {device.host().device_kind}"]
    accelerators = device.accelerators()
    found += [f"device       cuda:{i}: {d.device_kind}" for i, d in enumerate(accelerators)]
    if not accelerators:
        found.append("device       no accelerator (--simulate-devices 4 lets the CPU play four)")
    return found


def _cache() -> str:
    if config.is_cache_chosen_by_jax():
        return "chosen by JAX_COMPILATION_CACHE_DIR"
    folder = config.cache_folder()
    if folder is None:
        return "off (TORCHLIKE_CACHE)"
    files = [f for f in folder.rglob("*") if f.is_file()] if folder.is_dir() else []
    size = sum(f.stat().st_size for f in files)
    return f"{folder} ({len(files)} files, {size / 1e6:.1f} MB)"


def _check_tensors() -> None:
    torch = importlib.import_module(__name__.partition(".")[0])
    assert torch.arange(4).sum().item() == 6


def _check_gradient() -> None:
    torch = importlib.import_module(__name__.partition(".")[0])
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def _check_training() -> None:
    torch = importlib.import_module(__name__.partition(".")[0])
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = model.weight.tolist()
    model(torch.ones(3, 2)).sum().backward()
    optimizer.step()
    assert model.weight.tolist() != before


def _check_compile() -> None:
    torch = importlib.import_module(__name__.partition(".")[0])
    assert torch.compile(lambda x: x * 2)(torch.ones(1)).item() == 2


_CHECKS: dict[str, Callable[[], None]] = {
    "tensors": _check_tensors,
    "autograd": _check_gradient,
    "training": _check_training,
    "compile": _check_compile,
}
