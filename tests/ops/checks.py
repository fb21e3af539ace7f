"""What is checked of one op on one sample; every check returns None or one line that says what is wrong."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import torchlike

from ..compare import (
    GRADIENT_FACTOR,
    NoSuchTensor,
    Raised,
    Tolerance,
    assert_same,
    dtype_name,
    leaves,
    numpy_of,
    outcome,
    raised,
    real_tensor,
    same_kind,
    tidy,
    to_own,
    tree_map,
)
from .canonical import CANONICAL
from .op_database import SEED, Row, Sample, rebound

# Their results carry no information: only shape and dtype are compared
UNINITIALISED = {
    "empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided", "resize_",
    "resize_as_",
}  # fmt: skip
RANDOM = {
    "cauchy", "exponential", "geometric", "log_normal", "normal", "uniform", "randn", "randn_like", "rand_like",
    "randint", "randint_like", "multinomial", "bernoulli",
}  # fmt: skip
# PyTorch's own gradients of their secondary outputs are wrong when only those are used
FIRST_OUTPUT = {"native_group_norm"}
# Gradient wrappers of the database: the input is made Hermitian, triangular, … on both sides
WRAPPERS = {
    "gradcheck_wrapper_hermitian_input", "gradcheck_wrapper_triangular_input_real_positive_diagonal",
    "gradcheck_wrapper_ctc_loss",
}  # fmt: skip
TRIANGULAR = {"cholesky_solve", "triangular_solve"}
MASKED = {"gradcheck_wrapper_masked_operation", "gradcheck_wrapper_masked_pointwise_operation"}
# Which of several equal elements gets the gradient is free
TIES = {"msort"}
WIDER = {
    torch.float16: torch.float64, torch.bfloat16: torch.float64, torch.float32: torch.float64,
    torch.complex64: torch.complex128,
}  # fmt: skip


@dataclasses.dataclass
class Report:
    """What one op passed and failed: counts by kind, and the failures with their repro lines."""

    counts: dict[str, list[int]] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(lambda: [0, 0])
    )
    failures: list[str] = dataclasses.field(default_factory=list)
    left_out: int = 0  # samples of sparse tensors and the like, which torchlike does not have

    def add(self, kind: str, wrong: str | None, repro: str) -> bool:
        self.counts[kind][1] += 1
        if wrong is None:
            self.counts[kind][0] += 1
        else:
            self.failures.append(f"{kind}: {wrong}\n    {repro}")
        return wrong is None


def call(fn: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
    first, args, kwargs = inputs
    return fn(first, *args, **kwargs)


class Check:
    """One op on one sample."""

    def __init__(self, row: Row, sample: Sample, report: Report, where: str = "") -> None:
        self.row = row
        self.sample = sample
        self.report = report
        self.where = where
        self.reference = row.on(torch)
        self.own = row.on(torchlike)
        self.canonical = CANONICAL.get(row.info.name)

    # --- inputs ------------------------------------------------------------------------------

    def theirs(self) -> tuple[Any, ...]:
        return self.sample.fresh(self.row.keep_storage)

    def ours(self, detached: bool = False) -> tuple[Any, ...]:
        inputs = self.theirs()
        if detached:
            for x in _tensors(inputs):
                x.requires_grad_(False)
        return to_own(inputs, self.row.keep_storage)

    def repro(self, name: str | None = None) -> str:
        return f"{self.where}{written(name or self.row.path, self.sample)}"

    # --- forward -----------------------------------------------------------------------------

    def run(self, kind: str = "forward") -> bool | None:
        """Forward and, if that is right, gradient; None if PyTorch itself refuses the sample."""
        torch.manual_seed(SEED)
        inputs = self.theirs()
        expected = outcome(call, self.reference, inputs)
        if isinstance(expected, Raised):
            return None
        try:
            self.ours()
            random = self.is_random(expected)
        except NoSuchTensor:
            self.report.left_out += 1
            return None
        wrong = self.forward(expected, inputs, random)
        if not self.report.add(kind, wrong, self.repro()):
            return False
        changed = any(a.requires_grad and not _equal(a, b) for a, b in self._pairs(inputs))
        if not random and not changed and any(x.requires_grad for x in _tensors(inputs)):
            return self.gradient()
        return True

    def forward(self, expected: Any, inputs: Any, random: bool) -> str | None:
        torchlike.manual_seed(SEED)
        mine = self.ours()
        try:
            found = call(self.own, mine)
            self.compare(expected, found, random)
            for k, ((before, after), own) in enumerate(
                zip(self._pairs(inputs), _tensors(mine), strict=True)
            ):
                if not _equal(before, after):
                    assert_same(after.detach(), own, self.row.tolerance, where=f"written input {k}")
        except Exception as error:
            return _said(error)
        return None

    def _pairs(self, inputs: Any) -> list[tuple[Any, Any]]:
        return list(zip(_tensors(self.sample.inputs), _tensors(inputs), strict=True))

    def is_random(self, first: Any) -> bool:
        name = self.row.info.name
        if name in UNINITIALISED or name in RANDOM or self.row.info.has_nondeterministic_output:
            return True
        if self.canonical is not None:
            return False
        torch.manual_seed(SEED + 1)
        second = outcome(call, self.reference, self.theirs())
        return outcome(assert_same, first, _as_own(second), self.row.tolerance) is not None

    def compare(self, expected: Any, found: Any, random: bool) -> None:
        assert_same(expected, found, values=False)
        if random:
            return
        real = _as_real(found)
        if self.canonical is not None:
            plain = tree_map(
                lambda x: x.detach() if isinstance(x, torch.Tensor) else x, self.theirs()
            )
            expected, real = (self.canonical(x, *plain) for x in (expected, real))
        wrong = outcome(assert_same, expected, _as_own(real), self.row.tolerance)
        if wrong is not None:
            self.second_opinion(expected, real, wrong)

    def second_opinion(self, expected: Any, real: Any, wrong: Raised) -> None:
        """Accepts what is as close to the result in double precision as PyTorch's own, times four.

        Raises:
            AssertionError: it is not.
        """
        wide = tree_map(_widened, self.theirs())
        truth = outcome(call, self.reference, wide)
        if not isinstance(truth, Raised) and self.canonical is not None:
            truth = self.canonical(truth, *wide)
        self._check_close(leaves(expected), leaves(real), leaves(truth), wrong, self.row.tolerance)

    def _check_close(
        self, expected: Any, real: Any, truth: Any, wrong: Raised, limit: Tolerance
    ) -> None:
        if len(truth) != len(expected):
            raise AssertionError(wrong.line)
        for e, r, w in zip(expected, real, truth, strict=True):
            if isinstance(e, torch.Tensor) and not _is_close(e, r, w, limit):
                raise AssertionError(wrong.line)

    # --- gradient ----------------------------------------------------------------------------

    def gradient(self) -> bool:
        """Gradients for fixed cotangents; True also if the database has none to compare."""
        expected = outcome(self._reference_gradients, lambda x: x)
        if isinstance(expected, Raised) or expected is None:
            return True
        if (
            self.row.info.name in TIES
            and len(set(self.sample.input.reshape(-1).tolist())) < self.sample.input.numel()
        ):
            return True
        places, cotangents, grads = expected
        wrong = None
        try:
            found = self._own_gradients(places, cotangents)
            self._compare_gradients(grads, found, cotangents)
        except Exception as error:
            wrong = _said(error)
        return self.report.add("gradient", wrong, self.repro())

    def _differentiated(self, fn: Callable[..., Any], inputs: Any, library: Any) -> Any:
        wrapper = self.row.info.gradcheck_wrapper
        if wrapper.__name__ in WRAPPERS or self.row.info.name in TRIANGULAR:
            first, args, kwargs = inputs
            out = rebound(wrapper, library)(fn, first, *args, **kwargs)
        else:
            out = call(fn, inputs)
        return out if self.sample.process is None else self.sample.process(out)

    def _reference_gradients(self, widen: Callable[[Any], Any], cotangents: Any = None) -> Any:
        torch.manual_seed(SEED)
        inputs = tree_map(widen, self.theirs())
        out = self._differentiated(self.reference, inputs, torch)
        if self.canonical is not None and self.sample.process is None and not self._is_settled(out):
            return None  # another choice among equals has another gradient
        outs = leaves(out)
        places = [i for i, x in enumerate(outs) if isinstance(x, torch.Tensor) and x.requires_grad]
        if self.row.info.name in FIRST_OUTPUT:
            places = places[:1]
        if not places:
            return None
        if cotangents is None:
            cotangents = [self._masked(_cotangent(outs[i], i), inputs) for i in places]
        cotangents = [widen(c) for c in cotangents]
        wanted = [x for x in _tensors(inputs) if x.requires_grad]
        grads = torch.autograd.grad(
            [outs[i] for i in places], wanted, cotangents, allow_unused=True
        )
        return None if all(g is None for g in grads) else (places, cotangents, grads)

    def _is_settled(self, out: Any) -> bool:
        found = outcome(call, self.own, self.ours(detached=True))
        plain = tree_map(lambda x: x.detach() if isinstance(x, torch.Tensor) else x, out)
        return outcome(assert_same, plain, found, self.row.tolerance) is None

    def _masked(self, cotangent: torch.Tensor, inputs: Any) -> torch.Tensor:
        """Zero where a masked operation's result is not defined."""
        first, args, kwargs = tree_map(
            lambda x: x.detach() if isinstance(x, torch.Tensor) else x, inputs
        )
        name = self.row.info.gradcheck_wrapper.__name__
        if name == "gradcheck_wrapper_masked_operation" and kwargs.get("mask") is not None:
            return cotangent * torch.masked._output_mask(self.row.info.op, first, *args, **kwargs)
        both = kwargs.get("input_mask"), kwargs.get("other_mask")
        if name == "gradcheck_wrapper_masked_pointwise_operation" and None not in both:
            return cotangent * torch.masked._input_mask(
                first, *args, **kwargs | {"mask": both[0] & both[1]}
            )
        return cotangent

    def _own_gradients(self, places: list[int], cotangents: list[torch.Tensor]) -> Any:
        torchlike.manual_seed(SEED)
        inputs = self.ours()
        outs = leaves(self._differentiated(self.own, inputs, torchlike))
        wanted = [x for x in _tensors(inputs) if x.requires_grad]
        return torchlike.autograd.grad(
            [outs[i] for i in places], wanted, [to_own(c) for c in cotangents], allow_unused=True
        )

    def _compare_gradients(self, expected: Any, found: Any, cotangents: Any) -> None:
        limit = self.row.tolerance.times(GRADIENT_FACTOR)
        filled = [
            torch.zeros_like(real_tensor(f)) if e is None else e
            for e, f in zip(expected, found, strict=True)
            if f is not None
        ]
        missing = [i for i, (e, f) in enumerate(zip(expected, found, strict=True))
                   if f is None and e is not None and bool(e.abs().sum() > 0)]  # fmt: skip
        assert not missing, f"no gradient for inputs {missing}"
        real = [_as_real(f) for f in found if f is not None]
        wrong = outcome(assert_same, filled, _as_own(real), limit)
        if wrong is None:
            return
        truth = outcome(self._reference_gradients, _widened, cotangents)
        if isinstance(truth, Raised) or truth is None:
            raise AssertionError(wrong.line)
        wide = [t for t, f in zip(truth[2], found, strict=True) if f is not None]
        self._check_close(filled, real, wide, wrong, limit)

    # --- method, in place, aliases, operators ---------------------------------------------------

    def variant(self, kind: str, name: str, get: Callable[[Any], Any]) -> bool | None:
        """None if PyTorch itself refuses it on this sample."""
        if (
            kind == "in place"
            and self.sample.broadcasts
            or not isinstance(self.sample.input, torch.Tensor)
        ):
            return None
        inputs = _detached(self.theirs())
        torch.manual_seed(SEED)
        expected = outcome(call, get(torch), inputs)
        if isinstance(expected, Raised):
            return None
        torchlike.manual_seed(SEED)
        wrong = None
        try:
            mine = self.ours(detached=True)
            version = mine[0]._version
            found = call(get(torchlike), mine)
            self.compare(expected, found, self.is_random(expected))
            if kind == "in place" and expected is inputs[0]:
                assert found is mine[0], "does not return the tensor that it wrote to"
                bumped = inputs[0]._version > 0
                assert not bumped or mine[0]._version > version, "does not count as a write"
        except NoSuchTensor:
            return None
        except Exception as error:
            wrong = _said(error)
        return self.report.add(kind, wrong, self.repro(name))

    # --- errors --------------------------------------------------------------------------------

    def error(self) -> None:
        """The exception's type is PyTorch's; its first line is counted on its own."""
        expected = outcome(call, self.reference, self.theirs())
        if not isinstance(expected, Raised):
            return
        try:
            mine = self.ours()
        except NoSuchTensor:
            self.report.left_out += 1
            return
        found = outcome(
            lambda: [numpy_of(t) for t in _tensors(call(self.own, mine)) if t.device.type != "meta"]
        )
        ok = isinstance(found, Raised) and same_kind(expected.kind, found.kind)
        said = found if isinstance(found, Raised) else "a result"
        self.report.add("error", None if ok else f"expected {expected}, got {said}", self.repro())
        if ok:
            same = tidy(expected.line) == tidy(found.line)
            wrong = None if same else f"expected {expected.line!r}, got {found.line!r}"
            self.report.add("message", wrong, self.repro())


# --- helpers -------------------------------------------------------------------------------------


def _tensors(tree: Any) -> list[Any]:
    return [x for x in leaves(tree) if isinstance(x, (torch.Tensor, torchlike.Tensor))]


def _detached(inputs: Any) -> Any:
    for x in _tensors(inputs):
        x.requires_grad_(False)
    return inputs


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.layout is not torch.strided or a.device.type == "meta":
        return True
    return a.shape == b.shape and np.array_equal(
        numpy_of(a), numpy_of(b), equal_nan=a.dtype.is_floating_point
    )


def _said(error: BaseException) -> str:
    found = raised(error)
    return found.line if isinstance(error, AssertionError) else f"raises {found}"


def _as_real(tree: Any) -> Any:
    def leaf(x: Any) -> Any:
        if not isinstance(x, torchlike.Tensor):
            return x
        if x.device.type == "meta":
            return torch.empty(
                tuple(x.shape), dtype=getattr(torch, dtype_name(x.dtype)), device="meta"
            )
        return real_tensor(x)

    return tree_map(leaf, tree)


def _as_own(tree: Any) -> Any:
    """For ``assert_same``, which wants torchlike's on one side."""
    return to_own(tree_map(lambda x: x.detach() if isinstance(x, torch.Tensor) else x, tree))


def _widened(x: Any) -> Any:
    if isinstance(x, torch.Tensor) and x.dtype in WIDER:
        return x.detach().to(WIDER[x.dtype]).requires_grad_(x.requires_grad)
    return x


def _cotangent(out: torch.Tensor, k: int) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(SEED + k)
    real = torch.rand(out.shape, generator=drawn, dtype=torch.float64) + 0.5
    if out.dtype.is_complex:
        real = torch.complex(
            real, torch.rand(out.shape, generator=drawn, dtype=torch.float64) - 0.5
        )
    return real.to(out.dtype)


def _is_close(expected: torch.Tensor, found: torch.Tensor, truth: Any, limit: Tolerance) -> bool:
    if (
        not isinstance(truth, torch.Tensor)
        or truth.shape != expected.shape
        or expected.dtype not in WIDER
    ):
        return outcome(assert_same, expected.detach(), _as_own(found), limit) is None
    e, f, w = (numpy_of(x).astype(np.complex128) for x in (expected, found, truth))
    rtol, atol = limit.of(dtype_name(expected.dtype))
    with np.errstate(all="ignore"):
        slack = 4 * np.abs(e - w)
        # a reference that is wildly off says nothing
        slack = np.where(np.isfinite(slack) & (slack <= 4e-2 * (1 + np.abs(w))), slack, 0.0)
        size = np.abs(w[np.isfinite(w)]).max(initial=1.0) if limit.scaled else 1.0
        near = np.abs(f - w) <= rtol * np.abs(w) + atol * min(max(size, 1.0), 1000.0) + slack
        close = np.abs(f - e) <= rtol * np.abs(e) + atol
        same = (f == e) | (np.isnan(f) & np.isnan(e))
    return bool((near | close | same).all())


def written(path: str, sample: Sample) -> str:
    """The call as one line of Python."""
    args = [_written(x) for x in (sample.input, *sample.args)]
    args += [f"{k}={_written(x)}" for k, x in sample.kwargs.items()]
    text = f"torch.{path}({', '.join(args)})"
    return text if len(text) < 600 else text[:600] + "…"


def _written(x: Any) -> str:
    if isinstance(x, torch.Tensor):
        if x.numel() > 40 or x.is_meta or x.layout is not torch.strided:
            return f"make_tensor({tuple(x.shape)}, dtype={x.dtype}, device='cpu')"
        values = tree_map(
            lambda v: float(f"{v:.5g}") if isinstance(v, float) else v, x.detach().tolist()
        )
        grad = ", requires_grad=True" if x.requires_grad else ""
        return f"torch.tensor({values}, dtype={x.dtype}{grad})"
    if isinstance(x, (list, tuple)) and not isinstance(x, torch.Size):
        inner = ", ".join(_written(e) for e in x)
        return f"[{inner}]" if isinstance(x, list) else f"({inner},)"
    return repr(x)
