"""Every op of PyTorch's own database: values, dtypes, gradients, variants, errors.

A plain run takes one small float32 sample of each. ``-m parity`` takes samples of seven dtypes, spread
over the database's; the method, in-place form, aliases and operators, the error inputs, and both
executors; ``out=``, strides, aliasing, warnings and second gradients.
"""

from __future__ import annotations

import pytest
import torch

import torchlike

from ..compare import dtype_name
from .checks import Check, Report
from .deep_checks import DeepCheck
from .known_failures import FAILING, MISSING
from .op_database import Row, rows

QUICK = ("float32",)
# How many samples of which dtypes: what a machine with two cores does in less than half an hour
FULL = {
    "float32": 4,
    "int64": 2,
    "bfloat16": 1,
    "complex64": 2,
    "float64": 1,
    "float16": 1,
    "uint8": 1,
}
DEEP = 2
# Counted, not required: see the summary at the end of the run
COUNTED = ("message", "warning", "stride")

pytestmark = pytest.mark.filterwarnings("ignore")


def present(row: Row) -> bool:
    try:
        row.on(torchlike)(torchlike.ones(1))
    except (AttributeError, NotImplementedError):
        return False
    except Exception:  # it is there, and wants something else
        return True
    return True


def _found(name: str, tally) -> Row:
    row = rows()[name]
    if name in MISSING:
        if present(row):
            pytest.fail(f"{name} is there: take it out of MISSING", pytrace=False)
        tally.add(name, Report(), whole=False)
        pytest.xfail(MISSING[name])
    return row


def _judged(name: str, report: Report, tally, *, strict: bool) -> None:
    failures = [f for f in report.failures if not f.startswith(COUNTED)]
    tally.add(name, report, whole=not failures)
    if failures and name in FAILING:
        pytest.xfail(FAILING[name])
    if failures:
        shown = "\n".join(failures[:12])
        more = f"\n… and {len(failures) - 12} more" if len(failures) > 12 else ""
        pytest.fail(f"{name}: {len(failures)} checks fail\n{shown}{more}", pytrace=False)
    if strict and name in FAILING:
        pytest.fail(f"{name} is whole: take it out of FAILING", pytrace=False)


@pytest.mark.parametrize("name", rows())
def test_quickly(name, op_tally):
    row = _found(name, op_tally)
    report = Report()
    for dtype in row.dtypes(QUICK)[:1]:
        sample = row.quick_sample(dtype)
        if sample is not None:
            Check(row, sample, report).run()
    _judged(name, report, op_tally, strict=False)


@pytest.mark.parity
@pytest.mark.parametrize("name", rows())
def test_fully(name, op_tally):
    row = _found(name, op_tally)
    report = Report()
    for dtype in row.dtypes(tuple(FULL)):
        usable = None
        for sample in row.spread(dtype, FULL.get(dtype_name(dtype), 2)):
            ran = Check(row, sample, report).run()
            if usable is None and ran is not None:
                usable = sample
        if usable is None or dtype_name(dtype) not in ("float32", "int64", "bool"):
            continue
        other = "op_by_op" if torchlike.config.recorded else "recorded"
        with torchlike.config.using(other):
            Check(row, usable, report, f"[{other}] ").run("other executor")
        for variant in row.variants():
            for sample in _spread(row, dtype):
                if Check(row, sample, report).variant(*variant) is not None:
                    break
    for sample in row.errors():
        Check(row, sample, report).error()
    _check_deeply(row, report)
    _judged(name, report, op_tally, strict=True)


def _check_deeply(row: Row, report: Report) -> None:
    for sample in (s for dtype in row.dtypes(("float32", "int64"))[:1] for s in row.spread(dtype, DEEP)):
        DeepCheck(row, sample, report).run_deeply()
    if row.info.supports_gradgrad and row.has_gradient(torch.float64):
        for sample in row.spread(torch.float64, DEEP):
            DeepCheck(row, sample, report).second_gradient()


def _spread(row: Row, dtype):
    """The first samples, of which one may allow a variant that others do not."""
    for i, sample in enumerate(row.samples(dtype)):
        if i == 10:
            return
        yield sample


def test_lists_name_ops_of_the_database():
    unknown = [n for n in {**MISSING, **FAILING} if n not in rows()]
    assert not unknown


def test_every_reason_says_something():
    assert all(len(reason) > 8 for reason in {**MISSING, **FAILING}.values())
