"""What ``torch.autograd.profiler`` measured: events, and tables of them."""

from __future__ import annotations

import bisect
import json
from collections.abc import Callable
from typing import Any

from ..core.errors import missing


class FunctionEvent:
    """One timed thing: an XLA kernel, or a range that the program named. Times in microseconds."""

    def __init__(
        self, id: int, name: str, thread: int, start_us: float, end_us: float, *,
        is_user_annotation: bool = False, is_legacy: bool = False, count: int = 1,
    ) -> None:  # fmt: skip
        self.id = id
        self.name = self.trace_name = name
        self.thread = thread
        self.start_us, self.end_us = start_us, end_us
        self.is_user_annotation = is_user_annotation
        self.is_legacy = is_legacy
        self.count = count
        self.cpu_time_total = self.self_cpu_time_total = end_us - start_us

    @property
    def key(self) -> str:
        return self.name

    @property
    def cpu_time(self) -> float:
        """The mean."""
        return self.cpu_time_total / self.count

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} name={self.name} cpu_time={self.cpu_time:.3f}us "
            f"count={self.count}>"
        )


class EventList(list[FunctionEvent]):
    """Events in the order of their begin."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args)

    @property
    def self_cpu_time_total(self) -> float:
        """Of the kernels; named ranges contain them."""
        return sum(e.cpu_time_total for e in self if not e.is_user_annotation)

    def key_averages(
        self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
    ) -> EventList:  # fmt: skip
        """One event per name, with sums.

        Raises:
            NotImplementedError: groups that XLA's events do not tell apart.
        """
        if group_by_input_shapes or group_by_stack_n or group_by_overload_name:
            raise missing("profiler.key_averages(group_by_…)", "group by name")
        found: dict[tuple[str, bool], FunctionEvent] = {}
        for e in self:
            key = (e.name, e.is_user_annotation)
            have = found.get(key)
            if have is None:
                found[key] = FunctionEvent(
                    e.id, e.name, e.thread, e.start_us, e.end_us,
                    is_user_annotation=e.is_user_annotation,
                )  # fmt: skip
            else:
                have.count += 1
                have.cpu_time_total += e.cpu_time_total
                have.self_cpu_time_total += e.self_cpu_time_total
        return EventList(found.values())

    def total_average(self) -> FunctionEvent:
        """All events as one."""
        found = FunctionEvent(0, "Total", 0, 0.0, 0.0, count=sum(e.count for e in self))
        found.cpu_time_total = found.self_cpu_time_total = self.self_cpu_time_total
        return found

    def table(
        self, sort_by: str | None = None, row_limit: int = 100, max_src_column_width: int = 75,
        max_name_column_width: int = 55, max_shapes_column_width: int = 80, header: str | None = None,
        top_level_events_only: bool = False, time_unit: str | None = None,
    ) -> str:  # fmt: skip
        """Names and times as text."""
        keys: dict[str, Callable[[FunctionEvent], Any]] = {
            "cpu_time": lambda e: -e.cpu_time,
            "cpu_time_total": lambda e: -e.cpu_time_total,
            "self_cpu_time_total": lambda e: -e.self_cpu_time_total,
            "count": lambda e: -e.count,
        }
        if sort_by is not None and sort_by not in keys:
            raise missing(f"profiler.table(sort_by={sort_by!r})", f"one of {', '.join(keys)}")
        rows = sorted(self, key=keys[sort_by]) if sort_by else list(self)
        factor = {"s": 1e-6, "ms": 1e-3, "us": 1.0}[time_unit or "us"]
        unit = time_unit or "us"
        width = max([len("Name"), *[min(len(e.name), max_name_column_width) for e in rows]])
        line = f"{'-' * width}  {'-' * 14}  {'-' * 14}  {'-' * 10}"
        title = f"{'Name':>{width}}  {'CPU total':>14}  {'CPU time avg':>14}  {'# of Calls':>10}"
        text = [header] if header else []
        text += [line, title, line]
        for e in rows[:row_limit] if row_limit >= 0 else rows:
            total, mean = e.cpu_time_total * factor, e.cpu_time * factor
            text.append(
                f"{e.name[:max_name_column_width]:>{width}}  {total:>12.3f}{unit}  {mean:>12.3f}{unit}  "
                f"{e.count:>10}"
            )
        total = self.self_cpu_time_total * factor
        return "\n".join([*text, line, f"Self CPU time total: {total:.3f}{unit}", ""])

    def export_chrome_trace(self, path: str) -> None:
        """Writes the events for ``chrome://tracing``."""
        with open(path, "w") as file:
            json.dump([
                {"name": e.name, "ph": "X", "ts": e.start_us, "dur": e.cpu_time_total, "tid": e.thread,
                 "pid": "CPU functions", "args": {}}
                for e in self
            ], file)  # fmt: skip

    def supported_export_stacks_metrics(self) -> list[str]:
        return []

    def export_stacks(self, path: str, metric: str) -> None:
        """Refused: XLA's kernels belong to no line of the program.

        Raises:
            NotImplementedError: always.
        """
        raise missing("profiler.export_stacks", "export_chrome_trace shows the kernels in time")

    def __str__(self) -> str:
        return self.table()


class MemRecordsAcc:
    """Memory records by time."""

    def __init__(self, mem_records: Any) -> None:
        self._mem_records = sorted(mem_records, key=lambda r: r[0].start_ns())
        self._starts = [r[0].start_ns() for r in self._mem_records]

    def in_interval(self, start_us: float, end_us: float) -> Any:
        """The records that begin between the two."""
        first = bisect.bisect_left(self._starts, start_us * 1000)
        yield from self._mem_records[first : bisect.bisect_right(self._starts, end_us * 1000)]
