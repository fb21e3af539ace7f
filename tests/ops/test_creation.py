"""Creation ops against PyTorch: dtypes, end points, rounding and error texts."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import torchlike

NAMES = (
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "int8", "int16",
    "complex64", "complex128", "bool", "uint16", None,
)  # fmt: skip
COUNTS = (0, 1, 2, 3, 5, 8, 16, 17, 31, 32, 33, 50, 100, 300)


def outcome(call: Any, module: Any) -> Any:
    """The numbers of a call, or its error's type and first line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found = call(module)
    except (RuntimeError, TypeError, ValueError, OverflowError, IndexError) as error:
        return type(error), str(error).splitlines()[0]
    if not hasattr(found, "dtype"):
        return found
    name = str(found.dtype)
    values = found.detach()
    values = values.float() if name == "torch.bfloat16" else values
    return name, tuple(found.shape), found.requires_grad, values.numpy()


def assert_equal(call: Any, what: str) -> None:
    ours, theirs = outcome(call, torchlike), outcome(call, torch)
    assert ours[:-1] == theirs[:-1], what
    if isinstance(theirs[-1], np.ndarray):
        np.testing.assert_array_equal(ours[-1], theirs[-1], err_msg=what)
    else:
        assert ours == theirs, what


def dtype_of(module: Any, name: str | None) -> Any:
    return None if name is None else getattr(module, name)


def random_end(choose: random.Random, low: float) -> float:
    return choose.choice([0, 1, -3, choose.uniform(low, 5), choose.randrange(-10, 10)])


@pytest.mark.parametrize("name", NAMES)
def test_arange(name: str | None):
    choose = random.Random(f"arange {name}")
    for _ in range(150):
        start = random_end(choose, -5)
        step = choose.choice([1, 2, 0.1, 1 / 3, 0.7, -0.3, -2, 1e-3, 3])
        end = start + step * choose.choice(COUNTS) * choose.choice([1, 1, 0.97])
        if name in ("uint8", "uint16"):
            start, end, step = abs(int(start)), abs(int(end)) % 200, max(1, abs(int(step)))

        def call(T: Any, start: float = start, end: float = end, step: float = step) -> Any:
            return T.arange(start, end, step, dtype=dtype_of(T, name))

        assert_equal(call, f"arange({start}, {end}, {step}, dtype={name})")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("function", ["linspace", "logspace"])
def test_spaces(function: str, name: str | None):
    if function == "logspace" and name in ("complex64", "complex128"):
        pytest.skip("complex powers of two C libraries differ in the last bit; see the next test")
    choose = random.Random(f"{function} {name}")
    for _ in range(100):
        start, steps = random_end(choose, -5), choose.choice(COUNTS)
        end = choose.choice([choose.uniform(-50, 50), choose.randrange(-20, 100)])
        if function == "logspace":
            start, end = min(start, 2), choose.uniform(0, 2)
        if name in ("uint8", "uint16", "int8"):
            start, end = abs(int(start)), abs(int(end))

        def call(T: Any, start: float = start, end: float = end, steps: int = steps) -> Any:
            return getattr(T, function)(start, end, steps, dtype=dtype_of(T, name))

        assert_equal(call, f"{function}({start}, {end}, {steps}, dtype={name})")


def test_complex_logspace():
    for of in ("complex64", "complex128"):
        found = torchlike.logspace(0, 1j, 9, dtype=getattr(torchlike, of)).numpy()
        expected = torch.logspace(0, 1j, 9, dtype=getattr(torch, of)).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-5 if of == "complex64" else 1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_full(name: str | None):
    numbers = (
        0, 1, -1, 300, 2.5, True, False, 1j, 1e39, float("nan"), float("inf"), 2**40, -300, -1.5,
        70000, 2**63, 2**64, -(2**63), 1e300,
    )  # fmt: skip
    for number in numbers:
        assert_equal(
            lambda T, n=number: T.full((3,), n, dtype=dtype_of(T, name)), f"full {number} {name}"
        )
        if name is not None:
            assert_equal(
                lambda T, n=number: T.zeros(2, dtype=dtype_of(T, name)).new_full((3,), n),
                f"new_full {number} {name}",
            )


def test_index_matrices():
    for rows in range(-1, 5):
        for columns in range(-1, 5):
            for name in ("int64", "int32", "float32"):
                for at in range(-4, 5):
                    for kind in ("tril_indices", "triu_indices"):
                        assert_equal(
                            lambda T, r=rows, c=columns, o=at, k=kind, n=name: getattr(T, k)(
                                r, c, o, dtype=getattr(T, n)
                            ),
                            f"{kind}({rows}, {columns}, {at})",
                        )
            assert_equal(lambda T, r=rows, c=columns: T.eye(r, c), f"eye({rows}, {columns})")


WINDOWS = ("hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window")
# The two C libraries' cos and I0 may differ in the last place
WINDOW_TOLERANCE = {"float32": 3e-7, "float64": 1e-14, "float16": 4e-3, "bfloat16": 2e-2}


@pytest.mark.parametrize("function", WINDOWS)
@pytest.mark.parametrize("name", WINDOW_TOLERANCE)
def test_windows(function: str, name: str):
    for length in (0, 1, 2, 3, 5, 8, 33, 100):
        for periodic in (True, False):
            found = getattr(torchlike, function)(length, periodic, dtype=getattr(torchlike, name))
            expected = getattr(torch, function)(length, periodic, dtype=getattr(torch, name))
            assert str(found.dtype) == str(expected.dtype)
            np.testing.assert_allclose(
                found.double().numpy(), expected.double().numpy(), atol=WINDOW_TOLERANCE[name]
            )


@pytest.mark.parametrize("function", WINDOWS)
def test_window_errors(function: str):
    for call in (
        lambda T: getattr(T, function)(-1),
        lambda T: getattr(T, function)(5.5),
        lambda T: getattr(T, function)(5, dtype=T.int64),
        lambda T: getattr(T, function)(5, dtype=T.bool),
    ):
        assert_equal(call, function)


EXPRESSIONS = (
    "T.zeros(-1)", "T.zeros(2, -3)", "T.zeros(2.5)", "T.zeros((2, 2.5))", "T.zeros('a')",
    "T.zeros([])", "T.zeros(T.tensor(2), 3)", "T.zeros(True)", "T.zeros(None)",
    "T.zeros(size=(2,))",
    "T.zeros(2, dtype=int)", "T.zeros(2, dtype=float)", "T.zeros(2, dtype=bool)", "T.ones(2, 3)",
    "T.ones((2,), dtype=T.bool)", "T.ones(2, requires_grad=True)", "T.full((2,), T.tensor(3.0))",
    "T.full(2, 1.0)", "T.full((-1,), 1)", "T.full((2,), 'a')", "T.full([2], 1)",
    "T.arange(5)", "T.arange(5.0)", "T.arange(end=3)", "T.arange(start=1, end=3)", "T.arange(True)",
    "T.arange(1, 5, 0)", "T.arange(5, 1)", "T.arange(float('nan'))", "T.arange(float('inf'))",
    "T.arange(1j)", "T.arange(T.tensor(4))", "T.arange(T.tensor(4.0))", "T.arange('a')",
    "T.arange(2**31, 2**31 + 3, dtype=T.int32)", "T.arange(-3, 2, dtype=T.uint8)",
    "T.arange(0, 2.5, dtype=T.int64)", "T.arange(0, 2.5, dtype=T.int32)",
    "T.arange(1, 4.3, 0.1, dtype=T.int64)", "T.arange(0)",
    "T.linspace(0, 1, -1)", "T.linspace(0, 1j, 3)", "T.linspace(0, 1j, 3, dtype=T.float32)",
    "T.linspace(T.tensor(0), T.tensor(5), 3)", "T.logspace(0, 2, 3, base=2)",
    "T.logspace(0, 1, 3, base=-2)", "T.eye(2, dtype=T.bool)", "T.eye(2.0)", "T.eye(0)",
    "T.range(1, 3)", "T.range(0, 1, 0.3)", "T.range(3, 1)", "T.range(0, 3, 0)",
    "T.zeros_like(T.ones(2), dtype=T.int64)", "T.zeros_like(3)", "T.ones_like(T.zeros(2, 3))",
    "T.full_like(T.ones(2), 2)", "T.full_like(T.ones(2, dtype=T.int64), 2.7)",
    "T.full_like(T.ones(2, dtype=T.uint8), 300)", "T.zeros_like(T.ones(2, requires_grad=True))",
    "T.ones(2).new_zeros(3)", "T.ones(2).new_zeros((2, 3))", "T.ones(2).new_zeros(2, 3)",
    "T.ones(2).new_zeros(-1)", "T.ones(2).new_full((2,), fill_value=1)",
    "T.ones(2, dtype=T.int64).new_full((2,), 3.7)", "T.ones(2).new_ones((2, 2), dtype=T.bool)",
    "T.ones(2).new_empty(2, 3).shape", "T.empty(2, 3).shape", "T.empty_like(T.ones(3)).shape",
    "T.empty(2, 3, memory_format=T.channels_last)", "T.scalar_tensor(3)",
    "T.vander(T.tensor([1, 2, 3]))", "T.vander(T.tensor([[1, 2, 3]]))",
    "T.vander(T.tensor([1.0, 2, 3]), 2, True)", "T.vander(T.tensor([1.0, 2, 3]), -2)",
    "T.vander(T.tensor([1.0, 2, 3]), 0)", "T.vander(T.tensor([True, False]), 2)",
    "T.zeros(2, out=T.ones(2))", "T.arange(3, out=T.zeros(3, dtype=T.float64))",
)  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression(expression: str):
    ours = outcome(lambda T: eval(expression, {"T": T}), torchlike)
    theirs = outcome(lambda T: eval(expression, {"T": T}), torch)
    if isinstance(theirs, tuple) and isinstance(theirs[-1], np.ndarray):
        assert ours[:-1] == theirs[:-1]
        np.testing.assert_array_equal(ours[-1], theirs[-1])
    else:
        assert ours == theirs


def test_default_dtype_decides():
    torch.set_default_dtype(torch.float64)
    torchlike.set_default_dtype(torchlike.float64)
    try:
        for call in (
            lambda T: T.zeros(2),
            lambda T: T.arange(0, 1, 0.3),
            lambda T: T.full((2,), 1.5),
            lambda T: T.full((2,), 1j),
            lambda T: T.linspace(0, 1, 7),
            lambda T: T.eye(2),
            lambda T: T.hann_window(1),
        ):
            assert_equal(call, "default float64")
    finally:
        torch.set_default_dtype(torch.float32)
        torchlike.set_default_dtype(torchlike.float32)


def test_vander_gradient():
    """PyTorch's own backward refuses its in-place cumprod, so the powers are stacked there."""
    weights = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    x = torchlike.tensor([1.5, 0.0, -2.0], requires_grad=True)
    (torchlike.vander(x, 4) * torchlike.from_numpy(weights)).sum().backward()
    y = torch.tensor([1.5, 0.0, -2.0], requires_grad=True)
    (torch.stack([y**3, y**2, y, y**0], 1) * torch.from_numpy(weights)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-6)
