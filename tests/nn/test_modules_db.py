"""Every class of PyTorch's ``module_db``: constructor, state, values, gradients and printing
against PyTorch.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import re
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing._internal.common_modules import ModuleErrorEnum, module_db

import torchlike

from .scenarios import equal, plain

SAMPLES = 2


def ours(value: Any) -> Any:
    """A constructor's or forward's argument for torchlike."""
    if isinstance(value, torch.Tensor):
        array = value.detach().cpu().numpy().copy()
        made = torchlike.from_numpy(array)
        if isinstance(value, torch.nn.Parameter):
            return torchlike.nn.Parameter(made, value.requires_grad)
        return made.requires_grad_(value.requires_grad)
    if isinstance(value, torch.dtype):
        return getattr(torchlike, str(value).removeprefix("torch."))
    if isinstance(value, torch.device):
        return torchlike.device(str(value))
    if isinstance(value, torch.nn.TransformerEncoderLayer):
        return encoder_layer(value)
    if isinstance(value, torch.nn.Module):
        return getattr(torchlike.nn, type(value).__name__)()
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return torchlike.nn.utils.rnn.PackedSequence(*map(ours, value))
    if isinstance(value, dict):
        return {k: ours(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(ours, value))
    if inspect.isfunction(value) or inspect.isbuiltin(value):
        name = value.__name__
        return getattr(torchlike.nn.functional, name, None) or getattr(torchlike, name, value)
    return value


def leaves(value: Any) -> Any:
    """The same argument for PyTorch with tensors that keep their gradients."""
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return value
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, dict):
        return {k: leaves(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(leaves, value))
    return value


def encoder_layer(layer: Any) -> Any:
    return torchlike.nn.TransformerEncoderLayer(
        layer.linear1.in_features,
        layer.self_attn.num_heads,
        layer.linear1.out_features,
        layer.dropout.p,
        ours(layer.activation),
        layer.norm1.eps,
        layer.self_attn.batch_first,
        layer.norm_first,
        layer.linear1.bias is not None,
    )


def without_dropout(cls: Any, args: Any, kwargs: Any) -> Any:
    """The arguments by name with dropout off: its own tests compare its stream."""
    names = list(inspect.signature(cls.__init__).parameters)
    if "dropout" not in names or "args" in names:
        return args, kwargs
    place = names.index("dropout") - 1
    if place < len(args):
        return (*args[:place], 0.0, *args[place + 1 :]), kwargs
    return args, {**kwargs, "dropout": 0.0}


def samples(info: Any, training: bool) -> list[Any]:
    torch.manual_seed(0)
    made = info.module_inputs_func(info, "cpu", torch.float32, True, training)
    return list(itertools.islice(made, SAMPLES))


def tensors(value: Any) -> list[Any]:
    """All tensors of a nested result, in order."""
    if hasattr(value, "detach") and hasattr(value, "dtype"):
        return [value]
    if isinstance(value, dict):
        return [t for v in value.values() for t in tensors(v)]
    if isinstance(value, list | tuple):
        return [t for v in value for t in tensors(v)]
    return []


def backward(value: Any, module: Any) -> None:
    """Gradients of a fixed, uneven sum of all outputs."""
    parts = []
    for t in tensors(value):
        if t.requires_grad:
            weights = np.linspace(0.5, 1.5, t.numel(), dtype=np.float32).reshape(tuple(t.shape))
            parts.append((t * module.from_numpy(weights)).sum())
    if parts:
        sum(parts).backward()


def grads(values: Any) -> list[Any]:
    return [None if t.grad is None else plain(t.grad) for t in tensors(values)]


def no_zeros(found: list[Any], expected: list[Any]) -> list[Any]:
    """PyTorch's None and zeros mean the same for an unused input."""
    return [
        None if e is None and f is not None and not np.any(f[1]) else f
        for f, e in zip(found, expected, strict=True)
    ]


def dotted(module: Any) -> str:
    return re.sub(r"torchlike", "torch", repr(module))


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("info", module_db, ids=lambda info: info.name)
def test_equals(info: Any, training: bool):
    cls = info.module_cls
    mine = getattr(torchlike.nn, cls.__name__)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sample in samples(info, training):
            given = sample.constructor_input
            args, kwargs = without_dropout(cls, given.args, given.kwargs)
            theirs, found = cls(*args, **kwargs), mine(*ours(args), **ours(kwargs))
            theirs.train(training)
            found.train(training)
            assert dotted(found) == repr(theirs)
            assert list(found.state_dict()) == list(theirs.state_dict())
            check_forward(theirs, found, sample.forward_input)


def check_forward(theirs: Any, found: Any, given: Any) -> None:
    there_args, there_kwargs = leaves(given.args), leaves(given.kwargs)
    if any(torch.nn.parameter.is_lazy(p) for p in theirs.parameters()):
        with torch.no_grad():
            theirs(*there_args, **there_kwargs)
    found.load_state_dict(ours(dict(theirs.state_dict())))
    args, kwargs = ours(given.args), ours(given.kwargs)
    try:
        expected = theirs(*there_args, **there_kwargs)
    except Exception as refused:
        # Some samples are wrong for float32
        with pytest.raises(type(refused)):
            found(*args, **kwargs)
        return
    out = found(*args, **kwargs)
    assert equal(plain(out), plain(expected))
    state, wanted = found.state_dict(), theirs.state_dict()
    assert equal({k: plain(v) for k, v in state.items()}, {k: plain(v) for k, v in wanted.items()})
    backward(out, torchlike)
    backward(expected, torch)
    here = [args, kwargs, list(found.parameters())]
    wanted_grads = grads([there_args, there_kwargs, list(theirs.parameters())])
    assert equal(no_zeros(grads(here), wanted_grads), wanted_grads)


@pytest.mark.parametrize(
    "info", [i for i in module_db if i.module_error_inputs_func], ids=lambda info: info.name
)
@pytest.mark.filterwarnings("ignore")
def test_refuses(info: Any):
    mine = getattr(torchlike.nn, info.module_cls.__name__)
    for error in info.module_error_inputs_func(info, "cpu", torch.float32, False, False):
        given = error.module_error_input
        made = given.constructor_input
        if error.error_on == ModuleErrorEnum.CONSTRUCTION_ERROR:
            context = pytest.raises(error.error_type, match=error.error_regex)
        else:
            context = contextlib.nullcontext()
        with context:
            module = mine(*ours(made.args), **ours(made.kwargs))
        if error.error_on == ModuleErrorEnum.FORWARD_ERROR:
            forward = given.forward_input
            with pytest.raises(error.error_type, match=error.error_regex):
                module(*ours(forward.args), **ours(forward.kwargs))
