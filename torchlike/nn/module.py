"""``nn.Module``: an object that owns parameters, buffers and other modules."""

from __future__ import annotations

import importlib
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from ..api import torch as T
from ..core import modes
from ..core.dtypes import BY_NAME, dtype as torch_dtype
from ..core.tensor import Tensor
from ..core.toplevel import typename
from . import pytree
from .conversion import parsed_to
from .hooks import EVERYWHERE, HookedCall
from .parameter import Buffer, Parameter
from .state_dict import StateDict
from .traversal import Traversal

_STORES = ("_parameters", "_buffers", "_modules")
_HOOKS = (
    "_backward_pre_hooks", "_backward_hooks", "_is_full_backward_hook", "_forward_hooks",
    "_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs", "_state_dict_hooks", "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
)  # fmt: skip
_COMPLEX = (
    "Complex modules are a new feature under active development whose design may change, and some "
    "modules might not work as expected when using complex tensors as parameters or buffers. "
    "Please "
    "file an issue at https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a "
    "complex module does not work as expected."
)


def _fresh_hooks(name: str) -> Any:
    return None if name == "_is_full_backward_hook" else OrderedDict()


def _forward_unimplemented(self: Any, *input: Any) -> None:
    """Says what to compute; every module class writes its own.

    Raises:
        NotImplementedError: the class has no ``forward``.
    """
    raise NotImplementedError(
        f'Module [{type(self).__name__}] is missing the required "forward" function'
    )


class Module(HookedCall, StateDict, Traversal):
    """Base class of all neural network modules; also a JAX pytree.

    Assigning a Parameter, a Buffer or a Module to an attribute registers it.
    """

    dump_patches: bool = False
    T_destination = TypeVar("T_destination", bound=dict[str, Any])
    _version: int = 1
    training: bool
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    call_super_init: bool = False
    _compiled_call_impl: Callable[..., Any] | None = None
    forward: Callable[..., Any] = _forward_unimplemented

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        pytree.register(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.call_super_init is False and kwargs:
            raise TypeError(
                f"{type(self).__name__}.__init__() got an unexpected keyword argument "
                f"'{next(iter(kwargs))}'"
            )
        if self.call_super_init is False and args:
            raise TypeError(
                f"{type(self).__name__}.__init__() takes 1 positional argument but "
                f"{len(args) + 1} were given"
            )
        own = self.__dict__
        own["training"] = True
        own["_parameters"] = {}
        own["_buffers"] = {}
        own["_non_persistent_buffers_set"] = set()
        for name in _HOOKS:
            own[name] = _fresh_hooks(name)
        own["_modules"] = {}
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    # Registration

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that is state but no parameter; not persistent: left out of state_dict."""
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' "
                "(torch Tensor or None required)"
            )
        for hook in EVERYWHERE.buffer.values():
            changed = hook(self, name, tensor)
            tensor = tensor if changed is None else changed
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter; ``None`` reserves the name.

        Raises:
            KeyError: the name is taken, empty or dotted.
            TypeError: not a Parameter.
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, "_parameters")
        if param is None:
            self._parameters[name] = None
            return
        if not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param.grad_fn:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be "
                f"created explicitly. To express '{name}' as a function of another Tensor, compute "
                "the value in the forward() method."
            )
        for hook in EVERYWHERE.parameter.values():
            changed = hook(self, name, param)
            param = param if changed is None else changed
        self._parameters[name] = param

    def add_module(self, name: str, module: Any) -> None:
        """Adds a child module; ``None`` reserves the name."""
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name("module", name, "_modules")
        for hook in EVERYWHERE.module.values():
            changed = hook(self, name, module)
            module = module if changed is None else changed
        self._modules[name] = module

    def register_module(self, name: str, module: Any) -> None:
        """Another name of ``add_module``."""
        self.add_module(name, module)

    def _check_name(self, kind: str, name: Any, store: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if kind == "module":
            # PyTorch checks these three in another order for modules
            self._check_free(name, store)
        if "." in name:
            dotted = f", got: {name}" if kind == "module" else ""
            raise KeyError(f'{kind} name can\'t contain "."{dotted}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if kind != "module":
            self._check_free(name, store)

    def _check_free(self, name: str, store: str) -> None:
        if hasattr(self, name) and name not in self.__dict__[store]:
            raise KeyError(f"attribute '{name}' already exists")

    # Attributes

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        # Unrolled: this is on the way of every weight
        if "_parameters" in own and name in own["_parameters"]:
            return own["_parameters"][name]
        if "_modules" in own and name in own["_modules"]:
            return own["_modules"][name]
        if "_buffers" in own and name in own["_buffers"]:
            return own["_buffers"][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        params = own.get("_parameters")
        if isinstance(value, Parameter):
            if params is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, own, own["_buffers"], own["_modules"])
            self.register_parameter(name, value)
        elif params is not None and name in params:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' "
                    "(torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, value)
        else:
            self._set_module_or_buffer(name, value)

    def _set_module_or_buffer(self, name: str, value: Any) -> None:
        own = self.__dict__
        modules = own.get("_modules")
        if isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, own, own["_parameters"], own["_buffers"])
            self._store(EVERYWHERE.module, modules, name, value)
        elif modules is not None and name in modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as child module '{name}' "
                    "(torch.nn.Module or None expected)"
                )
            self._store(EVERYWHERE.module, modules, name, value)
        else:
            self._set_buffer(name, value)

    def _set_buffer(self, name: str, value: Any) -> None:
        own = self.__dict__
        buffers = own.get("_buffers")
        if not (isinstance(value, Buffer) or (buffers is not None and name in buffers)):
            super().__setattr__(name, value)
            return
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(
                f"cannot assign '{typename(value)}' as buffer '{name}' "
                "(torch.nn.Buffer, torch.Tensor or None expected)"
            )
        if buffers is None:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        if isinstance(value, Buffer):
            persistent = value.persistent
        else:
            persistent = name not in self._non_persistent_buffers_set
        self.register_buffer(name, value, persistent)

    def _store(self, hooks: Any, store: Any, name: str, value: Any) -> None:
        for hook in hooks.values():
            changed = hook(self, name, value)
            value = value if changed is None else changed
        store[name] = value

    def _forget(self, name: str, *stores: Any) -> None:
        for store in stores:
            store.pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def __delattr__(self, name: str) -> None:
        for store in _STORES:
            if name in self.__dict__[store]:
                del self.__dict__[store][name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = [*dir(self.__class__), *self.__dict__]
        for store in _STORES:
            names.extend(self.__dict__[store])
        return sorted(name for name in names if not name[0].isdigit())

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_compiled_call_impl", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name in _HOOKS:
            if name not in self.__dict__:
                self.__dict__[name] = _fresh_hooks(name)
        self.__dict__.setdefault("_non_persistent_buffers_set", set())

    # Changing all tensors

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        if recurse:
            for module in self.children():
                module._apply(fn)
        for param in self._parameters.values():
            if param is None:
                continue
            with modes.no_grad():
                param.data = fn(param)
            if param.grad is not None:
                with modes.no_grad():
                    grad = fn(param.grad)
                param.grad = grad.requires_grad_(param.grad.requires_grad)
        for key, buf in self._buffers.items():
            if buf is not None:
                self._buffers[key] = fn(buf)
        return self

    def apply(self, fn: Callable[[Any], None]) -> Any:
        """Calls ``fn`` on every submodule, children first, then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply_to_floating(self, wanted: torch_dtype) -> Any:
        return self._apply(lambda t: t.to(wanted) if t.is_floating_point() else t)

    def float(self) -> Any:
        """Casts floating-point parameters and buffers to float32, in place."""
        return self._apply_to_floating(BY_NAME["float32"])

    def double(self) -> Any:
        """Casts floating-point parameters and buffers to float64, in place."""
        return self._apply_to_floating(BY_NAME["float64"])

    def half(self) -> Any:
        """Casts floating-point parameters and buffers to float16, in place."""
        return self._apply_to_floating(BY_NAME["float16"])

    def bfloat16(self) -> Any:
        """Casts floating-point parameters and buffers to bfloat16, in place."""
        return self._apply_to_floating(BY_NAME["bfloat16"])

    def type(self, dst_type: Any) -> Any:
        """Casts all parameters and buffers."""
        return self._apply(lambda t: t.type(dst_type))

    def cuda(self, device: Any = None) -> Any:
        """Moves everything to the accelerator."""
        return self._apply(lambda t: t.cuda(device))

    def xpu(self, device: Any = None) -> Any:
        """Moves everything to an XPU; there is none here, which the error says."""
        return self._apply(lambda t: t.to(_indexed("xpu", device)))

    def ipu(self, device: Any = None) -> Any:
        """Moves everything to an IPU; there is none here, which the error says."""
        return self._apply(lambda t: t.to(_indexed("ipu", device)))

    def mtia(self, device: Any = None) -> Any:
        """Moves everything to an MTIA device; there is none here, which the error says."""
        return self._apply(lambda t: t.to(_indexed("mtia", device)))

    def cpu(self) -> Any:
        """Moves everything to the CPU."""
        return self._apply(lambda t: t.cpu())

    def to_empty(self, *, device: Any, recurse: bool = True) -> Any:
        """Moves to a device without copying the values."""
        return self._apply(lambda t: T.empty_like(t, device=device), recurse=recurse)

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """``to(device, dtype, non_blocking)``, ``to(dtype)``, ``to(tensor)``, in place.

        Raises:
            TypeError: the dtype is neither floating point nor complex.
        """
        device, dtype, non_blocking = parsed_to(*args, **kwargs)
        if dtype is not None:
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError(
                    "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                    f"dtype={dtype}"
                )
            if dtype.is_complex:
                warnings.warn(_COMPLEX, stacklevel=2)

        def convert(t: Tensor) -> Tensor:
            wanted = dtype if t.is_floating_point() or t.is_complex() else None
            return t.to(device=device, dtype=wanted, non_blocking=non_blocking)

        return self._apply(convert)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Sets ``requires_grad`` of all parameters."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients, or fills them with zeros."""
        for p in self.parameters():
            if p.grad is None:
                continue
            if set_to_none:
                p.grad = None
                continue
            if p.grad.grad_fn is not None:
                p.grad.detach_()
            else:
                p.grad.requires_grad_(False)
            p.grad.zero_()

    def share_memory(self) -> Any:
        """Moves the tensors into memory that processes share."""
        return self._apply(lambda t: t.share_memory_())

    def train(self, mode: bool = True) -> Any:
        """Training mode on or off, for this module and all below."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Any:
        """Evaluation mode: ``train(False)``."""
        return self.train(False)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compiles this module's call in place; arguments as ``torch.compile``'s."""
        # By name: it is a level above this one
        compiler = importlib.import_module("..compiler", __package__)
        self._compiled_call_impl = compiler.compile(self._call_impl, *args, **kwargs)

    # Printing

    def _get_name(self) -> str:
        return self.__class__.__name__

    def extra_repr(self) -> str:
        """What to print in the parentheses; override it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        child_lines = [
            f"({key}): {_addindent(repr(module), 2)}" for key, module in self._modules.items()
        ]
        lines = extra_lines + child_lines
        if len(extra_lines) == 1 and not child_lines:
            return f"{self._get_name()}({extra_lines[0]})"
        if not lines:
            return f"{self._get_name()}()"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"

    def _replicate_for_data_parallel(self) -> Any:
        replica = self.__new__(type(self))
        replica.__dict__ = self.__dict__.copy()
        replica.__dict__.update(
            _parameters={}, _buffers=self._buffers.copy(), _modules=self._modules.copy()
        )
        replica.__dict__["_is_replica"] = True
        return replica


pytree.register(Module)


def _addindent(s_: str, numSpaces: int) -> str:
    return s_.replace("\n", "\n" + " " * numSpaces)


def _indexed(kind: str, device: Any) -> str:
    return f"{kind}:{device}" if isinstance(device, int) else kind
