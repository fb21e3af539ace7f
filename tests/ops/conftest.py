"""Counts what the op tests checked and says so at the end of the run."""

from __future__ import annotations

import collections
import time

import pytest

from .checks import Report


class Tally:
    """How many ops are whole, and how many checks of each kind passed."""

    def __init__(self) -> None:
        self.whole: dict[str, bool] = {}
        self.counts: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
        self.left_out = 0
        self.messages: list[str] = []
        self.start = time.perf_counter()

    def add(self, name: str, report: Report, *, whole: bool) -> None:
        self.whole[name] = whole
        self.left_out += report.left_out
        for kind, (passed, total) in report.counts.items():
            self.counts[kind][0] += passed
            self.counts[kind][1] += total

    def line(self) -> str:
        checks = ", ".join(f"{kind} {p}/{n}" for kind, (p, n) in self.counts.items())
        left = f"; {self.left_out} samples of sparse tensors left out" if self.left_out else ""
        return f"ops: {sum(self.whole.values())}/{len(self.whole)} whole; {checks}{left}"


TALLY = Tally()


@pytest.fixture(scope="session")
def op_tally() -> Tally:
    return TALLY


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TALLY.whole:
        terminalreporter.write_line(TALLY.line())
