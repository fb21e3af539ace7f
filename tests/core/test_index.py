"""``x[index]`` and ``x[index] = value`` against PyTorch, with random tensors and random indices."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

import torchlike
from torchlike.core import index as indexing

LIMIT = settings(max_examples=50, deadline=None, derandomize=True)


class Tensors:
    """A tensor inside an index, to be made by either library."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __repr__(self) -> str:
        return f"tensor({self.array.tolist()}, {self.array.dtype})"


def made(item, library):
    if isinstance(item, Tensors):
        return library.tensor(item.array.tolist(), dtype=getattr(library, item.array.dtype.name))
    if isinstance(item, tuple):
        return tuple(made(i, library) for i in item)
    return item


@st.composite
def item_for(draw, n: int):
    """One item for a dim of size n, sometimes out of range."""
    place = st.integers(-n - (draw(st.integers(0, 9)) == 0), max(n - 1, 0))
    end = st.none() | st.integers(-n - 2, n + 2)
    kind = draw(
        st.sampled_from(["int", "slice", "slice", "list", "ints", "int0", "mask", "masklist"])
    )
    if kind == "int":
        return draw(place)
    if kind == "slice":
        return slice(draw(end), draw(end), draw(st.none() | st.integers(1, 3)))
    if kind == "list":
        return draw(st.lists(place, max_size=3))
    if kind == "ints":
        shape = draw(st.sampled_from([(0,), (1,), (2,), (3,), (2, 1), (2, 3)]))
        values = [draw(place) for _ in range(int(np.prod(shape)))]
        return Tensors(np.array(values, draw(st.sampled_from([np.int64, np.int32]))).reshape(shape))
    if kind == "int0":
        return Tensors(np.array(draw(place)))
    mask = [draw(st.booleans()) for _ in range(n)]
    return mask if kind == "masklist" and mask else Tensors(np.array(mask, np.bool_))


@st.composite
def cases(draw):
    shape = tuple(draw(st.lists(st.sampled_from([0, 1, 3, 4]), max_size=3)))
    count = draw(st.integers(0, len(shape)))
    items = []
    for d in range(count):
        items.append(draw(item_for(shape[d])))
    if count >= 2 and draw(st.integers(0, 5)) == 0:
        at = draw(st.integers(0, count - 2))
        mask = [draw(st.booleans()) for _ in range(shape[at] * shape[at + 1])]
        items[at : at + 2] = [Tensors(np.array(mask, np.bool_).reshape(shape[at : at + 2]))]
    for extra in (None, ..., True, False):
        if draw(st.integers(0, 6)) == 0:
            items.insert(draw(st.integers(0, len(items))), extra)
    single = len(items) == 1 and draw(st.booleans())
    return shape, items[0] if single else tuple(items)


def outcome(run, library):
    """The result, or the kind of exception and its first line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return run(library)
        except (IndexError, RuntimeError, ValueError, TypeError) as error:
            return type(error).__name__, str(error).split("\n")[0]


def filled(shape, library, requires_grad=False):
    x = library.arange(float(np.prod(shape, dtype=int))).reshape(shape).clone()
    return x.requires_grad_() if requires_grad else x


def same(ours, theirs) -> None:
    if isinstance(theirs, tuple):
        assert isinstance(ours, tuple), (ours, theirs)
        assert ours[0] == theirs[0], (ours, theirs)
        return
    assert not isinstance(ours, tuple), (ours, theirs)
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy())


@LIMIT
@given(cases())
def test_read(case) -> None:
    shape, index = case

    def run(library):
        return filled(shape, library)[made(index, library)]

    ours, theirs = outcome(run, torchlike), outcome(run, torch)
    same(ours, theirs)
    if not isinstance(theirs, tuple) and theirs.numel() and theirs._is_view():
        assert tuple(ours.stride()) == theirs.stride()
        assert ours.storage_offset() == theirs.storage_offset()


@LIMIT
@given(cases())
def test_gradient(case) -> None:
    shape, index = case

    def run(library):
        x = filled(shape, library, requires_grad=True)
        y = x[made(index, library)]
        (y * y.detach().cos()).sum().backward()
        return x.grad

    ours, theirs = outcome(run, torchlike), outcome(run, torch)
    if isinstance(theirs, tuple):
        same(ours, theirs)
    else:
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-5)


@LIMIT
@given(cases(), st.data())
def test_write(case, data) -> None:
    shape, index = case
    target = outcome(lambda library: filled(shape, library)[made(index, library)], torch)
    if isinstance(target, tuple):
        size = ()
    else:
        size = tuple(target.shape)[data.draw(st.integers(0, target.ndim)) :]
        size = tuple(1 if data.draw(st.integers(0, 4)) == 0 else n for n in size)
        size = (1,) * data.draw(st.integers(0, 1)) + size
    number = data.draw(st.booleans())

    def run(library):
        x = filled(shape, library)
        x[made(index, library)] = -1.5 if number else -1 - filled(size, library)
        return x

    same(outcome(run, torchlike), outcome(run, torch))


@LIMIT
@given(cases())
def test_write_gradient(case) -> None:
    shape, index = case

    def run(library):
        x = filled(shape, library, requires_grad=True)
        v = library.tensor(2.0, requires_grad=True)
        y = x * 3
        y[made(index, library)] = v * 2
        (y * filled(shape, library).cos()).sum().backward()
        return library.cat(
            [x.grad.flatten(), library.zeros(1) if v.grad is None else v.grad.reshape(1)]
        )

    ours, theirs = outcome(run, torchlike), outcome(run, torch)
    if isinstance(theirs, tuple):
        same(ours, theirs)
    else:
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-4)


@LIMIT
@given(cases())
def test_write_through_a_view(case) -> None:
    shape, index = case

    def run(library):
        x = filled((*shape, 2), library)
        v = x[..., 1]
        v = v.transpose(0, -1) if v.ndim else v
        v[made(index, library)] = -7
        return x

    same(outcome(run, torchlike), outcome(run, torch))


MESSAGES = {
    "x[9]": lambda x, t: x[9],
    "x[-9]": lambda x, t: x[-9],
    "x[0, 0, 0]": lambda x, t: x[0, 0, 0],
    "x[:, 9]": lambda x, t: x[:, 9],
    "x[None, :, 9]": lambda x, t: x[None, :, 9],
    "x[tensor(5)]": lambda x, t: x[t.tensor(5)],
    "x[tensor([9])]": lambda x, t: x[t.tensor([9])],
    "x[[0, 9]]": lambda x, t: x[[0, 9]],
    "x[i, j] of other shapes": lambda x, t: x[t.tensor([0, 1]), t.tensor([0, 1, 2])],
    "x[mask] of another shape": lambda x, t: x[t.tensor([True, False])],
    "x[mask 2d] of another shape": lambda x, t: x[t.ones(4, 3) > 0],
    "x[1.5]": lambda x, t: x[1.5],
    "x[float tensor]": lambda x, t: x[t.tensor([1.5])],
    "x[::-1]": lambda x, t: x[::-1],
    "x[::0]": lambda x, t: x[::0],
    "x[0:1.5]": lambda x, t: x[0:1.5],
    "x['a']": lambda x, t: x["a"],
    "x[{}]": lambda x, t: x[{}],
    "0-d[0]": lambda x, t: x[0, 0][0],
    "0-d[:]": lambda x, t: x[0, 0][:],
    "x[0] = list": lambda x, t: x.__setitem__(0, [1, 2]),
    "x[0] = str": lambda x, t: x.__setitem__(0, "a"),
    "x[0] = ndarray": lambda x, t: x.__setitem__(0, np.ones(6)),
    "x[0] = too long": lambda x, t: x.__setitem__(0, t.ones(2)),
    "x[0] = complex": lambda x, t: x.__setitem__(0, 1j),
    "x[mask] = too long": lambda x, t: x.__setitem__(x > 4, t.ones(3)),
    "x[ints] = other dtype": lambda x, t: x.__setitem__(t.tensor([0, 1]), t.tensor(1)),
    "x[ints] = too long": lambda x, t: x.__setitem__([0, 1], t.ones(3)),
    "x[ints out of range] = 1": lambda x, t: x.__setitem__([0, 9], 1),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name: str) -> None:
    def run(library):
        return MESSAGES[name](filled((4, 6), library), library)

    ours, theirs = outcome(run, torchlike), outcome(run, torch)
    assert isinstance(theirs, tuple)
    assert ours == theirs


def test_state_is_kept_when_a_write_fails() -> None:
    x = filled((4, 6), torchlike)
    before = x.numpy().copy()
    for index, value in (([0, 9], 1), (9, 1), (0, torchlike.ones(2))):
        with pytest.raises((IndexError, RuntimeError)):
            x[index] = value
    np.testing.assert_array_equal(x.numpy(), before)


def test_a_loop_over_places_stops_compiling() -> None:
    """The first places are static; the later ones share one program with the place as operand."""
    starts = indexing.Starts()
    static = [starts.is_static("kind", i) for i in range(20)]
    assert static == [True] * indexing.STATIC_STARTS + [False] * (20 - indexing.STATIC_STARTS)
    assert starts.is_static("kind", 0)

    x, y = filled((3, 40), torchlike), filled((3, 40), torch)
    from torchlike.core.registry import OPS

    for t in range(40):
        x[:, t] = x[:, t] * 2 + t
        y[:, t] = y[:, t] * 2 + t
    calls = sum(1 for key in OPS["select"].calls if key[1].shape == (3, 40))
    assert calls == indexing.STATIC_STARTS
    np.testing.assert_array_equal(x.numpy(), y.numpy())
    for t in range(30):
        np.testing.assert_array_equal(x[:, t : t + 8 : 2].numpy(), y[:, t : t + 8 : 2].numpy())
