"""The loader's side of worker processes: start, feed, collect in order, shut down."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import signal
import subprocess
import sys
import time
import weakref
from multiprocessing import util as mp_util
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any

from ...core import dtypes
from ...core.config import config
from ...core.errors import missing
from ._utils import MP_STATUS_CHECK_INTERVAL
from ._utils.collate import default_collate_fn_map
from ._utils.exception import ExceptionWrapper
from ._utils.transport import discard, dump_file, forget, receive
from ._utils.worker import Plan, _IterableDatasetStopIteration, _ResumeIteration
from .dataloader import DataLoader, _BaseDataLoaderIter

_PACKAGE = __name__.partition(".")[0]
_BOOTSTRAP = """\
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process gets it, and stops the workers
sys.path[:] = {path!r}
sys.argv[:] = {argv!r}
{install}
from {package}.utils.data._utils.worker import main
main({worker_id}, {connection}, {plan}, {prefix!r})
"""


class WorkerPool:
    """Worker processes, each with a pipe of its own: tasks down, batches up."""

    def __init__(self, plan: Plan) -> None:
        if sys.platform == "win32":
            raise missing("DataLoader(num_workers > 0) on Windows", "use num_workers=0")
        self.processes: list[subprocess.Popen[bytes]] = []
        self.connections: list[Connection] = []
        self.received = [0] * plan.num_workers
        self.prefix = f"tl{os.getpid():x}{secrets.token_hex(4)}_"
        file = dump_file(plan)
        try:
            for worker_id in range(plan.num_workers):
                self._start(worker_id, file.fileno())
        except BaseException:
            self.shut_down()
            raise
        finally:
            file.close()

    def _start(self, worker_id: int, plan: int) -> None:
        ours, theirs = Pipe(duplex=True)
        self.connections.append(ours)
        served = any(type(f).__module__ == f"{_PACKAGE}.porting.finder" for f in sys.meta_path)
        code = _BOOTSTRAP.format(
            path=sys.path,
            argv=sys.argv,
            install=f"from {_PACKAGE}.porting.finder import install; install()" if served else "",
            package=_PACKAGE,
            worker_id=worker_id,
            connection=theirs.fileno(),
            plan=plan,
            prefix=self.prefix,
        )
        flags = mp_util._args_from_interpreter_flags()  # pyright: ignore[reportAttributeAccessIssue]
        try:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, *flags, "-c", code],
                    pass_fds=(theirs.fileno(), plan),
                    stdin=subprocess.DEVNULL,
                )
            )
        finally:
            theirs.close()

    def send(self, worker_id: int, task: Any) -> None:
        """A dead worker is noticed when its batch is asked for."""
        with contextlib.suppress(OSError):
            self.connections[worker_id].send(task)

    def get(self, timeout: float, watched: list[bool]) -> tuple[Any, Any] | None:
        """The next message of any watched worker; None if there was none in time.

        Raises:
            RuntimeError: a watched worker has died.
        """
        connections = [c for c, on in zip(self.connections, watched, strict=True) if on]
        for connection in wait(connections, timeout):
            worker_id = self.connections.index(connection)  # pyright: ignore[reportArgumentType]
            try:
                message = self.connections[worker_id].recv_bytes()
            except (EOFError, OSError):
                error, cause = self._death(worker_id)
                raise error from cause
            self.received[worker_id] += 1
            return receive(message)
        return None

    def _death(self, worker_id: int) -> tuple[RuntimeError, RuntimeError]:
        process = self.processes[worker_id]
        code = process.wait()
        error = RuntimeError(f"DataLoader worker (pid(s) {process.pid}) exited unexpectedly")
        if code < 0:
            name = signal.strsignal(-code)
            cause = f"DataLoader worker (pid {process.pid}) is killed by signal: {name}. "
        else:
            cause = (
                f"DataLoader worker (pid {process.pid}) exited unexpectedly with exit code {code}. "
                "Details are lost due to multiprocessing. Rerunning with num_workers=0 may give better "
                "error trace."
            )
        return error, RuntimeError(cause)

    def shut_down(self) -> None:
        """End every worker, by force after a while, and free the batches nobody took."""
        for worker_id in range(len(self.processes)):
            self.send(worker_id, None)
        deadline = time.monotonic() + MP_STATUS_CHECK_INTERVAL
        for worker_id in range(len(self.processes)):
            self._drain(worker_id, deadline)
        for worker_id, process in enumerate(self.processes):
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.terminate()
                try:
                    process.wait(1)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            # One that was killed may have filled a segment that it could not announce
            discard(f"{self.prefix}{worker_id}_{self.received[worker_id]}")
        for connection in self.connections:
            connection.close()
        self.processes.clear()
        self.connections.clear()

    def _drain(self, worker_id: int, deadline: float) -> None:
        connection = self.connections[worker_id]
        with contextlib.suppress(EOFError, OSError):
            while connection.poll(max(0.0, deadline - time.monotonic())):
                message = connection.recv_bytes()
                self.received[worker_id] += 1
                forget(message)


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """One pass over a loader whose batches are made by workers.

    Tasks are numbered; ``_task_info`` maps each one that was not yielded yet to its worker and, once
    it is here, its batch, so that batches come out in the order of their numbers.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        self._prefetch_factor = loader.prefetch_factor or 0
        self._in_order = loader.in_order
        self._shutdown = False
        plan = Plan(
            dataset_kind=self._dataset_kind,
            dataset=self._dataset,
            auto_collation=self._auto_collation,
            collate_fn=self._collate_fn,
            drop_last=self._drop_last,
            base_seed=self._base_seed,
            init_fn=loader.worker_init_fn,
            num_workers=self._num_workers,
            collate_fn_map=dict(default_collate_fn_map),
            default_dtype=dtypes.default_dtype().name,
            execution=config.execution,
        )
        self._pool = WorkerPool(plan)
        self._finalizer = weakref.finalize(self, self._pool.shut_down)
        self._reset(loader, first_iter=True)

    @property
    def _workers(self) -> list[Any]:
        return self._pool.processes

    def _reset(self, loader: DataLoader[Any], first_iter: bool = False) -> None:
        super()._reset(loader, first_iter)
        self._send_idx = 0  # number of the next task
        self._rcvd_idx = 0  # number of the next batch to yield
        self._task_info: dict[int, Any] = {}
        self._tasks_outstanding = 0
        # Whether a worker still has something to give in this pass (a stream may end early)
        self._workers_status = [True] * self._num_workers
        self._workers_num_tasks = [0] * self._num_workers
        self._worker_queue_idx_cycle = itertools.cycle(range(self._num_workers))
        if not first_iter:
            self._resume()
        for _ in range(self._prefetch_factor * self._num_workers):
            self._try_put_index()

    def _resume(self) -> None:
        """Start persistent workers on another pass; what they still send of the last one is dropped."""
        for worker_id in range(self._num_workers):
            self._pool.send(worker_id, _ResumeIteration())
        awaited = self._num_workers
        while awaited:
            first, _ = self._get_data()
            awaited -= isinstance(first, _ResumeIteration)

    def _get_data(self) -> tuple[Any, Any]:
        # One whose stream has ended may go; any other is missed at once
        watched = [
            active or process.poll() is None
            for active, process in zip(self._workers_status, self._workers, strict=True)
        ]
        try:
            if self._timeout > 0:
                found = self._pool.get(self._timeout, watched)
                if found is None:
                    raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
                return found
            while True:
                found = self._pool.get(MP_STATUS_CHECK_INTERVAL, watched)
                if found is not None:
                    return found
        except RuntimeError:
            self._shutdown_workers()
            raise

    def _next_data(self) -> Any:
        while True:
            if not self._advance():
                if not self._persistent_workers:
                    self._shutdown_workers()
                raise StopIteration
            if len(self._task_info[self._rcvd_idx]) == 2:
                return self._take(self._rcvd_idx)
            serial, data = self._get_data()
            self._tasks_outstanding -= 1
            if isinstance(data, _IterableDatasetStopIteration):
                self._workers_status[data.worker_id] = False
                self._try_put_index()
                continue
            self._task_info[serial] += (data,)
            if serial == self._rcvd_idx or not self._in_order:
                return self._take(serial)

    def _advance(self) -> bool:
        """Move on to the next task that has a batch or will get one; False at the end."""
        while self._rcvd_idx < self._send_idx:
            info = self._task_info.get(self._rcvd_idx)
            if info:
                if len(info) == 2 or self._workers_status[info[0]]:
                    return True
                del self._task_info[self._rcvd_idx]
            self._rcvd_idx += 1
        return False

    def _take(self, serial: int) -> Any:
        worker_id, data = self._task_info.pop(serial)
        if serial == self._rcvd_idx:
            self._rcvd_idx += 1
        self._workers_num_tasks[worker_id] -= 1
        self._try_put_index()
        if isinstance(data, ExceptionWrapper):
            data.reraise()
        return data

    def _try_put_index(self) -> None:
        """Hand the next task to the next worker that is active (and, out of order, not busy)."""
        most = self._prefetch_factor * self._num_workers
        try:
            index = self._next_index()
        except StopIteration:
            return
        for _ in range(self._num_workers):
            worker_id = next(self._worker_queue_idx_cycle)
            if self._workers_status[worker_id] and (
                self._in_order
                or self._workers_num_tasks[worker_id] < most // sum(self._workers_status)
            ):
                break
        else:
            return
        self._pool.send(worker_id, (self._send_idx, index))
        self._task_info[self._send_idx] = (worker_id,)
        self._workers_num_tasks[worker_id] += 1
        self._tasks_outstanding += 1
        self._send_idx += 1

    def _shutdown_workers(self) -> None:
        if not self._shutdown:
            self._shutdown = True
            self._finalizer()
