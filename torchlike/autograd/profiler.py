"""``torch.autograd.profiler`` over ``jax.profiler``.

Ops are recorded and run as fused programs, so what has a time is an XLA kernel, or a range of the
program that ``record_function`` names.
"""

from __future__ import annotations

import enum
import gzip
import json
import pathlib
import shutil
import tempfile
from typing import Any

import jax

from ..core.errors import missing
from ..core.modes import ContextDecorator
from ..core.record import finish_all
from .profiler_util import (
    EventList as EventList,
    FunctionEvent as FunctionEvent,
    MemRecordsAcc as MemRecordsAcc,
)


class ProfilerActivity(enum.Enum):
    """What a profiler watches."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


def kineto_available() -> bool:
    """Kineto is PyTorch's; here the traces are XLA's."""
    return False


_RANGE = "record_function"  # what marks a range in a trace


class record_function(ContextDecorator):
    """``with record_function(name):`` names what is recorded and run inside, in the traces of XLA.

    Inside a profiler the range waits for what was recorded in it, so that its time is its own.
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self.args = args
        self._annotation: Any = None

    def __enter__(self) -> record_function:
        if profile.running is not None:
            finish_all()
        more = {} if self.args is None else {"args": self.args}
        self._annotation = jax.profiler.TraceAnnotation(self.name, **{_RANGE: 1, **more})
        self._annotation.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        if profile.running is not None:
            finish_all()
        self._annotation.__exit__(None, None, None)

    def clone(self) -> record_function:
        return self.__class__(self.name, self.args)


class profile:
    """``with profile() as p:`` times XLA's kernels and named ranges; ``p.key_averages().table()``.

    Raises:
        RuntimeError: entered twice.
        NotImplementedError: something that XLA's traces do not hold.
    """

    running: profile | None = None

    def __init__(
        self, enabled: bool = True, *, use_cuda: bool = False, use_device: str | None = None,
        record_shapes: bool = False, with_flops: bool = False, profile_memory: bool = False,
        with_stack: bool = False, with_modules: bool = False, use_kineto: bool = False,
        use_cpu: bool = True, experimental_config: Any = None, acc_events: bool = False,
        custom_trace_id_callback: Any = None, post_processing_timeout_s: float | None = None,
        activity_filters: Any = None,
    ) -> None:  # fmt: skip
        refused = {
            "record_shapes": record_shapes, "with_flops": with_flops, "profile_memory": profile_memory,
            "with_stack": with_stack, "with_modules": with_modules,
            "experimental_config": experimental_config is not None,
            "custom_trace_id_callback": custom_trace_id_callback is not None,
            "activity_filters": activity_filters is not None,
        }  # fmt: skip
        for name, is_set in refused.items():
            if is_set:
                raise missing(
                    f"autograd.profiler.profile({name}=…)", "jax.profiler.trace keeps more"
                )
        self.enabled = enabled
        self.acc_events = acc_events
        self.entered = False
        self.function_events: EventList | None = None
        self._folder = ""

    def __enter__(self) -> profile | None:
        if not self.enabled:
            return None
        if self.entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        self.entered = True
        finish_all()
        self._folder = tempfile.mkdtemp(prefix="torchlike_profile_")
        jax.profiler.start_trace(self._folder)
        profile.running = self
        return self

    def __exit__(self, *exc: object) -> bool:
        if not self.enabled:
            return False
        finish_all()
        profile.running = None
        jax.profiler.stop_trace()
        found = _events(pathlib.Path(self._folder))
        if self.acc_events and self.function_events is not None:
            found = EventList([*self.function_events, *found])
        self.function_events = found
        shutil.rmtree(self._folder, ignore_errors=True)
        self.entered = False
        return False

    def _found(self) -> EventList:
        if self.function_events is None:
            raise RuntimeError("Profiler didn't finish running")
        return self.function_events

    def __repr__(self) -> str:
        if self.function_events is None:
            return "<unfinished torch.autograd.profile>"
        return repr(self.function_events)

    def __str__(self) -> str:
        return repr(self) if self.function_events is None else str(self.function_events)

    def table(self, *args: Any, **kwargs: Any) -> str:
        return self._found().table(*args, **kwargs)

    def key_averages(self, *args: Any, **kwargs: Any) -> EventList:
        return self._found().key_averages(*args, **kwargs)

    def total_average(self) -> FunctionEvent:
        return self._found().total_average()

    def export_chrome_trace(self, path: str) -> None:
        self._found().export_chrome_trace(path)

    def export_stacks(self, path: str, metric: str = "self_cpu_time_total") -> None:
        self._found().export_stacks(path, metric)

    @property
    def self_cpu_time_total(self) -> float:
        return self._found().self_cpu_time_total


def _events(folder: pathlib.Path) -> EventList:
    """The kernels and ranges of a trace."""
    found = []
    for path in folder.rglob("*.trace.json.gz"):
        with gzip.open(path) as file:
            trace = json.load(file)["traceEvents"]
        for e in trace:
            name, args = e.get("name", ""), e.get("args", {})
            is_range = _RANGE in args
            if e.get("ph") != "X" or not (is_range or "hlo_op" in args):
                continue
            found.append(
                FunctionEvent(
                    len(found), name, e["tid"], e["ts"], e["ts"] + e["dur"],
                    is_user_annotation=is_range,
                )
            )  # fmt: skip
    return EventList(sorted(found, key=lambda e: e.start_us))


class EnforceUnique:
    """Raises when it sees a key twice."""

    def __init__(self) -> None:
        self.seen: set[Any] = set()

    def see(self, *key: Any) -> None:
        """Remembers a key.

        Raises:
            RuntimeError: seen already.
        """
        if key in self.seen:
            raise RuntimeError("duplicate key: " + str(key))
        self.seen.add(key)


class KinetoStepTracker:
    """Counts the steps of several callers; the count is that of the one that is ahead."""

    _current_step = 0
    _step_dict: dict[str, int] = {}

    @classmethod
    def init_step_count(cls, requester: str) -> None:
        cls._step_dict[requester] = cls._current_step

    @classmethod
    def erase_step_count(cls, requester: str) -> bool:
        return cls._step_dict.pop(requester, None) is not None

    @classmethod
    def increment_step(cls, requester: str) -> int:
        """One step more of this caller."""
        if requester not in cls._step_dict:
            cls.init_step_count(requester)
        cls._step_dict[requester] += 1
        cls._current_step = max(cls._current_step, *cls._step_dict.values())
        return cls._current_step

    @classmethod
    def current_step(cls) -> int:
        return cls._current_step


def _refusal(name: str, hint: str) -> Any:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise missing(f"autograd.profiler.{name}", hint)

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Refused: {hint}.\n\n    Raises:\n        NotImplementedError: always.\n"
    return refuse


_USE_TRACE = (
    "record_function names ranges in the traces of jax.profiler, which XProf and Perfetto show"
)
emit_nvtx = _refusal("emit_nvtx", _USE_TRACE)
emit_itt = _refusal("emit_itt", _USE_TRACE)
load_nvprof = _refusal("load_nvprof", "it reads the files of NVIDIA's nvprof")
parse_nvprof_trace = _refusal("parse_nvprof_trace", "it reads the files of NVIDIA's nvprof")
