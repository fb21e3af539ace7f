"""Every op of PyTorch's database under CPU autocast: which precision it runs in, and its values."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import torchlike
from torchlike.core.autocast_lists import LOWER_RESULT, PRODUCTS
from torchlike.core.registry import OPS

from ..compare import Raised, assert_same, leaves, outcome, real_tensor, to_own, tree_map
from ..ops.canonical import CANONICAL
from ..ops.known_failures import FAILING, MISSING
from ..ops.op_database import rows

pytestmark = pytest.mark.filterwarnings("ignore")

WITHOUT_VALUES = ("empty", "new_empty")
NOT_A_NUMBER = {"matrix_exp": "PyTorch's kernel gives NaN for bfloat16, autocast or not"}
CLOSER = {
    "bilinear": "PyTorch rounds the products inside to the lower precision; torchlike does not",
    "pca_lowrank": "PyTorch rounds the factor that a product makes; torchlike does not",
    "svd_lowrank": "PyTorch rounds the factor that a product makes; torchlike does not",
    "linear_cross_entropy.chunked": "PyTorch rounds each chunk's sum; torchlike has no chunks",
    "linear_cross_entropy.chunked_none": "PyTorch rounds each chunk's sum; torchlike has no chunks",
}
# Which of several equal values comes first is open: PyTorch's order is its algorithm's
NO_SUCH_ORDER = ("argsort", "kthvalue", "mode", "sort", "topk")
NAMES = [n for n in rows() if n not in MISSING]


def run(library: Any, row: Any, inputs: Any, dtype: str) -> Any:
    library.manual_seed(0)
    input, args, kwargs = inputs
    with library.autocast("cpu", dtype=getattr(library, dtype)), library.no_grad():
        return row.on(library)(input, *args, **kwargs)


def dtypes(tree: Any) -> list[str]:
    return [str(x.dtype) for x in leaves(tree) if hasattr(x, "dtype")]


def is_rounded_inside(row: Any) -> bool:
    """Whether products inside are rounded to the lower precision, whatever the result's."""
    name = row.name.removeprefix("nn.functional.")
    op = OPS.get(name.rpartition(".")[2])
    return name in CLOSER or (
        op is not None and (op.autocast or {}).get("cpu") in (PRODUCTS, LOWER_RESULT)
    )


def check(name: str, dtype: torch.dtype, sample: Any, lower: str) -> None:
    row = rows()[name]
    given = sample.fresh(row.keep_storage)
    mine = to_own(sample.fresh(row.keep_storage), row.keep_storage)
    expected = outcome(run, torch, row, given, lower)
    if isinstance(expected, Raised):
        return  # a kernel that PyTorch lacks in that precision
    found = outcome(run, torchlike, row, mine, lower)
    if isinstance(found, Raised) and "torch.complex32" in dtypes(expected):
        pytest.xfail("torchlike has no complex32")
    if isinstance(found, Raised) and name in FAILING:
        pytest.xfail(FAILING[name])
    assert not isinstance(found, Raised), f"{dtype}: expected {dtypes(expected)}, got {found}"
    if is_rounded_inside(row):
        expected, found = lowered(expected, torch, lower), lowered(found, torchlike, lower)
    assert dtypes(expected) == dtypes(found), f"{dtype} inputs"
    if name.startswith(WITHOUT_VALUES) or name in NOT_A_NUMBER:
        return
    if name in NO_SUCH_ORDER and not sample.kwargs.get("stable"):
        expected = CANONICAL[name](expected, *given)
        found = to_own(CANONICAL[name](as_real(found), *given))
    if sample.process is not None:  # what of the result is well defined
        expected, found = to_own(sample.process(expected)), to_own(sample.process(as_real(found)))
    if name not in ("svd_lowrank", "pca_lowrank"):  # the signs of singular vectors are open
        assert_same(expected, found, row.tolerance.times(2.0))


def as_real(tree: Any) -> Any:
    return tree_map(lambda x: real_tensor(x) if isinstance(x, torchlike.Tensor) else x, tree)


def lowered(tree: Any, library: Any, lower: str) -> Any:
    to = getattr(library, lower)
    return tree_map(
        lambda x: x.to(to) if hasattr(x, "dtype") and x.is_floating_point() else x, tree
    )


def has_policy(name: str) -> bool:
    op = OPS.get(name.rpartition(".")[2])
    return op is None or "cpu" in (op.autocast or {})


QUICK = [n for i, n in enumerate(NAMES) if has_policy(n) or i % 10 == 0]


@pytest.mark.parametrize("name", QUICK)
def test_runs_in_the_precision_of_pytorch(name: str):
    row = rows()[name]
    for dtype in row.dtypes(("float32", "bfloat16"))[:2]:
        sample = row.quick_sample(dtype)
        if sample is not None:
            check(name, dtype, sample, "bfloat16")


@pytest.mark.parity
@pytest.mark.parametrize("lower", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", NAMES)
def test_every_form_runs_in_the_precision_of_pytorch(name: str, lower: str):
    row = rows()[name]
    for dtype in row.dtypes(("float32", lower, "float64", "int64")):
        for sample in row.spread(dtype, 2 if dtype.itemsize <= 4 else 1):
            check(name, dtype, sample, lower)
