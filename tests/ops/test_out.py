"""``out=``: which dtypes, shapes and overlaps are refused, against PyTorch's."""

from __future__ import annotations

import pytest

from ..compare import assert_alike

CALLS = {
    "add": lambda t, x, out: t.add(x, 1, out=out),
    "exp": lambda t, x, out: t.exp(x, out=out),
    "mul": lambda t, x, out: t.mul(x, x, out=out),
    "sum": lambda t, x, out: t.sum(x, 0, out=out),
    "cumsum": lambda t, x, out: t.cumsum(x, 0, out=out),
    "mm": lambda t, x, out: t.mm(x, x, out=out),
    "cat": lambda t, x, out: t.cat([x, x], out=out),
    "softmax": lambda t, x, out: t.softmax(x, 0, out=out),
    "eq": lambda t, x, out: t.eq(x, 1, out=out),
    "abs": lambda t, x, out: t.abs(x, out=out),
    "tril": lambda t, x, out: t.tril(x, out=out),
    "arange": lambda t, x, out: t.arange(4, out=out),
    "gather": lambda t, x, out: t.gather(x, 0, t.zeros(2, 2, dtype=t.int64), out=out),
    "sigmoid": lambda t, x, out: t.sigmoid(x, out=out),
    "argmax": lambda t, x, out: t.argmax(x, 0, out=out),
    "clamp": lambda t, x, out: t.clamp(x, 0, 1, out=out),
}  # fmt: skip
DTYPES = ("float64", "float16", "int64", "int32", "bool", "complex64", "float32")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_dtypes(call, dtype):
    def run(t):
        x = t.tensor([[0.5, -1.0], [2.0, 3.0]])
        out = t.zeros(0, dtype=getattr(t, dtype))
        return call(t, x, out), out

    assert_alike(run)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["add", "exp", "mul", "cumsum", "abs", "sigmoid"])
def test_memory_that_overlaps_an_operands(name):
    def run(t):
        memory = t.arange(5.0)
        x, out = memory[:4].view(2, 2), memory[1:].view(2, 2)
        return CALLS[name](t, x, out)

    assert_alike(run)


@pytest.mark.parametrize("name", ["add", "exp", "mul", "sigmoid", "abs"])
def test_the_operand_itself(name):
    def run(t):
        x = t.tensor([[0.5, -1.0], [2.0, 3.0]])
        return CALLS[name](t, x, x), x

    assert_alike(run)


def test_out_that_shows_elements_twice():
    assert_alike(lambda t: t.add(t.ones(3), 1, out=t.zeros(1).expand(3)))


def test_out_of_another_size_warns():
    def run(t):
        import warnings

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            out = t.zeros(5)
            t.add(t.ones(3), 1, out=out)
        return out, [str(w.message).partition(".")[0] for w in caught]

    assert_alike(run)
