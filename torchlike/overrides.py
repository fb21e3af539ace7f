"""``torch.overrides``: asking who takes over a function, and modes that take over all of them."""

from __future__ import annotations

import contextlib
import functools
import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator
from types import MethodWrapperType, ModuleType
from typing import Any

from .api import torch as T
from .core import build, overrides as protocol, toplevel
from .core.overrides import (
    DisableTorchFunction as DisableTorchFunction,
    DisableTorchFunctionSubclass as DisableTorchFunctionSubclass,
    has_torch_function as has_torch_function,
    has_torch_function_unary as has_torch_function_unary,
    has_torch_function_variadic as has_torch_function_variadic,
    nowrap_functions,
    thread,
)
from .core.tensor import Tensor

__all__ = [
    "get_ignored_functions", "get_overridable_functions", "get_testing_overrides", "handle_torch_function",
    "has_torch_function", "resolve_name", "is_tensor_like", "is_tensor_method_or_property",
    "wrap_torch_function", "enable_reentrant_dispatch", "redispatch_function",
]  # fmt: skip


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """What the modes and the arguments' classes make of ``public_api(*args, **kwargs)``.

    Raises:
        TypeError: none of them wants it.
    """
    wanting = protocol.overloaded(relevant_args)
    types = tuple(map(type, wanting))
    found = protocol.ask(public_api, wanting, types, args, kwargs)
    if found is not NotImplemented or not (wanting or protocol.listening()):
        return None if found is NotImplemented else found
    text = (
        f"no implementation found for '{_public_module(public_api)}.{public_api.__name__}' on types that "
        f"implement __torch_function__: {list(types)}"
    )
    if protocol.listening():
        text += f" nor in mode {thread.modes[-1]}"
    raise TypeError(text)


def _public_module(fn: Callable[..., Any]) -> str:
    own = __name__.partition(".")[0]
    return fn.__module__.replace(own, "torch", 1) if fn.__module__.startswith(own) else fn.__module__


def wrap_torch_function(dispatcher: Callable[..., Iterable[Any]]) -> Callable[..., Any]:
    """Lets a function be taken over; ``dispatcher`` gives those of its arguments that may do so."""

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def asking(*args: Any, **kwargs: Any) -> Any:
            relevant = tuple(dispatcher(*args, **kwargs))
            if has_torch_function(relevant):
                return handle_torch_function(asking, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return asking

    return wrapped


def redispatch_function(func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    """``func`` itself, taken over by nobody, while the functions it calls may be."""
    before, thread.skip = thread.skip, func
    try:
        with protocol.enabled():
            return func(*args, **(kwargs or {}))
    finally:
        thread.skip = before


@contextlib.contextmanager
def enable_reentrant_dispatch() -> Iterator[None]:
    """Inside of a handler: classes and modes take calls over again."""
    with protocol.enabled():
        yield


def is_tensor_like(inp: Any) -> bool:
    """A tensor, or of a class with ``__torch_function__``."""
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


# --- modes ---------------------------------------------------------------------------------------


class TorchFunctionMode:
    """``with mode:`` every public function becomes ``mode.__torch_function__(func, types, args, kwargs)``.

    While its handler runs the mode is off, so that the handler can call the function.
    """

    inner: TorchFunctionMode

    def __init__(self) -> None:
        pass

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        raise NotImplementedError

    def __enter__(self) -> TorchFunctionMode:
        protocol.arm()
        thread.modes.append(self)
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        thread.modes.pop()

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> TorchFunctionMode:
        """A mode, as older programs make one."""
        warnings.warn(
            "`Mode.push()` is no longer necessary and can be replaced with just `with Mode()`",
            stacklevel=2,
        )
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that changes nothing."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


def _get_current_function_mode() -> TorchFunctionMode | None:
    return thread.modes[-1] if thread.modes else None


def _get_current_function_mode_stack() -> list[TorchFunctionMode]:
    return list(thread.modes)


def _push_mode(mode: TorchFunctionMode) -> None:
    mode.__enter__()


def _pop_mode() -> TorchFunctionMode:
    return thread.modes.pop()


@contextlib.contextmanager
def _pop_mode_temporarily() -> Iterator[TorchFunctionMode]:
    old = _pop_mode()
    try:
        yield old
    finally:
        _push_mode(old)


# --- which functions ---------------------------------------------------------------------------------


def get_default_nowrap_functions() -> set[Any]:
    """Functions whose results keep their class."""
    return nowrap_functions()


def _spaces() -> Iterator[tuple[str, Any]]:
    """PyTorch's namespaces of functions that can be taken over, with their dotted names."""
    from .api import fft, linalg, special
    from .nn import functional, init

    yield from [
        ("torch", T), ("torch", build), ("torch", toplevel), ("torch.nn.functional", functional),
        ("torch.nn.init", init), ("torch.Tensor", Tensor), ("torch.linalg", linalg), ("torch.fft", fft),
        ("torch.special", special),
    ]  # fmt: skip


@functools.cache
def _names() -> dict[Any, str]:
    """Every function that can be taken over, with the first of its dotted names."""
    protocol.arm()
    found: dict[Any, str] = {}
    for prefix, space in _spaces():
        for name, member in vars(space).items():
            if isinstance(member, property):
                for part, wrapper in (("fget", "__get__"), ("fset", "__set__"), ("fdel", "__delete__")):
                    if getattr(member, part) in protocol.armed():
                        found.setdefault(getattr(member, wrapper), f"{prefix}.{name}.{wrapper}")
            elif not isinstance(member, (type, ModuleType)) and member.__hash__ is not None:
                is_public = prefix == "torch.Tensor" or not name.startswith("_")
                if is_public and member in protocol.armed():
                    found.setdefault(member, f"{prefix}.{name}")
    return found


def get_overridable_functions() -> dict[Any, list[Callable[..., Any]]]:
    """Namespaces, each with its functions that can be taken over."""
    found: dict[Any, list[Callable[..., Any]]] = {}
    spaces = dict(reversed(list(_spaces())))
    for fn, name in _names().items():
        owner = name.rpartition(".")[0]
        while owner not in spaces:
            owner = owner.rpartition(".")[0]
        found.setdefault(spaces[owner], []).append(fn)
    return found


def get_ignored_functions() -> set[Callable[..., Any]]:
    """Functions that nobody can take over: they take no tensors, or are part of the protocol."""
    found: set[Any] = set()
    for prefix, space in _spaces():
        for name, member in vars(space).items():
            is_public = not name.startswith("_") or (prefix == "torch.Tensor" and name in protocol.IGNORED)
            if is_public and inspect.isfunction(member) and member not in protocol.armed():
                found.add(member)
    return found


def get_testing_overrides() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Every function that can be taken over, with one of the same signature that returns -1."""

    def stand_in(fn: Callable[..., Any]) -> Callable[..., Any]:
        def minus_one(*args: Any, **kwargs: Any) -> int:
            return -1

        with contextlib.suppress(ValueError, TypeError):
            minus_one.__signature__ = inspect.signature(fn)  # type: ignore[attr-defined]
        return minus_one

    return {fn: stand_in(fn) for fn in _names()}


def resolve_name(f: Any) -> str | None:
    """The dotted name of a function of PyTorch's; None for others."""
    if isinstance(f, str):
        return f
    return _names().get(f)


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether it is a member of Tensor, or a getter or setter of one."""
    return isinstance(func, MethodWrapperType) or func in {
        m for m in vars(Tensor).values() if callable(m) and m.__hash__ is not None
    }
