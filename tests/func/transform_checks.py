"""What is checked of one op under a transform, on one sample, against PyTorch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch

import torchlike

from ..compare import (
    GRADIENT_FACTOR,
    NoSuchTensor,
    Raised,
    assert_same,
    leaves,
    outcome,
    to_own,
    tree_map,
)
from ..ops.checks import Check, Report, _as_own, _as_real, _cotangent, _said, call
from ..ops.op_database import SEED, Row, Sample


def _with_tensors(inputs: Any, tensors: Sequence[Any], replaced: set[int]) -> Any:
    """The arguments with the tensors at those places exchanged."""
    rest = iter(tensors)
    place = iter(range(len(leaves(inputs))))
    return tree_map(lambda x: next(rest) if next(place) in replaced else x, inputs)


def _tensor_places(inputs: Any) -> list[int]:
    return [i for i, x in enumerate(leaves(inputs)) if isinstance(x, torch.Tensor)]


class TransformCheck(Check):
    """One op on one sample, under ``vmap`` and ``jvp``."""

    def __init__(self, row: Row, sample: Sample, report: Report) -> None:
        plain = tree_map(lambda x: x.detach() if isinstance(x, torch.Tensor) else x, sample.inputs)
        first, args, kwargs = plain
        super().__init__(
            row, dataclasses.replace(sample, input=first, args=args, kwargs=kwargs), report
        )

    def has_sparse(self) -> bool:
        """PyTorch's transforms take dense tensors only."""
        tensors = [x for x in leaves(self.sample.inputs) if isinstance(x, torch.Tensor)]
        return any(t.layout is not torch.strided for t in tensors)

    # --- vmap --------------------------------------------------------------------------------

    def vmap(self, only_first: bool = False) -> bool | None:
        """``vmap`` of the op equals the op on each sample; None if PyTorch refuses.

        Where PyTorch has no rule for the op, torchlike may refuse too, but not be wrong.
        """
        if self.has_sparse():
            return None
        inputs = self.theirs()
        places = _tensor_places(inputs)[: 1 if only_first else None]
        tensors = [leaves(inputs)[i] for i in places]
        if not places or any(t.device.type == "meta" for t in tensors):
            return None
        samples = [self._sample(places, 1.0), self._sample(places, 0.875)]
        expected = []
        for s in samples:
            torch.manual_seed(SEED)
            out = outcome(call, self.reference, s.fresh(self.row.keep_storage))
            if isinstance(out, Raised) or not all(isinstance(x, torch.Tensor) for x in leaves(out)):
                return None
            expected.append(out)
        shapes = [[tuple(x.shape) for x in leaves(e)] for e in expected]
        if shapes[0] != shapes[1]:
            return None
        stacks = [torch.stack([leaves(s.inputs)[i] for s in samples]) for i in places]
        promised = not isinstance(outcome(self._mapped, torch, stacks, places), Raised)
        wrong = None
        try:
            found = self._mapped(torchlike, [to_own(t) for t in stacks], places)
        except NoSuchTensor:
            return None
        except Exception as error:
            if not promised:
                return None
            wrong = _said(error)
        else:
            wrong = self._samplewise(samples, expected, found)
        return self.report.add("vmap", wrong, self.repro(f"vmap:{self.row.path}"))

    def _sample(self, places: list[int], factor: float) -> Sample:
        """The sample with its real and complex numbers scaled."""

        def scaled(x: torch.Tensor) -> torch.Tensor:
            return x * factor if x.dtype.is_floating_point or x.dtype.is_complex else x.clone()

        inputs = self.sample.inputs
        tensors = [scaled(leaves(inputs)[i]) for i in places]
        first, args, kwargs = _with_tensors(inputs, tensors, set(places))
        return dataclasses.replace(self.sample, input=first, args=args, kwargs=kwargs)

    def _mapped(self, library: Any, stacks: list[Any], places: list[int]) -> Any:
        inputs = self.theirs() if library is torch else self.ours()
        fn = self.reference if library is torch else self.own
        library.manual_seed(SEED)

        def of_one(*tensors: Any) -> Any:
            return call(fn, _with_tensors(inputs, tensors, set(places)))

        return library.func.vmap(of_one, randomness="different")(*stacks)

    def _samplewise(self, samples: list[Sample], expected: list[Any], found: Any) -> str | None:
        random = self.is_random(expected[0])
        try:
            for i, (s, e) in enumerate(zip(samples, expected, strict=True)):
                one = tree_map(lambda x, i=i: x[i] if isinstance(x, torchlike.Tensor) else x, found)
                if type(found) is not type(one):
                    one = type(found)(*one) if hasattr(found, "_fields") else one
                Check(self.row, s, self.report).compare(e, one, random)
        except Exception as error:
            return _said(error)
        return None

    # --- forward mode --------------------------------------------------------------------------

    def jvp(self, differentiated: Sequence[int]) -> bool | None:
        """Tangents of the op's results are PyTorch's; None if PyTorch has none."""
        if not self.row.info.supports_forward_ad or not differentiated or self.has_sparse():
            return None
        settled = outcome(self._is_comparable)
        if isinstance(settled, Raised) or not settled:
            return None
        self.differentiated = list(differentiated)
        expected = outcome(self._pushed, torch)
        if isinstance(expected, Raised) or not leaves(expected):
            return None
        wrong = None
        try:
            found = self._pushed(torchlike)
        except NoSuchTensor:
            return None
        except Exception as error:
            wrong = _said(error)
        else:
            limit = self.row.tolerance.times(GRADIENT_FACTOR)
            differs = outcome(assert_same, expected, _as_own(_as_real(found)), limit)
            wrong = None if differs is None else differs.line
        return self.report.add("jvp", wrong, self.repro(f"jvp:{self.row.path}"))

    def _is_comparable(self) -> bool:
        """Another choice among equals has another derivative."""
        out = call(self.reference, self.theirs())
        if self.is_random(out):
            return False
        return self.canonical is None or self.sample.process is not None or self._is_settled(out)

    def _pushed(self, library: Any) -> Any:
        places = self.differentiated
        theirs = self.theirs()
        primals = tuple([leaves(theirs)[i] for i in places])
        tangents = tuple([_cotangent(p, k) for k, p in enumerate(primals)])
        fn = self.reference
        inputs = theirs
        if library is torchlike:
            inputs = self.ours()
            primals = tuple([leaves(inputs)[i] for i in places])
            tangents = to_own(tangents)
            fn = self.own
        library.manual_seed(SEED)

        def of_moving(*tensors: Any) -> Any:
            out = self._differentiated(fn, _with_tensors(inputs, tensors, set(places)), library)
            return tuple([
                x for x in leaves(out)
                if isinstance(x, library.Tensor) and (x.is_floating_point() or x.is_complex())
            ])  # fmt: skip

        return library.func.jvp(of_moving, primals, tangents)[1]


def differentiated_places(sample: Sample) -> list[int]:
    """Where in a sample's leaves the tensors are that require grad."""
    return [
        i for i, x in enumerate(leaves(sample.inputs))
        if isinstance(x, torch.Tensor) and x.requires_grad
    ]  # fmt: skip
