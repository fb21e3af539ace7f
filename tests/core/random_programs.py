"""Random programs over views, in-place writes and broadcasting, run by two libraries alike."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

SHAPE = (3, 4)


class Program:
    """Steps drawn from a seed; ``run(lib)`` plays them with PyTorch or torchlike."""

    def __init__(self, seed: int, steps: int) -> None:
        self.seed = seed
        self.steps = steps

    def run(self, lib: Any) -> list[np.ndarray | str | None]:
        """The numbers of every tensor and gradient, or the first line of the error that ended it."""
        rng = random.Random(self.seed)
        numbers = np.random.default_rng(self.seed)
        leaves = [
            lib.tensor(
                numbers.uniform(0.5, 2.0, SHAPE).astype(np.float64),
                requires_grad=rng.random() < 0.7,
            )
            for _ in range(2)
        ]
        tensors = [t * 1.5 if rng.random() < 0.5 else t for t in leaves]
        tensors.append(lib.tensor(numbers.uniform(0.5, 2.0, SHAPE).astype(np.float64)))
        trace: list[str] = []
        try:
            for _ in range(self.steps):
                step = rng.choice(STEPS)
                try:
                    step(lib, rng, tensors)
                except (RuntimeError, IndexError, ValueError) as error:
                    trace.append(
                        f"{step.__name__}: {type(error).__name__}: {str(error).splitlines()[0]}"
                    )
            total = None
            for t in tensors:
                if t.requires_grad:
                    total = t.sin().sum() if total is None else total + t.sin().sum()
            if total is not None:
                total.backward()
        except RuntimeError as error:
            return [*trace, f"backward: {_told(error)}"]
        found: list[Any] = list(trace)
        for t in tensors:
            found += [str(tuple(t.shape)), str(t.requires_grad), t.detach().numpy().copy()]
        for t in leaves:
            found.append(None if t.grad is None else t.grad.numpy().copy())
        return found


def _told(error: Exception) -> str:
    """The first line. If several operands were overwritten, which of them it names, and the name of
    the node that an alias of one has by now, are left out: test_autograd has those messages."""
    line = str(error).splitlines()[0]
    return line.partition(": [torch.")[0] if "modified by an inplace operation" in line else line


def _pick(rng: random.Random, tensors: list[Any]) -> Any:
    return rng.choice(tensors)


def view(lib: Any, rng: random.Random, tensors: list[Any]) -> None:
    t = _pick(rng, tensors)
    kind = rng.randrange(9)
    if t.ndim == 0:
        made = t.unsqueeze(0)
    elif kind == 0:
        made = t.transpose(0, t.ndim - 1)
    elif kind == 1:
        made = t[rng.randrange(t.shape[0])]
    elif kind == 2:
        made = t[:: rng.choice([1, 2])]
    elif kind == 3:
        made = t.reshape(-1)
    elif kind == 4:
        made = t.narrow(t.ndim - 1, 0, max(1, t.shape[-1] - 1))
    elif kind == 5:
        made = t[..., 1:]
    elif kind == 6:
        # Pointwise results of permuted tensors keep their order of dims in PyTorch only
        made = t.view(-1) if t._is_view() else t.contiguous().view(-1)
    elif kind == 7:
        made = t.detach()
    else:
        made = t.unsqueeze(0).expand(2, *t.shape)
    tensors.append(made)


def pointwise(lib: Any, rng: random.Random, tensors: list[Any]) -> None:
    a, b = _pick(rng, tensors), _pick(rng, tensors)
    kind = rng.randrange(6)
    if kind == 0:
        made = a * b
    elif kind == 1:
        made = a + b * 0.5
    elif kind == 2:
        made = lib.tanh(a)
    elif kind == 3:
        made = a.sum(dim=0, keepdim=True) if a.ndim else a.clone()
    elif kind == 4:
        made = lib.where(a > 0.5, a, b)
    else:
        made = a.exp() / (1 + b * b)
    if made.numel() < 500:
        tensors.append(made)


def write(lib: Any, rng: random.Random, tensors: list[Any]) -> None:
    t, other = _pick(rng, tensors), _pick(rng, tensors)
    kind = rng.randrange(7)
    if _is_undefined(t, other):
        other = other.clone()
    if kind == 0:
        t.mul_(0.5)
    elif kind == 1:
        t.add_(other)
    elif kind == 2 and t.ndim:
        t[0] = 0.25
    elif kind == 3 and t.ndim:
        t[..., -1] = other.sum() * 0.1
    elif kind == 4:
        t.tanh_()
    elif kind == 5:
        t.copy_(other)
    else:
        with lib.no_grad():
            t.mul_(0.9)


def _is_undefined(t: Any, other: Any) -> bool:
    """Whether they share some memory in a way that PyTorch cannot tell, so what it reads depends on
    what it has written by then."""
    if t.untyped_storage().data_ptr() != other.untyped_storage().data_ptr():
        return False
    same = (t.shape, t.stride(), t.storage_offset()) == (
        other.shape,
        other.stride(),
        other.storage_offset(),
    )
    return not same and not (_is_dense(t) and _is_dense(other))


def _is_dense(t: Any) -> bool:
    step = 1
    for stride, n in sorted((s, n) for s, n in zip(t.stride(), t.shape, strict=True) if n > 1):
        if stride != step:
            return False
        step *= n
    return True


def mask(lib: Any, rng: random.Random, tensors: list[Any]) -> None:
    t = _pick(rng, tensors)
    if (
        0 not in t.stride()
    ):  # PyTorch deprecated masked writes to expanded tensors; torchlike refuses them
        t[t > 1.0] = 0.75


STEPS = [view, view, pointwise, pointwise, write, write, mask]
