"""The ``__torch_function__`` protocol: classes and modes that take over PyTorch's functions.

Until the first of them shows up nobody looks for one and the public functions are as they were
bound. The first one *arms* them: the code of each is exchanged for one that asks who wants the
call. The function stays the same object, so one that was imported long ago takes part too.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

from . import build, dtypes, toplevel
from .bind import SPACES
from .device import device
from .dispatch import BOUND
from .errors import missing
from .shapes import Size
from .tensor import SUBCLASSES, Tensor, TensorMeta


class State(enum.IntEnum):
    """What the current thread listens to."""

    ENABLED = 0
    SUBCLASSES_DISABLED = 1
    ALL_DISABLED = 2


class _Thread(threading.local):
    def __init__(self) -> None:
        self.state = State.ENABLED
        self.modes: list[Any] = []  # the innermost last
        self.skip: Any = None  # the function whose next call nobody takes over


thread = _Thread()


def _disabled_torch_function_impl(
    cls: Any, func: Any = None, types: Any = None, args: Any = (), kwargs: Any = None
) -> Any:
    """``__torch_function__ = torch._C._disabled_torch_function_impl``: such a class overrides nothing."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


class DisableTorchFunctionSubclass:
    """``with DisableTorchFunctionSubclass():`` classes take over nothing, modes still do."""

    _to = State.SUBCLASSES_DISABLED

    def __enter__(self) -> None:
        self._before = thread.state
        thread.state = max(self._to, thread.state)

    def __exit__(self, *exc: object) -> None:
        thread.state = self._before


class DisableTorchFunction(DisableTorchFunctionSubclass):
    """``with DisableTorchFunction():`` neither classes nor modes take over anything."""

    _to = State.ALL_DISABLED


class enabled:
    """``with enabled():`` listens again, inside of a handler."""

    def __enter__(self) -> None:
        self._before = thread.state
        thread.state = State.ENABLED

    def __exit__(self, *exc: object) -> None:
        thread.state = self._before


# --- who wants a call ------------------------------------------------------------------------

_SELDOM = (list, tuple)
# Whether a class takes calls over; all that were met
_OVERRIDES: dict[type, bool] = dict.fromkeys(
    [Tensor, int, float, bool, complex, str, type(None), Size, device, dtypes.dtype, slice,
     np.ndarray, type(Ellipsis)], False,
)  # fmt: skip


def overrides(cls: type) -> bool:
    """Whether instances of a class take over the functions they are given to."""
    found = _OVERRIDES.get(cls)
    if found is None:
        handler = getattr(cls, "__torch_function__", None)
        found = handler is not None and handler is not _disabled_torch_function_impl
        _OVERRIDES[cls] = found
    return found


def overloaded(candidates: Iterable[Any]) -> list[Any]:
    """One of each class that overrides, subclasses before the classes they come from."""
    if thread.state != State.ENABLED:
        return []
    found: list[Any] = []
    for x in candidates:
        cls = type(x)
        if not overrides(cls) or any(type(f) is cls for f in found):
            continue
        places = (i for i, f in enumerate(found) if issubclass(cls, type(f)))
        found.insert(next(places, len(found)), x)
    return found


def listening() -> bool:
    """A mode is on, and not switched off."""
    return bool(thread.modes) and thread.state != State.ALL_DISABLED


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether one of the arguments, or a mode, takes calls over."""
    return listening() or bool(overloaded(relevant_args))


def has_torch_function_unary(a: Any) -> bool:
    return has_torch_function((a,))


def has_torch_function_variadic(*args: Any) -> bool:
    return has_torch_function(args)


def _all(args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
    """The arguments and the members of lists among them."""
    found: list[Any] = []
    for x in (*args, *kwargs.values()):
        if isinstance(x, _SELDOM) and type(x) is not Size:
            found.extend(x)
        else:
            found.append(x)
    return found


def ask(
    public: Callable[..., Any], wanting: Sequence[Any], types: tuple[type, ...], args: Any, kwargs: Any
) -> Any:
    """What the innermost mode, then each object's class, makes of a call; NotImplemented if nothing."""
    if listening():
        mode = thread.modes.pop()
        try:
            found = mode.__torch_function__(public, types, args, kwargs)
        finally:
            thread.modes.append(mode)
        if found is not NotImplemented:
            return found
    for x in wanting:
        found = x.__torch_function__(public, types, args, kwargs)
        if found is not NotImplemented:
            return found
    return NotImplemented


# --- arming ------------------------------------------------------------------------------------


class Route:
    """What an armed function does instead of its own code."""

    __slots__ = ("asks", "is_operator", "name", "none", "original", "public")

    def __init__(
        self, fn: FunctionType, public: Any, name: str, *, none: bool, operator: bool, asks: bool
    ) -> None:
        self.asks = asks  # the arguments' classes; modes are asked always
        self.original = _copy(fn)
        self.public = public
        self.name = name
        self.none = none  # PyTorch gives None for no keyword arguments where it parses them in C++
        self.is_operator = operator

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not thread.modes:
            for x in args:
                if _OVERRIDES.get(type(x), True):
                    break
            else:
                for x in kwargs.values():
                    if _OVERRIDES.get(type(x), True):
                        break
                else:
                    return self.original(*args, **kwargs)
        return self._asked(args, kwargs)

    def _asked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if thread.skip is not None and thread.skip is self.public:
            thread.skip = None
            return self.original(*args, **kwargs)
        wanting = overloaded(_all(args, kwargs)) if self.asks else []
        if not wanting and not listening():
            return self.original(*args, **kwargs)
        types = tuple([type(x) for x in wanting])
        try:
            found = ask(self.public, wanting, types, args, kwargs or (None if self.none else {}))
        except TypeError:
            if self.is_operator:  # Python tries the other operand's
                return NotImplemented
            raise
        if found is not NotImplemented or self.is_operator:
            return found
        raise TypeError(_refusal(self.name, wanting))


def _refusal(name: str, wanting: Sequence[Any]) -> str:
    lines = [f"  - tensor subclass {type(x)}" for x in wanting]
    if listening():
        lines.insert(0, f"  - mode object {thread.modes[-1]!r}")
    return (
        f"Multiple dispatch failed for '{name}'; all __torch_function__ handlers returned "
        "NotImplemented:\n\n" + "\n".join(lines) + "\n\nFor more information, try re-running with "
        "TORCH_LOGS=not_implemented"
    )


def _asking(*args: Any, **kwargs: Any) -> Any:
    route: Any = "route"
    return route(args, kwargs)


_ROUTES: dict[FunctionType, Route] = {}


def armed() -> Iterable[Any]:
    """Every function that asks, as a set."""
    return _ROUTES.keys()


def _copy(fn: FunctionType) -> FunctionType:
    made = FunctionType(fn.__code__, fn.__globals__, fn.__name__, fn.__defaults__, fn.__closure__)
    made.__kwdefaults__ = fn.__kwdefaults__
    made.__qualname__, made.__module__, made.__doc__ = fn.__qualname__, fn.__module__, fn.__doc__
    made.__annotations__ = fn.__annotations__
    return made


def _arm(
    fn: Any, public: Any, name: str, *, none: bool = True, operator: bool = False, asks: bool = True
) -> None:
    if not isinstance(fn, FunctionType) or fn in _ROUTES:
        return
    route = _ROUTES[fn] = Route(fn, public, name, none=none, operator=operator, asks=asks)
    code = _asking.__code__
    fn.__code__ = code.replace(
        co_consts=tuple([route if c == "route" else c for c in code.co_consts]),
        co_freevars=fn.__code__.co_freevars,  # a function can't change how many variables it encloses
        co_name=fn.__code__.co_name,
        co_qualname=fn.__code__.co_qualname,
    )
    fn.__defaults__ = fn.__kwdefaults__ = None
    fn.__wrapped__ = route.original  # type: ignore[attr-defined]


# Members of Tensor that nobody can take over, as in PyTorch
IGNORED = frozenset(
    """__new__ __init__ __delitem__ __dir__ __getattribute__ __getattr__ __iter__ __init_subclass__
    __delattr__ __setattr__ __torch_function__ __torch_dispatch__ __class__ __subclasshook__
    __hash__ __array_priority__ as_subclass eig lstsq reinforce new new_tensor solve symeig
    __jax_array__ __index__ __module__ __dict__ __weakref__ __doc__ __qualname__ __cuda_array_interface__
    """.split()
)
# The method that PyTorch names for an operator, where it is not the operator's own name
OPERATORS = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add_", "__sub__": "sub", "__isub__": "sub_",
    "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul_", "__truediv__": "div", "__itruediv__": "div_",
    "__mod__": "remainder", "__matmul__": "matmul", "__neg__": "neg", "__pos__": "positive", "__abs__": "abs",
    "__rand__": "bitwise_and", "__ror__": "bitwise_or", "__rxor__": "bitwise_xor", "__div__": "div",
    "__lt__": "lt", "__gt__": "gt", "__le__": "le", "__ge__": "ge",
}  # fmt: skip
_NAMED = {"__rtruediv__": "__rdiv__", "__pow__": "pow", "__ipow__": "pow_"}
_PARSED = frozenset(  # members with underscores that PyTorch parses in C++
    (*OPERATORS, *"__eq__ __ne__ __and__ __or__ __xor__ __invert__ __getitem__ __setitem__ __bool__ __float__ "
     "__int__ __complex__".split())
)  # fmt: skip
# ... whose refusal lets Python try the other operand
_RETRIED = frozenset(
    f"__{prefix}{name}__"
    for prefix in ("", "r", "i")
    for name in ("add sub mul truediv div floordiv mod pow matmul and or xor lshift rshift lt le gt "
                 "ge eq ne").split()
)  # fmt: skip
_OUTSIDE = {"torch": "torch", "functional": "torch.nn.functional"}
_MODULES: list[tuple[dict[str, Any], str]] = []  # of Python code that calls the others, as nn.functional has
_armed = False


def arm() -> None:
    """From now on every public function asks who wants the call."""
    global _armed
    if _armed:
        return
    _armed = True
    methods = dict(Tensor.__dict__)
    for name, member in methods.items():
        if name in IGNORED or (name.startswith("_") and not name.startswith("__")):
            continue
        if isinstance(member, property):
            _arm(member.fget, member.__get__, f"torch.Tensor.{name}.__get__")
            _arm(member.fset, member.__set__, f"torch.Tensor.{name}.__set__")
            _arm(member.fdel, member.__delete__, f"torch.Tensor.{name}.__delete__")
            continue
        public = OPERATORS.get(name, name)
        if isinstance(member, FunctionType) and member.__name__ not in methods:
            member.__name__ = _NAMED.get(name, name)
        _arm(
            member, methods.get(public, member), f"torch.Tensor.{public}",
            none=name in _PARSED or not name.startswith("__"), operator=name in _RETRIED,
        )  # fmt: skip
    for space, functions in SPACES.items():
        for name, fn in functions.items():
            dotted = f"{_OUTSIDE.get(space, f'torch.{space}')}.{name}"
            _arm(fn, fn, dotted, none=space != "functional")
    for key, fn in BOUND.items():
        _arm(fn, fn, f"torch.{key}")
    for name in ("tensor", "as_tensor", "asarray", "scalar_tensor"):
        _arm(getattr(build, name), getattr(build, name), f"torch.{name}", asks=False)
    for name in ("is_complex", "is_floating_point", "is_inference", "is_nonzero", "is_same_size",
                 "is_signed", "numel", "promote_types", "result_type", "detach"):  # fmt: skip
        _arm(getattr(toplevel, name), getattr(toplevel, name), f"torch.{name}")
    for scope, public in _MODULES:
        _arm_module(scope, public)


def _arm_module(scope: dict[str, Any], public: str) -> None:
    package = scope["__name__"].rpartition(".")[0]
    for name, fn in list(scope.items()):
        if isinstance(fn, FunctionType) and name[0] != "_" and fn.__module__.startswith(package):
            _arm(fn, fn, f"{public}.{name}", none=False)


def takes_part(scope: dict[str, Any], public: str) -> None:
    """``takes_part(globals(), "torch.nn.functional")``: a module's functions can be taken over, too."""
    _MODULES.append((scope, public))
    if _armed:
        _arm_module(scope, public)


def _subclassed(cls: type) -> None:
    """A tensor of a class of the program's own comes into being.

    Raises:
        NotImplementedError: it wants the calls below the public functions.
    """
    if cls._is_param or not overrides(cls):  # type: ignore[attr-defined]
        return
    if getattr(cls, "__torch_dispatch__", None) is not Tensor.__torch_dispatch__:  # type: ignore[attr-defined]
        raise missing(
            f"__torch_dispatch__ (of {cls.__name__})",
            "define __torch_function__, which sees the public functions",
        )
    arm()


def _wanted(objects: Iterable[Any]) -> bool:
    """An op failed: was it because nobody had asked these objects yet?"""
    if _armed or not any(overrides(type(x)) for x in objects):
        return False
    arm()
    return True


# --- what a tensor's class says --------------------------------------------------------------------


def as_subclass(self: Tensor, cls: type) -> Any:
    """The same contents and history, as a tensor of class ``cls``.

    Raises:
        TypeError: not a class of tensors.
    """
    if not isinstance(cls, TensorMeta):
        raise TypeError(
            "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible. "
            "Make sure your class inherits from Tensor."
        )
    with DisableTorchFunction():
        made = BOUND["alias"](self)
    new = object.__new__(cls)
    new.__dict__.update(made.__dict__)
    SUBCLASSES[0](cls)
    return new


def _make_subclass(cls: type, data: Tensor, require_grad: bool = False, **kwargs: Any) -> Any:
    """A new leaf of class ``cls`` on ``data``'s contents."""
    if kwargs:
        raise missing(f"Tensor._make_subclass({', '.join(kwargs)})", "make it of a plain tensor")
    with DisableTorchFunction():
        return as_subclass(data.detach(), cls).requires_grad_(require_grad)


def _make_wrapper_subclass(cls: type, *args: Any, **kwargs: Any) -> Any:
    raise missing(
        "Tensor._make_wrapper_subclass",
        "keep the inner tensor as an attribute of a class that defines __torch_function__",
    )


def converted(found: Any, cls: type) -> Any:
    """A result, and what is in its lists, as tensors of class ``cls``."""
    if cls is Tensor:
        return found
    if isinstance(found, Tensor):
        return found if isinstance(found, cls) else as_subclass(found, cls)
    if isinstance(found, (tuple, list)):
        members = [converted(x, cls) for x in found]
        return type(found)(*members) if hasattr(found, "_fields") else type(found)(members)
    return found


def _torch_function(
    cls: type, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
) -> Any:
    """Runs ``func`` and gives its tensors the class ``cls``; NotImplemented for classes not above it."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    with DisableTorchFunctionSubclass():
        found = func(*args, **(kwargs or {}))
    return found if func in nowrap_functions() else converted(found, cls)


def nowrap_functions() -> set[Any]:
    """Functions whose results are not converted, since they are tensors that exist already."""
    return {Tensor.grad.__get__}  # type: ignore[attr-defined]


def _disabled_torch_dispatch_impl(*args: Any, **kwargs: Any) -> Any:
    return NotImplemented


def install() -> None:
    """Puts the protocol's members on Tensor. Called once."""
    SUBCLASSES[0] = _subclassed
    SUBCLASSES[1] = _wanted
    Tensor.__torch_function__ = classmethod(_torch_function)  # type: ignore[attr-defined]
    Tensor.__torch_dispatch__ = _disabled_torch_dispatch_impl  # type: ignore[attr-defined]
    Tensor.as_subclass = as_subclass  # type: ignore[attr-defined]
    Tensor._make_subclass = staticmethod(_make_subclass)  # type: ignore[attr-defined]
    Tensor._make_wrapper_subclass = staticmethod(_make_wrapper_subclass)  # type: ignore[attr-defined]
