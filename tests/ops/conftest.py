"""Hands what an op test checked to the summary at the end of the run, from worker processes, too."""

from __future__ import annotations

import pytest

from .checks import Report


class Tally:
    """Of one test: notes with it how many checks of each kind passed, and whether its op is whole."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def add(self, name: str, report: Report, *, whole: bool) -> None:
        counts = {kind: list(count) for kind, count in report.counts.items()}
        self._properties.append(("op", [name, whole, counts, report.left_out]))


@pytest.fixture
def op_tally(request: pytest.FixtureRequest) -> Tally:
    return Tally(request.node.user_properties)
