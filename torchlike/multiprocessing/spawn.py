"""``torch.multiprocessing.spawn``: one function in several processes."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core.errors import missing


class ProcessException(Exception):
    """A process ended badly."""

    def __init__(self, msg: str, error_index: int, pid: int | None) -> None:
        super().__init__(msg)
        self.msg = msg
        self.error_index = error_index
        self.pid = pid


class ProcessRaisedException(ProcessException):
    """A process raised; the text is its traceback."""


class ProcessExitedException(ProcessException):
    """A process was killed or exited by itself."""

    def __init__(
        self, msg: str, error_index: int, error_pid: int | None, exit_code: int,
        signal_name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code
        self.signal_name = signal_name


def _wrapped(fn: Callable[..., Any], index: int, args: tuple[Any, ...], report: str) -> None:
    try:
        fn(index, *args)
    except KeyboardInterrupt:
        pass
    except Exception:
        Path(report).write_text(traceback.format_exc())
        sys.exit(1)


class ProcessContext:
    """The running processes."""

    def __init__(self, processes: list[Any], error_files: list[str]) -> None:
        self.processes = processes
        self.error_files = error_files
        self._waiting = {process.sentinel: i for i, process in enumerate(processes)}

    def pids(self) -> list[int]:
        return [int(process.pid) for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Waits for one or more processes; True if all have ended well.

        Raises:
            ProcessRaisedException, ProcessExitedException: one failed; the others are ended first.
        """
        if not self._waiting:
            return True
        ready = multiprocessing.connection.wait(list(self._waiting), timeout=timeout)
        failed = None
        for sentinel in ready:
            index = self._waiting.pop(sentinel)  # pyright: ignore[reportArgumentType]
            self.processes[index].join()
            if self.processes[index].exitcode != 0:
                failed = index
                break
        if failed is None:
            if not self._waiting:
                self.forget()
            return not self._waiting
        for process in self.processes:
            if process.is_alive():
                process.terminate()
            process.join()
        self._raise(failed)
        return False

    def _raise(self, index: int) -> None:
        process, report = self.processes[index], Path(self.error_files[index]).read_text()
        self.forget()
        if report:
            text = f"\n\n-- Process {index} terminated with the following error:\n{report}"
            raise ProcessRaisedException(text, index, process.pid)
        code = process.exitcode
        if code < 0:
            name = signal.Signals(-code).name
            raise ProcessExitedException(
                f"process {index} terminated with signal {name}", index, process.pid, code, name
            )
        raise ProcessExitedException(
            f"process {index} terminated with exit code {code}", index, process.pid, code
        )

    def forget(self) -> None:
        """Removes the files in which processes report what they raised."""
        for path in self.error_files:
            Path(path).unlink(missing_ok=True)


class SpawnContext(ProcessContext):
    """The processes of ``spawn``."""


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
    numa_options: Any = None,
) -> SpawnContext | None:
    """``fn(i, *args)`` in process ``i``; waits for all of them if ``join``."""
    if numa_options is not None:
        raise missing("start_processes(numa_options)", "pin the processes with numactl")
    context: Any = multiprocessing.get_context(start_method)
    processes, reports = [], []
    for index in range(nprocs):
        descriptor, report = tempfile.mkstemp(prefix="torchlike-spawn-")
        os.close(descriptor)
        process = context.Process(target=_wrapped, args=(fn, index, args, report), daemon=daemon)
        process.start()
        processes.append(process)
        reports.append(report)
    running = SpawnContext(processes, reports)
    if not join:
        return running
    while not running.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> SpawnContext | None:
    """``fn(i, *args)`` in ``nprocs`` fresh processes."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)
