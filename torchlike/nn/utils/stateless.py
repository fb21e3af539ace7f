"""Calling a module with other parameters than its own."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from ...core.tensor import Tensor
from ...core.toplevel import typename
from ..module import Module

__all__ = ["functional_call"]


def _untie_named_tensors_map(module: Module, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """The given tensors under every name that shares their tensor in the module.

    Raises:
        ValueError: tied names were given different tensors.
    """
    names: dict[int, set[str]] = {}
    for name, t in (
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ):
        names.setdefault(id(t), set()).add(name)
    tied = {name: group for group in names.values() if len(group) > 1 for name in group}
    untied = dict(given)
    for name, tensor in given.items():
        others = tied.get(name)
        if others is None:
            continue
        twice = {n for n in others if n in given}
        if len(twice) > 1 and any(given[n] is not tensor for n in twice):
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(twice)}, which are tied. "
                "Consider using tie_weights=False"
            )
        untied.update(dict.fromkeys(others, tensor))
    return untied


def _store_of(module: Module, path: str) -> tuple[dict[str, Any], str] | None:
    """The dictionary that holds the tensor of a dotted name, and its last part."""
    prefix, _, name = path.rpartition(".")
    try:
        owner = module.get_submodule(prefix)
    except AttributeError:
        return None
    for store in (owner._parameters, owner._buffers):
        if name in store:
            return store, name
    return None


def _check_keys(module: Module, given: dict[str, Tensor]) -> None:
    own = {n for n, _ in module.named_parameters(remove_duplicate=False)}
    own |= {n for n, _ in module.named_buffers(remove_duplicate=False)}
    unexpected = sorted(given.keys() - own)
    missing = sorted(own - given.keys())
    if not (unexpected or missing):
        return
    lines = [f"Error(s) in reparametrizing for {module._get_name()}:"]
    for kind, keys in (("Unexpected", unexpected), ("Missing", missing)):
        if keys:
            lines.append(f"{kind} key(s): " + ", ".join(f"'{k}'" for k in keys) + ".")
    raise RuntimeError("\n\t".join(lines))


@contextlib.contextmanager
def _reparametrize_module(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    tie_weights: bool = False,
    strict: bool = False,
    stack_weights: bool = False,
) -> Iterator[None]:
    """Inside, the module has the given tensors; what it assigns to them is kept in the
    dictionary.
    """
    given = (
        _untie_named_tensors_map(module, parameters_and_buffers)
        if tie_weights
        else parameters_and_buffers
    )
    if strict:
        _check_keys(module, given)
    before: list[tuple[dict[str, Any], str, Any, str]] = []
    try:
        for path, tensor in given.items():
            if not isinstance(tensor, Tensor):
                raise TypeError(f"{tensor} is not an instance of torch.Tensor")
            found = _store_of(module, path)
            if found is None:
                _refuse(module, path)
                continue
            store, name = found
            before.append((store, name, store[name], path))
            store[name] = tensor
        yield
    finally:
        for store, name, old, path in reversed(before):
            now = store.get(name)
            if path in parameters_and_buffers and isinstance(now, Tensor):
                # An assignment in forward (``self.buffer = new``) is handed to the caller
                parameters_and_buffers[path] = now
            store[name] = old


def _refuse(module: Module, path: str) -> None:
    """A name that is there but no tensor is an error; one that is not there is ignored, as
    PyTorch has it.
    """
    prefix, _, name = path.rpartition(".")
    with contextlib.suppress(AttributeError):
        found = getattr(module.get_submodule(prefix), name)
        if not isinstance(found, Tensor):
            raise TypeError(f"{typename(found)} at '{path}' is not an instance of torch.Tensor")


def _functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """``module(*args, **kwargs)`` with other parameters and buffers."""
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _reparametrize_module(
        module, parameters_and_buffers, tie_weights=tie_weights, strict=strict
    ):
        return module(*args, **(kwargs or {}))


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Deprecated place of ``torch.func.functional_call``."""
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 "
        "and will be removed in a future version of PyTorch. "
        "Please use `torch.func.functional_call` instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return _functional_call(
        module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict
    )
