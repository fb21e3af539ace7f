"""``torch.Stream`` and ``torch.Event``: queues of work and moments in them.

XLA orders the work by itself, so a stream orders nothing; an event finishes the work before it, so
that elapsed times are true. On the CPU they know as little as PyTorch's.
"""

from __future__ import annotations

import time
from typing import Any

from .device import device as Device, placed
from .record import finish_all

_KINDS = {"cpu": 0, "cuda": 1, "meta": 15}


def _on(given: Any) -> Device:
    """The device of a new stream or event.

    Raises:
        RuntimeError: there is no such device.
    """
    if isinstance(given, int):
        raise RuntimeError("Cannot access accelerator device when none is available.")
    found = Device("cpu") if given is None else Device(given) if isinstance(given, str) else given
    if found.type not in _KINDS:
        raise RuntimeError(f"PyTorch is not linked with support for {found.type} devices")
    return placed(found) if found.type == "cuda" else found


class _OfDevice:
    device: Device

    @property
    def device_type(self) -> int:
        return _KINDS[self.device.type]

    @property
    def device_index(self) -> int:
        return -1 if self.device.index is None else self.device.index

    def _refuse_events(self) -> None:
        if self.device.type != "cuda":
            raise RuntimeError(f"{self.device.type} backend doesn't support events.")


class Stream(_OfDevice):
    """A queue of a device's work."""

    def __init__(self, device: Any = None, *, priority: int = 0, **kwargs: Any) -> None:
        self.stream_id = kwargs.pop("stream_id", 0)
        index, kind = kwargs.pop("device_index", -1), kwargs.pop("device_type", None)
        if kwargs:
            raise TypeError(f"Stream() got an unexpected keyword argument '{next(iter(kwargs))}'")
        if kind is not None:
            name = next((n for n, k in _KINDS.items() if k == kind), "cpu")
            device = Device(name) if index < 0 else Device(name, index)
        self.device = _on(device)

    def synchronize(self) -> None:
        """Runs what is recorded and waits for it."""
        finish_all()

    def query(self) -> bool:
        return True

    def wait_event(self, event: Any) -> None:
        """Programs run in the order of their data."""

    def wait_stream(self, stream: Any) -> None:
        """Programs run in the order of their data.

        Raises:
            RuntimeError: the device has no events.
        """
        self._refuse_events()

    def record_event(self, event: Event | None = None) -> Event:
        self._refuse_events()
        event = event or Event(self.device)
        event.record(self)
        return event

    @property
    def native_handle(self) -> int:
        raise RuntimeError("Backend doesn't support getting stream native handle.")

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Stream)
            and self.device == other.device
            and self.stream_id == other.stream_id
        )

    def __hash__(self) -> int:
        return hash((self.device, self.stream_id))

    def __repr__(self) -> str:
        return (
            f"torch.{type(self).__name__} device_type={self.device.type}, device_index="
            f"{self.device_index}, stream_id={self.stream_id}"
        )


class Event(_OfDevice):
    """A moment in a device's work."""

    def __init__(
        self, device: Any = None, *, enable_timing: bool = False, blocking: bool = False,
        interprocess: bool = False,
    ) -> None:  # fmt: skip
        self.device = _on(device)
        self.enable_timing = enable_timing
        self.event_id = 0
        self._at: float | None = None

    def record(self, stream: Any = None) -> None:
        """Finishes the work before it, and notes the time.

        Raises:
            RuntimeError: the device has no events.
        """
        self._refuse_events()
        finish_all()
        self._at = time.perf_counter()

    def synchronize(self) -> None:
        finish_all()

    def wait(self, stream: Any = None) -> None:
        """Programs run in the order of their data."""

    def query(self) -> bool:
        return True

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds between two recorded events.

        Raises:
            ValueError: one of them does not time, or was not recorded.
        """
        if not (self.enable_timing and end_event.enable_timing):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if self._at is None or end_event._at is None:
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        return (end_event._at - self._at) * 1e3

    def ipc_handle(self) -> Any:
        raise NotImplementedError(
            "torch.Event ipc is not supported yet, please open an issue if you need this!"
        )

    @classmethod
    def from_ipc_handle(cls, device: Any, ipc_handle: bytes) -> Any:
        raise NotImplementedError(
            "torch.Event ipc is not supported yet, please open an issue if you need this!"
        )

    def __repr__(self) -> str:
        return (
            f"torch.{type(self).__name__} device_type={self.device.type}, device_index="
            f"{self.device_index}, event_flag={int(self.enable_timing)}, event_id={self.event_id}"
        )
