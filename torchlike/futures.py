"""``torch.futures``: results that are there later."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")

__all__ = ["Future", "collect_all", "wait_all"]


class Future(Generic[T]):
    """A value or an exception that somebody sets once; others wait for it or are called then."""

    def __init__(self, *, devices: list[Any] | None = None) -> None:
        for device in devices or ():
            if getattr(device, "index", device) is None or device == "cpu":
                raise ValueError(f"Expected devices to have indices, got {device}")
        self._ready = threading.Condition()
        self._is_done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Any], Any]] = []

    def done(self) -> bool:
        return self._is_done

    def wait(self) -> T:
        """The value, when it is there.

        Raises:
            Exception: the one that was set instead.
        """
        with self._ready:
            self._ready.wait_for(lambda: self._is_done)
        return self.value()

    def value(self) -> T:
        """The value that is there.

        Raises:
            RuntimeError: there is none yet.
            Exception: the one that was set instead.
        """
        if not self._is_done:
            raise RuntimeError("completed() INTERNAL ASSERT FAILED: the Future is not completed yet")
        if self._error is not None:
            raise self._error
        return self._value

    def _complete(self, value: Any, error: BaseException | None) -> None:
        with self._ready:
            if self._is_done:
                raise RuntimeError(
                    "Attempting to mark a completed Future as complete again. Note that a Future can only "
                    "be marked completed once."
                )
            self._is_done, self._value, self._error = True, value, error
            callbacks, self._callbacks = self._callbacks, []
            self._ready.notify_all()
        for callback in callbacks:
            callback(self)

    def set_result(self, result: T) -> None:
        self._complete(result, None)

    def set_exception(self, result: BaseException) -> None:
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._complete(None, result)

    def _when_done(self, callback: Callable[[Any], Any]) -> None:
        with self._ready:
            if not self._is_done:
                self._callbacks.append(callback)
                return
        callback(self)

    def then(self, callback: Callable[[Future[T]], Any]) -> Future[Any]:
        """A Future of ``callback(self)``, which runs when this one is done."""
        made: Future[Any] = Future()

        def run(done: Future[T]) -> None:
            try:
                made.set_result(callback(done))
            except Exception as error:
                text = f"{type(error).__name__}: {error}"
                made.set_exception(
                    RuntimeError(f"Got the following error when running the callback: {text}")
                )

        self._when_done(run)
        return made

    def add_done_callback(self, callback: Callable[[Future[T]], Any]) -> None:
        """``callback(self)`` runs when this one is done; what it raises is not passed on."""
        self.then(callback)


def collect_all(futures: Sequence[Future[Any]]) -> Future[list[Future[Any]]]:
    """A Future of the list, done when all of them are."""
    made: Future[list[Future[Any]]] = Future()
    every = list(futures)
    left = [len(every)]
    lock = threading.Lock()

    def one_done(done: Future[Any]) -> None:
        with lock:
            left[0] -= 1
            is_last = left[0] == 0
        if is_last and not made.done():
            failed = next((f._error for f in every if f._error is not None), None)
            made._complete(every, failed)

    if not every:
        made.set_result(every)
    for future in every:
        future._when_done(one_done)
    return made


def wait_all(futures: Sequence[Future[Any]]) -> list[Any]:
    """Their values, when all are there.

    Raises:
        Exception: the first that one of them has.
    """
    return [future.wait() for future in collect_all(futures).wait()]


def fork(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
    """``torch.fork``: outside of TorchScript the call is made at once."""
    made: Future[Any] = Future()
    made.set_result(func(*args, **kwargs))
    return made


def wait(future: Future[Any]) -> Any:
    """``torch.wait``."""
    return future.wait()
