"""``torch.cuda.streams``: queues of work that XLA orders by itself, and moments in them."""

from __future__ import annotations

import contextlib
from typing import Any

from ..core import streams
from ..core.device import device as _Device
from ..core.streams import finish_all


class Stream(streams.Stream):
    """Accepted everywhere; XLA orders the work by itself."""

    def __init__(self, device: Any = None, priority: int = 0, **kwargs: Any) -> None:
        if isinstance(device, int):
            device = _Device("cuda", device)
        super().__init__("cuda" if device is None else device, **kwargs)
        self.priority = priority

    def record_event(self, event: Any = None) -> Any:
        event = event or Event()
        event.record(self)
        return event

    @property
    def cuda_stream(self) -> int:
        return self.stream_id

    @staticmethod
    def priority_range() -> tuple[int, int]:
        return 0, -1

    def __repr__(self) -> str:
        return f"<torch.cuda.Stream device={self.device} cuda_stream={self.cuda_stream:#x}>"


class Event(streams.Event):
    """A moment: recording it finishes the work before it, so that elapsed times are true."""

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False,
        external: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            "cuda", enable_timing=enable_timing, blocking=blocking, interprocess=interprocess
        )

    def synchronize(self) -> None:
        finish_all()

    def __repr__(self) -> str:
        at = "uninitialized" if self._at is None else f"{self._at:.6f}"
        return f"<torch.cuda.Event {at}>"


def current_stream(device: Any = None) -> Stream:
    return Stream(device)


def default_stream(device: Any = None) -> Stream:
    return Stream(device)


def set_stream(stream: Any) -> None:
    """XLA orders the work by itself; any stream is accepted."""
    if stream is not None and not isinstance(stream, streams.Stream):
        raise TypeError(f"expected a Stream, got {type(stream).__name__}")


class StreamContext(contextlib.AbstractContextManager[Any]):
    """``with torch.cuda.stream(s)``: XLA orders the work by itself; None is accepted."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> Any:
        return self.stream

    def __exit__(self, *exc: object) -> None:
        return None


def stream(stream: Any) -> StreamContext:
    return StreamContext(stream)
