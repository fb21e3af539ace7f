"""``torch.__version__`` compares as ``packaging`` says."""

from __future__ import annotations

import itertools
import random

import pytest
from packaging.version import Version

import torchlike
from torchlike.torch_version import TorchVersion

from .expressions import assert_same_line, lines

PARTS = (
    ("", "1!"), ("2", "2.0", "2.1", "2.1.0", "10.0"), ("", "a0", "rc1", ".beta.3", "-c", "pre4"),
    ("", ".post1", "-2", "rev3"), ("", ".dev5", "dev"), ("", "+cpu", "+cu118", "+1.abc"),
)  # fmt: skip


@pytest.mark.parametrize("method", ["__lt__", "__le__", "__eq__", "__ge__", "__gt__"])
def test_orders(method):
    every = ["".join(parts) for parts in itertools.product(*PARTS)]
    pick = random.Random(0)
    for _ in range(2000):
        a, b = pick.choice(every), pick.choice(every)
        expected = getattr(Version(a), method)(Version(b))
        assert getattr(TorchVersion(a), method)(b) == expected, (a, b)
        assert getattr(TorchVersion(a), method)(Version(b)) == expected, (a, b)


LINES = lines("""
V("2.1") >= (2, 1), V("2.1") > (2, 0, "rc"), V("2.1") == (1, "a")
V("2.1") == "parrot", V("2.1") < "parrot", V("parrot") == "parrot"
V("2.1") == 3, V("2.1") != "2.1.0", "2.1" in {V("2.1")}
V("2.1") < None
V("2.1").split(".")
""")


@pytest.mark.parametrize("line", LINES)
def test_lines(line):
    assert_same_line(line, lambda t: {"V": t.torch_version.TorchVersion})


def test_the_version_is_one():
    assert type(torchlike.__version__) is TorchVersion
    assert (2, 1) < torchlike.__version__ < "3"
