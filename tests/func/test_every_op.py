"""Every op of PyTorch's database under ``vmap`` and forward mode.

A plain run takes one small sample of some ops; ``-m parity`` takes several of all, also with only the
first tensor mapped, and in other dtypes.
"""

from __future__ import annotations

import pytest
import torch

from ..ops.checks import Report
from ..ops.known_failures import MISSING
from ..ops.op_database import rows
from .transform_checks import TransformCheck, differentiated_places

pytestmark = pytest.mark.filterwarnings("ignore")

# (check, op) -> why the two differ
DIFFERENT = {
    ("jvp", "as_strided.partial_views"): "a tangent has no storage around it, whose elements would be zeros",
    ("jvp", "cov"): "PyTorch sums float32 weights in float32, torchlike in the numbers' precision",
    ("jvp", "logcumsumexp"): "PyTorch's is NaN where exp of the summands overflows; torchlike's is the finite difference",
    ("jvp", "masked.logsumexp"): "of a row all masked, PyTorch's backward gives 0 and its forward mode NaN; torchlike has one rule",
    ("jvp", "cholesky_inverse"): "PyTorch's is off in the fifth digit; torchlike's is the finite difference",
    ("jvp", "as_strided_scatter"): "PyTorch's backward is not the transpose of its forward mode; torchlike has one rule",
    ("jvp", "nn.functional.max_unpool1d"): "of elements with one place, PyTorch's backward reaches all, its tangent one",
    ("jvp", "nn.functional.max_unpool2d"): "of elements with one place, PyTorch's backward reaches all, its tangent one",
    ("jvp", "nn.functional.max_unpool3d"): "of elements with one place, PyTorch's backward reaches all, its tangent one",
}  # fmt: skip
EVERY = 5  # a plain run takes every fifth op
NAMES = [name for name in rows() if name not in MISSING]


def judge(kind: str, name: str, report: Report) -> None:
    failures = report.failures
    if failures and (kind, name) in DIFFERENT:
        pytest.xfail(DIFFERENT[kind, name])
    if failures:
        shown = "\n".join(failures[:8])
        pytest.fail(f"{name}: {len(failures)} checks fail\n{shown}", pytrace=False)


def jvp_dtypes(row) -> list[torch.dtype]:
    """Double precision, where the op has it."""
    return row.dtypes(("float64", "float32"))[:1]


@pytest.mark.parametrize("name", NAMES[::EVERY])
def test_vmap_quickly(name):
    row, report = rows()[name], Report()
    found = row.dtypes(("float32", "int64"))  # none, of an op that the CPU does not have
    sample = row.quick_sample(found[0]) if found else None
    if sample is not None:
        TransformCheck(row, sample, report).vmap()
    judge("vmap", name, report)


@pytest.mark.parametrize("name", NAMES[1::EVERY])
def test_jvp_quickly(name):
    row, report = rows()[name], Report()
    found = jvp_dtypes(row)
    sample = row.quick_sample(found[0]) if found else None
    if sample is not None:
        TransformCheck(row, sample, report).jvp(differentiated_places(sample))
    judge("jvp", name, report)


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_vmap_fully(name):
    row, report = rows()[name], Report()
    for dtype in row.dtypes(("float32", "int64", "complex64")):
        for sample in row.spread(dtype, 3):
            TransformCheck(row, sample, report).vmap()
            TransformCheck(row, sample, report).vmap(only_first=True)
    judge("vmap", name, report)


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_jvp_fully(name):
    row, report = rows()[name], Report()
    others = [d for d in row.dtypes(("complex128",)) if d is torch.complex128]
    for dtype in dict.fromkeys([*jvp_dtypes(row), *others]):
        for sample in row.spread(dtype, 3):
            TransformCheck(row, sample, report).jvp(differentiated_places(sample))
    judge("jvp", name, report)


def test_reasons_name_ops_of_the_database():
    assert all(name in rows() for _, name in DIFFERENT)
