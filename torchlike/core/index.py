"""``x[index]`` and ``x[index] = value``.

An index becomes a chain of views and, if it holds tensors, one ``index`` or ``index_put_`` at the
end.
"""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

from .build import from_host, tensor as make_tensor
from .dispatch import invoke
from .dtypes import TYPE_NAMES, bool_, int64, uint8
from .modes import modes
from .registry import OPS
from .tensor import Tensor
from .viewing import call_view
from .write import check_overlap, check_writable, inplace, write

STATIC_STARTS = 4  # programs compiled for fixed places before a place becomes an operand

_NO_INDEX = (
    "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
    "indices (got {})"
)


class Starts:
    """Decides whether a place is baked into the program or an operand of it.

    A loop over ``x[:, t]`` would compile a program for every t: the first few places per shape and
    kind of index are static, which XLA turns into free views, later ones are operands.
    """

    def __init__(self) -> None:
        self._seen: dict[Any, set[int]] = {}

    def is_static(self, kind: Any, start: int) -> bool:
        seen = self._seen.get(kind)
        if seen is None:
            seen = self._seen[kind] = set()
        if start in seen:
            return True
        if len(seen) < STATIC_STARTS:
            seen.add(start)
            return True
        return False


_starts = Starts()


# --- views -----------------------------------------------------------------------------------


def _select(t: Tensor, dim: int, i: int, shown: int) -> Tensor:
    """One index of a dim; ``shown`` is the dim's number in the user's index."""
    shape = t._v.aval.shape
    if not shape:
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` "
            "in C++ to "
            "convert a 0-dim tensor to a number"
        )
    n = shape[dim]
    if not -n <= i < n:
        raise IndexError(f"index {i} is out of bounds for dimension {shown} with size {n}")
    if i < 0:
        i += n
    if _starts.is_static((shape, dim), i):
        return call_view(OPS["select"], (t,), (dim, i))
    return call_view(OPS["select_at"], (t, i), (dim,))


def _bounds(s: slice, n: int) -> tuple[int, int, int]:
    """(first, count, step) of a slice of a dim of size n."""
    if s.step is None:
        step = 1
    else:
        step = operator.index(s.step)
        if step == 0:
            raise ValueError("slice step cannot be zero")
        if step < 0:
            raise ValueError("step must be greater than zero")
    try:
        first, last, _ = s.indices(n)
    except TypeError:
        for end in (s.start, s.stop):
            if isinstance(end, Tensor):
                end.__index__()  # says why a tensor is no end
        raise TypeError(
            "slice indices must be integers or None or have an __index__ method"
        ) from None
    return first, max(-(-(last - first) // step), 0), step


def _slice(t: Tensor, dim: int, s: slice, always: bool) -> Tensor:
    shape = t._v.aval.shape
    if not shape:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    n = shape[dim]
    first, count, step = _bounds(s, n)
    if count == n and step == 1 and not always:
        return t
    if count == 0:
        first = min(first, n)
        return call_view(OPS["slice_view"], (t,), (dim, first, first, 1))
    if count == n or _starts.is_static((shape, dim, count, step), first):
        return call_view(
            OPS["slice_view"], (t,), (dim, first, first + (count - 1) * step + 1, step)
        )
    return call_view(OPS["slice_at"], (t, first), (dim, count, step))


def _alias(t: Tensor) -> Tensor:
    return call_view(OPS["alias"], (t,), ())


# --- what an index means -----------------------------------------------------------------------


def _is_tuple_in_disguise(index: Any) -> bool:
    """PyTorch reads a list that holds slices, tensors, sequences, None or ... as a tuple."""
    if isinstance(index, (Tensor, np.ndarray)) or not _is_sequence(index) or len(index) >= 32:
        return False
    for item in index:
        if (
            isinstance(item, (Tensor, slice))
            or item is None
            or item is Ellipsis
            or _is_sequence(item)
        ):
            warnings.warn(
                "Using a non-tuple sequence for multidimensional indexing is deprecated and will "
                "be changed "
                "in pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be "
                "interpreted as tensor index, x[torch.tensor(seq)], which will result either in an "
                "error or "
                "a different result",
                UserWarning,
                stacklevel=4,
            )
            return True
    return False


def _is_sequence(x: Any) -> bool:
    return isinstance(x, (list, tuple, range, str, bytes, np.ndarray))


def _items(index: Any) -> tuple[Any, ...]:
    if isinstance(index, tuple):
        return index
    return tuple(index) if _is_tuple_in_disguise(index) else (index,)


def _normal_item(item: Any, t: Tensor) -> Any:
    """An int, slice, None, Ellipsis, bool or Tensor.

    Raises:
        IndexError, TypeError: it is no index.
    """
    if item is None or item is Ellipsis or isinstance(item, (bool, slice)):
        return item
    if isinstance(item, Tensor):
        return _normal_tensor(item, t)
    if isinstance(item, (int, np.integer)):
        return int(item)
    if isinstance(item, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(item).__name__}'")
    if isinstance(item, np.ndarray):
        return _normal_tensor(from_host(np.array(item)), t)
    if _is_sequence(item):
        return _from_sequence(item, t)
    try:
        return operator.index(item)
    except TypeError:
        kind = type(item)
        name = f"numpy.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__
        raise IndexError(_NO_INDEX.format(name)) from None


def _from_sequence(item: Any, t: Tensor) -> Tensor:
    made = make_tensor(list(item))
    if made.dtype.category > int64.category or made.numel() == 0:
        made = made.to(int64)  # type: ignore[attr-defined]
    return _normal_tensor(made, t)


def _normal_tensor(item: Tensor, t: Tensor) -> Any:
    """A 0-d tensor as an int or bool; traced ones stay."""
    a = item._v.aval
    if (
        a.ndim == 0
        and a.dtype.category <= int64.category
        and not a.traced
        and not a.levels
        and modes.capture is None
    ):
        value = item.item()  # type: ignore[attr-defined]
        return bool(value) if a.dtype in (bool_, uint8) else value
    if a.dtype is uint8:
        warnings.warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool "
            "instead.",
            UserWarning,
            stacklevel=5,
        )
    return item if a.device is t.device else item.to(t.device)  # type: ignore[attr-defined]


def _width(item: Any) -> int:
    """How many dims of the tensor an item stands for."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.ndim if _is_mask(item) else 1


def _is_mask(item: Any) -> bool:
    return isinstance(item, Tensor) and item.dtype in (bool_, uint8)


def _sliced(t: Tensor, index: Any) -> tuple[Tensor, list[Tensor | None]]:
    """The view that the basic items make, and the tensors that index its dims (None: whole)."""
    items = [_normal_item(item, t) for item in _items(index)]
    ndim = t.ndim
    width = sum(_width(item) for item in items)
    if width > ndim:
        if not ndim and all(isinstance(item, slice) for item in items):
            raise IndexError("slice() cannot be applied to a 0-dim tensor.")
        if not ndim and len(items) == 1:
            return _select(t, 0, 0, 0), []
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    view, dim, picked = t, 0, 0
    tensors: list[Tensor | None] = []
    for item in items:
        if item is Ellipsis:
            dim += ndim - width
        elif item is None:
            view, dim = invoke("unsqueeze", view, dim), dim + 1
        elif isinstance(item, bool):
            view = invoke("unsqueeze", view, dim)
            places = from_host(np.zeros(int(item), np.int64), device=t.device)
            tensors += [None] * (dim - len(tensors)) + [places]
            dim += 1
        elif isinstance(item, int):
            view, picked = _select(view, dim, item, dim + picked), picked + 1
        elif isinstance(item, slice):
            view, dim = _slice(view, dim, item, False), dim + 1
        else:
            tensors += [None] * (dim - len(tensors)) + [item]
            span = item.ndim if _is_mask(item) else 1
            tensors += [None] * (span - 1)  # taken away again when the mask is replaced
            dim += span
    return view, tensors


def _positions(view: Tensor, tensors: list[Tensor | None]) -> list[Tensor | None]:
    """The tensors with each mask replaced by the places where it is true."""
    if not any(_is_mask(i) for i in tensors):
        return tensors
    if any(i is not None and _is_mask(i) and i._v.aval.levels for i in tensors):
        raise RuntimeError(
            "vmap: We do not support batching operators that can support dynamic shape. Attempting to batch "
            "over indexing with a boolean mask."
        )
    from ..ops.indexing import unmasked

    kept: list[Tensor | None] = []
    skip = 0
    for i in tensors:
        if skip:
            skip -= 1
            continue
        kept.append(i)
        if i is not None and _is_mask(i):
            skip = i.ndim - 1
    return unmasked(tuple(view.shape), kept)


# --- reading ---------------------------------------------------------------------------------


def _is_plain(index: Any, t: Tensor) -> bool:
    """A tensor that ``index`` takes as it is."""
    if not isinstance(index, Tensor) or not t.ndim:
        return False
    a = index._v.aval
    return a.dtype is int64 and a.ndim > 0 and a.device is t.device


def getitem(self: Tensor, index: Any) -> Tensor:
    """``self[index]``: a view for ints, slices, None and ...; a copy for tensors, lists and masks.

    Raises:
        IndexError: out of range, too many indices, or no index at all.
        ValueError: a slice with a step below 1.
    """
    kind = type(index)
    if kind is int:
        return _select(self, 0, index, 0)
    if kind is slice:
        return _slice(self, 0, index, True)
    if index is None:
        return invoke("unsqueeze", self, 0)
    if index is Ellipsis:
        return _alias(self)
    if _is_plain(index, self):
        return invoke("index", self, [index])
    view, tensors = _sliced(self, index)
    if tensors:
        return invoke("index", view, _positions(view, tensors))
    return _alias(self) if view is self else view


# --- writing ---------------------------------------------------------------------------------


def _value_for(self: Tensor, value: Any) -> Any:
    """What is assigned: a Tensor, or a Python number."""
    if isinstance(value, (Tensor, bool, int, float, complex)):
        return value
    if isinstance(value, np.integer):
        return int(value)
    kind = type(value)
    name = f"numpy.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__
    raise TypeError(f"can't assign a {name} to a torch.{TYPE_NAMES[self.dtype.name]}Tensor")


def _without_ones(value: Tensor) -> Tensor:
    """Leading dims of size 1 may be too many."""
    shape = tuple(value.shape)
    at = next((i for i, n in enumerate(shape) if n != 1), len(shape))
    return value if at == 0 else invoke("view", value, shape[at:])


def _assign(view: Tensor, value: Any) -> None:
    """All of ``view`` becomes ``value``, broadcast and cast."""
    if not isinstance(value, Tensor):
        inplace(_filled, view, value)
        return
    if value.device is not view.device:
        value = value.to(view.device)  # type: ignore[attr-defined]
    if tuple(value.shape) != tuple(view.shape):
        value = invoke("expand", _without_ones(value), tuple(view.shape))
    check_writable(view)
    check_overlap(view, value)
    write(view, invoke("copy", view, value))


def _filled(view: Tensor, value: Any) -> Tensor:
    return invoke("fill", view, value)


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """``self[index] = value``, broadcast; tensors and masks scatter.

    Raises:
        IndexError: as in reading.
        TypeError: the value is no tensor or number.
        RuntimeError: it cannot be broadcast, or autograd forbids the write.
    """
    value = _value_for(self, value)
    kind = type(index)
    if kind is int:
        _assign(_select(self, 0, index, 0), value)
    elif kind is slice:
        _assign(_slice(self, 0, index, True), value)
    elif index is Ellipsis:
        _assign(self, value)
    elif index is False:
        return
    elif index is None or index is True:
        _assign(invoke("unsqueeze", self, 0), value)
    else:
        view, tensors = _sliced(self, index)
        if tensors:
            _scatter(view, tensors, value)
        else:
            _assign(view, value)


def _scatter(view: Tensor, tensors: list[Tensor | None], value: Any) -> None:
    if isinstance(value, Tensor) and value.device is not view.device:
        value = value.to(view.device)  # type: ignore[attr-defined]
    if _put_masked(view, tensors, value):
        return
    if not isinstance(value, Tensor):
        value = invoke("fill", from_host(np.zeros((), view.dtype.np), device=view.device), value)
    elif value.ndim:
        value = _without_ones(value)
    inplace(_index_put, view, _positions(view, tensors), value)


def _index_put(view: Tensor, places: list[Tensor | None], value: Tensor) -> Tensor:
    return invoke("index_put", view, places, value)


def _put_masked(view: Tensor, tensors: list[Tensor | None], value: Any) -> bool:
    """One mask and one value for all true places: a select, without looking at the mask."""
    mask = next((i for i in tensors if i is not None), None)
    if mask is None or not _is_mask(mask) or sum(i is not None for i in tensors) > 1:
        return False
    at = tensors.index(mask) if mask is tensors[0] else next(
        i for i, m in enumerate(tensors) if m is mask
    )  # fmt: skip
    rest = view.ndim - at - mask.ndim
    if tuple(view.shape)[at : at + mask.ndim] != tuple(mask.shape):
        return False  # index_put says what is wrong
    single = not isinstance(value, Tensor) or value.numel() == 1
    if not single and (at or _meaningful_ndim(value) > rest or value.dtype is not view.dtype):
        return False
    if mask.dtype is uint8:
        mask = mask.to(bool_)  # type: ignore[attr-defined]
    if rest:
        mask = invoke("view", invoke("clone", mask), (*mask.shape, *(1,) * rest))
    if single:
        if isinstance(value, Tensor) and value.ndim:
            value = invoke("reshape", value, ())
        inplace(_masked_fill, view, mask, value)
    else:
        tail = tuple(view.shape)[view.ndim - rest :]
        value = _without_ones(value)
        if not _broadcasts(tuple(value.shape), tail):
            return False
        inplace(_where, view, mask, value)
    return True


def _masked_fill(view: Tensor, mask: Tensor, value: Any) -> Tensor:
    return invoke("masked_put", view, mask, value)


def _where(view: Tensor, mask: Tensor, value: Tensor) -> Tensor:
    return invoke("where", mask, value, view)


def _meaningful_ndim(value: Tensor) -> int:
    shape = tuple(value.shape)
    return len(shape) - next((i for i, n in enumerate(shape) if n != 1), len(shape))


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return len(shape) <= len(to) and all(
        n in (1, m) for n, m in zip(reversed(shape), reversed(to), strict=False)
    )


def install() -> None:
    """Gives Tensor its ``[]``. Called once, with the other members."""
    Tensor.__getitem__ = getitem  # type: ignore[attr-defined]
    Tensor.__setitem__ = setitem  # type: ignore[attr-defined]
