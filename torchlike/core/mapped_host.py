"""Host work inside of ``vmap``: random numbers by its ``randomness``, the rest sample by sample."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .device import default_device
from .dtypes import from_np
from .modes import modes
from .operand import Operand
from .registry import OpDef
from .tensor import Tensor, wrap
from .transforms import Mapping, mappings
from .value import Levels, Value, aval, whole_on_host

_RANDOMNESS = (
    "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
    "'different' randomness flags on vmap or perform the randomness operation out of vmap"
)
_SAME = (
    "Vmap does not currently support same randomness with a batched tensor input. Please file an issue "
    "with functorch"
)
_UNMAPPED = (
    "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same "
    "randomness. If this is necessary for your usage, please file an issue with functorch."
)
_DYNAMIC = (
    "vmap: We do not support batching operators that can output dynamic shape. Attempted to vmap over "
    "aten::{}. Please file an issue at https://github.com/pytorch/pytorch/issues if you need this feature."
)
_REFUSED = {
    "nonzero": _DYNAMIC.format("nonzero"),
    "nonzero_tuple": _DYNAMIC.format("nonzero"),
    "unique": _DYNAMIC.format("_unique2"),
    "unique_consecutive": _DYNAMIC.format("unique_consecutive"),
    "equal": "Batching rule not implemented for aten::equal. We could not generate a fallback.",
    "allclose": (
        "vmap over torch.allclose isn't supported yet. Please file an issue at "
        "https://github.com/pytorch/pytorch/issues if you need this feature."
    ),
    "masked_select": (
        "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot support this "
        "because for each batch this would return a differently shaped Tensor. Please file an issue at "
        "https://github.com/pytorch/pytorch/issues if you need this feature."
    ),
}
# Their numbers are drawn for all samples at once: normal ones come in blocks.
_WHOLE = frozenset(("normal_of_mean", "normal_of_std", "normal_of_both"))


class _Sample:
    """An operand of one sample, as host code sees it."""

    __slots__ = ("place", "run", "tensor")

    def __init__(self, tensor: Tensor, place: dict[int, int], run: _Run) -> None:
        self.tensor = tensor
        self.place = place
        self.run = run

    shape, ndim, dtype, device = Operand.shape, Operand.ndim, Operand.dtype, Operand.device

    def numpy(self) -> np.ndarray:
        if modes.capture is not None:
            modes.capture.looked(self.tensor)
        value = self.tensor._v
        self.run.looked.update(n for n, _ in value.aval.levels)
        return whole_on_host(value)[tuple([self.place.get(n, 0) for n, _ in value.aval.levels])]


class Number(Operand):
    """A tensor that stands for a number, which differs from sample to sample."""

    __slots__ = ()


class _Whole:
    """An operand with all samples of those levels, as host code sees it."""

    def __init__(self, tensor: Tensor, levels: Levels) -> None:
        a = tensor._v.aval
        self.sizes = tuple([size for _, size in levels])
        self.shape = (*self.sizes, *a.shape)
        self.ndim = len(self.shape)
        self.dtype, self.device = a.dtype, a.device
        self.tensor, self.levels = tensor, levels

    def numpy(self) -> np.ndarray:
        value = self.tensor._v
        array, mine = whole_on_host(value), dict(value.aval.levels)
        sizes = [size if n in mine else 1 for n, size in self.levels]
        return np.broadcast_to(array.reshape(*sizes, *value.aval.shape), self.shape)


class _Drawing:
    """A generator that notes that it was used."""

    def __init__(self, generator: Any, run: _Run) -> None:
        self._generator, self._run = generator, run

    def __getattr__(self, name: str) -> Any:
        if any(level.randomness == "error" for level in mappings()):
            raise RuntimeError(_RANDOMNESS)
        self._run.drew = True
        _break_capture()
        return getattr(self._generator, name)


def _break_capture() -> None:
    """A compiled call cannot draw these again at each replay."""
    if modes.capture is not None and mappings():
        modes.capture.give_up("random numbers are drawn inside of vmap")


class _Run:
    """What host code did so far: the levels whose numbers it looked at, and whether it drew."""

    def __init__(self) -> None:
        self.looked: set[int] = set()
        self.drew = False


def mapped_levels(seen: dict[str, Any]) -> Levels:
    """The levels that operands are mapped over."""
    found: dict[int, int] = {}
    for x in seen.values():
        for e in x if isinstance(x, list) else (x,):
            if isinstance(e, Operand):
                found.update(e.tensor._v.aval.levels)
    return tuple(sorted(found.items()))


def _at(seen: dict[str, Any], place: dict[int, int], run: _Run) -> dict[str, Any]:
    def one(x: Any) -> Any:
        if isinstance(x, Number):
            return _Sample(x.tensor, place, run).numpy().item()
        if isinstance(x, Operand):
            return _Sample(x.tensor, place, run)
        return [one(e) for e in x] if isinstance(x, list) else x

    return {name: one(x) for name, x in seen.items()}


def each_sample(
    seen: dict[str, Any], fn: Callable[[dict[str, Any]], Any], generator: Any = None
) -> tuple[list[Any], Levels]:
    """``fn`` of the arguments, sample by sample if it turns out that samples may differ, and the levels
    that were walked.

    Raises:
        RuntimeError: the numbers to draw depend on the sample, and are to be the same for all.
    """
    run = _Run()
    more = {} if generator is None else {"generator": _Drawing(generator, run)}
    found = [fn({**_at(seen, {}, run), **more})]
    sizes = {number: size for number, size in mapped_levels(seen) if number in run.looked}
    if run.drew:
        for level in mappings():
            if level.randomness == "different":
                sizes[level.number] = level.size
            elif level.number in sizes:
                raise RuntimeError(_SAME)
    levels = tuple(sorted(sizes.items()))
    places = itertools.product(*[range(size) for _, size in levels])
    for place in itertools.islice(places, 1, None):
        at = dict(zip([number for number, _ in levels], place, strict=True))
        found.append(fn({**_at(seen, at, run), **more}))
    return found, levels


def check_samples(op: OpDef, seen: dict[str, Any]) -> None:
    """The op's checks for every sample."""
    each_sample(seen, op.check)  # type: ignore[arg-type]


def prepare_samples(op: OpDef, seen: dict[str, Any]) -> dict[str, Any]:
    """The op's host work for every sample; what differs comes as mapped tensors."""
    key = op.fn.__name__
    if key == "masked_select" and seen["mask"].tensor._v.aval.levels:
        raise RuntimeError(_REFUSED[key])
    on = next((x.device for x in seen.values() if isinstance(x, Operand)), default_device())
    prepare: Callable[..., Any] = op.prepare  # type: ignore[assignment]
    if key in _WHOLE:
        levels = _drawn_levels(mapped_levels(seen))
        args = {
            n: _Whole(x.tensor, levels) if isinstance(x, Operand) else x for n, x in seen.items()
        }
        return _tensors(prepare(args), levels, on)
    found, levels = each_sample(seen, prepare, seen["generator"])
    if not levels:
        return found[0]
    made = {}
    for name, x in found[0].items():
        is_array = isinstance(x, np.ndarray)
        made[name] = _stacked([each[name] for each in found], levels) if is_array else x
    return _tensors(made, levels, on)


def _drawn_levels(mapped: Levels) -> Levels:
    """The levels that random numbers differ over.

    Raises:
        RuntimeError: a level allows none, or wants the same for operands that differ.
    """
    _break_capture()
    found = {}
    for level in reversed(mappings()):
        if level.randomness == "error":
            raise RuntimeError(_RANDOMNESS)
        if level.randomness == "different":
            found[level.number] = level.size
        elif level.number in dict(mapped):
            raise RuntimeError(_SAME)
    return tuple(sorted(found.items()))


def _stacked(arrays: Sequence[np.ndarray], levels: Levels) -> np.ndarray:
    shape = arrays[0].shape
    for i, a in enumerate(arrays):
        if a.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(a.shape)} at entry {i}"
            )
    return np.stack(arrays).reshape(*[size for _, size in levels], *shape)


def _tensors(made: dict[str, Any], levels: Levels, on: Any) -> dict[str, Any]:
    return {k: mapped(v, levels, on) if isinstance(v, np.ndarray) else v for k, v in made.items()}


def mapped(array: np.ndarray, levels: Levels, on: Any) -> Tensor:
    """A tensor that is mapped over the array's leading dims."""
    depth = len(levels)
    a = aval(array.shape[depth:], from_np(array.dtype), on, levels=levels)
    return wrap(Value(a, array))


# --- ops that run in NumPy -----------------------------------------------------------------------


def host_mapped(
    op: OpDef, seen: dict[str, Any], fn: Callable[[dict[str, Any]], Any]
) -> tuple[Any, Levels]:
    """What ``fn`` makes of the arguments, for all samples, and the levels in front of its arrays."""
    key = op.fn.__name__
    levels = mapped_levels(seen)
    if levels and key in _REFUSED:
        raise RuntimeError(_REFUSED[key])
    if "generator" in seen:
        return _drawn(op, seen, fn, levels)
    if not levels:
        return fn(seen), ()
    if op.creation and not any(isinstance(x, Number) for x in seen.values()):
        sizes = tuple([size for _, size in levels])
        made = np.asarray(fn(seen))
        return np.array(np.broadcast_to(made, (*sizes, *made.shape))), levels
    found, walked = each_sample(seen, fn)
    return (_stacked_all(found, walked), walked) if walked else (found[0], ())


def _stacked_all(found: Sequence[Any], levels: Levels) -> Any:
    if isinstance(found[0], (tuple, list)):
        return tuple([_stacked_all(part, levels) for part in zip(*found, strict=True)])
    return _stacked([np.asarray(x) for x in found], levels)


def _drawn(
    op: OpDef, seen: dict[str, Any], fn: Callable[[dict[str, Any]], Any], mapped: Levels
) -> tuple[Any, Levels]:
    if not mappings():
        return fn(seen), ()
    names = [p.name for p in op.params]
    if op.fill:
        return _filled(seen, fn, names[0])
    if names[0] == "input" and op.creation:  # rand_like and the others: the input's shape counts
        levels = _drawn_levels(())
        return fn({**seen, "input": _Whole(seen["input"].tensor, levels)}), levels
    if "size" in names and seen["size"] is not None:
        levels = _drawn_levels(mapped)
        size = seen["size"]
        size = (size,) if isinstance(size, int) else tuple(size)
        return fn({**seen, "size": (*[n for _, n in levels], *size)}), levels
    found, walked = each_sample(seen, fn, seen["generator"])
    return (_stacked_all(found, walked), walked) if walked else (found[0], ())


def _filled(seen: dict[str, Any], fn: Callable[..., Any], name: str) -> tuple[Any, Levels]:
    """New contents for a tensor in place."""
    tensor = seen[name].tensor
    own = dict(tensor._v.aval.levels)
    drawn = _drawn_levels(())
    if any(n not in own for n, _ in drawn):
        raise RuntimeError(_UNMAPPED)
    args = {n: _Whole(x.tensor, drawn) if isinstance(x, Operand) else x for n, x in seen.items()}
    return fn(args), drawn


def is_mapping(seen: dict[str, Any]) -> bool:
    """Whether host work has to mind a ``vmap``."""
    return any(type(t) is Mapping for t in modes.transforms) or bool(mapped_levels(seen))
