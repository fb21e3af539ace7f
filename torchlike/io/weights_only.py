"""The unpickler behind ``weights_only=True``: it calls nothing but what is on a list.

It understands the opcodes that ``torch.save`` writes, and no others.
"""

from __future__ import annotations

import pickle
import warnings
from _codecs import encode
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import Counter, OrderedDict
from collections.abc import Callable
from struct import unpack
from typing import Any

from ..core.device import device as Device
from ..core.dtypes import DTYPES
from ..core.shapes import Size
from ..core.tensor import Tensor
from ..nn.parameter import Parameter
from . import rebuild
from .names import torch_name
from .storage import STORAGE_DTYPES, StorageType

UnpicklingError = pickle.UnpicklingError
BLOCKED = ("sys", "os", "posix", "nt")
_ALLOWED_BY_USER: set[Any] = set()
_BUILTINS: dict[str, Any] = {}


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Allows classes and functions, or (object, dotted name) pairs, in ``weights_only`` loads."""
    _ALLOWED_BY_USER.update(safe_globals)


def get_safe_globals() -> list[Any]:
    """What the user allowed."""
    return list(_ALLOWED_BY_USER)


def clear_safe_globals() -> None:
    """Forgets what the user allowed."""
    _ALLOWED_BY_USER.clear()


class safe_globals:
    """Allows globals inside a ``with`` block."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exc: object) -> None:
        _ALLOWED_BY_USER.difference_update(self.safe_globals)


def allowed_by_user() -> dict[str, Any]:
    """Dotted name -> object.

    Raises:
        ValueError, TypeError: a malformed pair was added.
    """
    found: dict[str, Any] = {}
    for f in _ALLOWED_BY_USER:
        if not isinstance(f, tuple):
            module, name = f.__module__, f.__qualname__
            found[f"{module}.{name}"] = f
            found[".".join(torch_name(module, name) or (module, name))] = f
            continue
        if len(f) != 2:
            raise ValueError(
                "Expected tuple of length 2 (global, str of callable full path), but got tuple of "
                f"length: {len(f)}"
            )
        if type(f[1]) is not str:
            raise TypeError(
                "Expected second item in tuple to be str of callable full path, but got: "
                f"{type(f[1])}"
            )
        found[f[1]] = f[0]
    return found


def allowed_by_default() -> dict[str, Any]:
    """What a checkpoint of tensors needs, by PyTorch's names."""
    if _BUILTINS:
        return _BUILTINS
    from .serialization import _get_layout

    found: dict[str, Any] = {
        "collections.OrderedDict": OrderedDict, "collections.Counter": Counter,
        "torch.nn.parameter.Parameter": Parameter, "torch.serialization._get_layout": _get_layout,
        "torch.Size": Size, "torch.Tensor": Tensor, "torch.device": Device,
        "_codecs.encode": encode, "builtins.bytearray": bytearray, "builtins.set": set,
        "builtins.complex": complex,
        "torch._tensor._rebuild_from_type_v2": rebuild._rebuild_from_type_v2,
    }  # fmt: skip
    found.update({repr(d): d for d in DTYPES})
    for name in STORAGE_DTYPES:
        found[f"torch.{name}"] = StorageType(name)
    found["torch.storage.UntypedStorage"] = StorageType("UntypedStorage")
    found.update({f"torch._utils.{f.__name__}": f for f in rebuild.REBUILDERS})
    _BUILTINS.update(found)
    return _BUILTINS


def _is_allowed(x: Any) -> bool:
    groups = (allowed_by_default(), allowed_by_user())
    return any(x is a for group in groups for a in group.values())


class Unpickler:
    """Runs a pickle of tensors and plain containers; everything else is refused."""

    def __init__(self, file: Any, *, encoding: str = "bytes", **options: Any) -> None:
        self.encoding = encoding
        self.read: Callable[[int], bytes] = file.read
        self.readline: Callable[[], bytes] = file.readline
        self.memo: dict[int, Any] = {}
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []

    def load(self) -> Any:
        """The object; an UnpicklingError names what was refused."""
        handlers = _HANDLERS
        while True:
            key = self.read(1)
            if not key:
                raise EOFError
            if key == pickle.STOP:
                return self.stack.pop()
            handler = handlers.get(key)
            if handler is None:
                raise UnpicklingError(f"Unsupported operand {key[0]}")
            handler(self)

    def persistent_load(self, pid: Any) -> Any:
        raise UnpicklingError("unsupported persistent id encountered")

    def _bytes(self, n: int) -> bytes:
        data = self.read(n)
        if len(data) != n:
            raise EOFError
        return data

    def _pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items

    # ---- what could do harm

    def _global(self) -> None:
        path = ".".join(read_global(self.readline))
        module = path.rpartition(".")[0]
        if module in BLOCKED:
            raise UnpicklingError(
                f"Trying to load unsupported GLOBAL {path} whose module {module} is blocked."
            )
        for group in (allowed_by_default(), allowed_by_user()):
            if path in group:
                self.stack.append(group[path])
                return
        short = path.removeprefix("builtins.")
        raise UnpicklingError(
            f"Unsupported global: GLOBAL {short} was not an allowed global by default. "
            f"Please use `torch.serialization.add_safe_globals([{short}])` or the "
            f"`torch.serialization.safe_globals([{short}])` context manager to allowlist this "
            f"global "
            "if you trust this class/function."
        )

    def _newobj(self) -> None:
        args, cls = self.stack.pop(), self.stack.pop()
        if cls is Parameter:
            self.stack.append(Parameter(*args))
        elif _is_allowed(cls):
            self.stack.append(cls.__new__(cls, *args))
        else:
            raise UnpicklingError(
                "Can only create new object for nn.Parameter or classes allowlisted "
                f"via `add_safe_globals` but got {cls}"
            )

    def _reduce(self) -> None:
        args, func = self.stack.pop(), self.stack[-1]
        if not _is_allowed(func):
            text = f"Trying to call reduce for unrecognized function {func}"
            if hasattr(func, "__self__"):
                text += f" which belongs to {func.__self__}"
            raise UnpicklingError(text)
        self.stack[-1] = func(*args)

    def _build(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if type(made) is OrderedDict:
            made.__dict__.update(state)
        elif type(made) is Tensor:
            raise UnpicklingError("Tensors of PyTorch before 0.4 are not supported by torchlike")
        elif type(made) is Parameter or _is_allowed(type(made)):
            if hasattr(made, "__setstate__"):
                made.__setstate__(state)
                return
            slots = None
            if isinstance(state, tuple) and len(state) == 2:
                state, slots = state
            if state:
                made.__dict__.update(state)
            for name, value in (slots or {}).items():
                setattr(made, name, value)
        else:
            raise UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted "
                f"via `add_safe_globals`, but got {type(made)}"
            )

    def _binpersid(self) -> None:
        pid = self.stack.pop()
        if type(pid) is not tuple and type(pid) is not int:
            raise UnpicklingError(
                f"persistent_load id must be tuple or int, but got {type(pid)}"
            )
        if type(pid) is tuple and len(pid) > 0:
            kind = pid[0].decode("ascii") if isinstance(pid[0], bytes) else pid[0]
            if kind != "storage":
                raise UnpicklingError(
                    f"Only persistent_load of storage is allowed, but got {type(pid[0])}"
                )
        self.stack.append(self.persistent_load(pid))

    # ---- containers

    def _append(self) -> None:
        item = self.stack.pop()
        self._extend([item], "append to")

    def _appends(self) -> None:
        self._extend(self._pop_mark(), "extend")

    def _extend(self, items: list[Any], how: str) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise UnpicklingError(f"Can only {how} lists, but got {type(target)}")
        target.extend(items)

    def _setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._target("SETITEM")[key] = value

    def _setitems(self) -> None:
        items = self._pop_mark()
        target = self._target("SETITEMS")
        for i in range(0, len(items), 2):
            target[items[i]] = items[i + 1]

    def _target(self, opcode: str) -> Any:
        target = self.stack[-1]
        if type(target) not in (dict, OrderedDict, Counter):
            raise UnpicklingError(
                f"Can only {opcode} for dict, collections.OrderedDict, "
                f"collections.Counter, but got {type(target)}"
            )
        return target

    def _mark(self) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def _tuple(self) -> None:
        items = tuple(self._pop_mark())
        self.stack.append(items)

    def _tuple_of(self, n: int) -> None:
        if len(self.stack) < n:
            raise UnpicklingError("unexpected MARK found")
        self.stack[-n:] = [tuple(self.stack[-n:])]

    # ---- values

    def _push(self, make: Callable[[], Any]) -> None:
        self.stack.append(make())

    def _number(self, form: str, n: int) -> None:
        self.stack.append(unpack(form, self._bytes(n))[0])

    def _text(self) -> None:
        length = unpack("<I", self._bytes(4))[0]
        self.stack.append(str(self._bytes(length), "utf-8", "surrogatepass"))

    def _short_bytes(self) -> None:
        data: Any = self._bytes(self._bytes(1)[0])
        if self.encoding != "bytes":
            data = data.decode(self.encoding, "strict")
        self.stack.append(data)

    def _long(self) -> None:
        self.stack.append(pickle.decode_long(self._bytes(self._bytes(1)[0])))

    def _get(self, n: int) -> None:
        # One byte even of LONG_BINGET's four would do for PyTorch; all four are the index here.
        index = int.from_bytes(self._bytes(n), "little")
        if index not in self.memo:
            raise UnpicklingError(f"Memo value not found at index {index}")
        self.stack.append(self.memo[index])

    def _put(self, n: int) -> None:
        self.memo[int.from_bytes(self._bytes(n), "little")] = self.stack[-1]

    def _proto(self) -> None:
        version = self._bytes(1)[0]
        if version != 2:
            warnings.warn(
                f"Detected pickle protocol {version} in the checkpoint, which was "
                "not the default pickle protocol used by `torch.load` (2). The weights_only "
                "Unpickler might not support all instructions implemented by this protocol, "
                "please file an issue for adding support if you encounter this.",
                stacklevel=2,
            )


_HANDLERS: dict[bytes, Callable[[Unpickler], None]] = {
    pickle.GLOBAL: Unpickler._global, pickle.NEWOBJ: Unpickler._newobj,
    pickle.REDUCE: Unpickler._reduce, pickle.BUILD: Unpickler._build,
    pickle.BINPERSID: Unpickler._binpersid, pickle.APPEND: Unpickler._append,
    pickle.APPENDS: Unpickler._appends, pickle.SETITEM: Unpickler._setitem,
    pickle.SETITEMS: Unpickler._setitems, pickle.MARK: Unpickler._mark,
    pickle.TUPLE: Unpickler._tuple, pickle.TUPLE1: lambda u: u._tuple_of(1),
    pickle.TUPLE2: lambda u: u._tuple_of(2), pickle.TUPLE3: lambda u: u._tuple_of(3),
    pickle.NONE: lambda u: u.stack.append(None), pickle.NEWFALSE: lambda u: u.stack.append(False),
    pickle.NEWTRUE: lambda u: u.stack.append(True), pickle.EMPTY_TUPLE: lambda u: u._push(tuple),
    pickle.EMPTY_LIST: lambda u: u._push(list), pickle.EMPTY_DICT: lambda u: u._push(dict),
    pickle.EMPTY_SET: lambda u: u._push(set), pickle.BININT: lambda u: u._number("<i", 4),
    pickle.BININT1: lambda u: u._number("<B", 1), pickle.BININT2: lambda u: u._number("<H", 2),
    pickle.BINFLOAT: lambda u: u._number(">d", 8), pickle.BINUNICODE: Unpickler._text,
    pickle.SHORT_BINSTRING: Unpickler._short_bytes, pickle.LONG1: Unpickler._long,
    pickle.BINGET: lambda u: u._get(1), pickle.LONG_BINGET: lambda u: u._get(4),
    pickle.BINPUT: lambda u: u._put(1), pickle.LONG_BINPUT: lambda u: u._put(4),
    pickle.PROTO: Unpickler._proto,
}  # fmt: skip


def read_global(readline: Callable[[], bytes]) -> tuple[str, str]:
    """Module and name, in Python 3's spelling."""
    module = readline()[:-1].decode("utf-8")
    name = readline()[:-1].decode("utf-8")
    if (module, name) in NAME_MAPPING:
        return NAME_MAPPING[(module, name)]
    return IMPORT_MAPPING.get(module, module), name


def globals_of(file: Any) -> set[str]:
    """The dotted names that a pickle refers to, found without running it."""
    names, recent = set(), []
    import pickletools

    for opcode, arg, _ in pickletools.genops(file):
        if opcode.name == "GLOBAL":
            module, name = str(arg).split(" ", 1)
            if (module, name) in NAME_MAPPING:
                module, name = NAME_MAPPING[(module, name)]
            names.add(f"{IMPORT_MAPPING.get(module, module)}.{name}")
        elif opcode.name == "STACK_GLOBAL" and len(recent) >= 2:
            names.add(".".join(recent[-2:]))
        if isinstance(arg, str):
            recent.append(arg)
    return names


def load(file: Any, *, encoding: str = "ASCII") -> Any:
    return Unpickler(file, encoding=encoding).load()
