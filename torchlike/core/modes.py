"""Per-thread state: grad mode, inference mode, what is being recorded or captured."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any


class Modes(threading.local):
    """One object, so that the hot path reads thread-local state once."""

    def __init__(self) -> None:
        self.grad = True
        self.inference = False
        self.anomaly = False
        self.anomaly_nan = True
        self.capture: Any = None
        self.segments: dict[Any, Any] = {}
        self.transforms: tuple[Any, ...] = ()  # of torch.func, the outermost first; core.transforms
        self.forward: tuple[Any, ...] = ()  # levels of forward mode that are open; core.forward
        self.forward_enabled = True
        self.saving: tuple[Any, ...] = ()  # hooks on what is saved for backward; autograd.graph
        self.saving_refused: str | None = None
        self.walks: list[Any] = []  # backward passes that are running
        self.dual_level: Any = None  # the level of autograd.forward_ad
        self.autocast: dict[str, Any] | None = None  # lower precision by device type; core.autocast
        self.autocast_state: Any = None


modes = Modes()


class ContextDecorator:
    """A context manager that also decorates functions, generators and (without call) classes."""

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exc: object) -> None:
        raise NotImplementedError

    def clone(self) -> ContextDecorator:
        return self.__class__()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return wrapper

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            try:
                with self.clone():
                    item = generator.send(None)
                while True:
                    try:
                        sent = yield item
                    except GeneratorExit:
                        with self.clone():
                            generator.close()
                        raise
                    except BaseException as error:
                        with self.clone():
                            item = generator.throw(error)
                    else:
                        with self.clone():
                            item = generator.send(sent)
            except StopIteration as stop:
                return stop.value

        return wrapper


class _NoArgument(ContextDecorator):
    """Lets ``@no_grad`` be written without its parentheses."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        self = object.__new__(cls)
        return self if function is None else self(function)


class no_grad(_NoArgument):
    """Operations inside record no gradient."""

    def __enter__(self) -> None:
        self._before = modes.grad
        modes.grad = False

    def __exit__(self, *exc: object) -> None:
        modes.grad = self._before


class enable_grad(_NoArgument):
    """Operations inside record gradients again."""

    def __enter__(self) -> None:
        self._before = modes.grad
        modes.grad = True

    def __exit__(self, *exc: object) -> None:
        modes.grad = self._before


class set_grad_enabled(ContextDecorator):
    """Sets grad mode at once; as a context, until its end."""

    def __init__(self, mode: bool) -> None:
        self.mode = bool(mode)
        self._before = modes.grad
        modes.grad = self.mode

    def __enter__(self) -> None:
        modes.grad = self.mode

    def __exit__(self, *exc: object) -> None:
        modes.grad = self._before

    def clone(self) -> set_grad_enabled:
        return self.__class__(self.mode)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        modes.grad = self._before
        return super().__call__(function)


class inference_mode(ContextDecorator):
    """``no_grad`` whose results can never take part in a gradient."""

    def __new__(cls, mode: Any = True) -> Any:
        self = object.__new__(cls)
        if callable(mode):
            self.mode = True
            return self(mode)
        return self

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self._before = modes.grad, modes.inference
        modes.inference = self.mode
        modes.grad = not self.mode

    def __exit__(self, *exc: object) -> None:
        modes.grad, modes.inference = self._before

    def clone(self) -> inference_mode:
        return self.__class__(self.mode)


def is_grad_enabled() -> bool:
    return modes.grad


def is_inference_mode_enabled() -> bool:
    return modes.inference
