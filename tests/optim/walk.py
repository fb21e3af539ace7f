"""The same optimizer steps in PyTorch and in torchlike."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import torchlike

SHAPES = ((4, 3), (5,), ())
MATRICES = ((4, 3), (3, 4))


def shapes_of(name: str) -> tuple[tuple[int, ...], ...]:
    return MATRICES if name == "Muon" else SHAPES


def numbers(shape: tuple[int, ...], seed: int, kind: str = "float32") -> np.ndarray:
    rng = np.random.default_rng(seed)
    if kind.startswith("complex"):
        return np.asarray(rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(kind)
    return np.asarray(rng.standard_normal(shape)).astype(kind)


class Walk:
    """One library's parameters and optimizer, fed with prescribed gradients."""

    def __init__(
        self, library: Any, name: str, kwargs: dict[str, Any], kind: str = "float32"
    ) -> None:
        self.library, self.kind = library, kind
        self.params = [
            library.tensor(numbers(s, i, kind)).requires_grad_()
            for i, s in enumerate(shapes_of(name))
        ]
        own = {k: self.own(v) for k, v in kwargs.items()}
        self.optimizer = getattr(library.optim, name)(self.params, **own)

    def own(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            of = getattr(self.library, str(value.dtype)[6:])
            return self.library.tensor(value.item(), dtype=of)
        if isinstance(value, tuple):
            return tuple(self.own(v) for v in value)
        return value

    def step(self, t: int, complete: bool = False) -> list[np.ndarray]:
        """One step; unless ``complete``, the last parameter has no gradient before the third."""
        for i, p in enumerate(self.params):
            late = not complete and i == len(self.params) - 1 and t < 2
            grad = numbers(tuple(p.shape), 100 * t + i, self.kind)
            p.grad = None if late else self.library.tensor(grad)
        self.optimizer.step()
        return [p.detach().numpy().copy() for p in self.params]


def both(name: str, kwargs: dict[str, Any], kind: str = "float32") -> tuple[Walk, Walk]:
    return Walk(torch, name, kwargs, kind), Walk(torchlike, name, kwargs, kind)


def assert_close(expected: Any, got: Any, where: str, rtol: float = 1e-6) -> None:
    """Relative to the tensor's scale: a parameter that crosses zero has no relative error."""
    expected, got = np.asarray(expected), np.asarray(got)
    assert expected.shape == got.shape, where
    assert expected.dtype == got.dtype, where
    scale = max(float(np.abs(expected).max(initial=0.0)), 1e-3)
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=2 * rtol * scale, err_msg=where)


def assert_same_state(expected: dict[str, Any], got: dict[str, Any], rtol: float = 1e-6) -> None:
    assert expected["param_groups"] == got["param_groups"]
    assert list(expected["state"]) == list(got["state"])
    for key, state in expected["state"].items():
        assert list(state) == list(got["state"][key])
        for name, value in state.items():
            other = got["state"][key][name]
            assert str(value.dtype) == str(other.dtype), name
            assert_close(value.numpy(), other.numpy(), f"state[{key}][{name}]", 5 * rtol)
