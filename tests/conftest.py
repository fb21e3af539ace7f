"""Every test starts from the same seeds and must leave the process as it found it."""

from __future__ import annotations

import collections
import gc
import itertools
import os
import random
import threading
from pathlib import Path

import jax
import numpy as np
import pytest

import torchlike
from torchlike.core import dtypes
from torchlike.core.device import default_device
from torchlike.core.modes import modes

SEED = 0
# Set by pytest itself, and by JAX or PyTorch the first time they need them
_OWN = ("PYTEST_", "COLUMNS", "LINES", "TF_", "XLA_", "KMP_", "OMP_", "TORCHINDUCTOR_", "TRITON_")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--execution",
        choices=["recorded", "op_by_op"],
        default=None,
        help="run every test under this executor (default: as the environment says)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The full sweeps take long: they run only for who asks with ``-m parity``."""
    if "parity" in (config.option.markexpr or ""):
        return
    left_out = [item for item in items if item.get_closest_marker("parity")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("parity")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many ops are whole, and how many checks of each kind passed, see ``tests/ops``."""
    whole: dict[str, bool] = {}
    counts: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    left_out = 0
    for report in itertools.chain.from_iterable(terminalreporter.stats.values()):
        if getattr(report, "when", None) != "call":
            continue
        for name, is_whole, checks, left in [v for k, v in report.user_properties if k == "op"]:
            whole[name] = whole.get(name, True) and is_whole
            left_out += left
            for kind, (passed, total) in checks.items():
                counts[kind][0] += passed
                counts[kind][1] += total
    if whole:
        said = ", ".join(f"{kind} {p}/{n}" for kind, (p, n) in counts.items())
        left = f"; {left_out} samples of sparse tensors left out" if left_out else ""
        terminalreporter.write_line(f"ops: {sum(whole.values())}/{len(whole)} whole; {said}{left}")


# Every program that XLA compiles takes some memory maps, of which Linux allows a process 65,530
_MAPS = 30_000
_finished = itertools.count(1)


def pytest_runtest_logfinish() -> None:
    """A worker of the full sweeps would crash after some thousands of programs: they are dropped."""
    maps = Path("/proc/self/maps")
    if next(_finished) % 16 == 0 and maps.exists() and maps.read_bytes().count(b"\n") > _MAPS:
        jax.clear_caches()
        gc.collect()


@pytest.fixture(params=["recorded", "op_by_op"])
def execution(request: pytest.FixtureRequest):
    """For tests that must give the same under both executors."""
    with torchlike.config.using(request.param):
        yield request.param


def _surroundings() -> dict[str, object]:
    return {
        "environment variables": {k: v for k, v in os.environ.items() if not k.startswith(_OWN)},
        "grad mode": modes.grad,
        "inference mode": modes.inference,
        "default dtype": dtypes.default_dtype(),
        "default device": default_device(),
        "execution": torchlike.config.execution,
        "working folder": os.getcwd(),
    }


def _threads() -> set[str]:
    return {
        t.name
        for t in threading.enumerate()
        if t is not threading.main_thread()
        and not t.name.startswith(("torchlike", "execnet", "tqdm_monitor"))
    }


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest):
    """Seeds all generators; fails a test that leaks anything of ``_surroundings`` or a thread."""
    random.seed(SEED)
    np.random.seed(SEED)
    torchlike.manual_seed(SEED)
    states = random.getstate(), np.random.get_state()
    wanted = request.config.getoption("--execution")
    before_execution = torchlike.config.execution
    if wanted and "execution" not in request.fixturenames:
        torchlike.config.execution = wanted
    before, threads = _surroundings(), _threads()
    yield
    after = _surroundings()
    torchlike.config.execution = before_execution
    random.setstate(states[0])
    np.random.set_state(states[1])
    torchlike.manual_seed(SEED)
    leaks = [
        f"{what}: {before[what]!r} became {after[what]!r}"
        if what != "environment variables"
        else f"{what}: {sorted(set(before[what].items()) ^ set(after[what].items()))}"
        for what in before
        if before[what] != after[what]
    ]
    if _threads() - threads:
        gc.collect()
        new = _threads() - threads
        if new:
            leaks.append(f"threads: {sorted(new)}")
    if leaks:
        modes.grad, modes.inference = True, False
        dtypes.set_default_dtype(dtypes.float32)
        torchlike.set_default_device(None)
        pytest.fail("this test leaks " + "; ".join(leaks), pytrace=False)
