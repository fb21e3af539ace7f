"""The function transforms that are running in this thread: ``vmap``, ``grad``, ``jvp`` and nests of them.

``torch.func`` is not run through JAX tracers. A tracer would have to be pulled through the user's
whole function at once: closures over tensors that require grad, ``.item()`` inside ``grad``, writes,
random numbers, module state and ``backward`` through the result would all have to be worked around,
and the function would run again for each transformation of it. Instead each *call* is transformed:

* ``vmap`` is a property of values: the signature of a mapped operand names its levels, and the
  call's function is put under ``jax.vmap`` when the call is made (``core.lifting``);
* ``grad``, ``vjp`` are the tape, which dispatches ``jax.vjp`` of a call as a call of its own: inside
  ``vmap`` it is mapped like any other, so that per-sample gradients need nothing else;
* ``jvp`` pushes tangents through ``jax.jvp`` of each call (``core.forward``).

So everything a tensor can do works inside, transforms nest in any order and with the tape outside, what
they do is recorded and fused like other calls, and ``torch.compile`` captures it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .modes import modes
from .tape import serial
from .tensor import Storage, Tensor


class Transform:
    """One running transform. ``number`` counts the nesting, from 1."""

    def __init__(self) -> None:
        self.number = len(modes.transforms) + 1
        Storage.clock += 1
        self.born = Storage.clock
        self.first_node = next(serial)
        self.alive = True


class Mapping(Transform):
    """A ``vmap`` over ``size`` samples."""

    def __init__(self, size: int, randomness: str) -> None:
        super().__init__()
        self.size = size
        self.randomness = randomness


class Differentiation(Transform):
    """A ``grad``, ``vjp`` or ``jvp``. What was there before it must not be written to.

    ``inputs`` keeps the storages of the transformed function's arguments: those may.
    """

    def __init__(self) -> None:
        super().__init__()
        self.inputs: dict[int, Storage] = {}


@contextmanager
def running(transform: Any) -> Iterator[Any]:
    """Inside, the transform is the innermost one."""
    before = modes.transforms
    modes.transforms = (*before, transform)
    try:
        yield transform
    finally:
        modes.transforms = before
        transform.alive = False


@contextmanager
def outside(transform: Any) -> Iterator[None]:
    """Inside, the transform and those within it are not running."""
    before = modes.transforms
    modes.transforms = before[: before.index(transform)]
    try:
        yield
    finally:
        modes.transforms = before


def ended_mapping(number: int, size: int) -> Mapping:
    """A ``vmap`` that runs no longer, for what still carries its level."""
    found = Mapping(size, "same")
    found.number = number
    return found


def mappings() -> list[Mapping]:
    """The ``vmap`` calls that are running, the outermost first."""
    return [t for t in modes.transforms if type(t) is Mapping]


def is_running(number: int, sequence: int) -> bool:
    """Whether the level that a node of this age calls ``number`` still runs."""
    if number > len(modes.transforms):
        return False
    return modes.transforms[number - 1].first_node <= sequence


def check_captured(t: Tensor, operation: str) -> None:
    """Whether running transforms allow a write to ``t``.

    Raises:
        RuntimeError: it was captured by a function that is differentiated.
    """
    storage = t._storage
    if any(
        type(each) is Differentiation
        and storage.born < each.born
        and id(storage) not in each.inputs
        for each in modes.transforms
    ):
        raise RuntimeError(
            "During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call "
            f"in-place operation (aten::{operation}) that would mutate a captured Tensor. This is not "
            "supported; please rewrite the function being transformed to explicitly accept the mutated "
            "Tensor(s) as inputs."
        )


def refuse_backward() -> None:
    """``backward`` inside a transform.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError(
        "backward() called inside a functorch transform. This is not supported, please use functorch.grad "
        "or functorch.vjp instead or call backward() outside of functorch transforms."
    )


@contextmanager
def statistics_writable(mean: Tensor | None, var: Tensor | None, made: Tensor) -> Iterator[None]:
    """Inside, running statistics may be written to, captured or not: PyTorch's kernels do it unseen.

    Raises:
        RuntimeError: what is written differs from sample to sample, and they are there once for all.
    """
    if not modes.transforms:
        yield
        return
    for running_one in (mean, var):
        if running_one is not None and not set(made._v.aval.levels) <= set(
            running_one._v.aval.levels
        ):
            raise RuntimeError(
                "Batch norm got a batched tensor as input while the running_mean or running_var, which will "
                "be updated in place, were not batched.\nIf you are using a module and do not need eval mode, "
                "please set `track_running_stats` to be False.If you are using a prebuilt module and do not "
                "need eval mode, please see the functorch website for resources on how to patch your module "
                "to work with vmap"
            )
    before, modes.transforms = modes.transforms, ()
    try:
        yield
    finally:
        modes.transforms = before
