"""The seed documents' programs, unmodified, print what real PyTorch printed, number for number."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "programs"
PROGRAMS = ["core_features", "custom_function", "classic_training", "transformer", "compile_modes"]


@pytest.fixture(scope="session")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ``data`` holds a small real-digit MNIST."""
    folder = tmp_path_factory.mktemp("mnist")
    subprocess.run(
        [sys.executable, HERE / "mnist_folder.py", "data", "5000", "1000"], cwd=folder, check=True
    )
    return folder


@pytest.mark.parametrize("execution", ["recorded", "op_by_op"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_program_prints_pytorchs_numbers(name, execution, mnist):
    run = subprocess.run(
        [sys.executable, "-m", "torchlike", "run", HERE / f"{name}.py"],
        cwd=mnist,
        env={**os.environ, "TORCHLIKE_EXECUTION": execution},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    printed = re.sub(r"0x[0-9a-f]+", "0x…", run.stdout)
    assert printed == (HERE / "expected" / f"{name}.txt").read_text()
