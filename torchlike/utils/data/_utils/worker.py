"""What runs in a worker: seeds, the dataset's copy, and the loop from tasks to batches."""

from __future__ import annotations

import dataclasses
import os
import queue
import random
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from ....core import dtypes
from ....core.config import config
from ....core.rng import manual_seed
from .collate import default_collate_fn_map
from .exception import ExceptionWrapper
from .fetch import _DatasetKind
from .transport import Outbox, load_file

_MASK = 0xFFFFFFFF


@dataclasses.dataclass(frozen=True, slots=True)
class WorkerInfo:
    """Who a worker is; ``dataset`` is its own copy."""

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str | None = "multiprocessing"


@dataclasses.dataclass(frozen=True)
class _IterableDatasetStopIteration:
    """The worker's stream has ended."""

    worker_id: int


@dataclasses.dataclass(frozen=True)
class _ResumeIteration:
    """Persistent workers: another pass begins."""

    seed: int | None = None


@dataclasses.dataclass
class Plan:
    """All that a worker gets from the loader."""

    dataset_kind: int
    dataset: Any
    auto_collation: bool
    collate_fn: Callable[..., Any]
    drop_last: bool
    base_seed: int
    init_fn: Callable[[int], Any] | None
    num_workers: int
    collate_fn_map: dict[Any, Any]
    default_dtype: str
    execution: str


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """The worker this runs in; None in the main process."""
    return _worker_info


def _generate_state(base_seed: int, worker_id: int) -> list[int]:
    """NumPy's seed of a worker: O'Neill's seed_seq mix of both numbers, as PyTorch computes it."""
    hash_const = 0x43B0D7E5

    def hashed(value: int) -> int:
        nonlocal hash_const
        value = (value ^ hash_const) & _MASK
        hash_const = (hash_const * 0x931E8875) & _MASK
        value = (value * hash_const) & _MASK
        return value ^ (value >> 16)

    def mixed(x: int, y: int) -> int:
        result = ((0xCA01F9DD * x) - (0x4973F715 * y)) & _MASK
        return result ^ (result >> 16)

    pool = [hashed(value) for value in (worker_id, base_seed & _MASK, base_seed >> 32, 0)]
    for source in range(4):
        for target in range(4):
            if source != target:
                pool[target] = mixed(pool[target], hashed(pool[source]))
    state, final_const = [], 0x8B51F9DD
    for value in pool:
        value = (value ^ final_const) & _MASK
        final_const = (final_const * 0x58F38DED) & _MASK
        value = (value * final_const) & _MASK
        state.append(value ^ (value >> 16))
    return state


class Inbox:
    """Reads tasks in a thread of its own, so that the loader never waits while it sends one."""

    def __init__(self, connection: Connection, outbox: Outbox) -> None:
        self.tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.done = False
        self._connection = connection
        self._outbox = outbox
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while True:
                task = self._connection.recv()
                if task is None:
                    self.done = True
                self.tasks.put(task)
                if task is None:
                    return
        except (EOFError, OSError):
            # The main process is gone: nobody will fetch what lies in shared memory
            self._outbox.discard()
            os._exit(1)


def main(worker_id: int, connection_fd: int, plan_fd: int, prefix: str) -> None:
    """The whole life of a worker process."""
    import jax

    jax.config.update("jax_platforms", "cpu")  # the accelerator belongs to the main process
    connection = Connection(connection_fd)
    outbox = Outbox(connection, f"{prefix}{worker_id}_")
    inbox = Inbox(connection, outbox)
    fetcher: Any = None
    failed: ExceptionWrapper | None = None
    plan: Any = None
    try:
        plan = load_file(plan_fd)
        fetcher = _begin(plan, worker_id)
    except Exception:
        failed = ExceptionWrapper(where=f"in DataLoader worker process {worker_id}")
    ended = False
    while (task := inbox.tasks.get()) is not None:
        if inbox.done:
            continue
        if isinstance(task, _ResumeIteration):
            outbox.send((task, None))
            ended = False
            if failed is None:
                fetcher = _fetcher(plan)
            continue
        if ended:
            continue
        serial, index = task
        data: Any = failed
        if failed is None:
            data, ended = _fetched(fetcher, index, plan, worker_id)
        outbox.send((serial, data))
        del data, task
    connection.close()


def _begin(plan: Plan, worker_id: int) -> Any:
    global _worker_info
    seed = plan.base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    np.random.seed(_generate_state(plan.base_seed, worker_id))
    dtypes.set_default_dtype(dtypes.by_name(plan.default_dtype))
    config.execution = plan.execution
    default_collate_fn_map.clear()
    default_collate_fn_map.update(plan.collate_fn_map)
    _worker_info = WorkerInfo(worker_id, plan.num_workers, seed, plan.dataset)
    if plan.init_fn is not None:
        plan.init_fn(worker_id)
    return _fetcher(plan)


def _fetcher(plan: Plan) -> Any:
    return _DatasetKind.create_fetcher(
        plan.dataset_kind, plan.dataset, plan.auto_collation, plan.collate_fn, plan.drop_last
    )


def _fetched(fetcher: Any, index: Any, plan: Plan, worker_id: int) -> tuple[Any, bool]:
    """The batch, the stream's end or the exception; and whether the stream has ended."""
    try:
        return fetcher.fetch(index), False
    except Exception as error:
        if isinstance(error, StopIteration) and plan.dataset_kind == _DatasetKind.Iterable:
            return _IterableDatasetStopIteration(worker_id), True
        return ExceptionWrapper(where=f"in DataLoader worker process {worker_id}"), False
    finally:
        sys.stdout.flush()
