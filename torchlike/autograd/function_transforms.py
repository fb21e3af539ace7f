"""``autograd.Function`` inside of ``vmap`` and forward mode: its ``vmap`` and ``jvp`` rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from ..api import torch as T
from ..core.crossing import enter, leave
from ..core.forward import Level, below, mark, tangents_of
from ..core.modes import modes
from ..core.tensor import Tensor
from ..core.transforms import Mapping, ended_mapping, is_running, mappings, outside, running
from ..core.tree import broadcast_to_and_flatten, tree_flatten, tree_structure, tree_unflatten
from ..core.value import Levels

_NOTES = "For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"


class VmapInfo(NamedTuple):
    """What a ``vmap`` rule is told."""

    batch_size: int
    randomness: str


def levels_of(tensors: Sequence[Any]) -> Levels:
    """The levels that any of them is mapped over."""
    found: dict[int, int] = {}
    for t in tensors:
        if isinstance(t, Tensor):
            found.update(t._aval.levels)
    return tuple(sorted(found.items()))


# --- vmap ----------------------------------------------------------------------------------------


def mapped_forward(cls: Any, has_rule: bool, args: tuple[Any, ...]) -> tuple[bool, Any]:
    """What the function's ``vmap`` rule makes of mapped arguments; (False, None) if none applies.

    Raises:
        RuntimeError: there is no rule, or two.
    """
    levels = dict(levels_of(args))
    level = next((m for m in reversed(mappings()) if m.number in levels), None)
    if level is None:
        return False, None
    name = cls.__name__
    if cls.generate_vmap_rule:
        if has_rule:
            raise RuntimeError(
                f"You tried to vmap over {name}, but it has both generate_vmap_rule=True and an overridden "
                "vmap staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap "
                f"staticmethod to avoid ambiguity. {_NOTES}"
            )
        return False, None
    if not has_rule:
        raise RuntimeError(
            f"You tried to vmap over {name}, but it does not have vmap support. Please override and "
            f"implement the vmap staticmethod or set generate_vmap_rule=True. {_NOTES}"
        )
    return True, _by_rule(cls, level, args)


def _by_rule(cls: Any, level: Mapping, args: tuple[Any, ...]) -> Any:
    leaves, spec = tree_flatten(args)
    dims = [0 if level.number in dict(levels_of([x])) else None for x in leaves]
    whole = [x if dim is None else leave(x, 0, level) for x, dim in zip(leaves, dims, strict=True)]
    with outside(level):
        found = cls.vmap(
            VmapInfo(level.size, level.randomness),
            tree_unflatten(dims, spec),
            *tree_unflatten(whole, spec),
        )
    start = (
        "Expected the vmap staticmethod to have two returns, an output and out_dims with pytree structure "
        "compatible with the output. "
    )
    if not isinstance(found, tuple):
        raise RuntimeError(f"{start}Got a {type(found)} instead")
    if len(found) != 2:
        raise RuntimeError(f"{start}Got {len(found)} returns instead")
    output, out_dims = found
    outs, out_spec = tree_flatten(output)
    places = broadcast_to_and_flatten(out_dims, out_spec)
    if places is None:
        raise RuntimeError(
            "The autograd.Function's vmap staticmethod returned an incompatible (output, out_dims) tuple. "
            f"Expected out_dims={out_dims} to be compatible with the structure of `output`. out_dims has "
            f"structure {tree_structure(out_dims)} but output has structure {out_spec}. {_NOTES}"
        )
    originals = {id(w): x for w, x in zip(whole, leaves, strict=True)}
    return tree_unflatten(
        [
            originals[id(y)] if id(y) in originals
            else y if dim is None or not isinstance(y, Tensor)
            else enter(y, dim % max(y.ndim, 1), level)
            for y, dim in zip(outs, places, strict=True)
        ],
        out_spec,
    )  # fmt: skip


def ended_levels(levels: Levels, sequence: int) -> Levels:
    """Those of a node's levels that run no longer."""
    return tuple([level for level in levels if not is_running(level[0], sequence)])


def mapped_backward(
    ended: Levels, grads: list[Any], inputs: Sequence[Any], run: Callable[..., list[Any]]
) -> list[Any]:
    """A backward sample by sample although its ``vmap`` has ended: the levels run once more.

    ``run(grads, again)`` calls the user's backward; ``again`` brings a saved tensor into the levels.
    Inputs that all samples shared get the sum.
    """
    with ExitStack() as stack:
        levels = [stack.enter_context(running(Mapping(size, "same"))) for _, size in ended]

        def inside(t: Tensor, numbers: Iterable[int]) -> Tensor:
            for (number, _), level in zip(ended, levels, strict=True):
                if number in numbers:
                    t = enter(t, 0, level)
            return t

        def again(t: Tensor) -> Tensor:
            mine = dict(t._v.aval.levels)
            for number, size in reversed(ended):
                if number in mine:
                    t = leave(t, 0, ended_mapping(number, size))
            return inside(t, mine)

        every = dict(ended)
        found = run([None if g is None else inside(g, every) for g in grads], again)
        for level in reversed(levels):
            found = [None if g is None else leave(g, 0, level) for g in found]
    made = []
    for g, a in zip(found, inputs, strict=True):
        shared = [i for i, (number, _) in enumerate(ended) if number not in dict(a.levels)]
        made.append(T.sum(g, shared) if g is not None and shared else g)
    return made


# --- forward mode --------------------------------------------------------------------------------


@contextmanager
def tangents_ignored() -> Iterator[None]:
    """Inside, calls push no tangents: the function's own rule does."""
    before, modes.forward_enabled = modes.forward_enabled, False
    try:
        yield
    finally:
        modes.forward_enabled = before


def push_function(ctx: Any, jvp: Callable[..., Any], args: tuple[Any, ...], output: Any) -> None:
    """Gives the outputs the tangents that the function's ``jvp`` computes."""
    tangents = [tangents_of(a) or {} if isinstance(a, Tensor) else {} for a in args]
    levels: list[Level] = sorted({level for each in tangents for level in each})
    outs = list(output if isinstance(output, (tuple, list)) else (output,))
    for level in levels:
        given = [
            _direction(ctx, a, each.get(level)) for a, each in zip(args, tangents, strict=True)
        ]
        ctx._forward_level = level
        try:
            found = jvp(ctx, *given)
        finally:
            ctx._forward_level = None
        found = found if isinstance(found, (tuple, list)) else (found,)
        for y, q in zip(outs, found, strict=True):
            if isinstance(y, Tensor) and isinstance(q, Tensor):
                y._tangents = {**(y._tangents or {}), level: below(q, level)}
                mark(y)


def _direction(ctx: Any, a: Any, q: Tensor | None) -> Tensor | None:
    if q is not None:
        return q
    is_moving = isinstance(a, Tensor) and a._v.aval.inexact and ctx.materialize_grads
    return T.zeros_like(a.detach()) if is_moving else None
