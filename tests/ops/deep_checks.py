"""What else an op promises: ``out=``, strides and aliasing of its results, warnings, second gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

import torchlike

from ..compare import NoSuchTensor, Raised, assert_same, leaves, outcome, same_kind, tidy
from .checks import Check, _as_real, _cotangent, _detached, _tensors, call


class DeepCheck(Check):
    """One op on one sample, like ``Check``, with everything but its values."""

    def run_deeply(self) -> None:
        torch.manual_seed(0)
        inputs = self.theirs()
        with warnings.catch_warnings(record=True) as theirs:
            warnings.simplefilter("always")
            expected = outcome(call, self.reference, inputs)
        if isinstance(expected, Raised) or not self._can_cross():
            return
        mine = self.ours()
        with warnings.catch_warnings(record=True) as ours:
            warnings.simplefilter("always")
            found = outcome(call, self.own, mine)
        if isinstance(found, Raised):
            return  # said by the check of its values
        self._note("warning", _differing_warnings(theirs, ours))
        self._note("stride", outcome(_same_layout, expected, found))
        self._note("alias", outcome(_same_aliases, (inputs, expected), (mine, found)))
        if self.row.info.supports_out and not self.is_random(expected):
            for name, make in OUTS.items():
                self._out(name, make, expected)

    def _can_cross(self) -> bool:
        try:
            self.ours()
        except NoSuchTensor:
            return False
        return True

    def _note(self, kind: str, wrong: Any) -> None:
        said = wrong.line if isinstance(wrong, Raised) else wrong
        self.report.add(kind, said, self.repro())

    # --- out= ----------------------------------------------------------------------------------

    def _out(self, name: str, make: Callable[[Any, Any], Any], expected: Any) -> None:
        """The same call with ``out=`` of some kind: its result, its layout, or the error."""
        given = outcome(self._with_out, torch, self.reference, make, expected)
        found = outcome(self._with_out, torchlike, self.own, make, expected)
        wrong = None
        if isinstance(given, Raised):
            if not (isinstance(found, Raised) and same_kind(given.kind, found.kind)):
                wrong = (
                    f"expected {given}, got {found if isinstance(found, Raised) else 'a result'}"
                )
        elif isinstance(found, Raised):
            wrong = f"raises {found}"
        else:
            wrong = outcome(self._same_outs, given, found, name != "empty")
            wrong = wrong.line if isinstance(wrong, Raised) else None
        self.report.add("out", None if wrong is None else f"({name}) {wrong}", self.repro())

    def _with_out(
        self, library: Any, fn: Any, make: Callable[[Any, Any], Any], expected: Any
    ) -> Any:
        first, args, kwargs = _detached(self.theirs()) if library is torch else self.ours(True)
        outs = [make(library, x) for x in leaves(expected) if isinstance(x, torch.Tensor)]
        if not outs:
            raise ValueError("no tensor to write to")
        out = tuple(outs) if isinstance(expected, tuple) else outs
        out = out if isinstance(expected, (list, tuple)) else outs[0]
        result = fn(first, *args, **kwargs, out=out)
        returned = [x for x in leaves(result) if isinstance(x, (torch.Tensor, torchlike.Tensor))]
        assert all(a is b for a, b in zip(returned, outs, strict=True)), "does not return out"
        return outs

    def _same_outs(self, expected: list[torch.Tensor], found: list[Any], kept: bool) -> None:
        for e, f in zip(expected, found, strict=True):
            assert_same(e, f, values=False)
            if kept and e.numel() > 1:
                assert tuple(e.stride()) == tuple(f.stride()), (
                    f"strides {e.stride()} against {f.stride()}"
                )
        several = len(expected) > 1  # as the call without ``out`` returns them
        pair = (tuple(expected), tuple(found)) if several else (expected[0], found[0])
        self.compare(*pair, False)

    # --- second gradients --------------------------------------------------------------------------

    def second_gradient(self) -> None:
        """Gradients of gradients, for fixed cotangents; in the sample's dtype."""
        expected = outcome(self._twice, torch, self.reference)
        if isinstance(expected, Raised) or expected is None or not self._can_cross():
            return
        found = outcome(self._twice, torchlike, self.own)
        wrong = None
        if isinstance(found, Raised):
            wrong = f"raises {found}"
        elif found is None:
            wrong = "has no second gradient"
        else:
            pairs = [(e, f) for e, f in zip(expected, found, strict=True) if f is not None]
            filled = [torch.zeros_like(_as_real(f)) if e is None else e.detach() for e, f in pairs]
            if any(f is None and e is not None and bool(e.abs().sum() > 0)
                   for e, f in zip(expected, found, strict=True)):  # fmt: skip
                wrong = "a second gradient is missing"
            else:
                same = outcome(
                    assert_same, filled, [f.detach() for _, f in pairs], self.row.tolerance.times(5)
                )
                wrong = same.line if isinstance(same, Raised) else None
        self.report.add("second gradient", wrong, self.repro())

    def _twice(self, library: Any, fn: Any) -> Any:
        library.manual_seed(0)
        inputs = self.theirs() if library is torch else self.ours()
        out = self._differentiated(fn, inputs, library)
        outs = [x for x in _tensors(out) if x.requires_grad]
        wanted = [x for x in _tensors(inputs) if x.requires_grad]
        first = _grads(library, outs, wanted, 0)
        first = [g for g in first if g is not None and g.requires_grad]
        if not first:
            return None
        return _grads(library, first, wanted, 7)


def _grads(library: Any, outs: list[Any], wanted: list[Any], seed: int) -> Any:
    cotangents = []
    for k, x in enumerate(outs):
        like = torch.empty(tuple(x.shape), dtype=getattr(torch, str(x.dtype).rpartition(".")[2]))
        made = _cotangent(like, seed + k)
        cotangents.append(made if library is torch else torchlike.from_numpy(made.numpy().copy()))
    return library.autograd.grad(outs, wanted, cotangents, create_graph=True, allow_unused=True)


def _differing_warnings(theirs: list[Any], ours: list[Any]) -> str | None:
    def told(caught: list[Any]) -> set[tuple[str, str]]:
        lines = {(w.category.__name__, tidy(str(w.message).partition("\n")[0])) for w in caught}
        return {(kind, line.partition(" (Triggered internally")[0].strip()) for kind, line in lines}

    missing = told(theirs) - told(ours)
    more = told(ours) - told(theirs)
    if not missing and not more:
        return None
    return f"warnings not given {sorted(missing)}; given too much {sorted(more)}"


def _same_layout(expected: Any, found: Any) -> None:
    for e, f in zip(_tensors(expected), _tensors(found), strict=True):
        if e.layout is torch.strided and e.numel() > 1:
            assert tuple(e.stride()) == tuple(f.stride()), (
                f"strides {e.stride()} against {f.stride()}"
            )
            assert e.storage_offset() == f.storage_offset(), "storage offsets differ"


def _same_aliases(theirs: tuple[Any, Any], ours: tuple[Any, Any]) -> None:
    """Which results share memory with which inputs, and which are views for autograd."""
    assert _sharing(*theirs) == _sharing(*ours), (
        f"aliases {_sharing(*theirs)} against {_sharing(*ours)}"
    )


def _sharing(inputs: Any, results: Any) -> list[tuple[int, int, bool]]:
    found = []
    for k, out in enumerate(_tensors(results)):
        for i, x in enumerate(_tensors(inputs)):
            strided = str(out.layout) == str(x.layout) == "torch.strided"
            if strided and out.numel() and x.numel() and _storage(out) == _storage(x):
                found.append((k, i, out is x))
    return found


def _storage(t: Any) -> Any:
    return t.untyped_storage().data_ptr() if isinstance(t, torch.Tensor) else id(t._storage)


def _like(library: Any, x: torch.Tensor, **changed: Any) -> Any:
    options = {"dtype": getattr(library, str(x.dtype).rpartition(".")[2])} | changed
    return (
        library.zeros(tuple(x.shape), **options)
        if "shape" not in options
        else library.zeros(**options)
    )


def _plain(library: Any, x: torch.Tensor) -> Any:
    return _like(library, x)


def _strided(library: Any, x: torch.Tensor) -> Any:
    """Every other element of something larger, its dims reversed."""
    large = library.zeros(tuple(2 * n for n in reversed(x.shape)), dtype=_like(library, x).dtype)
    for dim in range(x.ndim):
        large = large.narrow(dim, 0, large.shape[dim])[
            (slice(None),) * dim + (slice(None, None, 2),)
        ]
    return large.permute(*reversed(range(x.ndim))) if x.ndim else large


def _empty(library: Any, x: torch.Tensor) -> Any:
    return library.zeros(0, dtype=_like(library, x).dtype)


def _other_dtype(library: Any, x: torch.Tensor) -> Any:
    return library.zeros(
        tuple(x.shape), dtype=library.int64 if x.dtype.is_floating_point else library.float64
    )


OUTS = {"same": _plain, "strided": _strided, "empty": _empty, "another dtype": _other_dtype}
