"""Every class and function of ``torch.nn`` is there and takes PyTorch's parameters."""

from __future__ import annotations

import inspect
import types
from typing import Any

import pytest
import torch

import torchlike

# PyTorch's own helpers that are reachable in its namespace by accident
_NO_API = {
    "BroadcastingList1", "BroadcastingList2", "BroadcastingList3", "BroadcastingListCls", "Callable",
    "DType", "Optional", "TYPE_CHECKING", "boolean_dispatch", "handle_torch_function",
    "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic",
    "reproducibility_notes", "sparse_support_notes", "tf32_notes", "GRID_SAMPLE_INTERPOLATION_MODES",
    "GRID_SAMPLE_PADDING_MODES", "Literal", "ParamSpec", "TypeVar",
}  # fmt: skip
_LATER = {"ScalingType", "SwizzleType", "grouped_mm", "scaled_grouped_mm", "scaled_mm"}


def public(module: Any) -> list[str]:
    return [
        name
        for name in dir(module)
        if not name.startswith("_")
        and name not in _NO_API
        and not isinstance(getattr(module, name), types.ModuleType)
    ]


def shape(fn: Any) -> list[Any]:
    """Names, kinds and defaults; functions as defaults by name."""
    return [
        (p.name, str(p.kind), getattr(p.default, "__name__", p.default))
        for p in inspect.signature(fn).parameters.values()
    ]


@pytest.mark.parametrize("path", ["", "functional", "utils", "init", "parameter", "modules"])
def test_every_name_is_there(path: str):
    theirs = getattr(torch.nn, path) if path else torch.nn
    ours = getattr(torchlike.nn, path) if path else torchlike.nn
    names = {name for name in public(theirs) if getattr(theirs, name) is not torch.Tensor}
    assert not {n for n in names if not hasattr(ours, n)} - _LATER


CLASSES = [
    name
    for name in public(torch.nn)
    if inspect.isclass(getattr(torch.nn, name))
    and issubclass(getattr(torch.nn, name), torch.nn.Module)
]


@pytest.mark.parametrize("name", CLASSES)
def test_a_layer_takes_the_same_parameters(name: str):
    theirs, ours = getattr(torch.nn, name), getattr(torchlike.nn, name)
    assert shape(ours.__init__) == shape(theirs.__init__)
    if "forward" in vars(theirs) and name not in ("RNN", "LSTM", "GRU"):
        assert shape(ours.forward) == shape(theirs.forward)


METHODS = [
    name
    for name, found in vars(torch.nn.Module).items()
    if inspect.isfunction(found) and not name.startswith("__")
]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_of_module_takes_the_same_parameters(name: str):
    if name == "_slow_forward":
        assert not hasattr(torchlike.nn.Module, name)  # only for torch.jit.trace
        return
    assert shape(getattr(torchlike.nn.Module, name)) == shape(getattr(torch.nn.Module, name))
