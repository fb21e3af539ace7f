"""``torchlike demo``: trains ``program.py``, an unmodified PyTorch program, on real handwritten digits."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..porting import script
from .digits import write_mnist

_NEEDED = {"PIL": "pillow", "tqdm": "tqdm"}


def run(args: Sequence[str]) -> int:
    """Writes the digits as MNIST files into a temporary folder and runs the program there."""
    missing = [name for module, name in _NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        print(
            f"the demo needs {', '.join(missing)}\nhint: pip install 'torchlike[vision,data]'",
            file=sys.stderr,
        )
        return 2
    program = Path(__file__).with_name("program.py")
    print(f"running {program}, which imports torch and torchvision")
    with tempfile.TemporaryDirectory(prefix="torchlike-demo-") as folder:
        write_mnist(folder)
        return script.run_file(str(program), ["--data", folder, *args])
