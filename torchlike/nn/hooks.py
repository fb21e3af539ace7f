"""Hooks around a Module's call: registering them, global ones, and the call itself."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..core.tape import RemovableHandle
from ..core.tensor import Tensor


class GlobalHooks:
    """The hooks that every module runs, before its own."""

    def __init__(self) -> None:
        self.backward_pre: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.backward: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.is_full_backward: bool | None = None
        self.forward_pre: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.forward: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.forward_always_called: OrderedDict[int, bool] = OrderedDict()
        self.forward_with_kwargs: OrderedDict[int, bool] = OrderedDict()
        self.parameter: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.module: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.buffer: OrderedDict[int, Callable[..., Any]] = OrderedDict()

    def any_call(self) -> bool:
        return bool(self.backward_pre or self.backward or self.forward or self.forward_pre)


EVERYWHERE = GlobalHooks()
_NON_FULL = (
    "Using {} is deprecated and will be removed in future versions. This hook will be missing some "
    "{}. Please use register_full_backward_hook to get the documented behavior."
)


def _add(hooks: Any, hook: Any) -> RemovableHandle:
    return RemovableHandle(hooks, hook)


def register_module_buffer_registration_hook(hook: Callable[..., None]) -> RemovableHandle:
    """``hook(module, name, buffer) -> None or a replacement`` at each buffer registration,
    anywhere.
    """
    return _add(EVERYWHERE.buffer, hook)


def register_module_module_registration_hook(hook: Callable[..., None]) -> RemovableHandle:
    """``hook(module, name, submodule) -> None or a replacement`` at each submodule registration."""
    return _add(EVERYWHERE.module, hook)


def register_module_parameter_registration_hook(hook: Callable[..., None]) -> RemovableHandle:
    """``hook(module, name, param) -> None or a replacement`` at each parameter registration."""
    return _add(EVERYWHERE.parameter, hook)


def register_module_forward_pre_hook(hook: Callable[..., None]) -> RemovableHandle:
    """``hook(module, args) -> None or new args`` before every module's forward."""
    return _add(EVERYWHERE.forward_pre, hook)


def register_module_forward_hook(
    hook: Callable[..., None], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """``hook(module, args, output) -> None or a new output`` after every module's forward."""
    found = EVERYWHERE
    handle = RemovableHandle(
        found.forward, extra_dict=[found.forward_with_kwargs, found.forward_always_called]
    )
    found.forward[handle.id] = hook
    if with_kwargs:
        found.forward_with_kwargs[handle.id] = True
    if always_call:
        found.forward_always_called[handle.id] = True
    return handle


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Deprecated spelling of the global full backward hook, on the output's node alone."""
    if EVERYWHERE.is_full_backward is True:
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module "
            "hook. "
            "Please use only one of them."
        )
    EVERYWHERE.is_full_backward = False
    return _add(EVERYWHERE.backward, hook)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """``hook(module, grad_output) -> None or a new grad_output`` before every module's backward."""
    return _add(EVERYWHERE.backward_pre, hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """``hook(module, grad_input, grad_output) -> None or a new grad_input`` in every backward."""
    if EVERYWHERE.is_full_backward is False:
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module "
            "hook. "
            "Please use only one of them."
        )
    EVERYWHERE.is_full_backward = True
    return _add(EVERYWHERE.backward, hook)


class HookedCall:
    """The part of Module that registers hooks and calls ``forward`` between them."""

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """``hook(module, grad_output) -> None or a new grad_output`` before this module's
        backward.
        """
        handle = _add(self._backward_pre_hooks, hook)
        if prepend:
            self._backward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Deprecated: ``hook(module, grad_input, grad_output)`` on the last node of the forward."""
        self._claim_backward_kind(False)
        return _add(self._backward_hooks, hook)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """``hook(module, grad_input, grad_output) -> None or a new grad_input``.

        Raises:
            RuntimeError: the module has a hook of the deprecated kind.
        """
        self._claim_backward_kind(True)
        handle = _add(self._backward_hooks, hook)
        if prepend:
            self._backward_hooks.move_to_end(handle.id, last=False)
        return handle

    def _claim_backward_kind(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single "
                "Module. "
                "Please use only one of them."
            )
        self._is_full_backward_hook = full

    def _get_backward_hooks(self) -> tuple[list[Any], list[Any]]:
        full: list[Any] = []
        plain: list[Any] = []
        if EVERYWHERE.is_full_backward is not None:
            (full if EVERYWHERE.is_full_backward else plain).extend(EVERYWHERE.backward.values())
        (full if self._is_full_backward_hook else plain).extend(self._backward_hooks.values())
        return full, plain

    def _get_backward_pre_hooks(self) -> list[Any]:
        return [*EVERYWHERE.backward_pre.values(), *self._backward_pre_hooks.values()]

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """``hook(module, args) -> None or new args``; with_kwargs: ``hook(module, args,
        kwargs)``.
        """
        handle = RemovableHandle(
            self._forward_pre_hooks, extra_dict=self._forward_pre_hooks_with_kwargs
        )
        self._forward_pre_hooks[handle.id] = hook
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        if prepend:
            self._forward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """``hook(module, args, output) -> None or a new output``; also after an error if
        always_call.
        """
        handle = RemovableHandle(
            self._forward_hooks,
            extra_dict=[self._forward_hooks_with_kwargs, self._forward_hooks_always_called],
        )
        self._forward_hooks[handle.id] = hook
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        if prepend:
            self._forward_hooks.move_to_end(handle.id, last=False)
        return handle

    def _wrapped_call_impl(self, *args: Any, **kwargs: Any) -> Any:
        if self._compiled_call_impl is not None:
            return self._compiled_call_impl(*args, **kwargs)
        return self._call_impl(*args, **kwargs)

    __call__: Callable[..., Any] = _wrapped_call_impl

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        if not (
            self._backward_hooks
            or self._backward_pre_hooks
            or self._forward_hooks
            or self._forward_pre_hooks
            or EVERYWHERE.any_call()
        ):
            return self.forward(*args, **kwargs)
        called: set[int] = set()
        # One box, because an always-called hook sees the arguments as far as they got
        state = [args, kwargs, None]
        try:
            return self._call_hooked(state, called)
        except Exception:
            self._call_the_rest(state, called)
            raise

    def _call_hooked(self, state: list[Any], called: set[int]) -> Any:
        full, plain = self._get_backward_hooks()
        pre = self._get_backward_pre_hooks()
        self._run_pre_hooks(state)
        boundary = None
        if full or pre:
            # Here, because only modules with such hooks need autograd.Function
            from .backward_hook import BackwardHook

            boundary = BackwardHook(self, full, pre)
            state[0] = boundary.setup_input_hook(state[0])
        state[2] = self.forward(*state[0], **state[1])
        always = (*self._forward_hooks_always_called, *EVERYWHERE.forward_always_called)
        for key, hook in (*EVERYWHERE.forward.items(), *self._forward_hooks.items()):
            if key in always:
                called.add(key)
            changed = self._call_forward_hook(key, hook, state)
            if changed is not None:
                state[2] = changed
        if boundary is not None:
            if not isinstance(state[2], Tensor | tuple):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple "
                    f"of Tensors but received {type(state[2])}",
                    stacklevel=2,
                )
            state[2] = boundary.setup_output_hook(state[2])
        if plain:
            self._attach_plain(plain, state[0], state[2])
        return state[2]

    def _run_pre_hooks(self, state: list[Any]) -> None:
        for key, hook in (*EVERYWHERE.forward_pre.items(), *self._forward_pre_hooks.items()):
            if key in self._forward_pre_hooks_with_kwargs:
                changed = hook(self, state[0], state[1])
                if changed is None:
                    continue
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple "
                        f"of (new_args, new_kwargs), but got {changed}."
                    )
                state[0], state[1] = changed
            else:
                changed = hook(self, state[0])
                if changed is not None:
                    state[0] = changed if isinstance(changed, tuple) else (changed,)

    def _call_forward_hook(self, key: int, hook: Any, state: list[Any]) -> Any:
        if key in self._forward_hooks_with_kwargs or key in EVERYWHERE.forward_with_kwargs:
            return hook(self, state[0], state[1], state[2])
        return hook(self, state[0], state[2])

    def _call_the_rest(self, state: list[Any], called: set[int]) -> None:
        for where, always, kind in (
            (EVERYWHERE.forward, EVERYWHERE.forward_always_called, "global module"),
            (self._forward_hooks, self._forward_hooks_always_called, "module"),
        ):
            for key, hook in where.items():
                if key not in always or key in called:
                    continue
                try:
                    changed = self._call_forward_hook(key, hook, state)
                    if changed is not None:
                        state[2] = changed
                except Exception as error:
                    warnings.warn(
                        f"{kind} forward hook with ``always_call=True`` raised an exception "
                        "that was silenced as another error was raised in forward: " + str(error),
                        stacklevel=2,
                    )

    def _attach_plain(self, hooks: list[Any], inputs: Any, result: Any) -> None:
        first = result
        while not isinstance(first, Tensor):
            first = next(iter(first.values() if isinstance(first, dict) else first))
        node = first.grad_fn
        if node is None:
            return
        for hook in hooks:
            node.register_hook(functools.partial(hook, self))
        self._maybe_warn_non_full_backward_hook(inputs, result, node)

    def _maybe_warn_non_full_backward_hook(self, inputs: Any, result: Any, grad_fn: Any) -> None:
        what = _unseen_by_non_full(inputs, result, grad_fn)
        if what is not None:
            warnings.warn(_NON_FULL.format(*what), FutureWarning, stacklevel=2)


def _are_tensors(values: Any) -> bool:
    return isinstance(values, tuple) and all(isinstance(v, Tensor) for v in values)


def _unseen_by_non_full(inputs: Any, result: Any, grad_fn: Any) -> tuple[str, str] | None:
    """Which gradients a hook on ``grad_fn`` alone does not see, if any."""
    results = (result,) if isinstance(result, Tensor) else result
    given = (inputs,) if isinstance(inputs, Tensor) else inputs
    on = (
        "non-full backward hooks on a Module that does not {} a single Tensor or a tuple of Tensors"
    )
    if not _are_tensors(results):
        return on.format("return"), "of the grad_output"
    if not _are_tensors(given):
        return on.format("take as input"), "of the grad_input"
    out_nodes = {r.grad_fn for r in results if r.grad_fn is not None}
    if out_nodes != {grad_fn}:
        return (
            "a non-full backward hook when outputs are generated by different autograd Nodes",
            "grad_output",
        )
    in_nodes = {i.grad_fn for i in given if i.grad_fn is not None}
    if in_nodes != {n[0] for n in grad_fn.next_functions}:
        return (
            "a non-full backward hook when the forward contains multiple autograd Nodes",
            "grad_input",
        )
    return None
